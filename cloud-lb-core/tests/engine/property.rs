use std::collections::BTreeSet;

use cloud_lb_core::graph::{Graph, Resource, ResourceKey};
use cloud_lb_core::plan::{Plan, plan};
use proptest::prelude::*;
use proptest::sample::{Index, subsequence};

use crate::toy::{Toy, change};
use crate::world::World;

/// Inner resources may be referred to. Leaves may hold slots; two neighbours compete for one.
const INNER: usize = 5;
const LEAVES: usize = 4;

#[derive(Debug, Clone)]
struct Node {
    toy: Toy,
    refers: Vec<usize>,
    in_box: bool,
}

fn node(index: usize) -> impl Strategy<Value = Option<Node>> {
    let inner = index < INNER;
    let before: Vec<usize> = (0..index.min(INNER)).collect();
    let most = before.len().min(2);
    let fields = (0..2_u32, 0..2_u32, 0..2_u32, any::<bool>(), any::<bool>());
    let node = (fields, subsequence(before, 0..=most)).prop_map(move |(fields, refers)| {
        let (value, fixed, generation, in_box, has_slot) = fields;
        let toy = Toy::of("a").value(value).fixed(fixed);
        let toy = if inner { toy.generation(generation) } else { toy };
        let toy = if has_slot && !inner { toy.slot(&format!("slot {}", (index - INNER) / 2)) } else { toy };
        Node { toy, refers, in_box: in_box && !inner }
    });
    prop::option::weighted(0.7, node)
}

fn key(index: usize) -> ResourceKey {
    ResourceKey::new(if index < INNER { "Inner" } else { "Leaf" }, index.to_string())
}

/// The resources of a graph, to be added in any order.
fn resources() -> impl Strategy<Value = Vec<(ResourceKey, Resource<Toy>)>> {
    let nodes: Vec<_> = (0..INNER + LEAVES).map(node).collect();
    nodes.prop_map(|nodes| {
        let container = ResourceKey::new("Box", "box");
        let mut taken: Vec<String> = Vec::new();
        let mut resources = vec![(container.clone(), Resource::shared(Toy::of("")).in_container(&container))];
        for (index, node) in nodes.iter().enumerate().filter_map(|(i, node)| Some((i, node.clone()?))) {
            let there = |to: &usize| nodes[*to].is_some();
            let mut toy = node.toy;
            toy.slots.retain(|slot| !taken.contains(slot));
            taken.extend(toy.slots.iter().cloned());
            for to in node.refers.into_iter().filter(there) {
                toy = toy.refers(&key(to));
            }
            let resource = Resource::owned(toy);
            let resource = if node.in_box { resource.in_container(&container) } else { resource };
            resources.push((key(index), resource));
        }
        resources
    })
}

fn graph() -> impl Strategy<Value = Graph<Toy>> {
    resources().prop_map(crate::toy::graph)
}

fn planned(want: &Graph<Toy>, world: &World) -> Plan<Toy> {
    plan(want, &world.observe("a"), change).unwrap()
}

fn reach(want: &Graph<Toy>, world: &mut World) {
    let plan = planned(want, world);
    world.carry_out(&plan, usize::MAX).unwrap_or_else(|error| panic!("{error}\n{plan:#?}\n{world:#?}"));
}

/// As many steps as there are picks, in an order that their needs allow: as it may come when some run at
/// the same time.
fn carry_out_in_any_order(plan: &Plan<Toy>, world: &mut World, picks: &[Index]) {
    let mut done = BTreeSet::new();
    for pick in picks {
        let is_ready = |step: &usize| !done.contains(step) && plan.needs[*step].is_subset(&done);
        let ready: Vec<usize> = (0..plan.steps.len()).filter(is_ready).collect();
        let Some(step) = (!ready.is_empty()).then(|| *pick.get(&ready)) else { return };
        world.apply(&plan.steps[step]).unwrap_or_else(|error| panic!("{error}\n{plan:#?}\n{world:#?}"));
        done.insert(step);
    }
}

proptest! {
    #[test]
    fn steps_in_any_order_that_their_needs_allow_lead_there(
        before in graph(), want in graph(), picks in prop::collection::vec(any::<Index>(), 0..40)
    ) {
        let mut world = World::default();
        reach(&before, &mut world);
        let plan = planned(&want, &world);
        carry_out_in_any_order(&plan, &mut world, &picks);
        reach(&want, &mut world);
        prop_assert_eq!(planned(&want, &world).steps, vec![]);
        prop_assert_eq!(world.items.len(), want.iter().count());
    }

    #[test]
    fn deleting_after_some_steps_in_any_order_leaves_nothing(
        before in graph(), want in graph(), picks in prop::collection::vec(any::<Index>(), 0..20)
    ) {
        let mut world = World::default();
        reach(&before, &mut world);
        let plan = planned(&want, &world);
        carry_out_in_any_order(&plan, &mut world, &picks);
        reach(&Graph::new(), &mut world);
        prop_assert!(world.items.is_empty(), "{:?}", world);
    }

    #[test]
    fn carrying_out_a_plan_leads_to_an_empty_one(before in graph(), want in graph()) {
        let mut world = World::default();
        reach(&before, &mut world);
        reach(&want, &mut world);
        prop_assert_eq!(planned(&want, &world).steps, vec![]);
        prop_assert_eq!(world.items.len(), want.iter().count());
    }

    #[test]
    fn stopping_after_any_step_and_planning_again_leads_there_too(before in graph(), want in graph()) {
        let mut start = World::default();
        reach(&before, &mut start);
        let plan = planned(&want, &start);
        for stop in 0..=plan.steps.len() {
            let mut world = start.clone();
            world.carry_out(&plan, stop).unwrap();
            reach(&want, &mut world);
            prop_assert_eq!(planned(&want, &world).steps, vec![]);
        }
    }

    #[test]
    fn deleting_after_any_step_leaves_nothing(before in graph(), want in graph(), stop in any::<Index>()) {
        let mut world = World::default();
        reach(&before, &mut world);
        let plan = planned(&want, &world);
        world.carry_out(&plan, stop.index(plan.steps.len() + 1)).unwrap();
        reach(&Graph::new(), &mut world);
        prop_assert!(world.items.is_empty(), "{:?}", world);
    }

    #[test]
    fn the_order_of_the_input_does_not_matter(
        (one, other) in resources().prop_flat_map(|all| (Just(all.clone()), Just(all).prop_shuffle()))
    ) {
        let plan = |resources| planned(&crate::toy::graph(resources), &World::default()).steps;
        prop_assert_eq!(plan(one), plan(other));
    }
}

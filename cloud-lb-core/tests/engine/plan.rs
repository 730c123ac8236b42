use cloud_lb_core::error::{ErrorKind, Retry};
use cloud_lb_core::graph::{Graph, Owner, Resource};
use cloud_lb_core::plan::{self, Have, Observed, Op, Ownership, Plan};
use cloud_lb_core::{Error, Result};

use crate::toy::{Toy, chain, change, graph, key};
use crate::world::World;

fn plan(want: &Graph<Toy>, have: &Observed<Toy>) -> Result<Plan<Toy>> {
    plan::plan(want, have, change)
}

fn refusal(want: &Graph<Toy>, have: &Observed<Toy>) -> Error {
    plan(want, have).expect_err("the plan must be refused")
}

/// The world after the graph was made real.
fn world(of: &Graph<Toy>) -> World {
    let mut world = World::default();
    let plan = plan(of, &world.observe("a")).unwrap();
    world.carry_out(&plan, usize::MAX).unwrap();
    world
}

fn shown(plan: &Plan<Toy>) -> Vec<String> {
    plan.steps.iter().map(|step| format!("{} {}", step.action.op(), step.key.kind)).collect()
}

/// Plans from a world where `before` is real, checks the steps, and that they lead to the goal.
fn assert_steps(before: &Graph<Toy>, want: &Graph<Toy>, steps: &[&str]) {
    let mut world = world(before);
    let planned = plan(want, &world.observe("a")).unwrap();
    assert_eq!(shown(&planned), steps);
    world.carry_out(&planned, usize::MAX).unwrap();
    assert_eq!(shown(&plan(want, &world.observe("a")).unwrap()), [""; 0], "a second plan is empty");
}

#[test]
fn creates_come_after_what_they_refer_to_and_deletes_before() {
    let all = chain(Toy::of("a"));
    assert_steps(&Graph::new(), &all, &["create Pool", "create Front", "create Rule"]);
    assert_steps(&all, &Graph::new(), &["delete Rule", "delete Front", "delete Pool"]);
}

#[test]
fn a_resource_waits_for_what_it_is_said_to_come_after() {
    let first = graph([
        (key("A"), Resource::owned(Toy::of("a")).after(&key("B"))),
        (key("B"), Resource::owned(Toy::of("a"))),
    ]);
    assert_steps(&Graph::new(), &first, &["create B", "create A"]);
}

#[test]
fn an_update_tells_the_fields_and_keeps_the_ids() {
    let world = world(&chain(Toy::of("a")));
    let planned = plan(&chain(Toy::of("a").value(7)), &world.observe("a")).unwrap();
    assert_eq!(shown(&planned), ["update Pool"]);
    assert_eq!(planned.steps[0].why, "value differs");
    assert_eq!(planned.steps[0].fields[0].path, "value");
    assert_eq!(planned.steps[0].outputs["id"], "Pool-1");
}

#[test]
fn who_holds_a_slot_goes_before_the_new_holder_comes() {
    let tcp = graph([(key("Tcp"), Resource::owned(Toy::of("a").slot("80")))]);
    let udp = graph([(key("Udp"), Resource::owned(Toy::of("a").slot("80")))]);
    assert_steps(&tcp, &udp, &["delete Tcp", "create Udp"]);
}

#[test]
fn what_needs_no_slot_goes_last() {
    let old = graph([(key("Old"), Resource::owned(Toy::of("a").slot("80")))]);
    let new = graph([(key("Pool"), Resource::owned(Toy::of("a").slot("81")))]);
    assert_steps(&old, &new, &["create Pool", "delete Old"]);
}

#[test]
fn a_slot_passes_from_one_wanted_resource_to_another() {
    let before = graph([(key("B"), Resource::owned(Toy::of("a").slot("80")))]);
    let want = graph([
        (key("A"), Resource::owned(Toy::of("a").slot("80"))),
        (key("B"), Resource::owned(Toy::of("a").slot("81"))),
    ]);
    assert_steps(&before, &want, &["update B", "create A"]);
}

#[test]
fn replacing_delete_first_takes_the_dependents_along() {
    assert_steps(
        &chain(Toy::of("a")),
        &chain(Toy::of("a").fixed(1)),
        &["delete Rule", "delete Front", "delete Pool", "create Pool", "create Front", "create Rule"],
    );
}

#[test]
fn replacing_create_first_repoints_the_dependents() {
    assert_steps(
        &chain(Toy::of("a")),
        &chain(Toy::of("a").generation(1)),
        &["create Pool", "update Front", "delete Pool"],
    );
}

#[test]
fn an_interrupted_create_first_goes_on_where_it_stopped() {
    let want = chain(Toy::of("a").generation(1));
    let mut world = world(&chain(Toy::of("a")));
    let planned = plan(&want, &world.observe("a")).unwrap();
    world.carry_out(&planned, 1).unwrap();
    let resumed = plan(&want, &world.observe("a")).unwrap();
    assert_eq!(shown(&resumed), ["update Front", "delete Pool"]);
    assert_eq!(resumed.steps[1].why, "was replaced before, and is left over");
    world.carry_out(&resumed, usize::MAX).unwrap();
    assert_eq!(shown(&plan(&want, &world.observe("a")).unwrap()), [""; 0]);
}

#[test]
fn an_interrupted_create_first_can_be_taken_back_or_deleted() {
    let mut world = world(&chain(Toy::of("a")));
    let planned = plan(&chain(Toy::of("a").generation(1)), &world.observe("a")).unwrap();
    world.carry_out(&planned, 1).unwrap();
    let back = plan(&chain(Toy::of("a")), &world.observe("a")).unwrap();
    assert_eq!(shown(&back), ["delete Pool"]);
    assert_eq!(back.steps[0].outputs["id"], "Pool-4", "the new one goes, the old one is used");
    let none = plan(&Graph::new(), &world.observe("a")).unwrap();
    world.carry_out(&none, usize::MAX).unwrap();
    assert!(world.items.is_empty(), "{world:?}");
}

#[test]
fn foreign_resources_in_our_place_are_refused() {
    let mut world = World::default();
    world.place_foreign(key("Pool"), Toy::of("z"));
    let error = refusal(&chain(Toy::of("a")), &world.observe("a"));
    assert_eq!((error.kind(), error.retry()), (ErrorKind::Ownership, Retry::Never));
    assert_eq!(error.to_string(), "Pool/x: exists and belongs to somebody; it is left alone");
}

#[test]
fn foreign_resources_in_our_slot_are_refused() {
    let mut world = World::default();
    world.place_foreign(key("Theirs"), Toy::of("z").slot("port 80"));
    let want = graph([(key("Ours"), Resource::owned(Toy::of("a").slot("port 80")))]);
    let error = refusal(&want, &world.observe("a"));
    assert_eq!(
        error.to_string(),
        "Theirs/x: belongs to somebody and holds port 80, which Ours/x needs; it is left alone"
    );
}

#[test]
fn foreign_resources_that_are_not_in_the_way_are_left_alone() {
    let mut world = world(&chain(Toy::of("a")));
    world.place_foreign(key("Theirs"), Toy::of("z"));
    let planned = plan(&Graph::new(), &world.observe("a")).unwrap();
    assert_eq!(shown(&planned), ["delete Rule", "delete Front", "delete Pool"]);
}

#[test]
fn unclear_ownership_is_refused_whether_wanted_or_not() {
    let mut have = world(&chain(Toy::of("a"))).observe("a");
    let ownership = Ownership::Ambiguous("two clusters claim it".to_owned());
    let spec = Toy::of("a");
    have.add(key("Odd"), Have { spec, ownership, container: None, outputs: [].into(), uses: [].into() });
    for want in [Graph::new(), chain(Toy::of("a"))] {
        assert_eq!(refusal(&want, &have).to_string(), "Odd/x: two clusters claim it");
    }
}

#[test]
fn two_owners_under_one_key_are_refused() {
    let mut have = Observed::new();
    for ownership in [Ownership::Service, Ownership::Foreign("somebody".to_owned())] {
        have.add(
            key("Pool"),
            Have { spec: Toy::of("a"), ownership, container: None, outputs: [].into(), uses: [].into() },
        );
    }
    assert_eq!(refusal(&Graph::new(), &have).kind(), ErrorKind::Ownership);
}

#[test]
fn two_equal_resources_under_one_key_are_refused() {
    let mut world = world(&chain(Toy::of("a")));
    let twin = world.items[0].clone();
    world.items.push(twin);
    let error = refusal(&chain(Toy::of("a")), &world.observe("a"));
    assert_eq!(error.kind(), ErrorKind::Ownership);
    assert_eq!(error.resource(), Some("Pool/x"));
}

fn with_shared(service: &str, shared: Toy) -> Graph<Toy> {
    graph([
        (key("Shared"), Resource::shared(shared)),
        (key("Rule"), Resource::owned(Toy::of(service).refers(&key("Shared")))),
    ])
}

#[test]
fn what_others_use_is_kept_and_the_last_user_deletes_it() {
    let mut world = world(&with_shared("a", Toy::of("")));
    let other = plan(&with_shared("b", Toy::of("")), &world.observe("b")).unwrap();
    assert_eq!(shown(&other), ["create Rule"]);
    world.carry_out(&other, usize::MAX).unwrap();
    for (service, steps) in [("a", vec!["delete Rule"]), ("b", vec!["delete Rule", "delete Shared"])] {
        let planned = plan(&Graph::new(), &world.observe(service)).unwrap();
        assert_eq!(shown(&planned), steps);
        world.carry_out(&planned, usize::MAX).unwrap();
    }
    assert!(world.items.is_empty(), "{world:?}");
}

#[test]
fn what_others_use_is_not_deleted_first_but_can_be_created_first() {
    let mut world = world(&with_shared("a", Toy::of("")));
    let other = plan(&with_shared("b", Toy::of("")), &world.observe("b")).unwrap();
    world.carry_out(&other, usize::MAX).unwrap();
    let error = refusal(&with_shared("a", Toy::of("").fixed(1)), &world.observe("a"));
    assert_eq!(error.kind(), ErrorKind::InUse);
    for (service, steps) in
        [("a", vec!["create Shared", "update Rule"]), ("b", vec!["update Rule", "delete Shared"])]
    {
        let want = with_shared(service, Toy::of("").generation(1));
        let planned = plan(&want, &world.observe(service)).unwrap();
        assert_eq!(shown(&planned), steps, "service {service}");
        world.carry_out(&planned, usize::MAX).unwrap();
    }
    assert_eq!(world.items.iter().filter(|item| item.key == key("Shared")).count(), 1);
}

#[test]
fn parts_of_one_container_stand_together() {
    let mut want = graph([(key("Box"), Resource::shared(Toy::of("")).in_container(&key("Box")))]);
    for kind in ["A", "C"] {
        want.add(key(kind), Resource::owned(Toy::of("a")).in_container(&key("Box"))).unwrap();
    }
    want.add(key("B"), Resource::owned(Toy::of("a"))).unwrap();
    want.add(key("D"), Resource::owned(Toy::of("a")).after(&key("A"))).unwrap();
    assert_steps(&Graph::new(), &want, &["create B", "create Box", "create A", "create C", "create D"]);
    let planned = plan(&want, &Observed::new()).unwrap();
    assert_eq!(planned.steps[1].owner, Owner::Cluster);
}

#[test]
fn references_that_lead_nowhere_or_in_a_circle_are_bugs() {
    let nowhere = graph([(key("A"), Resource::owned(Toy::of("a").refers(&key("B"))))]);
    assert_eq!(
        refusal(&nowhere, &Observed::new()).to_string(),
        "A/x refers to B/x, which is not in the graph"
    );
    let circle = graph([
        (key("A"), Resource::owned(Toy::of("a").refers(&key("B")))),
        (key("B"), Resource::owned(Toy::of("a").refers(&key("A")))),
    ]);
    let error = refusal(&circle, &Observed::new());
    assert_eq!(error.kind(), ErrorKind::Internal);
    assert_eq!(error.to_string(), "references run in a circle among A/x, B/x");
    assert!(chain(Toy::of("a")).add(key("Pool"), Resource::owned(Toy::of("a"))).is_err());
}

#[test]
fn the_fast_path_for_targets_only_updates_sets_of_targets() {
    let world = world(&graph([
        (key("Targets"), Resource::owned(Toy::of("a").targets())),
        (key("Other"), Resource::owned(Toy::of("a"))),
    ]));
    let want = graph([
        (key("Targets"), Resource::owned(Toy::of("a").targets().value(1))),
        (key("New"), Resource::owned(Toy::of("a").targets())),
        (key("Other"), Resource::owned(Toy::of("a").value(1))),
    ]);
    let planned = plan(&want, &world.observe("a")).unwrap().only_target_sets();
    assert_eq!(shown(&planned), ["update Targets"]);
    assert_eq!(planned.steps[0].action.op(), Op::Update);
}

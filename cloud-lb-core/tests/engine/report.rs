use cloud_lb_core::graph::{Graph, Resource};
use cloud_lb_core::plan::{PlanReport, plan};
use serde_json::json;

use crate::toy::{Toy, chain, change, graph, key};
use crate::world::World;

fn report(before: &Graph<Toy>, want: &Graph<Toy>) -> PlanReport {
    let mut world = World::default();
    let first = plan(before, &world.observe("a"), change).unwrap();
    world.carry_out(&first, usize::MAX).unwrap();
    PlanReport::of("default/web".to_owned(), &plan(want, &world.observe("a"), change).unwrap())
}

#[test]
fn text_of_a_creation() {
    insta::assert_snapshot!(report(&Graph::new(), &chain(Toy::of("a"))));
}

#[test]
fn text_of_changes() {
    let mut before = chain(Toy::of("a"));
    before.add(key("Extra"), Resource::owned(Toy::of("a"))).unwrap();
    let want = chain(Toy::of("a").generation(1).value(2));
    insta::assert_snapshot!(report(&before, &want));
}

#[test]
fn text_of_no_changes() {
    let same = chain(Toy::of("a"));
    assert_eq!(report(&same, &same).to_string(), "service default/web: no changes");
    assert!(report(&same, &same).is_empty());
}

#[test]
fn json_has_the_documented_shape() {
    let before = graph([(key("Pool"), Resource::owned(Toy::of("a")))]);
    let mut want = graph([(key("Pool"), Resource::owned(Toy::of("a").value(1)))]);
    want.add(key("Front"), Resource::owned(Toy::of("a").refers(&key("Pool")))).unwrap();
    let report = serde_json::to_value(report(&before, &want)).unwrap();
    assert_eq!(
        report,
        json!({
            "service": "default/web",
            "steps": [
                {
                    "op": "update", "kind": "Pool", "key": "Pool/x", "why": "value differs",
                    "fields": [{"path": "value", "from": 0, "to": 1}],
                },
                {
                    "op": "create", "kind": "Front", "key": "Front/x", "fields": [],
                    "why": "does not exist yet",
                },
            ],
            "resources": [
                {"kind": "Pool", "key": "Pool/x", "spec": {"value": 1, "fixed": 0, "generation": 0}},
                {
                    "kind": "Front", "key": "Front/x",
                    "spec": {
                        "value": 0, "fixed": 0, "generation": 0,
                        "inputs": [{"ref": "Pool/x", "output": "id"}],
                    },
                },
            ],
        })
    );
}

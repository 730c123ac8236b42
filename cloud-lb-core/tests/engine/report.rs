use cloud_lb_core::graph::{Graph, Resource};
use cloud_lb_core::plan::{PlanReport, Warning, plan};
use serde_json::json;

use crate::toy::{Toy, chain, change, graph, key};
use crate::world::World;

fn report(before: &Graph<Toy>, want: &Graph<Toy>) -> PlanReport {
    warned(before, want, Vec::new())
}

fn warned(before: &Graph<Toy>, want: &Graph<Toy>, warnings: Vec<Warning>) -> PlanReport {
    let mut world = World::default();
    let first = plan(before, &world.observe("a"), change).unwrap();
    world.carry_out(&first, usize::MAX).unwrap();
    PlanReport::of("default/web".to_owned(), &plan(want, &world.observe("a"), change).unwrap(), warnings)
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
fn warnings_stand_below_the_steps_and_change_nothing() {
    let warning = |message: &str| Warning { reason: "ToyBreaks", message: message.to_owned() };
    let warnings = vec![warning("of wood"), warning("of glass")];
    let same = chain(Toy::of("a"));
    let unchanged = warned(&same, &same, warnings.clone());
    assert_eq!(
        unchanged.to_string(),
        "service default/web: no changes\n  ! ToyBreaks: of wood\n  ! ToyBreaks: of glass"
    );
    assert!(unchanged.is_empty());
    let text = warned(&same, &Graph::new(), warnings).to_string();
    let end =
        "\n  ! ToyBreaks: of wood\n  ! ToyBreaks: of glass\nplan: 0 to create, 0 to update, 3 to delete";
    assert!(text.ends_with(end), "{text}");
}

#[test]
fn json_has_the_documented_shape() {
    let before = graph([(key("Pool"), Resource::owned(Toy::of("a")))]);
    let mut want = graph([(key("Pool"), Resource::owned(Toy::of("a").value(1)))]);
    want.add(key("Front"), Resource::owned(Toy::of("a").refers(&key("Pool")))).unwrap();
    let warning = Warning { reason: "ToyBreaks", message: "of glass".to_owned() };
    let report = serde_json::to_value(warned(&before, &want, vec![warning])).unwrap();
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
            "warnings": [{"reason": "ToyBreaks", "message": "of glass"}],
        })
    );
}

//! Events, in both versions, and reviews.

use serde_json::{Value, json};

use super::core;
use crate::compare::{Scenario, scenario};
use crate::step::{Patch, Step};

pub(super) fn scenarios() -> Vec<Scenario> {
    vec![old(), new(), reviews()]
}

fn event(name: &str, more: Value) -> Value {
    let mut event = json!({
        "apiVersion": "v1", "kind": "Event", "metadata": {"name": name},
        "involvedObject": {"kind": "Service", "name": "web", "namespace": "$(ns)", "apiVersion": "v1"},
        "reason": "Synced", "message": "done", "type": "Normal", "source": {"component": "cloud-lb"}, "count": 1,
        "firstTimestamp": "2026-01-01T00:00:00Z", "lastTimestamp": "2026-01-01T00:00:00Z"});
    super::merge(&mut event, more);
    event
}

fn old() -> Scenario {
    let steps = vec![
        Step::post(core("events"), event("a", json!({}))),
        Step::patch(
            core("events/a"),
            Patch::Strategic,
            json!({"count": 2, "lastTimestamp": "2026-01-01T00:01:00Z"}),
        ),
        Step::post(core("events"), event("b", json!({"involvedObject": {"namespace": "elsewhere"}}))),
        Step::post(core("events"), event("c", json!({"type": "Strange", "reason": ""}))),
        Step::get(core("events?fieldSelector=involvedObject.name%3Dweb,reason%3DSynced,type%3DNormal")),
        Step::get(core("events/a")),
        Step::get("/apis/events.k8s.io/v1/namespaces/$(ns)/events/a"),
        Step::delete(core("events/a")),
    ];
    scenario("events", steps)
}

fn new() -> Scenario {
    let path = "/apis/events.k8s.io/v1/namespaces/$(ns)/events";
    let event = |name: &str, more: Value| {
        let mut event = json!({
            "apiVersion": "events.k8s.io/v1", "kind": "Event", "metadata": {"name": name},
            "eventTime": "2026-01-01T00:00:00.000000Z", "reportingController": "example.com/cloud-lb", "reportingInstance": "x",
            "action": "Sync", "reason": "Synced", "type": "Normal", "note": "done",
            "regarding": {"kind": "Service", "name": "web", "namespace": "$(ns)"}});
        super::merge(&mut event, more);
        Step::post(path, event)
    };
    let steps = vec![
        event("a", json!({})),
        event("b", json!({"eventTime": null})),
        event(
            "c",
            json!({"type": "Strange", "action": "", "reason": "", "reportingController": "", "reportingInstance": ""}),
        ),
        event("d", json!({"reason": "r".repeat(129), "note": "n".repeat(1025)})),
        Step::patch(format!("{path}/a"), Patch::Merge, json!({"reason": "Other"})),
        Step::patch(
            format!("{path}/a"),
            Patch::Merge,
            json!({"series": {"count": 2, "lastObservedTime": "2026-01-01T00:01:00.000000Z"}}),
        ),
        Step::get(path),
        Step::get(core("events/a")),
    ];
    scenario("new-events", steps)
}

fn reviews() -> Scenario {
    let token =
        |spec: Value| json!({"apiVersion": "authentication.k8s.io/v1", "kind": "TokenReview", "spec": spec});
    let access = |spec: Value| json!({"apiVersion": "authorization.k8s.io/v1", "kind": "SubjectAccessReview", "spec": spec});
    let (tokens, accesses) =
        ("/apis/authentication.k8s.io/v1/tokenreviews", "/apis/authorization.k8s.io/v1/subjectaccessreviews");
    let path = json!({"path": "/metrics", "verb": "get"});
    let steps = vec![
        Step::post(tokens, token(json!({"token": "nobody's"}))),
        Step::post(tokens, token(json!({}))),
        Step::post(accesses, access(json!({"user": "nobody", "nonResourceAttributes": path}))),
        Step::post(accesses, access(json!({"user": "nobody"}))),
        Step::post(accesses, access(json!({"nonResourceAttributes": path}))),
        Step::get(tokens),
    ];
    scenario("reviews", steps)
}

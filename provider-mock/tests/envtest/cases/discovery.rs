//! What clients ask before they ask for objects.

use crate::compare::{Scenario, scenario};
use crate::step::Step;

const CORE: [&str; 12] = [
    "configmaps",
    "endpoints",
    "events",
    "namespaces",
    "namespaces/status",
    "nodes",
    "nodes/status",
    "pods",
    "pods/status",
    "secrets",
    "services",
    "services/status",
];
const GROUPS: [&str; 5] = [
    "authentication.k8s.io",
    "authorization.k8s.io",
    "coordination.k8s.io",
    "discovery.k8s.io",
    "events.k8s.io",
];
const AGGREGATED: &str = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList";

pub(super) fn scenarios() -> Vec<Scenario> {
    let group = |path: &str, names: &[&'static str]| Step::get(path).only("/resources", "/name", names);
    vec![
        scenario(
            "discovery",
            vec![
                group("/api/v1", &CORE),
                group("/apis/coordination.k8s.io/v1", &["leases"]),
                group("/apis/discovery.k8s.io/v1", &["endpointslices"]),
                group("/apis/events.k8s.io/v1", &["events"]),
                group("/apis/authentication.k8s.io/v1", &["tokenreviews"]),
                group("/apis/authorization.k8s.io/v1", &["subjectaccessreviews"]),
                Step::get("/apis").only("/groups", "/name", &GROUPS),
                Step::get("/apis/discovery.k8s.io"),
                Step::get("/api"),
            ],
        ),
        scenario(
            "aggregated-discovery",
            vec![
                Step::get("/apis").header("accept", AGGREGATED).only(
                    "/items",
                    "/metadata/name",
                    &["discovery.k8s.io"],
                ),
                Step::get("/apis").header("accept", AGGREGATED).only(
                    "/items",
                    "/metadata/name",
                    &["events.k8s.io"],
                ),
            ],
        ),
        scenario(
            "paths",
            vec![
                Step::get("/readyz"),
                Step::get("/livez"),
                Step::get("/healthz"),
                Step::get("/api/v1/nothing"),
                Step::get("/apis/example.com/v1"),
                Step::get("/apis/example.com/v1/namespaces/default/things"),
                Step::other("POST", "/api/v1/services", "{}"),
                Step::other("PUT", "/api/v1/namespaces/$(ns)/services", "{}"),
                Step::delete("/apis/authorization.k8s.io/v1/subjectaccessreviews"),
            ],
        ),
    ]
}

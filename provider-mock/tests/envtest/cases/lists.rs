//! Lists: selectors, pages, versions, tables.

use super::{config, core, service};
use crate::compare::{Scenario, scenario};
use crate::step::Step;
use serde_json::json;

pub(super) fn scenarios() -> Vec<Scenario> {
    vec![selectors(), pages(), versions(), forms(), forgotten()]
}

fn labelled(name: &str, app: &str) -> Step {
    let mut object = config(name);
    object["metadata"]["labels"] = json!({"app": app, "name": name});
    Step::post(core("configmaps"), object)
}

fn selectors() -> Scenario {
    let list = |query: &str| Step::get(core(&format!("configmaps?{query}")));
    let steps = vec![
        labelled("a", "x"),
        labelled("b", "x"),
        labelled("c", "y"),
        list("labelSelector=app%3Dx"),
        list("labelSelector=app%21%3Dx,app"),
        list("labelSelector=app+in+(x,y),name+notin+(a)"),
        list("labelSelector=%21app"),
        list("fieldSelector=metadata.name%3Db"),
        list("fieldSelector=metadata.name%21%3Db,metadata.namespace%3D$(ns)"),
        list("labelSelector=app+in+(x"),
        list("labelSelector=a+b"),
        list("labelSelector=app%3D%3D%3Dx"),
        list("fieldSelector=data.a%3Db"),
        list("fieldSelector=metadata.name"),
        Step::get("/api/v1/services?fieldSelector=spec.type%3DNone"),
        Step::get("/api/v1/pods?fieldSelector=spec.nodeName%3Dnone,status.phase%3DRunning"),
        Step::get("/api/v1/nodes?fieldSelector=spec.unschedulable%3Dtrue,metadata.name%3Dnone"),
    ];
    scenario("selectors", steps)
}

fn pages() -> Scenario {
    let list = |query: &str| Step::get(core(&format!("configmaps?labelSelector=app%3Dx&{query}")));
    let all = |query: &str| Step::get(core(&format!("secrets?{query}")));
    let secret = |name: &str| {
        Step::post(core("secrets"), json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name}}))
    };
    let steps = vec![
        labelled("a", "x"),
        labelled("b", "x"),
        labelled("c", "x"),
        list("limit=2").keep("next", "/metadata/continue"),
        list("limit=2&continue=$(next)"),
        secret("a"),
        secret("b"),
        secret("c"),
        all("limit=1").keep("next", "/metadata/continue"),
        secret("aa"),
        all("limit=1&continue=$(next)").keep("next", "/metadata/continue"),
        all("limit=1&continue=$(next)"),
        all("limit=0"),
        all("limit=many"),
        all("limit=-1"),
        all("continue=nonsense"),
        all("limit=1&continue=$(next)&resourceVersion=1"),
    ];
    scenario("pages", steps)
}

fn versions() -> Scenario {
    let list = |query: &str| {
        Step::get(core(&format!("configmaps?{query}"))).only("/items", "/metadata/name", &["a", "b"])
    };
    let steps = vec![
        Step::post(core("configmaps"), config("a")).keep("first", "/metadata/resourceVersion"),
        Step::post(core("configmaps"), config("b")),
        list("resourceVersion=0"),
        list("resourceVersion=$(first)"),
        list("resourceVersion=$(first)&resourceVersionMatch=NotOlderThan"),
        list("resourceVersion=$(first)&resourceVersionMatch=Exact"),
        list("resourceVersion=0&resourceVersionMatch=Exact"),
        list("resourceVersionMatch=Exact"),
        list("resourceVersion=$(first)&resourceVersionMatch=Somehow"),
        list("resourceVersion=yesterday"),
        list("sendInitialEvents=true"),
        Step::get(core("configmaps/a?resourceVersion=0")),
        Step::get(core("configmaps/a?resourceVersion=$(first)")),
    ];
    scenario("versions", steps)
}

fn forms() -> Scenario {
    let metadata = "application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io";
    let metadata_list = "application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io";
    let wide = json!({"type": "LoadBalancer", "externalIPs": ["203.0.113.9"]});
    let steps = vec![
        Step::post(core("services"), service("a", wide)),
        Step::post(core("services"), service("b", json!({"clusterIP": "None"}))),
        Step::get(core("services/a")).header("accept", metadata),
        Step::get(core("services")).header("accept", metadata_list),
        Step::get(core("services")).table(),
        Step::get(core("services?includeObject=None")).table(),
        Step::get(core("services?includeObject=Object")).table(),
        Step::get(core("services?limit=1")).table(),
        Step::get(core("configmaps?fieldSelector=metadata.name%3Dnone")).table(),
        Step::get(core("services")).header("accept", "application/yaml;q=0.5,text/plain"),
        Step::get(core("services/none")).table(),
    ];
    scenario("forms", steps)
}

fn forgotten() -> Scenario {
    let exact = "configmaps?resourceVersion=$(first)&resourceVersionMatch=Exact";
    let steps = vec![
        Step::post(core("configmaps"), config("a")).keep("first", "/metadata/resourceVersion"),
        Step::post(core("configmaps"), config("b")),
        Step::get(core("configmaps?limit=1")).keep("next", "/metadata/continue"),
        Step::post(core("configmaps"), config("c")),
        Step::compact(),
        Step::get(core(exact)),
        Step::get(core("configmaps?limit=1&continue=$(next)")),
    ];
    scenario("forgotten-history", steps)
}

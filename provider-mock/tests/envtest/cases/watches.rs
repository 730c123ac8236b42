//! Watches, read from a version of the past until the server ends them.

use super::{config, core};
use crate::compare::{Scenario, scenario};
use crate::step::{Patch, Step};
use serde_json::json;

pub(super) fn scenarios() -> Vec<Scenario> {
    let label = |value: &str| {
        Step::patch(core("configmaps/a"), Patch::Merge, json!({"metadata": {"labels": {"app": value}}}))
    };
    let story = vec![
        Step::post(core("configmaps"), config("first")).keep("from", "/metadata/resourceVersion"),
        Step::post(core("configmaps"), config("a")),
        label("x"),
        label("y"),
        Step::delete(core("configmaps/a")).keep("gone", "/metadata/resourceVersion"),
        Step::watch(&core("configmaps?resourceVersion=$(from)")),
        Step::watch(&core("configmaps?resourceVersion=$(from)&labelSelector=app%3Dx")),
        Step::watch(&core("configmaps?resourceVersion=$(from)&fieldSelector=metadata.name%3Dnone")),
        Step::watch(&core("configmaps?resourceVersion=0&fieldSelector=metadata.name%3Dfirst")),
        Step::watch(&core("configmaps?fieldSelector=metadata.name%3Dfirst")),
        Step::watch(&core("configmaps?resourceVersion=$(from)")).table(),
        Step::watch(&core("configmaps?resourceVersion=0&fieldSelector=metadata.name%3Dfirst"))
            .header("accept", "application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io"),
    ];
    let streamed = "sendInitialEvents=true&fieldSelector=metadata.name%3Dfirst";
    let lists = vec![
        Step::post(core("configmaps"), config("first")),
        Step::watch(&core(&format!(
            "configmaps?{streamed}&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true"
        ))),
        Step::watch(&core(&format!("configmaps?{streamed}"))),
        Step::watch(&core(&format!(
            "configmaps?{streamed}&resourceVersionMatch=Exact&allowWatchBookmarks=true"
        ))),
        Step::watch(&core("configmaps?resourceVersion=yesterday")),
        Step::watch(&core("configmaps?resourceVersionMatch=NotOlderThan&resourceVersion=0")),
        Step::watch(&core("configmaps?labelSelector=a+b")),
    ];
    vec![scenario("watches", story), scenario("streamed-lists", lists)]
}

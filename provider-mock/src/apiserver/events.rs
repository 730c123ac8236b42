//! Events in their two versions: stored as core/v1, also served as events.k8s.io/v1.

use super::json::{object_mut, put};
use serde_json::Value;

/// (events.k8s.io/v1, core/v1) names of the same field.
const RENAMED: [(&str, &str); 7] = [
    ("note", "message"),
    ("regarding", "involvedObject"),
    ("reportingController", "reportingComponent"),
    ("deprecatedSource", "source"),
    ("deprecatedFirstTimestamp", "firstTimestamp"),
    ("deprecatedLastTimestamp", "lastTimestamp"),
    ("deprecatedCount", "count"),
];

/// A stored event as events.k8s.io/v1.
pub(crate) fn to_events_v1(stored: &Value) -> Value {
    let mut event = stored.clone();
    for (new, core) in RENAMED {
        rename(&mut event, core, new);
    }
    put(&mut event, "apiVersion", Some("events.k8s.io/v1".into()));
    event
}

/// An event of events.k8s.io/v1 as it is stored.
pub(crate) fn from_events_v1(event: &Value) -> Value {
    let mut stored = event.clone();
    for (new, core) in RENAMED {
        rename(&mut stored, new, core);
    }
    put(&mut stored, "apiVersion", Some("v1".into()));
    stored
}

fn rename(object: &mut Value, from: &str, to: &str) {
    let map = object_mut(object);
    if let Some(value) = map.remove(from) {
        map.insert(to.to_owned(), value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn both_versions_say_the_same() {
        let event = json!({
            "apiVersion": "events.k8s.io/v1", "kind": "Event", "metadata": {"name": "x"}, "note": "n",
            "regarding": {"kind": "Service", "name": "s"}, "reportingController": "c", "deprecatedCount": 3});
        let stored = from_events_v1(&event);
        assert_eq!(stored.get("message"), Some(&json!("n")));
        assert_eq!(stored.get("count"), Some(&json!(3)));
        assert_eq!(to_events_v1(&stored), event);
    }
}

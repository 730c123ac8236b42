//! The same requests to two servers, and every field in which their answers differ.

use std::fmt;

use serde_json::{Value, json};

use crate::side::Side;
use crate::step::{Action, Step};

/// Requests that belong together. They have a namespace of their own, `$(ns)`.
pub(crate) struct Scenario {
    pub(crate) name: &'static str,
    pub(crate) steps: Vec<Step>,
}

pub(crate) fn scenario(name: &'static str, steps: Vec<Step>) -> Scenario {
    Scenario { name, steps }
}

/// A field that differs.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Difference {
    /// The scenario and the request, as they stand in the table.
    pub(crate) request: String,
    pub(crate) field: String,
    pub(crate) ours: Option<Value>,
    pub(crate) theirs: Option<Value>,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let told = |value: &Option<Value>| value.as_ref().map_or("nothing".to_owned(), Value::to_string);
        let (ours, theirs) = (told(&self.ours), told(&self.theirs));
        write!(f, "{}\n  {}\n    ours:   {ours}\n    theirs: {theirs}", self.request, self.field)
    }
}

/// Every difference in all scenarios, and how many requests were compared.
pub(crate) async fn compare(
    scenarios: &[Scenario],
    ours: &mut Side,
    theirs: &mut Side,
) -> (Vec<Difference>, usize) {
    let (mut differences, mut requests) = (Vec::new(), 0);
    for scenario in scenarios {
        if scenario.steps.iter().any(|step| step.action == Action::Compact)
            && !(ours.can_forget() && theirs.can_forget())
        {
            println!("skipped: {}: one of the servers cannot be made to forget its history", scenario.name);
            continue;
        }
        begin(scenario.name, ours, theirs).await;
        for step in &scenario.steps {
            let (our_answer, their_answer) = futures::join!(ours.take(step), theirs.take(step));
            let request = format!("{}: {}", scenario.name, step.told());
            differ(&request, "", Some(&our_answer), Some(&their_answer), &mut differences);
            requests += 1;
        }
    }
    (differences, requests)
}

async fn begin(name: &str, ours: &mut Side, theirs: &mut Side) {
    let namespace = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}});
    for side in [ours, theirs] {
        side.begin(name);
        let made = side.take(&Step::post("/api/v1/namespaces", namespace.clone())).await;
        assert_eq!(made["code"], 201, "the namespace {name}: {made}");
    }
}

fn differ(
    request: &str,
    field: &str,
    ours: Option<&Value>,
    theirs: Option<&Value>,
    found: &mut Vec<Difference>,
) {
    match (ours, theirs) {
        (ours, theirs) if ours == theirs => {}
        (Some(Value::Object(ours)), Some(Value::Object(theirs))) => {
            let dot = if field.is_empty() { "" } else { "." };
            let more = theirs.keys().filter(|key| !ours.contains_key(*key));
            for key in ours.keys().chain(more) {
                differ(request, &format!("{field}{dot}{key}"), ours.get(key), theirs.get(key), found);
            }
        }
        (Some(Value::Array(ours)), Some(Value::Array(theirs))) => {
            for index in 0..ours.len().max(theirs.len()) {
                differ(request, &format!("{field}[{index}]"), ours.get(index), theirs.get(index), found);
            }
        }
        (ours, theirs) => found.push(Difference {
            request: request.to_owned(),
            field: field.to_owned(),
            ours: ours.cloned(),
            theirs: theirs.cloned(),
        }),
    }
}

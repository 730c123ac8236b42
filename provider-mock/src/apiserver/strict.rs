//! Strict decoding: which fields of an object the API does not know, and which values have the wrong type.
//!
//! The types of `k8s-openapi` do the decoding. They skip unknown fields, which `serde_ignored` reports; for a value of
//! the wrong type they say what they expected but not where, so the place is searched for by decoding again.

mod locate;

use k8s_openapi::api::authentication::v1::TokenReview;
use k8s_openapi::api::authorization::v1::SubjectAccessReview;
use k8s_openapi::api::coordination::v1::Lease;
use k8s_openapi::api::core::v1::{ConfigMap, Endpoints, Event, Namespace, Node, Pod, Secret, Service};
use k8s_openapi::api::discovery::v1::EndpointSlice;
use serde::de::DeserializeOwned;
use serde_ignored::Path;
use serde_json::Value;

/// Maps of quantities; the API also takes plain numbers as quantities.
const QUANTITIES: [&str; 4] = ["allocatable", "capacity", "limits", "requests"];

/// An object as the API understands it.
#[derive(Debug, PartialEq)]
pub(crate) struct Decoded {
    /// A text for each field that the API does not know, such as `unknown field "spec.types"`, in the order of the
    /// alphabet.
    pub unknown: Vec<String>,
    /// The first value of the wrong type, in the server's words without the preamble, such as `json: cannot unmarshal
    /// string into Go struct field ServicePort.spec.ports.port of type int32`.
    pub error: Option<String>,
    /// The object without unknown fields and without nulls.
    pub object: Value,
}

/// One step of a path into an object.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Step {
    Key(String),
    Index(usize),
}

/// Decodes an object and reports the paths that were skipped.
type Check = fn(&Value, &mut Vec<Vec<Step>>) -> Result<(), serde_json::Error>;

/// Decodes an object of a kind in the version it is stored in. Objects of other kinds pass as they are.
pub(crate) fn decode(kind: &str, object: &Value) -> Decoded {
    let mut object = object.clone();
    drop_nulls(&mut object);
    let Some(check) = check_of(kind) else {
        return Decoded { unknown: vec![], error: None, object };
    };
    write_quantities(&mut object);
    let mut body = object.clone();
    if let Some(body) = body.as_object_mut() {
        // Whether the object is of this kind at all is for the caller to say, in other words.
        body.remove("apiVersion");
        body.remove("kind");
    }
    let mut paths = Vec::new();
    let error = check(&body, &mut paths).err().map(|error| locate::describe(check, &body, &error));
    let mut unknown: Vec<String> =
        paths.iter().map(|path| format!("unknown field {:?}", print(path))).collect();
    unknown.sort();
    for path in &paths {
        remove(&mut object, path);
    }
    Decoded { unknown, error, object }
}

fn check_of(kind: &str) -> Option<Check> {
    Some(match kind {
        "ConfigMap" => check::<ConfigMap>,
        "EndpointSlice" => check::<EndpointSlice>,
        "Endpoints" => check::<Endpoints>,
        "Event" => check::<Event>,
        "Lease" => check::<Lease>,
        "Namespace" => check::<Namespace>,
        "Node" => check::<Node>,
        "Pod" => check::<Pod>,
        "Secret" => check::<Secret>,
        "Service" => check::<Service>,
        "SubjectAccessReview" => check::<SubjectAccessReview>,
        "TokenReview" => check::<TokenReview>,
        _ => return None,
    })
}

fn check<T: DeserializeOwned>(object: &Value, unknown: &mut Vec<Vec<Step>>) -> Result<(), serde_json::Error> {
    let skipped = |path: Path<'_>| unknown.push(steps(&path));
    serde_ignored::deserialize::<_, _, T>(object, skipped).map(drop)
}

fn steps(path: &Path<'_>) -> Vec<Step> {
    let (parent, step) = match path {
        Path::Root => return vec![],
        Path::Seq { parent, index } => (parent, Some(Step::Index(*index))),
        Path::Map { parent, key } => (parent, Some(Step::Key(key.clone()))),
        Path::Some { parent } | Path::NewtypeStruct { parent } | Path::NewtypeVariant { parent } => {
            (parent, None)
        }
    };
    let mut steps = steps(parent);
    steps.extend(step);
    steps
}

/// `spec.ports[0].foo`.
fn print(path: &[Step]) -> String {
    let mut text = String::new();
    for step in path {
        match step {
            Step::Key(key) if text.is_empty() => text.push_str(key),
            Step::Key(key) => {
                text.push('.');
                text.push_str(key);
            }
            Step::Index(index) => text.extend(["[", &index.to_string(), "]"]),
        }
    }
    text
}

/// The value at a path.
fn at<'a>(object: &'a mut Value, path: &[Step]) -> Option<&'a mut Value> {
    path.iter().try_fold(object, |value, step| match step {
        Step::Key(key) => value.get_mut(key),
        Step::Index(index) => value.get_mut(index),
    })
}

fn remove(object: &mut Value, path: &[Step]) {
    if let Some((Step::Key(key), parent)) = path.split_last()
        && let Some(parent) = at(object, parent).and_then(Value::as_object_mut)
    {
        parent.remove(key);
    }
}

fn drop_nulls(value: &mut Value) {
    match value {
        Value::Object(object) => {
            object.retain(|_, value| !value.is_null());
            object.values_mut().for_each(drop_nulls);
        }
        Value::Array(array) => array.iter_mut().for_each(drop_nulls),
        _ => {}
    }
}

/// Turns numbers that stand for quantities into their texts.
fn write_quantities(value: &mut Value) {
    match value {
        Value::Object(object) => {
            for (key, value) in object {
                if QUANTITIES.contains(&key.as_str()) {
                    let quantities =
                        value.as_object_mut().into_iter().flatten().map(|(_, quantity)| quantity);
                    quantities
                        .filter(|quantity| quantity.is_number())
                        .for_each(|q| *q = q.to_string().into());
                } else {
                    write_quantities(value);
                }
            }
        }
        Value::Array(array) => array.iter_mut().for_each(write_quantities),
        _ => {}
    }
}

#[cfg(test)]
mod tests;

//! A container as JSON: its parts by collection and name.

use cloud_lb_core::graph::{Input, Outputs, Spec};
use cloud_lb_core::model::ServiceId;
use cloud_lb_core::ownership::{self, Marked, Tags, UID_TAG};
use cloud_lb_core::plan::{Action, Step};
use cloud_lb_core::{Error, ErrorKind, Result};
use serde_json::{Map, Value, json};

use super::Desired;
use super::desired::{container_key, own_name};
use super::kinds::{PARTS, SharedKind};
use crate::backend::survey::{self, Found};
use crate::cloud::Record;

/// The container in which parts of a kind are.
pub(crate) fn container_of(kind: &str) -> Option<&'static str> {
    PARTS.iter().find(|(part, ..)| *part == kind).map(|(_, container, _)| *container)
}

fn collection_of(kind: &str) -> Option<&'static str> {
    PARTS.iter().find(|(part, ..)| *part == kind).map(|(.., collection)| *collection)
}

fn part_id(collection: &str, name: &str) -> String {
    format!("#/{collection}/{name}")
}

/// Carries out a step in the container's settings.
pub(crate) fn edit(body: &mut Value, step: &Step<Desired<SharedKind>>) -> Result<()> {
    let Some(collection) = collection_of(step.key.kind) else { return Ok(()) };
    let spec = step.action.spec();
    let parts = collection_mut(body, collection)?;
    match &step.action {
        Action::Delete(_) => {
            parts.remove(&spec.name);
        }
        Action::Create(_) | Action::Update { .. } => {
            let part = serde_json::to_value(resolved(spec)).map_err(|error| unreadable(collection, error))?;
            parts.insert(spec.name.clone(), part);
        }
    }
    Ok(())
}

/// Parts that are written together refer to each other by names that are known before.
fn resolved(spec: &Desired<SharedKind>) -> Desired<SharedKind> {
    let mut spec = spec.clone();
    let Marked::Service(owner) = ownership::read(&spec.tags) else { return spec };
    for input in spec.inputs_mut() {
        if let Input::Ref(reference) = &*input
            && let Some(collection) = collection_of(reference.to.kind)
        {
            *input = Input::Value(part_id(collection, &own_name(&owner, &reference.to.name)));
        }
    }
    spec
}

fn collection_mut<'a>(body: &'a mut Value, collection: &str) -> Result<&'a mut Map<String, Value>> {
    let fields = body.as_object_mut();
    let parts = fields.map(|fields| fields.entry(collection).or_insert_with(|| json!({})));
    parts.and_then(Value::as_object_mut).ok_or_else(|| {
        Error::new(ErrorKind::Unavailable, format!("{collection} of the container are not a map"))
    })
}

fn unreadable(collection: &str, error: serde_json::Error) -> Error {
    let message = format!("a part among {collection} makes no sense");
    Error::new(ErrorKind::Unavailable, message).with_source(error)
}

/// Whether there is no part.
pub(crate) fn is_empty(body: &Value) -> bool {
    let collections = body.as_object().into_iter().flat_map(|fields| fields.values());
    collections.filter_map(Value::as_object).all(Map::is_empty)
}

/// What is told of a part: its id, and the state of its container.
pub(crate) fn outputs_of(kind: &str, name: &str, container: &Outputs) -> Outputs {
    match collection_of(kind) {
        Some(collection) => {
            let state = container.get("state").cloned().unwrap_or_default();
            [("id", part_id(collection, name)), ("state", state)].map(|(k, v)| (k.to_owned(), v)).into()
        }
        None => container.clone(),
    }
}

/// The container and its parts, as a survey takes them: those of one Service or of all. Of the parts of others one of
/// each kind is enough to tell that they use what is shared.
pub(crate) fn explode(record: &Record, service: Option<&ServiceId>) -> Result<Vec<Found>> {
    let key = container_key(record.kind);
    let whole = Found { container: Some(key.clone()), ..Found::from(record.clone()) };
    let mut found = Vec::new();
    for (kind, _, collection) in PARTS.iter().filter(|(_, container, _)| *container == whole.kind) {
        let Some(parts) = record.body.get(collection).and_then(Value::as_object) else { continue };
        let mut has_others = false;
        for (name, part) in parts {
            let is_others = service.is_some_and(|service| uid_of(part) != Some(&service.uid));
            if is_others && has_others {
                continue;
            }
            let part = part_of(&whole, kind, collection, name, part)?;
            has_others |= is_others && survey::owner_of(&part.marks).is_some();
            found.push(part);
        }
    }
    found.push(whole);
    Ok(found)
}

fn uid_of(part: &Value) -> Option<&str> {
    part.get("tags")?.get(UID_TAG)?.as_str()
}

fn part_of(whole: &Found, kind: &'static str, collection: &str, name: &str, part: &Value) -> Result<Found> {
    let mut body = part.clone();
    let tags = body.as_object_mut().and_then(|fields| {
        fields.remove("name");
        fields.remove("tags")
    });
    let marks: Tags = tags
        .map_or(Ok(Tags::new()), serde_json::from_value)
        .map_err(|error| unreadable(collection, error))?;
    let outputs = outputs_of(kind, name, &whole.outputs);
    Ok(Found { kind, name: name.to_owned(), marks, body: body.into(), outputs, ..whole.clone() })
}

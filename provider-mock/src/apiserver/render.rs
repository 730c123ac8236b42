//! Stored objects as answers: in the version of the endpoint, whole, as metadata only, or as a Table.

use super::events;
use super::json::{object_mut, put};
use super::request::{Form, Query};
use super::resource::{Endpoint, Resource};
use super::table;
use serde_json::{Value, json};
use std::sync::Arc;

const META_V1: &str = "meta.k8s.io/v1";

/// How answers to one request look.
#[derive(Debug, Clone)]
pub(crate) struct Renderer {
    endpoint: &'static Endpoint,
    form: Form,
    include: Include,
}

/// What a row of a Table carries of its object (`includeObject`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Include {
    Nothing,
    Metadata,
    Object,
}

/// What a list says beside its items.
#[derive(Debug, Clone, Default)]
pub(crate) struct ListMeta {
    pub version: u64,
    pub continue_token: Option<String>,
    pub remaining: Option<usize>,
}

impl ListMeta {
    fn to_value(&self) -> Value {
        let mut metadata = json!({"resourceVersion": self.version.to_string()});
        put(&mut metadata, "continue", self.continue_token.as_ref().map(|token| json!(token)));
        put(&mut metadata, "remainingItemCount", self.remaining.map(|count| json!(count)));
        if self.continue_token.is_none() {
            put(&mut metadata, "remainingItemCount", None);
        }
        metadata
    }
}

impl Renderer {
    pub(crate) fn new(endpoint: &'static Endpoint, form: Form, query: &Query) -> Self {
        Self { endpoint, form, include: include_of(query.text("includeObject")) }
    }

    fn table<'a>(&self, stored: impl Iterator<Item = &'a Value>, metadata: &Value) -> Value {
        let rows = stored.map(|object| {
            let shown = match self.include {
                Include::Nothing => Value::Null,
                Include::Metadata => metadata_only(object),
                Include::Object => self.in_version(object),
            };
            (object, shown)
        });
        table::build(self.endpoint.resource, rows, metadata)
    }

    /// One object.
    pub(crate) fn object(&self, stored: &Value) -> Value {
        match self.form {
            Form::Whole => self.in_version(stored),
            Form::MetadataOnly => metadata_only(stored),
            Form::Table => {
                let version = stored.pointer("/metadata/resourceVersion").cloned().unwrap_or_default();
                self.table(std::iter::once(stored), &json!({"resourceVersion": version}))
            }
        }
    }

    /// A list; its items carry no kind of their own, as from a real server.
    pub(crate) fn collection(&self, stored: &[Arc<Value>], metadata: &ListMeta) -> Value {
        let metadata = metadata.to_value();
        match self.form {
            Form::Whole => {
                let items: Vec<Value> =
                    stored.iter().map(|object| without_type(self.in_version(object))).collect();
                let kind = format!("{}List", self.endpoint.kind);
                json!({"kind": kind, "apiVersion": self.endpoint.api_version(), "metadata": metadata, "items": items})
            }
            Form::MetadataOnly => {
                let items: Vec<Value> = stored.iter().map(|object| metadata_only(object)).collect();
                json!({"kind": "PartialObjectMetadataList", "apiVersion": META_V1, "metadata": metadata, "items": items})
            }
            Form::Table => self.table(stored.iter().map(AsRef::as_ref), &metadata),
        }
    }

    /// The object of a BOOKMARK: a version and nothing else.
    pub(crate) fn bookmark(&self, version: u64, ends_initial_events: bool) -> Value {
        let mut metadata = json!({"resourceVersion": version.to_string(), "creationTimestamp": null});
        if ends_initial_events {
            put(&mut metadata, "annotations", Some(json!({"k8s.io/initial-events-end": "true"})));
        }
        match self.form {
            Form::Whole => {
                json!({"kind": self.endpoint.kind, "apiVersion": self.endpoint.api_version(), "metadata": metadata})
            }
            Form::MetadataOnly => {
                json!({"kind": "PartialObjectMetadata", "apiVersion": META_V1, "metadata": metadata})
            }
            Form::Table => self.table(std::iter::empty(), &metadata),
        }
    }

    fn in_version(&self, stored: &Value) -> Value {
        if self.endpoint.resource == Resource::Events && !self.endpoint.group.is_empty() {
            events::to_events_v1(stored)
        } else {
            stored.clone()
        }
    }
}

fn include_of(text: &str) -> Include {
    match text {
        "None" => Include::Nothing,
        "Object" => Include::Object,
        _ => Include::Metadata,
    }
}

fn without_type(mut object: Value) -> Value {
    object_mut(&mut object).retain(|key, _| key != "kind" && key != "apiVersion");
    object
}

/// `PartialObjectMetadata` of an object.
pub(crate) fn metadata_only(object: &Value) -> Value {
    json!({"kind": "PartialObjectMetadata", "apiVersion": META_V1, "metadata": object.get("metadata")})
}

//! What the cloud keeps.

use std::collections::BTreeMap;
use std::sync::Arc;

use cloud_lb_core::ownership::Tags;
use serde::{Serialize, Serializer};
use serde_json::Value;

/// What a caller gives to make a resource.
#[derive(Debug, Clone, PartialEq)]
pub struct NewResource {
    /// Kind, in the words of the shape.
    pub kind: &'static str,
    /// Name, unique among the resources of the kind.
    pub name: String,
    /// Tags.
    pub tags: Tags,
    /// Free text.
    pub description: String,
    /// Settings.
    pub body: Value,
}

/// A resource of the cloud.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Record {
    /// Kind, in the words of the shape.
    pub kind: &'static str,
    /// Id that the cloud gave: `mock:<kind>:<name>:<number>`.
    pub id: String,
    /// Name.
    pub name: String,
    /// Tags.
    pub tags: Tags,
    /// Free text.
    pub description: String,
    /// Settings.
    #[serde(serialize_with = "settings")]
    pub body: Arc<Value>,
    /// Grows with every create in the account: tells which of two resources is older.
    pub created: u64,
    /// Changes with every write to the resource.
    pub etag: u64,
    /// Where in its life it is.
    pub life: Life,
    /// What the cloud assigned: `address`, `address-IPv4`, `address-IPv6`, `hostname`.
    pub assigned: BTreeMap<String, String>,
}

fn settings<S: Serializer>(body: &Value, serializer: S) -> Result<S::Ok, S::Error> {
    body.serialize(serializer)
}

impl Record {
    /// The ownership marks: its tags, or where it has none, those that its description holds as JSON.
    pub fn marks(&self) -> Tags {
        if self.tags.is_empty() {
            return serde_json::from_str(&self.description).unwrap_or_default();
        }
        self.tags.clone()
    }
}

/// Where in its life a resource is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Life {
    /// Being made.
    Provisioning,
    /// In use.
    Active,
    /// On its way out; still holds what it refers to.
    Deleting,
}

/// One page of a list, by id.
#[derive(Debug, Clone, PartialEq)]
pub struct Page {
    /// Resources, sorted by id.
    pub records: Vec<Record>,
    /// Gives the next page; absent on the last.
    pub next: Option<String>,
}

/// What a list shows.
#[derive(Debug, Clone, Copy)]
pub struct Query<'a> {
    /// The kind.
    pub kind: &'static str,
    /// Tags that a resource must have, with these values.
    pub tags: &'a Tags,
}

impl Query<'_> {
    pub(crate) fn matches(&self, record: &Record) -> bool {
        record.kind == self.kind && self.tags.iter().all(|(key, value)| record.tags.get(key) == Some(value))
    }
}

//! Requests of a comparison, with places for what earlier answers of the same server said.

use std::collections::BTreeMap;

use serde_json::Value;

/// A request; `$(name)` in its path and body stands for a value that an earlier step kept.
#[derive(Debug, Clone)]
pub(crate) struct Step {
    pub(crate) action: Action,
    pub(crate) path: String,
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) body: Body,
    /// Names for values of the answer, and where they are.
    pub(crate) keeps: Vec<(&'static str, &'static str)>,
    /// Of the list at this place, only items in which this field has one of these values are compared.
    pub(crate) only: Option<(&'static str, &'static str, Vec<&'static str>)>,
}

/// What a step does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Action {
    Send(&'static str),
    /// A watch, until the server ends it: its events are the body of the answer.
    Watch,
    /// Lets the server forget its history; nothing is compared.
    Compact,
}

#[derive(Debug, Clone)]
pub(crate) enum Body {
    None,
    Json(Value),
    Text(String),
}

/// How a patch is to be read.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Patch {
    Json,
    Merge,
    Strategic,
    Apply,
}

impl Patch {
    fn media_type(self) -> &'static str {
        match self {
            Self::Json => "application/json-patch+json",
            Self::Merge => "application/merge-patch+json",
            Self::Strategic => "application/strategic-merge-patch+json",
            Self::Apply => "application/apply-patch+yaml",
        }
    }
}

impl Step {
    fn new(action: Action, path: impl Into<String>, body: Body) -> Self {
        Self { action, path: path.into(), headers: Vec::new(), body, keeps: Vec::new(), only: None }
    }

    fn sent(method: &'static str, path: impl Into<String>, body: Value) -> Self {
        Self::new(Action::Send(method), path, Body::Json(body)).header("content-type", "application/json")
    }

    pub(crate) fn get(path: impl Into<String>) -> Self {
        Self::new(Action::Send("GET"), path, Body::None)
    }

    /// Events of a watch that the server ends after a second.
    pub(crate) fn watch(path: &str) -> Self {
        let sign = if path.contains('?') { '&' } else { '?' };
        Self::new(Action::Watch, format!("{path}{sign}watch=true&timeoutSeconds=1"), Body::None)
    }

    pub(crate) fn compact() -> Self {
        Self::new(Action::Compact, "", Body::None)
    }

    pub(crate) fn post(path: impl Into<String>, body: Value) -> Self {
        Self::sent("POST", path, body)
    }

    pub(crate) fn put(path: impl Into<String>, body: Value) -> Self {
        Self::sent("PUT", path, body)
    }

    pub(crate) fn patch(path: impl Into<String>, kind: Patch, body: Value) -> Self {
        Self::new(Action::Send("PATCH"), path, Body::Json(body)).header("content-type", kind.media_type())
    }

    pub(crate) fn delete(path: impl Into<String>) -> Self {
        Self::new(Action::Send("DELETE"), path, Body::None)
    }

    /// A delete with options.
    pub(crate) fn delete_with(path: impl Into<String>, options: Value) -> Self {
        Self::sent("DELETE", path, options)
    }

    /// Any other request, with a body that may be no JSON.
    pub(crate) fn other(method: &'static str, path: impl Into<String>, body: &str) -> Self {
        Self::new(Action::Send(method), path, Body::Text(body.to_owned()))
    }

    pub(crate) fn header(mut self, name: &'static str, value: &str) -> Self {
        self.headers.push((name, value.to_owned()));
        self
    }

    /// Asks for a table, as `kubectl get` does.
    pub(crate) fn table(self) -> Self {
        self.header("accept", "application/json;as=Table;v=v1;g=meta.k8s.io")
    }

    pub(crate) fn keep(mut self, name: &'static str, pointer: &'static str) -> Self {
        self.keeps.push((name, pointer));
        self
    }

    pub(crate) fn only(mut self, list: &'static str, field: &'static str, values: &[&'static str]) -> Self {
        self.only = Some((list, field, values.to_vec()));
        self
    }

    /// `POST /api/v1/...`, as known differences and reports name the request.
    pub(crate) fn told(&self) -> String {
        match self.action {
            Action::Send(method) => format!("{method} {}", self.path),
            Action::Watch => format!("WATCH {}", self.path),
            Action::Compact => "compaction".to_owned(),
        }
    }
}

/// The text with the kept values in their places.
pub(crate) fn fill(text: &str, kept: &BTreeMap<&'static str, String>) -> String {
    kept.iter().fold(text.to_owned(), |text, (name, value)| text.replace(&format!("$({name})"), value))
}

/// The same for every string of a document.
pub(crate) fn fill_json(value: &Value, kept: &BTreeMap<&'static str, String>) -> Value {
    match value {
        Value::String(text) => Value::String(fill(text, kept)),
        Value::Array(items) => items.iter().map(|item| fill_json(item, kept)).collect(),
        Value::Object(fields) => {
            Value::Object(fields.iter().map(|(key, item)| (key.clone(), fill_json(item, kept))).collect())
        }
        other => other.clone(),
    }
}

//! One of the two servers of a comparison.

use std::collections::BTreeMap;

use http::Request;
use kube::Client;
use kube::client::Body as Bytes;
use provider_mock::apiserver::ApiServer;
use serde_json::{Value, json};

use crate::normal::Normal;
use crate::step::{Action, Body, Step, fill, fill_json};

/// A server, and what its answers have said in a scenario.
pub(crate) struct Side {
    client: Client,
    history: History,
    kept: BTreeMap<&'static str, String>,
    normal: Normal,
}

/// How a server is made to forget.
#[derive(Clone)]
pub(crate) enum History {
    Embedded(ApiServer),
    /// By its store, which this is a client of.
    Etcd(Client),
    /// It cannot be: steps that need it are left out on both sides.
    Kept,
}

impl Side {
    pub(crate) fn new(client: Client, history: History) -> Self {
        Self { client, history, kept: BTreeMap::new(), normal: Normal::default() }
    }

    /// The embedded API in this process.
    pub(crate) fn embedded(api: &ApiServer) -> Self {
        Self::new(Client::new(api.clone(), "default"), History::Embedded(api.clone()))
    }

    pub(crate) fn can_forget(&self) -> bool {
        !matches!(self.history, History::Kept)
    }

    /// Forgets what earlier scenarios kept; the next one has this namespace.
    pub(crate) fn begin(&mut self, namespace: &str) {
        self.kept = BTreeMap::from([("ns", namespace.to_owned())]);
        self.normal = Normal::default();
    }

    /// The answer to a step, with what no two servers have in common replaced by its shape.
    pub(crate) async fn take(&mut self, step: &Step) -> Value {
        let path = fill(&step.path, &self.kept);
        let body = match &step.body {
            Body::None => String::new(),
            Body::Json(value) => {
                self.normal.name_all(value);
                fill_json(value, &self.kept).to_string()
            }
            Body::Text(text) => fill(text, &self.kept),
        };
        let answer = match step.action {
            Action::Compact => return self.forget().await,
            Action::Watch => self.send("GET", &path, step, body).await,
            Action::Send(method) => self.send(method, &path, step, body).await,
        };
        for (name, pointer) in &step.keeps {
            let found = answer.pointer(&format!("/body{pointer}"));
            let text = found.map(|value| value.as_str().map_or_else(|| value.to_string(), ToOwned::to_owned));
            self.kept.insert(name, text.unwrap_or_default());
        }
        self.normal.apply(&chosen(answer, step))
    }

    async fn send(&self, method: &str, path: &str, step: &Step, body: String) -> Value {
        let mut request = Request::builder().method(method).uri(path);
        for (name, value) in &step.headers {
            request = request.header(*name, value);
        }
        let answer = self.client.send(request.body(Bytes::from(body.into_bytes())).unwrap()).await;
        let (parts, body) = answer.unwrap_or_else(|error| panic!("{method} {path}: {error}")).into_parts();
        let bytes = body.collect_bytes().await.unwrap_or_else(|error| panic!("{method} {path}: {error}"));
        let text = String::from_utf8_lossy(&bytes);
        let warnings: Vec<_> =
            parts.headers.get_all("warning").iter().map(|value| value.to_str().unwrap()).collect();
        let media_type = parts.headers.get("content-type").map(|value| value.to_str().unwrap());
        let body = if step.action == Action::Watch && parts.status.is_success() {
            text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()).filter(is_news).collect()
        } else {
            serde_json::from_str(&text).unwrap_or_else(|_| json!(text))
        };
        json!({"code": parts.status.as_u16(), "contentType": media_type, "warnings": warnings, "body": body})
    }

    async fn forget(&self) -> Value {
        match &self.history {
            History::Kept => {}
            History::Embedded(api) => api.compact(),
            History::Etcd(etcd) => {
                let list = self.send("GET", "/api/v1/namespaces", &Step::get(""), String::new()).await;
                let version = &list["body"]["metadata"]["resourceVersion"];
                let body = json!({"revision": version, "physical": true}).to_string();
                let request =
                    Request::post("/v3/kv/compaction").body(Bytes::from(body.into_bytes())).unwrap();
                let answer = etcd.send(request).await.unwrap();
                assert!(answer.status().is_success(), "etcd answers the compaction with {}", answer.status());
            }
        }
        Value::Null
    }
}

/// Bookmarks come as often as a server likes; only the one that ends the first state is part of the answer.
fn is_news(event: &Value) -> bool {
    event["type"] != "BOOKMARK" || event["object"]["metadata"]["annotations"].is_object()
}

/// The answer with only those items of a list that the step is about.
fn chosen(mut answer: Value, step: &Step) -> Value {
    if let Some((list, field, values)) = &step.only
        && let Some(items) = answer.pointer_mut(&format!("/body{list}")).and_then(Value::as_array_mut)
    {
        items.retain(|item| {
            item.pointer(field).and_then(Value::as_str).is_some_and(|text| values.contains(&text))
        });
        items.sort_by_key(|item| item.pointer(field).map(ToString::to_string));
    }
    answer
}

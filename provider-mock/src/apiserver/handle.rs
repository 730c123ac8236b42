//! One request on objects, from verb to answer.

use super::ApiServer;
use super::decode::{self, Body, FieldValidation};
use super::http::{Answer, answer, stream};
use super::json::{put, text};
use super::list;
use super::patch::{self, ApplyOptions, PatchType};
use super::render::Renderer;
use super::request::{Query, Target, Verb, content_type, negotiate};
use super::status::ApiError;
use super::store::{Key, Store};
use super::watch::Watch;
use super::write::{Deleted, Preconditions, Run, Surface};
use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use serde_json::{Value, json};
use std::sync::Arc;

/// A request on objects with its body read.
pub(crate) struct Call {
    pub target: Target,
    pub verb: Verb,
    pub query: Query,
    pub headers: HeaderMap,
    pub body: Bytes,
}

impl Call {
    fn key(&self) -> Key {
        let name = self.target.name.as_deref().unwrap_or_default();
        Key::new(self.target.endpoint.resource, &self.target.namespace, name)
    }

    fn surface(&self) -> Surface {
        if self.target.status { Surface::Status } else { Surface::Main }
    }

    fn run(&self) -> Result<Run, ApiError> {
        run_of(self.query.text("dryRun"))
    }

    fn decode(&self) -> Result<Body, ApiError> {
        let validation = FieldValidation::parse(self.query.text("fieldValidation"))?;
        decode::object(self.target.endpoint, &self.headers, &self.body, validation)
    }
}

fn run_of(dry_run: &str) -> Result<Run, ApiError> {
    match dry_run {
        "" => Ok(Run::Commit),
        "All" => Ok(Run::Dry),
        other => Err(ApiError::bad_request(format!("invalid dryRun {other:?}: must be All"))),
    }
}

/// Does what the call asks for.
pub(crate) fn handle(server: &ApiServer, call: &Call) -> Result<Answer, ApiError> {
    if call.target.endpoint.resource.is_review() {
        let Body { object, warnings } = call.decode()?;
        return Ok(answer(
            StatusCode::CREATED,
            &server.users().review(call.target.endpoint, object)?,
            &warnings,
        ));
    }
    let renderer = Renderer::new(call.target.endpoint, negotiate(&call.headers)?, &call.query);
    let created = |(object, warnings): (Arc<Value>, Vec<String>)| (StatusCode::CREATED, object, warnings);
    let ok = |(object, warnings): (Arc<Value>, Vec<String>)| (StatusCode::OK, object, warnings);
    let (code, object, warnings) = match call.verb {
        Verb::Get => ok((server.store().read(&call.key())?, Vec::new())),
        Verb::List => {
            let (objects, metadata) = list::page(&server.store(), &call.target, &call.query)?;
            return Ok(answer(StatusCode::OK, &renderer.collection(&objects, &metadata), &[]));
        }
        Verb::Watch => {
            let watch = Watch::open(server.clone(), call.target.clone(), renderer, &call.query)?;
            return Ok(stream(watch.into_stream()));
        }
        Verb::Create => created(create(&mut server.store(), call)?),
        Verb::Update => ok(update(&mut server.store(), call)?),
        Verb::Patch => change(&mut server.store(), call)?,
        Verb::Delete => return delete(&mut server.store(), call, &renderer),
        Verb::DeleteCollection => return delete_collection(&mut server.store(), call, &renderer),
    };
    Ok(answer(code, &renderer.object(&object), &warnings))
}

type Written = (Arc<Value>, Vec<String>);

fn create(store: &mut Store, call: &Call) -> Result<Written, ApiError> {
    let Body { object, warnings } = call.decode()?;
    let object = store.create(call.target.endpoint, &call.target.namespace, object, call.run()?)?;
    Ok((object, warnings))
}

fn update(store: &mut Store, call: &Call) -> Result<Written, ApiError> {
    let Body { object, warnings } = call.decode()?;
    Ok((store.update(&call.key(), object, call.surface(), call.run()?)?, warnings))
}

fn change(store: &mut Store, call: &Call) -> Result<(StatusCode, Arc<Value>, Vec<String>), ApiError> {
    let kind = PatchType::of(content_type(&call.headers))?;
    let patch = decode::json(&call.body)?;
    if kind == PatchType::Apply {
        return apply(store, call, &patch);
    }
    let resource = call.target.endpoint.resource;
    let current = store.read(&call.key())?;
    let patch = if kind == PatchType::Json { patch } else { decode::to_stored(call.target.endpoint, &patch) };
    let patched = patch::apply_patch(kind, &current, patch, resource)?;
    let (object, warnings) = write_patched(store, call, &patched)?;
    Ok((StatusCode::OK, object, warnings))
}

fn write_patched(store: &mut Store, call: &Call, patched: &Value) -> Result<Written, ApiError> {
    let Body { object, warnings } = check_patched(call, patched)?;
    Ok((store.update(&call.key(), object, call.surface(), call.run()?)?, warnings))
}

fn check_patched(call: &Call, patched: &Value) -> Result<Body, ApiError> {
    let validation = FieldValidation::parse(call.query.text("fieldValidation"))?;
    decode::known_fields(call.target.endpoint, patched, validation).map_err(|message| {
        if message.starts_with("strict") {
            ApiError::bad_request(message)
        } else {
            ApiError::unprocessable(&format!(" \"\" is invalid: patch: Invalid value: {message}"))
        }
    })
}

/// Server-side apply: also makes the object where there is none.
fn apply(
    store: &mut Store,
    call: &Call,
    wanted: &Value,
) -> Result<(StatusCode, Arc<Value>, Vec<String>), ApiError> {
    let manager = call.query.text("fieldManager").to_owned();
    if manager.is_empty() {
        return Err(ApiError::unprocessable(
            "PatchOptions.meta.k8s.io \"\" is invalid: fieldManager: Required value: is required for apply patch",
        ));
    }
    let options = ApplyOptions { manager, force: call.query.flag("force") };
    let wanted = decode::to_stored(call.target.endpoint, wanted);
    let current = store.get(&call.key()).cloned();
    let base = current.as_deref().unwrap_or(&Value::Null);
    let resource = call.target.endpoint.resource;
    let mut applied = patch::server_side_apply(base, &wanted, resource, &options)?;
    if current.is_some() {
        let (object, warnings) = write_patched(store, call, &applied)?;
        return Ok((StatusCode::OK, object, warnings));
    }
    if call.target.status {
        return Err(ApiError::not_found(call.target.endpoint, &call.key().name));
    }
    if let Some(metadata) = applied.get_mut("metadata") {
        put(metadata, "name", call.target.name.as_ref().map(|name| json!(name)));
    }
    let Body { object, warnings } = check_patched(call, &applied)?;
    let object = store.create(call.target.endpoint, &call.target.namespace, object, call.run()?)?;
    Ok((StatusCode::CREATED, object, warnings))
}

/// What `DeleteOptions` (or the query) ask for; a propagation policy is accepted and not needed.
fn delete_options(call: &Call) -> Result<(Preconditions, Run), ApiError> {
    let options = decode::optional_json(&call.body)?;
    let text_at = |pointer: &str| Some(text(&options, pointer).to_owned()).filter(|value| !value.is_empty());
    let only_if = Preconditions {
        uid: text_at("/preconditions/uid"),
        resource_version: text_at("/preconditions/resourceVersion"),
    };
    let run = run_of(text(&options, "/dryRun/0"))?;
    Ok((only_if, if run == Run::Dry { run } else { call.run()? }))
}

fn delete(store: &mut Store, call: &Call, renderer: &Renderer) -> Result<Answer, ApiError> {
    let (only_if, run) = delete_options(call)?;
    let endpoint = call.target.endpoint;
    let object = match store.delete(&call.key(), &only_if, run)? {
        Deleted::Gone(object) if !endpoint.resource.returns_deleted() => {
            let mut details = json!({"name": call.target.name, "kind": endpoint.plural, "uid": text(&object, "/metadata/uid")});
            put(&mut details, "group", Some(json!(endpoint.group)).filter(|group| group != ""));
            json!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "details": details})
        }
        Deleted::Gone(object) | Deleted::Pending(object) => renderer.object(&object),
    };
    Ok(answer(StatusCode::OK, &object, &[]))
}

fn delete_collection(store: &mut Store, call: &Call, renderer: &Renderer) -> Result<Answer, ApiError> {
    let (only_if, run) = delete_options(call)?;
    let (objects, metadata) = list::page(store, &call.target, &call.query)?;
    for object in &objects {
        let namespace = text(object, "/metadata/namespace");
        let key = Key::new(call.target.endpoint.resource, namespace, text(object, "/metadata/name"));
        match store.delete(&key, &only_if, run) {
            Ok(_) => {}
            // Its owner went before it and took it along.
            Err(error) if error.code() == StatusCode::NOT_FOUND.as_u16() => {}
            Err(error) => return Err(error),
        }
    }
    Ok(answer(StatusCode::OK, &renderer.collection(&objects, &metadata), &[]))
}

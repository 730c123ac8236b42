//! One request on objects, from verb to answer.

use super::ApiServer;
use super::decode::{self, Body, FieldValidation};
use super::field::FieldError;
use super::http::{Answer, answer, stream};
use super::json::{put, text};
use super::list;
use super::options;
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

    fn run(&self) -> Run {
        run_of(self.query.text("dryRun"))
    }

    /// Refuses options with a value that is none of theirs.
    fn check_options(&self) -> Result<(), ApiError> {
        let is_apply =
            self.verb == Verb::Patch && PatchType::of(content_type(&self.headers))? == PatchType::Apply;
        let is_delete = matches!(self.verb, Verb::Delete | Verb::DeleteCollection);
        let body = if is_delete { decode::optional_json(&self.body)? } else { Value::Null };
        options::check(self.verb, &self.query, is_apply, &body)
    }

    fn decode(&self) -> Result<Body, ApiError> {
        let validation = FieldValidation::parse(self.query.text("fieldValidation"));
        decode::object(self.target.endpoint, &self.headers, &self.body, validation)
    }
}

fn run_of(dry_run: &str) -> Run {
    if dry_run == "All" { Run::Dry } else { Run::Commit }
}

/// Does what the call asks for.
pub(crate) fn handle(server: &ApiServer, call: &Call) -> Result<Answer, ApiError> {
    call.check_options()?;
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
    let object = store.create(call.target.endpoint, &call.target.namespace, object, call.run())?;
    Ok((object, warnings))
}

fn update(store: &mut Store, call: &Call) -> Result<Written, ApiError> {
    let Body { object, warnings } = call.decode()?;
    check_name(&object, &call.key())?;
    Ok((store.update(&call.key(), object, call.surface(), call.run())?, warnings))
}

/// Refuses an object of another name than the path's, whether or not there is one of that name.
fn check_name(object: &Value, key: &Key) -> Result<(), ApiError> {
    let (name, wanted) = (text(object, "/metadata/name"), &key.name);
    match name {
        "" => Err(ApiError::bad_request(format!(
            "the name of the object ({wanted} based on URL) was undeterminable: name must be provided"
        ))),
        name if name == wanted => Ok(()),
        name => Err(ApiError::bad_request(format!(
            "the name of the object ({name}) does not match the name on the URL ({wanted})"
        ))),
    }
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
    check_uid(call, &patched, &current)?;
    let (object, warnings) = write_patched(store, call, &patched)?;
    Ok((StatusCode::OK, object, warnings))
}

fn write_patched(store: &mut Store, call: &Call, patched: &Value) -> Result<Written, ApiError> {
    let Body { object, warnings } = check_patched(call, patched)?;
    Ok((store.update(&call.key(), object, call.surface(), call.run())?, warnings))
}

/// A uid that a patch sets is no precondition, as that of a whole object is.
fn check_uid(call: &Call, patched: &Value, current: &Value) -> Result<(), ApiError> {
    let uid = patched.pointer("/metadata/uid").unwrap_or(&Value::Null);
    if uid.is_null() || Some(uid) == current.pointer("/metadata/uid") {
        return Ok(());
    }
    let error = FieldError::invalid("metadata.uid", uid.clone(), "field is immutable");
    Err(ApiError::invalid(call.target.endpoint, &call.key().name, vec![error]))
}

fn check_patched(call: &Call, patched: &Value) -> Result<Body, ApiError> {
    let validation = FieldValidation::parse(call.query.text("fieldValidation"));
    decode::known_fields(call.target.endpoint, patched, validation)
        .map_err(|message| ApiError::invalid_patch(patched, &message))
}

/// Server-side apply: also makes the object where there is none.
fn apply(
    store: &mut Store,
    call: &Call,
    wanted: &Value,
) -> Result<(StatusCode, Arc<Value>, Vec<String>), ApiError> {
    let manager = call.query.text("fieldManager").to_owned();
    let options = ApplyOptions { manager, force: call.query.flag("force") };
    check_applied(call, wanted)?;
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
    let object = store.create(call.target.endpoint, &call.target.namespace, object, call.run())?;
    Ok((StatusCode::CREATED, object, warnings))
}

/// Refuses what cannot be applied: another version, or something about the managers themselves.
fn check_applied(call: &Call, wanted: &Value) -> Result<(), ApiError> {
    let (version, served) = (text(wanted, "/apiVersion"), call.target.endpoint.api_version());
    if version != served {
        return Err(ApiError::bad_request(format!(
            "Incorrect version specified in apply patch. Specified patch version: {version}, expected: {served}"
        )));
    }
    if wanted.pointer("/metadata/managedFields").is_some_and(|managers| !managers.is_null()) {
        return Err(ApiError::bad_request("metadata.managedFields must be nil"));
    }
    Ok(())
}

/// What `DeleteOptions` (or the query) ask for; a propagation policy is accepted and not needed.
fn delete_options(call: &Call) -> Result<(Preconditions, Run), ApiError> {
    let options = decode::optional_json(&call.body)?;
    let text_at = |pointer: &str| Some(text(&options, pointer).to_owned()).filter(|value| !value.is_empty());
    let only_if = Preconditions {
        uid: text_at("/preconditions/uid"),
        resource_version: text_at("/preconditions/resourceVersion"),
    };
    let run = run_of(text(&options, "/dryRun/0"));
    Ok((only_if, if run == Run::Dry { run } else { call.run() }))
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

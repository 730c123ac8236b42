//! What the cloud refuses.

use std::collections::BTreeSet;

use cloud_lb_core::{Error, ErrorKind, Result};
use serde_json::Value;
use tokio::time::Instant;

use super::Store;
use crate::cloud::record::{Life, NewResource, Record};
use crate::cloud::rules;

pub(super) fn create(store: &Store, new: &NewResource, now: Instant) -> Result<()> {
    if store.options.quotas.contains_key(new.kind) {
        let count = store.alive(now).filter(|record| record.kind == new.kind).count();
        within_quota(store, new.kind, count + 1)?;
    }
    body(store, new.kind, None, &new.body, now)
        .map_err(|error| error.on(format!("{} {}", new.kind, new.name)))
}

/// The same create again gives the same resource, as clouds with client tokens do.
pub(super) fn already_there(new: &NewResource, found: Record) -> Result<Record> {
    let same = found.tags == new.tags && found.description == new.description && *found.body == new.body;
    if same && found.life != Life::Deleting {
        return Ok(found);
    }
    let message = format!("a {} named {:?} exists already", new.kind, new.name);
    Err(Error::new(ErrorKind::Conflict, message).on(found.id))
}

pub(super) fn modify(store: &Store, record: &Record, body: &Value, now: Instant) -> Result<()> {
    for field in rules::fixed(record.kind) {
        if record.body.get(field) != body.get(field) {
            let message = format!("{field} cannot be changed");
            return Err(Error::new(ErrorKind::InvalidInput, message).on(&record.id));
        }
    }
    self::body(store, record.kind, Some(&record.id), body, now).map_err(|error| error.on(&record.id))
}

pub(super) fn delete(store: &Store, record: &Record, now: Instant) -> Result<()> {
    let is_user =
        |user: &&Record| user.id != record.id && rules::references(&user.body).contains(&record.id.as_str());
    match store.alive(now).find(is_user) {
        None => Ok(()),
        Some(user) => {
            let message = format!("is in use by {}", user.id);
            Err(Error::new(ErrorKind::InUse, message).on(&record.id))
        }
    }
}

fn body(store: &Store, kind: &str, own: Option<&str>, body: &Value, now: Instant) -> Result<()> {
    if let Some(bad) = rules::bad_ports(body).first() {
        return Err(Error::new(ErrorKind::InvalidInput, format!("{bad}, which is not a port")));
    }
    references_exist(store, body, now)?;
    for (collection, count) in rules::collections(body) {
        within_quota(store, &format!("{kind}/{collection}"), count)?;
    }
    slots_are_free(store, kind, own, body, now)?;
    protocols_agree(store, kind, body, now)
}

fn references_exist(store: &Store, body: &Value, now: Instant) -> Result<()> {
    for reference in rules::references(body) {
        let exists = match reference.strip_prefix('#') {
            Some(pointer) => body.pointer(pointer).is_some(),
            None => store.exists(reference, now),
        };
        if !exists {
            let message = format!("refers to {reference}, which does not exist");
            return Err(Error::new(ErrorKind::NotFound, message));
        }
    }
    Ok(())
}

fn slots_are_free(store: &Store, kind: &str, own: Option<&str>, body: &Value, now: Instant) -> Result<()> {
    let mut slots = BTreeSet::new();
    for slot in rules::slots(kind, body) {
        if let Some(slot) = slots.replace(slot) {
            return Err(Error::new(ErrorKind::InUse, format!("{slot} is used twice")));
        }
    }
    if slots.is_empty() {
        return Ok(());
    }
    let others = store.alive(now).filter(|record| record.kind == kind && Some(record.id.as_str()) != own);
    for other in others {
        if let Some(slot) = rules::slots(kind, &other.body).iter().find(|slot| slots.contains(*slot)) {
            return Err(Error::new(ErrorKind::InUse, format!("{slot} is in use by {}", other.id)));
        }
    }
    Ok(())
}

/// A listener and its target group speak the same protocol.
fn protocols_agree(store: &Store, kind: &str, body: &Value, now: Instant) -> Result<()> {
    let group = body.get("targetGroup").and_then(Value::as_str).filter(|_| kind == "Listener");
    let Some(group) = group.map(|id| store.get(id, now)).transpose()? else { return Ok(()) };
    if group.body.get("protocol") == body.get("protocol") {
        return Ok(());
    }
    Err(Error::new(ErrorKind::InvalidInput, format!("its protocol is not that of {}", group.id)))
}

fn within_quota(store: &Store, what: &str, count: usize) -> Result<()> {
    match store.options.quotas.get(what) {
        Some(most) if count > *most => {
            let message = format!("the account may have no more than {most} of {what}");
            Err(Error::new(ErrorKind::Quota, message))
        }
        _ => Ok(()),
    }
}

//! The account's resources, with their past.

mod check;

use std::collections::{BTreeMap, VecDeque};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use cloud_lb_core::error::Retry;
use cloud_lb_core::ownership::Tags;
use cloud_lb_core::{Error, ErrorKind, Result};
use serde_json::Value;
use tokio::time::Instant;

use super::addresses::Addresses;
use super::options::Options;
use super::record::{Life, NewResource, Page, Query, Record};
use super::rules;
use crate::net::Net;

#[derive(Debug)]
pub(super) struct Store {
    options: Options,
    resources: BTreeMap<String, Entry>,
    addresses: Addresses,
    /// Number of the last write: makes ids and etags unique.
    writes: u64,
}

/// The states of one resource, oldest first; the last one is the truth.
#[derive(Debug, Default)]
struct Entry {
    versions: VecDeque<Version>,
}

#[derive(Debug, Clone)]
struct Version {
    at: Instant,
    /// `None`: gone.
    state: Option<Arc<Stored>>,
}

#[derive(Debug)]
struct Stored {
    record: Record,
    /// When `record.life` ends by itself.
    until: Instant,
}

impl Stored {
    /// The record as it is at a time; `None` once it is gone.
    fn at(&self, now: Instant) -> Option<Record> {
        let mut record = self.record.clone();
        match record.life {
            Life::Deleting if now >= self.until => return None,
            Life::Provisioning if now >= self.until => record.life = Life::Active,
            _ => {}
        }
        Some(record)
    }
}

impl Entry {
    fn latest(&self, now: Instant) -> Option<Record> {
        self.versions.back()?.state.as_ref()?.at(now)
    }

    fn seen_at(&self, when: Instant) -> Option<Record> {
        let version = self.versions.iter().rev().find(|version| version.at <= when)?;
        version.state.as_ref()?.at(when)
    }
}

impl Store {
    pub(super) fn new(options: Options, net: Option<Net>) -> Self {
        Self { options, resources: BTreeMap::new(), addresses: Addresses::new(net), writes: 0 }
    }

    pub(super) fn records(&self, now: Instant) -> Vec<Record> {
        self.resources.values().filter_map(|entry| entry.latest(now)).collect()
    }

    fn latest(&self, now: Instant) -> impl Iterator<Item = Record> {
        self.resources.values().filter_map(move |entry| entry.latest(now))
    }

    pub(super) fn get(&self, id: &str, now: Instant) -> Result<Record> {
        self.resources.get(id).and_then(|entry| entry.latest(now)).ok_or_else(|| not_found(id))
    }

    pub(super) fn find(&self, kind: &str, name: &str, now: Instant) -> Option<Record> {
        self.latest(now).find(|record| record.kind == kind && record.name == name)
    }

    /// A page of the state at `when`, which may be in the past.
    pub(super) fn list(&self, query: Query<'_>, after: Option<&str>, when: Instant) -> Page {
        let seen = self.resources.iter().filter(|(id, _)| after.is_none_or(|after| id.as_str() > after));
        let mut matching =
            seen.filter_map(|(_, entry)| entry.seen_at(when)).filter(|record| query.matches(record));
        let records: Vec<Record> = matching.by_ref().take(self.options.page_size.get()).collect();
        let more = matching.next().is_some();
        let next = records.last().filter(|_| more).map(|record| record.id.clone());
        Page { records, next }
    }

    pub(super) fn create(&mut self, new: NewResource, now: Instant) -> Result<Record> {
        self.forget(now);
        if let Some(found) = self.find(new.kind, &new.name, now) {
            return already_there(&new, found);
        }
        check::create(self, &new, now)?;
        self.writes += 1;
        let mut record = Record {
            id: format!("{}{}:{}:{}", rules::ID_PREFIX, new.kind, new.name, self.writes),
            kind: new.kind,
            name: new.name,
            tags: new.tags,
            description: new.description,
            body: new.body,
            created: self.writes,
            etag: self.writes,
            life: Life::Active,
            assigned: BTreeMap::new(),
        };
        self.assign(&mut record)?;
        let slow = rules::is_slow(record.kind) && !self.options.provisioning.is_zero();
        if slow {
            record.life = Life::Provisioning;
        }
        let until = now + self.options.provisioning;
        self.put(record.clone(), now, until);
        Ok(record)
    }

    pub(super) fn modify(
        &mut self,
        id: &str,
        body: Value,
        if_match: Option<u64>,
        now: Instant,
    ) -> Result<Record> {
        self.forget(now);
        let mut record = self.get(id, now)?;
        self.check_writable(&record, if_match, now)?;
        check::modify(self, &record, &body, now)?;
        record.body = body;
        self.assign(&mut record)?;
        Ok(self.rewrite(record, now))
    }

    pub(super) fn set_marks(&mut self, id: &str, marks: &Tags, now: Instant) -> Result<Record> {
        let mut record = self.get(id, now)?;
        if record.tags.is_empty() && !record.description.is_empty() {
            record.description = marks_as_text(marks);
        } else {
            record.tags = marks.clone();
        }
        Ok(self.rewrite(record, now))
    }

    /// Starts the delete; the state is `Deleting`, or the resource is gone already.
    pub(super) fn delete(&mut self, id: &str, if_match: Option<u64>, now: Instant) -> Result<Option<Record>> {
        self.forget(now);
        let mut record = self.get(id, now)?;
        if record.life == Life::Deleting {
            return Ok(Some(record));
        }
        self.check_writable(&record, if_match, now)?;
        check::delete(self, &record, now)?;
        if rules::is_slow(record.kind) && !self.options.provisioning.is_zero() {
            record.life = Life::Deleting;
            self.put(record.clone(), now, now + self.options.provisioning);
            return Ok(Some(record));
        }
        self.remove(id, now);
        Ok(None)
    }

    /// Removes without questions, as somebody with a console could.
    pub(super) fn remove(&mut self, id: &str, now: Instant) {
        let Some(entry) = self.resources.get_mut(id) else { return };
        if let Some(record) = entry.latest(now) {
            release(&mut self.addresses, &record);
        }
        entry.versions.push_back(Version { at: now, state: None });
    }

    fn check_writable(&self, record: &Record, if_match: Option<u64>, now: Instant) -> Result<()> {
        if record.life == Life::Deleting {
            let wait = self.remaining(&record.id, now);
            return Err(Error::new(ErrorKind::Conflict, "is being deleted")
                .with_retry(Retry::After(wait))
                .on(&record.id));
        }
        match if_match {
            Some(etag) if etag != record.etag => {
                Err(Error::new(ErrorKind::Conflict, "was changed since it was read").on(&record.id))
            }
            _ => Ok(()),
        }
    }

    /// Time until the resource is made or gone.
    pub(super) fn remaining(&self, id: &str, now: Instant) -> Duration {
        let latest = self.resources.get(id).and_then(|entry| entry.versions.back());
        let until = latest.and_then(|version| version.state.as_ref()).map_or(now, |stored| stored.until);
        until.saturating_duration_since(now)
    }

    /// When a resource is made or gone next, by itself.
    pub(super) fn next_change(&self, now: Instant) -> Option<Instant> {
        let latest = self.resources.values().filter_map(|entry| entry.versions.back()?.state.as_ref());
        let changing = latest.filter(|stored| stored.record.life != Life::Active && stored.until > now);
        changing.map(|stored| stored.until).min()
    }

    /// Gives addresses and a host name where the kind has them and the resource has none yet, and takes back
    /// those of families that it has no more.
    fn assign(&mut self, record: &mut Record) -> Result<()> {
        let families = rules::families(record.kind, &record.body);
        if families.is_empty() {
            return Ok(());
        }
        let wanted: Vec<(String, &String)> =
            families.iter().map(|family| (format!("address-{family}"), family)).collect();
        let missing = wanted.iter().filter(|(key, _)| !record.assigned.contains_key(key));
        let mut taken: Vec<(String, IpAddr)> = Vec::new();
        for (key, family) in missing {
            match self.addresses.take(family, requested(&record.body, family)) {
                Ok(address) => taken.push((key.clone(), address)),
                Err(error) => {
                    taken.into_iter().for_each(|(_, address)| self.addresses.release(address));
                    return Err(error);
                }
            }
        }
        let is_wanted = |key: &String| wanted.iter().any(|(wanted, _)| wanted == key);
        for (_, address) in
            record.assigned.extract_if(.., |key, _| key.starts_with("address-") && !is_wanted(key))
        {
            address.parse().into_iter().for_each(|address| self.addresses.release(address));
        }
        record.assigned.extend(taken.into_iter().map(|(key, address)| (key, address.to_string())));
        record
            .assigned
            .entry("hostname".to_owned())
            .or_insert_with(|| format!("{}.mock.cloud-lb.dev", record.name));
        Ok(())
    }

    /// Writes a new state of a resource whose life goes on as it was.
    fn rewrite(&mut self, mut record: Record, now: Instant) -> Record {
        self.writes += 1;
        record.etag = self.writes;
        let until = now + self.remaining(&record.id, now);
        self.put(record.clone(), now, until);
        record
    }

    fn put(&mut self, record: Record, now: Instant, until: Instant) {
        let entry = self.resources.entry(record.id.clone()).or_default();
        entry.versions.push_back(Version { at: now, state: Some(Arc::new(Stored { record, until })) });
    }

    /// Drops states that no read can show any more, and frees what went by itself.
    fn forget(&mut self, now: Instant) {
        let gone: Vec<String> = self
            .resources
            .iter()
            .filter(|(_, entry)| entry.latest(now).is_none())
            .filter(|(_, entry)| entry.versions.back().is_some_and(|version| version.state.is_some()))
            .map(|(id, _)| id.clone())
            .collect();
        for id in gone {
            let Some(entry) = self.resources.get_mut(&id) else { continue };
            let last = entry.versions.back().and_then(|version| version.state.clone());
            let Some(stored) = last else { continue };
            release(&mut self.addresses, &stored.record);
            entry.versions.push_back(Version { at: stored.until, state: None });
        }
        let Some(horizon) = now.checked_sub(self.options.stale_reads) else { return };
        self.resources.retain(|_, entry| {
            while entry.versions.get(1).is_some_and(|next| next.at <= horizon) {
                entry.versions.pop_front();
            }
            entry.versions.front().is_some_and(|first| first.state.is_some() || first.at > horizon)
        });
    }
}

/// The address of a family that a resource asks for.
fn requested(body: &Value, family: &str) -> Option<IpAddr> {
    let address: IpAddr = body.get("requestedAddress")?.as_str()?.parse().ok()?;
    (address.is_ipv6() == (family == "IPv6")).then_some(address)
}

fn release(addresses: &mut Addresses, record: &Record) {
    let owned = record.assigned.iter().filter(|(key, _)| key.starts_with("address-"));
    for address in owned.filter_map(|(_, text)| text.parse().ok()) {
        addresses.release(address);
    }
}

/// Marks for clouds that have descriptions instead of tags.
pub(crate) fn marks_as_text(marks: &Tags) -> String {
    serde_json::to_string(marks).unwrap_or_default()
}

/// The same create again gives the same resource, as clouds with client tokens do.
fn already_there(new: &NewResource, found: Record) -> Result<Record> {
    let same = found.tags == new.tags && found.description == new.description && found.body == new.body;
    if same && found.life != Life::Deleting {
        return Ok(found);
    }
    let message = format!("a {} named {:?} exists already", new.kind, new.name);
    Err(Error::new(ErrorKind::Conflict, message).on(found.id))
}

pub(super) fn not_found(id: &str) -> Error {
    Error::new(ErrorKind::NotFound, "does not exist").on(id)
}

#[cfg(test)]
mod tests;

//! The account's resources, with their past.

mod check;
mod history;

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
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
use history::History;

#[derive(Debug)]
pub(super) struct Store {
    options: Options,
    resources: BTreeMap<String, History>,
    /// The newest resource of each kind and name, by the part of its id that tells these.
    names: BTreeMap<String, String>,
    /// Those with a past, or that go by themselves.
    restless: BTreeSet<String>,
    addresses: Addresses,
    /// Number of the last write: makes ids and etags unique.
    writes: u64,
}

impl Store {
    pub(super) fn new(options: Options, net: Option<Net>) -> Self {
        Self {
            options,
            resources: BTreeMap::new(),
            names: BTreeMap::new(),
            restless: BTreeSet::new(),
            addresses: Addresses::new(net),
            writes: 0,
        }
    }

    pub(super) fn records(&self, now: Instant) -> Vec<Record> {
        self.resources.values().filter_map(|history| history.latest(now)).collect()
    }

    /// Everything that is there; where it is in its life does not count.
    fn alive(&self, now: Instant) -> impl Iterator<Item = &Record> {
        self.resources.values().filter_map(move |history| history.alive(now))
    }

    fn exists(&self, id: &str, now: Instant) -> bool {
        self.resources.get(id).is_some_and(|history| history.alive(now).is_some())
    }

    pub(super) fn get(&self, id: &str, now: Instant) -> Result<Record> {
        self.resources.get(id).and_then(|history| history.latest(now)).ok_or_else(|| not_found(id))
    }

    pub(super) fn find(&self, kind: &str, name: &str, now: Instant) -> Option<Record> {
        let id = self.names.get(&id_of(kind, name))?;
        self.resources.get(id)?.latest(now)
    }

    /// A page of the state at `when`, which may be in the past.
    pub(super) fn list(&self, query: Query<'_>, after: Option<&str>, when: Instant) -> Page {
        let seen = self.resources.iter().filter(|(id, _)| after.is_none_or(|after| id.as_str() > after));
        let mut matching =
            seen.filter_map(|(_, history)| history.seen_at(when, |record| query.matches(record)));
        let records: Vec<Record> = matching.by_ref().take(self.options.page_size.get()).collect();
        let more = matching.next().is_some();
        let next = records.last().filter(|_| more).map(|record| record.id.clone());
        Page { records, next }
    }

    pub(super) fn create(&mut self, new: NewResource, now: Instant) -> Result<Record> {
        self.forget(now);
        if let Some(found) = self.find(new.kind, &new.name, now) {
            return check::already_there(&new, found);
        }
        check::create(self, &new, now)?;
        self.writes += 1;
        let mut record = Record {
            id: format!("{}:{}", id_of(new.kind, &new.name), self.writes),
            kind: new.kind,
            name: new.name,
            tags: new.tags,
            description: new.description,
            body: new.body.into(),
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
        self.names.insert(id_of(record.kind, &record.name), record.id.clone());
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
        record.body = body.into();
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
        let Some(history) = self.resources.get_mut(id) else { return };
        if let Some(record) = history.latest(now) {
            release(&mut self.addresses, &record);
            history.end(now);
            self.restless.insert(id.to_owned());
        }
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
        self.resources.get(id).map(|history| history.remaining(now)).unwrap_or_default()
    }

    /// When a resource is made or gone next, by itself.
    pub(super) fn next_change(&self, now: Instant) -> Option<Instant> {
        self.resources.values().filter_map(|history| history.next_change(now)).min()
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
                    for (_, address) in taken {
                        self.addresses.release(address);
                    }
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
        self.restless.insert(record.id.clone());
        self.resources.entry(record.id.clone()).or_default().put(record, now, until);
    }

    /// Drops states that no read can show any more, and frees what went by itself.
    fn forget(&mut self, now: Instant) {
        let horizon = now.checked_sub(self.options.stale_reads);
        let mut gone = Vec::new();
        self.restless.retain(|id| {
            let Some(history) = self.resources.get_mut(id) else { return false };
            if let Some(record) = history.settle(now) {
                release(&mut self.addresses, &record);
            }
            let is_there = horizon.is_none_or(|horizon| history.prune(horizon));
            if !is_there {
                gone.push(id.clone());
            }
            is_there && history.is_restless()
        });
        for id in gone {
            self.remove_history(&id);
        }
    }

    fn remove_history(&mut self, id: &str) {
        self.resources.remove(id);
        if let Some((name, _)) = id.rsplit_once(':')
            && self.names.get(name).is_some_and(|newest| newest == id)
        {
            self.names.remove(name);
        }
    }
}

/// An id up to its number.
fn id_of(kind: &str, name: &str) -> String {
    format!("{}{kind}:{name}", rules::ID_PREFIX)
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

pub(super) fn not_found(id: &str) -> Error {
    Error::new(ErrorKind::NotFound, "does not exist").on(id)
}

#[cfg(test)]
mod tests;

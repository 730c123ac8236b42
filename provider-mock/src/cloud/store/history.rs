//! The states of one resource over time.

use std::collections::VecDeque;
use std::time::Duration;

use tokio::time::Instant;

use crate::cloud::record::{Life, Record};

/// The states of one resource, oldest first; the last one is the truth.
#[derive(Debug, Default)]
pub(super) struct History {
    versions: VecDeque<Version>,
}

#[derive(Debug)]
struct Version {
    at: Instant,
    /// `None`: gone.
    state: Option<Stored>,
}

/// A state, and when its life ends by itself.
#[derive(Debug)]
pub(super) struct Stored {
    record: Record,
    until: Instant,
}

impl Stored {
    /// The record, though perhaps with an older [`Life`]; `None` once it is gone.
    fn alive(&self, now: Instant) -> Option<&Record> {
        (self.record.life != Life::Deleting || now < self.until).then_some(&self.record)
    }

    fn at(&self, now: Instant) -> Option<Record> {
        let mut record = self.alive(now)?.clone();
        if record.life == Life::Provisioning && now >= self.until {
            record.life = Life::Active;
        }
        Some(record)
    }
}

impl History {
    pub(super) fn put(&mut self, record: Record, now: Instant, until: Instant) {
        self.versions.push_back(Version { at: now, state: Some(Stored { record, until }) });
    }

    pub(super) fn end(&mut self, at: Instant) {
        self.versions.push_back(Version { at, state: None });
    }

    fn last(&self) -> Option<&Stored> {
        self.versions.back()?.state.as_ref()
    }

    /// The resource as it is.
    pub(super) fn latest(&self, now: Instant) -> Option<Record> {
        self.last()?.at(now)
    }

    /// As [`latest`](Self::latest), without a copy; where it is in its life does not count.
    pub(super) fn alive(&self, now: Instant) -> Option<&Record> {
        self.last()?.alive(now)
    }

    /// The resource as it was, if it is of interest.
    pub(super) fn seen_at(&self, when: Instant, wanted: impl Fn(&Record) -> bool) -> Option<Record> {
        let version = self.versions.iter().rev().find(|version| version.at <= when)?;
        version.state.as_ref().filter(|stored| wanted(&stored.record))?.at(when)
    }

    /// Time until it is made or gone.
    pub(super) fn remaining(&self, now: Instant) -> Duration {
        self.last().map(|stored| stored.until.saturating_duration_since(now)).unwrap_or_default()
    }

    /// When it is made or gone, if that is still to come.
    pub(super) fn next_change(&self, now: Instant) -> Option<Instant> {
        self.last()
            .filter(|stored| stored.record.life != Life::Active && stored.until > now)
            .map(|stored| stored.until)
    }

    /// Ends it if it went by itself, and tells what it was.
    pub(super) fn settle(&mut self, now: Instant) -> Option<Record> {
        let gone = self.last().filter(|stored| stored.alive(now).is_none())?;
        let (record, until) = (gone.record.clone(), gone.until);
        self.end(until);
        Some(record)
    }

    /// Whether time may change what there is to see of it.
    pub(super) fn is_restless(&self) -> bool {
        self.versions.len() > 1 || self.last().is_none_or(|stored| stored.record.life == Life::Deleting)
    }

    /// Drops states that nobody can see any more who looks no further back than `horizon`; false if there is
    /// nothing left to see.
    pub(super) fn prune(&mut self, horizon: Instant) -> bool {
        while self.versions.get(1).is_some_and(|next| next.at <= horizon) {
            self.versions.pop_front();
        }
        self.versions.front().is_some_and(|first| first.state.is_some() || first.at > horizon)
    }
}

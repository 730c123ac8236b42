//! What goes by itself: events, an hour after they were written last.

use std::collections::VecDeque;
use std::time::Duration;

use tokio::time::Instant;

use super::{Key, Resource};

/// How long an event stays (`--event-ttl`).
const EVENT_TTL: Duration = Duration::from_hours(1);

/// The writes of events, oldest first.
#[derive(Debug, Default)]
pub(super) struct Expiry(VecDeque<Write>);

#[derive(Debug)]
struct Write {
    at: Instant,
    key: Key,
    version: u64,
}

impl Expiry {
    /// Takes note of a write.
    pub(super) fn wrote(&mut self, key: &Key, version: u64) {
        if key.resource == Resource::Events {
            self.0.push_back(Write { at: Instant::now(), key: key.clone(), version });
        }
    }

    /// The next write whose time is over: what it left, and at which version.
    pub(super) fn next(&mut self) -> Option<(Key, u64)> {
        self.0.front().filter(|write| write.at.elapsed() >= EVENT_TTL)?;
        self.0.pop_front().map(|write| (write.key, write.version))
    }
}

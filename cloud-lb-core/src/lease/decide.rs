//! What to do about a Lease, from what was seen of it. Moments are times since the elector was made, on
//! its own clock.

use std::time::Duration;

use jiff::Timestamp;

/// What a Lease says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Record {
    /// Who holds it; empty if nobody does.
    pub(super) holder: String,
    /// How long the others wait after a change before they take it.
    pub(super) duration: Duration,
    /// How often it went from one holder to another.
    pub(super) transitions: i32,
    /// When its holder got it, on the holder's clock: for people only.
    pub(super) acquired: Option<Timestamp>,
    /// When its holder last renewed it, on the holder's clock: that it changes matters, not what it says.
    pub(super) renewed: Option<Timestamp>,
}

/// The Lease as it was seen last.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Sight {
    last: Option<Seen>,
    /// Whether the last look found no Lease.
    absent: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Seen {
    record: Record,
    /// When this record was first seen.
    at: Duration,
}

/// Who asks, and for how long it wants the Lease.
#[derive(Debug, Clone, Copy)]
pub(super) struct Candidate<'a> {
    pub(super) identity: &'a str,
    pub(super) duration: Duration,
}

/// What to do now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Decision {
    /// Make the Lease.
    Create(Record),
    /// Write this over the version that was seen.
    Update(Record),
    /// Another one holds it, at least so long.
    Wait(Duration),
}

impl Sight {
    /// Takes in what a look at the Lease showed. Only a change counts as a sign of life of its holder.
    pub(super) fn look(&mut self, record: Option<Record>, now: Duration) {
        self.absent = record.is_none();
        let Some(record) = record else { return };
        if self.last.as_ref().is_none_or(|last| last.record != record) {
            self.last = Some(Seen { record, at: now });
        }
    }

    /// Who holds the Lease, as far as we saw; empty if nobody does.
    pub(super) fn holder(&self) -> &str {
        self.last.as_ref().map_or("", |last| last.record.holder.as_str())
    }

    /// Who holds the Lease and has shown a sign of life in the time of the Lease; `None` if nobody has.
    pub(super) fn alive(&self, now: Duration) -> Option<&str> {
        let Seen { record, at } = self.last.as_ref()?;
        let is_alive = !record.holder.is_empty() && now < *at + record.duration;
        is_alive.then_some(record.holder.as_str())
    }

    /// What a candidate does now.
    ///
    /// A Lease that somebody deleted is not free before the time of its last holder is over: the holder may
    /// not have noticed yet.
    pub(super) fn decide(&self, us: Candidate<'_>, now: Duration, wall: Timestamp) -> Decision {
        let mut record = Record {
            holder: us.identity.to_owned(),
            duration: us.duration,
            transitions: 0,
            acquired: Some(wall),
            renewed: Some(wall),
        };
        let Some(Seen { record: last, at }) = &self.last else { return Decision::Create(record) };
        let ours = last.holder == us.identity;
        let left = (*at + last.duration).saturating_sub(now);
        if !ours && !last.holder.is_empty() && left > Duration::ZERO {
            return Decision::Wait(left);
        }
        record.transitions = last.transitions.saturating_add(i32::from(!ours));
        if ours {
            record.acquired = last.acquired.or(record.acquired);
        }
        if record.renewed == last.renewed {
            // A clock that stands still must not make the holder look dead.
            record.renewed = wall.checked_add(Duration::from_micros(1)).ok();
        }
        if self.absent { Decision::Create(record) } else { Decision::Update(record) }
    }

    /// What gives the Lease back: nobody holds it, and it is free at once.
    pub(super) fn release(&self, wall: Timestamp) -> Option<Record> {
        let last = &self.last.as_ref()?.record;
        Some(Record {
            holder: String::new(),
            duration: Duration::from_secs(1),
            transitions: last.transitions,
            acquired: Some(wall),
            renewed: Some(wall),
        })
    }
}

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use cloud_lb_core::call::Access;
use cloud_lb_core::error::{Effect, Error, ErrorKind};

/// How a call goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// It fails and does nothing.
    Fail(ErrorKind),
    /// It does its work, and seems to fail: nobody knows what became of it.
    FailAfterWork(ErrorKind),
}

impl Fault {
    pub(super) fn error(self) -> Error {
        let (kind, effect) = match self {
            Self::Fail(kind) => (kind, Effect::None),
            Self::FailAfterWork(kind) => (kind, Effect::Unknown),
        };
        Error::new(kind, "a fault on demand").with_effect(effect)
    }
}

/// Calls by action.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Calls {
    /// Calls that only read.
    pub reads: BTreeMap<&'static str, u64>,
    /// Calls that write.
    pub writes: BTreeMap<&'static str, u64>,
    /// The calls that write, one after the other.
    pub order: Vec<&'static str>,
}

impl Calls {
    /// All calls that only read.
    pub fn total_reads(&self) -> u64 {
        self.reads.values().sum()
    }

    /// All calls that write.
    pub fn total_writes(&self) -> u64 {
        self.writes.values().sum()
    }

    /// Calls of one action.
    pub fn of(&self, action: &str) -> u64 {
        let all = self.reads.iter().chain(&self.writes);
        all.filter(|(name, _)| **name == action).map(|(_, count)| count).sum()
    }
}

struct Trap {
    /// Matching calls to go, this one included.
    left: u64,
    access: Access,
    action: Option<&'static str>,
    fault: Fault,
}

#[derive(Default)]
pub(super) struct Faults {
    pub(super) calls: Calls,
    pub(super) crash_after: Option<u64>,
    traps: Vec<Trap>,
}

impl Faults {
    pub(super) fn add(&mut self, nth: u64, access: Access, action: Option<&'static str>, fault: Fault) {
        self.traps.push(Trap { left: nth, access, action, fault });
    }

    pub(super) fn clear(&mut self) {
        self.traps.clear();
        self.crash_after = None;
    }

    /// Counts a call; what goes wrong with it.
    pub(super) fn begin(&mut self, action: &'static str, access: Access) -> Option<Fault> {
        match (self.crash_after, access) {
            (Some(0), _) => return Some(Fault::Fail(ErrorKind::Unavailable)),
            (Some(left), Access::Write) => self.crash_after = Some(left - 1),
            _ => {}
        }
        let counts = match access {
            Access::Read => &mut self.calls.reads,
            Access::Write => &mut self.calls.writes,
        };
        *counts.entry(action).or_default() += 1;
        if access == Access::Write {
            self.calls.order.push(action);
        }
        let matching =
            |trap: &&mut Trap| trap.access == access && trap.action.is_none_or(|wanted| wanted == action);
        let mut fault = None;
        for trap in self.traps.iter_mut().filter(matching) {
            trap.left = trap.left.saturating_sub(1);
            if trap.left == 0 {
                fault = fault.or(Some(trap.fault));
            }
        }
        self.traps.retain(|trap| trap.left > 0);
        fault
    }
}

//! How often the cloud was called.

use std::collections::BTreeMap;
use std::fmt;

use cloud_lb_core::call::Access;
use serde::Serialize;

/// Calls by operation, at one moment or between two.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct CallCounts {
    /// Reads by operation.
    pub reads: BTreeMap<String, u64>,
    /// Writes by operation.
    pub writes: BTreeMap<String, u64>,
}

impl CallCounts {
    pub(super) fn add(&mut self, operation: &str, access: Access) {
        let counts = match access {
            Access::Read => &mut self.reads,
            Access::Write => &mut self.writes,
        };
        *counts.entry(operation.to_owned()).or_default() += 1;
    }

    /// All reads.
    pub fn total_reads(&self) -> u64 {
        self.reads.values().sum()
    }

    /// All writes.
    pub fn total_writes(&self) -> u64 {
        self.writes.values().sum()
    }

    /// What was called after `earlier`.
    pub fn since(&self, earlier: &Self) -> Self {
        Self {
            reads: difference(&self.reads, &earlier.reads),
            writes: difference(&self.writes, &earlier.writes),
        }
    }
}

fn difference(now: &BTreeMap<String, u64>, then: &BTreeMap<String, u64>) -> BTreeMap<String, u64> {
    let more =
        now.iter().map(|(key, count)| (key.clone(), count.saturating_sub(*then.get(key).unwrap_or(&0))));
    more.filter(|(_, count)| *count > 0).collect()
}

impl fmt::Display for CallCounts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} reads, {} writes", self.total_reads(), self.total_writes())
    }
}

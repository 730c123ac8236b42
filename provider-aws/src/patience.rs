//! How long to wait for what AWS is still at work on.

use std::collections::BTreeMap;
use std::time::Duration;

use parking_lot::Mutex;

/// First and longest wait (AWS-205).
const FIRST: Duration = Duration::from_secs(2);
const LONGEST: Duration = Duration::from_mins(1);

/// Counts how often each thing was waited for: 2, 4, 8 … 60 seconds.
#[derive(Debug, Default)]
pub(crate) struct Patience(Mutex<BTreeMap<String, u32>>);

impl Patience {
    /// How often it was waited for, this time included, and how long to wait now.
    pub(crate) fn wait_for(&self, id: &str) -> (u32, Duration) {
        let mut counts = self.0.lock();
        let count = counts.entry(id.to_owned()).or_default();
        *count = count.saturating_add(1);
        let wait = FIRST.saturating_mul(1 << (*count - 1).min(8));
        (*count, wait.min(LONGEST))
    }

    /// It need not be waited for any more.
    pub(crate) fn done(&self, id: &str) {
        self.0.lock().remove(id);
    }
}

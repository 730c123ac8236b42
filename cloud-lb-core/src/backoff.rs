//! Delays between attempts that fail.

use std::time::Duration;

/// Delays that start at `min` and double up to `max` (SC-34).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Backoff {
    min: Duration,
    max: Duration,
}

impl Backoff {
    pub(crate) fn new(min: Duration, max: Duration) -> Self {
        Self { min, max }
    }

    /// The delay after a failure that `failures` others went before, without a success between.
    pub(crate) fn delay(self, failures: u32) -> Duration {
        let factor = 2_u32.checked_pow(failures).unwrap_or(u32::MAX);
        self.min.saturating_mul(factor).min(self.max)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sc_34_doubles_from_5_to_300_seconds_and_stays_there() {
        let backoff = Backoff::new(Duration::from_secs(5), Duration::from_mins(5));
        let delays: Vec<u64> = (0..9).map(|n| backoff.delay(n).as_secs()).collect();
        assert_eq!(delays, [5, 10, 20, 40, 80, 160, 300, 300, 300]);
        assert_eq!(backoff.delay(u32::MAX), Duration::from_mins(5));
    }
}

//! A limit on calls per second, on tokio's clock.

use std::num::NonZeroU32;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::time::Instant;

/// How many calls may be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RateLimit {
    /// Time in which one call is earned.
    pub interval: Duration,
    /// Calls that may be made at once after a pause.
    pub burst: NonZeroU32,
}

impl RateLimit {
    /// So many calls a second on average, and `burst` at once.
    pub fn per_second(calls: NonZeroU32, burst: NonZeroU32) -> Self {
        Self { interval: Duration::from_secs(1) / calls.get(), burst }
    }
}

/// Spends the calls that a [`RateLimit`] earns.
#[derive(Debug)]
pub struct TokenBucket {
    limit: RateLimit,
    /// When the calls spent so far are all earned; in the past if there are some to spare.
    earned_at: Mutex<Option<Instant>>,
}

impl TokenBucket {
    /// A full bucket.
    pub fn new(limit: RateLimit) -> Self {
        Self { limit, earned_at: Mutex::new(None) }
    }

    /// Spends one call now.
    ///
    /// # Errors
    /// The time until there is one, if there is none now; nothing is spent then.
    pub fn try_take(&self) -> Result<(), Duration> {
        let mut earned_at = self.earned_at.lock();
        let (wait, after) = self.next(*earned_at);
        if wait > Duration::ZERO {
            return Err(wait);
        }
        *earned_at = Some(after);
        Ok(())
    }

    /// Spends one call, and waits until it is earned. Callers are served in the order in which they came.
    ///
    /// # Cancel safety
    /// A dropped future has spent its call all the same: the limit is never exceeded.
    pub async fn take(&self) {
        let wait = {
            let mut earned_at = self.earned_at.lock();
            let (wait, after) = self.next(*earned_at);
            *earned_at = Some(after);
            wait
        };
        if wait > Duration::ZERO {
            tokio::time::sleep(wait).await;
        }
    }

    /// How long the next call must wait, and when all is earned after it.
    fn next(&self, earned_at: Option<Instant>) -> (Duration, Instant) {
        let now = Instant::now();
        let start = earned_at.map_or(now, |at| at.max(now));
        let credit = self.limit.interval * (self.limit.burst.get() - 1);
        (start.saturating_duration_since(now).saturating_sub(credit), start + self.limit.interval)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bucket(calls: u32, burst: u32) -> TokenBucket {
        let number = |n| NonZeroU32::new(n).unwrap();
        TokenBucket::new(RateLimit::per_second(number(calls), number(burst)))
    }

    #[tokio::test(start_paused = true)]
    async fn a_burst_goes_at_once_and_the_rest_at_the_rate() {
        let bucket = bucket(10, 3);
        let start = Instant::now();
        for _ in 0..5 {
            bucket.take().await;
        }
        assert_eq!(start.elapsed(), Duration::from_millis(200));
    }

    #[tokio::test(start_paused = true)]
    async fn a_refusal_tells_how_long_and_spends_nothing() {
        let bucket = bucket(2, 1);
        assert_eq!(bucket.try_take(), Ok(()));
        assert_eq!(bucket.try_take(), Err(Duration::from_millis(500)));
        tokio::time::advance(Duration::from_millis(500)).await;
        assert_eq!(bucket.try_take(), Ok(()));
    }

    #[tokio::test(start_paused = true)]
    async fn a_pause_earns_no_more_than_the_burst() {
        let bucket = bucket(10, 2);
        tokio::time::advance(Duration::from_mins(1)).await;
        assert_eq!(
            [bucket.try_take().is_ok(), bucket.try_take().is_ok(), bucket.try_take().is_ok()],
            [true, true, false]
        );
    }
}

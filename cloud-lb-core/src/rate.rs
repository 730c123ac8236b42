//! A limit on calls per second, on tokio's clock.

use std::num::NonZeroU32;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::time::Instant;

use crate::deadline;

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

/// Time without a throttled call after which a slowed bucket earns a tenth of its rate back.
const RECOVERY: Duration = Duration::from_secs(10);
/// Throttled calls within this time are one sign of overload: they were all under way at once.
const ONE_OVERLOAD: Duration = Duration::from_secs(1);
/// The lowest share of its rate to which a bucket is slowed.
const LOWEST_SHARE: f64 = 1.0 / 16.0;

/// Spends the calls that a [`RateLimit`] earns.
///
/// The rate adapts to what the cloud can take: [`slow_down`](Self::slow_down) halves it, and every ten
/// seconds without one give back a tenth, up to the limit.
#[derive(Debug)]
pub struct TokenBucket {
    limit: RateLimit,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    /// When the calls spent so far are all earned; in the past if there are some to spare.
    earned_at: Option<Instant>,
    /// The part of the limit's rate that is earned, as it was when it last changed.
    share: f64,
    /// When it last was slowed down.
    slowed_at: Option<Instant>,
}

impl State {
    fn share(&self, now: Instant) -> f64 {
        let Some(slowed_at) = self.slowed_at else { return 1.0 };
        let rest = now.saturating_duration_since(slowed_at).as_secs_f64();
        (self.share + 0.1 * (rest / RECOVERY.as_secs_f64()).floor()).min(1.0)
    }
}

impl TokenBucket {
    /// A full bucket.
    pub fn new(limit: RateLimit) -> Self {
        Self { limit, state: Mutex::new(State { earned_at: None, share: 1.0, slowed_at: None }) }
    }

    /// Spends one call now.
    ///
    /// # Errors
    /// The time until there is one, if there is none now; nothing is spent then.
    pub fn try_take(&self) -> Result<(), Duration> {
        let mut state = self.state.lock();
        let (wait, after) = self.next(&state);
        if wait > Duration::ZERO {
            return Err(wait);
        }
        state.earned_at = Some(after);
        Ok(())
    }

    /// Spends one call, and waits until it is earned. Callers are served in the order in which they came.
    ///
    /// # Cancel safety
    /// A dropped future has spent its call all the same: the limit is never exceeded.
    pub async fn take(&self) {
        let wait = {
            let mut state = self.state.lock();
            let (wait, after) = self.next(&state);
            state.earned_at = Some(after);
            wait
        };
        if wait > Duration::ZERO {
            deadline::wait(wait).await;
        }
    }

    /// Halves the rate, because the cloud refused a call as one too many.
    pub fn slow_down(&self) {
        let mut state = self.state.lock();
        let now = Instant::now();
        if state.slowed_at.is_some_and(|at| now.saturating_duration_since(at) < ONE_OVERLOAD) {
            return;
        }
        state.share = (state.share(now) / 2.0).max(LOWEST_SHARE);
        state.slowed_at = Some(now);
    }

    /// The part of the limit's rate that is earned now: 1 unless calls were refused.
    pub fn share(&self) -> f64 {
        self.state.lock().share(Instant::now())
    }

    /// How long the next call must wait, and when all is earned after it.
    fn next(&self, state: &State) -> (Duration, Instant) {
        let now = Instant::now();
        let interval = self.limit.interval.div_f64(state.share(now));
        let start = state.earned_at.map_or(now, |at| at.max(now));
        let credit = self.limit.interval * (self.limit.burst.get() - 1);
        (start.saturating_duration_since(now).saturating_sub(credit), start + interval)
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

    #[tokio::test(start_paused = true)]
    async fn refusals_halve_the_rate_once_per_overload_and_rest_gives_it_back() {
        let bucket = bucket(10, 1);
        bucket.slow_down();
        bucket.slow_down();
        let start = Instant::now();
        for _ in 0..3 {
            bucket.take().await;
        }
        assert_eq!(start.elapsed(), Duration::from_millis(400), "5 a second");
        tokio::time::advance(Duration::from_secs(20)).await;
        assert!((bucket.share() - 0.7).abs() < 1e-9);
        bucket.slow_down();
        assert!((bucket.share() - 0.35).abs() < 1e-9);
        tokio::time::advance(Duration::from_secs(100)).await;
        assert!((bucket.share() - 1.0).abs() < 1e-9);
    }

    #[tokio::test(start_paused = true)]
    async fn constant_refusals_never_stop_all_calls() {
        let bucket = bucket(16, 1);
        for _ in 0..100 {
            bucket.slow_down();
            tokio::time::advance(Duration::from_secs(1)).await;
        }
        assert!((bucket.share() - LOWEST_SHARE).abs() < 1e-9);
        bucket.take().await;
        assert_eq!(bucket.try_take(), Err(Duration::from_secs(1)));
    }
}

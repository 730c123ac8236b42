//! Deadlines that do not count the time for which a limit of calls makes whoever calls wait: who has many calls
//! to make is slow, and not without an answer.

use std::future::Future;
use std::iter::successors;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::task::futures::TaskLocalFuture;
use tokio::time::{Instant, sleep, sleep_until};

tokio::task_local! {
    static WAITS: Waits;
}

/// The waits of one piece of work, which are also those of the work that it is part of.
#[derive(Debug, Clone)]
pub(crate) struct Waits(Arc<Scope>);

#[derive(Debug)]
struct Scope {
    tally: Mutex<Tally>,
    outer: Option<Waits>,
}

/// Waits at the same time count once.
#[derive(Debug, Default)]
struct Tally {
    running: usize,
    since: Option<Instant>,
    ended: Duration,
}

impl Tally {
    fn total(&self) -> Duration {
        self.ended + self.since.map(|since| since.elapsed()).unwrap_or_default()
    }
}

impl Waits {
    /// None yet; those of work that is part of what runs now.
    pub(crate) fn new() -> Self {
        let outer = WAITS.try_with(Self::clone).ok();
        Self(Arc::new(Scope { tally: Mutex::default(), outer }))
    }

    /// How long the work has waited so far.
    pub(crate) fn total(&self) -> Duration {
        self.0.tally.lock().total()
    }

    /// Does the work that these are the waits of.
    ///
    /// # Cancel safety
    /// That of the work.
    pub(crate) fn of<F: Future>(&self, work: F) -> TaskLocalFuture<Self, F> {
        // No future of ours around it, which would hold the work twice.
        WAITS.scope(self.clone(), work)
    }

    fn outwards(&self) -> impl Iterator<Item = &Self> {
        successors(Some(self), |waits| waits.0.outer.as_ref())
    }
}

/// What comes of the work, unless it takes longer than this beside its [waits](excused).
///
/// # Cancel safety
/// That of the work.
pub async fn within<T>(limit: Duration, work: impl Future<Output = T>) -> Option<T> {
    let (waits, begin) = (Waits::new(), Instant::now());
    let due = || begin + limit + waits.total();
    let work = waits.of(work);
    tokio::pin!(work);
    loop {
        tokio::select! {
            biased;
            result = &mut work => return Some(result),
            () = sleep_until(due()) => {
                if due() <= Instant::now() {
                    return None;
                }
            }
        }
    }
}

/// Waits because of a limit of calls.
pub(crate) async fn wait(duration: Duration) {
    excused(sleep(duration)).await;
}

/// Waits for something without counting it against the deadlines of whoever waits: for a limit of calls, or for others
/// who make calls that we would make otherwise, and have deadlines of their own.
///
/// # Cancel safety
/// That of what is waited for.
pub async fn excused<T>(wait: impl Future<Output = T>) -> T {
    let _waiting = Waiting::begin();
    wait.await
}

/// A wait that goes on until this is dropped.
struct Waiting(Option<Waits>);

impl Waiting {
    fn begin() -> Self {
        let waits = WAITS.try_with(Waits::clone).ok();
        for waits in waits.iter().flat_map(Waits::outwards) {
            let mut tally = waits.0.tally.lock();
            tally.running += 1;
            tally.since.get_or_insert_with(Instant::now);
        }
        Self(waits)
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        for waits in self.0.iter().flat_map(Waits::outwards) {
            let mut tally = waits.0.tally.lock();
            tally.running -= 1;
            if tally.running == 0 {
                tally.ended = tally.total();
                tally.since = None;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMIT: Duration = Duration::from_secs(10);

    async fn work(seconds: u64) {
        sleep(Duration::from_secs(seconds)).await;
    }

    async fn waiting(seconds: u64) {
        wait(Duration::from_secs(seconds)).await;
    }

    #[tokio::test(start_paused = true)]
    async fn waits_do_not_count_and_those_at_the_same_time_are_one() {
        let patient = async {
            work(4).await;
            tokio::join!(waiting(60), waiting(90));
            work(5).await;
        };
        assert_eq!(within(LIMIT, patient).await, Some(()));
    }

    #[tokio::test(start_paused = true)]
    async fn what_takes_too_long_beside_its_waits_ends() {
        let begin = Instant::now();
        let slow = async {
            waiting(60).await;
            work(6).await;
            waiting(30).await;
            work(6).await;
        };
        assert_eq!(within(LIMIT, slow).await, None);
        assert_eq!(begin.elapsed(), Duration::from_secs(100));
        assert_eq!(within(LIMIT, std::future::pending::<()>()).await, None);
        waiting(1).await;
    }

    #[tokio::test(start_paused = true)]
    async fn what_a_part_waits_for_the_whole_waits_for() {
        let whole = Waits::new();
        let parts = async {
            assert_eq!(within(LIMIT, waiting(60)).await, Some(()));
            work(5).await;
            waiting(30).await;
        };
        whole.of(parts).await;
        assert_eq!(whole.total(), Duration::from_secs(90));
    }
}

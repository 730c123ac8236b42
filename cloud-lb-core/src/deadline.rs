//! Deadlines that do not count the time for which a limit of calls makes whoever calls wait: who has many calls
//! to make is slow, and not without an answer.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::time::{Instant, sleep, sleep_until};

tokio::task_local! {
    static WAITS: Arc<Mutex<Waits>>;
}

/// The waits of one piece of work; those at the same time count once.
#[derive(Debug, Default)]
struct Waits {
    running: usize,
    since: Option<Instant>,
    ended: Duration,
}

impl Waits {
    fn total(&self) -> Duration {
        self.ended + self.since.map(|since| since.elapsed()).unwrap_or_default()
    }
}

/// What comes of the work, unless it takes longer than this beside its [waits](wait).
///
/// # Cancel safety
/// That of the work.
#[cfg_attr(not(feature = "kube"), expect(dead_code, reason = "it is the controller that sets deadlines"))]
pub(crate) async fn within<T>(limit: Duration, work: impl Future<Output = T>) -> Option<T> {
    let (waits, begin) = (Arc::<Mutex<Waits>>::default(), Instant::now());
    let due = || begin + limit + waits.lock().total();
    let work = WAITS.scope(Arc::clone(&waits), work);
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
    let _waiting = Waiting::begin();
    sleep(duration).await;
}

/// A wait that goes on until this is dropped.
struct Waiting(Option<Arc<Mutex<Waits>>>);

impl Waiting {
    fn begin() -> Self {
        let waits = WAITS.try_with(Arc::clone).ok();
        if let Some(waits) = &waits {
            let mut waits = waits.lock();
            waits.running += 1;
            waits.since.get_or_insert_with(Instant::now);
        }
        Self(waits)
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        let Some(waits) = &self.0 else { return };
        let mut waits = waits.lock();
        waits.running -= 1;
        if waits.running == 0 {
            waits.ended = waits.total();
            waits.since = None;
        }
    }
}

#[cfg(all(test, feature = "kube"))]
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
}

//! The one wrapper around every call to a cloud: rate limit, deadline, span, counts.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::future::Future;
use std::time::Duration;

use parking_lot::Mutex;
use serde::Serialize;
use tokio::time::Instant;
use tracing::Instrument;

use crate::deadline;
use crate::error::{Effect, Error, ErrorKind, Result, Retry};
use crate::measure::{self, Fact, work_span};
use crate::rate::{RateLimit, TokenBucket};

/// How often [`Calls::make_patiently`] makes one call.
const ATTEMPTS: usize = 5;

/// Whether a call can change something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Access {
    /// It only reads.
    Read,
    /// It may change something: without an answer, nobody knows whether it did.
    Write,
}

/// How often an operation was called.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct CallCount {
    /// Calls that were made, whatever came of them.
    pub calls: u64,
    /// Those that failed, deadlines included.
    pub errors: u64,
    /// Requests that the cloud refused as one too many, those included that a client library tried again.
    pub throttles: u64,
}

/// Makes calls to one cloud account.
#[derive(Debug)]
pub struct Calls {
    deadline: Duration,
    families: Vec<(Vec<String>, TokenBucket)>,
    reads: Option<TokenBucket>,
    writes: Option<TokenBucket>,
    counts: Mutex<BTreeMap<Cow<'static, str>, CallCount>>,
}

impl Calls {
    /// Calls without a rate limit that must answer within `deadline`.
    pub fn new(deadline: Duration) -> Self {
        Self { deadline, families: Vec::new(), reads: None, writes: None, counts: Mutex::default() }
    }

    /// Limits the rate of calls of one kind of access.
    pub fn with_limit(mut self, access: Access, limit: RateLimit) -> Self {
        let bucket = Some(TokenBucket::new(limit));
        match access {
            Access::Read => self.reads = bucket,
            Access::Write => self.writes = bucket,
        }
        self
    }

    /// Limits the rate of the operations whose names start with one of `prefixes`, together, whatever
    /// their access. Of several such limits the first that fits an operation holds, before those of its
    /// access.
    pub fn with_limit_of(mut self, prefixes: Vec<String>, limit: RateLimit) -> Self {
        self.families.push((prefixes, TokenBucket::new(limit)));
        self
    }

    fn bucket(&self, operation: &str, access: Access) -> Option<&TokenBucket> {
        let fits = |prefixes: &[String]| prefixes.iter().any(|prefix| operation.starts_with(prefix.as_str()));
        let family = self.families.iter().find(|(prefixes, _)| fits(prefixes));
        family.map(|(_, bucket)| bucket).or(match access {
            Access::Read => self.reads.as_ref(),
            Access::Write => self.writes.as_ref(),
        })
    }

    /// Slows the calls of an operation's family down, because the cloud refused a request as one too many.
    /// [`make`](Self::make) does not do so by itself for errors of kind `Throttled`: client libraries try
    /// again, and only who watches their attempts sees each refusal once.
    pub fn throttled(&self, operation: &str, access: Access) {
        if let Some(bucket) = self.bucket(operation, access) {
            bucket.slow_down();
        }
        self.counts.lock().entry(Cow::Owned(operation.to_owned())).or_default().throttles += 1;
        measure::note(&Fact::Throttled { operation });
    }

    /// Makes one call. The time spent waiting for the rate limit does not count against the deadline.
    ///
    /// # Errors
    /// What the call gave, with the operation's name; `Timeout` after the deadline, for a write with
    /// [`Effect::Unknown`].
    ///
    /// # Cancel safety
    /// That of the call itself.
    pub async fn make<T>(
        &self,
        operation: impl Into<Cow<'static, str>>,
        access: Access,
        call: impl Future<Output = Result<T>>,
    ) -> Result<T> {
        let operation = operation.into();
        let asked = Instant::now();
        if let Some(bucket) = self.bucket(&operation, access) {
            bucket.take().await;
        }
        let begin = Instant::now();
        let span = work_span!(DEBUG, "cloud_call", %operation, otel.kind = "client");
        let answer = tokio::time::timeout(self.deadline, call).instrument(span.clone()).await;
        let result = answer.unwrap_or_else(|_| Err(self.timed_out(access)));
        measure::end_span(&span, &result);
        measure::note(&Fact::CloudCall {
            operation: &operation,
            waited: begin - asked,
            took: begin.elapsed(),
            error: result.as_ref().err().map(Error::kind),
        });
        self.count(operation.clone(), result.is_err());
        result.map_err(|error| error.during(operation))
    }

    /// As [`make`](Self::make), for a cloud whose client library does not try again: a call that the cloud
    /// refuses as one too many, and for which it tells a time to wait, is made again after that time, up to
    /// five times in all. Each refusal slows the calls of its family down.
    ///
    /// # Errors
    /// As of `make`; `Throttled` after the last refusal.
    ///
    /// # Cancel safety
    /// That of the call itself.
    pub async fn make_patiently<T, F: Future<Output = Result<T>>>(
        &self,
        operation: &str,
        access: Access,
        mut call: impl FnMut() -> F,
    ) -> Result<T> {
        for _ in 1..ATTEMPTS {
            let result = self.make(operation.to_owned(), access, call()).await;
            let Err(error) = &result else { return result };
            let (ErrorKind::Throttled, Retry::After(pause)) = (error.kind(), error.retry()) else {
                return result;
            };
            self.throttled(operation, access);
            deadline::wait(pause).await;
        }
        self.make(operation.to_owned(), access, call()).await
    }

    fn timed_out(&self, access: Access) -> Error {
        let effect = match access {
            Access::Read => Effect::None,
            Access::Write => Effect::Unknown,
        };
        let message = format!("the cloud did not answer within {:?}", self.deadline);
        Error::new(ErrorKind::Timeout, message).with_effect(effect)
    }

    fn count(&self, operation: Cow<'static, str>, failed: bool) {
        let mut counts = self.counts.lock();
        let count = counts.entry(operation).or_default();
        count.calls += 1;
        count.errors += u64::from(failed);
    }

    /// What was called so far, by operation.
    pub fn counts(&self) -> BTreeMap<Cow<'static, str>, CallCount> {
        self.counts.lock().clone()
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU32;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn an_unanswered_write_has_an_unknown_effect() {
        let calls = Calls::new(Duration::from_secs(5));
        let error =
            calls.make("Create", Access::Write, std::future::pending::<Result<()>>()).await.unwrap_err();
        assert_eq!((error.kind(), error.effect()), (ErrorKind::Timeout, Effect::Unknown));
        assert_eq!(error.operation(), Some("Create"));
        let error = calls.make("List", Access::Read, std::future::pending::<Result<()>>()).await.unwrap_err();
        assert_eq!((error.kind(), error.effect()), (ErrorKind::Timeout, Effect::None));
    }

    #[tokio::test(start_paused = true)]
    async fn calls_are_counted_and_limited_by_access() {
        let limit = RateLimit::per_second(NonZeroU32::MIN, NonZeroU32::MIN);
        let calls = Calls::new(Duration::from_secs(5)).with_limit(Access::Write, limit);
        let start = Instant::now();
        for _ in 0..3 {
            calls.make("List", Access::Read, async { Ok(()) }).await.unwrap();
            calls.make("Create", Access::Write, async { Ok(()) }).await.unwrap();
        }
        let refused: Result<()> =
            calls.make("List", Access::Read, async { Err(Error::new(ErrorKind::Quota, "full")) }).await;
        assert_eq!(refused.unwrap_err().kind(), ErrorKind::Quota);
        assert_eq!(start.elapsed(), Duration::from_secs(2));
        assert_eq!(calls.counts()["List"], CallCount { calls: 4, errors: 1, throttles: 0 });
        assert_eq!(calls.counts()["Create"], CallCount { calls: 3, errors: 0, throttles: 0 });
    }

    #[tokio::test(start_paused = true)]
    async fn a_refused_call_is_made_again_when_the_cloud_says_and_not_for_ever() {
        let calls = Calls::new(Duration::from_secs(5));
        let refusal = || {
            let retry = Retry::After(Duration::from_secs(20));
            Error::new(ErrorKind::Throttled, "one too many").with_retry(retry)
        };
        let (start, mut made) = (Instant::now(), 0);
        let third = || {
            made += 1;
            let answer = if made < 3 { Err(refusal()) } else { Ok(()) };
            async move { answer }
        };
        calls.make_patiently("List", Access::Read, third).await.unwrap();
        assert_eq!((made, start.elapsed()), (3, Duration::from_secs(40)));
        let never = || async { Err::<(), _>(refusal()) };
        let error = calls.make_patiently("List", Access::Read, never).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Throttled);
        assert_eq!(calls.counts()["List"], CallCount { calls: 8, errors: 7, throttles: 6 });
        let in_silence = || async { Err::<(), _>(Error::new(ErrorKind::Throttled, "one too many")) };
        calls.make_patiently("Create", Access::Write, in_silence).await.unwrap_err();
        assert_eq!(calls.counts()["Create"].calls, 1, "nobody says when");
    }

    #[tokio::test(start_paused = true)]
    async fn calls_are_told_to_the_measure_of_their_task() {
        let limit = RateLimit::per_second(NonZeroU32::MIN, NonZeroU32::MIN);
        let calls = Calls::new(Duration::from_secs(5)).with_limit(Access::Read, limit);
        let notes = std::sync::Arc::new(measure::tests::Notes::default());
        measure::measured(std::sync::Arc::clone(&notes) as _, async {
            calls.make("List", Access::Read, async { Ok(()) }).await.unwrap();
            calls.make("List", Access::Read, std::future::pending::<Result<()>>()).await.unwrap_err();
            calls.throttled("List", Access::Read);
        })
        .await;
        assert_eq!(
            notes.take(),
            [
                r#"CloudCall { operation: "List", waited: 0ns, took: 0ns, error: None }"#,
                r#"CloudCall { operation: "List", waited: 1s, took: 5s, error: Some(Timeout) }"#,
                r#"Throttled { operation: "List" }"#,
            ]
        );
    }

    #[tokio::test(start_paused = true)]
    async fn families_of_operations_have_limits_of_their_own_that_throttling_lowers() {
        let limit = RateLimit::per_second(NonZeroU32::new(2).unwrap(), NonZeroU32::MIN);
        let slow = RateLimit::per_second(NonZeroU32::MIN, NonZeroU32::MIN);
        let calls = Calls::new(Duration::from_secs(5))
            .with_limit_of(vec!["Register".to_owned(), "Deregister".to_owned()], limit)
            .with_limit(Access::Write, slow);
        let start = Instant::now();
        calls.make("RegisterTargets", Access::Write, async { Ok(()) }).await.unwrap();
        calls.throttled("RegisterTargets", Access::Write);
        calls.make("Create", Access::Write, async { Ok(()) }).await.unwrap();
        for _ in 0..2 {
            calls.make("DeregisterTargets", Access::Write, async { Ok(()) }).await.unwrap();
        }
        assert_eq!(
            start.elapsed(),
            Duration::from_millis(1500),
            "one interval before the refusal, then 1 a second"
        );
        assert_eq!(calls.counts()["RegisterTargets"], CallCount { calls: 1, errors: 0, throttles: 1 });
    }
}

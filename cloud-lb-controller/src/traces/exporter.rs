//! Tells of traces that cannot be sent: at once, then rarely, and when they can be again.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use opentelemetry::Context;
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{BatchSpanProcessor, Span, SpanData, SpanExporter, SpanProcessor};
use parking_lot::Mutex;
use tokio::time::Instant;

use super::client::Trouble;

/// Time between two lines of the log about a collector that stays away.
const SILENCE: Duration = Duration::from_mins(10);

/// Counts spans; clones count together.
#[derive(Debug, Clone, Default)]
pub(super) struct Tally(Arc<Counts>);

#[derive(Debug, Default)]
struct Counts {
    ended: AtomicU64,
    sent: AtomicU64,
}

impl Tally {
    /// Spans that ended and were not sent: those that were lost, and those that still wait.
    pub(super) fn unsent(&self) -> u64 {
        let Counts { ended, sent } = &*self.0;
        let sent = sent.load(Ordering::Relaxed);
        ended.load(Ordering::Relaxed).saturating_sub(sent)
    }
}

/// A queue of a bounded number of spans that counts them. What does not fit is lost; nobody waits.
#[derive(Debug)]
pub(super) struct Queue {
    batches: BatchSpanProcessor,
    tally: Tally,
}

impl Queue {
    pub(super) fn new(exporter: impl SpanExporter + 'static, tally: Tally) -> Self {
        Self { batches: BatchSpanProcessor::builder(exporter).build(), tally }
    }
}

impl SpanProcessor for Queue {
    fn on_start(&self, span: &mut Span, context: &Context) {
        self.batches.on_start(span, context);
    }

    fn on_end(&self, span: SpanData) {
        self.tally.0.ended.fetch_add(1, Ordering::Relaxed);
        self.batches.on_end(span);
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.batches.force_flush()
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.batches.shutdown_with_timeout(timeout)
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.batches.set_resource(resource);
    }
}

/// An exporter that tells how it fares.
pub(super) struct Exporter<E> {
    pub(super) inner: E,
    pub(super) tally: Tally,
    pub(super) trouble: Trouble,
    pub(super) standing: Mutex<Standing>,
}

/// Whether the collector takes spans, as far as was told.
#[derive(Debug, Default)]
pub(super) struct Standing {
    /// When it was told last that it does not.
    told: Option<Instant>,
    lost: u64,
}

/// What to tell of a batch.
#[derive(Debug, PartialEq, Eq)]
enum News {
    /// They cannot be sent; so many spans were lost since they could.
    Lost(u64),
    /// They are sent again, after so many were lost.
    Again(u64),
}

impl Standing {
    fn note(&mut self, spans: u64, sent: bool, now: Instant) -> Option<News> {
        if sent {
            let Self { told, lost } = std::mem::take(self);
            return told.map(|_| News::Again(lost));
        }
        self.lost += spans;
        let is_due = self.told.is_none_or(|told| now - told >= SILENCE);
        is_due.then(|| {
            self.told = Some(now);
            News::Lost(self.lost)
        })
    }
}

impl<E: SpanExporter> SpanExporter for Exporter<E> {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        let spans = batch.len() as u64;
        let result = self.inner.export(batch).await;
        if result.is_ok() {
            self.tally.0.sent.fetch_add(spans, Ordering::Relaxed);
        }
        let news = self.standing.lock().note(spans, result.is_ok(), Instant::now());
        match (news, &result) {
            (Some(News::Lost(lost)), Err(error)) => {
                let reason = self.trouble.take().unwrap_or_else(|| error.to_string());
                tracing::warn!(lost, reason, "traces cannot be sent to the collector and are dropped");
            }
            (Some(News::Again(lost)), _) => tracing::info!(lost, "traces are sent again"),
            _ => {}
        }
        result
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.inner.shutdown_with_timeout(timeout)
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.inner.set_resource(resource);
    }
}

impl<E> fmt::Debug for Exporter<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Exporter").field("standing", &self.standing).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_collector_that_stays_away_is_told_of_rarely() {
        let (mut standing, begin) = (Standing::default(), Instant::now());
        let mut note = |seconds, sent| standing.note(3, sent, begin + Duration::from_secs(seconds));
        assert_eq!(note(0, true), None, "all is well");
        assert_eq!(note(5, false), Some(News::Lost(3)));
        assert_eq!(note(10, false), None);
        assert_eq!(note(604, false), None);
        assert_eq!(note(605, false), Some(News::Lost(12)));
        assert_eq!(note(606, true), Some(News::Again(12)));
        assert_eq!(note(607, true), None);
        assert_eq!(note(608, false), Some(News::Lost(3)), "from the beginning");
    }
}

//! Deletes that overlap.
//!
//! Two Services that are deleted at once each see the other use what they share, and leave it. So of
//! all that overlap, the one that ends last looks once more.

use parking_lot::Mutex;

#[derive(Default)]
pub(super) struct Deletes(Mutex<Counts>);

#[derive(Default)]
struct Counts {
    running: usize,
    ended: u64,
}

/// A delete that is under way, until it is finished or dropped.
pub(super) struct Running<'a> {
    counts: Option<&'a Mutex<Counts>>,
    /// How many had ended when this one began.
    ended_before: u64,
}

impl Deletes {
    pub(super) fn begin(&self) -> Running<'_> {
        let mut counts = self.0.lock();
        counts.running += 1;
        Running { counts: Some(&self.0), ended_before: counts.ended }
    }
}

impl Running<'_> {
    /// Ends this delete; whether it must look once more, for it is the last of several.
    pub(super) fn finish(mut self) -> bool {
        let Some(counts) = self.counts.take() else { return false };
        let mut counts = counts.lock();
        let overlapped = counts.ended != self.ended_before;
        counts.end();
        overlapped && counts.running == 0
    }
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        if let Some(counts) = self.counts {
            counts.lock().end();
        }
    }
}

impl Counts {
    fn end(&mut self) {
        self.running = self.running.saturating_sub(1);
        self.ended += 1;
    }
}

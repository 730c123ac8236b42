//! The one place that reads the wall clock. Everything that waits uses `tokio::time`.

use jiff::Timestamp;

/// The wall clock time, for what people read: events and conditions.
pub(crate) fn now() -> Timestamp {
    Timestamp::now()
}

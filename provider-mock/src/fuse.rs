//! The end of a process, after so many writes.

use std::sync::Arc;

use parking_lot::Mutex;
use tokio_util::sync::CancellationToken;

/// Ends a client after so many writes, to the cloud and to the API server taken together.
///
/// The last write is made, and its answer never comes: the process died in between. From then on nothing
/// that the client asks for is done or answered. Clones are handles to the same fuse.
///
/// # Examples
/// ```
/// use provider_mock::apiserver::ApiServer;
/// use provider_mock::{Fuse, MockCloud, Options};
/// let (api, cloud) = (ApiServer::new(), MockCloud::new(Options::default()));
/// let fuse = Fuse::after(3);
/// api.faults().die_with(fuse.clone());
/// cloud.faults().die_with(fuse.clone());
/// assert!(!fuse.has_blown());
/// ```
#[derive(Debug, Clone)]
pub struct Fuse {
    left: Arc<Mutex<u64>>,
    blown: CancellationToken,
}

impl Fuse {
    /// A fuse that blows with the write of this number; 0 is taken as 1.
    pub fn after(writes: u64) -> Self {
        Self { left: Arc::new(Mutex::new(writes.max(1))), blown: CancellationToken::new() }
    }

    /// Whether the client is dead.
    pub fn has_blown(&self) -> bool {
        self.blown.is_cancelled()
    }

    /// Waits for the client's end.
    pub async fn blown(&self) {
        self.blown.cancelled().await;
    }

    /// Comes before a call: of a dead client it never ends.
    pub(crate) async fn admit(&self) {
        if self.has_blown() {
            std::future::pending::<()>().await;
        }
    }

    /// Comes after a write that was made: never ends if it was the last.
    pub(crate) async fn wrote(&self) {
        let is_last = {
            let mut left = self.left.lock();
            *left = left.saturating_sub(1);
            *left == 0
        };
        if is_last {
            self.blown.cancel();
            std::future::pending::<()>().await;
        }
    }
}

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use k8s_openapi::api::coordination::v1::Lease;
use kube::{Api, Client};
use parking_lot::Mutex;
use tokio::time::Instant;

use super::decide::Sight;
use super::elector::record_of;
use crate::controller::from_kube;
use crate::error::{Error, ErrorKind, Result};

/// Time between looks.
const PERIOD: Duration = Duration::from_secs(5);
/// Time that the API server has to answer.
const PATIENCE: Duration = Duration::from_secs(10);
/// Looks between two lines of the log that say that we wait.
const LOOKS_PER_LINE: u32 = 12;

/// Another controller that would do the same work, told by the Lease that its replicas elect a leader on.
///
/// # Expected flow
/// [`gone`](Self::gone), start to work, [`returned`](Self::returned); stop working when that returns.
///
/// # Guarantees
/// - Its holder counts as alive until it has not renewed the Lease, on our monotonic clock, for as long as it
///   promised to. No clock is compared with another.
/// - The Lease is read, never written.
///
/// # Limits
/// A look shows what was there a moment ago: a controller that starts is noticed some seconds later.
pub struct Rival {
    api: Api<Lease>,
    lease: String,
    name: String,
    epoch: Instant,
    sight: Sight,
    standing: RivalStanding,
}

/// Whether a [`Rival`] keeps us from working; a cheap handle for health checks.
#[derive(Debug, Clone, Default)]
pub struct RivalStanding(Arc<Mutex<bool>>);

impl RivalStanding {
    /// Complains while we wait until another controller is gone.
    ///
    /// # Errors
    /// Says so.
    pub fn check(&self) -> std::result::Result<(), String> {
        if *self.0.lock() { Err("another controller does the same work".to_owned()) } else { Ok(()) }
    }
}

impl fmt::Debug for Rival {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Rival").field("lease", &self.lease).finish_non_exhaustive()
    }
}

impl Rival {
    /// Looks at the Lease of this name.
    pub fn new(client: Client, namespace: &str, name: &str) -> Self {
        Self {
            api: Api::namespaced(client, namespace),
            lease: format!("{namespace}/{name}"),
            name: name.to_owned(),
            epoch: Instant::now(),
            sight: Sight::default(),
            standing: RivalStanding::default(),
        }
    }

    /// A handle for health checks.
    pub fn standing(&self) -> RivalStanding {
        self.standing.clone()
    }

    /// Waits until nobody renews the Lease any more. An API server that fails is asked again.
    ///
    /// # Errors
    /// `PermissionDenied` if we may not read it.
    ///
    /// # Cancel safety
    /// Nothing is lost.
    pub async fn gone(&mut self) -> Result<()> {
        for look in 0_u32.. {
            match self.look().await {
                Ok(None) => break,
                Ok(Some(holder)) => self.tell(&holder, look),
                Err(error) if error.kind() == ErrorKind::PermissionDenied => return Err(error),
                Err(error) => {
                    tracing::warn!(lease = self.lease, %error, "the lease of another controller could not be read and will be looked at again");
                }
            }
            tokio::time::sleep(PERIOD).await;
        }
        *self.standing.0.lock() = false;
        Ok(())
    }

    /// Waits until somebody renews the Lease again.
    ///
    /// # Errors
    /// `Conflict`, with who it is; `PermissionDenied` if we may not read it any more.
    ///
    /// # Cancel safety
    /// Nothing is lost.
    pub async fn returned(&mut self) -> Result<()> {
        loop {
            tokio::time::sleep(PERIOD).await;
            match self.look().await {
                Ok(None) => {}
                Ok(Some(holder)) => {
                    let message =
                        format!("another controller has begun to do the same work: {holder} holds its lease");
                    return Err(Error::new(ErrorKind::Conflict, message).on(self.lease.as_str()));
                }
                Err(error) if error.kind() == ErrorKind::PermissionDenied => return Err(error),
                Err(error) => {
                    tracing::debug!(lease = self.lease, %error, "the lease of another controller could not be read");
                }
            }
        }
    }

    /// Who is at work, if anybody is.
    async fn look(&mut self) -> Result<Option<String>> {
        let asked = tokio::time::timeout(PATIENCE, self.api.get_opt(&self.name)).await;
        let found =
            asked.map_err(|_| Error::new(ErrorKind::Timeout, format!("no answer within {PATIENCE:?}")))?;
        let spec = found.map_err(from_kube)?.map(|lease| lease.spec.unwrap_or_default());
        let now = self.epoch.elapsed();
        self.sight.look(spec.map(record_of), now);
        Ok(self.sight.alive(now).map(str::to_owned))
    }

    fn tell(&self, holder: &str, look: u32) {
        let lease = &self.lease;
        if look.is_multiple_of(LOOKS_PER_LINE) {
            tracing::warn!(
                lease,
                holder,
                "another controller does the same work: nothing is done until it is gone"
            );
        }
        *self.standing.0.lock() = true;
    }
}

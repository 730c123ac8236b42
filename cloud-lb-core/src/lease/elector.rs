use std::fmt;
use std::time::Duration;

use jiff::Timestamp;
use k8s_openapi::api::coordination::v1::{Lease, LeaseSpec};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::MicroTime;
use kube::api::{ObjectMeta, PostParams};
use kube::{Api, Client};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::decide::{Candidate, Decision, Record, Sight};
use super::options::{JITTER, LeaseOptions};
use super::standing::Standing;
use crate::clock;
use crate::controller::from_kube;
use crate::error::{Error, ErrorKind, Result};

/// Campaigns for a Lease and holds it.
///
/// # Expected flow
/// [`acquire`](Self::acquire), start to work, [`hold`](Self::hold); stop working when that returns.
///
/// # Guarantees
/// - `hold` fails early enough that whoever stops within `lease_duration - renew_deadline` has stopped before
///   another elector's `acquire` returns, whatever the API server does and the wall clocks show.
/// - A Lease that another one holds is never written.
///
/// # Assumptions
/// The monotonic clocks of all replicas run at about the same speed, and the API server compares versions.
pub struct Elector {
    api: Api<Lease>,
    options: LeaseOptions,
    identity: String,
    wall_clock: Box<dyn Fn() -> Timestamp + Send + Sync>,
    random: fastrand::Rng,
    epoch: Instant,
    sight: Sight,
    /// The object that the next write goes over; `None` if that must be looked up.
    found: Option<Lease>,
    /// When the last successful write was asked for.
    renewed: Instant,
    standing: Standing,
}

/// What came of an attempt.
#[derive(Debug, PartialEq, Eq)]
enum Attempt {
    /// The Lease is ours.
    Ours,
    /// Another one holds it.
    Theirs,
}

impl fmt::Debug for Elector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Elector")
            .field("options", &self.options)
            .field("identity", &self.identity)
            .finish_non_exhaustive()
    }
}

impl Elector {
    /// An elector with an identity that no other has: host name and a random part (L-1).
    ///
    /// # Errors
    /// `InvalidInput` if the options are wrong or the identity is empty.
    pub fn new(client: Client, options: LeaseOptions, identity: impl Into<String>) -> Result<Self> {
        options.validate()?;
        let identity = identity.into();
        if identity.is_empty() {
            return Err(Error::new(ErrorKind::InvalidInput, "an elector needs an identity"));
        }
        let standing = Standing::default();
        standing.0.lock().lease_duration = options.lease_duration;
        Ok(Self {
            api: Api::namespaced(client, &options.namespace),
            options,
            identity,
            wall_clock: Box::new(clock::now),
            random: fastrand::Rng::new(),
            epoch: Instant::now(),
            sight: Sight::default(),
            found: None,
            renewed: Instant::now(),
            standing,
        })
    }

    /// Takes the times that it writes into the Lease, and that nobody compares, from another clock.
    pub fn with_wall_clock(mut self, clock: impl Fn() -> Timestamp + Send + Sync + 'static) -> Self {
        self.wall_clock = Box::new(clock);
        self
    }

    /// A handle for health checks.
    pub fn standing(&self) -> Standing {
        self.standing.clone()
    }

    /// Campaigns until it leads. An API server that fails or does not answer is asked again.
    ///
    /// # Cancel safety
    /// The Lease may be ours already; then the others wait until its time is over.
    pub async fn acquire(&mut self) {
        loop {
            match self.attempt().await {
                Ok(Attempt::Ours) => break,
                Ok(Attempt::Theirs) => tracing::debug!(holder = self.sight.holder(), "another replica leads"),
                Err(error) if error.kind() == ErrorKind::Conflict => {
                    tracing::debug!(%error, "another replica was faster");
                }
                Err(error) => {
                    let source = std::error::Error::source(&error).map(ToString::to_string);
                    tracing::warn!(%error, source, "the lease could not be acquired and will be tried for again");
                }
            }
            let stretch = 1.0 + self.random.f64() * JITTER;
            tokio::time::sleep(self.options.retry_period.mul_f64(stretch)).await;
        }
        tracing::info!(identity = self.identity, lease = %self.lease(), "leading");
    }

    /// Renews the Lease until `resign` is cancelled, then gives it back.
    ///
    /// # Errors
    /// `Conflict` if it was lost: whoever called must stop working at once.
    pub async fn hold(&mut self, resign: &CancellationToken) -> Result<()> {
        let kept = self.renew_until(resign).await;
        self.standing.0.lock().leads = false;
        kept?;
        match tokio::time::timeout_at(self.deadline(), self.release()).await {
            Ok(Ok(())) => tracing::info!(lease = %self.lease(), "lease released"),
            Ok(Err(error)) => tracing::warn!(%error, "the lease could not be released and will run out"),
            Err(_) => tracing::warn!("the lease could not be released in time and will run out"),
        }
        Ok(())
    }

    async fn renew_until(&mut self, resign: &CancellationToken) -> Result<()> {
        loop {
            let (deadline, due) = (self.deadline(), Instant::now() + self.options.retry_period);
            tokio::select! {
                biased;
                () = tokio::time::sleep_until(deadline) => return Err(self.lost("it could not be renewed in time")),
                () = resign.cancelled() => return Ok(()),
                () = tokio::time::sleep_until(due) => {}
            }
            let attempt = tokio::select! {
                biased;
                () = tokio::time::sleep_until(deadline) => return Err(self.lost("it could not be renewed in time")),
                attempt = self.attempt() => attempt,
            };
            match attempt {
                Ok(Attempt::Ours) => {}
                Ok(Attempt::Theirs) => {
                    let reason = format!("{} holds it", self.sight.holder());
                    return Err(self.lost(&reason));
                }
                Err(error) => {
                    let source = std::error::Error::source(&error).map(ToString::to_string);
                    tracing::warn!(%error, source, "the lease could not be renewed and will be tried again");
                }
            }
        }
    }

    /// When we must have renewed.
    fn deadline(&self) -> Instant {
        self.renewed + self.options.renew_deadline
    }

    fn lost(&self, reason: &str) -> Error {
        Error::new(ErrorKind::Conflict, format!("the lease was lost: {reason}")).on(self.lease())
    }

    fn lease(&self) -> String {
        format!("{}/{}", self.options.namespace, self.options.name)
    }

    /// Tries once to get or renew the Lease; what does not answer in half the renew deadline has failed.
    async fn attempt(&mut self) -> Result<Attempt> {
        let limit = self.options.renew_deadline / 2;
        let attempt = tokio::time::timeout(limit, self.try_once())
            .await
            .unwrap_or_else(|_| Err(Error::new(ErrorKind::Timeout, format!("no answer within {limit:?}"))));
        if let Err(error) = &attempt
            && matches!(error.kind(), ErrorKind::Conflict | ErrorKind::NotFound | ErrorKind::Timeout)
        {
            // What is there now is not known: look before the next write.
            self.found = None;
        }
        let mut state = self.standing.0.lock();
        self.sight.holder().clone_into(&mut state.holder);
        if attempt.as_ref().is_ok_and(|attempt| *attempt == Attempt::Ours) {
            (state.leads, state.renewed) = (true, Some(self.renewed));
        }
        attempt
    }

    async fn try_once(&mut self) -> Result<Attempt> {
        let leads = self.sight.holder() == self.identity && self.found.is_some();
        if !leads {
            self.look().await?;
        }
        let candidate = Candidate { identity: &self.identity, duration: self.options.lease_duration };
        match self.sight.decide(candidate, self.epoch.elapsed(), (self.wall_clock)()) {
            Decision::Wait(_) => Ok(Attempt::Theirs),
            Decision::Create(record) | Decision::Update(record) => {
                self.write(record).await.map(|()| Attempt::Ours)
            }
        }
    }

    async fn look(&mut self) -> Result<()> {
        self.found = self.api.get_opt(&self.options.name).await.map_err(from_kube)?;
        let spec = self.found.as_ref().map(|lease| lease.spec.clone().unwrap_or_default());
        self.sight.look(spec.map(record_of), self.epoch.elapsed());
        Ok(())
    }

    /// Writes over exactly the version that was found, or creates where there is none. What others put
    /// into the object stays.
    async fn write(&mut self, record: Record) -> Result<()> {
        let (asked, params, name) = (Instant::now(), PostParams::default(), &self.options.name);
        let written = if let Some(mut lease) = self.found.clone() {
            write_into(lease.spec.get_or_insert_default(), &record);
            self.api.replace(name, &params, &lease).await
        } else {
            let metadata = ObjectMeta { name: Some(name.clone()), ..ObjectMeta::default() };
            let mut lease = Lease { metadata, spec: None };
            write_into(lease.spec.get_or_insert_default(), &record);
            self.api.create(&params, &lease).await
        };
        self.found = Some(written.map_err(from_kube)?);
        self.renewed = asked;
        self.sight.look(Some(record), self.epoch.elapsed());
        Ok(())
    }

    async fn release(&mut self) -> Result<()> {
        if self.found.is_none() {
            self.look().await?;
        }
        match self.sight.release((self.wall_clock)()) {
            Some(record) if self.found.is_some() && self.sight.holder() == self.identity => {
                self.write(record).await
            }
            _ => Ok(()),
        }
    }
}

pub(super) fn record_of(spec: LeaseSpec) -> Record {
    let seconds = spec.lease_duration_seconds.unwrap_or_default();
    Record {
        holder: spec.holder_identity.unwrap_or_default(),
        duration: Duration::from_secs(u64::try_from(seconds).unwrap_or_default()),
        transitions: spec.lease_transitions.unwrap_or_default(),
        acquired: spec.acquire_time.map(|time| time.0),
        renewed: spec.renew_time.map(|time| time.0),
    }
}

fn write_into(spec: &mut LeaseSpec, record: &Record) {
    spec.holder_identity = Some(record.holder.clone());
    spec.lease_duration_seconds = i32::try_from(record.duration.as_secs()).ok();
    spec.lease_transitions = Some(record.transitions);
    spec.acquire_time = record.acquired.map(MicroTime);
    spec.renew_time = record.renewed.map(MicroTime);
}

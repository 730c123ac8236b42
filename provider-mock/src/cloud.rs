//! An account at a cloud that exists in memory only, and behaves like one.
//!
//! The API is one of single calls on resources of any kind; the [`crate::backend`]s give the kinds their
//! meaning. What a real cloud checks is checked: referenced resources must exist, what is in use cannot be
//! deleted, names are unique, etags must match, quotas and rates are kept.

mod addresses;
mod admin;
mod counts;
pub(crate) mod duration;
mod frontends;
mod options;
mod record;
mod rules;
mod store;
mod wire;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use cloud_lb_core::call::Access;
use cloud_lb_core::error::Retry;
use cloud_lb_core::rate::TokenBucket;
use cloud_lb_core::{Error, ErrorKind, Result};
use parking_lot::Mutex;
use serde_json::Value;
use tokio::time::Instant;

pub use admin::TargetHealth;
pub use counts::CallCounts;
pub use options::{Options, Throttle};
pub use record::{Life, NewResource, Page, Query, Record};

use crate::dataplane::Dataplane;
use crate::faults::Faults;
use crate::net::Net;
pub(crate) use rules::{is_billed, references};
use store::Store;
pub(crate) use store::marks_as_text;
use wire::Wire;

/// A cloud account; clones are handles to the same one, with the same faults and counts.
#[derive(Clone)]
pub struct MockCloud {
    account: Arc<Account>,
    faults: Faults,
    counts: Arc<Mutex<CallCounts>>,
    view: View,
}

/// How a client meets the account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum View {
    /// As the options tell.
    Usual,
    /// Never throttled, never stale.
    Perfect,
}

struct Account {
    options: Options,
    throttle: Option<TokenBucket>,
    store: Mutex<Store>,
    rng: Mutex<fastrand::Rng>,
    admin: admin::State,
    wire: Option<Wire>,
}

impl MockCloud {
    /// An empty account. Its addresses lead nowhere, and all targets are healthy.
    pub fn new(options: Options) -> Self {
        Self::with(options, None)
    }

    /// An empty account whose load balancers really forward, at addresses of `net`.
    pub fn with_dataplane(options: Options, net: Net) -> Self {
        Self::with(options, Some(net))
    }

    fn with(options: Options, net: Option<Net>) -> Self {
        let account = Account {
            wire: net.clone().map(Wire::new),
            throttle: options.throttle.map(|throttle| TokenBucket::new(throttle.limit())),
            store: Mutex::new(Store::new(options.clone(), net)),
            rng: Mutex::new(fastrand::Rng::with_seed(options.seed)),
            admin: admin::State::default(),
            options,
        };
        Self {
            account: Arc::new(account),
            faults: Faults::default(),
            counts: Arc::default(),
            view: View::Usual,
        }
    }

    /// The same account as another client of it meets it: with faults and counts of its own.
    pub fn client(&self) -> Self {
        let account = Arc::clone(&self.account);
        Self { account, faults: Faults::default(), counts: Arc::default(), view: self.view }
    }

    /// The same account through the eyes of somebody who is never throttled and reads nothing stale: to check
    /// what others did.
    pub fn witness(&self) -> Self {
        Self { view: View::Perfect, ..self.client() }
    }

    /// Makes a resource. The same create again gives the resource that is there.
    ///
    /// # Errors
    /// `Conflict` if another one has the name, `NotFound` if it refers to what is not there, `InUse` if a
    /// place is taken, `Quota`, `InvalidInput`.
    pub async fn create(&self, new: NewResource) -> Result<Record> {
        let operation = format!("Create{}", new.kind);
        self.call(&operation, Access::Write, |store, now| store.create(new, now)).await
    }

    /// Reads one resource by id.
    ///
    /// # Errors
    /// `NotFound`.
    pub async fn describe(&self, kind: &'static str, id: &str) -> Result<Record> {
        self.call(&format!("Describe{kind}"), Access::Read, |store, now| store.get(id, now)).await
    }

    /// Reads one resource by name.
    pub async fn find(&self, kind: &'static str, name: &str) -> Result<Option<Record>> {
        self.call(&format!("Describe{kind}"), Access::Read, |store, now| Ok(store.find(kind, name, now)))
            .await
    }

    /// Replaces the settings of a resource; with `if_match` only if its etag is still that.
    ///
    /// # Errors
    /// `NotFound`, `Conflict`, `InvalidInput` for what is fixed, and those of [`create`](Self::create).
    pub async fn modify(
        &self,
        kind: &'static str,
        id: &str,
        body: Value,
        if_match: Option<u64>,
    ) -> Result<Record> {
        let operation = format!("Modify{kind}");
        self.call(&operation, Access::Write, |store, now| store.modify(id, body, if_match, now)).await
    }

    /// Deletes a resource; returns it while it is on its way out, `None` if it is gone at once.
    ///
    /// # Errors
    /// `NotFound`, `Conflict`, `InUse`.
    pub async fn delete(
        &self,
        kind: &'static str,
        id: &str,
        if_match: Option<u64>,
    ) -> Result<Option<Record>> {
        let operation = format!("Delete{kind}");
        self.call(&operation, Access::Write, |store, now| store.delete(id, if_match, now)).await
    }

    /// One page of the resources that match; perhaps as they were a while ago, see [`Options::stale_reads`].
    pub async fn list(&self, query: Query<'_>, after: Option<&str>) -> Result<Page> {
        let operation = format!("List{}", query.kind);
        self.call(&operation, Access::Read, |store, now| {
            Ok(store.list(query, after, self.some_time_ago(now)))
        })
        .await
    }

    /// Time until a resource is made or gone, as far as it is known.
    pub(crate) fn remaining(&self, id: &str) -> Duration {
        self.account.store.lock().remaining(id, Instant::now())
    }

    /// How late lists may be.
    pub(crate) fn lateness(&self) -> Duration {
        match self.view {
            View::Usual => self.account.options.stale_reads,
            View::Perfect => Duration::ZERO,
        }
    }

    fn some_time_ago(&self, now: Instant) -> Instant {
        if self.lateness().is_zero() {
            return now;
        }
        let ago = self.lateness().mul_f64(self.account.rng.lock().f64());
        now.checked_sub(ago).unwrap_or(now)
    }

    async fn call<T>(
        &self,
        operation: &str,
        access: Access,
        work: impl FnOnce(&mut Store, Instant) -> Result<T>,
    ) -> Result<T> {
        self.counts.lock().add(operation, access);
        let (fault, fuse) = (self.faults.next(operation, access), self.faults.fuse());
        self.pass_time().await;
        if let Some(fuse) = &fuse {
            fuse.admit().await;
        }
        if let Some(fault) = fault.filter(|fault| !fault.after_work()) {
            tracing::debug!(operation, ?fault, "cloud: nothing done");
            return fault.answer().await;
        }
        self.admit()?;
        let result = work(&mut self.account.store.lock(), Instant::now());
        tracing::debug!(operation, ?fault, refused = ?result.as_ref().err().map(Error::kind), "cloud");
        self.publish(access).await;
        if let (Some(fuse), true, Access::Write) = (&fuse, result.is_ok(), access) {
            fuse.wrote().await;
        }
        match (fault, result) {
            (Some(fault), Ok(_)) => fault.answer().await,
            (_, result) => result,
        }
    }

    /// Lets the data plane follow after a write, and after what went on by itself.
    async fn publish(&self, access: Access) {
        if let Some(wire) = &self.account.wire
            && (access == Access::Write || wire.is_due())
        {
            wire.publish(&self.account.store).await;
        }
    }

    /// The data plane, if the account has one.
    pub fn dataplane(&self) -> Option<&Dataplane> {
        self.account.wire.as_ref().map(Wire::dataplane)
    }

    /// Calls take time; even the shortest lets others run.
    async fn pass_time(&self) {
        if self.account.options.latency.is_zero() {
            tokio::task::yield_now().await;
        } else {
            tokio::time::sleep(self.account.options.latency).await;
        }
    }

    fn admit(&self) -> Result<()> {
        let throttle = self.account.throttle.as_ref().filter(|_| self.view == View::Usual);
        let Some(Err(wait)) = throttle.map(TokenBucket::try_take) else {
            return Ok(());
        };
        Err(Error::new(ErrorKind::Throttled, "the account makes too many calls")
            .with_retry(Retry::After(wait)))
    }

    /// The faults that calls to this cloud meet.
    pub fn faults(&self) -> &Faults {
        &self.faults
    }

    /// How often each operation was called so far.
    pub fn calls(&self) -> CallCounts {
        self.counts.lock().clone()
    }
}

impl fmt::Debug for MockCloud {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MockCloud").field("options", &self.account.options).finish_non_exhaustive()
    }
}

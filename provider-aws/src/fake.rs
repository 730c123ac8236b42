//! A stateful AWS account in memory, at the [`Api`] trait. For tests only; not covered by semver.
//!
//! It behaves as AWS does where a provider can notice: names that are taken, idempotent creates that hand
//! out what exists, security groups that cannot be deleted while network interfaces or rules refer to
//! them, load balancers that take time, targets that drain, quotas, protection, and late visibility.

mod api;
mod attributes;
mod elb;
mod faults;
mod groups;
mod listeners;
mod options;
mod state;
mod targets;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use cloud_lb_core::call::Access;
use cloud_lb_core::error::{Error, ErrorKind, Result};
use parking_lot::Mutex;

use faults::Faults;
pub use faults::{Calls, Fault};
pub use options::{Limits, Options};
use state::State;

use crate::facts::Account;

/// An account. Clones are the same account.
#[derive(Clone)]
pub struct FakeAws(Arc<Inner>);

struct Inner {
    state: Mutex<State>,
    faults: Mutex<Faults>,
    options: Options,
}

impl FakeAws {
    /// An account that holds this.
    pub fn new(account: Account, options: Options) -> Self {
        let state = Mutex::new(State::new(account, options.clone()));
        Self(Arc::new(Inner { state, faults: Mutex::default(), options }))
    }

    /// What the account holds now.
    pub fn account(&self) -> Account {
        let mut state = self.0.state.lock();
        state.pass();
        state.snapshot()
    }

    /// Changes the account behind everybody's back.
    pub fn tamper<T>(&self, change: impl FnOnce(&mut Account) -> T) -> T {
        change(&mut self.0.state.lock().account)
    }

    /// Calls since the last [`reset_calls`](Self::reset_calls), by action.
    pub fn calls(&self) -> Calls {
        self.0.faults.lock().calls.clone()
    }

    /// Begins to count anew.
    pub fn reset_calls(&self) {
        self.0.faults.lock().calls = Calls::default();
    }

    /// Lets the `nth` matching call from now (1 is the next) go wrong. A call matches if it has this
    /// access and, if given, this action.
    pub fn on_nth(&self, nth: u64, access: Access, action: Option<&'static str>, fault: Fault) {
        self.0.faults.lock().add(nth, access, action, fault);
    }

    /// Lets so many more writes succeed; then every call fails until [`recover`](Self::recover).
    pub fn crash_after_writes(&self, writes: u64) {
        self.0.faults.lock().crash_after = Some(writes);
    }

    /// Ends all faults.
    pub fn recover(&self) {
        self.0.faults.lock().clear();
    }

    async fn call<T>(
        &self,
        action: &'static str,
        access: Access,
        work: impl FnOnce(&mut State) -> Result<T>,
    ) -> Result<T> {
        if !self.0.options.latency.is_zero() {
            tokio::time::sleep(self.0.options.latency).await;
        }
        let fault = self.0.faults.lock().begin(action, access);
        let result = match fault {
            Some(fault @ Fault::Fail(_)) => Err(fault.error()),
            Some(fault @ Fault::FailAfterWork(_)) => {
                let _ = self.work(work);
                Err(fault.error())
            }
            None => self.work(work),
        };
        result.map_err(|error| error.during(action))
    }

    fn work<T>(&self, work: impl FnOnce(&mut State) -> Result<T>) -> Result<T> {
        let mut state = self.0.state.lock();
        state.pass();
        work(&mut state)
    }
}

impl fmt::Debug for FakeAws {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("FakeAws")
    }
}

/// The next id: 16 hexadecimal digits.
fn hex(number: u64) -> String {
    format!("{number:016x}")
}

fn not_found(what: &str) -> Error {
    Error::new(ErrorKind::NotFound, format!("{what} does not exist"))
}

fn refused(kind: ErrorKind, why: impl Into<String>) -> Error {
    Error::new(kind, why)
}

type Map = BTreeMap<String, String>;

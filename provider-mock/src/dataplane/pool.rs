//! The backends of a frontend over time: checked, drained, and back again.

use std::sync::Arc;

use parking_lot::Mutex;
use tokio::sync::watch;
use tokio_util::task::AbortOnDropHandle;

use super::balancer::{Balancer, Target};
use super::frontend::Frontend;
use super::health::{Checker, HealthState, Tally};
use crate::net::Net;

/// Owns the health checks and the drain timers of one frontend; they end with it.
#[derive(Debug)]
pub(super) struct Pool {
    net: Net,
    pub(super) balancer: Arc<Balancer>,
    changes: watch::Sender<u64>,
    running: Mutex<Running>,
}

#[derive(Debug, Default)]
struct Running {
    checker: Option<Checker>,
    checks: Vec<Task>,
    draining: Vec<Task>,
}

/// A health check or a drain timer.
#[derive(Debug)]
struct Task {
    target: Arc<Target>,
    _task: AbortOnDropHandle<()>,
}

impl Pool {
    pub(super) fn new(net: Net, changes: watch::Sender<u64>, frontend: Frontend) -> Self {
        let pool = Self {
            net,
            balancer: Arc::new(Balancer::new(frontend.clone())),
            changes,
            running: Mutex::default(),
        };
        pool.configure(frontend);
        pool
    }

    /// Takes settings and backends over; flows to backends that stay do not notice.
    pub(super) fn configure(&self, frontend: Frontend) {
        let mut running = self.running.lock();
        let checker = Checker { check: frontend.health_check.clone(), client_header: frontend.client_header };
        let drain_timeout = frontend.drain_timeout;
        // Also without a flow: one may be connecting at this moment, and must be cut in time, too.
        running.draining.retain(|drain| !drain.target.closed.is_cancelled());
        let removed = self.balancer.configure(frontend, |wanted| {
            let back = running.draining.iter().position(|drain| drain.target.is(wanted));
            match back {
                Some(index) => revive(running.draining.swap_remove(index).target),
                None => Target::new(wanted, Tally::new(HealthState::Initial)),
            }
        });
        for target in removed {
            running.draining.push(drain(target, drain_timeout));
        }
        self.check(&mut running, checker);
        self.changes.send_modify(|count| *count += 1);
    }

    fn check(&self, running: &mut Running, checker: Checker) {
        let unchanged = running.checker.as_ref() == Some(&checker);
        let mut old = std::mem::take(&mut running.checks);
        for target in self.balancer.targets() {
            let same = old.iter().position(|check| unchanged && Arc::ptr_eq(&check.target, &target));
            let check = same.map(|index| old.swap_remove(index));
            running.checks.push(check.unwrap_or_else(|| {
                let watch = checker.clone().watch(self.net.clone(), target.clone(), self.changes.clone());
                Task { target, _task: AbortOnDropHandle::new(tokio::spawn(watch)) }
            }));
        }
        running.checker = Some(checker);
    }

    /// Backends that get traffic or may get it, then those that are draining.
    pub(super) fn targets(&self) -> Vec<Arc<Target>> {
        let mut targets = self.balancer.targets();
        let running = self.running.lock();
        targets.extend(running.draining.iter().map(|drain| drain.target.clone()).filter(is_draining));
        targets
    }
}

/// A target that waits for its last flow; without flows, draining is over at once.
fn is_draining(target: &Arc<Target>) -> bool {
    !target.closed.is_cancelled() && target.active() > 0
}

fn drain(target: Arc<Target>, timeout: std::time::Duration) -> Task {
    *target.tally.lock() = Tally::new(HealthState::Draining);
    if timeout.is_zero() {
        target.closed.cancel();
    }
    let closed = target.closed.clone();
    let end = async move {
        tokio::time::sleep(timeout).await;
        closed.cancel();
    };
    Task { target, _task: AbortOnDropHandle::new(tokio::spawn(end)) }
}

/// A backend that comes back while draining keeps its flows.
fn revive(target: Arc<Target>) -> Arc<Target> {
    *target.tally.lock() = Tally::new(HealthState::Initial);
    target
}

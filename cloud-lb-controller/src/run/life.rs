//! From the campaign to the release of the lease.

use std::future::Future;
use std::sync::Arc;

use cloud_lb_core::ErrorKind;
use cloud_lb_core::controller::Controller;
use cloud_lb_core::lease::{Elector, Rival};
use cloud_lb_core::measure::{Fact, Measure};
use cloud_lb_core::supervisor::Supervisor;
use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;

use crate::failure::{Failure, chain};
use crate::signals;

const ELECTION: &str = "leader election";
const CONTROLLER: &str = "controller";
const RIVAL: &str = "look at the other controller";

/// A process that is ready to work.
pub(super) struct Life {
    pub(super) tasks: Supervisor,
    pub(super) elector: Option<Elector>,
    /// A controller that does the same work, and in whose way we must not be.
    pub(super) rival: Option<Rival>,
    pub(super) controller: Controller,
    pub(super) measure: Arc<dyn Measure>,
    /// The cluster, for messages.
    pub(super) url: String,
}

/// How a phase of the life ended.
enum Turn {
    /// As it should.
    On,
    /// A signal came.
    Signal(&'static str),
}

impl Life {
    /// Campaigns, waits until no other controller does the same work, works until a signal comes, finishes the work in hand and gives the lease back.
    ///
    /// # Errors
    /// Any task that ends before its time ends the process, above all a lost lease (L-2) and another controller that
    /// begins to do the same work; so does a second signal. Whatever still runs is cancelled then.
    pub(super) async fn live(self, ended: impl Future<Output = &'static str>) -> Result<(), Failure> {
        let Self { mut tasks, elector, rival, controller, measure, url } = self;
        let (shutdown, resign) = (CancellationToken::new(), CancellationToken::new());
        let elected = elector.is_some();
        let leads = campaign(&mut tasks, elector, measure, resign.clone());
        let alone = keep_clear(&mut tasks, rival);
        tokio::pin!(ended);
        let turn = tokio::select! {
            biased;
            (name, result) = tasks.next() => return Err(stopped(name, &url, result)),
            signal = ended.as_mut() => Turn::Signal(signal),
            () = both(leads, alone) => Turn::On,
        };
        if let Turn::Signal(signal) = turn {
            tracing::info!(signal, "ended while another one works");
            return Ok(());
        }
        tasks.spawn(CONTROLLER, controller.run(shutdown.clone()));
        tokio::select! {
            biased;
            (name, result) = tasks.next() => return Err(stopped(name, &url, result)),
            signal = ended.as_mut() => tracing::info!(signal, "finishing the work in hand"),
        }
        let again = signals::ended()?;
        tokio::pin!(again);
        shutdown.cancel();
        finish(&mut tasks, CONTROLLER, again.as_mut(), &url).await?;
        resign.cancel();
        if elected {
            finish(&mut tasks, ELECTION, again.as_mut(), &url).await?;
        }
        Ok(())
    }
}

/// Starts the leader election. The result completes when this replica leads.
fn campaign(
    tasks: &mut Supervisor,
    elector: Option<Elector>,
    measure: Arc<dyn Measure>,
    resign: CancellationToken,
) -> oneshot::Receiver<()> {
    let (elected, leads) = oneshot::channel();
    measure.note(&Fact::Leader { leads: elector.is_none() });
    let Some(mut elector) = elector else {
        // The receiver is in our hands.
        let _ = elected.send(());
        return leads;
    };
    tasks.spawn(ELECTION, async move {
        elector.acquire().await;
        measure.note(&Fact::Leader { leads: true });
        // If nobody listens any more, the process ends just now.
        let _ = elected.send(());
        let held = elector.hold(&resign).await;
        measure.note(&Fact::Leader { leads: false });
        held
    });
    leads
}

/// Waits until this replica leads and is alone. A task that fails drops its end of the channel, a moment before its
/// failure is known: that is no leave to work.
async fn both(leads: oneshot::Receiver<()>, alone: oneshot::Receiver<()>) {
    if leads.await.is_err() || alone.await.is_err() {
        std::future::pending::<()>().await;
    }
}

/// Starts to look at the other controller. The result completes when that does nothing; from then on its return ends
/// the process.
fn keep_clear(tasks: &mut Supervisor, rival: Option<Rival>) -> oneshot::Receiver<()> {
    let (cleared, alone) = oneshot::channel();
    let Some(mut rival) = rival else {
        // The receiver is in our hands.
        let _ = cleared.send(());
        return alone;
    };
    tasks.spawn(RIVAL, async move {
        rival.gone().await?;
        // If nobody listens any more, the process ends just now.
        let _ = cleared.send(());
        rival.returned().await
    });
    alone
}

/// Waits for a task to end well.
async fn finish(
    tasks: &mut Supervisor,
    expected: &str,
    again: impl Future<Output = &'static str>,
    url: &str,
) -> Result<(), Failure> {
    tokio::select! {
        biased;
        (name, result) = tasks.next() => match result {
            Ok(()) if name == expected => Ok(()),
            result => Err(stopped(name, url, result)),
        },
        signal = again => {
            let message = format!("ended at once by a second {signal}; the next run completes what was begun");
            Err(Failure::new(message))
        }
    }
}

fn stopped(task: &str, url: &str, result: cloud_lb_core::Result<()>) -> Failure {
    match result {
        Ok(()) => Failure::new(format!("the {task} stopped, which it should not")),
        Err(error) if error.kind() == ErrorKind::PermissionDenied => {
            Failure::new(format!("no permission in the cluster at {url}: {}", chain(&error)))
        }
        Err(error) => Failure::new(format!("the {task} stopped: {}", chain(&error))),
    }
}

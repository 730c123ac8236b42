//! One controller process: it starts, dies and starts again.

use std::collections::BTreeSet;
use std::sync::Arc;

use cloud_lb_core::controller::Controller;
use cloud_lb_core::lease::{Elector, LeaseOptions};
use jiff::{SignedDuration, Timestamp};
use kube::Client;
use parking_lot::Mutex;
use provider_mock::apiserver::ApiServer;
use provider_mock::{Fuse, MockCloud, provider};
use tokio::task::JoinHandle;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tracing::Instrument;

use crate::setting::Setting;

/// Who works at the moment, and what went wrong that must never go wrong.
#[derive(Debug, Clone, Default)]
pub(crate) struct Watchdog {
    working: Arc<Mutex<BTreeSet<usize>>>,
    wrongs: Arc<Mutex<Vec<String>>>,
    terms: Arc<Mutex<Vec<usize>>>,
    deaths: Arc<Mutex<u64>>,
}

impl Watchdog {
    fn begin(&self, replica: usize) -> Term {
        let mut working = self.working.lock();
        if let Some(other) = working.iter().next() {
            self.wrong(format!("replica {replica} begins to work while replica {other} still does"));
        }
        working.insert(replica);
        self.terms.lock().push(replica);
        Term { watchdog: self.clone(), replica }
    }

    pub(crate) fn wrong(&self, what: String) {
        self.wrongs.lock().push(what);
    }

    pub(crate) fn wrongs(&self) -> Vec<String> {
        self.wrongs.lock().clone()
    }

    pub(crate) fn is_anybody_working(&self) -> bool {
        !self.working.lock().is_empty()
    }

    /// How often a replica died of its last write.
    pub(crate) fn deaths(&self) -> u64 {
        *self.deaths.lock()
    }

    /// How often somebody began to work.
    pub(crate) fn terms(&self) -> usize {
        self.terms.lock().len()
    }

    /// How often the one that worked was another than before.
    pub(crate) fn changes(&self) -> u64 {
        let terms = self.terms.lock();
        terms.windows(2).map(|pair| u64::from(pair[0] != pair[1])).sum()
    }
}

/// The time in which a replica works; ends with its future.
struct Term {
    watchdog: Watchdog,
    replica: usize,
}

impl Drop for Term {
    fn drop(&mut self) {
        self.watchdog.working.lock().remove(&self.replica);
    }
}

pub(crate) struct Replica {
    pub(crate) number: usize,
    /// Its own connections, with faults of their own.
    pub(crate) api: ApiServer,
    pub(crate) cloud: MockCloud,
    setting: Setting,
    watchdog: Watchdog,
    /// How often it was started.
    lives: u32,
    process: Option<Process>,
}

struct Process {
    task: JoinHandle<()>,
    stop: CancellationToken,
}

impl Replica {
    pub(crate) fn new(
        number: usize,
        api: &ApiServer,
        cloud: &MockCloud,
        setting: &Setting,
        watchdog: &Watchdog,
    ) -> Self {
        Self {
            number,
            api: api.client(),
            cloud: cloud.client(),
            setting: setting.clone(),
            watchdog: watchdog.clone(),
            lives: 0,
            process: None,
        }
    }

    pub(crate) fn is_alive(&self) -> bool {
        self.process.as_ref().is_some_and(|process| !process.task.is_finished())
    }

    /// Starts the process, perhaps one that dies with its `fatal`th write.
    pub(crate) fn start(&mut self, fatal: Option<u64>) {
        tracing::info!(target: "simulation", replica = self.number, fatal, "starts");
        let fuse = Fuse::after(fatal.unwrap_or(u64::MAX));
        self.api.faults().die_with(fuse.clone());
        self.cloud.faults().die_with(fuse.clone());
        self.lives += 1;
        let stop = CancellationToken::new();
        let (number, watchdog) = (self.number, self.watchdog.clone());
        let work = self.work(stop.clone()).instrument(tracing::info_span!("replica", number));
        let task = tokio::spawn(async move {
            tokio::select! {
                biased;
                () = fuse.blown() => {
                    tracing::info!(target: "simulation", replica = number, "dies of its last write");
                    *watchdog.deaths.lock() += 1;
                }
                ended = work => {
                    if let Err(error) = ended {
                        watchdog.wrong(format!("replica {number} gives up: {error}"));
                    }
                }
            }
        });
        self.process = Some(Process { task, stop });
    }

    fn work(&self, stop: CancellationToken) -> impl Future<Output = cloud_lb_core::Result<()>> + use<> {
        let provider = provider(self.cloud.clone(), self.setting.config()).unwrap();
        let (client, identity) =
            (Client::new(self.api.clone(), "default"), format!("{}-{}", self.number, self.lives));
        let (number, watchdog, options) = (self.number, self.watchdog.clone(), self.setting.options());
        async move {
            let elector = Elector::new(client.clone(), LeaseOptions::default(), identity)?;
            let mut elector = elector.with_wall_clock(wall_clock(number));
            tokio::select! {
                biased;
                () = stop.cancelled() => return Ok(()),
                () = elector.acquire() => {}
            }
            let controller = Controller::new(client, provider, options)?;
            let resign = CancellationToken::new();
            let term = watchdog.begin(number);
            tokio::select! {
                biased;
                lost = elector.hold(&resign) => {
                    tracing::info!(target: "simulation", replica = number, ?lost, "stops at once");
                    return Ok(());
                }
                ended = controller.run(stop) => ended?,
            }
            drop(term);
            resign.cancel();
            elector.hold(&resign).await.or_else(|lost| {
                tracing::info!(target: "simulation", replica = number, %lost, "had lost it already");
                Ok(())
            })
        }
    }

    /// Kills the process, wherever it is.
    pub(crate) async fn kill(&mut self) {
        if let Some(process) = self.process.take() {
            process.task.abort();
            self.examine(process).await;
        }
    }

    /// Asks the process to end and waits until it has.
    pub(crate) async fn stop(&mut self) {
        if let Some(process) = self.process.take() {
            process.stop.cancel();
            self.examine(process).await;
        }
    }

    async fn examine(&self, process: Process) {
        if let Err(error) = process.task.await
            && error.is_panic()
        {
            self.watchdog.wrong(format!("replica {} panicked: {error}", self.number));
        }
    }
}

/// The wall clock of a replica; no two agree.
fn wall_clock(replica: usize) -> impl Fn() -> Timestamp + Send + Sync + 'static {
    let born = Instant::now();
    let wrong = SignedDuration::from_hours(1000 - 7 * i64::try_from(replica).unwrap_or_default());
    move || Timestamp::UNIX_EPOCH + wrong + SignedDuration::try_from(born.elapsed()).unwrap_or_default()
}

//! Replicas that campaign for one Lease, and what they did when.
#![expect(clippy::unwrap_used, reason = "a helper that fails fails its test")]

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use cloud_lb_core::lease::{Elector, LeaseOptions};
use parking_lot::Mutex;
use provider_mock::apiserver::{ApiServer, Fault, Resource, Verb};
use tokio::task::JoinSet;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::network::Network;

const SECOND: Duration = Duration::from_secs(1);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Deed {
    Leads,
    Lost,
    Released,
    Killed,
}

type Log = Arc<Mutex<Vec<(Instant, String, Deed)>>>;

/// Tells of a leader that is killed: its task is dropped without another word.
struct Leading {
    log: Log,
    name: String,
    over: bool,
}

impl Leading {
    fn ends(&mut self, deed: Deed) {
        self.over = true;
        self.log.lock().push((Instant::now(), self.name.clone(), deed));
    }
}

impl Drop for Leading {
    fn drop(&mut self) {
        if !self.over {
            self.ends(Deed::Killed);
        }
    }
}

pub(crate) struct Replicas {
    begin: Instant,
    log: Log,
    tasks: JoinSet<()>,
    resign: BTreeMap<String, CancellationToken>,
}

impl Replicas {
    pub(crate) fn of(_api: &ApiServer) -> Self {
        Self { begin: Instant::now(), log: Log::default(), tasks: JoinSet::new(), resign: BTreeMap::new() }
    }

    /// Starts a replica whose wall clock is so many seconds ahead.
    pub(crate) async fn start(&mut self, name: &str, network: Network, ahead: i64) {
        let resign = CancellationToken::new();
        self.resign.insert(name.to_owned(), resign.clone());
        let (log, name) = (Arc::clone(&self.log), name.to_owned());
        self.tasks.spawn(async move { run(&log, &name, &network, ahead, &resign).await });
        tokio::task::yield_now().await;
    }

    pub(crate) fn resign(&self, name: &str) {
        self.resign.get(name).unwrap().cancel();
    }

    pub(crate) async fn pass(&self, time: Duration) {
        tokio::time::sleep(time).await;
    }

    pub(crate) fn story(&self) -> Vec<String> {
        let log = self.log.lock();
        let tell = |(at, name, deed): &(Instant, String, Deed)| {
            format!("{}s {name} {}", (*at - self.begin).as_secs(), format!("{deed:?}").to_lowercase())
        };
        log.iter().map(tell).collect()
    }

    pub(crate) fn assert_never_two(&self) {
        let mut leader: Option<String> = None;
        for (_, name, deed) in self.log.lock().iter() {
            if *deed == Deed::Leads {
                assert_eq!(leader, None, "{name} leads as well: {:#?}", self.story());
                leader = Some(name.clone());
            } else {
                assert_eq!(leader.take().as_ref(), Some(name), "{:#?}", self.story());
            }
        }
    }
}

/// One life of a replica.
async fn run(log: &Log, name: &str, network: &Network, ahead: i64, resign: &CancellationToken) {
    let elector = Elector::new(network.client(), LeaseOptions::default(), name).unwrap();
    let begin = Instant::now();
    let clock = move || {
        let boot = jiff::Timestamp::UNIX_EPOCH + Duration::from_hours(500_000) + begin.elapsed();
        boot + jiff::SignedDuration::from_secs(ahead)
    };
    let mut elector = elector.with_wall_clock(clock);
    elector.acquire().await;
    log.lock().push((Instant::now(), name.to_owned(), Deed::Leads));
    let mut leading = Leading { log: Arc::clone(log), name: name.to_owned(), over: false };
    let held = elector.hold(resign).await;
    leading.ends(if held.is_ok() { Deed::Released } else { Deed::Lost });
}

/// A quarter of an hour of trouble. Returns how often the lease changed hands.
pub(crate) async fn chaos(seed: u64) -> u64 {
    let (api, mut random) = (ApiServer::new(), fastrand::Rng::with_seed(seed));
    let networks = [(); 3].map(|()| Network::new(&api));
    let mut replicas = Replicas::of(&api);
    for (index, network) in networks.iter().enumerate() {
        spawn_life(&mut replicas, index, network, random.i64(-100_000..100_000));
    }
    let end = Instant::now() + Duration::from_mins(15);
    while Instant::now() < end {
        tokio::time::sleep(SECOND.mul_f64(random.f64() * 20.0)).await;
        trouble(&api, random.choice(&networks).unwrap(), &mut random);
        replicas.assert_never_two();
    }
    api.faults().clear();
    networks.iter().for_each(Network::mend);
    tokio::time::sleep(SECOND * 60).await;
    replicas.assert_never_two();
    let log = replicas.log.lock();
    assert_eq!(
        log.last().map(|(_, _, deed)| *deed),
        Some(Deed::Leads),
        "seed {seed}: somebody leads in the end"
    );
    log.iter().filter(|(_, _, deed)| *deed == Deed::Leads).skip(1).map(|_| 1).sum()
}

/// Lives of one replica, one after the other, each with an identity of its own.
fn spawn_life(replicas: &mut Replicas, index: usize, network: &Network, ahead: i64) {
    let (log, network) = (Arc::clone(&replicas.log), network.clone());
    replicas.tasks.spawn(async move {
        for life in 0.. {
            run(&log, &format!("{index}-{life}"), &network, ahead, &CancellationToken::new()).await;
            tokio::time::sleep(SECOND).await;
        }
    });
}

fn trouble(api: &ApiServer, network: &Network, random: &mut fastrand::Rng) {
    let verb = *random.choice(&[Verb::Get, Verb::Update, Verb::Create]).unwrap();
    let inject = |fault, times| api.faults().inject(verb, Resource::Leases, fault, times);
    match random.u32(0..9) {
        0 => network.silence(),
        1 => network.deafen(),
        2..5 => network.mend(),
        5 => inject(Fault::Fail(500), random.usize(1..8)),
        6 => inject(Fault::FailAfterwards(504), random.usize(1..4)),
        7 => inject(Fault::Fail(409), random.usize(1..4)),
        _ => inject(Fault::Delay(SECOND.mul_f64(random.f64() * 25.0)), random.usize(1..6)),
    }
}

//! One seed, from the first Service to the last trace of it.

use std::time::Duration;

use provider_mock::apiserver::Verb;
use tokio::runtime::Builder;
use tokio::time::{Instant, sleep};

use crate::check::{Check, condition};
use crate::replica::Replica;
use crate::setting::Setting;
use crate::trace;
use crate::world::{Tally, World};

/// How long the world may take to come to rest once nothing goes wrong any more.
const PATIENCE: Duration = Duration::from_mins(30);

/// When even calls that hang have ended.
const LATE: Duration = Duration::from_secs(80);

/// How long it must stay at rest.
const REST: Duration = Duration::from_mins(1);

/// Plays a seed.
pub(crate) fn play(seed: u64) -> Result<Tally, String> {
    in_runtime(Setting::of(seed), async |world| {
        let result = world.play().await;
        tracing::info!(target: "simulation", ?result, "the end");
        result.map(|()| world.tally())
    })
}

/// Makes a world in a runtime of its own, and plays in it.
pub(crate) fn in_runtime<T>(
    setting: Setting,
    play: impl AsyncFnOnce(&mut World) -> Result<T, String>,
) -> Result<T, String> {
    // Everything that is left to chance in this thread comes from here.
    fastrand::seed(setting.seed);
    let runtime = Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
    runtime.block_on(async {
        trace::begin();
        tracing::info!(target: "simulation", ?setting);
        let mut world = World::new(setting);
        play(&mut world).await
    })
}

impl World {
    async fn play(&mut self) -> Check {
        self.add_numbered_node(0);
        for _ in 0..self.rng.u8(..4) {
            self.add_node();
        }
        for replica in &mut self.replicas {
            replica.start(None);
        }
        for _ in 0..self.setting.steps {
            self.something_happens().await;
            let pause = self.pick(&[0, 0, 5, 50, 500, 1000, 3000, 10_000]);
            sleep(Duration::from_millis(pause)).await;
        }
        self.settle("after the chaos").await?;
        // What is on its way may arrive: the deadlines of calls that hang.
        sleep(LATE).await;
        self.serve_other_class();
        self.settle("after the last calls").await?;
        self.stay_at_rest().await?;
        self.delete_all_services();
        self.serve_other_class();
        self.settle("after all Services were deleted").await?;
        for replica in &mut self.replicas {
            replica.stop().await;
        }
        self.check_wrongs()
    }

    /// Lets nothing go wrong any more and waits until everything is as it must be.
    pub(crate) async fn settle(&mut self, when: &str) -> Check {
        tracing::info!(target: "simulation", when, "nothing goes wrong any more");
        for number in 0..self.replicas.len() {
            self.heal(number);
        }
        let deadline = Instant::now() + PATIENCE;
        let mut pause = Duration::from_secs(1);
        loop {
            self.revive_all();
            self.notice_leaders();
            let Err(wrong) = self.check().await else { break };
            self.check_wrongs()?;
            if Instant::now() > deadline {
                return Err(format!("{when}: {wrong}"));
            }
            sleep(pause).await;
            pause = (pause * 2).min(Duration::from_secs(15));
        }
        Ok(())
    }

    fn revive_all(&mut self) {
        for number in 0..self.replicas.len() {
            if !self.replicas[number].is_alive() {
                self.forget();
                self.replicas[number].start(None);
            }
        }
    }

    /// Once at rest, nothing is written any more.
    async fn stay_at_rest(&mut self) -> Check {
        // What only a change can mend is tried again now and then, and told; so is what is orphaned. To the
        // cloud nothing is written for that.
        let orphans = !self.lost.is_empty() || !self.vanished.is_empty();
        let broken = orphans || self.services().iter().any(|service| condition(service).0 == "False");
        let before = self.writes(broken);
        sleep(REST).await;
        let after = self.writes(broken);
        if before != after {
            return Err(format!("at rest, there were writes: {before:?}, then {after:?}"));
        }
        self.check().await.map_err(|wrong| format!("after a rest: {wrong}"))
    }

    /// Writes to the cloud and to the API server, of each replica; perhaps without what only tells.
    fn writes(&self, without_tellings: bool) -> Vec<(u64, u64)> {
        let counts = |(verb, of): &(Verb, String)| {
            verb.is_write()
                && of != "leases"
                && !(without_tellings && (of == "events" || of == "services/status"))
        };
        let of = |replica: &Replica| {
            let requests = replica.api.faults().requests();
            let writes = requests.iter().filter(|(what, _)| counts(what)).map(|(_, count)| count).sum();
            (replica.cloud.calls().total_writes(), writes)
        };
        self.replicas.iter().map(of).collect()
    }

    pub(crate) fn check_wrongs(&self) -> Check {
        match self.watchdog.wrongs().first() {
            Some(wrong) => Err(wrong.clone()),
            None => Ok(()),
        }
    }

    fn tally(&mut self) -> Tally {
        for replica in &self.replicas {
            for fault in replica.api.faults().injected() {
                *self.tally.entry(format!("API {}", kind_of(&fault))).or_default() += 1;
            }
            for injected in replica.cloud.faults().injected() {
                *self.tally.entry(format!("cloud {}", kind_of(&injected.fault))).or_default() += 1;
            }
        }
        *self.tally.entry("crashes".to_owned()).or_default() += self.watchdog.deaths();
        *self.tally.entry("leader changes".to_owned()).or_default() += self.watchdog.changes();
        std::mem::take(&mut self.tally)
    }
}

/// The name of a fault without what it holds.
fn kind_of(fault: &impl std::fmt::Debug) -> String {
    let text = format!("{fault:?}");
    text.split('(').next().unwrap_or_default().to_owned()
}

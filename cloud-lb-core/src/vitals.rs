//! What the controller is at, for health checks and metrics.

use std::collections::BTreeMap;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::watch;
use tokio::time::Instant;

use crate::deadline::Waits;
use crate::measure::Lane;

/// Time that the controller's loop has to answer a [`Vitals::pulse`].
const PULSE_DEADLINE: Duration = Duration::from_secs(5);

/// A look at what a controller is at; a cheap handle whose clones share one controller.
#[derive(Debug, Clone)]
pub struct Vitals(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    state: Mutex<Snapshot>,
    lanes: Mutex<Lanes>,
    asked: watch::Sender<u64>,
    answered: watch::Sender<u64>,
}

#[derive(Debug, Default)]
struct Lanes {
    running: BTreeMap<u64, Begun>,
    begun: u64,
}

#[derive(Debug)]
struct Begun {
    lane: Lane,
    subject: String,
    since: Instant,
    waits: Waits,
}

/// The state of a controller at one moment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Snapshot {
    /// Whether its loop runs: not before it leads, and not after it stopped.
    pub running: bool,
    /// Kinds that it has not listed yet; no work begins before all are.
    pub unlisted: Vec<&'static str>,
    /// The state of its queue, by what lanes serve.
    pub queues: BTreeMap<Lane, QueueState>,
    /// Since when the lane waits that has waited longest.
    pub oldest: Option<Instant>,
    /// Whether the cloud is left alone because it does not answer.
    pub circuit_open: bool,
    /// How many surveys of all load balancers failed since one ended well.
    pub survey_failures: u32,
    /// Load balancers by state.
    pub load_balancers: BTreeMap<&'static str, usize>,
    /// Nodes by state.
    pub nodes: BTreeMap<&'static str, usize>,
}

/// How full a queue is, and what went through it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct QueueState {
    /// Lanes that have work and wait for their turn.
    pub depth: usize,
    /// How often a lane got work while it had none.
    pub adds: u64,
    /// How often a lane was to be run again after a failure.
    pub retries: u64,
}

/// A lane that runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Running {
    /// What it serves.
    pub lane: Lane,
    /// Which one, for people.
    pub subject: String,
    /// Since when.
    pub since: Instant,
    /// How long of this it waited because of limits on our own calls.
    pub waited: Duration,
}

impl Running {
    /// How long it has been at work so far, without its waits for limits on our own calls: many calls take long, and
    /// do not hang.
    pub fn at_work(&self) -> Duration {
        self.since.elapsed().saturating_sub(self.waited)
    }
}

impl Begun {
    fn shown(&self) -> Running {
        let Self { lane, subject, since, waits } = self;
        Running { lane: *lane, subject: subject.clone(), since: *since, waited: waits.total() }
    }
}

impl Default for Vitals {
    fn default() -> Self {
        let (asked, answered) = (watch::Sender::new(0), watch::Sender::new(0));
        Self(Arc::new(Shared { state: Mutex::default(), lanes: Mutex::default(), asked, answered }))
    }
}

impl Vitals {
    /// The state at this moment.
    pub fn snapshot(&self) -> Snapshot {
        self.0.state.lock().clone()
    }

    /// The lanes that run, longest first.
    pub fn lanes(&self) -> Vec<Running> {
        let lanes = self.0.lanes.lock();
        let mut running: Vec<Running> = lanes.running.values().map(Begun::shown).collect();
        drop(lanes);
        running.sort_by_key(|lane| lane.since);
        running
    }

    /// Whether the loop of the controller gets round, if it runs: asks it to say so, and waits some
    /// seconds.
    pub async fn pulse(&self) -> bool {
        if !self.0.state.lock().running {
            return true;
        }
        let mut question = 0;
        self.0.asked.send_modify(|last| {
            *last += 1;
            question = *last;
        });
        let mut answers = self.0.answered.subscribe();
        let answer = answers.wait_for(|answer| *answer >= question);
        // The sender lives as long as we do.
        tokio::time::timeout(PULSE_DEADLINE, answer).await.is_ok() || !self.0.state.lock().running
    }

    /// Changes the state.
    pub(crate) fn update(&self, change: impl FnOnce(&mut Snapshot)) {
        change(&mut self.0.state.lock());
    }

    /// Notes that a lane runs, until the result is dropped.
    pub(crate) fn begin(&self, lane: Lane, subject: String) -> Turn {
        let mut lanes = self.0.lanes.lock();
        lanes.begun += 1;
        let number = lanes.begun;
        let waits = Waits::new();
        lanes.running.insert(number, Begun { lane, subject, since: Instant::now(), waits: waits.clone() });
        Turn { vitals: self.clone(), number, waits }
    }

    /// Notes that the loop runs, until the result is dropped.
    pub(crate) fn start(&self) -> Heart {
        self.update(|state| state.running = true);
        Heart { vitals: self.clone(), asked: self.0.asked.subscribe() }
    }
}

/// A lane that runs; it does not any more when this is dropped.
#[derive(Debug)]
pub(crate) struct Turn {
    vitals: Vitals,
    number: u64,
    waits: Waits,
}

impl Turn {
    /// Runs the lane.
    pub(crate) fn over<T>(&self, lane: impl Future<Output = T>) -> impl Future<Output = T> {
        self.waits.of(lane)
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.vitals.0.lanes.lock().running.remove(&self.number);
    }
}

/// The loop's end of a [`Vitals::pulse`]; it runs until this is dropped.
#[derive(Debug)]
pub(crate) struct Heart {
    vitals: Vitals,
    asked: watch::Receiver<u64>,
}

impl Heart {
    /// Answers whoever asks, and completes after each answer.
    ///
    /// # Cancel safety
    /// No question is lost.
    pub(crate) async fn beat(&mut self) {
        if self.asked.changed().await.is_err() {
            // Cannot be: we hold the sender.
            std::future::pending::<()>().await;
        }
        let question = *self.asked.borrow_and_update();
        self.vitals.0.answered.send_replace(question);
    }
}

impl Drop for Heart {
    fn drop(&mut self) {
        self.vitals.update(|state| state.running = false);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_loop_that_gets_round_answers_and_one_that_hangs_does_not() {
        let vitals = Vitals::default();
        assert!(vitals.pulse().await, "a controller that does not run yet is well");
        let mut heart = vitals.start();
        assert!(!vitals.pulse().await, "nobody polls the loop");
        let asked = vitals.clone();
        let (alive, ()) = tokio::join!(asked.pulse(), heart.beat());
        assert!(alive);
        drop(heart);
        assert!(vitals.pulse().await);
    }

    #[tokio::test(start_paused = true)]
    async fn lanes_run_until_their_turn_is_dropped() {
        let vitals = Vitals::default();
        let first = vitals.begin(Lane::Service, "default/web".to_owned());
        tokio::time::advance(Duration::from_secs(9)).await;
        let second = vitals.begin(Lane::Node, "cluster".to_owned());
        let lanes = vitals.lanes();
        let subjects: Vec<&str> = lanes.iter().map(|lane| lane.subject.as_str()).collect();
        assert_eq!(subjects, ["default/web", "cluster"]);
        assert_eq!(lanes[0].since.elapsed(), Duration::from_secs(9));
        drop((first, second));
        assert!(vitals.lanes().is_empty());
    }

    #[tokio::test(start_paused = true)]
    async fn a_lane_that_waits_for_our_own_limit_is_not_at_work() {
        let vitals = Vitals::default();
        let turn = vitals.begin(Lane::Service, "default/web".to_owned());
        let lane = async {
            crate::deadline::wait(Duration::from_secs(700)).await;
            tokio::time::sleep(Duration::from_secs(3)).await;
            let lane = vitals.lanes().remove(0);
            assert_eq!(lane.since.elapsed(), Duration::from_secs(703));
            assert_eq!((lane.waited, lane.at_work()), (Duration::from_secs(700), Duration::from_secs(3)));
        };
        turn.over(lane).await;
    }
}

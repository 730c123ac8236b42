//! Whether calls to the cloud make sense just now: a circuit breaker with a probe (W-24), and the pause that
//! a cloud asks for (W-14). Pure: the caller brings the time.

use std::collections::BTreeSet;
use std::time::Duration;

use tokio::time::Instant;

use super::key::Key;
use crate::backoff::Backoff;
use crate::error::{ErrorKind, Result, Retry};

/// By how much an answer raises the share of lanes that a refusal halved.
const RECOVERY: f64 = 0.05;

/// What the end of one call tells of the cloud as a whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sign {
    /// It answers, be it with a refusal.
    Answers,
    /// It asks for fewer calls, perhaps for some time.
    Throttles(Option<Duration>),
    /// It does not answer, or says that it cannot.
    Silent,
}

impl Sign {
    /// Reads the result of a call. Some errors arise before the cloud is asked and tell nothing.
    pub(crate) fn of<T>(result: &Result<T>) -> Option<Self> {
        let Err(error) = result else { return Some(Self::Answers) };
        match error.kind() {
            ErrorKind::Throttled => Some(Self::Throttles(match error.retry() {
                Retry::After(pause) => Some(pause),
                Retry::Backoff | Retry::Never => None,
            })),
            ErrorKind::Timeout | ErrorKind::Unavailable => Some(Self::Silent),
            ErrorKind::InvalidInput | ErrorKind::Unsupported | ErrorKind::Internal => None,
            _ => Some(Self::Answers),
        }
    }
}

/// Which lanes may start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Gate {
    /// All.
    Free,
    /// One, to find out whether the cloud is back.
    Probe,
    /// None that calls the cloud, for a short while.
    Paused,
    /// None that calls the cloud, until it is back: whoever waits should be told.
    Broken,
}

/// A change worth telling.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Turn {
    /// The cloud is given a rest; when it is asked again.
    Opened(Duration),
    /// The cloud is back.
    Closed,
}

/// When the circuit opens, and for how long.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    /// In how many lanes calls must fail, one after the other and without any answer between; 0 is never.
    pub(crate) lanes: usize,
    /// Time from opening to the probe, growing with each probe that fails.
    pub(crate) delay: Backoff,
    /// Pause after refusals in a row, unless the cloud asks for a longer one.
    pub(crate) pause: Backoff,
}

/// What is known of the cloud's health.
///
/// One Service that fails proves nothing, however often: its own retries slow down. The circuit opens when
/// calls of several lanes fail in a row. Then one lane at a time probes; any answer closes it again.
#[derive(Debug)]
pub(crate) struct Circuit {
    limits: Limits,
    state: State,
    failing: BTreeSet<Key>,
    failed_probes: u32,
    paused_until: Option<Instant>,
    pauses: u32,
    share: f64,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum State {
    Closed,
    Open { until: Instant },
    Probing(Key),
}

impl Circuit {
    pub(crate) fn new(limits: Limits) -> Self {
        Self {
            limits,
            state: State::Closed,
            failing: BTreeSet::new(),
            failed_probes: 0,
            paused_until: None,
            pauses: 0,
            share: 1.0,
        }
    }

    /// Which lanes may start now.
    pub(crate) fn gate(&self, now: Instant) -> Gate {
        match self.state {
            State::Open { until } if now < until => Gate::Broken,
            State::Probing(_) => Gate::Broken,
            _ if self.paused_until.is_some_and(|until| now < until) => Gate::Paused,
            State::Open { .. } => Gate::Probe,
            State::Closed => Gate::Free,
        }
    }

    /// How many lanes of `all` may run at once: fewer after a refusal, more again with each answer.
    pub(crate) fn lanes(&self, all: usize) -> usize {
        // So few lanes are exact in floating point.
        #[expect(clippy::cast_precision_loss, reason = "at most a thousand")]
        let allowed = (1..=all).filter(|lanes| *lanes as f64 <= self.share * all as f64).count();
        allowed.max(1)
    }

    /// When the gate may change by itself.
    pub(crate) fn due(&self, now: Instant) -> Option<Instant> {
        let probe = match self.state {
            State::Open { until } => Some(until),
            State::Closed | State::Probing(_) => None,
        };
        probe.into_iter().chain(self.paused_until).filter(|due| *due > now).min()
    }

    /// A lane starts through [`Gate::Probe`].
    pub(crate) fn probe(&mut self, key: &Key) {
        self.state = State::Probing(key.clone());
    }

    /// A lane has ended. A probe that gave no sign makes room for another.
    pub(crate) fn end(&mut self, key: &Key, now: Instant) {
        if matches!(&self.state, State::Probing(probing) if probing == key) {
            self.state = State::Open { until: now };
        }
    }

    /// Takes in what the end of a lane's call tells.
    pub(crate) fn note(&mut self, key: &Key, sign: Sign, now: Instant) -> Option<Turn> {
        match sign {
            Sign::Answers => {
                self.share = (self.share + RECOVERY).min(1.0);
                if self.paused_until.is_none_or(|until| until <= now) {
                    self.pauses = 0;
                }
                self.close()
            }
            Sign::Throttles(pause) => {
                self.slow_down(pause, now);
                self.close()
            }
            Sign::Silent => self.fail(key, now),
        }
    }

    fn close(&mut self) -> Option<Turn> {
        self.failing.clear();
        self.failed_probes = 0;
        (std::mem::replace(&mut self.state, State::Closed) != State::Closed).then_some(Turn::Closed)
    }

    fn fail(&mut self, key: &Key, now: Instant) -> Option<Turn> {
        match &self.state {
            State::Closed => {
                self.failing.insert(key.clone());
                if self.limits.lanes == 0 || self.failing.len() < self.limits.lanes {
                    return None;
                }
            }
            State::Probing(probing) if probing == key => self.failed_probes += 1,
            // It began before.
            State::Open { .. } | State::Probing(_) => return None,
        }
        self.failing.clear();
        let delay = self.limits.delay.delay(self.failed_probes);
        self.state = State::Open { until: now + delay };
        (self.failed_probes == 0).then_some(Turn::Opened(delay))
    }

    /// Refusals of calls that were under way at once are one.
    ///
    /// What the cloud asks for is the time until it takes one call, and a lane needs several: whoever is
    /// refused again and again waits longer than that, until one lane comes through.
    fn slow_down(&mut self, asked: Option<Duration>, now: Instant) {
        if self.paused_until.is_none_or(|until| until <= now) {
            self.share /= 2.0;
            self.pauses = self.pauses.saturating_add(1);
        }
        let growing = self.limits.pause.delay(self.pauses.saturating_sub(1));
        let pause = asked.map_or(growing, |asked| asked.max(growing));
        self.paused_until = self.paused_until.max(Some(now + pause));
    }
}

#[cfg(test)]
mod tests;

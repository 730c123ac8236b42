//! `/healthz`, `/livez` and `/readyz`: check by check, in the words of Kubernetes components.

use std::fmt::Write as _;
use std::time::Duration;

use cloud_lb_core::lease::{RivalStanding, Standing};
use cloud_lb_core::vitals::Vitals;

/// What the checks look at.
#[derive(Debug, Clone)]
pub(crate) struct Probe {
    /// The controller.
    pub(crate) vitals: Vitals,
    /// The leader election, if there is one.
    pub(crate) standing: Option<Standing>,
    /// The controller that does the same work, if one is looked for.
    pub(crate) rival: Option<RivalStanding>,
    /// Time that one run of a lane may take: beyond it, it hangs.
    pub(crate) lane_limit: Duration,
}

/// One thing that is well or not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Check {
    /// The server answers.
    Ping,
    /// The leader renews its lease (L-3).
    LeaderElection,
    /// The controller's loop gets round.
    Loop,
    /// No lane hangs.
    Lanes,
    /// No other controller does the same work.
    Alone,
    /// Everything was listed once.
    InformerSync,
    /// All load balancers could be held against the cloud lately.
    Survey,
}

/// Surveys that may fail in a row: one alone may be bad luck.
const MAX_SURVEY_FAILURES: u32 = 1;

const LIVE: [Check; 4] = [Check::Ping, Check::LeaderElection, Check::Loop, Check::Lanes];
const READY: [Check; 5] =
    [Check::Ping, Check::LeaderElection, Check::Alone, Check::InformerSync, Check::Survey];

/// A group of checks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Endpoint {
    name: &'static str,
    checks: &'static [Check],
}

/// The endpoints that there are.
pub(super) const ENDPOINTS: [Endpoint; 3] = [
    Endpoint { name: "healthz", checks: &LIVE },
    Endpoint { name: "livez", checks: &LIVE },
    Endpoint { name: "readyz", checks: &READY },
];

/// What an endpoint answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Report {
    pub(super) well: bool,
    pub(super) text: String,
}

impl Check {
    fn name(self) -> &'static str {
        match self {
            Self::Ping => "ping",
            Self::LeaderElection => "leaderElection",
            Self::Loop => "service-lb-controller",
            Self::Lanes => "lanes",
            Self::Alone => "alone",
            Self::InformerSync => "informer-sync",
            Self::Survey => "survey",
        }
    }

    /// Reasons name no objects: everybody may read them.
    async fn run(self, probe: &Probe) -> Result<(), String> {
        match self {
            Self::Ping => Ok(()),
            Self::LeaderElection => probe.standing.as_ref().map_or(Ok(()), Standing::check),
            Self::Loop if probe.vitals.pulse().await => Ok(()),
            Self::Loop => Err("the loop of the controller does not answer".to_owned()),
            Self::Lanes => probe.lanes(),
            Self::Alone => probe.rival.as_ref().map_or(Ok(()), RivalStanding::check),
            Self::InformerSync => probe.synced(),
            Self::Survey => surveyed(probe.vitals.snapshot().survey_failures),
        }
    }
}

impl Probe {
    fn lanes(&self) -> Result<(), String> {
        let lanes = self.vitals.lanes();
        let hanging = lanes.iter().filter(|lane| lane.since.elapsed() > self.lane_limit);
        let hanging: Vec<&str> = hanging.map(|lane| lane.subject.as_str()).collect();
        if hanging.is_empty() {
            return Ok(());
        }
        tracing::error!(?hanging, limit = ?self.lane_limit, "lanes hang");
        Err(format!("{} lanes have run for more than {:?}", hanging.len(), self.lane_limit))
    }

    /// A replica that does not lead has nothing to list: it is ready to take over.
    fn synced(&self) -> Result<(), String> {
        let state = self.vitals.snapshot();
        if !state.running || state.unlisted.is_empty() {
            return Ok(());
        }
        Err(format!("not listed yet: {}", state.unlisted.join(", ")))
    }
}

/// While surveys fail, nobody knows of changes in the cloud and of what is left there of Services that are gone.
pub(super) fn surveyed(failures: u32) -> Result<(), String> {
    match failures {
        0..=MAX_SURVEY_FAILURES => Ok(()),
        failures => Err(format!("the last {failures} surveys of all load balancers failed")),
    }
}

impl Endpoint {
    /// The endpoint and the single check, if one is meant, of a path such as `/readyz/ping`.
    pub(super) fn find(path: &str) -> Option<(Self, Option<&str>)> {
        let path = path.strip_prefix('/')?;
        let (name, check) = path.split_once('/').map_or((path, None), |(name, check)| (name, Some(check)));
        let endpoint = ENDPOINTS.into_iter().find(|endpoint| endpoint.name == name)?;
        Some((endpoint, check.filter(|check| !check.is_empty())))
    }

    /// Runs all checks but the excluded ones. Details are shown if asked for, and if something is wrong.
    pub(super) async fn report(self, probe: &Probe, excluded: &[String], verbose: bool) -> Report {
        let (mut text, mut well) = (String::new(), true);
        for check in self.checks {
            let name = check.name();
            let line = if excluded.iter().any(|excluded| excluded == name) {
                format!("[+]{name} excluded: ok")
            } else if let Err(reason) = check.run(probe).await {
                well = false;
                format!("[-]{name} failed: {reason}")
            } else {
                format!("[+]{name} ok")
            };
            // Writing to a string cannot fail.
            let _ = writeln!(text, "{line}");
        }
        if well && !verbose {
            return Report { well, text: "ok".to_owned() };
        }
        let verdict = if well { "passed" } else { "failed" };
        let _ = writeln!(text, "{} check {verdict}", self.name);
        Report { well, text }
    }

    /// Runs one check; `None` if there is none of this name.
    pub(super) async fn single(self, probe: &Probe, name: &str) -> Option<Report> {
        let check = self.checks.iter().find(|check| check.name() == name)?;
        Some(match check.run(probe).await {
            Ok(()) => Report { well: true, text: "ok".to_owned() },
            Err(reason) => Report { well: false, text: format!("internal server error: {reason}\n") },
        })
    }
}

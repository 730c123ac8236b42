//! Targets: what can be one, and how it leaves.

use std::time::Duration;

use cloud_lb_core::error::{ErrorKind, Result};
use tokio::time::Instant;

use super::refused;
use super::state::State;
use crate::facts::{InstanceState, TargetFacts};
use crate::kinds::{Target, TargetType};

impl State {
    pub(super) fn describe_target_health(&mut self, arn: &str) -> Result<Vec<TargetFacts>> {
        let is_used = !self.users_of(arn).is_empty();
        let (since, options) = (self.registered.clone(), self.options.clone());
        let group = self.target_group(arn)?;
        for target in &mut group.targets {
            let since = since.get(&(arn.to_owned(), target.id.clone(), target.port));
            let is_checked = since.is_none_or(|since| since.elapsed() >= options.healthy_after);
            let is_bad =
                options.unhealthy_targets.contains(&target.id) || options.silent_ports.contains(&target.port);
            let (state, why) = health(is_used, is_checked, is_bad);
            target.state = Some(state.to_owned());
            (target.reason, target.description) =
                why.map(|(reason, text)| (reason.to_owned(), text.to_owned())).unzip();
        }
        let mut all = group.targets.clone();
        let leaving = self.draining.keys().filter(|(group, ..)| group == arn);
        all.extend(leaving.map(|(_, id, port)| TargetFacts {
            id: id.clone(),
            port: *port,
            availability_zone: None,
            state: Some("draining".to_owned()),
            ..TargetFacts::default()
        }));
        Ok(all)
    }

    pub(super) fn register(&mut self, arn: &str, targets: &[Target]) -> Result<()> {
        let limit = self.options.limits.targets;
        let target_type = self.target_group(arn)?.target_type;
        for target in targets {
            self.check_target(target_type, target)?;
        }
        let group = self.target_group(arn)?;
        let is_there = |known: &TargetFacts, new: &Target| known.id == new.id && known.port == new.port;
        let new: Vec<&Target> = targets
            .iter()
            .filter(|target| !group.targets.iter().any(|known| is_there(known, target)))
            .collect();
        if group.targets.len() + new.len() > limit {
            return Err(refused(ErrorKind::Quota, format!("more than {limit} targets")));
        }
        for target in new {
            group.targets.push(TargetFacts {
                id: target.id.clone(),
                port: target.port,
                availability_zone: target.availability_zone.clone(),
                state: Some("initial".to_owned()),
                ..TargetFacts::default()
            });
        }
        for target in targets {
            let id = (arn.to_owned(), target.id.clone(), target.port);
            self.draining.remove(&id);
            self.registered.insert(id, Instant::now());
        }
        Ok(())
    }

    fn check_target(&self, target_type: TargetType, target: &Target) -> Result<()> {
        let invalid =
            |why: &str| Err(refused(ErrorKind::InvalidInput, format!("target {}: {why}", target.id)));
        if self.options.bad_targets.contains(&target.id) {
            return invalid("it is not in a valid state");
        }
        let zone = target.availability_zone.as_deref().filter(|zone| *zone != "all");
        if self.options.zoned_targets.contains(&target.id) && zone.is_none() {
            return invalid("its zone must be told");
        }
        if target_type == TargetType::Ip {
            return if target.id.parse::<std::net::IpAddr>().is_ok() {
                Ok(())
            } else {
                invalid("no address")
            };
        }
        match self.account.instance(&target.id).map(|instance| instance.state) {
            Some(InstanceState::Running) => Ok(()),
            Some(_) => invalid("it is not running"),
            None => invalid("it does not exist"),
        }
    }

    pub(super) fn deregister(&mut self, arn: &str, targets: &[Target]) -> Result<()> {
        let group = self.target_group(arn)?;
        let delay = group.attributes.get("deregistration_delay.timeout_seconds");
        let delay = Duration::from_secs(delay.and_then(|text| text.parse().ok()).unwrap_or(300));
        let leaves = |known: &TargetFacts| targets.iter().any(|t| t.id == known.id && t.port == known.port);
        let leaving: Vec<TargetFacts> = group.targets.iter().filter(|known| leaves(known)).cloned().collect();
        group.targets.retain(|known| !leaves(known));
        let until = Instant::now() + delay;
        self.draining
            .extend(leaving.into_iter().map(|target| ((arn.to_owned(), target.id, target.port), until)));
        Ok(())
    }
}

/// State, and reason and description where it has them, in AWS's words.
fn health(
    is_used: bool,
    is_checked: bool,
    is_bad: bool,
) -> (&'static str, Option<(&'static str, &'static str)>) {
    const UNUSED: (&str, &str) =
        ("Target.NotInUse", "Target group is not configured to receive traffic from the load balancer");
    const INITIAL: (&str, &str) = ("Elb.InitialHealthChecking", "Initial health checks in progress");
    const FAILED: (&str, &str) = ("Target.FailedHealthChecks", "Health checks failed");
    match (is_used, is_checked, is_bad) {
        (false, ..) => ("unused", Some(UNUSED)),
        (true, false, _) => ("initial", Some(INITIAL)),
        (true, true, true) => ("unhealthy", Some(FAILED)),
        (true, true, false) => ("healthy", None),
    }
}

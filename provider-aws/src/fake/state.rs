//! The account, and what happens in it as time passes.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use cloud_lb_core::error::Result;
use tokio::time::Instant;

use super::{Options, hex, not_found};
use crate::facts::{Account, GroupFacts, LoadBalancerFacts, LoadBalancerState, TargetGroupFacts};

pub(super) struct State {
    pub(super) account: Account,
    pub(super) options: Options,
    /// Network interfaces of load balancers that are gone: their groups, and until when they stay.
    pub(super) interfaces: Vec<(BTreeSet<String>, Instant)>,
    /// Targets on their way out, by target group, and until when they drain.
    pub(super) draining: BTreeMap<(String, String, u16), Instant>,
    /// When targets were registered, by target group.
    pub(super) registered: BTreeMap<(String, String, u16), Instant>,
    /// When load balancers become active.
    pub(super) provisioning: BTreeMap<String, Instant>,
    pub(super) born: BTreeMap<String, Instant>,
    last_id: u64,
}

impl State {
    pub(super) fn new(account: Account, options: Options) -> Self {
        Self {
            account,
            options,
            interfaces: Vec::new(),
            draining: BTreeMap::new(),
            registered: BTreeMap::new(),
            provisioning: BTreeMap::new(),
            born: BTreeMap::new(),
            last_id: 0,
        }
    }

    pub(super) fn new_id(&mut self) -> String {
        self.last_id += 1;
        hex(self.last_id)
    }

    /// Lets happen what is due.
    pub(super) fn pass(&mut self) {
        let now = Instant::now();
        self.interfaces.retain(|(_, until)| *until > now);
        self.draining.retain(|_, until| *until > now);
        let ready = |until: &mut Instant| *until <= now;
        let due: Vec<String> = self
            .provisioning
            .iter_mut()
            .filter_map(|(arn, until)| ready(until).then(|| arn.clone()))
            .collect();
        for arn in due {
            self.provisioning.remove(&arn);
            if let Ok(lb) = self.load_balancer(&arn) {
                lb.state = LoadBalancerState::Active;
            }
        }
    }

    /// The account with what is only derived: which load balancers use which target groups.
    pub(super) fn snapshot(&self) -> Account {
        let mut account = self.account.clone();
        for group in &mut account.target_groups {
            group.load_balancer_arns = self.users_of(&group.target_group_arn);
        }
        account
    }

    /// The load balancers that forward to a target group.
    pub(super) fn users_of(&self, target_group: &str) -> Vec<String> {
        let uses = |lb: &&LoadBalancerFacts| lb.listeners.iter().any(|l| l.target_group_arn == target_group);
        self.account.load_balancers.iter().filter(uses).map(|lb| lb.load_balancer_arn.clone()).collect()
    }

    pub(super) fn is_visible(&self, id: &str) -> bool {
        self.is_older(id, self.options.visible_after)
    }

    pub(super) fn shows_tags(&self, id: &str) -> bool {
        self.is_older(id, self.options.tags_visible_after)
    }

    fn is_older(&self, id: &str, age: Duration) -> bool {
        self.born.get(id).is_none_or(|born| born.elapsed() >= age)
    }

    pub(super) fn is_born(&mut self, id: &str) {
        self.born.insert(id.to_owned(), Instant::now());
    }

    pub(super) fn load_balancer(&mut self, arn: &str) -> Result<&mut LoadBalancerFacts> {
        let found = self.account.load_balancers.iter_mut().find(|lb| lb.load_balancer_arn == arn);
        found.ok_or_else(|| not_found(arn))
    }

    pub(super) fn target_group(&mut self, arn: &str) -> Result<&mut TargetGroupFacts> {
        let found = self.account.target_groups.iter_mut().find(|group| group.target_group_arn == arn);
        found.ok_or_else(|| not_found(arn))
    }

    pub(super) fn group(&mut self, id: &str) -> Result<&mut GroupFacts> {
        let found = self.account.security_groups.iter_mut().find(|group| group.group_id == id);
        found.ok_or_else(|| not_found(id))
    }

    pub(super) fn arn(&self, resource: &str) -> String {
        let region = if self.account.region.is_empty() { "eu-west-1" } else { &self.account.region };
        format!("arn:aws:elasticloadbalancing:{region}:123456789012:{resource}")
    }
}

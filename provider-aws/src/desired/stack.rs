use cloud_lb_core::model::LoadBalancer as Service;

use super::notes::Notes;
use super::takes;
use crate::annotations::Annotations;
use crate::config::{Adopt, Config};
use crate::facts::{Account, LoadBalancerFacts, Stack};
use crate::kinds::{IpAddressType, Scheme, TargetType};

/// What all parts of the desired state are made from.
pub(super) struct Context<'a> {
    pub(super) lb: &'a Service,
    pub(super) facts: &'a Account,
    pub(super) config: &'a Config,
    pub(super) asked: Annotations,
    pub(super) stack: Stack<'a>,
    pub(super) scheme: Scheme,
    pub(super) address_type: IpAddressType,
    pub(super) target_type: TargetType,
    /// The load balancer that exists and stays: one of another scheme will be replaced, so it counts as
    /// absent (AWS-71).
    pub(super) live: Option<&'a LoadBalancerFacts>,
}

impl<'a> Context<'a> {
    pub(super) fn new(
        lb: &'a Service,
        facts: &'a Account,
        config: &'a Config,
        asked: Annotations,
        notes: &mut Notes,
    ) -> Self {
        let stack = facts.stack(&lb.service);
        let scheme = scheme(lb, config, &asked, &stack);
        let dualstack = asked.text("ip-address-type") == Some("dualstack");
        let context = Self {
            live: stack.of_scheme(scheme),
            target_type: target_type(lb, config, &asked),
            address_type: if dualstack { IpAddressType::Dualstack } else { IpAddressType::Ipv4 },
            lb,
            facts,
            config,
            asked,
            stack,
            scheme,
        };
        if context.target_type == TargetType::Ip && !config.enable_ip_target_type {
            let reason = "unsupported targetType: ip when EnableIPTargetType is false";
            notes.refuse("nlb-target-type", "ip", reason);
        }
        context.check_replacement(notes);
        context.check_takeover(notes);
        context
    }

    pub(super) fn is_dualstack(&self) -> bool {
        self.address_type == IpAddressType::Dualstack
    }

    /// Whether the Service is one of the cloud controller manager's, whose defaults differ (AWS-214).
    pub(super) fn has_ccm_defaults(&self) -> bool {
        takes::is_of_ccm(self.lb, self.config)
    }

    /// A load balancer of the cloud controller manager is taken over, or refused; never is a second one
    /// made beside it (AWS-215).
    fn check_takeover(&self, notes: &mut Notes) {
        let service = &self.lb.service;
        let Some(theirs) = self.stack.load_balancers.iter().find(|lb| lb.is_of_ccm(service)) else { return };
        let name = &theirs.load_balancer_name;
        match self.config.adopt {
            Adopt::Ccm => {
                let message =
                    format!("{name} of the cloud controller manager serves this Service; it is taken over in place");
                notes.warn("LoadBalancerAdopted", message);
            }
            Adopt::Tagged => notes.collides(format!(
                "NameCollision: {name} of the cloud controller manager serves this Service; with adopt: ccm it is taken \
                 over in place"
            )),
        }
    }

    /// A load balancer that must not go cannot be replaced, and two of one name cannot exist at a time
    /// (AWS-113, AWS-118).
    fn check_replacement(&self, notes: &mut Notes) {
        let Some(old) = self.stack.load_balancers.first().filter(|_| self.live.is_none()) else { return };
        let (from, to) = (old.scheme.as_str(), self.scheme.as_str());
        let message = format!(
            "the scheme changes from {from} to {to}: a new load balancer with another host name takes over, then the old \
             one is deleted"
        );
        notes.warn("LoadBalancerReplaced", message);
        let what = format!("the scheme cannot change from {from} to {to} in place, and the load balancer");
        if asks_for_protection(&self.asked) {
            let reason = format!(
                "ReplacementBlocked: {what} cannot be replaced while deletion_protection.enabled=true is asked for"
            );
            notes.refuse("attributes", "deletion_protection.enabled=true", reason);
        }
        if let Some(name) = self.asked.text("name").filter(|name| *name == old.load_balancer_name) {
            let reason = format!("ReplacementNeedsRename: {what} that replaces it needs another name");
            notes.refuse("name", name, reason);
        }
    }
}

/// Whether the Service wants its load balancer protected from deletion.
pub(super) fn asks_for_protection(asked: &Annotations) -> bool {
    let attributes = asked.map("attributes");
    attributes.and_then(|map| map.get("deletion_protection.enabled")).is_some_and(|value| value == "true")
}

/// AWS-101.
pub(crate) fn scheme(lb: &Service, config: &Config, asked: &Annotations, stack: &Stack<'_>) -> Scheme {
    let default = if takes::is_of_ccm(lb, config) {
        Scheme::InternetFacing
    } else {
        config.default_load_balancer_scheme
    };
    match (asked.text("scheme"), asked.bool("internal")) {
        (Some("internal"), _) | (None, Some(true)) => Scheme::Internal,
        (Some(_), _) | (None, Some(false)) => Scheme::InternetFacing,
        (None, None) if stack.of_scheme(default).is_some() => default,
        (None, None) => stack.load_balancers.first().map_or(default, |existing| existing.scheme),
    }
}

/// AWS-141. The cloud controller manager knows instances only (AWS-214).
pub(crate) fn target_type(lb: &Service, config: &Config, asked: &Annotations) -> TargetType {
    let by_class = lb.class.is_some();
    match (asked.text("type"), asked.text("nlb-target-type")) {
        (Some("nlb-ip"), _) if !by_class => TargetType::Ip,
        (_, Some("ip")) => TargetType::Ip,
        (_, Some(_)) => TargetType::Instance,
        (_, None) if takes::is_of_ccm(lb, config) => TargetType::Instance,
        (_, None) => config.default_target_type,
    }
}

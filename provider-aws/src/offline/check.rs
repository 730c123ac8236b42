//! Whether the parts of a description fit together: a reference that leads nowhere would make a plan that
//! looks right and is not.

use std::collections::{BTreeMap, BTreeSet};

use cloud_lb_core::error::{Error, Result, Violation};

use crate::facts::Account;

/// Reports all that does not fit together.
pub(super) fn check(account: &Account) -> Result<()> {
    let mut checker = Checker { account, violations: Vec::new() };
    checker.identities();
    checker.networks();
    checker.instances();
    checker.load_balancers();
    if checker.violations.is_empty() {
        return Ok(());
    }
    Err(Error::invalid("description of the account", checker.violations))
}

struct Checker<'a> {
    account: &'a Account,
    violations: Vec<Violation>,
}

impl<'a> Checker<'a> {
    fn refuse(&mut self, field: String, value: &str, expected: impl Into<String>) {
        self.violations.push(Violation::new(field, value, expected));
    }

    /// Ids stand for themselves, each for one thing.
    fn identities(&mut self) {
        let Account { vpcs, subnets, security_groups, instances, load_balancers, target_groups, .. } =
            self.account;
        let certificates = self.account.certificates.iter().flatten().map(|one| &one.certificate_arn);
        let interfaces = self.account.network_interfaces.iter().map(|one| &one.network_interface_id);
        self.each_once("NetworkInterfaces", "NetworkInterfaceId", interfaces);
        self.each_once("Certificates", "CertificateArn", certificates);
        self.each_once("Vpcs", "VpcId", vpcs.iter().map(|one| &one.vpc_id));
        self.each_once("Subnets", "SubnetId", subnets.iter().map(|one| &one.subnet_id));
        self.each_once("SecurityGroups", "GroupId", security_groups.iter().map(|one| &one.group_id));
        self.each_once("Instances", "InstanceId", instances.iter().map(|one| &one.instance_id));
        let arns = load_balancers.iter().map(|one| &one.load_balancer_arn);
        self.each_once("LoadBalancers", "LoadBalancerArn", arns);
        let arns = target_groups.iter().map(|one| &one.target_group_arn);
        self.each_once("TargetGroups", "TargetGroupArn", arns);
    }

    fn each_once(&mut self, list: &str, key: &str, ids: impl Iterator<Item = &'a String>) {
        let mut first = BTreeMap::new();
        for (index, id) in ids.enumerate() {
            if let Some(earlier) = first.insert(id, index) {
                let field = format!("{list}[{index}].{key}");
                self.refuse(field, id, format!("an id of its own: {list}[{earlier}] has it"));
            }
        }
    }

    fn networks(&mut self) {
        let vpcs = names(self.account.vpcs.iter().map(|vpc| &vpc.vpc_id));
        if !vpcs.contains(self.account.vpc_id.as_str()) {
            let expected = format!("the id of the cluster's network, {}", one_of("Vpcs", &vpcs));
            self.refuse("VpcId".to_owned(), &self.account.vpc_id, expected);
        }
        let of_subnets = self.account.subnets.iter().map(|subnet| &subnet.vpc_id);
        self.lead_to(&vpcs, "Vpcs", of_subnets, |index| format!("Subnets[{index}].VpcId"));
        let of_groups = self.account.security_groups.iter().map(|group| &group.vpc_id);
        self.lead_to(&vpcs, "Vpcs", of_groups, |index| format!("SecurityGroups[{index}].VpcId"));
    }

    fn instances(&mut self) {
        let groups = names(self.account.security_groups.iter().map(|group| &group.group_id));
        for (index, instance) in self.account.instances.iter().enumerate() {
            let place = |_| format!("Instances[{index}].SecurityGroups");
            self.lead_to(&groups, "SecurityGroups", instance.security_groups.iter(), place);
        }
    }

    fn load_balancers(&mut self) {
        let groups = names(self.account.security_groups.iter().map(|group| &group.group_id));
        let subnets = names(self.account.subnets.iter().map(|subnet| &subnet.subnet_id));
        let target_groups = names(self.account.target_groups.iter().map(|group| &group.target_group_arn));
        for (number, lb) in self.account.load_balancers.iter().enumerate() {
            // Networks of others are listed for the names in them, not for what else they hold.
            if lb.vpc_id != self.account.vpc_id {
                continue;
            }
            let place = |part: String| format!("LoadBalancers[{number}].{part}");
            let in_groups = |index| place(format!("SecurityGroups[{index}]"));
            self.lead_to(&groups, "SecurityGroups", lb.security_groups.iter(), in_groups);
            let mapped = lb.subnet_mappings.iter().map(|mapping| &mapping.subnet_id);
            self.lead_to(&subnets, "Subnets", mapped, |index| {
                place(format!("SubnetMappings[{index}].SubnetId"))
            });
            let forwards = lb.listeners.iter().map(|listener| &listener.target_group_arn);
            let in_listener = |index| place(format!("Listeners[{index}].TargetGroupArn"));
            self.lead_to(&target_groups, "TargetGroups", forwards, in_listener);
        }
    }

    /// Refuses each of `ids` that is not known.
    fn lead_to(
        &mut self,
        known: &BTreeSet<&str>,
        list: &str,
        ids: impl Iterator<Item = &'a String>,
        place: impl Fn(usize) -> String,
    ) {
        for (index, id) in ids.enumerate() {
            if !known.contains(id.as_str()) {
                self.refuse(place(index), id, one_of(list, known));
            }
        }
    }
}

fn names<'a>(ids: impl Iterator<Item = &'a String>) -> BTreeSet<&'a str> {
    ids.map(String::as_str).collect()
}

/// Names what is listed, as far as a person reads it.
fn one_of(list: &str, known: &BTreeSet<&str>) -> String {
    const NAMED: usize = 5;
    let named: Vec<&str> = known.iter().take(NAMED).copied().collect();
    match known.len() {
        0 => format!("one of {list}, which is empty"),
        number if number > NAMED => {
            format!("one of {list}: {} and {} more", named.join(", "), number - NAMED)
        }
        _ => format!("one of {list}: {}", named.join(", ")),
    }
}

#[cfg(test)]
mod tests;

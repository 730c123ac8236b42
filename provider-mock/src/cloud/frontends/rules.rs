use super::{Account, Listening, Wired, address};
use crate::backend::desired::Kind;
use crate::backend::parts::Target;
use crate::backend::rules::kinds::{BackendService, FIREWALL, FORWARDING_RULE, ForwardingRule, RulesKind};
use crate::cloud::record::Record;

/// Each port of each forwarding rule that a firewall lets through.
pub(super) fn wired(account: &Account<'_>) -> Vec<Wired> {
    account.of_kind(FORWARDING_RULE).filter_map(|record| of_rule(account, record)).flatten().collect()
}

fn of_rule(account: &Account<'_>, record: &Record) -> Option<Vec<Wired>> {
    let RulesKind::ForwardingRule(rule) = parse(record)? else { return None };
    let RulesKind::BackendService(service) = parse(account.get(rule.backend_service.value())?)? else {
        return None;
    };
    let RulesKind::HealthCheck(check) = parse(account.get(service.health_check.value())?)? else {
        return None;
    };
    let address = address(account.get(rule.address.value())?, rule.family)?;
    let targets = targets(account, &service);
    let ranges = admitted(account, &rule);
    let ports = rule.ports.iter().map(|pair| {
        let listening = Listening {
            id: &record.id,
            address,
            transport: rule.protocol,
            port: pair.port,
            node_port: pair.node_port,
            targets: targets.iter().collect(),
            check: &check,
            traffic: &service.traffic,
            ranges: &ranges,
        };
        listening.wired()
    });
    Some(ports.collect())
}

fn targets(account: &Account<'_>, service: &BackendService) -> Vec<Target> {
    let groups = service.groups.iter().filter_map(|group| account.get(group.value()));
    let members = groups.filter_map(|record| match parse(record)? {
        RulesKind::InstanceGroup(group) => Some(group.targets),
        _ => None,
    });
    members.flat_map(|targets| targets.to_vec()).collect()
}

/// What the firewalls of the rule's address admit; without any, nobody gets through.
fn admitted(account: &Account<'_>, rule: &ForwardingRule) -> Vec<ipnet::IpNet> {
    let firewalls = account.of_kind(FIREWALL).filter_map(parse);
    let ranges = firewalls.filter_map(|kind| match kind {
        RulesKind::Firewall(firewall) if firewall.destination == rule.address => Some(firewall.source_ranges),
        _ => None,
    });
    ranges.flatten().collect()
}

fn parse(record: &Record) -> Option<RulesKind> {
    RulesKind::parse(record.kind, &record.body).ok()
}

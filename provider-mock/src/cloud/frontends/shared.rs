use ipnet::IpNet;

use super::{Account, Listening, Wired, address};
use crate::backend::desired::Kind;
use crate::backend::shared::kinds::{
    FRONTEND_IP, FrontendIp, LOAD_BALANCER, PROBE, RULE, SECURITY_GROUP, SECURITY_RULE, SharedKind,
};
use crate::cloud::record::Record;

/// Each rule of each shared load balancer that a rule of a security group lets through.
pub(super) fn wired(account: &Account<'_>) -> Vec<Wired> {
    let rules = account.of_kind(LOAD_BALANCER).flat_map(|record| {
        let parts = parts(record, "rules", RULE);
        parts.into_iter().filter_map(move |(name, part)| of_rule(account, record, &name, part))
    });
    rules.collect()
}

fn of_rule(account: &Account<'_>, record: &Record, name: &str, part: SharedKind) -> Option<Wired> {
    let SharedKind::Rule(rule) = part else { return None };
    let SharedKind::FrontendIp(frontend) = part_at(record, FRONTEND_IP, rule.frontend.value()?)? else {
        return None;
    };
    let SharedKind::Probe(check) = part_at(record, PROBE, rule.probe.value()?)? else { return None };
    let pool_record = account.get(rule.backend_pool.value())?;
    let pool = SharedKind::parse(pool_record.kind, &pool_record.body).ok()?;
    let SharedKind::BackendPool(pool) = pool else { return None };
    let listening = Listening {
        id: &format!("{}/{name}", record.id),
        address: address(account.get(frontend.public_address.value())?, frontend.family)?,
        transport: rule.protocol,
        port: rule.port,
        node_port: rule.node_port,
        targets: pool.targets.iter().collect(),
        check: &check,
        traffic: &rule.traffic,
        ranges: &admitted(account, &frontend),
    };
    Some(listening.wired())
}

fn admitted(account: &Account<'_>, frontend: &FrontendIp) -> Vec<IpNet> {
    let rules = account.of_kind(SECURITY_GROUP).flat_map(|record| parts(record, "rules", SECURITY_RULE));
    let ranges = rules.filter_map(|(_, part)| match part {
        SharedKind::SecurityRule(rule) if rule.destination == frontend.public_address => {
            Some(rule.source_ranges)
        }
        _ => None,
    });
    ranges.flatten().collect()
}

fn parts(record: &Record, collection: &str, kind: &str) -> Vec<(String, SharedKind)> {
    let parts = record.body.get(collection).and_then(serde_json::Value::as_object).into_iter().flatten();
    let parsed = parts.filter_map(|(name, part)| Some((name.clone(), SharedKind::parse(kind, part).ok()?)));
    parsed.collect()
}

/// The part that a reference of the same container leads to.
fn part_at(record: &Record, kind: &str, reference: &str) -> Option<SharedKind> {
    let part = record.body.pointer(reference.strip_prefix('#')?)?;
    SharedKind::parse(kind, part).ok()
}

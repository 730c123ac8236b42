use super::{Account, Listening, Wired, address};
use crate::backend::desired::Kind;
use crate::backend::stack::kinds::{LISTENER, StackKind};
use crate::cloud::record::Record;

/// Each protocol of each listener, at each address of its load balancer.
pub(super) fn wired(account: &Account<'_>) -> Vec<Wired> {
    account.of_kind(LISTENER).filter_map(|record| of_listener(account, record)).flatten().collect()
}

fn of_listener(account: &Account<'_>, record: &Record) -> Option<Vec<Wired>> {
    let StackKind::Listener(listener) = parse(record)? else { return None };
    let balancer_record = account.get(listener.load_balancer.value())?;
    let StackKind::LoadBalancer(balancer) = parse(balancer_record)? else { return None };
    let StackKind::TargetGroup(group) = parse(account.get(listener.target_group.value())?)? else {
        return None;
    };
    let mut wired = Vec::new();
    for family in &balancer.families {
        let Some(address) = address(balancer_record, *family) else { continue };
        for transport in listener.protocol.transports() {
            let Some(node_port) = group.node_ports.get(transport) else { continue };
            let listening = Listening {
                id: &record.id,
                address,
                transport: *transport,
                port: listener.port,
                node_port: *node_port,
                targets: group.targets.iter().collect(),
                check: &group.health_check,
                traffic: &group.traffic,
                ranges: &balancer.source_ranges,
            };
            wired.push(listening.wired());
        }
    }
    Some(wired)
}

fn parse(record: &Record) -> Option<StackKind> {
    StackKind::parse(record.kind, &record.body).ok()
}

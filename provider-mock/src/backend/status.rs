//! What is told to clients. Pure.

use cloud_lb_core::graph::{Outputs, ResourceKey};
use cloud_lb_core::model::{Address, Ingress, IpFamily, IpMode, PortStatus, Status};
use cloud_lb_core::plan::Observed;
use cloud_lb_core::provider::{Pending, State};

use super::desired::{Desired, Kind};
use super::survey;
use crate::config::Addressing;

/// When to look again at a load balancer of which parts are missing.
const INCOMPLETE: std::time::Duration = std::time::Duration::from_secs(1);

/// The state of a load balancer, of which `status` tells once it is complete.
pub(crate) fn state<K: Kind>(have: &Observed<Desired<K>>, status: impl FnOnce() -> Option<Status>) -> State {
    if have.is_absent() {
        return State::Absent;
    }
    if let Some(pending) = survey::waiting(have) {
        return State::Pending(pending);
    }
    let incomplete = || {
        let reason = "parts of the load balancer are missing".to_owned();
        State::Pending(Pending { retry_after: INCOMPLETE, reason })
    };
    status().map_or_else(incomplete, State::Ready)
}

/// The status of a load balancer that has an address of its own for each family; nothing, as long as something
/// is missing.
pub(crate) fn by_family<K: Kind>(
    have: &Observed<Desired<K>>,
    addressing: Addressing,
    address_key: impl Fn(IpFamily) -> ResourceKey,
    ports: impl Fn(IpFamily) -> Vec<PortStatus>,
) -> Option<Status> {
    let of_family = |family: IpFamily| {
        let place = place(addressing, &have.get(&address_key(family))?.outputs, family)?;
        let mut ports = ports(family);
        ports.sort();
        (!ports.is_empty()).then(|| ingress(place, ports))
    };
    let ingress: Vec<Ingress> = [IpFamily::V4, IpFamily::V6].into_iter().filter_map(of_family).collect();
    (!ingress.is_empty()).then_some(Status { ingress })
}

/// Where clients of a family connect, as the outputs of an addressed resource tell.
pub(crate) fn place(addressing: Addressing, outputs: &Outputs, family: IpFamily) -> Option<Address> {
    match addressing {
        Addressing::Ip => Some(Address::Ip(outputs.get(&format!("address-{family}"))?.parse().ok()?)),
        Addressing::Hostname => outputs.get("hostname").cloned().map(Address::Hostname),
    }
}

/// An entry of the status. Traffic is sent on to the nodes' own addresses.
pub(crate) fn ingress(address: Address, ports: Vec<PortStatus>) -> Ingress {
    let ip_mode = matches!(address, Address::Ip(_)).then_some(IpMode::Proxy);
    Ingress { address, ip_mode, ports }
}

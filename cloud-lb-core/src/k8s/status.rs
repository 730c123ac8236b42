use k8s_openapi::api::core::v1::{LoadBalancerIngress, LoadBalancerStatus, PortStatus};

use crate::model::{Address, Ingress, IpMode, Status};

/// The status as Kubernetes writes it (F-5 to F-7): an IP or a host name, `ipMode` only beside an IP.
pub fn status(status: &Status) -> LoadBalancerStatus {
    let ingress: Vec<LoadBalancerIngress> = status.ingress.iter().map(entry).collect();
    LoadBalancerStatus { ingress: (!ingress.is_empty()).then_some(ingress) }
}

fn entry(ingress: &Ingress) -> LoadBalancerIngress {
    let (ip, hostname) = match &ingress.address {
        Address::Ip(ip) => (Some(ip.to_string()), None),
        Address::Hostname(name) => (None, Some(name.clone())),
    };
    let ip_mode = ingress.ip_mode.filter(|_| ip.is_some()).map(mode);
    let ports: Vec<PortStatus> = ingress.ports.iter().map(port).collect();
    LoadBalancerIngress { ip, hostname, ip_mode, ports: (!ports.is_empty()).then_some(ports) }
}

fn mode(mode: IpMode) -> String {
    match mode {
        IpMode::Vip => "VIP".to_owned(),
        IpMode::Proxy => "Proxy".to_owned(),
    }
}

fn port(port: &crate::model::PortStatus) -> PortStatus {
    PortStatus {
        port: i32::from(port.port.get()),
        protocol: port.protocol.to_string(),
        error: port.error.clone(),
    }
}

#[cfg(test)]
mod tests;

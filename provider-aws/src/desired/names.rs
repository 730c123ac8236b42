//! Names of AWS resources (AWS-30 to AWS-34). Used at creation only: what exists is found by its tags.

use std::fmt::Write;

use cloud_lb_core::model::ServiceId;
use sha2::{Digest, Sha256};

use crate::kinds::{Scheme, TargetProtocol, TargetType};

/// Digits of the hash in a name.
const HASH_DIGITS: usize = 10;

/// What distinguishes one target group of a Service from the others (AWS-31).
#[derive(Debug, Clone, Copy)]
pub(crate) struct TargetGroupIdentity<'a> {
    pub(crate) target_port: u16,
    pub(crate) service_port: u16,
    pub(crate) target_type: TargetType,
    pub(crate) protocol: TargetProtocol,
    pub(crate) health_check_protocol: &'a str,
    pub(crate) health_check_interval: u32,
}

pub(crate) fn load_balancer(service: &ServiceId, scheme: Scheme) -> String {
    pattern(service, &[&service.cluster, &service.uid, scheme.as_str()])
}

pub(crate) fn frontend_security_group(service: &ServiceId) -> String {
    pattern(service, &[&service.cluster, &service.name, &service.namespace, &service.uid])
}

/// The name of a target group; `attempt` above 0 tells apart two ports whose names would be the same,
/// because the hash has no separators (AWS-34).
pub(crate) fn target_group(service: &ServiceId, id: TargetGroupIdentity<'_>, attempt: usize) -> String {
    let suffix = if attempt == 0 { String::new() } else { format!("#{attempt}") };
    let parts: [&str; 9] = [
        &service.cluster,
        &service.uid,
        &id.target_port.to_string(),
        &id.service_port.to_string(),
        id.target_type.as_str(),
        id.protocol.as_str(),
        id.health_check_protocol,
        &id.health_check_interval.to_string(),
        &suffix,
    ];
    pattern(service, &parts)
}

pub(crate) fn backend_security_group(cluster: &str) -> String {
    format!("k8s-traffic-{}-{}", clean(cluster, 232), hash(&[cluster]))
}

/// Whether a name is one that a target group of this Service may have. Those of Services with names alike may, too.
pub(crate) fn is_named_for(name: &str, service: &ServiceId) -> bool {
    let hash = name.strip_prefix(&prefix(service)).unwrap_or_default();
    hash.len() == HASH_DIGITS && hash.chars().all(|c| c.is_ascii_hexdigit())
}

fn pattern(service: &ServiceId, hashed: &[&str]) -> String {
    prefix(service) + &hash(hashed)
}

fn prefix(service: &ServiceId) -> String {
    format!("k8s-{}-{}-", clean(&service.namespace, 8), clean(&service.name, 8))
}

fn clean(text: &str, max: usize) -> String {
    text.chars().filter(char::is_ascii_alphanumeric).take(max).collect()
}

fn hash(parts: &[&str]) -> String {
    let digest = Sha256::digest(parts.concat());
    let hex = digest.iter().fold(String::new(), |mut text, byte| {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    });
    hex.chars().take(HASH_DIGITS).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn service(namespace: &str, name: &str, uid: &str) -> ServiceId {
        let cluster = if uid.is_empty() { "" } else { "my-cluster" };
        ServiceId { cluster: cluster.into(), namespace: namespace.into(), name: name.into(), uid: uid.into() }
    }

    const TLS_UID: &str = "bdca2bd0-bfc6-449a-88a3-03451f05f18c";
    const INSTANCE_UID: &str = "2dc098f0-ae33-4378-af7b-83e2a0424495";

    #[test]
    fn aws_32_load_balancers_and_security_groups() {
        let tls = service("default", "nlb-ip-svc-tls", TLS_UID);
        assert_eq!(load_balancer(&tls, Scheme::Internal), "k8s-default-nlbipsvc-6b0ba8ff70");
        assert_eq!(load_balancer(&tls, Scheme::InternetFacing), "k8s-default-nlbipsvc-4d831c6ca6");
        assert_eq!(frontend_security_group(&tls), "k8s-default-nlbipsvc-1da4b78715");
        assert_eq!(
            load_balancer(&service("foo", "bar", ""), Scheme::InternetFacing),
            "k8s-foo-bar-e053368fb2"
        );
        assert_eq!(backend_security_group("my-cluster"), "k8s-traffic-mycluster-4cbfcec96c");
    }

    #[test]
    fn aws_32_target_groups() {
        let ip = TargetGroupIdentity {
            target_port: 80,
            service_port: 80,
            target_type: TargetType::Ip,
            protocol: TargetProtocol::Tcp,
            health_check_protocol: "TCP",
            health_check_interval: 10,
        };
        let tls = service("default", "nlb-ip-svc-tls", TLS_UID);
        assert_eq!(target_group(&tls, ip, 0), "k8s-default-nlbipsvc-d4818dcd51");
        let instance = TargetGroupIdentity {
            target_port: 31_223,
            target_type: TargetType::Instance,
            protocol: TargetProtocol::TcpUdp,
            ..ip
        };
        let udp = service("app", "tcpudp-protocol", INSTANCE_UID);
        assert_eq!(target_group(&udp, instance, 0), "k8s-app-tcpudppr-2213a0d759");
    }

    #[test]
    fn aws_194_what_a_service_had_is_told_by_its_name() {
        let web = service("default", "web", TLS_UID);
        assert!(is_named_for("k8s-default-web-d4818dcd51", &web));
        let others = [
            "k8s-default-web",
            "k8s-default-web-d4818dcd5",
            "k8s-default-webs-d4818dcd51",
            "k8s-default-web-nothex-no",
        ];
        assert!(others.iter().all(|name| !is_named_for(name, &web)));
    }

    #[test]
    fn aws_34_ports_that_run_together_get_names_of_their_own() {
        let service = service("default", "web", TLS_UID);
        let id = |service_port, target_port| TargetGroupIdentity {
            target_port,
            service_port,
            target_type: TargetType::Ip,
            protocol: TargetProtocol::Tcp,
            health_check_protocol: "TCP",
            health_check_interval: 10,
        };
        let first = target_group(&service, id(443, 8), 0);
        assert_eq!(first, target_group(&service, id(43, 84), 0));
        assert_ne!(first, target_group(&service, id(43, 84), 1));
    }
}

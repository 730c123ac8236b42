//! Health checks of target groups (AWS-143 to AWS-146).

use cloud_lb_core::model::{TargetPort, TrafficPolicy};

use super::listeners::Plan;
use super::notes::Notes;
use super::stack::Context;
use crate::annotations::Annotations;
use crate::kinds::{HealthCheck, Matcher, TargetProtocol, TargetType};

/// The port that a target is registered with.
pub(super) const TRAFFIC_PORT: &str = "traffic-port";

/// Where kube-proxy tells whether its node takes traffic.
const KUBE_PROXY_PORT: &str = "10256";

/// Longest path of the API.
const MAX_PATH: usize = 1024;

/// What holds where no annotation says otherwise.
struct Defaults {
    protocol: &'static str,
    port: String,
    path: &'static str,
    interval: u32,
    timeout: u32,
    threshold: u32,
}

/// AWS-144; those of the cloud controller manager for its own Services (AWS-214).
fn defaults(context: &Context<'_>) -> Defaults {
    let ccm = context.has_ccm_defaults();
    match context.lb.traffic_policy {
        TrafficPolicy::Local { health_check_node_port } if context.target_type == TargetType::Instance => {
            Defaults {
                protocol: "HTTP",
                port: health_check_node_port.to_string(),
                path: "/healthz",
                interval: 10,
                timeout: 6,
                threshold: 2,
            }
        }
        TrafficPolicy::Cluster
            if context.config.shared_health_check && context.target_type == TargetType::Instance =>
        {
            Defaults {
                protocol: "HTTP",
                port: KUBE_PROXY_PORT.to_owned(),
                path: "/healthz",
                interval: 10,
                timeout: 10,
                threshold: 3,
            }
        }
        _ => Defaults {
            protocol: "TCP",
            port: TRAFFIC_PORT.to_owned(),
            path: "/",
            interval: if ccm { 30 } else { 10 },
            timeout: 10,
            threshold: 3,
        },
    }
}

/// What is asked for the health check of one port: by annotations of its own, else by those of all ports
/// (A40).
struct Asked<'a> {
    asked: &'a Annotations,
    port: u16,
}

impl<'a> Asked<'a> {
    /// The key that counts.
    fn key(&self, key: &str) -> String {
        let own = format!("{key}.{}", self.port);
        let is_given = self.asked.text(&own).is_some() || self.asked.integer(&own).is_some();
        if is_given { own } else { key.to_owned() }
    }

    fn text(&self, key: &str) -> Option<&'a str> {
        self.asked.text(&self.key(key))
    }

    fn integer(&self, key: &str) -> Option<u32> {
        self.asked.integer(&self.key(key))
    }
}

/// The health check of the target group of a port.
pub(super) fn health_check(context: &Context<'_>, service_port: u16, notes: &mut Notes) -> HealthCheck {
    let defaults = defaults(context);
    let asked = Asked { asked: &context.asked, port: service_port };
    let protocol = protocol(&asked, defaults.protocol, notes);
    let is_http = protocol != "TCP";
    let path = asked.text("healthcheck-path").unwrap_or(defaults.path);
    if path.chars().count() > MAX_PATH {
        let reason = format!("a path has at most {MAX_PATH} characters");
        notes.refuse(&asked.key("healthcheck-path"), path, reason);
    }
    let codes = asked.text("healthcheck-success-codes").unwrap_or("200-399");
    let check = HealthCheck {
        port: port(context, &asked, defaults.port, notes),
        path: is_http.then(|| path.to_owned()),
        interval: asked.integer("healthcheck-interval").unwrap_or(defaults.interval),
        timeout: asked.integer("healthcheck-timeout").unwrap_or(defaults.timeout),
        healthy: asked.integer("healthcheck-healthy-threshold").unwrap_or(defaults.threshold),
        unhealthy: asked.integer("healthcheck-unhealthy-threshold").unwrap_or(defaults.threshold),
        matcher: is_http.then(|| Matcher { http_code: codes.to_owned() }),
        protocol,
    };
    if check.timeout > check.interval {
        let (timeout, interval) = (check.timeout, check.interval);
        let message =
            format!("the health check's timeout of {timeout} s is longer than its interval of {interval} s");
        notes.warn("UnusualHealthCheck", message);
    }
    check
}

fn protocol(asked: &Asked<'_>, default: &str, notes: &mut Notes) -> String {
    let key = "healthcheck-protocol";
    let word = asked.text(key).unwrap_or(default);
    let upper = word.to_ascii_uppercase();
    if !["TCP", "HTTP", "HTTPS"].contains(&upper.as_str()) {
        notes.refuse(&asked.key(key), word, format!("unsupported health check protocol {word}"));
    }
    upper
}

/// AWS-143: a number, the port of the traffic, or the name of a port of the Service.
fn port(context: &Context<'_>, asked: &Asked<'_>, default: String, notes: &mut Notes) -> String {
    let key = asked.key("healthcheck-port");
    let Some(text) = asked.text("healthcheck-port") else { return default };
    if text == TRAFFIC_PORT {
        return text.to_owned();
    }
    if let Ok(number @ 1..) = text.parse::<u16>() {
        return number.to_string();
    }
    let Some(port) = context.lb.ports.iter().find(|port| port.name.as_deref() == Some(text)) else {
        let service = context.lb.service.path();
        let reason =
            format!("failed to resolve healthCheckPort: unable to find port {text} on service {service}");
        notes.refuse(&key, text, reason);
        return default;
    };
    match (context.target_type, &port.target_port) {
        (TargetType::Instance, _) => port.node_port.map_or(default, |port| port.to_string()),
        (TargetType::Ip, TargetPort::Number(number)) => number.to_string(),
        (TargetType::Ip, TargetPort::Name(_)) => {
            let reason = "cannot use named healthCheckPort for IP TargetType when service's targetPort is a named port";
            notes.refuse(&key, text, reason);
            default
        }
    }
}

/// Annotations for the health check of a port that the Service does not have.
pub(super) fn warn_of_unused_ports(context: &Context<'_>, plans: &[Plan<'_>], notes: &mut Notes) {
    for key in context.asked.keys().filter(|key| key.starts_with("healthcheck-")) {
        let Some((_, port)) = key.split_once('.') else { continue };
        if !plans.iter().any(|plan| plan.port.to_string() == port) {
            let key = Annotations::full(key);
            notes.warn("IgnoredAnnotation", format!("{key} is for a port that the Service does not have"));
        }
    }
}

/// UDP is checked by TCP, which a node answers only if something listens there (AWS-145).
pub(super) fn warn_of_unanswered_checks(context: &Context<'_>, plans: &[Plan<'_>], notes: &mut Notes) {
    let by_node_port = context.target_type == TargetType::Instance
        && context.lb.traffic_policy == TrafficPolicy::Cluster
        && !context.config.shared_health_check;
    for plan in plans {
        let asked = Asked { asked: &context.asked, port: plan.port };
        let is_asked =
            ["healthcheck-protocol", "healthcheck-port"].iter().any(|key| asked.text(key).is_some());
        let is_udp = matches!(plan.target, TargetProtocol::Udp | TargetProtocol::Quic);
        if is_udp && by_node_port && !is_asked {
            let message = format!(
                "targets of UDP port {} are checked over TCP, which nothing may answer: use externalTrafficPolicy: \
                 Local, or healthcheck-protocol: http with healthcheck-port: 10256 and healthcheck-path: /healthz",
                plan.port
            );
            notes.warn("UnansweredHealthCheck", message);
        }
    }
}

//! The cells of each kind.

use super::age::since;
use super::pod;
use crate::apiserver::json::{entries, list, text};
use crate::apiserver::resource::Resource;
use jiff::Timestamp;
use serde_json::{Value, json};

pub(super) const NONE: &str = "<none>";
const UNKNOWN: &str = "<unknown>";
/// How many endpoints or ports are spelt out.
const SHOWN_ENDPOINTS: usize = 3;

/// The cells of one row, in the order of the kind's columns.
pub(super) fn cells(resource: Resource, object: &Value, now: Timestamp) -> Vec<Value> {
    let name = json!(text(object, "/metadata/name"));
    let age = json!(since(text(object, "/metadata/creationTimestamp"), now));
    match resource {
        Resource::Services => service(object, name, age),
        Resource::Nodes => node(object, name, age),
        Resource::Pods => pod::cells(object, name, age, now),
        Resource::Events => event(object, name, now),
        Resource::Endpoints => vec![name, json!(endpoints(object)), age],
        Resource::EndpointSlices => {
            vec![
                name,
                json!(text(object, "/addressType")),
                json!(slice_ports(object)),
                json!(slice_addresses(object)),
                age,
            ]
        }
        Resource::Leases => vec![name, json!(text(object, "/spec/holderIdentity")), age],
        Resource::Namespaces => vec![name, json!(text(object, "/status/phase")), age],
        Resource::TokenReviews | Resource::SubjectAccessReviews => vec![name, age],
        Resource::Secrets => {
            vec![name, json!(text(object, "/type")), json!(entries(object, "/data").count()), age]
        }
        Resource::ConfigMaps => {
            vec![name, json!(entries(object, "/data").count() + entries(object, "/binaryData").count()), age]
        }
    }
}

/// `text`, or a word for its absence.
pub(super) fn or<'a>(text: &'a str, absent: &'a str) -> &'a str {
    if text.is_empty() { absent } else { text }
}

fn joined(parts: &[String]) -> String {
    or(&parts.join(","), NONE).to_owned()
}

fn service(object: &Value, name: Value, age: Value) -> Vec<Value> {
    let selector: Vec<String> =
        entries(object, "/spec/selector").map(|(key, value)| format!("{key}={}", text(value, ""))).collect();
    vec![
        name,
        json!(text(object, "/spec/type")),
        json!(or(text(object, "/spec/clusterIP"), NONE)),
        json!(external_ip(object)),
        json!(service_ports(object)),
        age,
        json!(joined(&selector)),
    ]
}

fn external_ip(object: &Value) -> String {
    let own: Vec<String> =
        list(object, "/spec/externalIPs").iter().map(|address| text(address, "").to_owned()).collect();
    match text(object, "/spec/type") {
        "ExternalName" => text(object, "/spec/externalName").to_owned(),
        "LoadBalancer" => {
            let mut addresses: Vec<String> = list(object, "/status/loadBalancer/ingress")
                .iter()
                .map(|ingress| or(text(ingress, "/ip"), text(ingress, "/hostname")).to_owned())
                .collect();
            addresses.sort();
            addresses.dedup();
            addresses.extend(own);
            or(&addresses.join(","), "<pending>").to_owned()
        }
        _ => joined(&own),
    }
}

fn service_ports(object: &Value) -> String {
    let ports: Vec<String> = list(object, "/spec/ports")
        .iter()
        .map(|port| {
            let number = |field: &str| port.get(field).and_then(Value::as_i64).unwrap_or_default();
            let protocol = or(text(port, "/protocol"), "TCP");
            match number("nodePort") {
                0 => format!("{}/{protocol}", number("port")),
                node_port => format!("{}:{node_port}/{protocol}", number("port")),
            }
        })
        .collect();
    joined(&ports)
}

fn node(object: &Value, name: Value, age: Value) -> Vec<Value> {
    let ready =
        list(object, "/status/conditions").iter().find(|condition| text(condition, "/type") == "Ready");
    let mut status = match ready.map(|condition| text(condition, "/status")) {
        Some("True") => "Ready".to_owned(),
        Some(_) => "NotReady".to_owned(),
        None => "Unknown".to_owned(),
    };
    if object.pointer("/spec/unschedulable") == Some(&json!(true)) {
        status.push_str(",SchedulingDisabled");
    }
    let address = |kind: &str| {
        let addresses = list(object, "/status/addresses").iter();
        let found = addresses
            .filter(|address| text(address, "/type") == kind)
            .map(|address| text(address, "/address"));
        json!(or(found.take(1).next().unwrap_or_default(), NONE))
    };
    let info = |field: &str| json!(or(text(object, &format!("/status/nodeInfo/{field}")), UNKNOWN));
    vec![
        name,
        json!(status),
        json!(roles(object)),
        age,
        json!(text(object, "/status/nodeInfo/kubeletVersion")),
        address("InternalIP"),
        address("ExternalIP"),
        info("osImage"),
        info("kernelVersion"),
        info("containerRuntimeVersion"),
    ]
}

fn roles(object: &Value) -> String {
    let role = |(key, value): (&String, &Value)| {
        let by_key = key.strip_prefix("node-role.kubernetes.io/").map(str::to_owned);
        by_key.or_else(|| (key == "kubernetes.io/role").then(|| text(value, "").to_owned()))
    };
    let mut roles: Vec<String> =
        entries(object, "/metadata/labels").filter_map(role).filter(|role| !role.is_empty()).collect();
    roles.sort();
    roles.dedup();
    joined(&roles)
}

fn event(object: &Value, name: Value, now: Timestamp) -> Vec<Value> {
    let event_time = text(object, "/eventTime");
    let first = or(text(object, "/firstTimestamp"), event_time);
    let last_observed = or(text(object, "/series/lastObservedTime"), text(object, "/lastTimestamp"));
    let last = or(last_observed, first);
    let count = ["/series/count", "/count"]
        .iter()
        .find_map(|pointer| object.pointer(pointer))
        .and_then(Value::as_i64);
    let involved = "/involvedObject";
    let target = format!(
        "{}/{}",
        text(object, &format!("{involved}/kind")).to_lowercase(),
        text(object, &format!("{involved}/name"))
    );
    let component = or(text(object, "/source/component"), text(object, "/reportingComponent"));
    let host = or(text(object, "/source/host"), text(object, "/reportingInstance"));
    let source = if host.is_empty() { component.to_owned() } else { format!("{component}, {host}") };
    vec![
        json!(since(last, now)),
        json!(text(object, "/type")),
        json!(text(object, "/reason")),
        json!(target),
        json!(text(object, "/involvedObject/fieldPath")),
        json!(source),
        json!(text(object, "/message").trim()),
        json!(since(first, now)),
        json!(count.unwrap_or(1)),
        name,
    ]
}

/// `10.0.0.1:80,10.0.0.2:80 + 3 more...`
fn endpoints(object: &Value) -> String {
    let mut all = Vec::new();
    for subset in list(object, "/subsets") {
        for address in list(subset, "/addresses") {
            let ip = text(address, "/ip");
            let ports = list(subset, "/ports");
            if ports.is_empty() {
                all.push(ip.to_owned());
            }
            let number = |port: &Value| port.get("port").and_then(Value::as_i64).unwrap_or_default();
            let shown = if ip.contains(':') { format!("[{ip}]") } else { ip.to_owned() };
            all.extend(ports.iter().map(|port| format!("{shown}:{}", number(port))));
        }
    }
    shortened(&all, NONE)
}

fn slice_ports(object: &Value) -> String {
    let port = |port: &Value| match port.get("port").and_then(Value::as_i64) {
        Some(number) => number.to_string(),
        None => "*".to_owned(),
    };
    shortened(&list(object, "/ports").iter().map(port).collect::<Vec<_>>(), "<unset>")
}

fn slice_addresses(object: &Value) -> String {
    let addresses = list(object, "/endpoints").iter().flat_map(|endpoint| list(endpoint, "/addresses"));
    shortened(&addresses.map(|address| text(address, "").to_owned()).collect::<Vec<_>>(), "<unset>")
}

fn shortened(all: &[String], absent: &str) -> String {
    let shown: Vec<&str> = all.iter().take(SHOWN_ENDPOINTS).map(String::as_str).collect();
    let more = all.len() - shown.len();
    match (shown.join(","), more) {
        (shown, 0) => or(&shown, absent).to_owned(),
        (shown, more) => format!("{shown} + {more} more..."),
    }
}

//! What the kubelets write into the API; pure.

use std::net::IpAddr;

use jiff::Timestamp;
use k8s_openapi::api::core::v1::Pod;
use serde_json::{Map, Value, json};

/// The reason in a Ready condition that was changed because a machine was switched off.
///
/// Only such conditions are changed back: what a user or a test set stays.
pub(super) const NODE_LOST: &str = "NodeStatusUnknown";

/// The reason of a Ready condition of a pod that only readiness gates keep from being ready.
const GATES_CLOSED: &str = "ReadinessGatesNotReady";

/// The conditions of a pod that its kubelet writes.
const POD_CONDITIONS: [&str; 5] =
    ["PodReadyToStartContainers", "Initialized", "Ready", "ContainersReady", "PodScheduled"];

/// Zones that nodes are spread over.
const ZONES: [&str; 3] = ["zone-a", "zone-b", "zone-c"];
const REGION: &str = "mock";

/// A Node of this simulation with its status.
pub(super) fn node(index: usize, addresses: &[IpAddr], now: Timestamp) -> Value {
    let name = format!("node-{}", index + 1);
    let zone = ZONES.get(index % ZONES.len()).copied().unwrap_or_default();
    let internal = addresses.iter().map(|address| json!({"type": "InternalIP", "address": address}));
    let hostname = std::iter::once(json!({"type": "Hostname", "address": name}));
    let now = time(now);
    json!({
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {
            "name": name,
            "labels": {
                "kubernetes.io/arch": "amd64",
                "kubernetes.io/hostname": name,
                "kubernetes.io/os": "linux",
                "topology.kubernetes.io/region": REGION,
                "topology.kubernetes.io/zone": zone,
            },
        },
        "spec": {"providerID": format!("mock://{zone}/{name}")},
        "status": {
            "addresses": internal.chain(hostname).collect::<Vec<_>>(),
            "capacity": {"cpu": "4", "memory": "16Gi", "pods": "110"},
            "allocatable": {"cpu": "4", "memory": "16Gi", "pods": "110"},
            "conditions": [{
                "type": "Ready",
                "status": "True",
                "reason": "KubeletReady",
                "message": "kubelet is posting ready status",
                "lastHeartbeatTime": now,
                "lastTransitionTime": now,
            }],
            "nodeInfo": {
                "architecture": "amd64",
                "bootID": "",
                "containerRuntimeVersion": "mock://1",
                "kernelVersion": "mock",
                "kubeProxyVersion": "",
                "kubeletVersion": "v1.33.0-mock",
                "machineID": "",
                "operatingSystem": "linux",
                "osImage": "cloud-lb mock",
                "systemUUID": "",
            },
        },
    })
}

/// The status of a pod that runs at these addresses on a node with those.
pub(super) fn pod_status(pod: &Pod, addresses: &[IpAddr], host: &[IpAddr], now: Timestamp) -> Value {
    let text = time(now);
    let condition = |kind: &str| json!({"type": kind, "status": "True", "lastProbeTime": null, "lastTransitionTime": text});
    let known = pod.status.iter().flat_map(|status| status.conditions.iter().flatten());
    let of_others =
        known.filter(|known| !POD_CONDITIONS.contains(&known.type_.as_str())).map(|known| json!(known));
    let conditions: Vec<Value> = of_others.chain(POD_CONDITIONS.map(condition)).collect();
    let ips = |addresses: &[IpAddr]| addresses.iter().map(|ip| json!({"ip": ip})).collect::<Vec<_>>();
    let containers = pod.spec.iter().flat_map(|spec| &spec.containers).map(|container| {
        json!({
            "name": container.name,
            "image": container.image.as_deref().unwrap_or_default(),
            "imageID": "",
            "containerID": format!("mock://{}", container.name),
            "ready": true,
            "started": true,
            "restartCount": 0,
            "state": {"running": {"startedAt": text}},
        })
    });
    let mut status = json!({
        "phase": "Running",
        "conditions": conditions,
        "hostIP": host.first(),
        "hostIPs": ips(host),
        "podIP": addresses.first(),
        "podIPs": ips(addresses),
        "startTime": text,
        "containerStatuses": containers.collect::<Vec<_>>(),
        "qosClass": "BestEffort",
    });
    if has_closed_gates(pod) {
        follow_gates(&mut status, now);
    }
    status
}

/// Whether a pod has readiness gates, and its Ready condition does not follow them. What others set stays.
pub(super) fn gates_are_due(pod: &Pod) -> bool {
    let mut conditions = pod.status.iter().flat_map(|status| status.conditions.iter().flatten());
    let ready = conditions.find(|condition| condition.type_ == "Ready");
    ready.is_some_and(|ready| {
        let is_ready = ready.status == "True";
        let is_ours = is_ready || ready.reason.as_deref() == Some(GATES_CLOSED);
        is_ours && is_ready == has_closed_gates(pod)
    })
}

fn has_closed_gates(pod: &Pod) -> bool {
    let is_open = |gate: &str| {
        let mut conditions = pod.status.iter().flat_map(|status| status.conditions.iter().flatten());
        conditions.any(|condition| condition.type_ == gate && condition.status == "True")
    };
    let mut gates = pod.spec.iter().flat_map(|spec| spec.readiness_gates.iter().flatten());
    gates.any(|gate| !is_open(&gate.condition_type))
}

/// Turns a pod's Ready condition round, because its readiness gates opened or closed.
pub(super) fn follow_gates(status: &mut Value, now: Timestamp) {
    let Some(ready) = ready_condition(status) else { return };
    if ready.get("status").is_some_and(|status| status == "True") {
        set(ready, "False", GATES_CLOSED, "a readiness gate of the pod is not open", now);
    } else {
        set(ready, "True", "ReadinessGatesReady", "", now);
    }
}

/// A Ready condition's status and reason.
pub(super) type Ready<'a> = (&'a str, Option<&'a str>);

/// Whether readiness must change because the machine died, or came back.
pub(super) fn is_due(alive: bool, (status, reason): Ready<'_>) -> bool {
    if alive { status != "True" && reason == Some(NODE_LOST) } else { status == "True" }
}

/// Writes into an object's Ready condition that its machine died, as status `lost`, or came back.
pub(super) fn follow_machine(object: &mut Value, alive: bool, lost: &str, now: Timestamp) {
    let Some(ready) = object.get_mut("status").and_then(ready_condition) else { return };
    let (status, reason, message) = if alive {
        ("True", "MachineIsBack", "the simulated machine is switched on")
    } else {
        (lost, NODE_LOST, "the simulated machine is switched off")
    };
    set(ready, status, reason, message, now);
}

fn set(condition: &mut Map<String, Value>, status: &str, reason: &str, message: &str, now: Timestamp) {
    for (field, text) in [("status", status), ("reason", reason), ("message", message)] {
        condition.insert(field.to_owned(), json!(text));
    }
    condition.insert("lastTransitionTime".to_owned(), json!(time(now)));
}

/// Says in a node's Ready condition that its kubelet was heard from.
pub(super) fn heartbeat(node: &mut Value, now: Timestamp) {
    if let Some(ready) = node.get_mut("status").and_then(ready_condition) {
        ready.insert("lastHeartbeatTime".to_owned(), json!(time(now)));
    }
}

fn ready_condition(status: &mut Value) -> Option<&mut Map<String, Value>> {
    let conditions = status.get_mut("conditions")?.as_array_mut()?;
    let ready = conditions.iter_mut().find(|one| one.get("type").and_then(Value::as_str) == Some("Ready"))?;
    ready.as_object_mut()
}

/// Kubernetes writes whole seconds.
fn time(now: Timestamp) -> String {
    now.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn readiness_follows_the_machine_but_not_against_a_user() {
        let table = [
            (true, ("True", Some("KubeletReady")), false),
            (true, ("Unknown", Some(NODE_LOST)), true),
            (true, ("False", Some("SetByHand")), false),
            (true, ("False", None), false),
            (false, ("True", Some("KubeletReady")), true),
            (false, ("True", None), true),
            (false, ("Unknown", Some(NODE_LOST)), false),
            (false, ("False", Some("SetByHand")), false),
        ];
        for (alive, ready, due) in table {
            assert_eq!(is_due(alive, ready), due, "{alive} {ready:?}");
        }
    }

    #[test]
    fn what_is_written_settles_the_matter() {
        let later = Timestamp::from_second(60).unwrap();
        let mut one = node(3, &["127.2.2.4".parse().unwrap()], Timestamp::UNIX_EPOCH);
        assert_eq!(one["spec"]["providerID"], "mock://zone-a/node-4");
        for (alive, status) in [(false, "Unknown"), (true, "True"), (false, "Unknown")] {
            follow_machine(&mut one, alive, "Unknown", later);
            let ready = &one["status"]["conditions"][0];
            assert_eq!(ready["status"], status);
            assert_eq!(ready["lastTransitionTime"], "1970-01-01T00:01:00Z");
            assert!(!is_due(alive, (status, ready["reason"].as_str())));
        }
    }
}

//! `cloud-lb demo` from end to end: the real binary, real sockets.

use crate::process::{run, run_with_input};
use serde_json::Value;

/// The events of a run, which must succeed.
fn events(args: &[&str]) -> Vec<Value> {
    let ran = run(&[&["demo", "-o", "json"], args].concat());
    assert_eq!((ran.code, ran.stderr.as_str()), (0, ""), "{ran}");
    ran.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn of_kind<'a>(events: &'a [Value], kind: &str) -> Vec<&'a Value> {
    events.iter().filter(|event| event["event"] == kind).collect()
}

/// What every demo of a load balancer must show.
fn assert_story(events: &[Value]) {
    let traffic = of_kind(events, "traffic");
    assert!(traffic.len() >= 4, "{traffic:?}");
    for one in &traffic {
        assert_eq!(one["sent"], one["answered"], "{one}");
    }
    assert_eq!(traffic[0]["nodes"].as_object().unwrap().len(), 3, "every node gets requests: {}", traffic[0]);
    let checked = of_kind(events, "checked");
    assert!(checked.last().unwrap()["text"].as_str().unwrap().starts_with("nothing is left"), "{checked:?}");
    assert_eq!(events.last().unwrap()["event"], "finished");
}

#[test]
fn the_default_story_in_json() {
    let events = events(&[]);
    assert_story(&events);
    assert_eq!(of_kind(&events, "step").len(), 7);
    assert_eq!(of_kind(&events, "plan").len(), 1);
    let types: Vec<&str> =
        of_kind(&events, "services").iter().map(|table| table["rows"][0][1].as_str().unwrap()).collect();
    assert_eq!(types, ["LoadBalancer", "LoadBalancer", "NodePort", "LoadBalancer"]);
    let table = of_kind(&events, "services")[1];
    assert_eq!(
        table["columns"],
        serde_json::json!(["NAME", "TYPE", "CLUSTER-IP", "EXTERNAL-IP", "PORT(S)", "AGE"])
    );
    assert_eq!(table["rows"][0][4], "80:30008/TCP");
}

#[test]
fn a_dead_node_gets_no_requests() {
    let events = events(&[]);
    let switched_off = events
        .iter()
        .position(|event| event["text"] == "node-2 is switched off, and its pods with it")
        .unwrap();
    let next = of_kind(&events[switched_off..], "traffic")[0];
    let nodes = next["nodes"].as_object().unwrap();
    assert!(!nodes.is_empty() && !nodes.contains_key("node-2"), "{next}");
    assert_eq!(next["answered"], next["sent"], "{next}");
}

#[test]
fn with_affinity_the_node_dies_that_gets_the_requests() {
    let ran = run_with_input(
        &["demo", "-o", "json", "-f", "-"],
        "apiVersion: v1\nkind: Service\nmetadata: {name: web}\nspec:\n  type: LoadBalancer\n  sessionAffinity: ClientIP\n  ports: [{port: 80, targetPort: http}]\n  selector: {app: web}\n",
    );
    assert_eq!(ran.code, 0, "{ran}");
    let events: Vec<Value> = ran.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let traffic = of_kind(&events, "traffic");
    let nodes =
        |index: usize| traffic[index]["nodes"].as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    assert_eq!((nodes(0).len(), nodes(1).len()), (1, 1), "one node at a time: {traffic:?}");
    assert_ne!(nodes(0), nodes(1), "the second takes over when the first dies");
}

#[test]
fn every_shape_of_cloud_tells_the_same_story() {
    for shape in ["rules", "shared"] {
        assert_story(&events(&["--shape", shape]));
    }
}

#[test]
fn every_example_works() {
    for example in ["multi-port", "tcp-udp", "local", "dual-stack"] {
        assert_story(&events(&["-f", &format!("examples/manifests/{example}.yaml")]));
    }
}

#[test]
fn services_without_load_balancer_have_a_shorter_story() {
    let node_port = events(&["-f", "examples/manifests/nodeport.yaml"]);
    assert_eq!(of_kind(&node_port, "step").len(), 3);
    let traffic = of_kind(&node_port, "traffic");
    assert!(traffic[0]["to"].as_str().unwrap().ends_with(":30008"), "{traffic:?}");
    assert_eq!(traffic[0]["answered"], 30);
    let cluster_ip = events(&["-f", "examples/manifests/clusterip.yaml"]);
    assert!(of_kind(&cluster_ip, "traffic").is_empty());
    assert_eq!(cluster_ip.last().unwrap()["event"], "finished");
}

#[test]
fn text_has_plain_lines_where_nobody_watches() {
    let ran = run(&["demo"]);
    assert_eq!((ran.code, ran.stderr.as_str()), (0, ""), "{ran}");
    assert!(!ran.stdout.contains('\u{1b}'), "no colours and no moving line: {ran}");
    for expected in [
        "\n1/7 Apply the manifest\n",
        "plan: 4 to create, 0 to update, 0 to delete\n",
        "    created LoadBalancer/main  (default/myapp-service)\n",
        "✓ 30 of 30 requests to http://127.",
        "✓ nothing is left: no Service, no finalizer, 0 resources in the cloud, no open port",
        "\nEvery step did what it should, in ",
    ] {
        assert!(ran.stdout.contains(expected), "{expected:?} is missing: {ran}");
    }
}

#[test]
fn clients_outside_the_source_ranges_are_refused() {
    let manifest = "apiVersion: v1\nkind: Service\nmetadata: {name: web}\nspec:\n  type: LoadBalancer\n  loadBalancerSourceRanges: [10.0.0.0/8]\n  ports: [{port: 80}]\n  selector: {app: web}\n";
    let ran = run_with_input(&["demo", "-f", "-"], manifest);
    assert_eq!(ran.code, 0, "{ran}");
    assert!(
        ran.stdout.contains("✓ 127.0.0.1 is in no source range of the Service, and http://127."),
        "{ran}"
    );
}

#[test]
fn a_refused_manifest_ends_the_demo_with_its_place() {
    let ran = run_with_input(
        &["demo", "-f", "-"],
        "apiVersion: v1\nkind: Service\nmetadata: {name: web}\nspec:\n  types: LoadBalancer\n  ports: [{port: 80}]\n",
    );
    assert_eq!(ran.code, 1, "{ran}");
    assert_eq!(
        ran.stderr,
        "error: stdin:5: Service default/web: unknown field \"spec.types\"; did you mean \"type\"?\n"
    );
}

#[test]
fn programs_learn_which_step_failed() {
    let ran = run_with_input(
        &["demo", "-o", "json", "-f", "-"],
        "apiVersion: v1\nkind: Service\nmetadata: {name: web}\nspec: {ports: []}\n",
    );
    assert_eq!(ran.code, 1, "{ran}");
    let last: Value = serde_json::from_str(ran.stdout.lines().last().unwrap()).unwrap();
    assert_eq!((&last["event"], &last["step"]), (&"failed".into(), &"Apply the manifest".into()));
    assert_eq!(
        last["reason"],
        "stdin:4: Service default/web: spec.ports: Required value; expected at least one port"
    );
}

#[test]
fn what_the_provider_cannot_do_ends_the_demo_before_anything_is_made() {
    let ran = run_with_input(
        &["demo", "-f", "-"],
        "apiVersion: v1\nkind: Service\nmetadata: {name: web}\nspec:\n  type: LoadBalancer\n  ports:\n  - {port: 80, protocol: SCTP}\n",
    );
    assert_eq!(ran.code, 1, "{ran}");
    assert_eq!(
        ran.stderr,
        "error: stdin:7: Service default/web: spec.ports[0].protocol: \"SCTP\" is not valid, expected one of TCP, UDP\n"
    );
    assert!(!ran.stdout.contains("created"), "{ran}");
}

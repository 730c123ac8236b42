use super::*;
use serde_json::json;

fn service(spec: &Value) -> Value {
    let mut object = json!({"apiVersion": "v1", "kind": "Service",
        "metadata": {"name": "web", "namespace": "default", "uid": "svc", "labels": {"tier": "front"}},
        "spec": {"selector": {"app": "web"}, "ipFamilies": ["IPv4"], "clusterIP": "10.96.1.1",
            "ports": [{"port": 80, "targetPort": "http", "protocol": "TCP"}]}});
    for (key, value) in spec.as_object().unwrap() {
        object["spec"][key] = value.clone();
    }
    object
}

/// A pod on `node` with one address of each family, that ends in `number`.
fn pod(name: &str, node: &str, number: u8, ready: bool) -> Value {
    json!({
        "apiVersion": "v1", "kind": "Pod",
        "metadata": {"name": name, "namespace": "default", "uid": name, "labels": {"app": "web"}},
        "spec": {"nodeName": node, "containers": [{"name": "c", "image": "i",
            "ports": [{"name": "http", "containerPort": 8080}]}]},
        "status": {
            "phase": "Running", "podIP": format!("127.1.0.{number}"),
            "podIPs": [{"ip": format!("127.1.0.{number}")}, {"ip": format!("fd00::{number}")}],
            "conditions": [{"type": "Ready", "status": if ready { "True" } else { "False" }}],
        },
    })
}

fn node(name: &str, zone: &str) -> Value {
    json!({"apiVersion": "v1", "kind": "Node",
        "metadata": {"name": name, "labels": {"topology.kubernetes.io/zone": zone}}})
}

fn typed<T: DeserializeOwned>(objects: &[Value]) -> Vec<T> {
    objects.iter().map(|object| serde_json::from_value(object.clone()).unwrap()).collect()
}

fn slices(spec: &Value, pods: &[Value]) -> Vec<Value> {
    let service: Service = serde_json::from_value(service(spec)).unwrap();
    let nodes = typed::<Node>(&[node("n1", "a"), node("n2", "b")]);
    let slices = slices_for(&service, &typed::<Pod>(pods), &nodes);
    slices.iter().map(|slice| serde_json::to_value(slice).unwrap()).collect()
}

fn conditions(slice: &Value) -> Vec<(bool, bool, bool)> {
    let endpoints = slice["endpoints"].as_array().unwrap().iter();
    let flag = |endpoint: &Value, name: &str| endpoint["conditions"][name].as_bool().unwrap();
    endpoints.map(|one| (flag(one, "ready"), flag(one, "serving"), flag(one, "terminating"))).collect()
}

#[test]
fn a_slice_says_where_the_pods_of_a_service_are() {
    let slices = slices(&json!({}), &[pod("p2", "n2", 2, false), pod("p1", "n1", 1, true)]);
    assert_eq!(slices.len(), 1);
    let slice = &slices[0];
    assert_eq!(slice["addressType"], "IPv4");
    assert_eq!(slice["ports"], json!([{"name": "", "port": 8080, "protocol": "TCP"}]));
    assert_eq!(
        slice["metadata"]["labels"],
        json!({
            "tier": "front", "kubernetes.io/service-name": "web",
            "endpointslice.kubernetes.io/managed-by": "endpointslice-controller.k8s.io",
        })
    );
    assert_eq!(
        slice["metadata"]["ownerReferences"],
        json!([{"apiVersion": "v1", "kind": "Service", "name": "web", "uid": "svc", "controller": true, "blockOwnerDeletion": true}])
    );
    assert_eq!(
        slice["endpoints"][0],
        json!({
            "addresses": ["127.1.0.1"], "conditions": {"ready": true, "serving": true, "terminating": false},
            "nodeName": "n1", "zone": "a",
            "targetRef": {"kind": "Pod", "namespace": "default", "name": "p1", "uid": "p1"},
        })
    );
    assert_eq!(conditions(slice), [(true, true, false), (false, false, false)]);
}

#[test]
fn conditions_follow_readiness_deletion_and_the_service() {
    let mut leaving = pod("p1", "n1", 1, true);
    leaving["metadata"]["deletionTimestamp"] = json!("2026-01-01T00:00:00Z");
    let pods = [leaving, pod("p2", "n1", 2, false)];
    assert_eq!(conditions(&slices(&json!({}), &pods)[0]), [(false, true, true), (false, false, false)]);
    let publish = json!({"publishNotReadyAddresses": true});
    assert_eq!(conditions(&slices(&publish, &pods)[0]), [(true, true, true), (true, false, false)]);
}

#[test]
fn ended_foreign_and_addressless_pods_are_behind_nothing() {
    let mut pods = vec![pod("done", "n1", 1, true), pod("other", "n1", 2, true), pod("new", "n1", 3, true)];
    pods[0]["status"]["phase"] = json!("Succeeded");
    pods[1]["metadata"]["labels"] = json!({"app": "db"});
    pods[2]["status"] = json!({"phase": "Pending"});
    let mut elsewhere = pod("elsewhere", "n1", 4, true);
    elsewhere["metadata"]["namespace"] = json!("shop");
    pods.push(elsewhere);
    let slices = slices(&json!({}), &pods);
    assert_eq!(slices.len(), 1);
    assert_eq!(slices[0]["endpoints"], json!([]));
    assert_eq!(slices[0].get("ports"), None);
}

#[test]
fn each_family_and_each_way_to_resolve_the_ports_has_its_slices() {
    let mut old = pod("p2", "n2", 2, true);
    old["spec"]["containers"][0]["ports"][0]["containerPort"] = json!(9090);
    let pods = [pod("p1", "n1", 1, true), old, pod("p3", "n1", 3, true)];
    let slices = slices(&json!({"ipFamilies": ["IPv6", "IPv4"]}), &pods);
    let summary: Vec<(String, i64, usize)> = slices
        .iter()
        .map(|slice| {
            let family = slice["addressType"].as_str().unwrap().to_owned();
            let port = slice["ports"][0]["port"].as_i64().unwrap();
            (family, port, slice["endpoints"].as_array().unwrap().len())
        })
        .collect();
    let of = |family: &str, port, count| (family.to_owned(), port, count);
    assert_eq!(summary, [of("IPv6", 8080, 2), of("IPv6", 9090, 1), of("IPv4", 8080, 2), of("IPv4", 9090, 1)]);
    let names: std::collections::BTreeSet<&str> =
        slices.iter().map(|slice| slice["metadata"]["name"].as_str().unwrap()).collect();
    assert_eq!(names.len(), 4);
}

#[test]
fn a_name_that_a_pod_does_not_know_is_left_out() {
    let ports = json!({"ports": [{"name": "a", "port": 80, "targetPort": "http", "protocol": "UDP"},
        {"name": "b", "port": 81, "targetPort": 8081, "protocol": "TCP", "appProtocol": "http"}]});
    let slices = slices(&ports, &[pod("p1", "n1", 1, true)]);
    assert_eq!(
        slices[0]["ports"],
        json!([{"name": "b", "port": 8081, "protocol": "TCP", "appProtocol": "http"}])
    );
}

#[test]
fn large_services_have_slices_of_a_hundred() {
    let pods: Vec<Value> = (1..=250).map(|index| pod(&format!("p{index:03}"), "n1", index, true)).collect();
    let counts: Vec<usize> =
        slices(&json!({}), &pods).iter().map(|slice| slice["endpoints"].as_array().unwrap().len()).collect();
    assert_eq!(counts, [100, 100, 50]);
}

#[test]
fn services_without_selector_are_left_to_others() {
    for spec in [json!({"selector": null}), json!({"selector": {}}), json!({"type": "ExternalName"})] {
        assert_eq!(slices(&spec, &[pod("p1", "n1", 1, true)]), Vec::<Value>::new(), "{spec}");
    }
}

#[test]
fn legacy_endpoints_show_the_first_family() {
    let mut leaving = pod("p3", "n1", 3, true);
    leaving["metadata"]["deletionTimestamp"] = json!("2026-01-01T00:00:00Z");
    let pods = typed::<Pod>(&[pod("p1", "n1", 1, true), pod("p2", "n2", 2, false), leaving]);
    let service: Service =
        serde_json::from_value(service(&json!({"ipFamilies": ["IPv6", "IPv4"], "clusterIP": "None"})))
            .unwrap();
    let endpoints = serde_json::to_value(endpoints_for(&service, &pods).unwrap()).unwrap();
    assert_eq!(endpoints["metadata"]["name"], "web");
    assert_eq!(endpoints["metadata"]["labels"]["service.kubernetes.io/headless"], "");
    let subset = &endpoints["subsets"][0];
    assert_eq!(subset["addresses"][0]["ip"], "fd00::1");
    assert_eq!(subset["addresses"].as_array().unwrap().len(), 1);
    assert_eq!(subset["notReadyAddresses"][0]["ip"], "fd00::2");
    assert_eq!(subset["ports"], json!([{"port": 8080, "protocol": "TCP"}]));
}

/// An API with a Service and a ready pod.
fn cluster() -> ApiServer {
    let api = ApiServer::new();
    let mut service = service(&json!({}));
    service["metadata"].as_object_mut().unwrap().remove("uid");
    api.create(Resource::Services, service).unwrap();
    let created = api.create(Resource::Pods, pod("p1", "n1", 1, true)).unwrap();
    report(&api, created, true);
    api
}

/// Writes the status of the pod.
fn report(api: &ApiServer, mut object: Value, ready: bool) {
    object["status"] = pod("p1", "n1", 1, ready)["status"].clone();
    api.update_status(Resource::Pods, object).unwrap();
}

fn first_ready(api: &ApiServer) -> Option<bool> {
    let slices = api.list(Resource::EndpointSlices);
    slices.first()?.pointer("/endpoints/0/conditions/ready")?.as_bool()
}

#[test]
fn a_second_pass_writes_nothing() {
    let api = cluster();
    assert!(api.settle_endpoints());
    assert_eq!(first_ready(&api), Some(true));
    assert_eq!(api.list(Resource::Endpoints).len(), 1);
    let version = *api.changes().borrow();
    assert!(api.settle_endpoints());
    assert_eq!(*api.changes().borrow(), version);
}

#[test]
fn slices_follow_their_pods_and_go_with_their_service() {
    let api = cluster();
    assert!(api.settle_endpoints());
    report(&api, api.get(Resource::Pods, "default", "p1").unwrap(), false);
    assert!(api.settle_endpoints());
    assert_eq!(first_ready(&api), Some(false));
    let mine = json!({"apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "addressType": "IPv4",
        "metadata": {"name": "mine", "labels": {"kubernetes.io/service-name": "web"}}, "endpoints": []});
    api.create(Resource::EndpointSlices, mine).unwrap();
    api.delete(Resource::Services, "default", "web").unwrap();
    assert!(api.settle_endpoints());
    let names: Vec<Value> =
        api.list(Resource::EndpointSlices).iter().map(|slice| slice["metadata"]["name"].clone()).collect();
    assert_eq!(names, ["mine"]);
    assert_eq!(api.list(Resource::Endpoints), Vec::<Value>::new());
}

#[tokio::test(start_paused = true)]
async fn the_loop_follows_the_api_until_it_is_stopped() {
    let api = cluster();
    let stop = CancellationToken::new();
    let follow = tokio::spawn({
        let (api, stop) = (api.clone(), stop.clone());
        async move { api.run_endpoints(stop).await }
    });
    let mut changes = api.changes();
    while first_ready(&api) != Some(true) {
        changes.changed().await.unwrap();
    }
    report(&api, api.get(Resource::Pods, "default", "p1").unwrap(), false);
    while first_ready(&api) != Some(false) {
        changes.changed().await.unwrap();
    }
    stop.cancel();
    follow.await.unwrap();
}

use crate::harness::{Cluster, text};
use provider_mock::apiserver::Resource;
use serde_json::json;

const SERVICE: &str = "
apiVersion: v1
kind: Service
metadata: {name: myapp-service}
spec:
  type: LoadBalancer
  ports:
    - {targetPort: 80, port: 80, nodePort: 30008}
  selector: {app: myapp, type: front-end}
";

#[tokio::test(flavor = "multi_thread")]
async fn create_get_describe_and_delete() {
    let Some(cluster) = Cluster::start().await else { return };
    let file = cluster.file("service.yaml", SERVICE);
    assert_eq!(cluster.run(&["create", "-f", text(&file)]).await, "service/myapp-service created\n");
    let again = cluster.refuse(&["create", "-f", text(&file)]).await;
    assert!(again.contains("provided port is already allocated"), "{again}");
    let wide = cluster.run(&["get", "svc", "-o", "wide"]).await;
    for word in [
        "NAME",
        "EXTERNAL-IP",
        "PORT(S)",
        "SELECTOR",
        "<pending>",
        "80:30008/TCP",
        "app=myapp,type=front-end",
    ] {
        assert!(wide.contains(word), "{word} is missing in {wide}");
    }
    let mut object = cluster.server.get(Resource::Services, "default", "myapp-service").unwrap();
    object["status"] = json!({"loadBalancer": {"ingress": [{"ip": "127.0.0.77"}]}});
    cluster.server.update_status(Resource::Services, object).unwrap();
    let described = cluster.run(&["describe", "svc", "myapp-service"]).await;
    for line in ["LoadBalancer Ingress:     127.0.0.77", "NodePort:                 <unset>  30008/TCP"] {
        assert!(described.contains(line), "{line} is missing in {described}");
    }
    let deleted = cluster.run(&["delete", "svc", "myapp-service", "--wait"]).await;
    assert!(deleted.starts_with("service \"myapp-service\" deleted"), "{deleted}");
    assert_eq!(cluster.server.list(Resource::Services), Vec::<serde_json::Value>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn apply_twice_then_with_a_change() {
    let Some(cluster) = Cluster::start().await else { return };
    let file = cluster.file("service.yaml", SERVICE);
    let apply = ["apply", "-f", text(&file)];
    assert_eq!(cluster.run(&apply).await, "service/myapp-service created\n");
    assert_eq!(cluster.run(&apply).await, "service/myapp-service unchanged\n");
    cluster.file("service.yaml", &SERVICE.replace("front-end", "back-end").replace("30008", "30009"));
    assert_eq!(cluster.run(&apply).await, "service/myapp-service configured\n");
    let object = cluster.server.get(Resource::Services, "default", "myapp-service").unwrap();
    assert_eq!(object["spec"]["selector"]["type"], "back-end");
    assert_eq!(object["spec"]["ports"][0]["nodePort"], 30009);
    let applied = cluster.run(&["apply", "--server-side", "-f", text(&file), "--force-conflicts"]).await;
    assert_eq!(applied, "service/myapp-service serverside-applied\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn patch_label_and_edit() {
    let Some(cluster) = Cluster::start().await else { return };
    let file = cluster.file("service.yaml", SERVICE);
    cluster.run(&["create", "-f", text(&file)]).await;
    let name = ["svc", "myapp-service"];
    let patch = r#"{"spec":{"ports":[{"name":"web","port":80},{"name":"more","port":81}]}}"#;
    cluster.run(&["patch", name[0], name[1], "-p", patch]).await;
    let object = cluster.server.get(Resource::Services, "default", name[1]).unwrap();
    let ports = object["spec"]["ports"].as_array().unwrap();
    assert_eq!((ports.len(), ports[0]["nodePort"].as_u64()), (2, Some(30008)), "{ports:?}");
    cluster
        .run(&["patch", name[0], name[1], "--type=json", "-p", r#"[{"op":"remove","path":"/spec/ports/1"}]"#])
        .await;
    cluster
        .run(&["patch", name[0], name[1], "--type=merge", "-p", r#"{"spec":{"sessionAffinity":"ClientIP"}}"#])
        .await;
    cluster.run(&["label", name[0], name[1], "tier=gold"]).await;
    let listed = cluster.run(&["get", "svc", "-l", "tier in (gold)", "-L", "tier", "--no-headers"]).await;
    assert!(listed.trim_end().ends_with("gold"), "{listed}");
    let edit = cluster
        .kubectl(&["edit", name[0], name[1]])
        .env("KUBE_EDITOR", "sed -i s/30008/30007/")
        .output()
        .await;
    assert!(edit.unwrap().status.success());
    let object = cluster.server.get(Resource::Services, "default", name[1]).unwrap();
    assert_eq!(object["spec"]["ports"].as_array().unwrap().len(), 1);
    assert_eq!(object["spec"]["ports"][0]["nodePort"], 30007);
    assert_eq!(object["spec"]["sessionAffinity"], "ClientIP");
}

#[tokio::test(flavor = "multi_thread")]
async fn get_w_shows_each_change() {
    let Some(cluster) = Cluster::start().await else { return };
    let file = cluster.file("service.yaml", SERVICE);
    cluster.run(&["create", "-f", text(&file)]).await;
    let mut watch = cluster.follow(&["get", "svc", "-w"]);
    watch.line_with("<pending>").await;
    let mut object = cluster.server.get(Resource::Services, "default", "myapp-service").unwrap();
    object["status"] = json!({"loadBalancer": {"ingress": [{"hostname": "lb.example"}]}});
    cluster.server.update_status(Resource::Services, object).unwrap();
    let line = watch.line_with("lb.example").await;
    assert!(line.starts_with("myapp-service") && line.contains("LoadBalancer"), "{line}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_misspelt_field_is_named() {
    let Some(cluster) = Cluster::start().await else { return };
    let file = cluster.file("service.yaml", &SERVICE.replace("  type: Load", "  types: Load"));
    for verb in ["create", "apply"] {
        let complaint = cluster.refuse(&[verb, "-f", text(&file)]).await;
        assert!(complaint.contains("unknown field \"spec.types\""), "{complaint}");
    }
    assert_eq!(cluster.server.list(Resource::Services).len(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn events_resources_and_explanations_are_shown() {
    let Some(cluster) = Cluster::start().await else { return };
    let event = json!({
        "apiVersion": "v1", "kind": "Event", "metadata": {"name": "e", "namespace": "default"},
        "involvedObject": {"kind": "Service", "name": "a", "namespace": "default"}, "reason": "EnsuredLoadBalancer",
        "message": "Ensured load balancer", "type": "Normal", "source": {"component": "service-controller"},
        "firstTimestamp": "2026-01-01T00:00:00Z", "lastTimestamp": "2026-01-01T00:00:00Z", "count": 1});
    cluster.server.create(Resource::Events, event).unwrap();
    let events = cluster.run(&["get", "events"]).await;
    assert!(events.contains("EnsuredLoadBalancer") && events.contains("service/a"), "{events}");
    let resources = cluster.run(&["api-resources"]).await;
    assert!(
        resources.contains("endpointslices") && resources.contains("coordination.k8s.io/v1"),
        "{resources}"
    );
    let explained = cluster.run(&["explain", "service"]).await;
    assert!(explained.contains("named abstraction of software service"), "{explained}");
}

//! A whole life of the controller, from the election to the release of the lease.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a helper that fails fails its test")]

use std::time::Duration;

use cloud_lb_core::lease::{Elector, LeaseOptions, Rival};
use cloud_lb_core::model::ServiceId;
use cloud_lb_core::provider::Capabilities;
use cloud_lb_core::{Error, ErrorKind, Result};
use provider_mock::apiserver::{Resource, Rights};
use serde_json::json;
use tokio_util::sync::CancellationToken;

use crate::cloud::GATES;
use crate::world::{World, lb};

const MINUTE: Duration = Duration::from_mins(1);

/// Lets a controller with these rights live on a cloud that sends traffic to pods and fills in readiness gates,
/// so that it also looks at EndpointSlices and pods.
///
/// Things happen at set times, whether the controller copes or not.
///
/// # Errors
/// `Timeout` if it is not elected; else the error that ended the controller or its leadership.
pub(crate) async fn live(rights: &Rights) -> Result<World> {
    let with_pods = |capabilities: &mut Capabilities| {
        capabilities.pod_targets = true;
        capabilities.readiness_gates = Some(GATES);
    };
    let mut world = World::with(with_pods)
        .options(|options| options.with_drift_interval(MINUTE).with_orphans_deleted_after(MINUTE));
    world.api = world.api.restricted_to(rights.clone());
    let client = world.api.client();
    Rival::new(client.clone(), "kube-system", "aws-load-balancer-controller-leader").gone().await?;
    let mut elector = Elector::new(client, LeaseOptions::default(), "a")?;
    let elected = tokio::time::timeout(MINUTE, elector.acquire()).await;
    elected.map_err(|_| Error::new(ErrorKind::Timeout, "not elected"))?;
    let resign = CancellationToken::new();
    let held = tokio::spawn({
        let resign = resign.clone();
        async move { elector.hold(&resign).await }
    });
    world.launch();
    work(&world).await;
    let ended = world.stop().await;
    resign.cancel();
    held.await.unwrap()?;
    ended.map(|()| world)
}

async fn work(world: &World) {
    let web = world.add_service(lb("web"));
    world.add_service(lb("api"));
    world.rest().await;
    world.add_node("n3");
    add_waiting_pod(world);
    world.pass_time(MINUTE).await;
    world.change_service("web", |service| service["spec"]["ports"][0]["port"] = json!(81));
    world.rest().await;
    world.change_status("web", json!({}));
    world.rest().await;
    world.change_service("api", |service| service["spec"]["type"] = json!("ClusterIP"));
    world.rest().await;
    world.cloud.drift(&web);
    world.cloud.plant_owned(&orphan());
    world.pass_time(MINUTE * 5).await;
    world.delete_service("web");
    world.pass_time(MINUTE).await;
}

/// A pod of the Service `web` that is ready once it is a healthy target.
fn add_waiting_pod(world: &World) {
    let pod = json!({
        "apiVersion": "v1", "kind": "Pod", "metadata": {"name": "web-1", "namespace": "default"},
        "spec": {"containers": [{"name": "c", "image": "web"}],
                 "readinessGates": [{"conditionType": format!("{GATES}web")}]},
    });
    let mut pod = world.api.create(Resource::Pods, pod).unwrap();
    pod["status"]["conditions"] = json!([{"type": "ContainersReady", "status": "True"}]);
    let pod = world.api.update_status(Resource::Pods, pod).unwrap();
    let reference = json!({"kind": "Pod", "name": "web-1", "uid": pod["metadata"]["uid"]});
    let slice = json!({
        "apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "addressType": "IPv4",
        "metadata": {"name": "web-1", "namespace": "default", "labels": {"kubernetes.io/service-name": "web"}},
        "endpoints": [{"addresses": ["10.1.0.7"], "conditions": {"ready": false}, "targetRef": reference}],
        "ports": [{"name": "", "port": 80, "protocol": "TCP"}]
    });
    world.api.create(Resource::EndpointSlices, slice).unwrap();
}

/// A Service that does not exist, and of which the cloud has something.
fn orphan() -> ServiceId {
    let [cluster, namespace, name, uid] = ["kubernetes", "default", "gone", "u-gone"].map(str::to_owned);
    ServiceId { cluster, namespace, name, uid }
}

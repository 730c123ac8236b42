//! What nodes say of themselves.

use provider_mock::net::{IpFamily, Transport};
use provider_mock::nodesim::NODE_HEALTH_PORT;
use serde_json::json;

use super::{HEALTH_CHECK_PORT, World, local, ready};

#[tokio::test]
async fn the_health_check_port_counts_the_ready_endpoints_of_its_node() {
    let mut world = World::new(&["a", "b"], IpFamily::V4);
    world.serve(local(), &[(0, ready())]).await;
    let (head, body) = world.page(0, HEALTH_CHECK_PORT, "/healthz").await;
    assert!(head.starts_with("HTTP/1.1 200 OK\r\n"), "{head}");
    assert!(head.contains("x-load-balancing-endpoint-weight: 1\r\n"), "{head}");
    assert!(head.contains("content-type: application/json\r\n"), "{head}");
    assert_eq!(
        body,
        json!({
            "service": {"namespace": "default", "name": "web"}, "localEndpoints": 1, "serviceProxyHealthy": true
        })
    );
    let (head, body) = world.page(1, HEALTH_CHECK_PORT, "/").await;
    assert!(head.starts_with("HTTP/1.1 503 "), "{head}");
    assert_eq!(body["localEndpoints"], 0);

    // It follows the endpoints; terminating ones do not count, though they may still be used.
    let leaving = json!({"ready": false, "serving": true, "terminating": true});
    world.serve(local(), &[(0, leaving), (1, ready())]).await;
    assert!(world.page(0, HEALTH_CHECK_PORT, "/").await.0.starts_with("HTTP/1.1 503 "));
    assert!(world.page(1, HEALTH_CHECK_PORT, "/").await.0.starts_with("HTTP/1.1 200 "));
    assert_eq!(world.web(0).await.unwrap()["pod"], "pod-a");
}

#[tokio::test]
async fn only_local_load_balancers_have_a_health_check_port() {
    let mut world = World::new(&["a"], IpFamily::V4);
    world.serve(json!({"type": "LoadBalancer", "externalTrafficPolicy": "Cluster"}), &[(0, ready())]).await;
    assert_eq!(world.net.lookup((world.node(0), HEALTH_CHECK_PORT).into(), Transport::Tcp), None);
}

#[tokio::test]
async fn a_node_that_is_to_go_fails_healthz_and_not_livez() {
    let mut world = World::new(&["a"], IpFamily::V4);
    world.serve(json!({}), &[]).await;
    let (head, body) = world.page(0, NODE_HEALTH_PORT, "/healthz").await;
    assert!(head.starts_with("HTTP/1.1 200 "), "{head}");
    assert_eq!(body["nodeEligible"], true);
    assert_eq!(body["lastUpdated"], body["currentTime"]);
    assert!(body["currentTime"].as_str().unwrap().parse::<jiff::Timestamp>().is_ok());
    world.cluster.nodes[0].eligible = false;
    world.sim.sync(world.cluster.clone()).await.unwrap();
    let (head, body) = world.page(0, NODE_HEALTH_PORT, "/healthz").await;
    assert!(head.starts_with("HTTP/1.1 503 ") && body["nodeEligible"] == false, "{head} {body}");
    assert!(world.page(0, NODE_HEALTH_PORT, "/livez").await.0.starts_with("HTTP/1.1 200 "));
    assert!(world.page(0, NODE_HEALTH_PORT, "/else").await.0.starts_with("HTTP/1.1 404 "));
}

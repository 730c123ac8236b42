//! Real connections through the load balancers of each shape.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use cloud_lb_core::model::{Address, LoadBalancer, Node, NodeList, NodeState, Status};
use cloud_lb_core::provider::LoadBalancerProvider;
use provider_mock::net::{IpFamily, Net};
use provider_mock::{Config, MockCloud, Options, TargetHealth, provider};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::task::JoinSet;

use super::support::{SHAPES, deleted, ensured, load_balancer, node};

const PATIENCE: Duration = Duration::from_secs(20);

/// A node that answers its health check, and its name on the NodePort.
fn serve(net: &Net, tasks: &mut JoinSet<()>, node: &Node) {
    let at = |port| SocketAddr::new(node.addresses[0], port);
    for (port, answer) in [
        (30_080, node.name.clone()),
        (10_256, "HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n".to_owned()),
    ] {
        let (listener, bound) = net.bind_tcp(at(port)).unwrap();
        tasks.spawn(async move {
            let _bound = bound;
            while let Ok((mut stream, _)) = listener.accept().await {
                let mut request = [0; 512];
                if port == 30_080 || stream.read(&mut request).await.is_ok() {
                    let _ = stream.write_all(answer.as_bytes()).await;
                }
            }
        });
    }
}

fn nodes(net: &Net) -> NodeList {
    let one = |index| {
        let mut node = node(index);
        node.addresses = vec![net.node_address(IpFamily::V4).unwrap()];
        node
    };
    (1..=3).map(one).collect()
}

async fn answer(net: &Net, address: IpAddr) -> Option<String> {
    let mut stream = net.connect_tcp(SocketAddr::new(address, 80), None).await.ok()?;
    let mut text = String::new();
    tokio::time::timeout(PATIENCE, stream.read_to_string(&mut text)).await.ok()?.ok()?;
    (!text.is_empty()).then_some(text)
}

/// Connects until exactly these nodes have answered many times in a row.
async fn answered_by(net: &Net, address: IpAddr, expected: &[&str]) {
    let expected: BTreeSet<String> = expected.iter().map(|name| (*name).to_owned()).collect();
    let deadline = tokio::time::Instant::now() + PATIENCE;
    loop {
        let mut seen = BTreeSet::new();
        for _ in 0..12 {
            seen.extend(answer(net, address).await);
        }
        if seen == expected {
            return;
        }
        assert!(tokio::time::Instant::now() < deadline, "{seen:?} answer, not {expected:?}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

fn address(status: &Status) -> IpAddr {
    match status.ingress[0].address {
        Address::Ip(ip) => ip,
        Address::Hostname(ref name) => panic!("{name}"),
    }
}

async fn drained(provider: &dyn LoadBalancerProvider, mut lb: LoadBalancer) -> LoadBalancer {
    lb.nodes[0].state = NodeState::Draining;
    ensured(provider, &lb).await;
    lb
}

#[tokio::test]
async fn connections_follow_what_is_asked() {
    for shape in SHAPES {
        let net = Net::new();
        let cloud = MockCloud::with_dataplane(Options::new(), net.clone());
        let provider = provider(cloud.clone(), Config::new("c1").with_shape(shape)).unwrap();
        let mut tasks = JoinSet::new();
        let mut lb = load_balancer("web");
        lb.nodes = nodes(&net);
        lb.annotations =
            BTreeMap::from([("mock.cloud-lb.dev/health-check-interval".to_owned(), "20ms".to_owned())]);
        lb.nodes.iter().for_each(|node| serve(&net, &mut tasks, node));

        let address = address(&ensured(&*provider, &lb).await);
        assert!(net.contains(address), "{shape:?}: an address of the network");
        answered_by(&net, address, &["node-1", "node-2", "node-3"]).await;

        let mut lb = drained(&*provider, lb).await;
        answered_by(&net, address, &["node-2", "node-3"]).await;
        let health: BTreeMap<String, TargetHealth> =
            cloud.target_health().into_iter().map(|((_, node), health)| (node, health)).collect();
        assert_eq!(health["node-1"], TargetHealth::Draining, "{shape:?}");
        assert_eq!(health["node-2"], TargetHealth::Healthy, "{shape:?}");

        lb.source_ranges = vec!["198.51.100.0/24".parse().unwrap()];
        ensured(&*provider, &lb).await;
        answered_by(&net, address, &[]).await;

        deleted(&*provider, &lb.service).await;
        assert!(cloud.dataplane().unwrap().bound().is_empty(), "{shape:?}");
        assert_eq!(answer(&net, address).await, None, "{shape:?}");
    }
}

#[tokio::test]
async fn a_slow_load_balancer_serves_once_it_is_made() {
    for shape in SHAPES {
        let net = Net::new();
        let options = Options::new().with_provisioning(Duration::from_millis(200));
        let cloud = MockCloud::with_dataplane(options, net.clone());
        let provider = provider(cloud.clone(), Config::new("c1").with_shape(shape)).unwrap();
        let mut tasks = JoinSet::new();
        let mut lb = load_balancer("web");
        lb.nodes = nodes(&net);
        serve(&net, &mut tasks, &lb.nodes[1]);
        let _ = provider.ensure(&lb).await.unwrap();
        assert!(cloud.dataplane().unwrap().bound().is_empty(), "{shape:?}");
        let address = address(&ensured(&*provider, &lb).await);
        answered_by(&net, address, &["node-2"]).await;
    }
}

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::*;

fn record(kind: &'static str, id: &str, body: Value) -> Record {
    Record {
        kind,
        id: id.to_owned(),
        name: id.to_owned(),
        tags: BTreeMap::new(),
        description: String::new(),
        body: body.into(),
        created: 1,
        etag: 1,
        life: Life::Active,
        assigned: BTreeMap::new(),
    }
}

fn addressed(kind: &'static str, id: &str, body: Value) -> Record {
    let assigned = [("address-IPv4", "192.0.2.1"), ("address-IPv6", "2001:db8::1")];
    Record { assigned: assigned.map(|(k, v)| (k.to_owned(), v.to_owned())).into(), ..record(kind, id, body) }
}

fn check() -> Value {
    json!({"path": "/healthz", "port": 10256, "interval": "1s", "timeout": "2s", "healthyAfter": 3, "unhealthyAfter": 4})
}

fn traffic() -> Value {
    json!({"affinitySeconds": 60, "proxyProtocol": true, "drainTimeout": "5s"})
}

fn targets() -> Value {
    json!([
        {"node": "n1", "addresses": ["10.0.0.1", "fd00::1"]},
        {"node": "n2", "addresses": ["10.0.0.2"]},
        {"node": "n3", "addresses": ["10.0.0.3"], "draining": true},
    ])
}

fn stack() -> Vec<Record> {
    vec![
        addressed(
            "LoadBalancer",
            "lb",
            json!({"families": ["IPv4", "IPv6"], "sourceRanges": ["10.0.0.0/8"], "securityGroup": "sg"}),
        ),
        record(
            "TargetGroup",
            "tg",
            json!({
                "protocol": "TCP_UDP", "family": "IPv4", "nodePorts": {"TCP": 30080, "UDP": 30081},
                "healthCheck": check(), "traffic": traffic(), "targets": targets(),
            }),
        ),
        record(
            "Listener",
            "l",
            json!({"loadBalancer": "lb", "targetGroup": "tg", "port": 80, "protocol": "TCP_UDP"}),
        ),
    ]
}

fn rules() -> Vec<Record> {
    let mut records = vec![
        record("InstanceGroup", "ig", json!({"zone": "a", "targets": targets()})),
        record("HealthCheck", "hc", check()),
        record("BackendService", "bs", json!({"groups": ["ig"], "healthCheck": "hc", "traffic": traffic()})),
    ];
    for (family, ranges) in [("IPv4", json!(["10.0.0.0/8"])), ("IPv6", json!([]))] {
        records.push(addressed("Address", family, json!({"family": family})));
        records.push(record(
            "Firewall",
            &format!("fw-{family}"),
            json!({"destination": family, "sourceRanges": ranges, "allowed": []}),
        ));
        for (protocol, node_port) in [("TCP", 30080), ("UDP", 30081)] {
            records.push(record(
                "ForwardingRule",
                &format!("fr-{family}-{protocol}"),
                json!({
                    "address": family, "family": family, "protocol": protocol, "backendService": "bs",
                    "ports": [{"port": 80, "nodePort": node_port}],
                }),
            ));
        }
    }
    records
}

fn shared() -> Vec<Record> {
    let (mut frontends, mut rules, mut security) = (json!({}), json!({}), json!({}));
    let mut records = vec![record("BackendPool", "pool", json!({"targets": targets()}))];
    for (family, ranges) in [("IPv4", json!(["10.0.0.0/8"])), ("IPv6", json!([]))] {
        records.push(addressed("PublicAddress", family, json!({"family": family})));
        frontends[family] = json!({"family": family, "publicAddress": family});
        security[family] = json!({"destination": family, "sourceRanges": ranges});
        for (protocol, node_port) in [("TCP", 30080), ("UDP", 30081)] {
            rules[format!("{family}-{protocol}")] = json!({
                "frontend": format!("#/frontends/{family}"), "probe": "#/probes/p", "backendPool": "pool", "family": family,
                "protocol": protocol, "port": 80, "nodePort": node_port, "traffic": traffic(),
            });
        }
    }
    records.push(record(
        "LoadBalancer",
        "lb",
        json!({"frontends": frontends, "rules": rules, "probes": {"p": check()}}),
    ));
    records.push(record("SecurityGroup", "sg", json!({"rules": security})));
    records
}

#[test]
fn every_shape_gives_the_same_frontends() {
    for (shape, records) in [("stack", stack()), ("rules", rules()), ("shared", shared())] {
        let mut frontends: Vec<Frontend> = wired(&records).into_iter().map(|one| one.frontend).collect();
        frontends.sort_by_key(|frontend| (frontend.address, frontend.transport));
        let places: Vec<_> =
            frontends.iter().map(|f| format!("{} {}", f.transport, f.socket_address())).collect();
        let expected =
            ["TCP 192.0.2.1:80", "UDP 192.0.2.1:80", "TCP [2001:db8::1]:80", "UDP [2001:db8::1]:80"];
        assert_eq!(places, expected, "{shape}");
        let backends = |index: usize| -> Vec<String> {
            frontends[index]
                .backends
                .iter()
                .map(|target| format!("{} {}", target.id, target.address))
                .collect()
        };
        assert_eq!(
            backends(0),
            ["n1 10.0.0.1:30080", "n2 10.0.0.2:30080"],
            "{shape}: the draining node is left out"
        );
        assert_eq!(
            backends(3),
            ["n1 [fd00::1]:30081", "n2 10.0.0.2:30081"],
            "{shape}: over the other family if need be"
        );
        assert_eq!(frontends[0].source_ranges, ["10.0.0.0/8".parse::<IpNet>().unwrap()], "{shape}");
        assert_eq!(
            frontends[2].source_ranges,
            ["::/128".parse::<IpNet>().unwrap()],
            "{shape}: nobody over IPv6"
        );
        assert_eq!(frontends[0].affinity, Affinity::ClientIp { timeout: Duration::from_mins(1) });
        assert_eq!(
            (frontends[0].client_header, frontends[1].client_header),
            (ClientHeader::ProxyV2, ClientHeader::None)
        );
        assert_eq!(frontends[0].drain_timeout, Duration::from_secs(5));
        let check = &frontends[0].health_check;
        assert_eq!(
            (check.port, check.healthy_threshold, check.unhealthy_threshold),
            (ProbePort::Fixed(10_256), 3, 4)
        );
        assert!(wired(&records).iter().all(|one| one.draining.contains("n3")), "{shape}");
    }
}

#[test]
fn what_does_not_work_yet_serves_nobody() {
    for (kind, mut records) in [("LoadBalancer", stack()), ("Address", rules()), ("PublicAddress", shared())]
    {
        records
            .iter_mut()
            .filter(|record| record.kind == kind)
            .for_each(|record| record.life = Life::Provisioning);
        assert_eq!(wired(&records), [], "{kind}");
    }
}

#[test]
fn a_missing_piece_serves_nobody() {
    for mut records in [stack(), rules(), shared()] {
        records.retain(|record| !["TargetGroup", "BackendService", "BackendPool"].contains(&record.kind));
        assert_eq!(wired(&records), []);
    }
}

use std::collections::BTreeSet;

use cloud_lb_core::model::{NodeState, Port, Protocol, Readiness, TrafficPolicy};
use proptest::prelude::*;

use super::*;
use crate::config::NodeRuleStyle;
use crate::fixtures::{account, config, node, port, service};
use crate::kinds::{IpPermission, Source};

fn targets(lb: &LoadBalancer, config: &Config) -> Vec<String> {
    let graph = build(lb, &account(), config).unwrap();
    let Spec::Targets(targets) = &graph.get(&key::of_port(key::TARGETS, 80)).unwrap().spec else { panic!() };
    targets.targets.iter().map(|target| format!("{}:{}", target.id, target.port)).collect()
}

#[test]
fn aws_4_whose_services_are_taken() {
    for (class, kind, target_type, expected) in [
        (Some("service.k8s.aws/nlb"), None, None, true),
        (Some("other.example/lb"), Some("nlb-ip"), None, false),
        (None, Some("nlb-ip"), None, true),
        (None, Some("external"), Some("ip"), true),
        (None, Some("external"), Some("instance"), true),
        (None, Some("external"), Some("pod"), false),
        (None, Some("external"), None, false),
        (None, Some("nlb"), None, false),
        (None, None, None, false),
    ] {
        let mut lb = service(&[80], &[]);
        lb.class = class.map(ToOwned::to_owned);
        let given = [("type", kind), ("nlb-target-type", target_type)];
        lb.annotations = given
            .iter()
            .filter_map(|(key, text)| Some((Annotations::full(key), (*text)?.to_owned())))
            .collect();
        assert_eq!(takes(&lb, &config()), expected, "{class:?} {kind:?} {target_type:?}");
    }
}

#[test]
fn aws_170_nodes_that_are_no_targets() {
    let exclude: [fn(&mut cloud_lb_core::model::Node); 6] = [
        |node| _ = node.labels.insert("node-role.kubernetes.io/master".into(), String::new()),
        |node| {
            _ = node
                .labels
                .insert("node.kubernetes.io/exclude-from-external-load-balancers".into(), "false".into());
        },
        |node| _ = node.labels.insert("eks.amazonaws.com/compute-type".into(), "fargate".into()),
        |node| node.state = NodeState::Draining,
        |node| node.readiness = Readiness::NotReady,
        |node| node.provider_id = Some("kwok://node-2".into()),
    ];
    for exclude in exclude {
        let mut lb = service(&[80], &[]);
        exclude(&mut lb.nodes[1]);
        assert_eq!(targets(&lb, &config()), ["i-1:30080", "i-3:30080"]);
    }
    let mut lb = service(&[80], &[]);
    lb.nodes[1].labels.insert("node-role.kubernetes.io/control-plane".into(), String::new());
    assert_eq!(targets(&lb, &config()).len(), 3);
}

#[test]
fn aws_171_s4_when_no_node_is_ready_those_stay_that_are_not_heard_of() {
    let mut lb = service(&[80], &[]);
    lb.nodes.iter_mut().for_each(|node| node.readiness = Readiness::Unknown);
    assert_eq!(targets(&lb, &config()).len(), 3);
    lb.nodes[0].readiness = Readiness::NotReady;
    assert_eq!(targets(&lb, &config()), ["i-2:30080", "i-3:30080"]);
    lb.nodes[0].readiness = Readiness::Unknown;
    let mut closed = config();
    closed.endpoints_fail_open = false;
    assert_eq!(targets(&lb, &closed), [""; 0]);
}

#[test]
fn aws_177_pods_that_are_no_targets() {
    let mut lb = service(&[80], &[("nlb-target-type", "ip")]);
    assert_eq!(targets(&lb, &config()), ["192.168.1.10:80", "192.168.2.10:80"]);
    lb.endpoints[0].ready = false;
    lb.endpoints[1].terminating = true;
    assert_eq!(targets(&lb, &config()), [""; 0]);
    lb.endpoints[0].ready = true;
    lb.endpoints[0].pod = None;
    assert_eq!(targets(&lb, &config()), [""; 0]);
}

#[test]
fn aws_178_addresses_outside_the_network_are_in_all_zones() {
    let mut lb = service(&[80], &[("nlb-target-type", "ip")]);
    lb.endpoints[0].address = "10.0.0.1".parse().unwrap();
    let graph = build(&lb, &account(), &config()).unwrap();
    let Spec::Targets(targets) = &graph.get(&key::of_port(key::TARGETS, 80)).unwrap().spec else { panic!() };
    let zones: Vec<Option<&str>> = targets.targets.iter().map(|t| t.availability_zone.as_deref()).collect();
    assert_eq!(zones, [Some("all"), None]);
}

#[test]
fn aws_189_the_cap_takes_from_each_zone_in_turn() {
    let mut lb = service(&[80], &[]);
    lb.nodes = (1..=9).map(node).collect();
    let mut capped = config();
    capped.max_targets_per_target_group = 3;
    let chosen = targets(&lb, &capped);
    let zones: BTreeSet<u32> = chosen.iter().map(|id| id[2..3].parse::<u32>().unwrap() % 3).collect();
    assert_eq!((chosen.len(), zones.len()), (3, 3), "{chosen:?}");
    lb.nodes.reverse();
    assert_eq!(targets(&lb, &capped), chosen);
}

#[test]
fn aws_74_everybody_of_ipv4_is_everybody_of_both_only_if_nobody_said_so() {
    let rules = |ranges: &[&str], given| {
        let mut lb = service(&[80], &[("ip-address-type", "dualstack")]);
        lb.source_ranges = ranges.iter().map(|range| range.parse().unwrap()).collect();
        lb.source_ranges_given = given;
        let graph = build(&lb, &account(), &config()).unwrap();
        let Spec::SecurityGroup(group) = &graph.get(&key::frontend()).unwrap().spec else { panic!() };
        group.ip_permissions.iter().map(|rule| rule.source.clone()).collect::<Vec<_>>()
    };
    let cidrs = |ranges: &[&str]| -> Vec<Source> {
        ranges.iter().map(|range| Source::Cidr(range.parse().unwrap())).collect()
    };
    assert_eq!(rules(&["0.0.0.0/0"], false), cidrs(&["0.0.0.0/0", "::/0"]));
    assert_eq!(rules(&["0.0.0.0/0"], true), cidrs(&["0.0.0.0/0"]));
    let somebody = "whoever made the model: ranges that keep somebody out hold";
    assert_eq!(rules(&["10.0.0.0/8"], false), cidrs(&["10.0.0.0/8"]), "{somebody}");
}

#[test]
fn aws_24_errors_that_do_not_hang_together_come_together() {
    let lb = service(&[80], &[("ssl-ports", "nothing"), ("healthcheck-port", "nobody"), ("name", "a_b")]);
    let error = build(&lb, &account(), &config()).unwrap_err();
    assert_eq!(error.violations().len(), 3, "{error}");
}

#[test]
fn aws_10_a_service_without_ports_is_refused() {
    let mut lb = service(&[80], &[]);
    lb.ports.clear();
    let error = build(&lb, &account(), &config()).unwrap_err().to_string();
    assert!(error.contains("spec.ports: a load balancer needs at least one port"), "{error}");
}

#[test]
fn aws_134_two_ports_of_one_protocol_share_nothing() {
    let mut lb = service(&[80], &[]);
    lb.ports.push(Port { node_port: lb.ports[0].node_port, ..port(80, Protocol::Tcp) });
    let error = build(&lb, &account(), &config()).unwrap_err().to_string();
    assert!(error.contains("spec.ports[0]"), "{error}");
}

#[test]
fn aws_173_a_node_that_is_no_instance_is_told_and_blocks_no_other() {
    for id in
        [None, Some("kwok://node-2"), Some("aws:///eu-west-1a/i-XY"), Some("aws:///eu-west-1a/fargate-1")]
    {
        let mut lb = service(&[80], &[]);
        lb.nodes[1].provider_id = id.map(ToOwned::to_owned);
        assert_eq!(targets(&lb, &config()), ["i-1:30080", "i-3:30080"]);
        let told = warnings(&lb, &account(), &config());
        let [skipped] = told.iter().filter(|one| one.reason == "NodeSkipped").collect::<Vec<_>>()[..] else {
            panic!("{told:?}")
        };
        assert!(skipped.message.starts_with("node node-2 is no target"), "{skipped:?}");
    }
}

#[test]
fn aws_174_traffic_of_one_node_registers_all_nodes() {
    let mut lb = service(&[80], &[]);
    lb.traffic_policy = TrafficPolicy::Local { health_check_node_port: 30_999.try_into().unwrap() };
    lb.endpoints.truncate(1);
    assert_eq!(targets(&lb, &config()).len(), 3);
}

#[test]
fn aws_39_too_many_tags() {
    let tags: Vec<String> = (0..50).map(|number| format!("k{number}=v")).collect();
    let lb = service(&[80], &[("additional-resource-tags", &tags.join(","))]);
    let error = build(&lb, &account(), &config()).unwrap_err().to_string();
    assert!(error.contains("53 tags"), "{error}");
}

#[test]
fn aws_88_examples() {
    let source = || Source::PrefixList("pl".into());
    let need = |ports: &[u16]| -> Vec<IpPermission> {
        ports.iter().map(|port| IpPermission::ports("tcp", *port, *port, source())).collect()
    };
    let ports = |rules: Vec<IpPermission>| -> Vec<(i32, i32)> {
        rules.into_iter().map(|rule| (rule.from_port, rule.to_port)).collect()
    };
    let needs = need(&[32_767, 30_000, 30_001, 30_005]);
    assert_eq!(
        ports(merge(&needs, NodeRuleStyle::Exact, 20)),
        [(30_000, 30_001), (30_005, 30_005), (32_767, 32_767)]
    );
    assert_eq!(ports(merge(&needs, NodeRuleStyle::Exact, 2)), [(30_000, 30_005), (32_767, 32_767)]);
    assert_eq!(ports(merge(&needs, NodeRuleStyle::Range, 20)), [(30_000, 32_767)]);
}

/// Needs of one protocol and source.
fn needs() -> impl Strategy<Value = Vec<IpPermission>> {
    let rule =
        (0_u16..300, 0_u16..3, prop::bool::ANY, prop::bool::ANY).prop_map(|(from, length, udp, group)| {
            let source = if group { "pl-1" } else { "pl-2" };
            let protocol = if udp { "udp" } else { "tcp" };
            IpPermission::ports(protocol, from, from + length, Source::PrefixList(source.into()))
        });
    prop::collection::vec(rule, 0..60)
}

fn open(rules: &[IpPermission]) -> BTreeSet<(String, Source, i32)> {
    let ports = rules.iter().flat_map(|rule| {
        (rule.from_port..=rule.to_port).map(|port| (rule.ip_protocol.clone(), rule.source.clone(), port))
    });
    ports.collect()
}

proptest! {
    #[test]
    fn aws_88_merging_is_exact_within_the_budget_and_covers_everything_beyond(needs in needs(), budget in 1..30_usize) {
        let exact = merge(&needs, NodeRuleStyle::Exact, usize::MAX);
        prop_assert_eq!(open(&exact), open(&needs));
        let merged = merge(&needs, NodeRuleStyle::Exact, budget);
        for need in &needs {
            prop_assert!(covers(&merged, need));
        }
        for source in ["pl-1", "pl-2"] {
            let of = |rules: &[IpPermission]| {
                rules.iter().filter(|rule| rule.source == Source::PrefixList(source.into())).count()
            };
            // One rule per protocol is the least.
            prop_assert!(of(&merged) <= budget.max(2));
            if of(&exact) <= budget {
                prop_assert_eq!(of(&merged), of(&exact));
            }
        }
        let mut reversed = needs.clone();
        reversed.reverse();
        prop_assert_eq!(merge(&reversed, NodeRuleStyle::Exact, budget), merged);
    }

    #[test]
    fn aws_80_joined_client_rules_let_in_exactly_the_same(
        ports in prop::collection::btree_set(1_u16..40, 1..8),
        ranges in prop::collection::btree_set(0_u8..32, 1..20),
        limit in 1..12_usize,
    ) {
        let numbers: Vec<u16> = ports.iter().copied().collect();
        let mut lb = service(&numbers, &[]);
        lb.source_ranges = ranges.iter().map(|n| format!("10.0.{}.0/29", 8 * n).parse().unwrap()).collect();
        lb.source_ranges.push("10.9.0.0/31".parse().unwrap());
        let mut config = config();
        config.sg_rule_limit = limit;
        let Ok(graph) = build(&lb, &account(), &config) else { return Ok(()) };
        let Spec::SecurityGroup(group) = &graph.get(&key::frontend()).unwrap().spec else { panic!() };
        prop_assert!(group.ip_permissions.len() <= limit);
        let mut let_in = BTreeSet::new();
        for rule in &group.ip_permissions {
            let Source::Cidr(net) = rule.source else { panic!() };
            for address in std::iter::once(net.network()).chain(net.hosts()).chain([net.broadcast()]) {
                let_in.extend((rule.from_port..=rule.to_port).map(|port| (port, address)));
            }
        }
        let mut wanted = BTreeSet::new();
        for net in &lb.source_ranges {
            for address in std::iter::once(net.network()).chain(net.hosts()).chain([net.broadcast()]) {
                wanted.extend(ports.iter().map(|port| (i32::from(*port), address)));
            }
        }
        prop_assert_eq!(let_in, wanted);
    }

    #[test]
    fn the_result_does_not_depend_on_the_order_of_what_has_none(seed in 0..1000_usize, ip in prop::bool::ANY) {
        let kind = if ip { "ip" } else { "instance" };
        let mut lb = service(&[80, 443], &[("nlb-target-type", kind)]);
        lb.ports.push(port(80, Protocol::Udp));
        let mut facts = account();
        let expected = (build(&lb, &facts, &config()), warnings(&lb, &facts, &config()));
        facts.subnets.rotate_left(seed % 3);
        facts.instances.rotate_left(seed % 9);
        facts.security_groups.reverse();
        lb.nodes.rotate_left(seed % 3);
        lb.endpoints.rotate_left(seed % 2);
        let got = (build(&lb, &facts, &config()), warnings(&lb, &facts, &config()));
        prop_assert_eq!(got.0.unwrap(), expected.0.unwrap());
        prop_assert_eq!(got.1, expected.1);
    }
}

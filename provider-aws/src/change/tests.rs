use super::*;
use crate::config::TagPolicy;
use crate::desired::build;
use crate::fixtures::{World, account, config, node, port, service};
use crate::kinds::{Scheme, key};
use cloud_lb_core::graph::Graph;
use cloud_lb_core::model::Protocol;

fn graph(ports: &[u16], annotations: &[(&str, &str)]) -> Graph<Spec> {
    build(&service(ports, annotations), &account(), &config()).unwrap()
}

fn converged(want: &Graph<Spec>) -> World {
    let mut world = World::default();
    world.converge(want, &config());
    world
}

/// The observed spec of a kind, changed; what it takes to set it right.
fn after(want: &Graph<Spec>, tamper: impl Fn(&mut Spec)) -> Vec<String> {
    let mut world = converged(want);
    world.have.iter_mut().for_each(|(_, have)| tamper(&mut have.spec));
    world.converge(want, &config())
}

#[test]
fn aws_200_and_203_the_first_plan_is_in_order_and_the_second_is_empty() {
    let want = graph(&[80, 443], &[("ssl-cert", "c1,c2"), ("ssl-ports", "443"), ("proxy-protocol", "*")]);
    let mut world = World::default();
    let first = world.converge(&want, &config());
    insta::assert_snapshot!(first.join("\n"));
    assert_eq!(world.converge(&want, &config()), [""; 0]);
}

#[test]
fn aws_204_deletion_goes_from_the_load_balancer_down() {
    let want = graph(&[80], &[]);
    let mut world = converged(&want);
    let steps = world.converge(&Graph::new(), &config());
    let at = |step: &str| {
        steps.iter().position(|other| other == step).unwrap_or_else(|| panic!("{step}: {steps:?}"))
    };
    assert!(at("delete Listener/80") < at("delete LoadBalancer/load-balancer"));
    assert!(at("delete LoadBalancer/load-balancer") < at("delete SecurityGroup/frontend"));
    assert!(at("delete NodeRules/80") < at("delete SecurityGroup/backend"));
    assert!(at("delete Listener/80") < at("delete TargetGroup/80"));
    assert!(world.have.is_empty());
}

#[test]
fn aws_33_names_are_no_difference() {
    let steps = after(&graph(&[80], &[]), |spec| match spec {
        Spec::LoadBalancer(lb) => lb.name = "other".into(),
        Spec::TargetGroup(group) => (group.name, group.port) = ("other".into(), 1),
        Spec::SecurityGroup(group) => {
            (group.group_name, group.description) = ("other".into(), "other".into());
        }
        _ => {}
    });
    assert_eq!(steps, [""; 0]);
}

#[test]
fn aws_38_unknown_tags_stay_or_go_as_configured() {
    let tampered = |policy, tag: &str| {
        let want = graph(&[80], &[]);
        let mut world = converged(&want);
        for (_, have) in &mut world.have {
            if let Spec::LoadBalancer(lb) = &mut have.spec {
                lb.tags.0.insert(tag.to_owned(), "x".to_owned());
            }
        }
        let mut config = config();
        config.tag_policy = policy;
        config.external_managed_tags.insert("theirs".to_owned());
        world.converge(&want, &config).len()
    };
    assert_eq!(tampered(TagPolicy::Merge, "cost"), 0);
    assert_eq!(tampered(TagPolicy::Exact, "cost"), 1);
    for exempt in ["aws:x", "theirs", "kubernetes.io/cluster/my-cluster", "kubernetes.io/service-name"] {
        assert_eq!(tampered(TagPolicy::Exact, exempt), 0, "{exempt}");
    }
    assert_eq!(tampered(TagPolicy::Exact, "kubernetes.io/cluster/other"), 1);
}

#[test]
fn aws_106_only_wanted_attributes_count_and_absent_ones_have_their_default() {
    let want = graph(&[80], &[("attributes", "load_balancing.cross_zone.enabled=false")]);
    let other = after(&want, |spec| {
        if let Spec::LoadBalancer(lb) = spec {
            lb.attributes = Pairs::from_iter([("zonal_shift.config.enabled", "true")]);
        }
    });
    assert_eq!(other, [""; 0]);
    let differs = after(&want, |spec| {
        if let Spec::LoadBalancer(lb) = spec {
            lb.attributes = Pairs::from_iter([("load_balancing.cross_zone.enabled", "true")]);
        }
    });
    assert_eq!(differs, ["update LoadBalancer/load-balancer"]);
}

#[test]
fn aws_73_groups_of_the_user_are_attached_before_ours_goes() {
    let mut world = converged(&graph(&[80], &[]));
    let steps = world.converge(&graph(&[80], &[("security-groups", "sg-node")]), &config());
    let at = |step: &str| {
        steps.iter().position(|other| other == step).unwrap_or_else(|| panic!("{step}: {steps:?}"))
    };
    assert!(at("update LoadBalancer/load-balancer") < at("delete SecurityGroup/frontend"));
    assert!(at("delete NodeRules/80") < at("delete SecurityGroup/backend"));
    assert_eq!(steps.len(), 4);
}

#[test]
fn aws_77_surplus_and_missing_rules_of_the_frontend_group_are_drift() {
    let steps = after(&graph(&[80, 81], &[]), |spec| {
        if let Spec::SecurityGroup(group) = spec {
            group.ip_permissions.truncate(1);
        }
    });
    assert_eq!(steps, ["update SecurityGroup/frontend"]);
}

#[test]
fn aws_82_security_groups_are_a_set() {
    let steps = after(&graph(&[80], &[]), |spec| {
        if let Spec::LoadBalancer(lb) = spec {
            lb.security_groups.reverse();
        }
    });
    assert_eq!(steps, [""; 0]);
}

#[test]
fn aws_83_and_116_what_nobody_asked_for_is_left_alone() {
    let steps = after(&graph(&[80], &[]), |spec| {
        if let Spec::LoadBalancer(lb) = spec {
            lb.enforce_security_group_inbound_rules_on_private_link_traffic = Some("off".into());
            lb.capacity_units = Some(500);
        }
    });
    assert_eq!(steps, [""; 0]);
}

#[test]
fn aws_104_only_the_set_of_subnets_counts() {
    let reordered = after(&graph(&[80], &[]), |spec| {
        if let Spec::LoadBalancer(lb) = spec {
            lb.subnet_mappings.reverse();
            lb.subnet_mappings[0].allocation_id = Some("eip".into());
        }
    });
    assert_eq!(reordered, [""; 0]);
    let fewer = after(&graph(&[80], &[]), |spec| {
        if let Spec::LoadBalancer(lb) = spec {
            lb.subnet_mappings.truncate(2);
        }
    });
    assert_eq!(fewer, ["update LoadBalancer/load-balancer"]);
}

#[test]
fn aws_105_a_load_balancer_that_could_not_be_made_is_made_anew() {
    let steps = after(&graph(&[80], &[]), |spec| {
        if let Spec::LoadBalancer(lb) = spec {
            lb.failed = true;
        }
    });
    let at = |step: &str| {
        steps.iter().position(|other| other == step).unwrap_or_else(|| panic!("{step}: {steps:?}"))
    };
    assert!(at("delete LoadBalancer/load-balancer") < at("create LoadBalancer/load-balancer"));
    assert!(at("create LoadBalancer/load-balancer") < at("create Listener/80"));
    assert!(!steps.contains(&"delete TargetGroup/80".to_owned()));
}

#[test]
fn aws_118_a_change_of_scheme_makes_before_it_breaks() {
    let mut world = converged(&graph(&[80, 443], &[]));
    let mut want = graph(&[80, 443], &[("scheme", "internet-facing")]);
    let steps = world.converge(&want, &config());
    let at = |step: &str| {
        steps.iter().position(|other| other == step).unwrap_or_else(|| panic!("{step}: {steps:?}"))
    };
    for step in ["LoadBalancer/load-balancer", "TargetGroup/80", "Targets/80", "Listener/80", "Listener/443"]
    {
        assert!(at(&format!("create {step}")) < at("delete LoadBalancer/load-balancer"), "{step}: {steps:?}");
        assert!(at(&format!("create {step}")) < at(&format!("delete {step}")), "{step}: {steps:?}");
    }
    assert!(!steps.iter().any(|step| step.ends_with("SecurityGroup/frontend")), "the groups stay: {steps:?}");
    assert_eq!(world.converge(&want, &config()), [""; 0]);
    // An update that a crash interrupted leaves both; the old one then goes.
    want = graph(&[80, 443], &[]);
    let lb = |world: &World| {
        let schemes = world.have.iter().filter_map(|(_, have)| match &have.spec {
            Spec::LoadBalancer(lb) => Some(lb.scheme),
            _ => None,
        });
        schemes.collect::<Vec<_>>()
    };
    assert_eq!(lb(&world), [Scheme::InternetFacing]);
    world.converge(&want, &config());
    assert_eq!(lb(&world), [Scheme::Internal]);
}

#[test]
fn aws_135_s10_a_listener_goes_before_another_comes_and_its_target_group_last() {
    let mut world = converged(&graph(&[80], &[]));
    let steps = world.converge(&graph(&[81], &[]), &config());
    let at = |step: &str| {
        steps.iter().position(|other| other == step).unwrap_or_else(|| panic!("{step}: {steps:?}"))
    };
    assert!(at("delete Listener/80") < at("create Listener/81"));
    assert!(at("create Listener/81") < at("delete TargetGroup/80"));
    assert!(steps.contains(&"update SecurityGroup/frontend".to_owned()));
}

#[test]
fn aws_136_certificates_are_a_default_and_a_set() {
    let want = graph(&[443], &[("ssl-cert", "c1,c2,c3")]);
    let order = after(&want, |spec| {
        if let Spec::Listener(listener) = spec {
            listener.certificates.swap(1, 2);
            listener.alpn_policy = Some("HTTP2Only".into());
        }
    });
    assert_eq!(order, [""; 0]);
    let default = after(&want, |spec| {
        if let Spec::Listener(listener) = spec {
            listener.certificates.swap(0, 1);
        }
    });
    assert_eq!(default, ["update Listener/443"]);
}

#[test]
fn aws_146_health_checks_change_in_place() {
    let mut world = converged(&graph(&[80], &[]));
    let steps = world.converge(&graph(&[80], &[("healthcheck-protocol", "http")]), &config());
    assert_eq!(steps, ["update TargetGroup/80"]);
}

#[test]
fn aws_150_a_target_group_is_replaced_with_its_targets_before_the_listener_turns_to_it() {
    let mut world = converged(&graph(&[80], &[]));
    let mut lb = service(&[80], &[]);
    lb.ports = vec![port(80, Protocol::Udp)];
    let want = build(&lb, &account(), &config()).unwrap();
    let steps = world.converge(&want, &config());
    let at = |step: &str| {
        steps.iter().position(|other| other == step).unwrap_or_else(|| panic!("{step}: {steps:?}"))
    };
    assert!(at("create TargetGroup/80") < at("update Listener/80"));
    assert!(at("create Targets/80") < at("delete Targets/80"));
    assert!(at("update Listener/80") < at("delete TargetGroup/80"));
    assert_eq!(world.converge(&want, &config()), [""; 0]);
}

#[test]
fn aws_178_s2_a_new_node_is_one_update_of_each_target_set() {
    let mut world = converged(&graph(&[80, 443], &[]));
    let mut lb = service(&[80, 443], &[]);
    lb.nodes.push(node(4));
    let want = build(&lb, &account(), &config()).unwrap();
    assert_eq!(world.converge(&want, &config()), ["update Targets/443", "update Targets/80"]);
}

#[test]
fn aws_178_the_zone_that_aws_fills_in_is_no_difference() {
    let steps = after(&graph(&[80], &[("nlb-target-type", "ip")]), |spec| {
        if let Spec::Targets(targets) = spec {
            targets
                .targets
                .iter_mut()
                .for_each(|target| target.availability_zone = Some("us-west-2a".into()));
            targets.targets.reverse();
        }
    });
    assert_eq!(steps, [""; 0]);
}

#[test]
fn aws_88_more_open_than_needed_is_no_difference_and_less_is() {
    let want = graph(&[80], &[]);
    let wider = after(&want, |spec| {
        if let Spec::NodeRules(rules) = spec {
            rules.group_ids.insert("sg-other".into());
            rules.ip_permissions[0].from_port = 1;
            rules.ip_permissions[0].to_port = 65_535;
        }
    });
    assert_eq!(wider, [""; 0]);
    let narrower = after(&want, |spec| {
        if let Spec::NodeRules(rules) = spec {
            rules.ip_permissions.clear();
        }
    });
    assert_eq!(narrower, ["update NodeRules/80"]);
}

#[test]
fn a_backend_group_keeps_the_rules_that_others_gave_it() {
    let want = graph(&[80], &[]);
    let steps = after(&want, |spec| {
        if let Spec::SecurityGroup(group) = spec
            && group.ip_permissions.is_empty()
        {
            group.ip_permissions = vec![crate::kinds::IpPermission::ports(
                "tcp",
                1,
                2,
                crate::kinds::Source::PrefixList("pl".into()),
            )];
        }
    });
    assert_eq!(steps, [""; 0]);
    assert!(want.get(&key::backend()).is_some());
}

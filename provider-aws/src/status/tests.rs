use super::*;
use crate::desired::build;
use crate::fixtures::{World, account, config, port, service};
use cloud_lb_core::graph::Graph;

fn world() -> World {
    let mut lb = service(&[443, 80], &[("ssl-cert", "c1"), ("ssl-ports", "443")]);
    lb.ports.push(port(80, Protocol::Udp));
    let mut world = World::default();
    world.converge(&build(&lb, &account(), &config()).unwrap(), &config());
    world
}

fn set(world: &mut World, output: &str, value: &str) {
    for (key, have) in &mut world.have {
        if key.kind == key::LOAD_BALANCER {
            have.outputs.insert(output.to_owned(), value.to_owned());
        }
    }
}

fn reason(state: State) -> String {
    if let State::Pending(pending) = state { pending.reason } else { panic!("{state:?}") }
}

#[test]
fn aws_220_the_status_is_the_host_name_in_lower_case_with_all_ports() {
    let State::Ready(status) = state(&world().observed(), &config(), |_| Stage::Stays) else { panic!() };
    let [ingress] = status.ingress.as_slice() else { panic!("{status:?}") };
    let Address::Hostname(host) = &ingress.address else { panic!() };
    assert!(host.starts_with("web-") && host.ends_with(".elb.amazonaws.com"), "{host}");
    assert_eq!(ingress.ip_mode, None);
    let ports: Vec<(u16, Protocol)> =
        ingress.ports.iter().map(|port| (port.port.get(), port.protocol)).collect();
    assert_eq!(ports, [(80, Protocol::Tcp), (80, Protocol::Udp), (443, Protocol::Tcp)]);
}

#[test]
fn aws_221_it_is_published_when_created_or_when_active() {
    let mut config = config();
    config.publish = Publish::Active;
    let mut world = world();
    assert_eq!(
        reason(state(&world.observed(), &config, |_| Stage::Stays)),
        "the load balancer is being made"
    );
    set(&mut world, key::STATE, "active");
    assert!(matches!(state(&world.observed(), &config, |_| Stage::Stays), State::Ready(_)));
}

#[test]
fn aws_105_a_failure_says_why() {
    let mut world = world();
    set(&mut world, key::STATE, "failed");
    set(&mut world, key::STATE_REASON, "no addresses");
    let reason = reason(state(&world.observed(), &config(), |_| Stage::Stays));
    assert_eq!(reason, "AWS could not make the load balancer: no addresses");
}

#[test]
fn without_a_load_balancer_it_is_absent_or_yet_to_come() {
    assert_eq!(state(&World::default().observed(), &config(), |_| Stage::Stays), State::Absent);
    let mut rest = world();
    rest.have.retain(|(key, _)| key.kind != key::LOAD_BALANCER);
    assert_eq!(
        reason(state(&rest.observed(), &config(), |_| Stage::Stays)),
        "the load balancer does not exist yet"
    );
    rest.converge(&Graph::new(), &config());
    assert_eq!(state(&rest.observed(), &config(), |_| Stage::Stays), State::Absent);
}

use super::address::AddressError;
use super::*;
use proptest::prelude::*;
use std::collections::BTreeSet;
use std::net::IpAddr;

fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

#[test]
fn cluster_ips_come_from_the_dynamic_band_of_their_family() {
    let mut allocators = Allocators::default();
    let v4 = allocators.addresses(Family::V4).allocate_next().unwrap();
    let v6 = allocators.addresses(Family::V6).allocate_next().unwrap();
    assert_eq!(v4, ip("10.96.1.1"));
    assert_eq!(v6, ip("fd00:10:96::101"));
}

#[test]
fn a_taken_address_and_a_foreign_one_are_refused() {
    let mut allocators = Allocators::default();
    let pool = allocators.addresses(Family::V4);
    pool.allocate(ip("10.96.0.10")).unwrap();
    assert_eq!(pool.allocate(ip("10.96.0.10")), Err(AddressError::Allocated));
    for foreign in ["10.95.255.255", "10.112.0.0", "10.96.0.0", "10.111.255.255", "fd00:10:96::1"] {
        assert_eq!(pool.allocate(ip(foreign)), Err(AddressError::OutOfRange), "{foreign}");
    }
    pool.release(ip("10.96.0.10"));
    pool.allocate(ip("10.96.0.10")).unwrap();
}

#[test]
fn a_small_pool_gives_each_address_once_and_then_is_full() {
    let mut pool = AddressPool::new(ip("192.0.2.0"), 28);
    let all: BTreeSet<IpAddr> = std::iter::from_fn(|| pool.allocate_next().ok()).collect();
    assert_eq!(all.len(), 14);
    assert_eq!(pool.allocate_next(), Err(AddressError::Full));
    pool.release(ip("192.0.2.3"));
    assert_eq!(pool.allocate_next(), Ok(ip("192.0.2.3")));
}

#[test]
fn node_ports_are_refused_with_the_words_of_the_api_server() {
    let mut allocators = Allocators::default();
    let pool = allocators.ports();
    pool.allocate(30_008).unwrap();
    assert_eq!(pool.allocate(30_008).unwrap_err().to_string(), "provided port is already allocated");
    for port in [29_999, 32_768, 0, -1, 99_999] {
        assert_eq!(
            pool.allocate(port).unwrap_err().to_string(),
            "provided port is not in the valid range. The range of valid ports is 30000-32767"
        );
    }
}

#[test]
fn all_node_ports_can_be_had_and_the_static_band_comes_last() {
    let mut pool = PortPool::default();
    let all: Vec<i32> = std::iter::from_fn(|| pool.allocate_next().ok()).collect();
    assert_eq!(all.len(), 2768);
    assert!(all[..2682].iter().all(|port| *port >= 30_086));
    assert_eq!(pool.allocate_next(), Err(PortError::Full));
}

#[test]
fn allocation_is_the_same_in_each_run() {
    let (mut one, mut two) = (PortPool::default(), PortPool::default());
    assert_eq!(one.allocate_next(), two.allocate_next());
}

#[derive(Debug, Clone)]
enum Step {
    Next,
    Static(i32),
    Release(usize),
    Discard,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => Just(Step::Next),
        3 => (29_990..32_780).prop_map(Step::Static),
        2 => any::<usize>().prop_map(Step::Release),
        1 => Just(Step::Discard),
    ]
}

proptest! {
    #[test]
    fn no_port_is_held_twice_release_frees_and_a_dropped_clone_changes_nothing(
        steps in prop::collection::vec(step(), 0..200)
    ) {
        let mut allocators = Allocators::default();
        let mut held = BTreeSet::new();
        for step in steps {
            match step {
                Step::Next => {
                    let port = allocators.ports().allocate_next().unwrap();
                    prop_assert!(held.insert(port));
                }
                Step::Static(port) => {
                    let free = (30_000..=32_767).contains(&port) && !held.contains(&port);
                    prop_assert_eq!(allocators.ports().allocate(port).is_ok(), free);
                    if free {
                        held.insert(port);
                    }
                }
                Step::Release(index) => {
                    if let Some(port) = held.iter().nth(index % held.len().max(1)).copied() {
                        allocators.ports().release(port);
                        held.remove(&port);
                    }
                }
                Step::Discard => {
                    let mut clone = allocators.clone();
                    let port = clone.ports().allocate_next().unwrap();
                    prop_assert!(!allocators.ports().holds(port));
                    prop_assert!(!held.contains(&port));
                }
            }
            prop_assert!(held.iter().all(|port| allocators.ports().holds(*port)));
        }
    }

    #[test]
    fn no_address_is_held_twice(statics in prop::collection::vec(0_u32..2048, 0..100), count in 0_usize..400) {
        let mut pool = AddressPool::new(ip("10.0.0.0"), 21);
        let mut held = BTreeSet::new();
        for offset in statics {
            let address = IpAddr::from(std::net::Ipv4Addr::from(0x0a00_0000 + offset));
            prop_assert_eq!(pool.allocate(address).is_ok(), (1..2047).contains(&offset) && held.insert(address));
        }
        for _ in 0..count {
            let address = pool.allocate_next().unwrap();
            prop_assert!(held.insert(address));
        }
        for address in &held {
            prop_assert!(pool.holds(*address));
            pool.release(*address);
            prop_assert!(!pool.holds(*address));
        }
    }
}

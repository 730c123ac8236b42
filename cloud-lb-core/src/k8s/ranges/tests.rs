//! Rules H-1, H-2 and W-20; `bNNN` is a condensed upstream case.

use proptest::prelude::*;

use super::super::fixtures::{service, service_with, strings};
use super::*;

fn annotated(text: &str) -> Service {
    let mut service = service();
    service.metadata.annotations = Some([(SOURCE_RANGES_ANNOTATION.to_owned(), text.to_owned())].into());
    service
}

fn listed(items: &[&str]) -> Service {
    service_with(|spec| spec.load_balancer_source_ranges = strings(items))
}

/// The same ranges by annotation and by field.
fn both_ways(text: &str) -> [Service; 2] {
    [annotated(text), listed(&text.split(',').collect::<Vec<_>>())]
}

fn texts(service: &Service) -> Vec<String> {
    source_ranges(service).unwrap().iter().map(ToString::to_string).collect()
}

#[test]
fn b140_h_1_bad_elements_are_named_with_their_source() {
    for (text, bad) in [
        ("10.0.0.1/33", "10.0.0.1/33"),
        ("foo.bar", "foo.bar"),
        ("10.0.0.1/32,*", "*"),
        ("10.0.0.1/32,", ""),
        ("10.0.0.1/32, ", " "),
        ("10.0.0.1", "10.0.0.1"),
        ("10.0.0.1/+8", "10.0.0.1/+8"),
        ("10.0.0.1/", "10.0.0.1/"),
        ("10.0.0.256/8", "10.0.0.256/8"),
        ("10.0.0/8", "10.0.0/8"),
        ("fd00::/129", "fd00::/129"),
    ] {
        let [by_annotation, by_field] = both_ways(text).map(|service| source_ranges(&service).unwrap_err());
        assert_eq!(by_annotation.violations()[0].field, SOURCE_RANGES_ANNOTATION);
        assert_eq!(by_annotation.violations()[0].value, bad.trim());
        assert!(by_field.violations()[0].field.starts_with("spec.loadBalancerSourceRanges["));
        assert_eq!(by_field.violations()[0].value, bad);
        assert_eq!(by_field.violations().len(), 1, "{text}");
    }
}

#[test]
fn h_1_good_lists() {
    for (case, text, expected) in [
        ("b141", "192.168.0.1/32", &["192.168.0.1/32"][..]),
        ("b142", "192.168.0.1/32,192.168.0.1/32", &["192.168.0.1/32"]),
        ("b143", "192.168.0.2/32,192.168.0.1/32", &["192.168.0.1/32", "192.168.0.2/32"]),
        ("b144", "  192.168.0.1/32 , 192.168.0.2/32  ", &["192.168.0.1/32", "192.168.0.2/32"]),
        ("", "192.168.0.0/0", &["0.0.0.0/0"]),
        ("", "10.1.2.3/8,10.0.0.0/8", &["10.0.0.0/8"]),
        ("", "010.001.000.0/016", &["10.1.0.0/16"]),
        ("", "::/0,0.0.0.0/0", &["0.0.0.0/0", "::/0"]),
        ("", "2001:db8::1/32", &["2001:db8::/32"]),
    ] {
        for service in both_ways(text) {
            assert_eq!(texts(&service), expected, "{case} {text}");
        }
    }
}

#[test]
fn b145_b146_h_1_nothing_given_lets_everybody_in() {
    for service in [service(), annotated(""), annotated("   "), listed(&[])] {
        let ranges = source_ranges(&service).unwrap();
        assert_eq!(texts(&service), ["0.0.0.0/0"]);
        assert!(allows_all(&ranges, IpFamily::V4));
    }
}

#[test]
fn h_1_what_is_given_can_be_told_from_the_default_of_the_same_ranges() {
    for service in [service(), annotated(""), annotated("   "), listed(&[])] {
        assert!(!are_given(&service));
    }
    for service in both_ways("0.0.0.0/0") {
        assert!(are_given(&service));
    }
}

#[test]
fn h_1_the_field_wins_over_the_annotation_entirely() {
    let mut both = annotated("not a range");
    both.spec.as_mut().unwrap().load_balancer_source_ranges = strings(&["10.0.0.0/8"]);
    assert_eq!(texts(&both), ["10.0.0.0/8"]);
}

#[test]
fn b147_h_2_allow_all() {
    for (text, expected) in [
        ("192.168.0.1/32", false),
        ("192.168.0.1/32,192.168.0.2/32", false),
        ("192.168.0.1/32,192.168.0.1/32", false),
        ("0.0.0.0/0", true),
        ("192.168.0.0/0", true),
        ("192.168.0.1/32,0.0.0.0/0", true),
        ("::/0", false),
    ] {
        let ranges = source_ranges(&annotated(text)).unwrap();
        assert_eq!(allows_all(&ranges, IpFamily::V4), expected, "{text}");
    }
}

#[test]
fn w_20_defaults_follow_the_families() {
    for (families, expected) in [
        (&["IPv4"][..], &["0.0.0.0/0"][..]),
        (&["IPv6"], &["::/0"]),
        (&["IPv6", "IPv4"], &["0.0.0.0/0", "::/0"]),
    ] {
        let service = service_with(|spec| spec.ip_families = strings(families));
        assert_eq!(texts(&service), expected, "{families:?}");
        let ranges = source_ranges(&service).unwrap();
        assert_eq!(allows_all(&ranges, IpFamily::V6), families.contains(&"IPv6"));
    }
}

fn any_range() -> impl Strategy<Value = String> {
    prop_oneof![
        (any::<[u8; 4]>(), 0..=32_u8).prop_map(|([a, b, c, d], len)| format!("{a:03}.{b}.{c:02}.{d}/{len}")),
        (any::<std::net::Ipv6Addr>(), 0..=128_u8).prop_map(|(address, len)| format!("{address}/{len}")),
    ]
}

proptest! {
    #[test]
    fn ranges_survive_being_written_and_read_again_in_any_order(
        (given, shuffled) in prop::collection::vec(any_range(), 1..8)
            .prop_flat_map(|list| (Just(list.clone()), Just(list).prop_shuffle()))
    ) {
        let ranges = texts(&annotated(&given.join(",")));
        prop_assert_eq!(&texts(&annotated(&ranges.join(", "))), &ranges);
        prop_assert_eq!(&texts(&annotated(&shuffled.join(","))), &ranges);
        prop_assert!(ranges.len() <= given.len());
    }

    #[test]
    fn any_text_is_read_or_refused(text in ".{0,40}", field in prop::collection::vec(".{0,20}", 0..3)) {
        let mut service = annotated(&text);
        service.spec.as_mut().unwrap().load_balancer_source_ranges = Some(field);
        match source_ranges(&service) {
            Ok(ranges) => prop_assert!(!ranges.is_empty()),
            Err(error) => prop_assert!(!error.violations().is_empty()),
        }
    }
}

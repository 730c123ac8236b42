use proptest::prelude::*;

use super::*;

fn given(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(key, text)| (Annotations::full(key), (*text).to_owned())).collect()
}

fn errors(pairs: &[(&str, &str)]) -> Vec<String> {
    Annotations::read(&given(pairs)).1.iter().map(ToString::to_string).collect()
}

#[test]
fn aws_20_the_tables_are_sound() {
    assert_eq!(TABLE.check(), []);
    assert_eq!(SHARED.check(), []);
}

#[test]
fn aws_21_booleans_are_those_of_go() {
    for (text, expected) in [("1", Some(true)), ("T", Some(true)), ("False", Some(false)), ("f", Some(false))]
    {
        assert_eq!(Annotations::read(&given(&[("internal", text)])).0.bool("internal"), expected, "{text}");
    }
    for text in ["FalSe", "yes", ""] {
        let error = format!(
            "service.beta.kubernetes.io/aws-load-balancer-internal: {text:?} is not valid, expected true or false"
        );
        assert_eq!(errors(&[("internal", text)]), [error]);
    }
}

#[test]
fn aws_22_lists_keep_order_and_duplicates() {
    let (read, _) = Annotations::read(&given(&[("subnets", " b ,, a,b")]));
    assert_eq!(read.list("subnets").unwrap(), ["b", "a", "b"]);
}

#[test]
fn aws_23_maps() {
    let (read, _) = Annotations::read(&given(&[("attributes", r"a=1, b=x=y ,c=,d=1\,2")]));
    let pairs: Vec<String> =
        read.map("attributes").unwrap().iter().map(|(k, v)| format!("{k}:{v}")).collect();
    assert_eq!(pairs, ["a:1", "b:x=y", "c:", "d:1,2"]);
    let key = Annotations::full("target-node-labels");
    assert_eq!(
        errors(&[("target-node-labels", "key1=value1, invalid")]),
        [format!("{key}: failed to parse stringMap annotation, {key}: key1=value1, invalid")]
    );
}

#[test]
fn aws_24_all_errors_come_together_with_their_texts() {
    let found = errors(&[
        ("scheme", "public"),
        ("ip-address-type", "DualStack"),
        ("alpn-policy", "h2"),
        ("proxy-protocol", "v2"),
        ("healthcheck-interval", "4"),
        ("enable-prefix-for-ipv6-source-nat", "yes"),
        ("inbound-sg-rules-on-private-link-traffic", "maybe"),
        ("target-group-attributes.80", "=x"),
    ]);
    insta::assert_snapshot!(found.join("\n"));
}

#[test]
fn aws_25_and_27_unknown_foreign_and_deprecated_keys_are_remarks() {
    let mut annotations = given(&[
        ("shceme", "internal"),
        ("connection-idle-timeout", "60"),
        ("internal", "true"),
        ("target-group-attributes.80", "a=b"),
    ]);
    annotations.insert("service.beta.kubernetes.io/actions.TCP-80".into(), "{}".into());
    annotations.insert("example.com/scheme".into(), "x".into());
    let (read, violations) = Annotations::read(&annotations);
    assert_eq!(violations, []);
    let remarks: Vec<String> =
        read.remarks().iter().map(|(reason, text)| format!("{reason}: {text}")).collect();
    insta::assert_snapshot!(remarks.join("\n"));
}

proptest! {
    #[test]
    fn aws_20_any_annotations_are_read_or_refused_with_their_key(
        pairs in prop::collection::btree_map(
            prop_oneof![
                4 => prop::sample::select(TABLE.annotations).prop_map(|one| one.key.replace('*', "x")),
                1 => "[a-z.-]{0,12}",
            ],
            prop_oneof![".{0,20}", r"[0-9a-z.:/,= \\-]{0,30}"],
            0..5,
        )
    ) {
        let given = pairs.iter().map(|(key, value)| (Annotations::full(key), value.clone())).collect();
        let (read, violations) = Annotations::read(&given);
        prop_assert!(violations.iter().all(|violation| given.contains_key(&violation.field)), "{:?}", violations);
        prop_assert_eq!(read.keys().count(), pairs.len());
        read.remarks();
    }
}

use proptest::prelude::*;

use super::*;

const fn annotation(
    key: &'static str,
    kind: Kind,
    default: &'static str,
    example: &'static str,
) -> Annotation {
    Annotation { key, kind, default, since: "0.1", example, doc: "What it does | and does not." }
}

const MINUTE: Duration = Duration::from_mins(1);

const TABLE: Table = Table {
    prefix: "example.com/lb-",
    annotations: &[
        annotation("internal", Kind::Bool, "false", "true"),
        annotation("threshold", Kind::Integer { min: 2, max: 10 }, "3", "5"),
        annotation(
            "interval",
            Kind::Duration { min: Duration::from_millis(100), max: MINUTE },
            "10s",
            "1500ms",
        ),
        annotation("name", Kind::Text, "", "my-lb"),
        annotation("scheme", Kind::OneOf(&["internal", "public"]), "public", "internal"),
        annotation("subnets", Kind::List, "", "subnet-1, subnet-2"),
        annotation("tags", Kind::Map, "", "team=web,cost=a=b"),
        annotation("ranges", Kind::IpNets, "", "10.0.0.0/8"),
        annotation("attributes.*", Kind::Map, "", "idle=400"),
    ],
};

fn given(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(key, value)| (format!("example.com/lb-{key}"), (*value).to_owned())).collect()
}

fn parse(pairs: &[(&str, &str)]) -> Values {
    TABLE.parse(&given(pairs)).unwrap()
}

#[test]
fn the_table_of_these_tests_is_sound() {
    assert_eq!(TABLE.check(), []);
}

#[test]
fn check_finds_bad_defaults_bad_examples_and_repeated_keys() {
    const BAD: Table = Table {
        prefix: "p/",
        annotations: &[annotation("a", Kind::Bool, "maybe", ""), annotation("a", Kind::Bool, "", "true")],
    };
    let values: Vec<String> = BAD.check().into_iter().map(|violation| violation.value).collect();
    assert_eq!(values, ["maybe", "", "a"]);
}

#[test]
fn every_kind_is_read() {
    let values = parse(&[
        ("internal", " T "),
        ("threshold", "10"),
        ("interval", "1s500ms"),
        ("name", " lb "),
        ("scheme", "internal"),
        ("subnets", "b,, a ,b"),
        ("tags", r"team=web, cost=a=b ,list=x\,y,none="),
        ("ranges", "10.1.2.3/8, ::/0"),
        ("attributes.TCP-80", "idle=400"),
    ]);
    assert_eq!(values.bool("internal"), Some(true));
    assert_eq!(values.integer("threshold"), Some(10));
    assert_eq!(values.duration("interval"), Some(Duration::from_millis(1500)));
    assert_eq!(values.text("name"), Some("lb"));
    assert_eq!(values.text("scheme"), Some("internal"));
    assert_eq!(values.list("subnets").unwrap(), ["b", "a", "b"]);
    let tags: Vec<String> = values.map("tags").unwrap().iter().map(|(k, v)| format!("{k}:{v}")).collect();
    assert_eq!(tags, ["cost:a=b", "list:x,y", "none:", "team:web"]);
    let ranges: Vec<String> = values.ip_nets("ranges").unwrap().iter().map(ToString::to_string).collect();
    assert_eq!(ranges, ["10.0.0.0/8", "::/0"]);
    let family: Vec<&str> = values.family("attributes.").map(|(suffix, _)| suffix).collect();
    assert_eq!(family, ["TCP-80"]);
}

#[test]
fn absent_annotations_have_their_default_and_foreign_ones_are_not_looked_at() {
    let mut annotations = given(&[]);
    annotations.insert("other.com/lb-internal".to_owned(), "nonsense".to_owned());
    let values = TABLE.parse(&annotations).unwrap();
    assert_eq!(values.bool("internal"), Some(false));
    assert_eq!(values.integer("threshold"), Some(3));
    assert_eq!(values.duration("interval"), Some(Duration::from_secs(10)));
    assert_eq!(values.text("scheme"), Some("public"));
    assert_eq!(values.text("name"), None);
    assert_eq!(values.list("subnets"), None);
    assert_eq!(values.bool("threshold"), None, "asked for the wrong type");
}

#[test]
fn bad_values_are_refused_with_what_is_expected() {
    for (key, value, expected) in [
        ("internal", "FalSe", "true or false"),
        ("internal", "", "true or false"),
        ("threshold", "1", "an integer from 2 to 10"),
        ("threshold", "11", "an integer from 2 to 10"),
        ("threshold", "3.5", "an integer from 2 to 10"),
        ("interval", "10", "a duration from 100ms to 1m"),
        ("interval", "2m", "a duration from 100ms to 1m"),
        ("interval", "99ms", "a duration from 100ms to 1m"),
        ("interval", "s", "a duration from 100ms to 1m"),
        ("interval", "-1s", "a duration from 100ms to 1m"),
        ("interval", "99999999999999999999h", "a duration from 100ms to 1m"),
        ("name", "  ", "a text that is not blank"),
        ("scheme", "Public", "one of internal, public"),
        ("tags", "a", "key=value items separated by commas, each key once"),
        ("tags", "=a", "key=value items separated by commas, each key once"),
        ("tags", "a=1,a=2", "key=value items separated by commas, each key once"),
        ("ranges", "", "address ranges in CIDR notation, separated by commas"),
        ("ranges", "10.0.0.0/8,", "address ranges in CIDR notation, separated by commas"),
        ("ranges", "10.0.0.0", "address ranges in CIDR notation, separated by commas"),
    ] {
        let violations = TABLE.parse(&given(&[(key, value)])).unwrap_err();
        assert_eq!(violations, [Violation::new(format!("example.com/lb-{key}"), value, expected)]);
    }
}

#[test]
fn all_violations_come_together_and_misspelt_keys_are_found() {
    let violations = TABLE
        .parse(&given(&[
            ("internal", "x"),
            ("shceme", "public"),
            ("attributes.", "a=1"),
            ("zzzzzzzz", ""),
            ("name", "a"),
        ]))
        .unwrap_err();
    let texts: Vec<String> = violations.iter().map(ToString::to_string).collect();
    insta::assert_snapshot!(texts.join("\n"));
}

#[test]
fn the_reference_page_lists_everything() {
    insta::assert_snapshot!(TABLE.reference());
}

proptest! {
    #[test]
    fn any_annotations_are_read_or_refused_but_never_ignored(
        pairs in prop::collection::btree_map("(internal|interval|tags|ranges|attributes[.]x|[a-z.]{0,9})", ".{0,20}", 0..5)
    ) {
        let annotations: BTreeMap<String, String> =
            pairs.iter().map(|(key, value)| (format!("example.com/lb-{key}"), value.clone())).collect();
        match TABLE.parse(&annotations) {
            Ok(values) => prop_assert!(pairs.keys().all(|key| values.get(key).is_some())),
            Err(violations) => prop_assert!(!violations.is_empty() && violations.len() <= pairs.len()),
        }
    }
}

fn any_kind() -> impl Strategy<Value = Kind> {
    prop::sample::select(vec![
        Kind::Bool,
        Kind::Integer { min: i64::MIN, max: i64::MAX },
        Kind::Duration { min: Duration::ZERO, max: Duration::MAX },
        Kind::Text,
        Kind::Any,
        Kind::OneOf(&["a", "b"]),
        Kind::List,
        Kind::Map,
        Kind::IpNets,
    ])
}

proptest! {
    #[test]
    fn any_text_is_a_value_or_refused_with_what_is_expected(
        kind in any_kind(),
        text in prop_oneof![".{0,30}", r"[0-9a-fmsh.:/,= \\-]{0,40}"],
    ) {
        if let Err(expected) = parse::value(kind, &text) {
            prop_assert_eq!(expected, parse::expected(kind));
        }
    }

    #[test]
    fn durations_that_are_printed_can_be_read(millis in any::<u32>()) {
        let duration = Duration::from_millis(millis.into());
        prop_assert_eq!(parse::parse_duration(&parse::display(duration)), Some(duration));
    }

    #[test]
    fn ranges_that_are_printed_can_be_read(address in any::<std::net::IpAddr>(), length in 0..=128_u8) {
        if let Ok(range) = ipnet::IpNet::new(address, length) {
            prop_assert_eq!(parse::parse_net(&range.to_string()), Some(range.trunc()));
        }
    }

    #[test]
    fn maps_that_are_printed_can_be_read(
        map in prop::collection::btree_map("[a-z.]{1,5}", "([a-z=,][a-z=, ]{0,6}[a-z=,])?", 0..5)
    ) {
        let item = |(key, value): (&String, &String)| format!("{key}={}", value.replace(',', r"\,"));
        let text: Vec<String> = map.iter().map(item).collect();
        prop_assert_eq!(parse::parse_map(&text.join(",")), Some(map));
    }
}

use cloud_lb_core::controller::Options;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

fn complaint(text: &str) -> Option<String> {
    let wrong = parse::<Options>(text).err()?;
    Some(wrong.complaint::<Options>("a.yaml", text))
}

#[test]
fn a_wrong_type_is_told_with_key_value_and_what_is_expected() {
    for (text, expected) in [
        (
            "concurrency: soon",
            r#"a.yaml:1:14: concurrency: "soon" is not valid, expected a whole number, 0 or more"#,
        ),
        ("concurrency: -1", "a.yaml:1:14: concurrency: -1 is not valid, expected a whole number, 0 or more"),
        (
            "retryJitter: 300",
            "a.yaml:1:14: retryJitter: 300 is not valid, expected a whole number from 0 to 255",
        ),
        ("retryJitter: []", "a.yaml:1:14: retryJitter: [] is not valid, expected a whole number such as 10"),
        ("callTimeout: 5", "a.yaml:1:14: callTimeout: 5 is not valid, expected a duration such as 1m"),
        ("callTimeout: ''", r#"a.yaml:1:14: callTimeout: "" is not valid, expected a duration such as 1m"#),
        ("callTimeout:", "a.yaml:1:12: callTimeout: null is not valid, expected a duration such as 1m"),
        (
            "deleteOrphans: maybe",
            r#"a.yaml:1:16: deleteOrphans: "maybe" is not valid, expected true or false"#,
        ),
        (
            "clusterName: {a: b}",
            r#"a.yaml:1:14: clusterName: {"a":"b"} is not valid, expected text such as kubernetes"#,
        ),
        ("namespace: [a]", r#"a.yaml:1:12: namespace: ["a"] is not valid, expected text or a number"#),
        ("classes: 1", "a.yaml:1:10: classes: 1 is not valid, expected a mapping of classes, classless"),
        ("classes: {classes: 1}", "a.yaml:1:20: classes.classes: 1 is not valid, expected a list"),
        (
            "classes:\n  classes:\n  - {}",
            "a.yaml:3:5: classes.classes[0]: {} is not valid, expected text or a number",
        ),
    ] {
        assert_eq!(complaint(text).as_deref(), Some(expected), "{text}");
    }
}

#[test]
fn what_else_is_wrong_is_told_by_its_key_too() {
    let begins = |text: &str, expected: &str| {
        let complaint = complaint(text).unwrap();
        assert!(complaint.starts_with(expected), "{text}: {complaint}");
    };
    begins("concurency: 3", "a.yaml:1:1: unknown field `concurency`, expected one of clusterName, ");
    begins("nodes: {x: 1}", "a.yaml:1:9: nodes: unknown field `x`, expected one of drainTaints, ");
    begins(
        "nodes: {newNodes: later}",
        "a.yaml:1:19: nodes.newNodes: unknown variant `later`, expected one of atOnce, whenReady",
    );
    begins("concurrency: 1\nconcurrency: 2", "a.yaml:2:1: duplicate mapping key: concurrency");
    begins("concurrency: 1\n---\n", "a.yaml:2:");
    begins("- 1", "a.yaml:1:1: [1] is not valid, expected a mapping of ");
    begins("minRetryDelay: *a", "a.yaml:1:16: ");
    assert_eq!(complaint(""), None, "nothing is set");
}

/// Whatever stands in a file that is YAML.
fn any_value() -> impl Strategy<Value = Value> {
    let scalar = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(|number| json!(number)),
        "[ -~äß€]{0,12}".prop_map(Value::from),
        "[0-9]{1,3}(ms|s|m|h|d|w)".prop_map(Value::from),
    ];
    scalar.prop_recursive(3, 12, 4, |inner| {
        let fields = proptest::collection::btree_map("[ -~]{0,6}", inner.clone(), 0..4);
        prop_oneof![
            proptest::collection::vec(inner, 0..4).prop_map(Value::from),
            fields.prop_map(|fields| Value::Object(fields.into_iter().collect())),
        ]
    })
}

fn any_key() -> impl Strategy<Value = String> {
    let Value::Object(options) = json!(Options::default()) else { panic!("no object") };
    let known: Vec<String> = options.keys().cloned().collect();
    prop_oneof![4 => proptest::sample::select(known), 1 => "[a-zA-Z]{1,12}"]
}

proptest! {
    #[test]
    fn any_value_of_any_key_is_taken_or_refused_by_its_name(key in any_key(), value in any_value()) {
        let text = json!({&key: value}).to_string();
        if let Some(complaint) = complaint(&text) {
            let (place, rest) = complaint.split_once(": ").unwrap();
            prop_assert!(place.starts_with("a.yaml:1:"), "{complaint}");
            prop_assert!(rest.contains(&key), "{complaint}");
            prop_assert!(rest.contains("expected"), "{complaint}");
        }
    }

    #[test]
    fn no_text_makes_the_reader_panic(text in ".{0,60}") {
        if let Some(complaint) = complaint(&text) {
            prop_assert!(complaint.starts_with("a.yaml"), "{complaint}");
        }
    }

    /// What is taken but cannot be meant is refused by the line of its key.
    #[test]
    fn what_is_out_of_range_is_refused_where_it_stands(key in any_key(), value in any_value()) {
        let text = format!("# settings\n{key}: {value}\n");
        let Ok(options) = parse::<Options>(&text) else { return Ok(()) };
        let Err(error) = options.validate() else { return Ok(()) };
        let file = Settings { value: options, file: "a.yaml".to_owned(), lines: Lines::of_text(&text) };
        let complaint = file.refused(&error).to_string();
        prop_assert!(complaint.contains("expected"), "{complaint}");
        prop_assert!(complaint.contains(&key), "{complaint}");
    }
}

use proptest::prelude::*;
use serde_json::json;

use super::*;

#[test]
fn aws_3_all_mistakes_are_reported_together() {
    let config = Config {
        backend_security_group: "group".into(),
        node_sg_rule_budget: 0,
        default_tags: [("service.k8s.aws/stack".to_owned(), "x".to_owned())].into(),
        ..Config::default()
    };
    let error = config.validate().unwrap_err();
    let fields: Vec<&str> = error.violations().iter().map(|v| v.field.as_str()).collect();
    assert_eq!(fields, ["default-tags", "backend-security-group", "node-sg-rule-budget", "cluster-name"]);
}

#[test]
fn aws_1_keys_are_the_flags_and_unknown_ones_are_refused() {
    let config: Config =
        serde_json::from_str(r#"{"cluster-name": "c", "default-target-type": "ip"}"#).unwrap();
    assert_eq!(config.default_target_type, TargetType::Ip);
    assert!(serde_json::from_str::<Config>(r#"{"cluster": "c"}"#).is_err());
}

proptest! {
    #[test]
    fn aws_1_any_text_is_a_configuration_or_refused(
        key in "(cluster-name|default-tags|node-sg-rule-budget|sg-rule-limit|default-target-type|[a-z-]{1,10})",
        value in ".{0,30}",
    ) {
        if let Ok(config) = serde_saphyr::from_str::<Config>(&format!("{key}: {value}")) {
            let again: Config = serde_json::from_str(&serde_json::to_string(&config).unwrap()).unwrap();
            prop_assert_eq!(&again, &config);
            // Whatever was read can be judged.
            let _ = config.validate();
        }
    }
}

#[test]
fn aws_1_and_2_defaults_are_those_of_the_specification() {
    let defaults = serde_json::to_value(Config::default()).unwrap();
    for (key, expected) in [
        ("load-balancer-class", json!(["service.k8s.aws/nlb"])),
        ("default-target-type", json!("instance")),
        ("default-load-balancer-scheme", json!("internal")),
        ("default-ssl-policy", json!("ELBSecurityPolicy-2016-08")),
        ("default-tags", json!({})),
        ("external-managed-tags", json!([])),
        ("enable-backend-security-group", json!(true)),
        ("backend-security-group", json!("")),
        ("enable-manage-backend-security-group-rules", json!(false)),
        ("disable-restricted-sg-rules", json!(false)),
        ("service-target-eni-security-group-tags", json!({})),
        ("max-targets-per-target-group", json!(0)),
        ("lb-stabilization-monitor-interval-seconds", json!(120)),
        ("aws-max-retries", json!(10)),
        ("nlb-security-group", json!(true)),
        ("subnets-cluster-tag-check", json!(true)),
        ("subnet-discovery-by-reachability", json!(true)),
        ("endpoints-fail-open", json!(true)),
        ("enable-ip-target-type", json!(true)),
        ("enable-default-tags-low-priority", json!(false)),
        ("enable-tcp-udp-listener", json!(true)),
    ] {
        assert_eq!(defaults[key], expected, "{key}");
    }
}

#[test]
fn aws_39_default_tags_are_tags_that_aws_takes() {
    let long = "x".repeat(257);
    for (key, value) in
        [("team", "a & b"), ("te;am", "web"), ("aws:team", "web"), ("", "web"), ("team", &long)]
    {
        let default_tags = [(key.to_owned(), value.to_owned())].into();
        let error = Config { default_tags, ..Config::for_cluster("c") }.validate().unwrap_err();
        let [violation] = error.violations() else { panic!("{error}") };
        assert_eq!(
            (violation.field.as_str(), violation.value.clone()),
            ("default-tags", format!("{key}={value}"))
        );
    }
    let default_tags = [("tägs/of:x".to_owned(), "a_b.c:/=+-@ d".to_owned())].into();
    Config { default_tags, ..Config::for_cluster("c") }.validate().unwrap();
}

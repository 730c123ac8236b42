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

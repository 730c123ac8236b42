use proptest::prelude::*;

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

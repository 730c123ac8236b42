use super::*;
use crate::fixtures::account;

#[test]
fn facts_read_back_as_they_were_written() {
    let text = std::fs::read_to_string("tests/environment.yaml").unwrap();
    let account: Account = serde_saphyr::from_str(&text).unwrap();
    assert_eq!(account.subnets.len(), 3);
    let written = serde_saphyr::to_string(&account).unwrap();
    assert_eq!(serde_saphyr::from_str::<Account>(&written).unwrap(), account);
    assert!(serde_saphyr::from_str::<Account>("Subnetz: []").is_err());
}

#[test]
fn aws_37_resources_are_found_by_their_tags_also_by_the_legacy_ones() {
    let service = crate::fixtures::service(&[80], &[]).service;
    let tags = |pairs: &[(&str, &str)]| -> Tags {
        pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
    };
    for (pairs, expected) in [
        (tags(&[(CLUSTER_TAG, "my-cluster"), (STACK_TAG, "default/web")]), true),
        (tags(&[(LEGACY_CLUSTER_TAG, "my-cluster"), (STACK_TAG, "default/web")]), true),
        (tags(&[(CLUSTER_TAG, "other"), (STACK_TAG, "default/web")]), false),
        (
            tags(&[(CLUSTER_TAG, "other"), (LEGACY_CLUSTER_TAG, "my-cluster"), (STACK_TAG, "default/web")]),
            false,
        ),
        (tags(&[(CLUSTER_TAG, "my-cluster"), (STACK_TAG, "default/web2")]), false),
        (tags(&[(STACK_TAG, "default/web")]), false),
    ] {
        assert_eq!(is_of_stack(&pairs, &service), expected, "{pairs:?}");
    }
}

#[test]
fn aws_97_of_several_backend_groups_the_first_counts() {
    let mut account = account();
    let group = |id: &str, cluster: &str| GroupFacts {
        group_id: id.into(),
        vpc_id: "vpc-1".into(),
        tags: [(CLUSTER_TAG, cluster), (SHARED_RESOURCE_TAG, BACKEND_GROUP)]
            .map(|(k, v)| (k.into(), v.into()))
            .into(),
        ..GroupFacts::default()
    };
    account.security_groups.extend([
        group("sg-3", "my-cluster"),
        group("sg-2", "my-cluster"),
        group("sg-1", "other"),
    ]);
    assert_eq!(account.backend_group("my-cluster").unwrap().group_id, "sg-2");
    assert_eq!(account.backend_group("third"), None);
}

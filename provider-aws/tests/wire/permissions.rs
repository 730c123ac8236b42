//! The minimal policy, the list of actions, and what the code calls are the same set (AWS-250).
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a helper that fails fails its test")]

use std::collections::BTreeSet;

use provider_aws::permissions::{ACTIONS, FACTS_ACTIONS, IMPLICIT_ACTIONS};
use provider_aws::{Permission, Verdict};
use serde_json::Value;

use super::server::Server;

const POLICY: &str = include_str!("../../../deploy/iam/aws.json");
const FACTS_POLICY: &str = include_str!("../../../deploy/iam/aws-facts.json");
const API: &str = include_str!("../../src/api.rs");

/// Methods whose actions have other names than they.
const RENAMED: &[(&str, &str)] = &[
    ("authorize_ingress", "AuthorizeSecurityGroupIngress"),
    ("revoke_ingress", "RevokeSecurityGroupIngress"),
    ("add_listener_certificate", "AddListenerCertificates"),
    ("remove_listener_certificate", "RemoveListenerCertificates"),
];

fn listed(actions: &Value) -> Vec<String> {
    actions.as_array().unwrap().iter().map(|action| action.as_str().unwrap().to_owned()).collect()
}

fn granted(policy: &str) -> BTreeSet<String> {
    let policy: Value = serde_json::from_str(policy).unwrap();
    policy["Statement"]
        .as_array()
        .unwrap()
        .iter()
        .flat_map(|statement| listed(&statement["Action"]))
        .collect()
}

fn camel(method: &str) -> String {
    let word = |word: &str| format!("{}{}", word[..1].to_uppercase(), &word[1..]);
    let renamed = RENAMED.iter().find(|(name, _)| *name == method);
    renamed.map_or_else(|| method.split('_').map(word).collect(), |(_, action)| (*action).to_owned())
}

#[test]
fn aws_250_the_policy_grants_exactly_what_the_code_calls() {
    let methods = API.lines().filter_map(|line| line.trim().strip_prefix("fn ")?.split_once('('));
    let called: BTreeSet<String> = methods.map(|(name, _)| camel(name)).collect();
    assert!(called.len() > 35, "{called:?}");
    // What Elastic Load Balancing calls with our credentials: of the lists in its user guide, "Elastic Load
    // Balancing API permissions", what we do not call as well.
    assert_eq!(
        IMPLICIT_ACTIONS,
        ["ec2:DescribeAccountAttributes", "ec2:DescribeInternetGateways", "iam:CreateServiceLinkedRole"]
    );
    let names = |actions: &BTreeSet<String>| -> BTreeSet<String> {
        let own = actions.iter().filter(|action| !IMPLICIT_ACTIONS.contains(&action.as_str()));
        own.map(|action| action.split_once(':').unwrap().1.to_owned()).collect()
    };
    let granted = granted(POLICY);
    assert!(IMPLICIT_ACTIONS.iter().all(|action| granted.contains(*action)), "{granted:?}");
    assert_eq!(names(&granted), called);
    assert_eq!(granted, ACTIONS.iter().map(|action| (*action).to_owned()).collect());
}

#[test]
fn aws_250_descriptions_have_a_policy_of_their_own_for_what_no_controller_calls() {
    let source = include_str!("../../src/sdk/acm.rs");
    let called = source.match_indices("calls.read(\"").map(|(at, start)| {
        let (action, _) = source[at + start.len()..].split_once('"').unwrap();
        format!("acm:{action}")
    });
    let granted = granted(FACTS_POLICY);
    assert_eq!(granted, called.collect());
    assert_eq!(granted, FACTS_ACTIONS.iter().map(|action| (*action).to_owned()).collect());
    assert!(!source.contains("calls.write("), "it reads");
}

#[test]
fn aws_251_nothing_is_granted_that_network_load_balancers_do_not_need() {
    for action in granted(POLICY) {
        let service = action.split_once(':').unwrap().0;
        assert!(["ec2", "elasticloadbalancing", "iam"].contains(&service), "{action}");
        assert!(!action.contains("Rule") && !action.contains('*'), "{action}");
    }
}

#[tokio::test]
async fn aws_252_permissions_are_checked_without_changing_anything() {
    let server = Server::start().await;
    let sdk = server.sdk(1).await;
    let permissions = sdk.check_permissions("vpc-1").await;
    assert_eq!(permissions.len(), ACTIONS.len());
    let requests = server.requests();
    let writes = requests.split("Action=").skip(1).filter(|request| !request.starts_with("Describe"));
    let mut count = 0;
    for write in writes {
        count += 1;
        assert!(write.contains("DryRun=true"), "{write}");
    }
    assert_eq!(count, 6, "{requests}");
    let unchecked = |permission: &&Permission| matches!(permission.verdict, Verdict::NotChecked(_));
    let unchecked: Vec<&str> = permissions.iter().filter(unchecked).map(|one| one.action.as_str()).collect();
    insta::assert_snapshot!(unchecked.join("\n"));
}

#[tokio::test]
async fn aws_252_a_refused_action_says_what_to_add() {
    let server = Server::start().await;
    let sdk = server.sdk(1).await;
    let refusal = "<Response><Errors><Error><Code>UnauthorizedOperation</Code><Message>no</Message></Error>\
                   </Errors><RequestID>id-1</RequestID></Response>";
    // The first request looks for security groups, the second is the first action's.
    server.answer_next((200, "<DescribeSecurityGroupsResponse/>".to_owned()));
    server.answer_next((403, refusal.to_owned()));
    let permissions = sdk.check_permissions("vpc-1").await;
    let denied: Vec<&Permission> =
        permissions.iter().filter(|one| matches!(one.verdict, Verdict::Denied(_))).collect();
    insta::assert_debug_snapshot!(denied);
}

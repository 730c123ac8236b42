//! The error table over the wire, in the two forms that the two APIs have.

use cloud_lb_core::error::{Effect, Error, ErrorKind, Retry};
use provider_aws::api::{Api, Groups, NewSecurityGroup, Which};
use provider_aws::kinds::Pairs;
use provider_aws::{AccessKeys, Config, Credentials, Sdk};

use super::server::{Server, keys};

const ARN: &str = "arn:aws:elasticloadbalancing:eu-west-1:1:loadbalancer/net/a/1";

fn elbv2(status: u16, code: &str) -> (u16, String) {
    let body = format!(
        "<ErrorResponse xmlns=\"http://elasticloadbalancing.amazonaws.com/doc/2015-12-01/\"><Error>\
         <Type>Sender</Type><Code>{code}</Code><Message>What AWS says.</Message></Error>\
         <RequestId>id-1</RequestId></ErrorResponse>"
    );
    (status, body)
}

fn ec2(status: u16, code: &str) -> (u16, String) {
    let body = format!(
        "<Response><Errors><Error><Code>{code}</Code><Message>What AWS says.</Message></Error></Errors>\
         <RequestID>id-1</RequestID></Response>"
    );
    (status, body)
}

fn line(code: &str, error: &Error) -> String {
    let (kind, retry, effect) = (error.kind(), error.retry(), error.effect());
    assert_eq!(error.request_id(), Some("id-1"), "{code}");
    format!("{code}: {kind:?}, {retry:?}, effect {effect:?}\n    {error}\n")
}

#[tokio::test]
async fn aws_210_codes_of_elastic_load_balancing() {
    let server = Server::start().await;
    let sdk = server.sdk(1).await;
    let mut table = String::new();
    let codes = [
        (400, "Throttling"),
        (429, "PriorRequestNotComplete"),
        (500, "InternalError"),
        (503, "ServiceUnavailable"),
        (400, "ResourceInUse"),
        (400, "OperationNotPermitted"),
        (400, "LoadBalancerNotFound"),
        (400, "TargetGroupNotFound"),
        (400, "ListenerNotFound"),
        (400, "DuplicateLoadBalancerName"),
        (400, "TooManyTargets"),
        (400, "InvalidSubnet"),
        (400, "CertificateNotFound"),
        (400, "ValidationError"),
        (403, "AccessDenied"),
        (403, "ExpiredToken"),
        (403, "InvalidClientTokenId"),
    ];
    for (status, code) in codes {
        server.answer_next(elbv2(status, code));
        table += &line(code, &sdk.delete_load_balancer(ARN).await.unwrap_err());
    }
    insta::assert_snapshot!(table);
}

#[tokio::test]
async fn aws_211_codes_of_ec2_which_the_sdk_does_not_model() {
    let server = Server::start().await;
    let sdk = server.sdk(1).await;
    let mut table = String::new();
    let codes = [
        (503, "RequestLimitExceeded"),
        (400, "DependencyViolation"),
        (400, "InvalidGroup.NotFound"),
        (400, "InvalidGroup.Duplicate"),
        (400, "InvalidPermission.Duplicate"),
        (400, "InvalidPermission.NotFound"),
        (400, "RulesPerSecurityGroupLimitExceeded"),
        (400, "SecurityGroupLimitExceeded"),
        (403, "UnauthorizedOperation"),
        (401, "AuthFailure"),
    ];
    for (status, code) in codes {
        server.answer_next(ec2(status, code));
        table += &line(code, &sdk.delete_security_group("sg-1").await.unwrap_err());
    }
    insta::assert_snapshot!(table);
}

#[tokio::test]
async fn aws_206_a_name_that_does_not_exist_is_an_empty_list_and_an_arn_is_an_error() {
    let server = Server::start().await;
    let sdk = server.sdk(1).await;
    server.answer_next(elbv2(400, "LoadBalancerNotFound"));
    assert_eq!(sdk.describe_load_balancers(Which::Name("a")).await.unwrap(), []);
    server.answer_next(elbv2(400, "TargetGroupNotFound"));
    assert_eq!(sdk.describe_target_groups(Which::Name("a")).await.unwrap(), []);
    server.answer_next(elbv2(400, "LoadBalancerNotFound"));
    let error = sdk.describe_load_balancers(Which::Arns(&[ARN.to_owned()])).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
    server.answer_next(ec2(400, "InvalidGroup.NotFound"));
    let error = sdk.describe_security_groups(Groups::Ids(&["sg-1".to_owned()])).await.unwrap_err();
    assert_eq!((error.kind(), error.operation()), (ErrorKind::NotFound, Some("DescribeSecurityGroups")));
}

#[tokio::test]
async fn aws_236_a_throttled_attempt_is_tried_again_and_counted() {
    let server = Server::start().await;
    let sdk = server.sdk(3).await;
    server.answer_next(elbv2(400, "Throttling"));
    sdk.delete_load_balancer(ARN).await.unwrap();
    server.answer_next(ec2(503, "RequestLimitExceeded"));
    sdk.delete_security_group("sg-1").await.unwrap();
    let counts = sdk.counts();
    let of = |action: &str| (counts[action].calls, counts[action].errors, counts[action].throttles);
    assert_eq!(of("elasticloadbalancing:DeleteLoadBalancer"), (1, 0, 1));
    assert_eq!(of("ec2:DeleteSecurityGroup"), (1, 0, 1));
}

#[tokio::test]
async fn an_answer_that_cannot_be_read_leaves_it_open_what_a_write_did() {
    let server = Server::start().await;
    let sdk = server.sdk(1).await;
    server.answer_next((200, "<no".to_owned()));
    let new = NewSecurityGroup {
        name: "a".into(),
        description: "a".into(),
        vpc_id: "vpc-1".into(),
        tags: Pairs::default(),
    };
    let error = sdk.create_security_group(&new).await.unwrap_err();
    assert_eq!((error.kind(), error.effect()), (ErrorKind::Unavailable, Effect::Unknown));
    server.answer_next((200, "<no".to_owned()));
    let error = sdk.describe_subnets("vpc-1").await.unwrap_err();
    assert_eq!((error.kind(), error.effect()), (ErrorKind::Unavailable, Effect::None));
}

#[tokio::test]
async fn nobody_at_the_endpoint_is_unavailable_and_to_be_tried_again() {
    let mut config = Config::for_cluster("c");
    config.aws_region = "eu-west-1".into();
    config.aws_max_retries = 1;
    // The discard port, where nobody listens.
    config.endpoint_elbv2 = "http://127.0.0.1:9".into();
    config.endpoint_ec2.clone_from(&config.endpoint_elbv2);
    let sdk = Sdk::connect(&config, Credentials::Keys(keys())).await.unwrap();
    let error = sdk.delete_load_balancer(ARN).await.unwrap_err();
    assert_eq!((error.kind(), error.retry()), (ErrorKind::Unavailable, Retry::Backoff));
}

#[tokio::test]
async fn secrets_are_in_no_text() {
    let server = Server::start().await;
    let sdk = server.sdk(1).await;
    server.answer_next(ec2(403, "UnauthorizedOperation"));
    let error = sdk.delete_security_group("sg-1").await.unwrap_err();
    let texts = [
        format!("{sdk:?}"),
        format!("{:?}", keys()),
        format!("{:?}", Credentials::Keys(keys())),
        format!("{error:?}"),
    ];
    let AccessKeys { secret_access_key, session_token, .. } = keys();
    for text in texts {
        assert!(
            !text.contains(&secret_access_key) && !text.contains(&session_token.clone().unwrap()),
            "{text}"
        );
    }
}

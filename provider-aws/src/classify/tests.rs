use cloud_lb_core::call::Access;
use cloud_lb_core::error::{Effect, ErrorKind, Retry};

use super::*;

const WRITE: Call = Call { service: Service::Elbv2, operation: "CreateLoadBalancer", access: Access::Write };

/// AWS-210, row by row, in the words of the specification.
const SPECIFIED: &[(ErrorKind, &[&str])] = &[
    (
        ErrorKind::Throttled,
        &[
            "Throttling",
            "ThrottlingException",
            "RequestLimitExceeded",
            "TooManyRequestsException",
            "PriorRequestNotComplete",
        ],
    ),
    (
        ErrorKind::Unavailable,
        &[
            "InternalError",
            "ServiceUnavailable",
            "RequestTimeout",
            "HealthUnavailable",
            "InsufficientCapacity",
        ],
    ),
    (
        ErrorKind::InUse,
        &["ResourceInUse", "DependencyViolation", "CapacityReservationPending", "OperationNotPermitted"],
    ),
    (
        ErrorKind::NotFound,
        &["ListenerNotFound", "TargetGroupNotFound", "InvalidGroup.NotFound", "LoadBalancerNotFound"],
    ),
    (
        ErrorKind::Conflict,
        &[
            "InvalidPermission.Duplicate",
            "InvalidPermission.NotFound",
            "DuplicateListener",
            "DuplicateTargetGroupName",
            "DuplicateLoadBalancerName",
            "InvalidGroup.Duplicate",
        ],
    ),
    (
        ErrorKind::Quota,
        &[
            "TooManyLoadBalancers",
            "TooManyTargetGroups",
            "TooManyListeners",
            "TooManyTargets",
            "TooManyCertificates",
            "TooManyTags",
            "TooManyRegistrationsForTargetId",
            "TooManyUniqueTargetGroupsPerLoadBalancer",
            "TargetGroupAssociationLimit",
            "RulesPerSecurityGroupLimitExceeded",
            "SecurityGroupLimitExceeded",
        ],
    ),
    (
        ErrorKind::InvalidInput,
        &[
            "InvalidConfigurationRequest",
            "InvalidSubnet",
            "SubnetNotFound",
            "InvalidSecurityGroup",
            "AllocationIdNotFound",
            "AvailabilityZoneNotSupported",
            "CertificateNotFound",
            "SSLPolicyNotFound",
            "ALPNPolicyNotSupported",
            "IncompatibleProtocols",
            "UnsupportedProtocol",
            "InvalidScheme",
            "ValidationError",
        ],
    ),
    (
        ErrorKind::PermissionDenied,
        &["AccessDenied", "UnauthorizedOperation", "ExpiredToken", "InvalidClientTokenId"],
    ),
];

#[test]
fn aws_210_every_code_has_its_class_with_and_without_the_ending_of_the_sdk() {
    for (kind, codes) in SPECIFIED {
        for code in *codes {
            assert_eq!(of_answer(WRITE, 400, code, "text").kind(), *kind, "{code}");
            let variant = format!("{}Exception", code.trim_end_matches("Exception"));
            assert_eq!(of_answer(WRITE, 400, &variant, "text").kind(), *kind, "{variant}");
        }
    }
}

#[test]
fn aws_210_no_code_stands_in_two_classes() {
    let mut codes: Vec<&str> = table::TABLE.iter().flat_map(|class| class.codes).copied().collect();
    let all = codes.len();
    codes.sort_unstable();
    codes.dedup();
    assert_eq!(codes.len(), all);
}

#[test]
fn aws_210_codes_that_nobody_knows_are_judged_by_status_and_form() {
    let kind = |status, code| of_answer(WRITE, status, code, "text").kind();
    assert_eq!(kind(429, "Odd"), ErrorKind::Throttled);
    assert_eq!(kind(503, "Odd"), ErrorKind::Unavailable);
    assert_eq!(kind(403, "Odd"), ErrorKind::PermissionDenied);
    assert_eq!(kind(400, "TooManyOddThings"), ErrorKind::Quota);
    assert_eq!(kind(400, "OddLimitExceeded"), ErrorKind::Quota);
    assert_eq!(kind(400, ""), ErrorKind::InvalidInput);
}

#[test]
fn aws_210_retry_and_effect_follow_from_the_class() {
    let error = |code| of_answer(WRITE, 400, code, "text");
    assert_eq!(error("InternalError").effect(), Effect::Unknown);
    assert_eq!(error("Throttling").effect(), Effect::None);
    assert_eq!(error("DependencyViolation").retry(), Retry::Backoff);
    assert_eq!(error("InvalidSubnet").retry(), Retry::Backoff, "the account may change");
    assert_eq!(error("TooManyListeners").retry(), Retry::After(AFTER_A_PERSON));
    let read = Call { access: Access::Read, ..WRITE };
    assert_eq!(of_answer(read, 500, "InternalError", "text").effect(), Effect::None);
}

#[test]
fn aws_210_a_missing_permission_names_the_action_and_the_statement() {
    let text = "User: arn:aws:sts::1:assumed-role/x/y is not authorized. Encoded authorization failure \
                message: Zm9v";
    let call = Call { service: Service::Ec2, operation: "CreateSecurityGroup", access: Access::Write };
    let error = of_answer(call, 403, "UnauthorizedOperation", text);
    insta::assert_snapshot!(error.to_string(), @r#"no permission for ec2:CreateSecurityGroup (UnauthorizedOperation); a policy of our role needs the statement {"Effect": "Allow", "Action": "ec2:CreateSecurityGroup", "Resource": "*"}, or a condition of deploy/iam/aws.json is not met"#);
    assert!(std::error::Error::source(&error).is_some_and(|cause| cause.to_string() == text));
}

#[test]
fn aws_210_a_refusal_of_what_elb_calls_with_our_credentials_names_that_action() {
    let text = "User: arn:aws:sts::1:assumed-role/x/y is not authorized to perform: \
                ec2:DescribeInternetGateways because no identity-based policy allows the \
                ec2:DescribeInternetGateways action";
    let error = of_answer(WRITE, 403, "AccessDenied", text);
    insta::assert_snapshot!(error.to_string(), @r#"no permission for ec2:DescribeInternetGateways (AccessDenied), which elasticloadbalancing:CreateLoadBalancer needs; a policy of our role needs the statement {"Effect": "Allow", "Action": "ec2:DescribeInternetGateways", "Resource": "*"}, or a condition of deploy/iam/aws.json is not met"#);
    for odd in ["is not authorized to perform: ", "not authorized to perform: this operation", "no"] {
        assert!(
            of_answer(WRITE, 403, "AccessDenied", odd).to_string().contains("for elasticloadbalancing:Cr")
        );
    }
}

#[test]
fn aws_210_the_text_holds_code_words_of_aws_and_advice() {
    let error = of_answer(WRITE, 400, "TooManyLoadBalancers", "The maximum has been reached.");
    insta::assert_snapshot!(error.to_string(), @r#"TooManyLoadBalancers: The maximum has been reached; raise the quota "Network Load Balancers per Region""#);
}

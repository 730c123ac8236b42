//! The codes.

use cloud_lb_core::error::ErrorKind;

/// What a code means.
#[derive(Debug)]
pub(crate) struct Class {
    /// Codes, without the ending `Exception`, which some SDKs and services add.
    pub(crate) codes: &'static [&'static str],
    pub(crate) kind: ErrorKind,
    /// Whether a write that is answered so may have been carried out all the same.
    pub(crate) may_have_acted: bool,
    /// Whether it says that a policy lacks the action.
    pub(crate) is_missing_permission: bool,
    /// What to do about it; empty where AWS's text says it all.
    pub(crate) advice: &'static str,
}

const fn class_of(codes: &'static [&'static str], kind: ErrorKind, advice: &'static str) -> Class {
    Class { codes, kind, may_have_acted: false, is_missing_permission: false, advice }
}

/// All codes that we tell apart. [`class`] says what all others mean.
pub(crate) const TABLE: &[Class] = &[
    // Throttling: the rate of the action's family is lowered.
    class_of(
        &[
            "Throttling",
            "Throttled",
            "RequestThrottled",
            "RequestLimitExceeded",
            "TooManyRequests",
            "BandwidthLimitExceeded",
            "SlowDown",
            "PriorRequestNotComplete",
        ],
        ErrorKind::Throttled,
        "fewer calls are made for a while",
    ),
    // Transient: nobody knows whether a write was carried out.
    Class {
        may_have_acted: true,
        ..class_of(
            &[
                "InternalError",
                "InternalFailure",
                "InternalServerError",
                "Internal",
                "ServiceUnavailable",
                "Unavailable",
                "RequestTimeout",
                "HealthUnavailable",
            ],
            ErrorKind::Unavailable,
            "it is tried again",
        )
    },
    class_of(
        &["InsufficientCapacity", "InsufficientFreeAddressesInSubnet", "InsufficientAddressCapacity"],
        ErrorKind::Unavailable,
        "AWS has no room at the moment, or a subnet has fewer than 8 free addresses; it is tried again",
    ),
    // Dependencies: something has to go first.
    class_of(
        &["ResourceInUse", "DependencyViolation", "CapacityReservationPending", "InvalidGroup.InUse"],
        ErrorKind::InUse,
        "",
    ),
    class_of(
        &["OperationNotPermitted"],
        ErrorKind::InUse,
        "if it is protected against deletion, take deletion_protection.enabled=true out of the attributes",
    ),
    // What the call names is not there, or not yet to be seen.
    class_of(
        &[
            "LoadBalancerNotFound",
            "TargetGroupNotFound",
            "ListenerNotFound",
            "ResourceNotFound",
            "RuleNotFound",
            "InvalidGroup.NotFound",
            "InvalidGroupId.NotFound",
            "InvalidSecurityGroupID.NotFound",
            "InvalidVpcID.NotFound",
            "InvalidInstanceID.NotFound",
            "InvalidNetworkInterfaceID.NotFound",
        ],
        ErrorKind::NotFound,
        "",
    ),
    // Races: somebody else was faster.
    class_of(
        &[
            "InvalidPermission.Duplicate",
            "InvalidPermission.NotFound",
            "InvalidSecurityGroupRuleId.NotFound",
            "DuplicateListener",
            "DuplicateTargetGroupName",
            "DuplicateLoadBalancerName",
            "InvalidGroup.Duplicate",
        ],
        ErrorKind::Conflict,
        "",
    ),
    // Quotas.
    class_of(
        &["TooManyLoadBalancers"],
        ErrorKind::Quota,
        "raise the quota \"Network Load Balancers per Region\"",
    ),
    class_of(&["TooManyTargetGroups"], ErrorKind::Quota, "raise the quota \"Target Groups per Region\""),
    class_of(
        &["TooManyListeners"],
        ErrorKind::Quota,
        "a Network Load Balancer has at most 50 listeners: split the Service",
    ),
    class_of(
        &["TooManyTargets"],
        ErrorKind::Quota,
        "raise the quotas of targets per target group, zone and load balancer, or set \
         max-targets-per-target-group or a node label selector",
    ),
    class_of(
        &["TooManyCertificates"],
        ErrorKind::Quota,
        "raise the quota \"Certificates per Network Load Balancer\"",
    ),
    class_of(&["TooManyTags", "TagLimitExceeded"], ErrorKind::Quota, "a resource has at most 50 tags"),
    class_of(
        &[
            "TooManyRegistrationsForTargetId",
            "TooManyUniqueTargetGroupsPerLoadBalancer",
            "TooManyActions",
            "TooManyRules",
            "TargetGroupAssociationLimit",
            "CapacityUnitsLimitExceeded",
            "CapacityDecreaseRequestsLimitExceeded",
        ],
        ErrorKind::Quota,
        "",
    ),
    class_of(
        &["RulesPerSecurityGroupLimitExceeded"],
        ErrorKind::Quota,
        "raise the quota \"Inbound or outbound rules per security group\", or lower node-sg-rule-budget; a prefix \
         list takes as many places as it may have entries at most",
    ),
    class_of(
        &["SecurityGroupLimitExceeded"],
        ErrorKind::Quota,
        "raise the quota \"VPC security groups per Region\"",
    ),
    class_of(
        &["SecurityGroupsPerInterfaceLimitExceeded"],
        ErrorKind::Quota,
        "raise the quota \"Security groups per network interface\"",
    ),
    // What the Service or the configuration asks for does not fit the account.
    class_of(
        &[
            "InvalidConfigurationRequest",
            "InvalidTarget",
            "InvalidSecurityGroup",
            "AllocationIdNotFound",
            "InvalidAllocationID.NotFound",
            "InvalidAddress.NotFound",
            "InvalidIPAddress.InUse",
            "AvailabilityZoneNotSupported",
            "CertificateNotFound",
            "UnsupportedCertificate",
            "SSLPolicyNotFound",
            "ALPNPolicyNotSupported",
            "IncompatibleProtocols",
            "UnsupportedProtocol",
            "InvalidScheme",
            "InvalidLoadBalancerAction",
            "DuplicateTagKeys",
            "ValidationError",
            "Validation",
            "InvalidParameterValue",
            "InvalidParameter",
            "InvalidParameterCombination",
            "InvalidInput",
            "MissingParameter",
            "InvalidPermission.Malformed",
            "InvalidGroupId.Malformed",
            "InvalidPrefixListID.NotFound",
            "InvalidPrefixListId.NotFound",
            "PrefixListNotFound",
        ],
        ErrorKind::InvalidInput,
        "",
    ),
    class_of(
        &["InvalidSubnet", "SubnetNotFound", "InvalidSubnetID.NotFound"],
        ErrorKind::InvalidInput,
        "every subnet needs a zone of its own, 8 free addresses and, if internet-facing, a route to an \
         internet gateway",
    ),
    class_of(
        &["InvalidAction", "UnknownOperation", "UnsupportedOperation", "Unsupported"],
        ErrorKind::Unsupported,
        "this region or endpoint does not have it",
    ),
    // Permissions and credentials.
    Class {
        is_missing_permission: true,
        ..class_of(&["AccessDenied", "UnauthorizedOperation"], ErrorKind::PermissionDenied, "")
    },
    class_of(
        &["ExpiredToken", "RequestExpired"],
        ErrorKind::PermissionDenied,
        "the credentials have expired: check their source, and the clock of this machine",
    ),
    class_of(
        &[
            "InvalidClientTokenId",
            "AuthFailure",
            "UnrecognizedClient",
            "InvalidAccessKeyId",
            "SignatureDoesNotMatch",
            "IncompleteSignature",
            "MissingAuthenticationToken",
        ],
        ErrorKind::PermissionDenied,
        "AWS does not accept the credentials: check their source and the region",
    ),
    class_of(&["OptInRequired"], ErrorKind::PermissionDenied, "the account is not signed up for the service"),
];

const THROTTLED: Class = class_of(&[], ErrorKind::Throttled, "fewer calls are made for a while");
const FAILED: Class =
    Class { may_have_acted: true, ..class_of(&[], ErrorKind::Unavailable, "it is tried again") };
const DENIED: Class = Class { is_missing_permission: true, ..class_of(&[], ErrorKind::PermissionDenied, "") };
const TOO_MANY: Class = class_of(&[], ErrorKind::Quota, "");
const WRONG: Class = class_of(&[], ErrorKind::InvalidInput, "");

/// What a code means; for codes that are in no class the HTTP status and the form of the code tell.
pub(crate) fn class(code: &str, status: u16) -> &'static Class {
    let bare = code.strip_suffix("Exception").unwrap_or(code);
    let listed = TABLE.iter().find(|class| class.codes.contains(&bare) || class.codes.contains(&code));
    listed.unwrap_or(match status {
        429 => &THROTTLED,
        500.. => &FAILED,
        401 | 403 => &DENIED,
        _ if bare.starts_with("TooMany") || bare.ends_with("LimitExceeded") => &TOO_MANY,
        _ => &WRONG,
    })
}

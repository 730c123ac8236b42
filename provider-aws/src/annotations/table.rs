use cloud_lb_core::annotations::{Annotation, Kind, Table};

/// Names of ALPN policies (A17).
pub(super) const ALPN_POLICIES: [&str; 5] =
    ["None", "HTTP1Only", "HTTP2Only", "HTTP2Optional", "HTTP2Preferred"];

const ON_OFF: Kind = Kind::OneOf(&["on", "off"]);

const fn row(
    key: &'static str,
    kind: Kind,
    default: &'static str,
    example: &'static str,
    doc: &'static str,
) -> Annotation {
    Annotation { key, kind, default, since: "0.1", example, doc }
}

/// A key of health checks for one port.
const fn of_port(key: &'static str, kind: Kind, example: &'static str) -> Annotation {
    let doc =
        "The same for the target group of one port, whose number stands in the place of the asterisk. Live.";
    row(key, kind, "", example, doc)
}

/// The annotations that this provider shares with others.
pub const SHARED: Table = Table {
    prefix: "service.beta.kubernetes.io/",
    annotations: &[
        row(
            "load-balancer-source-ranges",
            Kind::IpNets,
            "",
            "10.0.0.0/8",
            "Who may connect, where `spec.loadBalancerSourceRanges` is empty; the default is everybody. Live.",
        ),
        row(
            "actions.*",
            Kind::Any,
            "",
            "{\"type\": \"forward\"}",
            "Not supported yet, and ignored: weighted target groups of the listener in the place of the asterisk.",
        ),
    ],
};

/// The annotations that are this provider's own; bounds of numbers are those of the API.
pub const TABLE: Table = Table {
    prefix: "service.beta.kubernetes.io/aws-load-balancer-",
    annotations: &[
        row(
            "type",
            Kind::Any,
            "",
            "external",
            "`external` (with `nlb-target-type`) or `nlb-ip`: this \
             provider takes the Service although it has no class.",
        ),
        row(
            "nlb-target-type",
            Kind::OneOf(&["instance", "ip"]),
            "",
            "ip",
            "Whether nodes or pods are \
             targets; the default is configured. A change replaces the target groups.",
        ),
        row(
            "name",
            Kind::Text,
            "",
            "web",
            "Name of the load balancer: at most 32 letters, digits and `-`. \
             Only read at creation.",
        ),
        row(
            "scheme",
            Kind::OneOf(&["internal", "internet-facing"]),
            "",
            "internet-facing",
            "Who can reach \
             the load balancer; the default is that of the existing one, else configured. A change \
             replaces it.",
        ),
        row("internal", Kind::Bool, "", "true", "Deprecated: `scheme`, which wins."),
        row(
            "ip-address-type",
            Kind::OneOf(&["ipv4", "dualstack"]),
            "ipv4",
            "dualstack",
            "Families of the \
             load balancer's addresses. Live.",
        ),
        row(
            "subnets",
            Kind::List,
            "",
            "subnet-0a, my-subnet",
            "Ids or `Name` tags of the subnets, one per \
             zone; the default is to discover them. Live.",
        ),
        row(
            "eip-allocations",
            Kind::List,
            "",
            "eipalloc-0a, eipalloc-0b",
            "Elastic IP addresses, one per \
             subnet and in the same order; internet-facing only. Only read at creation.",
        ),
        row(
            "private-ipv4-addresses",
            Kind::List,
            "",
            "192.168.1.5, 192.168.2.5",
            "Private addresses, one \
             in each subnet; internal only. Only read at creation.",
        ),
        row(
            "ipv6-addresses",
            Kind::List,
            "",
            "2001:db8::5",
            "IPv6 addresses, one in each subnet; dualstack \
             only. Only read when IPv6 is switched on.",
        ),
        row(
            "enable-prefix-for-ipv6-source-nat",
            ON_OFF,
            "off",
            "on",
            "Whether there are source NAT prefixes \
             for UDP over IPv6. Live.",
        ),
        row(
            "source-nat-ipv6-prefixes",
            Kind::List,
            "",
            "auto_assigned",
            "Source NAT prefixes, \
             `auto_assigned` or an /80, one per subnet and in the same order. Live.",
        ),
        row(
            "ssl-cert",
            Kind::List,
            "",
            "arn:aws:acm:eu-west-1:1:certificate/a",
            "ARNs of certificates: \
             listeners become TLS. The first is the default one. Live.",
        ),
        row(
            "ssl-ports",
            Kind::List,
            "",
            "443, https",
            "Names or numbers of the ports that become TLS, `*` \
             for all, which is the default. Live.",
        ),
        row(
            "ssl-negotiation-policy",
            Kind::Text,
            "",
            "ELBSecurityPolicy-TLS13-1-2-2021-06",
            "Security \
             policy of TLS listeners; the default is configured. Live.",
        ),
        row(
            "backend-protocol",
            Kind::Text,
            "",
            "ssl",
            "`ssl`: targets of TLS listeners are spoken to in \
             TLS. A change replaces the target groups.",
        ),
        row(
            "alpn-policy",
            Kind::OneOf(&ALPN_POLICIES),
            "",
            "HTTP2Preferred",
            "ALPN policy of TLS listeners. \
             Live; removal leaves it as it is.",
        ),
        row(
            "enable-tcp-udp-listener",
            Kind::Bool,
            "",
            "false",
            "Whether TCP and UDP on one port number \
             share a listener; the default is configured. `false` makes such a Service an error.",
        ),
        row(
            "quic-enabled-ports",
            Kind::List,
            "",
            "443",
            "Names or numbers of UDP ports that become QUIC. A \
             change replaces the target groups.",
        ),
        row(
            "listener-attributes.*",
            Kind::Map,
            "",
            "tcp.idle_timeout.seconds=400",
            "Attributes of the \
             listener in the place of the asterisk, for example `TCP-80`. Live.",
        ),
        row(
            "healthcheck-protocol",
            Kind::Text,
            "",
            "http",
            "Protocol of health checks: tcp, which is the default, \
             http or https. With `externalTrafficPolicy: Local` and nodes as targets the default is http. Live.",
        ),
        row(
            "healthcheck-port",
            Kind::Text,
            "",
            "8080",
            "Port of health checks: `traffic-port`, which is the \
             default, a number, or the name of a port of the Service. With `externalTrafficPolicy: Local` and \
             nodes as targets the default is `spec.healthCheckNodePort`. Live.",
        ),
        row(
            "healthcheck-path",
            Kind::Text,
            "",
            "/healthz",
            "Path of HTTP health checks, at most 1024 characters; \
             the default is `/`, or `/healthz` with `externalTrafficPolicy: Local` and nodes as targets. Live.",
        ),
        row(
            "healthcheck-interval",
            Kind::Integer { min: 5, max: 300 },
            "",
            "10",
            "Seconds between health checks; \
             the default is 10. Live.",
        ),
        row(
            "healthcheck-timeout",
            Kind::Integer { min: 2, max: 120 },
            "",
            "6",
            "Seconds until a health check \
             has failed; the default is 10, or 6 with `externalTrafficPolicy: Local` and nodes as targets. Live.",
        ),
        row(
            "healthcheck-healthy-threshold",
            Kind::Integer { min: 2, max: 10 },
            "",
            "2",
            "Successes until a target is \
             healthy; the default is 3, or 2 with `externalTrafficPolicy: Local` and nodes as targets. Live.",
        ),
        row(
            "healthcheck-unhealthy-threshold",
            Kind::Integer { min: 2, max: 10 },
            "",
            "2",
            "Failures until a target is \
             unhealthy; the default is 3, or 2 with `externalTrafficPolicy: Local` and nodes as targets. Live.",
        ),
        row(
            "healthcheck-success-codes",
            Kind::Text,
            "",
            "200-220,231",
            "Codes that are a success for HTTP \
             health checks; the default is 200-399. Live.",
        ),
        of_port("healthcheck-protocol.*", Kind::Text, "http"),
        of_port("healthcheck-port.*", Kind::Text, "8080"),
        of_port("healthcheck-path.*", Kind::Text, "/healthz"),
        of_port("healthcheck-interval.*", Kind::Integer { min: 5, max: 300 }, "10"),
        of_port("healthcheck-timeout.*", Kind::Integer { min: 2, max: 120 }, "6"),
        of_port("healthcheck-healthy-threshold.*", Kind::Integer { min: 2, max: 10 }, "2"),
        of_port("healthcheck-unhealthy-threshold.*", Kind::Integer { min: 2, max: 10 }, "2"),
        of_port("healthcheck-success-codes.*", Kind::Text, "200-220,231"),
        row(
            "proxy-protocol",
            Kind::OneOf(&["*"]),
            "",
            "*",
            "Switches PROXY protocol v2 on for all target \
             groups. Live.",
        ),
        row(
            "proxy-protocol-per-target-group",
            Kind::List,
            "",
            "80, 443",
            "Numbers of the ports that have \
             PROXY protocol v2; the others do not. Live.",
        ),
        row(
            "cross-zone-load-balancing-enabled",
            Kind::Bool,
            "",
            "true",
            "Deprecated: `attributes`, over \
             which it wins. Live.",
        ),
        row(
            "access-log-enabled",
            Kind::Bool,
            "",
            "true",
            "Deprecated: `attributes`, over which it wins; \
             `false` does nothing. Live.",
        ),
        row("access-log-s3-bucket-name", Kind::Any, "", "logs", "Deprecated: `attributes`. Live."),
        row("access-log-s3-bucket-prefix", Kind::Any, "", "web", "Deprecated: `attributes`. Live."),
        row(
            "attributes",
            Kind::Map,
            "",
            "deletion_protection.enabled=true",
            "Attributes of the load \
             balancer; those not listed are left alone. Live.",
        ),
        row(
            "minimum-load-balancer-capacity",
            Kind::Map,
            "",
            "CapacityUnits=1000",
            "Reserved capacity; 0 \
             gives it back. Live.",
        ),
        row(
            "target-group-attributes",
            Kind::Map,
            "",
            "deregistration_delay.timeout_seconds=80",
            "Attributes \
             of all target groups; those not listed are left alone. Live.",
        ),
        row(
            "target-group-attributes.*",
            Kind::Map,
            "",
            "preserve_client_ip.enabled=true",
            "Attributes of \
             the target group of one port, which stands in the place of the asterisk. Live.",
        ),
        row(
            "security-groups",
            Kind::List,
            "",
            "sg-0a, my-group",
            "Ids or `Name` tags of the load balancer's \
             security groups; the default is one that is made for it. Live.",
        ),
        row(
            "disable-nlb-sg",
            Kind::Bool,
            "false",
            "true",
            "Makes the load balancer without security groups. \
             Only read at creation.",
        ),
        row(
            "manage-backend-security-group-rules",
            Kind::Bool,
            "",
            "true",
            "Whether the nodes' security \
             groups are opened although the load balancer's were given. Live.",
        ),
        row(
            "inbound-sg-rules-on-private-link-traffic",
            ON_OFF,
            "",
            "off",
            "Whether the inbound rules hold \
             for traffic from PrivateLink. Live.",
        ),
        row(
            "security-group-prefix-lists",
            Kind::List,
            "",
            "pl-0a",
            "Managed prefix lists that may connect. \
             Live.",
        ),
        row(
            "enable-icmp-for-path-mtu-discovery",
            ON_OFF,
            "",
            "on",
            "Whether ICMP is let in for path MTU \
             discovery. Live.",
        ),
        row(
            "additional-resource-tags",
            Kind::Map,
            "",
            "team=web",
            "Tags of the load balancer, listeners, \
             target groups and security group. Live.",
        ),
        row(
            "target-node-labels",
            Kind::Map,
            "",
            "pool=web",
            "Labels that nodes must have to be targets; \
             instance targets only. Live.",
        ),
        row(
            "multi-cluster-target-group",
            Kind::Bool,
            "false",
            "false",
            "Not supported yet: `true` is \
             refused.",
        ),
    ],
};

//! What moto 5.2.5 does otherwise than AWS and what would make every case meaningless, put right between the
//! two. Each is listed in `docs/aws.md`; what is not put right is listed with the case that it breaks.

use crate::proxy::Request;

/// Description of our rules in the security groups of nodes.
const NODE_RULES: &str = "elbv2.k8s.aws/targetGroupBinding=shared";

pub(crate) const DEREGISTERED: &str = "<DeregisterTargetsResponse><DeregisterTargetsResult/>\
    <ResponseMetadata><RequestId>id</RequestId></ResponseMetadata></DeregisterTargetsResponse>";

/// moto compares descriptions when it looks for the rules of a security group to revoke; AWS compares
/// protocol, ports and source (`moto/ec2/models/security_groups.py`, `SecurityRule.__eq__`).
pub(crate) fn request(request: &mut Request) {
    if request.get("Action") != "RevokeSecurityGroupIngress" {
        return;
    }
    let groups = request.parameters.iter().filter(|(key, _)| key.contains(".Groups."));
    let places: Vec<String> =
        groups.filter_map(|(key, _)| key.strip_suffix(".GroupId").map(str::to_owned)).collect();
    let described = places.into_iter().map(|place| (format!("{place}.Description"), NODE_RULES.to_owned()));
    request.parameters.extend(described);
}

/// moto knows a target by its id alone and refuses to deregister what is not registered; to AWS, id and port
/// make a target, and what is not registered is no error (`moto/elbv2/models.py`,
/// `FakeTargetGroup.deregister`). So a deregistration begins with a question.
pub(crate) fn question(request: &Request) -> Option<Request> {
    (request.get("Action") == "DeregisterTargets").then(|| Request {
        head: request.head.clone(),
        parameters: vec![
            ("Action".to_owned(), "DescribeTargetHealth".to_owned()),
            ("Version".to_owned(), request.get("Version").to_owned()),
            ("TargetGroupArn".to_owned(), request.get("TargetGroupArn").to_owned()),
        ],
    })
}

/// Leaves out what is not registered; `false` if that is all.
pub(crate) fn deregistration(request: &mut Request, registered: &str) -> bool {
    if !registered.contains("<TargetHealthDescriptions") {
        // There is no such target group; moto says so itself.
        return true;
    }
    let compact: String = registered.split_whitespace().collect();
    let targets: Vec<(String, String)> = (1..=request.parameters.len())
        .map(|n| [n.to_string(), format!("Targets.member.{n}.Id"), format!("Targets.member.{n}.Port")])
        .map(|[_, id, port]| (request.get(&id).to_owned(), request.get(&port).to_owned()))
        .take_while(|(id, _)| !id.is_empty())
        .filter(|(id, port)| compact.contains(&format!("<Id>{id}</Id><Port>{port}</Port>")))
        .collect();
    request.parameters.retain(|(key, _)| !key.starts_with("Targets."));
    for (n, (id, port)) in (1..).zip(&targets) {
        request.parameters.push((format!("Targets.member.{n}.Id"), id.clone()));
        request.parameters.push((format!("Targets.member.{n}.Port"), port.clone()));
    }
    !targets.is_empty()
}

/// moto tells a security policy of listeners that have none (`moto/elbv2/responses.py`, `create_listener`),
/// and prints a Python dictionary for the state of a subnet's IPv6 range
/// (`moto/ec2/models/subnets.py`, `ipv6_cidr_block_associations`).
pub(crate) fn answer(action: &str, body: String) -> String {
    match action {
        "DescribeSubnets" | "CreateSubnet" => {
            let body = body.replace("{'State': 'associated'}", "associated");
            body.replace("{&#x27;State&#x27;: &#x27;associated&#x27;}", "associated")
        }
        "DescribeListeners" => without_policies(&body),
        _ => body,
    }
}

fn without_policies(body: &str) -> String {
    let mut pieces = body.split("<SslPolicy>");
    let mut kept = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        let (policy, rest) = piece.split_once("</SslPolicy>").unwrap();
        let protocol = kept.rsplit_once("<Protocol>").map_or("", |(_, protocol)| protocol);
        if protocol.starts_with("TLS<") {
            kept = format!("{kept}<SslPolicy>{policy}</SslPolicy>");
        }
        kept.push_str(rest);
    }
    kept
}

//! Apply, change, take back, delete.

use provider_aws::Account as Description;
use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::account::Account;
use crate::cluster::Cluster;

const SERVICE: &str = "apiVersion: v1
kind: Service
metadata: {name: web}
spec:
  type: LoadBalancer
  loadBalancerClass: service.k8s.aws/nlb
  selector: {app: web}
  ports:
  - {name: http, port: 80, nodePort: 30080}
";

/// One port more, and something asked of the load balancer.
const CHANGED: &str = "apiVersion: v1
kind: Service
metadata:
  name: web
  annotations: {service.beta.kubernetes.io/aws-load-balancer-cross-zone-load-balancing-enabled: \"true\"}
spec:
  type: LoadBalancer
  loadBalancerClass: service.k8s.aws/nlb
  selector: {app: web}
  ports:
  - {name: http, port: 80, nodePort: 30080}
  - {name: https, port: 443, nodePort: 30443}
";

fn hostname(service: Option<&Value>) -> Option<&str> {
    service?.pointer("/status/loadBalancer/ingress/0/hostname")?.as_str()
}

fn ports(service: Option<&Value>) -> usize {
    let ports =
        service.and_then(|service| service.pointer("/status/loadBalancer/ingress/0/ports")?.as_array());
    ports.map_or(0, Vec::len)
}

fn has_finalizer(service: Option<&Value>) -> bool {
    let finalizers = service.and_then(|service| service.pointer("/metadata/finalizers")?.as_array());
    finalizers.is_some_and(|all| all.iter().any(|one| one == "service.k8s.aws/resources"))
}

async fn nothing_is_left(account: &Account, groups: &[(String, usize)]) {
    assert!(account.load_balancers().await.is_empty());
    assert!(account.target_groups().await.is_empty());
    assert_eq!(account.groups().await, groups);
}

/// What `facts` writes makes the same plan as the account itself.
async fn the_description_plans_as_the_account(cluster: &Cluster) {
    let changed = cluster.file("changed.yaml", CHANGED);
    let (_, facts) = cluster.cloud_lb(&["facts"]).await;
    assert!(facts.starts_with("# What AWS has in network vpc-"), "{facts}");
    cluster.file("facts.yaml", &facts);
    let plan = ["plan", "-o", "json", "--against-cluster", "-f", changed.to_str().unwrap()];
    let (code, live) = cluster.cloud_lb(&plan).await;
    assert_eq!(code, 2, "{live}");
    let described = cluster.cloud_lb(&[&plan[..], &["--facts", "facts.yaml"]].concat()).await;
    assert_eq!(described, (2, live));
}

#[tokio::test(flavor = "multi_thread")]
async fn aws_200_to_223_from_kubectl_apply_to_nothing_left() {
    let Some(account) = Account::make().await else { return };
    let Some(cluster) = Cluster::start(&account).await else { return };
    let groups = account.groups().await;
    let path = cluster.file("service.yaml", SERVICE);
    let mut controller = cluster.controller();
    cluster.kubectl(&["apply", "-f", path.to_str().unwrap()]).await;
    cluster.until("a host name", |service| hostname(service).is_some()).await;
    let made = account.load_balancers().await.remove(0).dns_name.unwrap().to_lowercase();
    assert_eq!(hostname(cluster.service().as_ref()), Some(made.as_str()));
    assert_eq!(account.listener_ports().await, [80]);
    let mut wanted: Vec<String> = account.instance_ids.iter().map(|id| format!("{id}:30080")).collect();
    wanted.sort();
    assert_eq!(account.targets().await, wanted);
    assert!(has_finalizer(cluster.service().as_ref()));
    the_description_plans_as_the_account(&cluster).await;

    let path = cluster.file("service.yaml", CHANGED);
    cluster.kubectl(&["apply", "-f", path.to_str().unwrap()]).await;
    cluster.until("two ports", |service| ports(service) == 2).await;
    assert_eq!(account.listener_ports().await, [80, 443]);
    assert_eq!(account.attribute("load_balancing.cross_zone.enabled").await.as_deref(), Some("true"));
    assert_eq!(hostname(cluster.service().as_ref()), Some(made.as_str()), "changed in place");

    let nodeport = r#"{"spec":{"type":"NodePort","loadBalancerClass":null}}"#;
    cluster.kubectl(&["patch", "service", "web", "-p", nodeport]).await;
    cluster.until("no finalizer", |service| service.is_some() && !has_finalizer(service)).await;
    assert_eq!(hostname(cluster.service().as_ref()), None);
    nothing_is_left(&account, &groups).await;

    let balanced = r#"{"spec":{"type":"LoadBalancer","loadBalancerClass":"service.k8s.aws/nlb"}}"#;
    cluster.kubectl(&["patch", "service", "web", "-p", balanced]).await;
    cluster.until("a host name", |service| hostname(service).is_some()).await;
    cluster.kubectl(&["delete", "service", "web", "--wait=false"]).await;
    cluster.until("that it is gone", |service| service.is_none()).await;
    nothing_is_left(&account, &groups).await;
    assert_eq!(controller.try_wait().unwrap(), None, "the controller goes on");
}

#[tokio::test(flavor = "multi_thread")]
async fn aws_91_and_137_a_description_has_certificates_and_the_interfaces_of_pods() {
    let Some(account) = Account::make().await else { return };
    let Some(cluster) = Cluster::start(&account).await else { return };
    let arn = account.import_certificate("shop.example.com").await;
    let (interface, address) = account.add_interface().await;
    let (_, facts) = cluster.cloud_lb(&["facts"]).await;
    let described: Description = serde_saphyr::from_str(&facts).unwrap();
    let certificates = described.certificates.unwrap();
    let found = certificates.iter().find(|one| one.certificate_arn == arn).unwrap();
    assert_eq!((found.status.as_str(), found.key_algorithm.as_str()), ("ISSUED", "EC_prime256v1"));
    let interfaces = described.network_interfaces.iter();
    let interfaces: Vec<_> =
        interfaces.map(|one| (one.network_interface_id.clone(), one.addresses[0].to_string())).collect();
    assert_eq!(interfaces, [(interface, address)]);
    cluster.file("facts.yaml", &facts);
    for (arn, is_told) in [(arn.clone(), false), (format!("{arn}-lost"), true)] {
        let annotation = format!("{{service.beta.kubernetes.io/aws-load-balancer-ssl-cert: \"{arn}\"}}");
        let service = SERVICE.replace("{name: web}", &format!("{{name: web, annotations: {annotation}}}"));
        let path = cluster.file("tls.yaml", &service);
        let plan = ["plan", "--facts", "facts.yaml", "-f", path.to_str().unwrap()];
        let (code, plan) = cluster.cloud_lb(&plan).await;
        let line = format!(
            "  ! CertificateNotFound: service.beta.kubernetes.io/aws-load-balancer-ssl-cert: {arn} does not exist"
        );
        assert_eq!((code, plan.contains(&line)), (2, is_told), "{plan}");
    }
}

/// Certificate Manager as it answers who lacks the permission.
async fn refusing() -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        let body = r#"{"__type": "AccessDeniedException", "Message": "User: x is not authorized"}"#;
        let head =
            "HTTP/1.1 400 Bad Request\r\nconnection: close\r\ncontent-type: application/x-amz-json-1.1";
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut request = Vec::new();
            while !request.ends_with(b"}") {
                stream.read_buf(&mut request).await.unwrap();
            }
            let answer = format!("{head}\r\ncontent-length: {}\r\n\r\n{body}", body.len());
            stream.write_all(answer.as_bytes()).await.unwrap();
        }
    });
    url
}

#[tokio::test(flavor = "multi_thread")]
async fn aws_250_a_description_without_the_permission_for_certificates_names_it_and_leaves_them_out() {
    let Some(account) = Account::make().await else { return };
    let Some(cluster) = Cluster::start(&account).await else { return };
    let settings = std::fs::read_to_string(cluster.path("aws.yaml")).unwrap();
    let refused = refusing().await;
    let own = format!("endpoint-acm: {}", account.endpoint);
    assert!(settings.contains(&own), "{settings}");
    cluster.file("aws.yaml", &settings.replace(&own, &format!("endpoint-acm: {refused}")));
    let (code, facts, told) = cluster.cloud_lb_told(&["facts"]).await;
    assert_eq!(code, 0);
    let why = "certificates are left out, so that no plan judges those that Services name: no \
               permission for acm:ListCertificates (AccessDeniedException)";
    assert!(told.starts_with(&format!("warning: {why}")), "{told}");
    assert!(facts.lines().any(|line| line.starts_with(&format!("# {why}"))), "{facts}");
    let described: Description = serde_saphyr::from_str(&facts).unwrap();
    assert_eq!(described.certificates, None);
    assert_eq!(described.vpc_id, account.vpc_id);
}

#[tokio::test(flavor = "multi_thread")]
async fn aws_252_permissions_are_told_for_every_action() {
    let Some(account) = Account::make().await else { return };
    let Some(cluster) = Cluster::start(&account).await else { return };
    let (code, table) = cluster.cloud_lb(&["check-permissions"]).await;
    assert_eq!(code, 0, "moto permits everything: {table}");
    for action in provider_aws::permissions::ACTIONS {
        assert!(table.lines().any(|line| line.starts_with(&format!("{action} "))), "{action}: {table}");
    }
    assert!(table.contains(" 0 denied, "), "{table}");
    let (_, json) = cluster.cloud_lb(&["check-permissions", "-o", "json"]).await;
    let json: Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json["permissions"].as_array().unwrap().len(), provider_aws::permissions::ACTIONS.len());
}

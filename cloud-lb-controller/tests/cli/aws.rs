//! `cloud-lb plan --provider aws` for the account of examples/aws/facts.yaml, without AWS and its SDK.

use crate::process::{Ran, root, run};

const SETTINGS: [&str; 6] =
    ["--provider", "aws", "--config", "examples/aws/config.yaml", "--facts", "examples/aws/facts.yaml"];

fn plan(args: &[&str]) -> Ran {
    run(&[&["plan"], args, &SETTINGS[..]].concat())
}

/// The example with one of its files changed.
fn with(file: &str, from: &str, to: &str) -> String {
    let text = std::fs::read_to_string(root().join("examples/aws").join(file)).unwrap();
    assert!(text.contains(from), "{file} has no {from:?}");
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(file);
    std::fs::write(&path, text.replacen(from, to, 1)).unwrap();
    let changed = path.to_str().unwrap();
    let args = SETTINGS.map(|arg| if arg.ends_with(file) { changed } else { arg });
    let ran = run(&[&["plan", "-f", "examples/aws/internal.yaml"], &args[..]].concat());
    assert_eq!((ran.code, ran.stdout.as_str()), (1, ""), "{ran}");
    ran.stderr.replace(&format!("{}/", folder.path().display()), "")
}

#[test]
fn every_example_has_the_plan_that_people_see() {
    for name in ["internal", "tls", "dns"] {
        let file = format!("examples/aws/{name}.yaml");
        insta::assert_snapshot!(format!("text_{name}"), plan(&["-f", &file]));
    }
}

#[test]
fn every_example_has_the_requests_that_a_reviewer_sees() {
    for name in ["internal", "tls", "dns"] {
        let file = format!("examples/aws/{name}.yaml");
        insta::assert_snapshot!(format!("json_{name}"), plan(&["-o", "json", "-f", &file]).stdout);
    }
}

#[test]
fn aws_4_a_service_that_does_not_ask_for_aws_is_left_to_others() {
    let ran = plan(&["-f", "examples/manifests/loadbalancer.yaml"]);
    assert_eq!(ran.code, 0, "{ran}");
    assert_eq!(
        ran.stdout,
        "service default/myapp-service: no load balancer: AWS is asked for one by spec.loadBalancerClass \
         service.k8s.aws/nlb or the annotation service.beta.kubernetes.io/aws-load-balancer-type\n"
    );
}

#[test]
fn the_manifests_nodes_come_before_the_instances() {
    let ran = plan(&["-f", "examples/aws/internal.yaml", "-f", "examples/manifests/nodes.yaml"]);
    assert!(!ran.stdout.contains("i-0d0"), "{ran}");
    let skipped = "\n  ! NodeSkipped: node node-1 is no target: its provider id mock:///zone-a/node-1 is no EC2 instance's\n";
    assert!(ran.stdout.contains(skipped), "{ran}");
}

#[test]
fn mistakes_in_the_description_name_line_key_value_and_what_is_expected() {
    assert_eq!(
        with("facts.yaml", "Scheme: internal\n", "Scheme: intern\n"),
        "error: facts.yaml:88:13: LoadBalancers[0].Scheme: unknown variant `intern`, expected one of internal, internet-facing\n"
    );
    assert_eq!(
        with("facts.yaml", "VpcId: vpc-0a1b2c3d4e5f60718\nVpcs", "VpcId: vpc-1\nVpcs"),
        "error: facts.yaml:5: VpcId: \"vpc-1\" is not valid, expected the id of the cluster's network, one of Vpcs: vpc-0a1b2c3d4e5f60718\n"
    );
    assert_eq!(
        with("facts.yaml", "SecurityGroups: [sg-0ccccccccccccccc1]", "SecurityGroups: [sg-2]"),
        "error: facts.yaml:57: Instances[0].SecurityGroups: \"sg-2\" is not valid, expected one of SecurityGroups: sg-0ccccccccccccccc1, sg-0ccccccccccccccc2\n"
    );
}

#[test]
fn mistakes_in_the_settings_name_line_key_value_and_what_is_expected() {
    assert_eq!(
        with("config.yaml", "aws-vpc-id: vpc-0a1b2c3d4e5f60718", "aws-vpc-id: 0a1b"),
        "error: config.yaml:6: aws-vpc-id: \"0a1b\" is not valid, expected an id such as vpc-0123\n"
    );
    let unknown = with("config.yaml", "default-tags:", "tags:");
    assert!(
        unknown.starts_with("error: config.yaml:7:1: unknown field `tags`, expected one of "),
        "{unknown}"
    );
}

#[test]
fn aws_1_a_cluster_needs_a_name() {
    let ran = run(&["plan", "--provider", "aws", "-f", "examples/aws/internal.yaml"]);
    assert_eq!(
        (ran.code, ran.stderr.as_str()),
        (
            1,
            "error: --provider aws without --config: aws configuration: cluster-name: \"\" is not valid, expected the name of the cluster\n"
        )
    );
}

#[cfg(not(feature = "aws"))]
#[test]
fn what_needs_the_sdk_says_how_to_build_it() {
    let live = ["--provider", "aws", "--config", "examples/aws/config.yaml"];
    let commands: [&[&str]; 4] =
        [&["plan", "-f", "examples/aws/internal.yaml"], &["run"], &["facts"], &["check-permissions"]];
    for command in commands {
        let ran = run(&[command, &live[..]].concat());
        assert_eq!(ran.code, 1, "{ran}");
        let expected = "error: this cloud-lb was built without the AWS SDK: build it with \
                        `cargo build --release --package cloud-lb-controller --features aws`; ";
        assert!(ran.stderr.starts_with(expected), "{ran}");
    }
}

#[test]
fn a_mock_cloud_has_no_account() {
    for command in ["facts", "check-permissions"] {
        let ran = run(&[command]);
        let expected = format!("error: {command}: a mock cloud has no account, expected --provider aws\n");
        assert_eq!((ran.code, ran.stderr), (1, expected));
    }
    let ran =
        run(&["plan", "-f", "examples/manifests/loadbalancer.yaml", "--facts", "examples/aws/facts.yaml"]);
    let expected = "error: --facts examples/aws/facts.yaml: a mock cloud is not described by a file, expected --provider aws\n";
    assert_eq!((ran.code, ran.stderr.as_str()), (1, expected));
}

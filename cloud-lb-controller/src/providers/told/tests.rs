use std::path::PathBuf;

use super::super::{ProviderName, link};
use super::*;

/// Files with settings; they go with this.
struct Files(tempfile::TempDir);

impl Files {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.0.path().join(name);
        std::fs::write(&path, text).unwrap();
        path
    }

    fn complaint(&self, failure: &Failure) -> String {
        failure.to_string().replace(&format!("{}/", self.0.path().display()), "")
    }
}

fn example(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/aws").join(name)
}

#[tokio::test]
async fn the_cluster_of_the_controllers_file_is_that_of_the_provider() {
    let files = Files::new();
    let controller = files.write("controller.yaml", "clusterName: blue\n");
    let asked = Asked { controller: Some(&controller), ..Asked::default() };
    let linked = link(ProviderName::Mock, asked).await.unwrap();
    assert_eq!((linked.cluster.as_str(), &linked.settings["cluster"]), ("blue", &"blue".into()));
    let config = files.write("aws.yaml", "aws-region: eu-central-1\n");
    let facts = example("facts.yaml");
    let asked = Asked { config: Some(&config), facts: Some(&facts), ..asked };
    let linked = link(ProviderName::Aws, asked).await.unwrap();
    assert_eq!((linked.cluster.as_str(), &linked.settings["cluster-name"]), ("blue", &"blue".into()));
    let linked = link(ProviderName::Aws, Asked { cluster: Some("red"), ..asked }).await.unwrap();
    assert_eq!((linked.cluster.as_str(), &linked.settings["cluster-name"]), ("red", &"red".into()));
}

#[tokio::test]
async fn two_names_of_the_cluster_are_refused_with_both_places() {
    let files = Files::new();
    let controller = files.write("controller.yaml", "concurrency: 3\nclusterName: blue\n");
    for (name, key, provider) in
        [("mock.yaml", "cluster", ProviderName::Mock), ("aws.yaml", "cluster-name", ProviderName::Aws)]
    {
        let config = files.write(name, &format!("# settings\n\n{key}: green\n"));
        let asked = Asked { controller: Some(&controller), config: Some(&config), ..Asked::default() };
        let complaint = files.complaint(&link(provider, asked).await.err().unwrap());
        assert_eq!(
            complaint,
            format!(
                "controller.yaml:2: clusterName: blue, but {name}:3: {key}: green: \
                 expected the same name in both or in one, or --cluster-name"
            )
        );
    }
    let config = files.write("mock.yaml", "cluster: blue\n");
    let asked = Asked { controller: Some(&controller), config: Some(&config), ..Asked::default() };
    assert_eq!(link(ProviderName::Mock, asked).await.unwrap().cluster, "blue");
    let asked = Asked { controller: None, ..asked };
    assert_eq!(link(ProviderName::Mock, asked).await.unwrap().cluster, "blue", "its own file alone");
}

#[tokio::test]
async fn aws_4_the_provider_takes_the_classes_of_the_controllers_file() {
    let files = Files::new();
    let facts = example("facts.yaml");
    let controller =
        files.write("controller.yaml", "classes: {classless: false, classes: [acme/a, acme/b]}\n");
    let config = files.write("aws.yaml", "cluster-name: blue\n");
    let asked = Asked {
        controller: Some(&controller),
        config: Some(&config),
        facts: Some(&facts),
        ..Asked::default()
    };
    let linked = link(ProviderName::Aws, asked).await.unwrap();
    let both: BTreeSet<String> = ["acme/a".to_owned(), "acme/b".to_owned()].into();
    assert_eq!(linked.settings["load-balancer-class"], serde_json::json!(both));
    assert_eq!((linked.classes.classless, &linked.classes.classes), (false, &both));
    let flag = link(ProviderName::Aws, Asked { class: Some("acme/c"), ..asked }).await.unwrap();
    assert_eq!(flag.settings["load-balancer-class"], serde_json::json!(["acme/c"]));
    assert_eq!(flag.classes.classes, ["acme/c".to_owned()].into());
    files.write("aws.yaml", "cluster-name: blue\nload-balancer-class: [acme/a]\n");
    let complaint = files.complaint(&link(ProviderName::Aws, asked).await.err().unwrap());
    assert_eq!(
        complaint,
        "controller.yaml:1: classes: [acme/a, acme/b], but aws.yaml:2: load-balancer-class: [acme/a]: \
         expected all of the former among the latter, or --load-balancer-class"
    );
    let asked = Asked { config: None, facts: None, ..asked };
    let complaint = link(ProviderName::Mock, asked).await.err().unwrap().to_string();
    assert_eq!(complaint, "classes: the mock cloud has one at most, not acme/a, acme/b");
}

#[tokio::test]
async fn what_the_controllers_file_does_not_say_the_provider_says() {
    let files = Files::new();
    let (config, facts) = (example("config.yaml"), example("facts.yaml"));
    let controller = files.write("controller.yaml", "concurrency: 3\n");
    let asked = Asked {
        controller: Some(&controller),
        config: Some(&config),
        facts: Some(&facts),
        ..Asked::default()
    };
    let linked = link(ProviderName::Aws, asked).await.unwrap();
    assert_eq!(linked.finalizer, "service.k8s.aws/resources");
    assert!(linked.rival.is_some() && linked.classes.classless);
    assert!(linked.classes.classes.contains("service.k8s.aws/nlb"));
    // The value that is the default where nobody says one counts if somebody says it.
    files.write("controller.yaml", "finalizer: service.kubernetes.io/load-balancer-cleanup\nclasses: {}\n");
    let linked = link(ProviderName::Aws, asked).await.unwrap();
    assert_eq!(linked.finalizer, "service.kubernetes.io/load-balancer-cleanup");
    assert!(linked.rival.is_none() && linked.classes.classless && linked.classes.classes.is_empty());
}

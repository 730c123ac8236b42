//! AWS as the commands see it: described by a file, or the real one where that is built in.

#[cfg(feature = "aws")]
mod live;
#[cfg(not(feature = "aws"))]
#[path = "aws/absent.rs"]
mod live;

use std::collections::BTreeSet;
use std::sync::Arc;

use cloud_lb_core::engine::Engine;
use cloud_lb_core::k8s::ClassPolicy;
use cloud_lb_core::provider::LoadBalancerProvider;
use provider_aws::{Account, Aws, Config, Permission};
use serde_json::{Value, json};

use super::{Asked, Described, Linked, StandIns};
use crate::failure::Failure;
use crate::settings::Settings;

/// The finalizer of aws-load-balancer-controller, in whose place we step (AWS-40).
const FINALIZER: &str = "service.k8s.aws/resources";

/// The Lease of its leader election, where it runs with its defaults.
const RIVAL: (&str, &str) = ("kube-system", "aws-load-balancer-controller-leader");

/// Makes the provider: of the account that a file describes, or else of the real one.
pub(super) async fn link(asked: Asked<'_>) -> Result<Linked, Failure> {
    let settings = Chosen::read(&asked)?;
    let facts: Option<Settings<Account>> = asked.facts.map(Settings::read).transpose()?;
    let classes = ClassPolicy {
        classless: asked.class.is_none(),
        classes: settings.config.load_balancer_class.clone(),
    };
    let cluster = settings.config.cluster_name.clone();
    let why_not = format!(
        "no load balancer: AWS is asked for one by spec.loadBalancerClass {} or the annotation \
         service.beta.kubernetes.io/aws-load-balancer-type",
        one_of(&classes.classes)
    );
    let (provider, stand_ins) = match facts {
        Some(facts) => described(&settings, &facts)?,
        None => live::link(&settings).await?,
    };
    let settings = json!(settings.config);
    let (finalizer, rival) = (FINALIZER, Some(RIVAL));
    Ok(Linked { provider, settings, cluster, classes, finalizer, rival, why_not, stand_ins })
}

/// Describes the real account.
pub(super) async fn facts(asked: Asked<'_>) -> Result<Described, Failure> {
    live::facts(&Chosen::read(&asked)?).await
}

/// Asks the real account.
pub(super) async fn permissions(asked: Asked<'_>) -> Result<Vec<Permission>, Failure> {
    live::permissions(&Chosen::read(&asked)?).await
}

type Parts = (Arc<dyn LoadBalancerProvider>, StandIns);

fn described(settings: &Chosen, facts: &Settings<Account>) -> Result<Parts, Failure> {
    let stand_ins = instances(facts.file(), &facts.value);
    let aws = Aws::offline(settings.config.clone(), facts.value.clone()).map_err(|error| {
        // What is wrong with the settings was told when they were read.
        facts.refused(&error)
    })?;
    Ok((Arc::new(Engine::new(aws)), stand_ins))
}

/// The settings in force, and the file that most of them come from.
struct Chosen {
    config: Config,
    file: Option<Settings<Config>>,
}

impl Chosen {
    /// Reads the settings; the command line comes first.
    fn read(asked: &Asked<'_>) -> Result<Self, Failure> {
        let file: Option<Settings<Config>> = asked.config.map(Settings::read).transpose()?;
        let mut config = file.as_ref().map_or_else(Config::default, |file| file.value.clone());
        if let Some(name) = asked.cluster {
            name.clone_into(&mut config.cluster_name);
        }
        if let Some(class) = asked.class {
            config.load_balancer_class = BTreeSet::from([class.to_owned()]);
        }
        let chosen = Self { config, file };
        chosen.config.validate().map_err(|error| chosen.refused(&error))?;
        Ok(chosen)
    }

    /// Complaints in terms of the file, if there is one.
    fn refused(&self, error: &cloud_lb_core::Error) -> Failure {
        match &self.file {
            Some(file) => file.refused(error),
            None => Failure::because("--provider aws without --config", error),
        }
    }
}

/// Nodes for manifests that have none: one for each instance of the description.
fn instances(file: &str, account: &Account) -> StandIns {
    let nodes: Vec<Value> = account.instances.iter().map(node).collect();
    let note = match nodes.len() {
        0 => format!("no Nodes given, and no Instances in {file}: the plan has no targets"),
        1 => format!("no Nodes given: the instance of {file} stands in"),
        number => format!("no Nodes given: the {number} instances of {file} stand in"),
    };
    let nodes = match nodes.as_slice() {
        [] => String::new(),
        nodes => json!({"apiVersion": "v1", "kind": "List", "items": nodes}).to_string(),
    };
    StandIns { nodes, note }
}

fn node(instance: &provider_aws::facts::Instance) -> Value {
    let (id, zone) = (&instance.instance_id, &instance.availability_zone);
    let addresses: Vec<Value> =
        instance.addresses.iter().map(|address| json!({"type": "InternalIP", "address": address})).collect();
    json!({
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": id, "labels": {"topology.kubernetes.io/zone": zone}},
        "spec": {"providerID": format!("aws:///{zone}/{id}")},
        "status": {"addresses": addresses, "conditions": [{"type": "Ready", "status": "True"}]},
    })
}

fn one_of(classes: &BTreeSet<String>) -> String {
    classes.iter().map(String::as_str).collect::<Vec<_>>().join(" or ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn aws_40_the_finalizer_is_that_of_aws_load_balancer_controller() {
        let examples = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/aws");
        let (config, facts) = (examples.join("config.yaml"), examples.join("facts.yaml"));
        let asked = Asked { config: Some(&config), cluster: None, facts: Some(&facts), class: None };
        assert_eq!(link(asked).await.unwrap().finalizer, "service.k8s.aws/resources");
    }
}

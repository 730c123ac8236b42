//! `cloud-lb orphans`: what is in the cloud for Services that do not exist.

use std::fmt::Write as _;

use cloud_lb_core::controller::find_orphans;
use cloud_lb_core::provider::{LoadBalancerProvider, Outcome, Owned};
use k8s_openapi::api::core::v1::Service;
use kube::Api;
use serde::Serialize;

use crate::Verdict;
use crate::args::{OrphanArgs, Output};
use crate::cluster::connect;
use crate::failure::Failure;
use crate::providers::{self, Asked, Linked};
use crate::style::{QUIET, paint, print};

/// What became of one Service's resources.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "fate", content = "why", rename_all = "camelCase")]
enum Fate {
    /// They are there.
    Left,
    /// They are gone.
    Deleted,
    /// The cloud is at work on them.
    Pending(String),
    /// They could not be deleted.
    Failed(String),
}

#[derive(Debug, Serialize)]
struct Orphan<'a> {
    #[serde(flatten)]
    owned: &'a Owned,
    #[serde(flatten)]
    fate: Fate,
}

/// Lists orphans, and deletes them if asked to.
pub(crate) async fn run(args: OrphanArgs) -> Result<Verdict, Failure> {
    // `yes` only stands beside `delete`.
    let OrphanArgs { output, delete, yes: _, provider, cluster } = args;
    let Linked { provider, cluster: marks, .. } =
        providers::link(provider.provider, Asked::from(&provider)).await?;
    let cluster = connect(cluster).await?;
    // The cloud first: what is made for a Service that comes meanwhile is not seen.
    let survey = provider.survey(&[]).await;
    let owned = survey.map_err(|error| Failure::because("what is owned cannot be listed", &error))?.owned;
    let services = cluster.list(Api::<Service>::all(cluster.client.clone())).await?;
    let mut orphans = Vec::new();
    for owned in find_orphans(&owned, &services, &marks) {
        let fate = if delete { remove(&*provider, owned).await } else { Fate::Left };
        orphans.push(Orphan { owned, fate });
    }
    print(&match output {
        Output::Text => text(&orphans),
        Output::Json => format!("{:#}\n", serde_json::json!(orphans)),
    })?;
    let all_gone = orphans.iter().all(|orphan| orphan.fate == Fate::Deleted);
    Ok(if all_gone { Verdict::Fine } else { Verdict::Orphans })
}

async fn remove(provider: &dyn LoadBalancerProvider, owned: &Owned) -> Fate {
    let Some(service) = &owned.service else { return Fate::Left };
    match provider.delete(service).await {
        Ok(Outcome::Pending(pending)) => Fate::Pending(pending.reason),
        Ok(Outcome::Done | Outcome::ImplementedElsewhere) => Fate::Deleted,
        Err(error) => Fate::Failed(error.to_string()),
    }
}

fn text(orphans: &[Orphan<'_>]) -> String {
    let mut text = String::new();
    for Orphan { owned, fate } in orphans {
        let service =
            owned.service.as_ref().map(|id| format!("{} {}", id.path(), id.uid)).unwrap_or_default();
        let fate = match fate {
            Fate::Left => String::new(),
            Fate::Deleted => "  deleted".to_owned(),
            Fate::Pending(why) => format!("  being deleted: {why}"),
            Fate::Failed(why) => format!("  not deleted: {why}"),
        };
        // Writing into a string does not fail.
        let _ = writeln!(text, "{}{fate}", service.trim_end());
        for resource in &owned.resources {
            let _ = writeln!(text, "  {} {}", resource.kind, paint(QUIET, &resource.id));
        }
    }
    let _ = match orphans.len() {
        0 => writeln!(text, "nothing is left of Services that do not exist"),
        1 => writeln!(text, "1 Service that does not exist"),
        number => writeln!(text, "{number} Services that do not exist"),
    };
    text
}

#[cfg(test)]
mod tests {
    use cloud_lb_core::model::ServiceId;
    use cloud_lb_core::provider::OwnedResource;

    use super::*;

    fn owned() -> Owned {
        let text = |text: &str| text.to_owned();
        let service = ServiceId {
            cluster: text("blue"),
            namespace: text("shop"),
            name: text("web"),
            uid: text("257b9655"),
        };
        let resources = vec![OwnedResource { kind: text("LoadBalancer"), id: text("lb-1") }];
        Owned { service: Some(service), resources }
    }

    #[test]
    fn w_28_each_service_is_told_with_its_resources_and_their_fate() {
        let owned = owned();
        let of = |fate| anstream::adapter::strip_str(&text(&[Orphan { owned: &owned, fate }])).to_string();
        assert_eq!(of(Fate::Left), "shop/web 257b9655\n  LoadBalancer lb-1\n1 Service that does not exist\n");
        assert!(of(Fate::Failed("no permission".to_owned())).contains("not deleted: no permission"));
        assert_eq!(text(&[]), "nothing is left of Services that do not exist\n");
    }

    #[test]
    fn programs_get_the_same() {
        let owned = owned();
        let json = serde_json::json!([Orphan { owned: &owned, fate: Fate::Pending("draining".to_owned()) }]);
        assert_eq!(json[0]["service"]["namespace"], "shop");
        assert_eq!(json[0]["resources"][0]["kind"], "LoadBalancer");
        assert_eq!((&json[0]["fate"], &json[0]["why"]), (&"pending".into(), &"draining".into()));
    }

    #[tokio::test]
    async fn orphans_go_when_asked_to() {
        let cloud = provider_mock::MockCloud::new(provider_mock::Options::new());
        let provider = provider_mock::provider(cloud.clone(), provider_mock::Config::new("blue")).unwrap();
        let service = serde_json::from_value(serde_json::json!({
            "metadata": {"name": "web", "namespace": "shop", "uid": "257b9655-5137-4ad2-b091-ef3f07043ad3"},
            "spec": {"type": "LoadBalancer", "ports": [{"port": 80, "nodePort": 30080}]},
        }))
        .unwrap();
        let wanted = cloud_lb_core::k8s::load_balancer("blue", &service, Vec::new(), []).unwrap();
        provider.ensure(&wanted).await.unwrap();
        let owned = provider.survey(&[]).await.unwrap().owned;
        assert!(find_orphans(&owned, [&service], "blue").is_empty());
        let orphans = find_orphans(&owned, [], "blue");
        assert_eq!(remove(&*provider, orphans[0]).await, Fate::Deleted);
        assert!(find_orphans(&provider.survey(&[]).await.unwrap().owned, [], "blue").is_empty());
    }
}

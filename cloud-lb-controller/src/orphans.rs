//! `cloud-lb orphans`: what is in the cloud for Services that do not exist.

use std::fmt::Write as _;

use cloud_lb_core::controller::find_orphans;
use cloud_lb_core::provider::{LoadBalancerProvider, Outcome, Owned, OwnedResource};
use jiff::Timestamp;
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
    /// When the oldest of it was made, where the cloud tells.
    #[serde(skip_serializing_if = "Option::is_none")]
    created: Option<Timestamp>,
    /// Whether any of it costs money as long as it is there.
    billed: bool,
    #[serde(flatten)]
    fate: Fate,
}

impl<'a> Orphan<'a> {
    fn new(owned: &'a Owned, fate: Fate) -> Self {
        Self { owned, created: owned.oldest(), billed: owned.is_billed(), fate }
    }
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
        orphans.push(Orphan::new(owned, fate));
    }
    print(&match output {
        Output::Text => text(&orphans, Timestamp::now()),
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

fn text(orphans: &[Orphan<'_>], now: Timestamp) -> String {
    let mut text = String::new();
    for Orphan { owned, fate, .. } in orphans {
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
            let _ = writeln!(text, "{}", line(resource, now));
        }
    }
    let billed = match orphans.iter().filter(|orphan| orphan.billed).count() {
        0 => String::new(),
        billed => format!(", {billed} of them with resources that cost money"),
    };
    let _ = match orphans.len() {
        0 => writeln!(text, "nothing is left of Services that do not exist"),
        1 => writeln!(text, "1 Service that does not exist{billed}"),
        number => writeln!(text, "{number} Services that do not exist{billed}"),
    };
    text
}

/// One resource, its age where the cloud tells it, and what costs money.
fn line(resource: &OwnedResource, now: Timestamp) -> String {
    let OwnedResource { kind, id, created, billed, holds, .. } = resource;
    let age = created.map(|created| format!("  {} old", age(created, now))).unwrap_or_default();
    let billed = if *billed { "  billed" } else { "" };
    let held: Vec<&str> = holds.iter().flat_map(|held| ["  holds ", held]).collect();
    format!("  {kind} {}{age}{billed}{}", paint(QUIET, id), held.concat())
}

/// Whole days, hours or minutes, as kubectl shows ages.
fn age(created: Timestamp, now: Timestamp) -> String {
    let minutes = now.duration_since(created).as_mins().max(0);
    match (minutes / (24 * 60), minutes / 60) {
        (0, 0) => format!("{minutes}m"),
        (0 | 1, hours) => format!("{hours}h"),
        (days, _) => format!("{days}d"),
    }
}

#[cfg(test)]
mod tests {
    use cloud_lb_core::model::ServiceId;

    use super::*;

    fn owned() -> Owned {
        let text = |text: &str| text.to_owned();
        let service = ServiceId {
            cluster: text("blue"),
            namespace: text("shop"),
            name: text("web"),
            uid: text("257b9655"),
        };
        let made = Timestamp::from_second(1_700_000_000).unwrap();
        let lb = OwnedResource::new("LoadBalancer", "lb-1").with_created(Some(made)).with_bill(true);
        let lb = lb.with_held(vec![text("Elastic IP eip-1")]);
        let resources = vec![lb, OwnedResource::new("TargetGroup", "tg-1")];
        Owned { service: Some(service), resources }
    }

    #[test]
    fn w_28_each_service_is_told_with_its_resources_and_their_fate() {
        let owned = owned();
        let now = Timestamp::from_second(1_700_000_000 + 3 * 24 * 3600).unwrap();
        let of = |fate| anstream::adapter::strip_str(&text(&[Orphan::new(&owned, fate)], now)).to_string();
        let told = [
            "shop/web 257b9655",
            "  LoadBalancer lb-1  3d old  billed  holds Elastic IP eip-1",
            "  TargetGroup tg-1",
            "1 Service that does not exist, 1 of them with resources that cost money",
        ];
        assert_eq!(of(Fate::Left).lines().collect::<Vec<_>>(), told);
        assert!(of(Fate::Failed("no permission".to_owned())).contains("not deleted: no permission"));
        assert_eq!(text(&[], now), "nothing is left of Services that do not exist\n");
    }

    #[test]
    fn ages_are_in_the_unit_that_says_enough() {
        let at = |seconds: i64| Timestamp::from_second(1_700_000_000 + seconds).unwrap();
        let cases =
            [(-5, "0m"), (59, "0m"), (3_599, "59m"), (3_600, "1h"), (47 * 3_600, "47h"), (172_800, "2d")];
        for (seconds, expected) in cases {
            assert_eq!(age(at(0), at(seconds)), expected);
        }
    }

    #[test]
    fn programs_get_the_same() {
        let owned = owned();
        let json = serde_json::json!([Orphan::new(&owned, Fate::Pending("draining".to_owned()))]);
        assert_eq!(json[0]["service"]["namespace"], "shop");
        assert_eq!((&json[0]["billed"], &json[0]["created"]), (&true.into(), &"2023-11-14T22:13:20Z".into()));
        let resource = &json[0]["resources"][0];
        assert_eq!((&resource["kind"], &resource["billed"]), (&"LoadBalancer".into(), &true.into()));
        assert_eq!(resource["holds"][0], "Elastic IP eip-1");
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
        let costly = |kind: &str| orphans[0].resources.iter().any(|one| one.kind == kind && one.billed);
        assert!(
            costly("LoadBalancer") && !costly("Listener") && orphans[0].oldest().is_some(),
            "{orphans:?}"
        );
        assert_eq!(remove(&*provider, orphans[0]).await, Fate::Deleted);
        assert!(find_orphans(&provider.survey(&[]).await.unwrap().owned, [], "blue").is_empty());
    }
}

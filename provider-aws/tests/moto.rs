//! The whole life of a load balancer against moto, an AWS that somebody else wrote, over real HTTP, looked
//! at with the AWS SDK. Runs where `MOTO_ENDPOINT` is set, for example `http://127.0.0.1:5000`.

#![cfg(feature = "sdk")]

#[path = "moto/account.rs"]
mod account;

use std::time::Duration;

use account::{Account, service};
use cloud_lb_core::engine::Engine;
use cloud_lb_core::model::{LoadBalancer, Status};
use cloud_lb_core::plan::StepReport;
use cloud_lb_core::provider::{LoadBalancerProvider, Outcome};
use provider_aws::{Aws, Config, Credentials, Sdk};

type Provider = Engine<Aws<Sdk>>;

async fn provider(account: &Account, cluster: &str) -> Provider {
    let mut config = Config::for_cluster(cluster);
    config.aws_region = account::REGION.into();
    config.aws_vpc_id.clone_from(&account.vpc_id);
    config.endpoint_elbv2.clone_from(&account.endpoint);
    config.endpoint_ec2.clone_from(&account.endpoint);
    let credentials = Credentials::Keys(account::keys());
    Engine::new(Aws::with_credentials(config, credentials).await.unwrap())
}

/// Calls again until nothing is pending any more, at most for a minute.
async fn ensured(provider: &Provider, lb: &LoadBalancer) -> Status {
    let all = async {
        loop {
            match provider.ensure(lb).await.unwrap() {
                Outcome::Done(status) => return status,
                Outcome::Pending(pending) | Outcome::Tidying(_, pending) => {
                    tokio::time::sleep(pending.retry_after).await;
                }
                Outcome::ImplementedElsewhere => panic!("not taken"),
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(60), all).await.unwrap()
}

async fn deleted(provider: &Provider, lb: &LoadBalancer) {
    let all = async {
        while let Outcome::Pending(pending) | Outcome::Tidying((), pending) =
            provider.delete(&lb.service).await.unwrap()
        {
            tokio::time::sleep(pending.retry_after).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), all).await.unwrap();
}

/// What moto does otherwise than AWS: it tells a security policy for listeners that are not TLS, which AWS
/// does not (`docs/aws.md`).
fn is_deviation_of_moto(step: &StepReport) -> bool {
    step.kind == "Listener" && step.why == "SslPolicy differs"
}

#[tokio::test]
async fn aws_200_to_204_create_no_op_change_delete_and_nothing_is_left() {
    let Some(account) = Account::make().await else {
        println!("skipped: MOTO_ENDPOINT is not set");
        return;
    };
    let cluster = "moto-life";
    let before = account.group_names().await;
    let running = provider(&account, cluster).await;
    let mut lb = service(cluster, &account, &[80], 2);

    let status = ensured(&running, &lb).await;
    let hostname = account.hostname().await.unwrap();
    assert!(format!("{status:?}").contains(&hostname.to_lowercase()), "{status:?} has not {hostname}");
    assert_eq!(account.listener_ports().await, [80]);
    assert_eq!(account.targets().await, account.instance_ids[..2]);

    // What another process sees: all of it is told by the account itself.
    let fresh = provider(&account, cluster).await;
    let plan = fresh.plan(&lb).await.unwrap();
    let unknown: Vec<_> = plan.steps.iter().filter(|step| !is_deviation_of_moto(step)).collect();
    assert!(unknown.is_empty(), "{unknown:#?}");

    lb = service(cluster, &account, &[80, 443], 3);
    ensured(&fresh, &lb).await;
    assert_eq!(account.listener_ports().await, [80, 443]);
    assert_eq!(account.targets().await, account.instance_ids);

    lb = service(cluster, &account, &[443], 3);
    ensured(&fresh, &lb).await;
    assert_eq!(account.listener_ports().await, [443]);

    deleted(&fresh, &lb).await;
    assert_eq!(account.hostname().await, None);
    assert_eq!(account.target_groups().await, 0);
    assert_eq!(account.group_names().await, before, "the shared group goes with its last user");
    assert_eq!(account.node_rules().await, 0);
    assert!(fresh.list_owned().await.unwrap().is_empty());
}

//! The whole life of a load balancer against moto, an AWS that somebody else wrote, over real HTTP, looked
//! at with the AWS SDK. Runs where `MOTO_ENDPOINT` is set, for example `http://127.0.0.1:5000`.

#![cfg(feature = "sdk")]
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    reason = "helpers of tests"
)]

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

/// A provider as a new process has it.
async fn provider(account: &Account, cluster: &str, groups: Groups) -> Provider {
    let mut config = Config::for_cluster(cluster);
    config.aws_region = account::REGION.into();
    config.aws_vpc_id.clone_from(&account.vpc_id);
    config.endpoint_elbv2.clone_from(&account.endpoint);
    config.endpoint_ec2.clone_from(&account.endpoint);
    config.nlb_security_group = matches!(groups, Groups::With);
    let credentials = Credentials::Keys(account::keys());
    Engine::new(Aws::with_credentials(config, credentials).await.unwrap())
}

/// Whether load balancers have security groups.
#[derive(Clone, Copy)]
enum Groups {
    With,
    Without,
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
    tokio::time::timeout(Duration::from_mins(1), all).await.unwrap()
}

async fn deleted(provider: &Provider, lb: &LoadBalancer) {
    let all = async {
        while let Outcome::Pending(pending) | Outcome::Tidying((), pending) =
            provider.delete(&lb.service).await.unwrap()
        {
            tokio::time::sleep(pending.retry_after).await;
        }
    };
    tokio::time::timeout(Duration::from_mins(1), all).await.unwrap();
}

/// What moto does otherwise than AWS: it tells a security policy for listeners that are not TLS, which AWS
/// does not (`docs/aws.md`).
fn is_deviation_of_moto(step: &StepReport) -> bool {
    step.kind == "Listener" && step.why == "SslPolicy differs"
}

/// Makes a load balancer, looks at it, and lets another process see no difference.
async fn made(account: &Account, cluster: &str, groups: Groups) -> Provider {
    let running = provider(account, cluster, groups).await;
    let lb = service(cluster, account, &[80], 2);
    let status = ensured(&running, &lb).await;
    let hostname = account.hostname().await.unwrap();
    assert!(format!("{status:?}").contains(&hostname.to_lowercase()), "{status:?} has not {hostname}");
    assert_eq!(account.listener_ports().await, [80]);
    assert_eq!(account.targets().await, account.instance_ids[..2]);
    assert_eq!(account.node_rules().await.len(), 1);

    let fresh = provider(account, cluster, groups).await;
    let plan = fresh.plan(&lb).await.unwrap();
    let unknown: Vec<_> = plan.steps.iter().filter(|step| !is_deviation_of_moto(step)).collect();
    assert!(unknown.is_empty(), "{unknown:#?}");

    ensured(&fresh, &service(cluster, account, &[80, 443], 3)).await;
    assert_eq!(account.listener_ports().await, [80, 443]);
    assert_eq!(account.targets().await, account.instance_ids);
    fresh
}

async fn nothing_is_left(provider: &Provider, account: &Account, groups: &[String]) {
    assert_eq!(account.hostname().await, None);
    assert_eq!(account.target_groups().await, 0);
    assert_eq!(account.group_names().await, groups, "the shared group goes with its last user");
    assert_eq!(account.node_rules().await, []);
    assert_eq!(provider.survey(&[]).await.unwrap().owned, []);
}

#[tokio::test]
async fn aws_200_to_204_create_no_op_change_delete_and_nothing_is_left() {
    let Some(account) = Account::make().await else { return };
    let cluster = "moto-without-groups";
    let before = account.group_names().await;
    let provider = made(&account, cluster, Groups::Without).await;
    let lb = service(cluster, &account, &[443], 3);
    ensured(&provider, &lb).await;
    assert_eq!(account.listener_ports().await, [443]);
    deleted(&provider, &lb).await;
    nothing_is_left(&provider, &account, &before).await;
}

#[tokio::test]
async fn aws_70_security_groups_come_and_go_with_the_load_balancer() {
    let Some(account) = Account::make().await else { return };
    let cluster = "moto-with-groups";
    let before = account.group_names().await;
    made(&account, cluster, Groups::With).await;
    assert_eq!(account.group_names().await.len(), before.len() + 2, "frontend and backend");
    // moto finds no rule whose source is a group unless its description is told, which AWS does not ask
    // for (`docs/aws.md`): so a person takes the rules of the nodes away.
    account.revoke_node_rules().await;
    let provider = provider(&account, cluster, Groups::With).await;
    deleted(&provider, &service(cluster, &account, &[80, 443], 3)).await;
    nothing_is_left(&provider, &account, &before).await;
}

//! Whether the credentials may do what this provider does (AWS-252).

use cloud_lb_core::error::{ErrorKind, Result};

use super::Sdk;
use crate::api::{Api, Groups, Interfaces, Vpcs, Which};
use crate::facts::GroupFacts;
use crate::facts::lookup::CLUSTER_TAG;
use crate::permissions::{ACTIONS, Permission, Verdict};

/// Ids that exist nowhere, to ask for by filter.
const NO_GROUP: &str = "sg-00000000000000000";
const NO_INSTANCE: &str = "i-00000000000000000";

impl Sdk {
    /// Asks AWS for every action of the minimal policy: reads are made, writes of EC2 are made as dry run.
    /// Changes nothing.
    pub async fn check_permissions(&self, vpc_id: &str) -> Vec<Permission> {
        let groups = self.describe_security_groups(Groups::Vpc(vpc_id)).await.unwrap_or_default();
        let mut permissions = Vec::with_capacity(ACTIONS.len());
        for action in ACTIONS {
            let verdict = match action.split_once(':') {
                Some(("ec2", name)) if name.starts_with("Describe") => {
                    judge(self.read_ec2(name, vpc_id).await, NOTHING)
                }
                Some(("ec2", name)) => judge(self.dry_run(name, vpc_id, &groups).await, NO_GROUP_OF_OURS),
                Some(("elasticloadbalancing", name)) if name.starts_with("Describe") => {
                    judge(self.read_elbv2(name).await, NOTHING)
                }
                Some(("elasticloadbalancing", _)) => Verdict::NotChecked(NO_DRY_RUN.to_owned()),
                _ => Verdict::NotChecked(NO_CALL.to_owned()),
            };
            permissions.push(Permission { action: (*action).to_owned(), verdict });
        }
        permissions
    }

    /// `false` if there is no security group to ask about. Where the minimal policy demands our tag, it
    /// has to be one of ours.
    async fn dry_run(&self, name: &str, vpc_id: &str, groups: &[GroupFacts]) -> Result<bool> {
        if name == "CreateSecurityGroup" {
            return self.ec2.dry_run_create(vpc_id).await.map(|()| true);
        }
        let any = name.ends_with("SecurityGroupIngress");
        let fits = |group: &&GroupFacts| any || group.tags.contains_key(CLUSTER_TAG);
        let Some(group) = groups.iter().find(fits) else { return Ok(false) };
        self.ec2.dry_run(name, &group.group_id).await.map(|()| true)
    }

    async fn read_ec2(&self, name: &str, vpc_id: &str) -> Result<bool> {
        let nobody = [NO_INSTANCE.to_owned()];
        match name {
            "DescribeAvailabilityZones" => self.describe_availability_zones().await.map(drop),
            "DescribeVpcs" => self.describe_vpcs(Vpcs::Id(vpc_id)).await.map(drop),
            "DescribeSubnets" => self.describe_subnets(vpc_id).await.map(drop),
            "DescribeRouteTables" => self.describe_route_tables(vpc_id).await.map(drop),
            "DescribeSecurityGroups" => self.describe_security_groups(Groups::Vpc(vpc_id)).await.map(drop),
            "DescribeInstances" => self.describe_instances(&nobody).await.map(drop),
            "DescribeNetworkInterfaces" => {
                self.describe_network_interfaces(Interfaces::Group(NO_GROUP)).await.map(drop)
            }
            "DescribeInternetGateways" | "DescribeAccountAttributes" => self.ec2.dry_run_read(name).await,
            "DescribeAddresses" => self.describe_addresses(&nobody).await.map(drop),
            _ => return Ok(false),
        }
        .map(|()| true)
    }

    /// Most reads need something to read; `false` if there is nothing.
    async fn read_elbv2(&self, name: &str) -> Result<bool> {
        match name {
            "DescribeLoadBalancers" => return self.describe_load_balancers(Which::All).await.map(|_| true),
            "DescribeTargetGroups" => return self.describe_target_groups(Which::All).await.map(|_| true),
            "DescribeTargetGroupAttributes" | "DescribeTargetHealth" => {
                let groups = self.describe_target_groups(Which::All).await?;
                let Some(group) = groups.first() else { return Ok(false) };
                let arn = &group.target_group_arn;
                return match name {
                    "DescribeTargetHealth" => self.describe_target_health(arn).await.map(|_| true),
                    _ => self.describe_target_group_attributes(arn).await.map(|_| true),
                };
            }
            _ => {}
        }
        let balancers = self.describe_load_balancers(Which::All).await?;
        let Some(balancer) = balancers.first() else { return Ok(false) };
        self.read_balancer(name, &balancer.load_balancer_arn).await
    }

    async fn read_balancer(&self, name: &str, arn: &str) -> Result<bool> {
        match name {
            "DescribeLoadBalancerAttributes" => self.describe_load_balancer_attributes(arn).await.map(drop),
            "DescribeCapacityReservation" => self.describe_capacity_reservation(arn).await.map(drop),
            "DescribeTags" => self.describe_tags(&[arn.to_owned()]).await.map(drop),
            "DescribeListeners" => self.describe_listeners(arn).await.map(drop),
            _ => {
                let listeners = self.describe_listeners(arn).await?;
                let Some(listener) = listeners.first() else { return Ok(false) };
                let arn = &listener.listener_arn;
                match name {
                    "DescribeListenerAttributes" => self.describe_listener_attributes(arn).await.map(drop),
                    "DescribeListenerCertificates" => {
                        self.describe_listener_certificates(arn).await.map(drop)
                    }
                    _ => return Ok(false),
                }
            }
        }
        .map(|()| true)
    }
}

const NOTHING: &str = "needs a Network Load Balancer to ask about, and there is none";
const NO_GROUP_OF_OURS: &str = "needs a security group to ask about, and there is none with our tag";
const NO_DRY_RUN: &str = "Elastic Load Balancing has no dry run";
const NO_CALL: &str = "AWS needs it when the first load balancer of an account is made";

/// An answer other than a refusal shows that the action is permitted, whatever else is wrong.
fn judge(asked: Result<bool>, nothing: &str) -> Verdict {
    match asked {
        Ok(true) => Verdict::Granted,
        Ok(false) => Verdict::NotChecked(nothing.to_owned()),
        Err(error) => match error.kind() {
            ErrorKind::PermissionDenied => Verdict::Denied(error.to_string()),
            ErrorKind::Unavailable | ErrorKind::Timeout | ErrorKind::Throttled => {
                Verdict::NotChecked(error.to_string())
            }
            _ => Verdict::Granted,
        },
    }
}

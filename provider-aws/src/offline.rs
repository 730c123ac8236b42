//! [`Api`] over a description of an account: plans without AWS. What would change something is refused.

mod check;
mod listed;

use std::collections::BTreeMap;

use cloud_lb_core::error::{Error, ErrorKind, Result};

use crate::api::{
    Api, Groups, Interfaces, ListenerSettings, Map, NewLoadBalancer, NewSecurityGroup, NewTargetGroup,
    RouteTable, Vpcs, Which,
};
use crate::facts::{
    Account, Address, GroupFacts, Instance, ListenerFacts, LoadBalancerFacts, NetworkInterface, SubnetFacts,
    TargetFacts, TargetGroupFacts, VpcFacts, ZoneKind,
};
use crate::kinds::{HealthCheck, IpAddressType, IpPermission, Pairs, SubnetMapping, Target};
use crate::{Aws, Config};

/// An account as a file describes it. Reads are answered as AWS would answer them if the account held just
/// that; writes fail.
#[derive(Debug)]
pub struct Offline(Account);

impl Offline {
    /// The account that is described.
    ///
    /// # Errors
    /// `InvalidInput` with everything that does not fit together, each with its place in the description,
    /// for example `Subnets[0].VpcId`.
    pub fn new(account: Account) -> Result<Self> {
        check::check(&account)?;
        Ok(Self(account))
    }
}

impl Aws<Offline> {
    /// Plans for a described account, whose region and network stand in where the configuration tells
    /// none.
    ///
    /// # Errors
    /// `InvalidInput` as [`Offline::new`], or with all that is wrong with the configuration.
    pub fn offline(mut config: Config, account: Account) -> Result<Self> {
        if config.aws_region.is_empty() {
            config.aws_region.clone_from(&account.region);
        }
        if config.aws_vpc_id.is_empty() && config.aws_vpc_tags.is_empty() {
            config.aws_vpc_id.clone_from(&account.vpc_id);
        }
        let certificates = account.certificates.clone();
        let mut aws = Self::new(Offline::new(account)?, config)?;
        aws.lookups.certificates = certificates;
        Ok(aws)
    }
}

fn refused<T>(action: &'static str) -> Result<T> {
    let message = "the account is a description, in which nothing can be changed";
    Err(Error::new(ErrorKind::Unsupported, message).during(action))
}

impl Api for Offline {
    async fn describe_load_balancers(&self, which: Which<'_>) -> Result<Vec<LoadBalancerFacts>> {
        self.load_balancers(which)
    }

    async fn describe_load_balancer_attributes(&self, arn: &str) -> Result<Map> {
        Ok(self.load_balancer(arn)?.attributes.clone())
    }

    async fn describe_capacity_reservation(&self, arn: &str) -> Result<Option<i32>> {
        Ok(self.load_balancer(arn)?.capacity_units)
    }

    async fn describe_listeners(&self, load_balancer_arn: &str) -> Result<Vec<ListenerFacts>> {
        self.listeners(load_balancer_arn)
    }

    async fn describe_listener_attributes(&self, arn: &str) -> Result<Map> {
        Ok(self.listener(arn)?.attributes.clone())
    }

    async fn describe_listener_certificates(&self, arn: &str) -> Result<Vec<String>> {
        Ok(self.listener(arn)?.certificates.iter().skip(1).cloned().collect())
    }

    async fn describe_target_groups(&self, which: Which<'_>) -> Result<Vec<TargetGroupFacts>> {
        self.target_groups(which)
    }

    async fn describe_target_group_attributes(&self, arn: &str) -> Result<Map> {
        Ok(self.target_group(arn)?.attributes.clone())
    }

    async fn describe_target_health(&self, arn: &str) -> Result<Vec<TargetFacts>> {
        Ok(self.target_group(arn)?.targets.clone())
    }

    async fn describe_tags(&self, arns: &[String]) -> Result<BTreeMap<String, Map>> {
        arns.iter().map(|arn| Ok((arn.clone(), self.tags(arn)?.clone()))).collect()
    }

    async fn create_load_balancer(&self, _: &NewLoadBalancer) -> Result<LoadBalancerFacts> {
        refused("CreateLoadBalancer")
    }

    async fn modify_load_balancer_attributes(&self, _: &str, _: &Pairs) -> Result<()> {
        refused("ModifyLoadBalancerAttributes")
    }

    async fn set_security_groups(&self, _: &str, _: &[String], _: Option<&str>) -> Result<()> {
        refused("SetSecurityGroups")
    }

    async fn set_subnets(
        &self,
        _: &str,
        _: &[SubnetMapping],
        _: &str,
        _: Option<IpAddressType>,
    ) -> Result<()> {
        refused("SetSubnets")
    }

    async fn set_ip_address_type(&self, _: &str, _: IpAddressType) -> Result<()> {
        refused("SetIpAddressType")
    }

    async fn modify_capacity_reservation(&self, _: &str, _: Option<i32>) -> Result<()> {
        refused("ModifyCapacityReservation")
    }

    async fn delete_load_balancer(&self, _: &str) -> Result<()> {
        refused("DeleteLoadBalancer")
    }

    async fn create_listener(&self, _: &str, _: u16, _: &ListenerSettings, _: &Pairs) -> Result<String> {
        refused("CreateListener")
    }

    async fn modify_listener(&self, _: &str, _: &ListenerSettings) -> Result<()> {
        refused("ModifyListener")
    }

    async fn modify_listener_attributes(&self, _: &str, _: &Pairs) -> Result<()> {
        refused("ModifyListenerAttributes")
    }

    async fn add_listener_certificate(&self, _: &str, _: &str) -> Result<()> {
        refused("AddListenerCertificates")
    }

    async fn remove_listener_certificate(&self, _: &str, _: &str) -> Result<()> {
        refused("RemoveListenerCertificates")
    }

    async fn delete_listener(&self, _: &str) -> Result<()> {
        refused("DeleteListener")
    }

    async fn create_target_group(&self, _: &NewTargetGroup) -> Result<String> {
        refused("CreateTargetGroup")
    }

    async fn modify_target_group(&self, _: &str, _: &HealthCheck) -> Result<()> {
        refused("ModifyTargetGroup")
    }

    async fn modify_target_group_attributes(&self, _: &str, _: &Pairs) -> Result<()> {
        refused("ModifyTargetGroupAttributes")
    }

    async fn delete_target_group(&self, _: &str) -> Result<()> {
        refused("DeleteTargetGroup")
    }

    async fn register_targets(&self, _: &str, _: &[Target]) -> Result<()> {
        refused("RegisterTargets")
    }

    async fn deregister_targets(&self, _: &str, _: &[Target]) -> Result<()> {
        refused("DeregisterTargets")
    }

    async fn add_tags(&self, _: &str, _: &Pairs) -> Result<()> {
        refused("AddTags")
    }

    async fn remove_tags(&self, _: &str, _: &[String]) -> Result<()> {
        refused("RemoveTags")
    }

    async fn describe_availability_zones(&self) -> Result<BTreeMap<String, ZoneKind>> {
        Ok(self.0.zones())
    }

    async fn describe_vpcs(&self, which: Vpcs<'_>) -> Result<Vec<VpcFacts>> {
        Ok(self.0.vpcs_that(which))
    }

    async fn describe_subnets(&self, vpc_id: &str) -> Result<Vec<SubnetFacts>> {
        Ok(self.0.subnets_of(vpc_id))
    }

    async fn describe_route_tables(&self, vpc_id: &str) -> Result<Vec<RouteTable>> {
        Ok(self.0.route_tables(vpc_id))
    }

    async fn describe_security_groups(&self, which: Groups<'_>) -> Result<Vec<GroupFacts>> {
        self.security_groups(which)
    }

    async fn describe_instances(&self, ids: &[String]) -> Result<Vec<Instance>> {
        Ok(self.0.instances_of(ids))
    }

    async fn describe_network_interfaces(&self, which: Interfaces<'_>) -> Result<Vec<NetworkInterface>> {
        Ok(self.interfaces(which))
    }

    async fn describe_addresses(&self, ids: &[String]) -> Result<Vec<Address>> {
        Ok(self.0.addresses_of(ids))
    }

    async fn create_security_group(&self, _: &NewSecurityGroup) -> Result<String> {
        refused("CreateSecurityGroup")
    }

    async fn authorize_ingress(&self, _: &str, _: &[IpPermission], _: &str) -> Result<()> {
        refused("AuthorizeSecurityGroupIngress")
    }

    async fn revoke_ingress(&self, _: &str, _: &[IpPermission]) -> Result<()> {
        refused("RevokeSecurityGroupIngress")
    }

    async fn delete_security_group(&self, _: &str) -> Result<()> {
        refused("DeleteSecurityGroup")
    }

    async fn create_tags(&self, _: &str, _: &Pairs) -> Result<()> {
        refused("CreateTags")
    }

    async fn delete_tags(&self, _: &str, _: &[String]) -> Result<()> {
        refused("DeleteTags")
    }
}

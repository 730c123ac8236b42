//! [`Api`] on the AWS SDK for Rust. This module and `classify` are the only ones that name it.

mod account;
mod acm;
mod attempts;
mod call;
mod connect;
mod credentials;
mod ec2;
mod elbv2;
mod permissions;
mod rates;

use std::collections::BTreeMap;
use std::fmt;

use cloud_lb_core::call::CallCount;
use cloud_lb_core::error::Result;

pub use account::Description;
pub use credentials::{AccessKeys, Credentials};

use crate::api::{
    Api, Groups, Interfaces, ListenerSettings, Map, NewLoadBalancer, NewSecurityGroup, NewTargetGroup,
    RouteTable, Vpcs, Which,
};
use crate::facts::{
    Address, GroupFacts, Instance, ListenerFacts, LoadBalancerFacts, NetworkInterface, SubnetFacts,
    TargetFacts, TargetGroupFacts, VpcFacts, ZoneKind,
};
use crate::kinds::{HealthCheck, IpAddressType, IpPermission, Pairs, SubnetMapping, Target};
use acm::Acm;
use ec2::Ec2;
use elbv2::Elbv2;

/// The real AWS, or what listens at the configured endpoints.
///
/// Calls are limited by rates per family of actions, which adapt to throttling (AWS-236); the SDK tries
/// failed requests again, at most as often as the configuration says.
pub struct Sdk {
    elbv2: Elbv2,
    ec2: Ec2,
    acm: Acm,
    region: String,
    metadata: aws_config::imds::Client,
}

impl Sdk {
    /// Region of the calls.
    pub fn region(&self) -> &str {
        &self.region
    }

    /// What was called so far, by action as in IAM policies, for example `ec2:DescribeSubnets`.
    pub fn counts(&self) -> BTreeMap<String, CallCount> {
        let mut counts = self.elbv2.calls.counts();
        counts.extend(self.ec2.calls.counts());
        counts.extend(self.acm.calls.counts());
        counts
    }
}

/// Without clients, which hold credentials.
impl fmt::Debug for Sdk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sdk").field("region", &self.region).finish_non_exhaustive()
    }
}

/// Boxed, because the futures of the SDK are so large that a few of them in one another fill a stack.
impl Api for Sdk {
    async fn describe_load_balancers(&self, which: Which<'_>) -> Result<Vec<LoadBalancerFacts>> {
        Box::pin(self.elbv2.describe_load_balancers(which)).await
    }

    async fn describe_load_balancer_attributes(&self, arn: &str) -> Result<Map> {
        Box::pin(self.elbv2.describe_load_balancer_attributes(arn)).await
    }

    async fn describe_capacity_reservation(&self, arn: &str) -> Result<Option<i32>> {
        Box::pin(self.elbv2.describe_capacity_reservation(arn)).await
    }

    async fn describe_listeners(&self, load_balancer_arn: &str) -> Result<Vec<ListenerFacts>> {
        Box::pin(self.elbv2.describe_listeners(load_balancer_arn)).await
    }

    async fn describe_listener_attributes(&self, arn: &str) -> Result<Map> {
        Box::pin(self.elbv2.describe_listener_attributes(arn)).await
    }

    async fn describe_listener_certificates(&self, arn: &str) -> Result<Vec<String>> {
        Box::pin(self.elbv2.describe_listener_certificates(arn)).await
    }

    async fn describe_target_groups(&self, which: Which<'_>) -> Result<Vec<TargetGroupFacts>> {
        Box::pin(self.elbv2.describe_target_groups(which)).await
    }

    async fn describe_target_group_attributes(&self, arn: &str) -> Result<Map> {
        Box::pin(self.elbv2.describe_target_group_attributes(arn)).await
    }

    async fn describe_target_health(&self, arn: &str) -> Result<Vec<TargetFacts>> {
        Box::pin(self.elbv2.describe_target_health(arn)).await
    }

    async fn describe_tags(&self, arns: &[String]) -> Result<BTreeMap<String, Map>> {
        Box::pin(self.elbv2.describe_tags(arns)).await
    }

    async fn create_load_balancer(&self, new: &NewLoadBalancer) -> Result<LoadBalancerFacts> {
        Box::pin(self.elbv2.create_load_balancer(new)).await
    }

    async fn modify_load_balancer_attributes(&self, arn: &str, attributes: &Pairs) -> Result<()> {
        Box::pin(self.elbv2.modify_load_balancer_attributes(arn, attributes)).await
    }

    async fn set_security_groups(
        &self,
        arn: &str,
        groups: &[String],
        private_link: Option<&str>,
    ) -> Result<()> {
        Box::pin(self.elbv2.set_security_groups(arn, groups, private_link)).await
    }

    async fn set_subnets(
        &self,
        arn: &str,
        mappings: &[SubnetMapping],
        source_nat: &str,
        address_type: Option<IpAddressType>,
    ) -> Result<()> {
        Box::pin(self.elbv2.set_subnets(arn, mappings, source_nat, address_type)).await
    }

    async fn set_ip_address_type(&self, arn: &str, address_type: IpAddressType) -> Result<()> {
        Box::pin(self.elbv2.set_ip_address_type(arn, address_type)).await
    }

    async fn modify_capacity_reservation(&self, arn: &str, units: Option<i32>) -> Result<()> {
        Box::pin(self.elbv2.modify_capacity_reservation(arn, units)).await
    }

    async fn delete_load_balancer(&self, arn: &str) -> Result<()> {
        Box::pin(self.elbv2.delete_load_balancer(arn)).await
    }

    async fn create_listener(
        &self,
        load_balancer_arn: &str,
        port: u16,
        settings: &ListenerSettings,
        tags: &Pairs,
    ) -> Result<String> {
        Box::pin(self.elbv2.create_listener(load_balancer_arn, port, settings, tags)).await
    }

    async fn modify_listener(&self, arn: &str, settings: &ListenerSettings) -> Result<()> {
        Box::pin(self.elbv2.modify_listener(arn, settings)).await
    }

    async fn modify_listener_attributes(&self, arn: &str, attributes: &Pairs) -> Result<()> {
        Box::pin(self.elbv2.modify_listener_attributes(arn, attributes)).await
    }

    async fn add_listener_certificate(&self, arn: &str, certificate: &str) -> Result<()> {
        Box::pin(self.elbv2.add_listener_certificate(arn, certificate)).await
    }

    async fn remove_listener_certificate(&self, arn: &str, certificate: &str) -> Result<()> {
        Box::pin(self.elbv2.remove_listener_certificate(arn, certificate)).await
    }

    async fn delete_listener(&self, arn: &str) -> Result<()> {
        Box::pin(self.elbv2.delete_listener(arn)).await
    }

    async fn create_target_group(&self, new: &NewTargetGroup) -> Result<String> {
        Box::pin(self.elbv2.create_target_group(new)).await
    }

    async fn modify_target_group(&self, arn: &str, check: &HealthCheck) -> Result<()> {
        Box::pin(self.elbv2.modify_target_group(arn, check)).await
    }

    async fn modify_target_group_attributes(&self, arn: &str, attributes: &Pairs) -> Result<()> {
        Box::pin(self.elbv2.modify_target_group_attributes(arn, attributes)).await
    }

    async fn delete_target_group(&self, arn: &str) -> Result<()> {
        Box::pin(self.elbv2.delete_target_group(arn)).await
    }

    async fn register_targets(&self, arn: &str, targets: &[Target]) -> Result<()> {
        Box::pin(self.elbv2.register_targets(arn, targets)).await
    }

    async fn deregister_targets(&self, arn: &str, targets: &[Target]) -> Result<()> {
        Box::pin(self.elbv2.deregister_targets(arn, targets)).await
    }

    async fn add_tags(&self, arn: &str, tags: &Pairs) -> Result<()> {
        Box::pin(self.elbv2.add_tags(arn, tags)).await
    }

    async fn remove_tags(&self, arn: &str, keys: &[String]) -> Result<()> {
        Box::pin(self.elbv2.remove_tags(arn, keys)).await
    }

    async fn describe_availability_zones(&self) -> Result<BTreeMap<String, ZoneKind>> {
        Box::pin(self.ec2.describe_availability_zones()).await
    }

    async fn describe_vpcs(&self, which: Vpcs<'_>) -> Result<Vec<VpcFacts>> {
        Box::pin(self.ec2.describe_vpcs(which)).await
    }

    async fn describe_subnets(&self, vpc_id: &str) -> Result<Vec<SubnetFacts>> {
        Box::pin(self.ec2.describe_subnets(vpc_id)).await
    }

    async fn describe_route_tables(&self, vpc_id: &str) -> Result<Vec<RouteTable>> {
        Box::pin(self.ec2.describe_route_tables(vpc_id)).await
    }

    async fn describe_security_groups(&self, which: Groups<'_>) -> Result<Vec<GroupFacts>> {
        Box::pin(self.ec2.describe_security_groups(which)).await
    }

    async fn describe_instances(&self, ids: &[String]) -> Result<Vec<Instance>> {
        Box::pin(self.ec2.describe_instances(ids)).await
    }

    async fn describe_network_interfaces(&self, which: Interfaces<'_>) -> Result<Vec<NetworkInterface>> {
        Box::pin(self.ec2.describe_network_interfaces(which)).await
    }

    async fn describe_addresses(&self, ids: &[String]) -> Result<Vec<Address>> {
        Box::pin(self.ec2.describe_addresses(ids)).await
    }

    async fn create_security_group(&self, new: &NewSecurityGroup) -> Result<String> {
        Box::pin(self.ec2.create_security_group(new)).await
    }

    async fn authorize_ingress(
        &self,
        group_id: &str,
        rules: &[IpPermission],
        description: &str,
    ) -> Result<()> {
        Box::pin(self.ec2.authorize_ingress(group_id, rules, description)).await
    }

    async fn revoke_ingress(&self, group_id: &str, rules: &[IpPermission]) -> Result<()> {
        Box::pin(self.ec2.revoke_ingress(group_id, rules)).await
    }

    async fn delete_security_group(&self, group_id: &str) -> Result<()> {
        Box::pin(self.ec2.delete_security_group(group_id)).await
    }

    async fn create_tags(&self, group_id: &str, tags: &Pairs) -> Result<()> {
        Box::pin(self.ec2.create_tags(group_id, tags)).await
    }

    async fn delete_tags(&self, group_id: &str, keys: &[String]) -> Result<()> {
        Box::pin(self.ec2.delete_tags(group_id, keys)).await
    }
}

//! The calls to AWS that the provider makes, in types of our own.
//!
//! Errors are classified already. The kinds that the callers tell apart:
//! - `NotFound`: what the call names does not exist, whatever AWS calls it;
//! - `InUse`: `DependencyViolation`, `ResourceInUse`, and `OperationNotPermitted` of a protected load balancer;
//! - `Conflict`: `InvalidPermission.Duplicate` and `.NotFound`, `Duplicate…` names and listeners;
//! - `Quota`: every `TooMany…` and `…LimitExceeded`;
//! - `InvalidInput`: among others `InvalidTarget`, which one bad target makes of a whole call.

mod requests;

use std::collections::BTreeMap;
use std::fmt;
use std::future::Future;

use cloud_lb_core::error::Result;

use crate::facts::{
    Address, GroupFacts, Instance, ListenerFacts, LoadBalancerFacts, NetworkInterface, SubnetFacts,
    TargetFacts, TargetGroupFacts, VpcFacts, ZoneKind,
};
use crate::kinds::{HealthCheck, IpAddressType, IpPermission, Pairs, SubnetMapping, Target};

pub use requests::{
    Groups, Interfaces, ListenerSettings, Map, NewLoadBalancer, NewSecurityGroup, NewTargetGroup, RouteTable,
    Vpcs, Which,
};

/// AWS as far as this provider calls it: one method per action, named like it. Lists are read to the last
/// page.
pub trait Api: fmt::Debug + Send + Sync + 'static {
    /// Network Load Balancers without listeners, attributes, tags and capacity.
    fn describe_load_balancers(
        &self,
        which: Which<'_>,
    ) -> impl Future<Output = Result<Vec<LoadBalancerFacts>>> + Send;
    /// Attributes of a load balancer.
    fn describe_load_balancer_attributes(&self, arn: &str) -> impl Future<Output = Result<Map>> + Send;
    /// Reserved capacity units of a load balancer.
    fn describe_capacity_reservation(&self, arn: &str) -> impl Future<Output = Result<Option<i32>>> + Send;
    /// Listeners of a load balancer, with the default certificate, without attributes and tags.
    fn describe_listeners(
        &self,
        load_balancer_arn: &str,
    ) -> impl Future<Output = Result<Vec<ListenerFacts>>> + Send;
    /// Attributes of a listener.
    fn describe_listener_attributes(&self, arn: &str) -> impl Future<Output = Result<Map>> + Send;
    /// Certificates of a listener that are not the default one.
    fn describe_listener_certificates(&self, arn: &str) -> impl Future<Output = Result<Vec<String>>> + Send;
    /// Target groups without attributes, targets and tags.
    fn describe_target_groups(
        &self,
        which: Which<'_>,
    ) -> impl Future<Output = Result<Vec<TargetGroupFacts>>> + Send;
    /// Attributes of a target group.
    fn describe_target_group_attributes(&self, arn: &str) -> impl Future<Output = Result<Map>> + Send;
    /// Registered targets with their state; draining ones are among them.
    fn describe_target_health(&self, arn: &str) -> impl Future<Output = Result<Vec<TargetFacts>>> + Send;
    /// Tags of load balancers, listeners and target groups, by ARN; at most 20. `NotFound` if one does not
    /// exist.
    fn describe_tags(&self, arns: &[String]) -> impl Future<Output = Result<BTreeMap<String, Map>>> + Send;

    /// Makes a load balancer. One of this name and equal settings is returned as if it had been made,
    /// whosever it is (AWS-35).
    fn create_load_balancer(
        &self,
        new: &NewLoadBalancer,
    ) -> impl Future<Output = Result<LoadBalancerFacts>> + Send;
    /// Changes attributes; at most 20.
    fn modify_load_balancer_attributes(
        &self,
        arn: &str,
        attributes: &Pairs,
    ) -> impl Future<Output = Result<()>> + Send;
    /// Replaces the security groups, and says whether they hold for private links.
    fn set_security_groups(
        &self,
        arn: &str,
        groups: &[String],
        private_link: Option<&str>,
    ) -> impl Future<Output = Result<()>> + Send;
    /// Replaces the subnets, says whether there are prefixes for source NAT, and changes the families of the
    /// addresses where these are given.
    fn set_subnets(
        &self,
        arn: &str,
        mappings: &[SubnetMapping],
        source_nat: &str,
        address_type: Option<IpAddressType>,
    ) -> impl Future<Output = Result<()>> + Send;
    /// Changes the families of the addresses.
    fn set_ip_address_type(
        &self,
        arn: &str,
        address_type: IpAddressType,
    ) -> impl Future<Output = Result<()>> + Send;
    /// Reserves capacity units; `None` ends the reservation.
    fn modify_capacity_reservation(
        &self,
        arn: &str,
        units: Option<i32>,
    ) -> impl Future<Output = Result<()>> + Send;
    /// Deletes a load balancer with its listeners; one that does not exist is a success.
    fn delete_load_balancer(&self, arn: &str) -> impl Future<Output = Result<()>> + Send;

    /// Makes a listener; returns its ARN.
    fn create_listener(
        &self,
        load_balancer_arn: &str,
        port: u16,
        settings: &ListenerSettings,
        tags: &Pairs,
    ) -> impl Future<Output = Result<String>> + Send;
    /// Changes a listener.
    fn modify_listener(
        &self,
        arn: &str,
        settings: &ListenerSettings,
    ) -> impl Future<Output = Result<()>> + Send;
    /// Changes attributes.
    fn modify_listener_attributes(
        &self,
        arn: &str,
        attributes: &Pairs,
    ) -> impl Future<Output = Result<()>> + Send;
    /// Adds a certificate that is not the default one.
    fn add_listener_certificate(
        &self,
        arn: &str,
        certificate: &str,
    ) -> impl Future<Output = Result<()>> + Send;
    /// Removes a certificate that is not the default one.
    fn remove_listener_certificate(
        &self,
        arn: &str,
        certificate: &str,
    ) -> impl Future<Output = Result<()>> + Send;
    /// Deletes a listener.
    fn delete_listener(&self, arn: &str) -> impl Future<Output = Result<()>> + Send;

    /// Makes a target group; returns its ARN. As with load balancers, it may be somebody else's.
    fn create_target_group(&self, new: &NewTargetGroup) -> impl Future<Output = Result<String>> + Send;
    /// Changes the health check.
    fn modify_target_group(&self, arn: &str, check: &HealthCheck) -> impl Future<Output = Result<()>> + Send;
    /// Changes attributes.
    fn modify_target_group_attributes(
        &self,
        arn: &str,
        attributes: &Pairs,
    ) -> impl Future<Output = Result<()>> + Send;
    /// Deletes a target group.
    fn delete_target_group(&self, arn: &str) -> impl Future<Output = Result<()>> + Send;
    /// Registers targets; all or none.
    fn register_targets(&self, arn: &str, targets: &[Target]) -> impl Future<Output = Result<()>> + Send;
    /// Deregisters targets; unknown ones are a success.
    fn deregister_targets(&self, arn: &str, targets: &[Target]) -> impl Future<Output = Result<()>> + Send;
    /// Sets tags of a load balancer, listener or target group.
    fn add_tags(&self, arn: &str, tags: &Pairs) -> impl Future<Output = Result<()>> + Send;
    /// Removes tags of a load balancer, listener or target group.
    fn remove_tags(&self, arn: &str, keys: &[String]) -> impl Future<Output = Result<()>> + Send;

    /// All zones of the region by name.
    fn describe_availability_zones(&self) -> impl Future<Output = Result<BTreeMap<String, ZoneKind>>> + Send;
    /// Networks.
    fn describe_vpcs(&self, which: Vpcs<'_>) -> impl Future<Output = Result<Vec<VpcFacts>>> + Send;
    /// Subnets of a network, without routes; of zone kinds only Outposts are told.
    fn describe_subnets(&self, vpc_id: &str) -> impl Future<Output = Result<Vec<SubnetFacts>>> + Send;
    /// Route tables of a network.
    fn describe_route_tables(&self, vpc_id: &str) -> impl Future<Output = Result<Vec<RouteTable>>> + Send;
    /// Security groups with their inbound rules.
    fn describe_security_groups(
        &self,
        which: Groups<'_>,
    ) -> impl Future<Output = Result<Vec<GroupFacts>>> + Send;
    /// Instances of these ids; those that do not exist are left out.
    fn describe_instances(&self, ids: &[String]) -> impl Future<Output = Result<Vec<Instance>>> + Send;
    /// Network interfaces.
    fn describe_network_interfaces(
        &self,
        which: Interfaces<'_>,
    ) -> impl Future<Output = Result<Vec<NetworkInterface>>> + Send;
    /// Elastic IPs of these allocation ids; those that do not exist are left out.
    fn describe_addresses(&self, ids: &[String]) -> impl Future<Output = Result<Vec<Address>>> + Send;

    /// Makes a security group without inbound rules; returns its id. `Conflict` if the name is taken.
    fn create_security_group(&self, new: &NewSecurityGroup) -> impl Future<Output = Result<String>> + Send;
    /// Adds inbound rules, all with this description; all or none. An empty description is none.
    fn authorize_ingress(
        &self,
        group_id: &str,
        rules: &[IpPermission],
        description: &str,
    ) -> impl Future<Output = Result<()>> + Send;
    /// Removes inbound rules; all or none.
    fn revoke_ingress(
        &self,
        group_id: &str,
        rules: &[IpPermission],
    ) -> impl Future<Output = Result<()>> + Send;
    /// Deletes a security group.
    fn delete_security_group(&self, group_id: &str) -> impl Future<Output = Result<()>> + Send;
    /// Sets tags of a security group.
    fn create_tags(&self, group_id: &str, tags: &Pairs) -> impl Future<Output = Result<()>> + Send;
    /// Removes tags of a security group.
    fn delete_tags(&self, group_id: &str, keys: &[String]) -> impl Future<Output = Result<()>> + Send;
}

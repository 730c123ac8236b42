//! The calls.

use std::collections::BTreeMap;

use cloud_lb_core::call::Access::{Read, Write};
use cloud_lb_core::error::{ErrorKind, Result};

use super::{FakeAws, Map, not_found, refused};
use crate::api::{
    Api, Groups, Interfaces, ListenerSettings, NewLoadBalancer, NewSecurityGroup, NewTargetGroup, RouteTable,
    Vpcs, Which,
};
use crate::facts::{
    Address, GroupFacts, Instance, ListenerFacts, LoadBalancerFacts, NetworkInterface, SubnetFacts,
    TargetFacts, TargetGroupFacts, VpcFacts, ZoneKind,
};
use crate::kinds::{HealthCheck, IpAddressType, IpPermission, Pairs, SubnetMapping, Target};

fn extend(map: &mut Map, pairs: &Pairs) {
    map.extend(pairs.0.clone());
}

fn remove(map: &mut Map, keys: &[String]) {
    map.retain(|key, _| !keys.contains(key));
}

impl Api for FakeAws {
    async fn describe_load_balancers(&self, which: Which<'_>) -> Result<Vec<LoadBalancerFacts>> {
        self.call("DescribeLoadBalancers", Read, |state| state.describe_load_balancers(which)).await
    }

    async fn describe_load_balancer_attributes(&self, arn: &str) -> Result<Map> {
        let work = |state: &mut super::State| Ok(state.load_balancer(arn)?.attributes.clone());
        self.call("DescribeLoadBalancerAttributes", Read, work).await
    }

    async fn describe_capacity_reservation(&self, arn: &str) -> Result<Option<i32>> {
        let work = |state: &mut super::State| Ok(state.load_balancer(arn)?.capacity_units);
        self.call("DescribeCapacityReservation", Read, work).await
    }

    async fn describe_listeners(&self, load_balancer_arn: &str) -> Result<Vec<ListenerFacts>> {
        self.call("DescribeListeners", Read, |state| state.describe_listeners(load_balancer_arn)).await
    }

    async fn describe_listener_attributes(&self, arn: &str) -> Result<Map> {
        let work = |state: &mut super::State| Ok(state.listener(arn)?.attributes.clone());
        self.call("DescribeListenerAttributes", Read, work).await
    }

    async fn describe_listener_certificates(&self, arn: &str) -> Result<Vec<String>> {
        let work = |state: &mut super::State| {
            Ok(state.listener(arn)?.certificates.iter().skip(1).cloned().collect())
        };
        self.call("DescribeListenerCertificates", Read, work).await
    }

    async fn describe_target_groups(&self, which: Which<'_>) -> Result<Vec<TargetGroupFacts>> {
        self.call("DescribeTargetGroups", Read, |state| state.describe_target_groups(which)).await
    }

    async fn describe_target_group_attributes(&self, arn: &str) -> Result<Map> {
        let work = |state: &mut super::State| Ok(state.target_group(arn)?.attributes.clone());
        self.call("DescribeTargetGroupAttributes", Read, work).await
    }

    async fn describe_target_health(&self, arn: &str) -> Result<Vec<TargetFacts>> {
        self.call("DescribeTargetHealth", Read, |state| state.describe_target_health(arn)).await
    }

    async fn describe_tags(&self, arns: &[String]) -> Result<BTreeMap<String, Map>> {
        let work = |state: &mut super::State| {
            if arns.len() > 20 {
                return Err(refused(ErrorKind::InvalidInput, "more than 20 resources"));
            }
            if let Some(new) = arns.iter().find(|arn| !state.shows_tags(arn)) {
                return Err(not_found(new));
            }
            arns.iter().map(|arn| Ok((arn.clone(), state.tags(arn)?.clone()))).collect()
        };
        self.call("DescribeTags", Read, work).await
    }

    async fn create_load_balancer(&self, new: &NewLoadBalancer) -> Result<LoadBalancerFacts> {
        self.call("CreateLoadBalancer", Write, |state| state.create_load_balancer(new)).await
    }

    async fn modify_load_balancer_attributes(&self, arn: &str, attributes: &Pairs) -> Result<()> {
        let work = |state: &mut super::State| {
            if attributes.0.len() > 20 {
                return Err(refused(ErrorKind::InvalidInput, "more than 20 attributes"));
            }
            state.write_load_balancer_attributes(arn, attributes)
        };
        self.call("ModifyLoadBalancerAttributes", Write, work).await
    }

    async fn set_security_groups(
        &self,
        arn: &str,
        groups: &[String],
        private_link: Option<&str>,
    ) -> Result<()> {
        let work = |state: &mut super::State| {
            for group in groups {
                state.group(group)?;
            }
            let lb = state.load_balancer(arn)?;
            if lb.security_groups.is_empty() || groups.is_empty() {
                return Err(refused(ErrorKind::InvalidInput, "the load balancer has no security groups"));
            }
            lb.security_groups = groups.to_vec();
            let enforce = &mut lb.enforce_security_group_inbound_rules_on_private_link_traffic;
            *enforce = private_link.map(ToOwned::to_owned).or(enforce.take());
            Ok(())
        };
        self.call("SetSecurityGroups", Write, work).await
    }

    async fn set_subnets(
        &self,
        arn: &str,
        mappings: &[SubnetMapping],
        source_nat: &str,
        address_type: Option<IpAddressType>,
    ) -> Result<()> {
        let work = |state: &mut super::State| {
            state.check_subnets(mappings)?;
            let lb = state.load_balancer(arn)?;
            let address_type = address_type.unwrap_or(lb.ip_address_type);
            if source_nat == "on" && address_type == IpAddressType::Ipv4 {
                return Err(refused(ErrorKind::InvalidInput, "source NAT prefixes need dualstack"));
            }
            lb.ip_address_type = address_type;
            lb.subnet_mappings = mappings.to_vec();
            lb.enable_prefix_for_ipv6_source_nat = Some(source_nat.to_owned());
            Ok(())
        };
        self.call("SetSubnets", Write, work).await
    }

    async fn set_ip_address_type(&self, arn: &str, address_type: IpAddressType) -> Result<()> {
        let work = |state: &mut super::State| {
            state.load_balancer(arn)?.ip_address_type = address_type;
            Ok(())
        };
        self.call("SetIpAddressType", Write, work).await
    }

    async fn modify_capacity_reservation(&self, arn: &str, units: Option<i32>) -> Result<()> {
        let work = |state: &mut super::State| {
            if state.provisioning.contains_key(arn) {
                return Err(refused(ErrorKind::InUse, "the load balancer is being provisioned"));
            }
            state.load_balancer(arn)?.capacity_units = units;
            Ok(())
        };
        self.call("ModifyCapacityReservation", Write, work).await
    }

    async fn delete_load_balancer(&self, arn: &str) -> Result<()> {
        self.call("DeleteLoadBalancer", Write, |state| state.delete_load_balancer(arn)).await
    }

    async fn create_listener(
        &self,
        load_balancer_arn: &str,
        port: u16,
        settings: &ListenerSettings,
        tags: &Pairs,
    ) -> Result<String> {
        let work = |state: &mut super::State| state.create_listener(load_balancer_arn, port, settings, tags);
        self.call("CreateListener", Write, work).await
    }

    async fn modify_listener(&self, arn: &str, settings: &ListenerSettings) -> Result<()> {
        self.call("ModifyListener", Write, |state| state.modify_listener(arn, settings)).await
    }

    async fn modify_listener_attributes(&self, arn: &str, attributes: &Pairs) -> Result<()> {
        let work = |state: &mut super::State| {
            extend(&mut state.listener(arn)?.attributes, attributes);
            Ok(())
        };
        self.call("ModifyListenerAttributes", Write, work).await
    }

    async fn add_listener_certificate(&self, arn: &str, certificate: &str) -> Result<()> {
        let work = |state: &mut super::State| {
            let known = &mut state.listener(arn)?.certificates;
            if !known.iter().skip(1).any(|arn| arn == certificate) {
                known.push(certificate.to_owned());
            }
            Ok(())
        };
        self.call("AddListenerCertificates", Write, work).await
    }

    async fn remove_listener_certificate(&self, arn: &str, certificate: &str) -> Result<()> {
        let work = |state: &mut super::State| {
            let mut index = 0;
            state.listener(arn)?.certificates.retain(|arn| {
                index += 1;
                index == 1 || arn != certificate
            });
            Ok(())
        };
        self.call("RemoveListenerCertificates", Write, work).await
    }

    async fn delete_listener(&self, arn: &str) -> Result<()> {
        self.call("DeleteListener", Write, |state| state.delete_listener(arn)).await
    }

    async fn create_target_group(&self, new: &NewTargetGroup) -> Result<String> {
        self.call("CreateTargetGroup", Write, |state| state.create_target_group(new)).await
    }

    async fn modify_target_group(&self, arn: &str, check: &HealthCheck) -> Result<()> {
        let work = |state: &mut super::State| {
            state.target_group(arn)?.health_check = check.clone();
            Ok(())
        };
        self.call("ModifyTargetGroup", Write, work).await
    }

    async fn modify_target_group_attributes(&self, arn: &str, attributes: &Pairs) -> Result<()> {
        let work = |state: &mut super::State| state.write_target_group_attributes(arn, attributes);
        self.call("ModifyTargetGroupAttributes", Write, work).await
    }

    async fn delete_target_group(&self, arn: &str) -> Result<()> {
        self.call("DeleteTargetGroup", Write, |state| state.delete_target_group(arn)).await
    }

    async fn register_targets(&self, arn: &str, targets: &[Target]) -> Result<()> {
        self.call("RegisterTargets", Write, |state| state.register(arn, targets)).await
    }

    async fn deregister_targets(&self, arn: &str, targets: &[Target]) -> Result<()> {
        self.call("DeregisterTargets", Write, |state| state.deregister(arn, targets)).await
    }

    async fn add_tags(&self, arn: &str, tags: &Pairs) -> Result<()> {
        let work = |state: &mut super::State| {
            extend(state.tags(arn)?, tags);
            Ok(())
        };
        self.call("AddTags", Write, work).await
    }

    async fn remove_tags(&self, arn: &str, keys: &[String]) -> Result<()> {
        let work = |state: &mut super::State| {
            remove(state.tags(arn)?, keys);
            Ok(())
        };
        self.call("RemoveTags", Write, work).await
    }

    async fn describe_availability_zones(&self) -> Result<BTreeMap<String, ZoneKind>> {
        self.call("DescribeAvailabilityZones", Read, |state| Ok(state.account.zones())).await
    }

    async fn describe_vpcs(&self, which: Vpcs<'_>) -> Result<Vec<VpcFacts>> {
        self.call("DescribeVpcs", Read, |state| Ok(state.account.vpcs_that(which))).await
    }

    async fn describe_subnets(&self, vpc_id: &str) -> Result<Vec<SubnetFacts>> {
        let without_routes = |subnet| SubnetFacts { routes: None, ..subnet };
        let work = |state: &mut super::State| {
            Ok(state.account.subnets_of(vpc_id).into_iter().map(without_routes).collect())
        };
        self.call("DescribeSubnets", Read, work).await
    }

    async fn describe_route_tables(&self, vpc_id: &str) -> Result<Vec<RouteTable>> {
        self.call("DescribeRouteTables", Read, |state| Ok(state.account.route_tables(vpc_id))).await
    }

    async fn describe_security_groups(&self, which: Groups<'_>) -> Result<Vec<GroupFacts>> {
        self.call("DescribeSecurityGroups", Read, |state| state.describe_security_groups(which)).await
    }

    async fn describe_instances(&self, ids: &[String]) -> Result<Vec<Instance>> {
        self.call("DescribeInstances", Read, |state| Ok(state.account.instances_of(ids))).await
    }

    async fn describe_network_interfaces(&self, which: Interfaces<'_>) -> Result<Vec<NetworkInterface>> {
        let work = |state: &mut super::State| Ok(state.describe_network_interfaces(which));
        self.call("DescribeNetworkInterfaces", Read, work).await
    }

    async fn describe_addresses(&self, ids: &[String]) -> Result<Vec<Address>> {
        self.call("DescribeAddresses", Read, |state| Ok(state.account.addresses_of(ids))).await
    }

    async fn create_security_group(&self, new: &NewSecurityGroup) -> Result<String> {
        self.call("CreateSecurityGroup", Write, |state| state.create_security_group(new)).await
    }

    async fn authorize_ingress(
        &self,
        group_id: &str,
        rules: &[IpPermission],
        description: &str,
    ) -> Result<()> {
        let work = |state: &mut super::State| state.authorize(group_id, rules, description);
        self.call("AuthorizeSecurityGroupIngress", Write, work).await
    }

    async fn revoke_ingress(&self, group_id: &str, rules: &[IpPermission]) -> Result<()> {
        self.call("RevokeSecurityGroupIngress", Write, |state| state.revoke(group_id, rules)).await
    }

    async fn delete_security_group(&self, group_id: &str) -> Result<()> {
        self.call("DeleteSecurityGroup", Write, |state| state.delete_security_group(group_id)).await
    }

    async fn create_tags(&self, group_id: &str, tags: &Pairs) -> Result<()> {
        let work = |state: &mut super::State| {
            let group = state.group(group_id).map_err(|_| not_found(group_id))?;
            extend(&mut group.tags, tags);
            Ok(())
        };
        self.call("CreateTags", Write, work).await
    }

    async fn delete_tags(&self, group_id: &str, keys: &[String]) -> Result<()> {
        let work = |state: &mut super::State| {
            remove(&mut state.group(group_id)?.tags, keys);
            Ok(())
        };
        self.call("DeleteTags", Write, work).await
    }
}

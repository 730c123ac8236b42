use aws_sdk_elasticloadbalancingv2::types::{
    EnablePrefixForIpv6SourceNatEnum, EnforceSecurityGroupInboundRulesOnPrivateLinkTrafficEnum,
    IpAddressType as SdkAddressType, LoadBalancerAttribute, LoadBalancerTypeEnum,
    MinimumLoadBalancerCapacity, SubnetMapping as SdkMapping,
};
use cloud_lb_core::error::{ErrorKind, Result};

use super::super::call::missing;
use super::{Elbv2, PAGE_SIZE, facts, pair, sdk_tags};
use crate::api::{Map, NewLoadBalancer, Which};
use crate::facts::LoadBalancerFacts;
use crate::kinds::{IpAddressType, Pairs, SubnetMapping};

impl Elbv2 {
    pub(crate) async fn describe_load_balancers(&self, which: Which<'_>) -> Result<Vec<LoadBalancerFacts>> {
        let request = || match which {
            Which::All => self.client.describe_load_balancers().page_size(PAGE_SIZE),
            Which::Arns(arns) => {
                self.client.describe_load_balancers().set_load_balancer_arns(Some(arns.to_vec()))
            }
            Which::Name(name) => self.client.describe_load_balancers().names(name),
        };
        let page = async |marker| {
            let request = request().set_marker(marker);
            let answer = self.calls.read("DescribeLoadBalancers", request.send()).await?;
            let list: Result<Vec<_>> =
                answer.load_balancers().iter().filter_map(facts::any_load_balancer).collect();
            Ok((list?, answer.next_marker))
        };
        match (self.calls.pages("DescribeLoadBalancers", page).await, which) {
            (Err(error), Which::Name(_)) if error.kind() == ErrorKind::NotFound => Ok(Vec::new()),
            (result, _) => result,
        }
    }

    pub(crate) async fn describe_load_balancer_attributes(&self, arn: &str) -> Result<Map> {
        let request = self.client.describe_load_balancer_attributes().load_balancer_arn(arn);
        let answer = self.calls.read("DescribeLoadBalancerAttributes", request.send()).await?;
        Ok(answer.attributes().iter().map(|attribute| pair(attribute.key(), attribute.value())).collect())
    }

    pub(crate) async fn describe_capacity_reservation(&self, arn: &str) -> Result<Option<i32>> {
        let request = self.client.describe_capacity_reservation().load_balancer_arn(arn);
        let answer = self.calls.read("DescribeCapacityReservation", request.send()).await?;
        Ok(answer.minimum_load_balancer_capacity().and_then(MinimumLoadBalancerCapacity::capacity_units))
    }

    pub(crate) async fn create_load_balancer(&self, new: &NewLoadBalancer) -> Result<LoadBalancerFacts> {
        let request = self
            .client
            .create_load_balancer()
            .name(&new.name)
            .r#type(LoadBalancerTypeEnum::from("network"))
            .scheme(new.scheme.as_str().into())
            .ip_address_type(new.ip_address_type.as_str().into())
            .set_subnet_mappings(Some(mappings(&new.subnet_mappings)))
            .set_security_groups(Some(new.security_groups.clone()).filter(|groups| !groups.is_empty()))
            .set_enable_prefix_for_ipv6_source_nat(source_nat(&new.enable_prefix_for_ipv6_source_nat))
            .set_tags(sdk_tags(&new.tags));
        let answer = self.calls.write("CreateLoadBalancer", request.send()).await?;
        facts::load_balancer(answer.load_balancers().first().ok_or_else(|| missing("LoadBalancers"))?)
    }

    pub(crate) async fn modify_load_balancer_attributes(&self, arn: &str, attributes: &Pairs) -> Result<()> {
        let attribute = |(key, value)| LoadBalancerAttribute::builder().key(key).value(value).build();
        let request = self
            .client
            .modify_load_balancer_attributes()
            .load_balancer_arn(arn)
            .set_attributes(Some(attributes.0.iter().map(attribute).collect()));
        self.calls.write("ModifyLoadBalancerAttributes", request.send()).await.map(drop)
    }

    pub(crate) async fn set_security_groups(
        &self,
        arn: &str,
        groups: &[String],
        private_link: Option<&str>,
    ) -> Result<()> {
        let enforce = private_link.map(EnforceSecurityGroupInboundRulesOnPrivateLinkTrafficEnum::from);
        let request = self
            .client
            .set_security_groups()
            .load_balancer_arn(arn)
            .set_security_groups(Some(groups.to_vec()))
            .set_enforce_security_group_inbound_rules_on_private_link_traffic(enforce);
        self.calls.write("SetSecurityGroups", request.send()).await.map(drop)
    }

    pub(crate) async fn set_subnets(
        &self,
        arn: &str,
        subnets: &[SubnetMapping],
        prefix: &str,
        address_type: Option<IpAddressType>,
    ) -> Result<()> {
        let request = self
            .client
            .set_subnets()
            .load_balancer_arn(arn)
            .set_subnet_mappings(Some(mappings(subnets)))
            .set_enable_prefix_for_ipv6_source_nat(source_nat(prefix))
            .set_ip_address_type(address_type.map(|word| SdkAddressType::from(word.as_str())));
        self.calls.write("SetSubnets", request.send()).await.map(drop)
    }

    pub(crate) async fn set_ip_address_type(&self, arn: &str, address_type: IpAddressType) -> Result<()> {
        let request = self
            .client
            .set_ip_address_type()
            .load_balancer_arn(arn)
            .ip_address_type(SdkAddressType::from(address_type.as_str()));
        self.calls.write("SetIpAddressType", request.send()).await.map(drop)
    }

    pub(crate) async fn modify_capacity_reservation(&self, arn: &str, units: Option<i32>) -> Result<()> {
        let request = self.client.modify_capacity_reservation().load_balancer_arn(arn);
        let request = match units {
            Some(units) => {
                let capacity = MinimumLoadBalancerCapacity::builder().capacity_units(units).build();
                request.minimum_load_balancer_capacity(capacity)
            }
            None => request.reset_capacity_reservation(true),
        };
        self.calls.write("ModifyCapacityReservation", request.send()).await.map(drop)
    }

    pub(crate) async fn delete_load_balancer(&self, arn: &str) -> Result<()> {
        let request = self.client.delete_load_balancer().load_balancer_arn(arn);
        self.calls.write("DeleteLoadBalancer", request.send()).await.map(drop)
    }
}

fn mappings(subnets: &[SubnetMapping]) -> Vec<SdkMapping> {
    let mapping = |subnet: &SubnetMapping| {
        SdkMapping::builder()
            .subnet_id(&subnet.subnet_id)
            .set_allocation_id(subnet.allocation_id.clone())
            .set_private_ipv4_address(subnet.private_ipv4_address.clone())
            .set_ipv6_address(subnet.ipv6_address.clone())
            .set_source_nat_ipv6_prefix(subnet.source_nat_ipv6_prefix.clone())
            .build()
    };
    subnets.iter().map(mapping).collect()
}

fn source_nat(switch: &str) -> Option<EnablePrefixForIpv6SourceNatEnum> {
    Some(switch).filter(|switch| !switch.is_empty()).map(Into::into)
}

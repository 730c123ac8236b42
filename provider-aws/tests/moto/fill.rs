//! Makes in moto what facts tell.

use std::net::IpAddr;

use aws_sdk_ec2::types::{InstanceType, IpPermission, IpRange, ResourceType, Tag, TagSpecification};
use provider_aws::facts::{
    GroupFacts, Instance, LoadBalancerFacts, NetworkInterface, RouteKind, SubnetFacts, TargetGroupFacts,
};

use crate::account::Account;

type Tags = std::collections::BTreeMap<String, String>;

impl Account {
    pub(crate) async fn fill(&mut self) {
        self.add_network().await;
        for group in self.facts.security_groups.clone() {
            self.add_group(&group).await;
        }
        for instance in self.facts.instances.clone() {
            self.add_instance(&instance).await;
        }
        for interface in self.facts.network_interfaces.clone() {
            self.add_interface(&interface).await;
        }
        for address in self.facts.addresses.clone() {
            let made = self.ec2.allocate_address().send().await.unwrap();
            self.ids.insert(address.allocation_id, made.allocation_id.unwrap());
        }
        for lb in self.facts.load_balancers.clone() {
            self.add_load_balancer(&lb).await;
        }
        for group in self.facts.target_groups.clone() {
            self.add_target_group(&group).await;
        }
        self.ids.remove(""); // what the facts do not name
    }

    fn real(&self, id: &str) -> String {
        self.id(id).unwrap_or_else(|| id.to_owned())
    }

    async fn add_network(&mut self) {
        let vpc = &self.facts.vpcs[0];
        let made = self.ec2.create_vpc().cidr_block(vpc.cidrs[0].to_string()).send().await.unwrap();
        let vpc_id = made.vpc.unwrap().vpc_id.unwrap();
        self.ids.insert(self.facts.vpc_id.clone(), vpc_id.clone());
        let knows_routes = self.facts.subnets.iter().any(|subnet| subnet.routes.is_some());
        let gateway = if knows_routes { Some(self.add_gateway(&vpc_id).await) } else { None };
        for (number, mut subnet) in self.facts.subnets.clone().into_iter().enumerate() {
            let free = || format!("192.168.{}.0/24", 200 + number).parse().unwrap();
            subnet.cidr_block = Some(subnet.cidr_block.unwrap_or_else(free));
            let id = self.add_subnet(&subnet).await;
            if let Some(gateway) = &gateway {
                self.add_route_table(&vpc_id, &id, gateway, subnet.routes).await;
            }
            self.facts.subnets[number] = subnet;
        }
    }

    async fn add_gateway(&self, vpc_id: &str) -> String {
        let made = self.ec2.create_internet_gateway().send().await.unwrap();
        let id = made.internet_gateway.unwrap().internet_gateway_id.unwrap();
        self.ec2.attach_internet_gateway().internet_gateway_id(&id).vpc_id(vpc_id).send().await.unwrap();
        id
    }

    async fn add_route_table(&self, vpc_id: &str, subnet: &str, gateway: &str, routes: Option<RouteKind>) {
        let made = self.ec2.create_route_table().vpc_id(vpc_id).send().await.unwrap();
        let id = made.route_table.unwrap().route_table_id.unwrap();
        if routes == Some(RouteKind::Public) {
            let route = self.ec2.create_route().route_table_id(&id).gateway_id(gateway);
            route.destination_cidr_block("0.0.0.0/0").send().await.unwrap();
        }
        self.ec2.associate_route_table().route_table_id(id).subnet_id(subnet).send().await.unwrap();
    }

    async fn add_subnet(&mut self, subnet: &SubnetFacts) -> String {
        let request = self
            .ec2
            .create_subnet()
            .vpc_id(self.real(&subnet.vpc_id))
            .availability_zone(&subnet.availability_zone)
            .set_cidr_block(subnet.cidr_block.map(|net| net.to_string()))
            .set_ipv6_cidr_block(subnet.ipv6_cidrs.first().map(ToString::to_string))
            .set_tag_specifications(specification(ResourceType::Subnet, &subnet.tags));
        let id = request.send().await.unwrap().subnet.unwrap().subnet_id.unwrap();
        self.ids.insert(subnet.subnet_id.clone(), id.clone());
        id
    }

    async fn add_group(&mut self, group: &GroupFacts) {
        let request = self
            .ec2
            .create_security_group()
            .group_name(&group.group_id)
            .description("of a case")
            .vpc_id(self.real(&group.vpc_id))
            .set_tag_specifications(specification(ResourceType::SecurityGroup, &group.tags));
        let id = request.send().await.unwrap().group_id.unwrap();
        for rule in &group.ip_permissions {
            let ranges = rule.cidrs.iter().map(|net| IpRange::builder().cidr_ip(net.to_string()).build());
            let rule = IpPermission::builder()
                .ip_protocol(&rule.ip_protocol)
                .set_from_port(rule.from_port)
                .set_to_port(rule.to_port)
                .set_ip_ranges(Some(ranges.collect()));
            let request = self.ec2.authorize_security_group_ingress().group_id(&id);
            request.ip_permissions(rule.build()).send().await.unwrap();
        }
        self.ids.insert(group.group_id.clone(), id);
    }

    async fn add_instance(&mut self, instance: &Instance) {
        let subnets = &self.facts.subnets;
        let near = subnets.iter().find(|subnet| subnet.availability_zone == instance.availability_zone);
        let subnet = near.unwrap_or(&subnets[0]).subnet_id.clone();
        let groups = instance.security_groups.iter().map(|group| self.real(group)).collect();
        let request = self
            .ec2
            .run_instances()
            .image_id("ami-12345678")
            .instance_type(InstanceType::T3Micro)
            .min_count(1)
            .max_count(1)
            .subnet_id(self.real(&subnet))
            .set_security_group_ids(Some(groups));
        let made = request.send().await.unwrap();
        let made = &made.instances()[0];
        let interface = made.network_interfaces()[0].network_interface_id().unwrap();
        self.add_addresses(interface, &instance.addresses).await;
        self.ids.insert(instance.network_interface_id.clone(), interface.to_owned());
        self.ids.insert(instance.instance_id.clone(), made.instance_id().unwrap().to_owned());
    }

    async fn add_interface(&mut self, interface: &NetworkInterface) {
        let groups = interface.security_groups.iter().map(|group| self.real(group)).collect();
        let first = interface.addresses.first();
        let request = self
            .ec2
            .create_network_interface()
            .subnet_id(self.real(&self.subnet_around(first).subnet_id))
            .set_private_ip_address(first.map(ToString::to_string)) // moto finds interfaces by it alone
            .set_groups(Some(groups));
        let made = request.send().await.unwrap();
        let id = made.network_interface().unwrap().network_interface_id().unwrap().to_owned();
        self.add_addresses(&id, interface.addresses.get(1..).unwrap_or_default()).await;
        self.ids.insert(interface.network_interface_id.clone(), id);
    }

    fn subnet_around(&self, address: Option<&IpAddr>) -> &SubnetFacts {
        let holds = |subnet: &&SubnetFacts| match (subnet.cidr_block, address) {
            (Some(net), Some(IpAddr::V4(address))) => net.contains(address),
            _ => false,
        };
        let subnets = &self.facts.subnets;
        subnets.iter().find(holds).unwrap_or(&subnets[0])
    }

    /// moto does not mind addresses outside the subnet.
    async fn add_addresses(&self, interface: &str, addresses: &[IpAddr]) {
        if !addresses.is_empty() {
            let request = self.ec2.assign_private_ip_addresses().network_interface_id(interface);
            let list = addresses.iter().map(ToString::to_string).collect();
            request.set_private_ip_addresses(Some(list)).send().await.unwrap();
        }
    }

    async fn add_load_balancer(&mut self, lb: &LoadBalancerFacts) {
        let subnets = lb.subnet_mappings.iter().map(|mapping| self.real(&mapping.subnet_id)).collect();
        let groups = lb.security_groups.iter().map(|group| self.real(group)).collect();
        let request = self
            .elbv2
            .create_load_balancer()
            .name(&lb.load_balancer_name)
            .r#type("network".into())
            .scheme(lb.scheme.as_str().into())
            .ip_address_type(lb.ip_address_type.as_str().into())
            .set_subnets(Some(subnets))
            .set_security_groups(Some(groups))
            .set_tags(Some(elbv2_tags(&lb.tags)));
        let made = request.send().await.unwrap();
        let arn = made.load_balancers()[0].load_balancer_arn().unwrap().to_owned();
        self.ids.insert(lb.load_balancer_arn.clone(), arn);
    }

    async fn add_target_group(&mut self, group: &TargetGroupFacts) {
        let request = self
            .elbv2
            .create_target_group()
            .name(&group.target_group_name)
            .target_type(group.target_type.as_str().into())
            .protocol(group.protocol.as_str().into())
            .port(group.port.into())
            .vpc_id(self.real(&group.vpc_id))
            .health_check_protocol(group.health_check.protocol.as_str().into())
            .health_check_port(&group.health_check.port)
            .health_check_interval_seconds(i32::try_from(group.health_check.interval).unwrap())
            .health_check_timeout_seconds(i32::try_from(group.health_check.timeout).unwrap())
            .healthy_threshold_count(i32::try_from(group.health_check.healthy).unwrap())
            .unhealthy_threshold_count(i32::try_from(group.health_check.unhealthy).unwrap())
            .set_tags(Some(elbv2_tags(&group.tags)));
        let made = request.send().await.unwrap();
        let arn = made.target_groups()[0].target_group_arn().unwrap().to_owned();
        self.ids.insert(group.target_group_arn.clone(), arn);
    }
}

fn specification(kind: ResourceType, tags: &Tags) -> Option<Vec<TagSpecification>> {
    let list = tags.iter().map(|(key, value)| Tag::builder().key(key).value(value).build()).collect();
    let specification = TagSpecification::builder().resource_type(kind).set_tags(Some(list)).build();
    (!tags.is_empty()).then(|| vec![specification])
}

fn elbv2_tags(tags: &Tags) -> Vec<aws_sdk_elasticloadbalancingv2::types::Tag> {
    let tag =
        |(key, value)| aws_sdk_elasticloadbalancingv2::types::Tag::builder().key(key).value(value).build();
    tags.iter().map(tag).collect()
}

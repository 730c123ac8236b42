//! Load balancers and target groups.

use std::collections::BTreeSet;

use cloud_lb_core::error::{ErrorKind, Result};
use jiff::Timestamp;
use tokio::time::Instant;

use super::state::State;
use super::{Map, not_found, refused};
use crate::api::{NewLoadBalancer, NewTargetGroup, Which};
use crate::facts::{LoadBalancerFacts, LoadBalancerState, LoadBalancerType, TargetGroupFacts};
use crate::kinds::{Scheme, SubnetMapping, TargetProtocol, TargetType};

/// When load balancers are made: always then, so that descriptions of accounts stay as they are.
const MADE: Timestamp = Timestamp::constant(1_767_225_600, 0);

pub(super) fn map(pairs: &[(&str, &str)]) -> Map {
    pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
}

fn load_balancer_defaults(scheme: Scheme) -> Map {
    let is_internal = if scheme == Scheme::Internal { "true" } else { "false" };
    map(&[
        ("access_logs.s3.enabled", "false"),
        ("access_logs.s3.bucket", ""),
        ("access_logs.s3.prefix", ""),
        ("deletion_protection.enabled", "false"),
        ("load_balancing.cross_zone.enabled", "false"),
        ("dns_record.client_routing_policy", "any_availability_zone"),
        ("ipv6.deny_all_igw_traffic", is_internal),
        ("zonal_shift.config.enabled", "false"),
        ("secondary_ips.auto_assigned.per_subnet", "0"),
    ])
}

fn target_group_defaults(new: &NewTargetGroup) -> Map {
    let is_stream = matches!(new.protocol, TargetProtocol::Tcp | TargetProtocol::Tls);
    let preserves = new.target_type == TargetType::Instance || !is_stream;
    map(&[
        ("proxy_protocol_v2.enabled", "false"),
        ("preserve_client_ip.enabled", if preserves { "true" } else { "false" }),
        ("deregistration_delay.timeout_seconds", "300"),
        ("deregistration_delay.connection_termination.enabled", if is_stream { "false" } else { "true" }),
        ("stickiness.enabled", "false"),
        ("stickiness.type", "source_ip"),
        ("load_balancing.cross_zone.enabled", "use_load_balancer_configuration"),
    ])
}

impl State {
    pub(super) fn describe_load_balancers(&self, which: Which<'_>) -> Result<Vec<LoadBalancerFacts>> {
        let all = self.account.load_balancers.iter().filter(|lb| self.is_visible(&lb.load_balancer_arn));
        let chosen: Vec<LoadBalancerFacts> = match which {
            Which::All => all.cloned().collect(),
            Which::Arns(arns) => {
                let chosen: Vec<_> = all.filter(|lb| arns.contains(&lb.load_balancer_arn)).cloned().collect();
                all_found(arns, chosen.len())?;
                chosen
            }
            Which::Name(name) => all.filter(|lb| lb.load_balancer_name == name).cloned().collect(),
        };
        let bare = |lb: LoadBalancerFacts| LoadBalancerFacts {
            attributes: Map::new(),
            listeners: Vec::new(),
            tags: Map::new(),
            capacity_units: None,
            ..lb
        };
        Ok(chosen.into_iter().map(bare).collect())
    }

    pub(super) fn describe_target_groups(&self, which: Which<'_>) -> Result<Vec<TargetGroupFacts>> {
        let all = self.account.target_groups.iter().filter(|group| self.is_visible(&group.target_group_arn));
        let chosen: Vec<TargetGroupFacts> = match which {
            Which::All => all.cloned().collect(),
            Which::Arns(arns) => {
                let chosen: Vec<_> = all.filter(|g| arns.contains(&g.target_group_arn)).cloned().collect();
                all_found(arns, chosen.len())?;
                chosen
            }
            Which::Name(name) => all.filter(|group| group.target_group_name == name).cloned().collect(),
        };
        let bare = |group: TargetGroupFacts| TargetGroupFacts {
            attributes: Map::new(),
            targets: Vec::new(),
            tags: Map::new(),
            load_balancer_arns: self.users_of(&group.target_group_arn),
            ..group
        };
        Ok(chosen.into_iter().map(bare).collect())
    }

    /// The tags of a load balancer, listener or target group.
    pub(super) fn tags(&mut self, arn: &str) -> Result<&mut Map> {
        let lbs = self.account.load_balancers.iter_mut();
        let of_lbs = lbs.flat_map(|lb| {
            let listeners = lb.listeners.iter_mut().map(|one| (&one.listener_arn, &mut one.tags));
            std::iter::once((&lb.load_balancer_arn, &mut lb.tags)).chain(listeners)
        });
        let groups = self.account.target_groups.iter_mut();
        let of_groups = groups.map(|group| (&group.target_group_arn, &mut group.tags));
        let found = of_lbs.chain(of_groups).find(|(found, _)| *found == arn);
        found.map(|(_, tags)| tags).ok_or_else(|| not_found(arn))
    }

    pub(super) fn create_load_balancer(&mut self, new: &NewLoadBalancer) -> Result<LoadBalancerFacts> {
        let same_name = self.account.load_balancers.iter().find(|lb| lb.load_balancer_name == new.name);
        if let Some(lb) = same_name {
            // Tags do not count: it may well be somebody else's (AWS-35).
            let is_same =
                lb.scheme == new.scheme && subnets(&lb.subnet_mappings) == subnets(&new.subnet_mappings);
            let taken = || refused(ErrorKind::Conflict, format!("the name {} is taken", new.name));
            return if is_same { Ok(lb.clone()) } else { Err(taken()) };
        }
        if self.account.load_balancers.len() >= self.options.limits.load_balancers {
            return Err(refused(ErrorKind::Quota, "too many load balancers"));
        }
        let vpc_id = self.check_subnets(&new.subnet_mappings)?;
        for group in &new.security_groups {
            self.group(group)?;
        }
        let id = self.new_id();
        self.take_addresses(&new.subnet_mappings, &new.name)?;
        let lb = self.born_load_balancer(new, &id, vpc_id);
        self.account.load_balancers.push(lb.clone());
        Ok(LoadBalancerFacts { attributes: Map::new(), tags: Map::new(), ..lb })
    }

    fn born_load_balancer(&mut self, new: &NewLoadBalancer, id: &str, vpc_id: String) -> LoadBalancerFacts {
        let name = &new.name;
        let arn = self.arn(&format!("loadbalancer/net/{name}/{id}"));
        let is_slow = !self.options.provisioning.is_zero();
        if is_slow {
            self.provisioning.insert(arn.clone(), Instant::now() + self.options.provisioning);
        }
        self.is_born(&arn);
        LoadBalancerFacts {
            load_balancer_arn: arn,
            load_balancer_name: name.clone(),
            dns_name: format!("{name}-{id}.elb.eu-west-1.amazonaws.com"),
            scheme: new.scheme,
            vpc_id,
            kind: LoadBalancerType::Network,
            created_time: Some(MADE),
            state: if is_slow { LoadBalancerState::Provisioning } else { LoadBalancerState::Active },
            state_reason: String::new(),
            ip_address_type: new.ip_address_type,
            subnet_mappings: new.subnet_mappings.clone(),
            security_groups: new.security_groups.clone(),
            enable_prefix_for_ipv6_source_nat: Some(new.enable_prefix_for_ipv6_source_nat.clone()),
            enforce_security_group_inbound_rules_on_private_link_traffic: None,
            capacity_units: None,
            attributes: load_balancer_defaults(new.scheme),
            listeners: Vec::new(),
            tags: new.tags.0.clone(),
        }
    }

    pub(super) fn check_subnets(&self, mappings: &[SubnetMapping]) -> Result<String> {
        let mut zones = BTreeSet::new();
        let mut vpc = String::new();
        for mapping in mappings {
            let id = &mapping.subnet_id;
            let subnet = self
                .account
                .subnet(id)
                .ok_or_else(|| refused(ErrorKind::InvalidInput, format!("no subnet {id}")))?;
            if !zones.insert(&subnet.availability_zone) {
                return Err(refused(ErrorKind::InvalidInput, "two subnets in one zone"));
            }
            vpc.clone_from(&subnet.vpc_id);
        }
        if vpc.is_empty() { Err(refused(ErrorKind::InvalidInput, "no subnets")) } else { Ok(vpc) }
    }

    /// Associates Elastic IPs.
    fn take_addresses(&mut self, mappings: &[SubnetMapping], name: &str) -> Result<()> {
        for id in mappings.iter().filter_map(|mapping| mapping.allocation_id.as_ref()) {
            let address = self.account.addresses.iter_mut().find(|address| address.allocation_id == *id);
            match address {
                Some(free) if free.associated_with.is_none() => free.associated_with = Some(name.to_owned()),
                Some(_) => return Err(refused(ErrorKind::InvalidInput, format!("{id} is in use"))),
                None => return Err(refused(ErrorKind::InvalidInput, format!("no address {id}"))),
            }
        }
        Ok(())
    }

    pub(super) fn delete_load_balancer(&mut self, arn: &str) -> Result<()> {
        let Ok(lb) = self.load_balancer(arn) else { return Ok(()) };
        if lb.attributes.get("deletion_protection.enabled").is_some_and(|value| value == "true") {
            return Err(refused(ErrorKind::InUse, "deletion protection is enabled"));
        }
        let (name, groups) = (lb.load_balancer_name.clone(), lb.security_groups.iter().cloned().collect());
        let linger = self.options.interfaces_linger;
        self.interfaces.push((groups, Instant::now() + linger));
        for address in &mut self.account.addresses {
            address.associated_with.take_if(|owner| *owner == name);
        }
        self.account.load_balancers.retain(|lb| lb.load_balancer_arn != arn);
        Ok(())
    }

    pub(super) fn create_target_group(&mut self, new: &NewTargetGroup) -> Result<String> {
        let same_name = self.account.target_groups.iter().find(|group| group.target_group_name == new.name);
        if let Some(group) = same_name {
            let is_same = group.protocol == new.protocol
                && group.port == new.port
                && group.target_type == new.target_type
                && group.health_check == new.health_check;
            let taken = || refused(ErrorKind::Conflict, format!("the name {} is taken", new.name));
            return if is_same { Ok(group.target_group_arn.clone()) } else { Err(taken()) };
        }
        if self.account.target_groups.len() >= self.options.limits.target_groups {
            return Err(refused(ErrorKind::Quota, "too many target groups"));
        }
        let id = self.new_id();
        let arn = self.arn(&format!("targetgroup/{}/{id}", new.name));
        self.is_born(&arn);
        self.account.target_groups.push(TargetGroupFacts {
            target_group_arn: arn.clone(),
            target_group_name: new.name.clone(),
            target_type: new.target_type,
            ip_address_type: new.ip_address_type,
            port: new.port,
            protocol: new.protocol,
            vpc_id: new.vpc_id.clone(),
            load_balancer_arns: Vec::new(),
            health_check: new.health_check.clone(),
            attributes: target_group_defaults(new),
            targets: Vec::new(),
            tags: new.tags.0.clone(),
        });
        Ok(arn)
    }

    pub(super) fn delete_target_group(&mut self, arn: &str) -> Result<()> {
        self.target_group(arn)?;
        if !self.users_of(arn).is_empty() {
            return Err(refused(ErrorKind::InUse, format!("{arn} is in use by a listener")));
        }
        self.account.target_groups.retain(|group| group.target_group_arn != arn);
        Ok(())
    }
}

fn subnets(mappings: &[SubnetMapping]) -> BTreeSet<&String> {
    mappings.iter().map(|mapping| &mapping.subnet_id).collect()
}

fn all_found(wanted: &[String], found: usize) -> Result<()> {
    if found == wanted.len() { Ok(()) } else { Err(not_found(&wanted.join(", "))) }
}

//! Security groups.

use cloud_lb_core::error::{ErrorKind, Result};

use super::state::State;
use super::{not_found, refused};
use crate::api::{Groups, Interfaces, NewSecurityGroup};
use crate::facts::{GroupFacts, NetworkInterface};
use crate::kinds::{IpPermission, ListedPermission, Source};

impl State {
    pub(super) fn describe_security_groups(&self, which: Groups<'_>) -> Result<Vec<GroupFacts>> {
        let all = self.account.security_groups.iter().filter(|group| self.is_visible(&group.group_id));
        let admits = |group: &&GroupFacts, id: &str| {
            group.ip_permissions.iter().any(|rule| rule.group_ids.iter().any(|source| source == id))
        };
        Ok(match which {
            Groups::Vpc(vpc) => all.filter(|group| group.vpc_id == vpc).cloned().collect(),
            Groups::Admitting(id) => all.filter(|group| admits(group, id)).cloned().collect(),
            Groups::Ids(ids) => {
                let found: Vec<GroupFacts> =
                    all.filter(|group| ids.contains(&group.group_id)).cloned().collect();
                if found.len() < ids.len() {
                    return Err(not_found(&ids.join(", ")));
                }
                found
            }
        })
    }

    pub(super) fn describe_network_interfaces(&self, which: Interfaces<'_>) -> Vec<NetworkInterface> {
        match which {
            Interfaces::Group(id) => self.interfaces_of_load_balancers(id),
            Interfaces::Addresses(_, addresses) => {
                let of_instances = self.account.instances.iter().flat_map(|one| &one.further_interfaces);
                let all = self.account.network_interfaces.iter().chain(of_instances);
                let asked = |one: &&NetworkInterface| one.addresses.iter().any(|own| addresses.contains(own));
                all.filter(asked).cloned().collect()
            }
        }
    }

    fn interfaces_of_load_balancers(&self, group_id: &str) -> Vec<NetworkInterface> {
        let interface = |name: &str| NetworkInterface {
            network_interface_id: "eni-0123".to_owned(),
            description: format!("ELB net/{name}"),
            ..NetworkInterface::default()
        };
        let lbs = self.account.load_balancers.iter();
        let used = lbs.filter(|lb| lb.security_groups.iter().any(|id| id == group_id));
        let gone = self.interfaces.iter().filter(|(groups, _)| groups.contains(group_id));
        used.map(|lb| interface(&lb.load_balancer_name)).chain(gone.map(|_| interface("gone"))).collect()
    }

    pub(super) fn create_security_group(&mut self, new: &NewSecurityGroup) -> Result<String> {
        let is_same = |group: &GroupFacts| group.group_name == new.name && group.vpc_id == new.vpc_id;
        if self.account.security_groups.iter().any(is_same) {
            return Err(refused(ErrorKind::Conflict, format!("the security group {} exists", new.name)));
        }
        let group_id = format!("sg-{}", self.new_id());
        self.is_born(&group_id);
        self.account.security_groups.push(GroupFacts {
            group_id: group_id.clone(),
            group_name: new.name.clone(),
            description: new.description.clone(),
            vpc_id: new.vpc_id.clone(),
            ip_permissions: Vec::new(),
            tags: new.tags.0.clone(),
        });
        Ok(group_id)
    }

    pub(super) fn authorize(&mut self, id: &str, rules: &[IpPermission], description: &str) -> Result<()> {
        let limit = self.options.limits.rules;
        for rule in rules {
            if let Source::Group(source) = &rule.source {
                self.group(source.value().unwrap_or_default())?;
            }
        }
        let group = self.group(id)?;
        let mut live: Vec<IpPermission> =
            group.ip_permissions.iter().flat_map(ListedPermission::rules).collect();
        for rule in rules {
            if live.contains(rule) {
                return Err(refused(ErrorKind::Conflict, "the rule exists"));
            }
            live.push(rule.clone());
        }
        for v6 in [false, true] {
            let counts = |rule: &&IpPermission| match &rule.source {
                Source::Cidr(net) => matches!(net, ipnet::IpNet::V6(_)) == v6,
                _ => true,
            };
            if live.iter().filter(counts).count() > limit {
                return Err(refused(ErrorKind::Quota, format!("more than {limit} rules")));
            }
        }
        group.ip_permissions.extend(rules.iter().map(|rule| ListedPermission::of(rule, description)));
        Ok(())
    }

    pub(super) fn revoke(&mut self, id: &str, rules: &[IpPermission]) -> Result<()> {
        let group = self.group(id)?;
        let all = group.ip_permissions.iter();
        let mut live: Vec<(IpPermission, String)> = all
            .flat_map(|listed| listed.rules().into_iter().map(|rule| (rule, listed.description.clone())))
            .collect();
        for rule in rules {
            let index = live.iter().position(|(live, _)| live == rule);
            let index = index.ok_or_else(|| refused(ErrorKind::Conflict, "the rule does not exist"))?;
            live.remove(index);
        }
        group.ip_permissions =
            live.iter().map(|(rule, description)| ListedPermission::of(rule, description)).collect();
        Ok(())
    }

    pub(super) fn delete_security_group(&mut self, id: &str) -> Result<()> {
        self.group(id)?;
        let referring = self.describe_security_groups(Groups::Admitting(id))?;
        if referring.iter().any(|group| group.group_id != id)
            || !self.interfaces_of_load_balancers(id).is_empty()
        {
            return Err(refused(ErrorKind::InUse, format!("{id} has a dependent object")));
        }
        self.account.security_groups.retain(|group| group.group_id != id);
        Ok(())
    }
}

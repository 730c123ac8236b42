//! What a description answers to the calls that look.

use cloud_lb_core::error::{Error, ErrorKind, Result};

use super::Offline;
use crate::api::{Groups, Interfaces, Map, Which};
use crate::facts::{GroupFacts, ListenerFacts, LoadBalancerFacts, NetworkInterface, TargetGroupFacts};

impl Offline {
    pub(super) fn load_balancers(&self, which: Which<'_>) -> Result<Vec<LoadBalancerFacts>> {
        let marks = |lb: &LoadBalancerFacts| (lb.load_balancer_arn.clone(), lb.load_balancer_name.clone());
        chosen(&self.0.load_balancers, which, marks)
    }

    pub(super) fn load_balancer(&self, arn: &str) -> Result<&LoadBalancerFacts> {
        found(self.0.load_balancers.iter().find(|lb| lb.load_balancer_arn == arn), arn)
    }

    /// Listeners with their default certificate only, as AWS lists them.
    pub(super) fn listeners(&self, load_balancer: &str) -> Result<Vec<ListenerFacts>> {
        let mut listeners = self.load_balancer(load_balancer)?.listeners.clone();
        for listener in &mut listeners {
            listener.certificates.truncate(1);
        }
        Ok(listeners)
    }

    pub(super) fn listener(&self, arn: &str) -> Result<&ListenerFacts> {
        let mut all = self.0.load_balancers.iter().flat_map(|lb| &lb.listeners);
        found(all.find(|listener| listener.listener_arn == arn), arn)
    }

    /// Target groups, each with the load balancers that forward to it.
    pub(super) fn target_groups(&self, which: Which<'_>) -> Result<Vec<TargetGroupFacts>> {
        let marks =
            |group: &TargetGroupFacts| (group.target_group_arn.clone(), group.target_group_name.clone());
        let mut groups = chosen(&self.0.target_groups, which, marks)?;
        for group in &mut groups {
            let arn = &group.target_group_arn;
            let forwards =
                |lb: &&LoadBalancerFacts| lb.listeners.iter().any(|one| one.target_group_arn == *arn);
            let users = self.0.load_balancers.iter().filter(forwards);
            group.load_balancer_arns = users.map(|lb| lb.load_balancer_arn.clone()).collect();
        }
        Ok(groups)
    }

    pub(super) fn target_group(&self, arn: &str) -> Result<&TargetGroupFacts> {
        found(self.0.target_groups.iter().find(|group| group.target_group_arn == arn), arn)
    }

    /// The tags of a load balancer, listener or target group.
    pub(super) fn tags(&self, arn: &str) -> Result<&Map> {
        let lb = self.load_balancer(arn).map(|lb| &lb.tags);
        let listener = || self.listener(arn).map(|listener| &listener.tags);
        lb.or_else(|_| listener()).or_else(|_| self.target_group(arn).map(|group| &group.tags))
    }

    pub(super) fn security_groups(&self, which: Groups<'_>) -> Result<Vec<GroupFacts>> {
        let all = self.0.security_groups.iter();
        match which {
            Groups::Vpc(vpc_id) => Ok(all.filter(|group| group.vpc_id == vpc_id).cloned().collect()),
            Groups::Ids(ids) => {
                let of_id = |id: &String| found(all.clone().find(|group| group.group_id == *id), id).cloned();
                ids.iter().map(of_id).collect()
            }
            Groups::Admitting(id) => {
                let admits = |group: &&GroupFacts| {
                    group.ip_permissions.iter().any(|rule| rule.group_ids.iter().any(|member| member == id))
                };
                Ok(all.filter(admits).cloned().collect())
            }
        }
    }

    /// Interfaces of pods; those of instances stand with these.
    pub(super) fn interfaces(&self, which: Interfaces<'_>) -> Vec<NetworkInterface> {
        let is_chosen = |interface: &&NetworkInterface| match which {
            Interfaces::Group(id) => interface.security_groups.contains(id),
            Interfaces::Addresses(_, addresses) => {
                interface.addresses.iter().any(|address| addresses.contains(address))
            }
        };
        self.0.network_interfaces.iter().filter(is_chosen).cloned().collect()
    }
}

fn chosen<T: Clone>(all: &[T], which: Which<'_>, marks: impl Fn(&T) -> (String, String)) -> Result<Vec<T>> {
    match which {
        Which::All => Ok(all.to_vec()),
        Which::Name(name) => Ok(all.iter().filter(|one| marks(one).1 == name).cloned().collect()),
        Which::Arns(arns) => {
            let of_arn = |arn: &String| found(all.iter().find(|one| marks(one).0 == *arn), arn).cloned();
            arns.iter().map(of_arn).collect()
        }
    }
}

fn found<'a, T>(found: Option<&'a T>, id: &str) -> Result<&'a T> {
    found.ok_or_else(|| Error::new(ErrorKind::NotFound, format!("{id} does not exist")))
}

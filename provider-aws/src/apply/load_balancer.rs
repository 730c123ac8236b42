//! Load balancers (AWS-100 to AWS-118, AWS-207).

use std::collections::BTreeSet;
use std::time::Duration;

use cloud_lb_core::backend::Applied;
use cloud_lb_core::error::ErrorKind::{self, InUse, Throttled, Unavailable};
use cloud_lb_core::error::Result;

use super::{chunks, different, filled, is, made, pending};
use crate::api::{Api, NewLoadBalancer, Which};
use crate::backend::Aws;
use crate::desired::{default_of_load_balancer, until_reset};
use crate::facts::{LoadBalancerFacts, LoadBalancerState};
use crate::inventory::Entry;
use crate::kinds::{IpAddressType, LoadBalancer, Pairs, SubnetMapping};
use crate::observe::load_balancer_outputs;

/// Most attributes of one call.
const MOST_ATTRIBUTES: usize = 20;
const PROTECTION: &str = "deletion_protection.enabled";

impl<A: Api> Aws<A> {
    pub(super) async fn create_load_balancer(&self, want: &LoadBalancer) -> Result<Applied> {
        let lb = self.new_load_balancer(want).await?;
        let arn = lb.load_balancer_arn.clone();
        self.inventory.wrote(&arn, Entry::LoadBalancer(lb.clone()));
        self.stacks.forget_owner(Some(&want.tags.0), &[]);
        let attributes = different(&Pairs::default(), &want.attributes, default_of_load_balancer);
        self.write_attributes(&arn, &attributes).await?;
        if let Some(value) = &want.enforce_security_group_inbound_rules_on_private_link_traffic {
            self.api.set_security_groups(&arn, &groups(want)?, Some(value)).await?;
        }
        let outputs = load_balancer_outputs(&lb);
        match want.capacity_units.filter(|units| *units > 0) {
            Some(units) => Ok(Applied { outputs, ..self.reserve(&arn, units).await? }),
            None => Ok(made(outputs)),
        }
    }

    /// Makes it, unless it exists; what is not ours is refused before and after (AWS-35).
    async fn new_load_balancer(&self, want: &LoadBalancer) -> Result<LoadBalancerFacts> {
        let found = self.api.describe_load_balancers(Which::Name(&want.name)).await?;
        let lb = if let Some(lb) = found.into_iter().next() {
            lb
        } else {
            let lb = self.api.create_load_balancer(&new(want)?).await?;
            // From now on it is ours, whatever becomes of the next call.
            let noted = LoadBalancerFacts { tags: want.tags.0.clone(), ..lb.clone() };
            self.inventory.wrote(&lb.load_balancer_arn, Entry::LoadBalancer(noted));
            lb
        };
        let tags = self.check_owner(&want.name, &lb.load_balancer_arn, &want.tags).await?;
        Ok(LoadBalancerFacts { tags, ..lb })
    }

    async fn write_attributes(&self, arn: &str, attributes: &Pairs) -> Result<()> {
        for chunk in chunks(attributes, MOST_ATTRIBUTES) {
            self.api.modify_load_balancer_attributes(arn, &chunk).await?;
        }
        Ok(())
    }

    /// In the order of AWS-103.
    pub(super) async fn update_load_balancer(
        &self,
        have: &LoadBalancer,
        want: &LoadBalancer,
        arn: &str,
    ) -> Result<Applied> {
        self.stacks.forget_owner(Some(&want.tags.0), &[arn]);
        let first = until_reset(&have.tags, &want.tags);
        let tags = self.retag_load_balancer(arn, &have.tags, &first).await?;
        self.update_groups(have, want, arn).await?;
        self.update_subnets(have, want, arn).await?;
        let attributes = different(&have.attributes, &want.attributes, default_of_load_balancer);
        self.write_attributes(arn, &attributes).await?;
        self.retag_load_balancer(arn, &tags, &want.tags).await?;
        match want.capacity_units.filter(|units| *units != have.capacity_units.unwrap_or(0)) {
            Some(units) => self.reserve(arn, units).await,
            None => Ok(Applied::default()),
        }
    }

    /// The tags that it has then.
    async fn retag_load_balancer(&self, arn: &str, have: &Pairs, want: &Pairs) -> Result<Pairs> {
        let Some(tags) = self.retag(arn, have, want).await? else { return Ok(have.clone()) };
        self.note_load_balancer(arn, |lb| lb.tags.clone_from(&tags)).await?;
        Ok(Pairs(tags))
    }

    async fn update_groups(&self, have: &LoadBalancer, want: &LoadBalancer, arn: &str) -> Result<()> {
        let wanted = groups(want)?;
        let private_link = want.enforce_security_group_inbound_rules_on_private_link_traffic.as_deref();
        let live = have.enforce_security_group_inbound_rules_on_private_link_traffic.as_deref();
        let is_same_set = wanted.iter().collect::<BTreeSet<_>>() == groups(have)?.iter().collect();
        if wanted.is_empty() || (is_same_set && (private_link.is_none() || private_link == live)) {
            return Ok(());
        }
        self.api.set_security_groups(arn, &wanted, private_link).await?;
        self.note_load_balancer(arn, |lb| lb.security_groups = wanted).await
    }

    /// Subnets, their addresses, and the families of these.
    async fn update_subnets(&self, have: &LoadBalancer, want: &LoadBalancer, arn: &str) -> Result<()> {
        let gets_ipv6 =
            have.ip_address_type == IpAddressType::Ipv4 && want.ip_address_type == IpAddressType::Dualstack;
        let first_ipv6 = gets_ipv6 && want.subnet_mappings.iter().any(|m| m.ipv6_address.is_some());
        let (live, wanted) =
            (&have.enable_prefix_for_ipv6_source_nat, &want.enable_prefix_for_ipv6_source_nat);
        let is_same = subnet_ids(have) == subnet_ids(want) && prefixes_fit(have, want) && live == wanted;
        let new_type = Some(want.ip_address_type).filter(|wanted| *wanted != have.ip_address_type);
        // AWS has source NAT prefixes on `dualstack` load balancers only, so both change in one call
        // ("EnablePrefixForIpv6SourceNat" and "IpAddressType" of SetSubnets in the API reference).
        let with_subnets = new_type.filter(|_| live != wanted);
        if !is_same || first_ipv6 {
            self.api.set_subnets(arn, &want.subnet_mappings, wanted, with_subnets).await?;
            let (mappings, source_nat) = (want.subnet_mappings.clone(), wanted.clone());
            let noted = |lb: &mut LoadBalancerFacts| {
                lb.subnet_mappings = mappings;
                lb.enable_prefix_for_ipv6_source_nat = Some(source_nat);
                lb.ip_address_type = with_subnets.unwrap_or(lb.ip_address_type);
            };
            self.note_load_balancer(arn, noted).await?;
        }
        if let Some(new_type) = new_type.filter(|_| with_subnets.is_none()) {
            self.api.set_ip_address_type(arn, new_type).await?;
            self.note_load_balancer(arn, |lb| lb.ip_address_type = new_type).await?;
        }
        Ok(())
    }

    async fn note_load_balancer(&self, arn: &str, change: impl FnOnce(&mut LoadBalancerFacts)) -> Result<()> {
        if let Some(mut lb) = self.view().await?.load_balancers.get(arn).cloned() {
            change(&mut lb);
            self.inventory.wrote(arn, Entry::LoadBalancer(lb));
        }
        Ok(())
    }

    /// Reserves capacity, once the load balancer is made (AWS-116).
    async fn reserve(&self, arn: &str, units: i32) -> Result<Applied> {
        let later = Duration::from_secs(self.config.lb_stabilization_monitor_interval_seconds);
        let arns = [arn.to_owned()];
        let is_being_made = |lb: &LoadBalancerFacts| lb.state == LoadBalancerState::Provisioning;
        if self.api.describe_load_balancers(Which::Arns(&arns)).await?.iter().any(is_being_made) {
            return Ok(pending(later, "capacity is reserved once the load balancer is made"));
        }
        match self.api.modify_capacity_reservation(arn, (units > 0).then_some(units)).await {
            Ok(()) => Ok(Applied::default()),
            // An earlier change is under way, or there is no room at the moment.
            Err(error) if [InUse, Throttled, Unavailable].contains(&error.kind()) => {
                Ok(pending(later, format!("the capacity cannot be changed yet: {error}")))
            }
            Err(error) => Err(error),
        }
    }

    pub(super) async fn delete_load_balancer(&self, have: &LoadBalancer, arn: &str) -> Result<Applied> {
        if let Some(waiting) = self.waits_to_leave(have, arn).await? {
            return Ok(waiting);
        }
        let mut result = self.api.delete_load_balancer(arn).await;
        if is(&result, ErrorKind::InUse) {
            let attributes = self.api.describe_load_balancer_attributes(arn).await?;
            if attributes.get(PROTECTION).is_some_and(|value| value == "true") {
                let off = [(PROTECTION, "false")].into_iter().collect();
                self.api.modify_load_balancer_attributes(arn, &off).await?;
                result = self.api.delete_load_balancer(arn).await;
            }
        }
        if is(&result, ErrorKind::InUse) {
            let reason = format!("WaitingForDependency: {arn} is in use, perhaps by a VPC endpoint service");
            return Ok(self.waits(arn, reason));
        }
        super::gone(result)?;
        self.patience.done(arn);
        self.leaving.gone(arn);
        self.inventory.removed(arn);
        self.stacks.forget_owner(Some(&have.tags.0), &[arn]);
        Ok(Applied::default())
    }
}

fn new(want: &LoadBalancer) -> Result<NewLoadBalancer> {
    Ok(NewLoadBalancer {
        name: want.name.clone(),
        scheme: want.scheme,
        ip_address_type: want.ip_address_type,
        subnet_mappings: want.subnet_mappings.clone(),
        security_groups: groups(want)?,
        enable_prefix_for_ipv6_source_nat: want.enable_prefix_for_ipv6_source_nat.clone(),
        tags: want.tags.clone(),
    })
}

fn groups(lb: &LoadBalancer) -> Result<Vec<String>> {
    lb.security_groups.iter().map(|id| filled(id).map(ToOwned::to_owned)).collect()
}

fn subnet_ids(lb: &LoadBalancer) -> BTreeSet<&String> {
    lb.subnet_mappings.iter().map(|mapping| &mapping.subnet_id).collect()
}

/// Whether every wanted prefix for source NAT is there; `auto_assigned` is any.
fn prefixes_fit(have: &LoadBalancer, want: &LoadBalancer) -> bool {
    let live = |id: &str| -> Option<&SubnetMapping> {
        have.subnet_mappings.iter().find(|mapping| mapping.subnet_id == id)
    };
    want.subnet_mappings.iter().all(|wanted| {
        let live = live(&wanted.subnet_id).and_then(|mapping| mapping.source_nat_ipv6_prefix.as_ref());
        match &wanted.source_nat_ipv6_prefix {
            None => true,
            Some(prefix) if prefix == "auto_assigned" => live.is_some(),
            Some(prefix) => live == Some(prefix),
        }
    })
}

//! Looks up what a Service's desired state is made from: the parts of the account that matter to it.

mod pods;

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::time::Duration;

use cloud_lb_core::error::{Error, ErrorKind, Result, Retry};
use cloud_lb_core::model::{LoadBalancer, Node};
use parking_lot::Mutex;
use tokio::time::Instant;

use crate::annotations::Annotations;
use crate::api::{Api, RouteTable, Vpcs};
use crate::backend::Aws;
use crate::desired::{annotations, instance_id, is_refused_for_account, is_tagged_for, scheme, target_type};
use crate::facts::{
    Account, Address, Certificate, Instance, RouteKind, Stack, SubnetFacts, TargetFacts, VpcFacts,
};
use crate::inventory::View;
use crate::kinds::{Scheme, TargetType};
use crate::observe::{Reading, StackFacts, Wishes};

/// How long an instance is believed to have the security groups that it had.
const INSTANCES_KEEP: Duration = Duration::from_mins(10);

/// Look-ups that are kept.
#[derive(Debug, Default)]
pub(crate) struct Lookups {
    vpc_id: Mutex<Option<String>>,
    instances: Mutex<BTreeMap<String, (Instance, Instant)>>,
    pods: pods::Interfaces,
    routes: Mutex<Option<(Vec<RouteTable>, Instant)>>,
    /// Those of a description. A listener whose certificate does not exist is refused by AWS, with an event: no call
    /// looks for them before.
    pub(crate) certificates: Option<Vec<Certificate>>,
}

impl Lookups {
    pub(crate) fn forget(&self) {
        self.instances.lock().clear();
        self.pods.forget();
        self.forget_routes();
    }

    fn forget_routes(&self) {
        *self.routes.lock() = None;
    }

    fn forget_instances<'a>(&self, ids: impl Iterator<Item = &'a str>) {
        let mut known = self.instances.lock();
        for id in ids {
            known.remove(id);
        }
    }

    /// The security groups of the network interfaces of targets, by id or address, as far as they are known. What is
    /// outside the network has none.
    pub(crate) fn groups_of_targets<'a>(
        &self,
        targets: impl IntoIterator<Item = &'a TargetFacts>,
        vpc: Option<&VpcFacts>,
    ) -> BTreeMap<String, BTreeSet<String>> {
        let known = self.instances.lock();
        let (mut found, mut addresses) = (BTreeMap::new(), BTreeSet::new());
        for target in targets {
            match target.id.parse::<IpAddr>() {
                Ok(address) if vpc.is_some_and(|vpc| vpc.is_outside(address)) => {
                    found.insert(target.id.clone(), BTreeSet::new());
                }
                Ok(address) => _ = addresses.insert(address),
                Err(_) => {
                    let groups = known.get(&target.id).map(|(one, _)| one.security_groups.clone());
                    found.extend(groups.map(|groups| (target.id.clone(), groups)));
                }
            }
        }
        if !addresses.is_empty() {
            let mut held = self.pods.groups_at(&addresses);
            known.values().for_each(|(instance, _)| instance.add_groups_at(&addresses, &mut held));
            found.extend(held.into_iter().map(|(address, groups)| (address.to_string(), groups)));
        }
        found
    }
}

impl<A: Api> Aws<A> {
    /// The part of the account that a Service's desired state depends on. Before something is refused for what
    /// the account has or lacks, it is looked at anew: what is kept may be as old as the refresh time.
    pub(crate) async fn account_for(&self, lb: &LoadBalancer) -> Result<Account> {
        let account = self.account(lb).await?;
        if is_refused_for_account(lb, &account, &self.config) && self.inventory.doubt_old() {
            self.lookups.forget_routes();
            return self.account(lb).await;
        }
        Ok(account)
    }

    async fn account(&self, lb: &LoadBalancer) -> Result<Account> {
        let (asked, _) = Annotations::read(&annotations(lb, &self.config));
        self.note_wishes(lb);
        let (view, stack) = self.stack(&lb.service, Reading::Beside).await?;
        let scheme = self.scheme(lb, &asked, &stack);
        // One that replaces another of the other scheme is a new one (AWS-118).
        let is_new = !stack.load_balancers.iter().any(|lb| lb.scheme == scheme);
        let discovered = asked.list("subnets").is_none().then_some(scheme);
        let (instances, addresses, subnets) = tokio::try_join!(
            self.instances(&lb.nodes),
            self.addresses(asked.list("eip-allocations").filter(|_| is_new).unwrap_or_default()),
            self.subnets(&view, discovered),
        )?;
        let account = Account {
            region: self.config.aws_region.clone(),
            vpc_id: self.vpc_id().await?,
            vpcs: view.vpc.iter().cloned().collect(),
            subnets,
            security_groups: view.groups.values().cloned().collect(),
            instances,
            network_interfaces: Vec::new(),
            addresses,
            certificates: self.lookups.certificates.clone(),
            load_balancers: with_details(&view.load_balancers, &stack.load_balancers, |lb| {
                &lb.load_balancer_arn
            }),
            target_groups: with_details(&view.target_groups, &stack.target_groups, |group| {
                &group.target_group_arn
            }),
        };
        if target_type(lb, &self.config, &asked) == TargetType::Ip {
            return self.with_interfaces(account, lb).await;
        }
        Ok(account)
    }

    /// Takes note of what a Service asks for that costs a call to look at.
    pub(crate) fn note_wishes(&self, lb: &LoadBalancer) {
        let (asked, _) = Annotations::read(&lb.annotations);
        let wishes = Wishes {
            capacity: asked.map("minimum-load-balancer-capacity").is_some(),
            listener_attributes: asked.maps("listener-attributes.").next().is_some(),
        };
        self.stacks.wants(&lb.service, wishes);
    }

    /// The cluster's network: configured, or the only one with the configured tags.
    pub(crate) async fn vpc_id(&self) -> Result<String> {
        if !self.config.aws_vpc_id.is_empty() {
            return Ok(self.config.aws_vpc_id.clone());
        }
        if let Some(id) = self.lookups.vpc_id.lock().clone() {
            return Ok(id);
        }
        let vpcs = match &self.config.aws_vpc_tags {
            tags if tags.is_empty() => Vec::new(),
            tags => self.api.describe_vpcs(Vpcs::Tags(tags)).await?,
        };
        let [vpc] = vpcs.as_slice() else {
            let message =
                format!("{} networks have the tags of aws-vpc-tags, expected exactly one", vpcs.len());
            let error = Error::new(ErrorKind::InvalidInput, message).with_retry(Retry::Backoff);
            return Err(error.on("aws configuration"));
        };
        *self.lookups.vpc_id.lock() = Some(vpc.vpc_id.clone());
        Ok(vpc.vpc_id.clone())
    }

    /// The instances of the nodes; unknown ones are described in one call.
    pub(crate) async fn instances(&self, nodes: impl IntoIterator<Item = &Node>) -> Result<Vec<Instance>> {
        let ids: BTreeSet<&str> = nodes.into_iter().filter_map(instance_id).collect();
        let is_known = |id: &&&str| {
            let known = self.lookups.instances.lock();
            known.get(**id).is_some_and(|(_, at)| at.elapsed() < INSTANCES_KEEP)
        };
        let unknown: Vec<String> = ids.iter().filter(|id| !is_known(id)).map(|id| (*id).to_owned()).collect();
        if !unknown.is_empty() {
            let found = self.api.describe_instances(&unknown).await?;
            let mut known = self.lookups.instances.lock();
            known.retain(|id, _| !unknown.contains(id));
            let now = Instant::now();
            known.extend(found.into_iter().map(|instance| (instance.instance_id.clone(), (instance, now))));
        }
        let known = self.lookups.instances.lock();
        Ok(ids.into_iter().filter_map(|id| known.get(id)).map(|(instance, _)| instance.clone()).collect())
    }

    async fn addresses(&self, ids: &[String]) -> Result<Vec<Address>> {
        if ids.is_empty() { Ok(Vec::new()) } else { self.api.describe_addresses(ids).await }
    }

    fn scheme(&self, lb: &LoadBalancer, asked: &Annotations, stack: &StackFacts) -> Scheme {
        let load_balancers = stack.load_balancers.iter().collect();
        scheme(lb, &self.config, asked, &Stack { load_balancers, ..Stack::default() })
    }

    /// The subnets; with their routes where those of a scheme are discovered, and tags do not tell which
    /// to use (AWS-51).
    async fn subnets(&self, view: &View, discovered: Option<Scheme>) -> Result<Vec<SubnetFacts>> {
        let tags_tell = |scheme| view.subnets.iter().any(|subnet| is_tagged_for(subnet, scheme));
        if !self.config.subnet_discovery_by_reachability || discovered.is_none_or(tags_tell) {
            return Ok(view.subnets.clone());
        }
        self.routed(&view.subnets).await
    }

    /// The subnets, with where their routes lead.
    pub(crate) async fn routed(&self, subnets: &[SubnetFacts]) -> Result<Vec<SubnetFacts>> {
        let tables = self.route_tables().await?;
        let routed = |subnet: &SubnetFacts| SubnetFacts {
            routes: Some(routes_of(&subnet.subnet_id, &tables)),
            ..subnet.clone()
        };
        Ok(subnets.iter().map(routed).collect())
    }

    async fn route_tables(&self) -> Result<Vec<RouteTable>> {
        let known = self.lookups.routes.lock().clone();
        if let Some((tables, at)) = known
            && at.elapsed() < self.config.inventory_refresh()
        {
            return Ok(tables);
        }
        let tables = self.api.describe_route_tables(&self.vpc_id().await?).await?;
        *self.lookups.routes.lock() = Some((tables.clone(), Instant::now()));
        Ok(tables)
    }
}

/// All that the inventory knows, and of the Service itself the details.
fn with_details<T: Clone>(
    all: &BTreeMap<String, T>,
    detailed: &[T],
    arn_of: impl Fn(&T) -> &String,
) -> Vec<T> {
    let details = |arn: &String| detailed.iter().find(|one| arn_of(one) == arn);
    all.iter().map(|(arn, known)| details(arn).unwrap_or(known).clone()).collect()
}

fn routes_of(subnet: &str, tables: &[RouteTable]) -> RouteKind {
    let explicit = tables.iter().find(|table| table.subnet_ids.iter().any(|id| id == subnet));
    match explicit.or_else(|| tables.iter().find(|table| table.is_main)) {
        Some(table) if table.is_public => RouteKind::Public,
        _ => RouteKind::Private,
    }
}

//! One view of the account for all Services (AWS-237): load balancers, target groups and their tags,
//! security groups and subnets of the network. Filled once by full listings, kept up by our own writes,
//! and read anew now and then.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use cloud_lb_core::deadline::excused;
use cloud_lb_core::error::{ErrorKind, Result};
use parking_lot::Mutex;
use tokio::time::Instant;

use crate::api::{Api, Groups, Map, Vpcs, Which};
use crate::facts::{GroupFacts, LoadBalancerFacts, SubnetFacts, TargetGroupFacts, VpcFacts, ZoneKind};

/// Most ARNs of one `DescribeTags`, and of a description by ARN.
pub(crate) const MOST_ARNS: usize = 20;

/// How long our own writes are believed against listings that do not show them yet.
const SETTLING: Duration = Duration::from_mins(1);

/// What was read within this time is not read again because something is missing in it.
const JUST_NOW: Duration = Duration::from_secs(10);

/// What is known of the account.
#[derive(Debug, Clone)]
pub(crate) struct View {
    pub(crate) vpc: Option<VpcFacts>,
    pub(crate) subnets: Vec<SubnetFacts>,
    /// By ARN, of all kinds, whosever they are; without listeners and attributes. Tags are known of Network
    /// Load Balancers within the network.
    pub(crate) load_balancers: BTreeMap<String, LoadBalancerFacts>,
    /// By ARN, whosever they are; without attributes and targets. Tags are known within the network.
    pub(crate) target_groups: BTreeMap<String, TargetGroupFacts>,
    /// Of the network, by id.
    pub(crate) groups: BTreeMap<String, GroupFacts>,
    /// ARNs of what is listed, and of which AWS did not tell the tags: it is gone by now, or new.
    untold: BTreeSet<String>,
    read_at: Instant,
    due: Instant,
}

/// One thing of the view.
#[derive(Debug, Clone)]
pub(crate) enum Entry {
    LoadBalancer(LoadBalancerFacts),
    TargetGroup(TargetGroupFacts),
    Group(GroupFacts),
}

impl View {
    fn put(&mut self, id: &str, entry: Entry) {
        match entry {
            Entry::LoadBalancer(lb) => _ = self.load_balancers.insert(id.to_owned(), lb),
            Entry::TargetGroup(group) => _ = self.target_groups.insert(id.to_owned(), group),
            Entry::Group(group) => _ = self.groups.insert(id.to_owned(), group),
        }
    }

    fn remove(&mut self, id: &str) {
        self.load_balancers.remove(id);
        self.target_groups.remove(id);
        self.groups.remove(id);
    }

    /// Whether it is there, with its tags.
    fn tells(&self, id: &str) -> bool {
        self.has(id) && !self.untold.contains(id)
    }

    fn has(&self, id: &str) -> bool {
        self.load_balancers.contains_key(id)
            || self.target_groups.contains_key(id)
            || self.groups.contains_key(id)
    }
}

#[derive(Debug)]
struct Own {
    at: Instant,
    /// `None` if it was deleted.
    entry: Option<Entry>,
}

#[derive(Debug, Default)]
struct State {
    view: Option<Arc<View>>,
    /// What we wrote lately, by id.
    own: BTreeMap<String, Own>,
    /// Zones do not change while a process lives (AWS-57).
    zones: Option<BTreeMap<String, ZoneKind>>,
}

/// Holds the view.
#[derive(Debug)]
pub(crate) struct Inventory {
    state: Mutex<State>,
    /// Held by the one who fills it; the others wait for the same view.
    filling: tokio::sync::Mutex<()>,
    refresh: Duration,
}

impl Inventory {
    pub(crate) fn new(refresh: Duration) -> Self {
        Self { state: Mutex::default(), filling: tokio::sync::Mutex::default(), refresh }
    }

    /// The view; read from AWS if there is none or it is too old.
    pub(crate) async fn view<A: Api>(&self, api: &A, vpc_id: &str) -> Result<Arc<View>> {
        if let Some(view) = self.current() {
            return Ok(view);
        }
        // Whoever fills it has a deadline, and may wait for a limit of calls.
        let _filling = excused(self.filling.lock()).await;
        if let Some(view) = self.current() {
            return Ok(view);
        }
        let began = Instant::now();
        let zones = self.zones(api).await?;
        let view = fill(api, vpc_id, &zones, began + spread(self.refresh)).await?;
        Ok(self.keep(view, began))
    }

    fn current(&self) -> Option<Arc<View>> {
        self.state.lock().view.clone().filter(|view| view.due > Instant::now())
    }

    async fn zones<A: Api>(&self, api: &A) -> Result<BTreeMap<String, ZoneKind>> {
        if let Some(zones) = self.state.lock().zones.clone() {
            return Ok(zones);
        }
        let zones = api.describe_availability_zones().await?;
        self.state.lock().zones = Some(zones.clone());
        Ok(zones)
    }

    /// Takes over a listing, and in it what we wrote meanwhile or what it does not show yet.
    fn keep(&self, mut view: View, began: Instant) -> Arc<View> {
        let mut state = self.state.lock();
        state.own.retain(|_, own| own.at >= began || own.at.elapsed() < SETTLING);
        for (id, own) in &state.own {
            match &own.entry {
                Some(entry) if own.at >= began || !view.tells(id) => view.put(id, entry.clone()),
                Some(_) => {}
                None => view.remove(id),
            }
        }
        let view = Arc::new(view);
        state.view = Some(view.clone());
        view
    }

    /// Takes note of something that we made or changed.
    pub(crate) fn wrote(&self, id: &str, entry: Entry) {
        self.note(id, Some(entry));
    }

    /// Takes note of something that we deleted, or that is gone.
    pub(crate) fn removed(&self, id: &str) {
        self.note(id, None);
    }

    fn note(&self, id: &str, entry: Option<Entry>) {
        let mut state = self.state.lock();
        if let Some(view) = &mut state.view {
            let view = Arc::make_mut(view);
            match entry.clone() {
                Some(entry) => view.put(id, entry),
                None => view.remove(id),
            }
        }
        state.own.insert(id.to_owned(), Own { at: Instant::now(), entry });
    }

    /// Takes note of what was read anew.
    pub(crate) fn read(&self, id: &str, entry: Entry) {
        if let Some(view) = &mut self.state.lock().view {
            Arc::make_mut(view).put(id, entry);
        }
    }

    /// Whether we made or changed it so lately that AWS may not show it yet.
    pub(crate) fn is_settling(&self, id: &str) -> bool {
        let state = self.state.lock();
        state.own.get(id).is_some_and(|own| own.entry.is_some() && own.at.elapsed() < SETTLING)
    }

    /// Forgets that we wrote this, because nobody knows what became of it; all is read anew.
    pub(crate) fn unsure(&self, id: &str) {
        let mut state = self.state.lock();
        state.own.remove(id);
        state.view = None;
    }

    /// Has it read anew at the next occasion, because something is not as it was thought to be.
    pub(crate) fn doubt(&self) {
        self.state.lock().view = None;
    }

    /// Has it read anew at the next occasion, unless that was done just now; whether it will be.
    pub(crate) fn doubt_old(&self) -> bool {
        let view = &mut self.state.lock().view;
        view.take_if(|view| view.read_at.elapsed() >= JUST_NOW).is_some()
    }

    /// Forgets everything, our own writes as well.
    pub(crate) fn forget(&self) {
        let mut state = self.state.lock();
        state.view = None;
        state.own.clear();
    }
}

/// A time around this one, up to 20 % off, so that not everything is read at the same time.
pub(crate) fn spread(time: Duration) -> Duration {
    time.mul_f64(0.8 + 0.4 * fastrand::f64())
}

async fn fill<A: Api>(
    api: &A,
    vpc_id: &str,
    zones: &BTreeMap<String, ZoneKind>,
    due: Instant,
) -> Result<View> {
    let (vpcs, subnets, lbs, tgs, groups) = tokio::try_join!(
        api.describe_vpcs(Vpcs::Id(vpc_id)),
        api.describe_subnets(vpc_id),
        api.describe_load_balancers(Which::All),
        api.describe_target_groups(Which::All),
        api.describe_security_groups(Groups::Vpc(vpc_id)),
    )?;
    let may_be_ours = |lb: &&LoadBalancerFacts| lb.vpc_id == vpc_id && lb.is_network();
    let of_vpc = lbs.iter().filter(may_be_ours).map(|lb| lb.load_balancer_arn.clone());
    let tgs_of_vpc = tgs.iter().filter(|tg| tg.vpc_id == vpc_id).map(|tg| tg.target_group_arn.clone());
    let arns: Vec<String> = of_vpc.chain(tgs_of_vpc).collect();
    let mut found = tags_of(api, &arns).await?;
    let untold = arns.into_iter().filter(|arn| !found.contains_key(arn)).collect();
    let mut tag = |arn: &str| found.remove(arn).unwrap_or_default();
    let subnets = subnets.into_iter().map(|subnet| in_zone(subnet, zones)).collect();
    let lbs = lbs.into_iter().map(|mut lb| {
        lb.tags = tag(&lb.load_balancer_arn);
        (lb.load_balancer_arn.clone(), lb)
    });
    let load_balancers = lbs.collect();
    let tgs = tgs.into_iter().map(|mut group| {
        group.tags = tag(&group.target_group_arn);
        (group.target_group_arn.clone(), group)
    });
    Ok(View {
        vpc: vpcs.into_iter().next(),
        subnets,
        load_balancers,
        target_groups: tgs.collect(),
        groups: groups.into_iter().map(|group| (group.group_id.clone(), group)).collect(),
        untold,
        read_at: Instant::now(),
        due,
    })
}

fn in_zone(mut subnet: SubnetFacts, zones: &BTreeMap<String, ZoneKind>) -> SubnetFacts {
    if subnet.zone_kind != ZoneKind::Outpost {
        subnet.zone_kind = zones.get(&subnet.availability_zone).copied().unwrap_or_default();
    }
    subnet
}

/// Tags by ARN. What is gone by now has none.
pub(crate) async fn tags_of<A: Api>(api: &A, arns: &[String]) -> Result<BTreeMap<String, Map>> {
    let mut tags = BTreeMap::new();
    for chunk in arns.chunks(MOST_ARNS) {
        match api.describe_tags(chunk).await {
            Ok(found) => tags.extend(found),
            // One that is gone fails the whole call.
            Err(error) if error.kind() == ErrorKind::NotFound => {
                for arn in chunk {
                    match api.describe_tags(std::slice::from_ref(arn)).await {
                        Ok(found) => tags.extend(found),
                        Err(error) if error.kind() == ErrorKind::NotFound => {}
                        Err(error) => return Err(error),
                    }
                }
            }
            Err(error) => return Err(error),
        }
    }
    Ok(tags)
}

#[cfg(test)]
mod tests;

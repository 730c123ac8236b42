//! Reads what a Service has, with all details; independent calls at the same time.

use std::collections::{BTreeMap, BTreeSet};

use cloud_lb_core::error::{Error, ErrorKind, Result};
use cloud_lb_core::model::ServiceId;
use futures::future::try_join_all;
use tokio::time::Instant;

use super::{StackFacts, Wishes};
use crate::api::{Api, Map, Which};
use crate::backend::Aws;
use crate::desired::MANAGED_TAG;
use crate::facts::{ListenerFacts, LoadBalancerFacts, TargetGroupFacts};
use crate::inventory::{Entry, MOST_ARNS, View, tags_of};
use crate::kinds::ListenerProtocol;

/// Tags of listeners are read again after this many refresh times.
const TAG_REFRESHES: u32 = 3;

impl<A: Api> Aws<A> {
    /// Reads all details. The order of lists is that of ARNs.
    pub(super) async fn read_stack(
        &self,
        service: &ServiceId,
        view: &View,
        lbs: BTreeSet<String>,
        tgs: BTreeSet<String>,
    ) -> Result<StackFacts> {
        let wishes = self.stacks.wishes_of(service);
        let (load_balancers, target_groups) = tokio::try_join!(
            self.read_load_balancers(view, lbs.into_iter().collect(), wishes),
            self.read_target_groups(view, tgs.into_iter().collect()),
        )?;
        Ok(StackFacts { load_balancers, target_groups })
    }

    pub(super) async fn read_load_balancers(
        &self,
        view: &View,
        arns: Vec<String>,
        wishes: Wishes,
    ) -> Result<Vec<LoadBalancerFacts>> {
        let mut all = Vec::new();
        for chunk in arns.chunks(MOST_ARNS) {
            all.extend(self.api.describe_load_balancers(Which::Arns(chunk)).await?);
        }
        for lb in &mut all {
            let arn = &lb.load_balancer_arn;
            lb.tags = view.load_balancers.get(arn).map(|known| known.tags.clone()).unwrap_or_default();
            self.inventory.read(arn, Entry::LoadBalancer(lb.clone()));
        }
        let detailed = all.into_iter().map(|lb| self.with_details(lb, wishes));
        let mut all = try_join_all(detailed).await?;
        all.sort_by(|a, b| a.load_balancer_arn.cmp(&b.load_balancer_arn));
        Ok(all)
    }

    async fn with_details(&self, mut lb: LoadBalancerFacts, wishes: Wishes) -> Result<LoadBalancerFacts> {
        let arn = lb.load_balancer_arn.clone();
        let capacity = async {
            if wishes.capacity { self.api.describe_capacity_reservation(&arn).await } else { Ok(None) }
        };
        (lb.attributes, lb.listeners, lb.capacity_units) = tokio::try_join!(
            self.api.describe_load_balancer_attributes(&arn),
            self.read_listeners(&arn, wishes),
            capacity
        )?;
        Ok(lb)
    }

    async fn read_listeners(&self, load_balancer: &str, wishes: Wishes) -> Result<Vec<ListenerFacts>> {
        let all = self.api.describe_listeners(load_balancer).await?;
        let arns: Vec<String> = all.iter().map(|listener| listener.listener_arn.clone()).collect();
        let tags = self.listener_tags(&arns).await?;
        let detailed = all.into_iter().map(|mut listener| {
            listener.tags = tags.get(&listener.listener_arn).cloned().unwrap_or_default();
            self.with_listener_details(listener, wishes)
        });
        let mut all = try_join_all(detailed).await?;
        all.sort_by_key(|listener| listener.port);
        Ok(all)
    }

    /// Attributes matter only where somebody asks for some, or did: its tags tell (AWS-26).
    async fn with_listener_details(
        &self,
        mut listener: ListenerFacts,
        wishes: Wishes,
    ) -> Result<ListenerFacts> {
        let arn = listener.listener_arn.clone();
        let is_tls = listener.protocol == ListenerProtocol::Tls;
        let was_asked = listener.tags.get(MANAGED_TAG).is_some_and(|keys| !keys.is_empty());
        let attributes = async {
            let is_read = wishes.listener_attributes || was_asked;
            if is_read { self.api.describe_listener_attributes(&arn).await } else { Ok(Map::new()) }
        };
        let certificates = async {
            if is_tls { self.api.describe_listener_certificates(&arn).await } else { Ok(Vec::new()) }
        };
        let (attributes, others) = tokio::try_join!(attributes, certificates)?;
        listener.attributes = attributes;
        listener.certificates.extend(others);
        Ok(listener)
    }

    /// Tags of listeners, most of which are known.
    async fn listener_tags(&self, arns: &[String]) -> Result<BTreeMap<String, Map>> {
        let mut tags = BTreeMap::new();
        let mut unknown = Vec::new();
        let age = self.stacks.refresh * TAG_REFRESHES;
        for arn in arns {
            match self.stacks.listener_tags.lock().get(arn).filter(|(_, at)| at.elapsed() < age) {
                Some((known, _)) => _ = tags.insert(arn.clone(), known.clone()),
                None => unknown.push(arn.clone()),
            }
        }
        let found = tags_of(&self.api, &unknown).await?;
        let now = Instant::now();
        let read = found.iter().map(|(arn, tags)| (arn.clone(), (tags.clone(), now)));
        self.stacks.listener_tags.lock().extend(read);
        tags.extend(found);
        Ok(tags)
    }

    /// Takes note of the tags of a listener that we made or changed.
    pub(crate) fn listener_tagged(&self, arn: &str, tags: &Map) {
        self.stacks.listener_tags.lock().insert(arn.to_owned(), (tags.clone(), Instant::now()));
    }

    pub(super) async fn read_target_groups(
        &self,
        view: &View,
        arns: Vec<String>,
    ) -> Result<Vec<TargetGroupFacts>> {
        let mut all = Vec::new();
        for chunk in arns.chunks(MOST_ARNS) {
            all.extend(self.api.describe_target_groups(Which::Arns(chunk)).await?);
        }
        if all.len() != arns.len() {
            return Err(Error::new(ErrorKind::NotFound, "a target group is gone"));
        }
        for group in &mut all {
            let arn = &group.target_group_arn;
            group.tags = view.target_groups.get(arn).map(|known| known.tags.clone()).unwrap_or_default();
            self.inventory.read(arn, Entry::TargetGroup(group.clone()));
        }
        let detailed = all.into_iter().map(async |mut group| {
            let arn = group.target_group_arn.clone();
            (group.attributes, group.targets) = tokio::try_join!(
                self.api.describe_target_group_attributes(&arn),
                self.api.describe_target_health(&arn)
            )?;
            Ok::<_, Error>(group)
        });
        let mut all = try_join_all(detailed).await?;
        all.sort_by(|a, b| a.target_group_arn.cmp(&b.target_group_arn));
        Ok(all)
    }
}

//! The account as the shared inventory shows it, with all details of what is the cluster's.

use std::collections::{BTreeMap, BTreeSet};

use cloud_lb_core::error::Result;

use crate::api::Api;
use crate::backend::Aws;
use crate::facts::Account;
use crate::facts::lookup::is_of_cluster;
use crate::observe::Wishes;

impl<A: Api> Aws<A> {
    /// All but instances and addresses, each list by id.
    pub(crate) async fn cluster_account(&self) -> Result<Account> {
        let view = self.view().await?;
        let vpc_id = self.vpc_id().await?;
        let cluster = &self.config.cluster_name;
        // Those of the cloud controller manager may be taken over.
        let of_ccm = format!("kubernetes.io/cluster/{cluster}");
        let is_ours =
            |tags: &BTreeMap<String, String>| is_of_cluster(tags, cluster) || tags.contains_key(&of_ccm);
        let lbs = view.load_balancers.iter().filter(|(_, lb)| lb.vpc_id == vpc_id && is_ours(&lb.tags));
        let tgs =
            view.target_groups.iter().filter(|(_, group)| group.vpc_id == vpc_id && is_ours(&group.tags));
        let (lbs, tgs): (BTreeSet<String>, BTreeSet<String>) =
            (lbs.map(|(arn, _)| arn.clone()).collect(), tgs.map(|(arn, _)| arn.clone()).collect());
        let (detailed_lbs, detailed_tgs, subnets) = tokio::try_join!(
            self.read_load_balancers(&view, lbs.into_iter().collect(), Wishes::ALL),
            self.read_target_groups(&view, tgs.into_iter().collect()),
            self.routed(&view.subnets),
        )?;
        let (mut load_balancers, mut target_groups) =
            (view.load_balancers.clone(), view.target_groups.clone());
        load_balancers.extend(detailed_lbs.into_iter().map(|lb| (lb.load_balancer_arn.clone(), lb)));
        target_groups.extend(detailed_tgs.into_iter().map(|group| (group.target_group_arn.clone(), group)));
        let mut account = Account {
            region: self.config.aws_region.clone(),
            vpc_id,
            vpcs: view.vpc.iter().cloned().collect(),
            subnets,
            security_groups: view.groups.values().cloned().collect(),
            load_balancers: load_balancers.into_values().collect(),
            target_groups: target_groups.into_values().collect(),
            ..Account::default()
        };
        account.subnets.sort_by(|a, b| a.subnet_id.cmp(&b.subnet_id));
        Ok(account)
    }
}

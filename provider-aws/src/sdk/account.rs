//! All of the account that plans are made from.

use std::collections::BTreeSet;

use cloud_lb_core::error::{Error, Result};

use super::Sdk;
use crate::Aws;
use crate::facts::{Account, Certificate, Instance, NetworkInterface};

/// What an account holds, as far as it could be read.
#[derive(Debug)]
pub struct Description {
    /// What was read.
    pub account: Account,
    /// Why [`Account::certificates`] is absent.
    pub no_certificates: Option<Error>,
}

impl Sdk {
    /// The certificates of the region, by ARN.
    ///
    /// # Errors
    /// `PermissionDenied` where a policy lacks `acm:ListCertificates`, and all that a read may fail with.
    pub async fn certificates(&self) -> Result<Vec<Certificate>> {
        let mut all = Box::pin(self.acm.list_certificates()).await?;
        all.sort_by(|a, b| a.certificate_arn.cmp(&b.certificate_arn));
        Ok(all)
    }

    /// Interfaces of a network that pods may have, but for those that stand with these instances, by id.
    ///
    /// # Errors
    /// All that a read may fail with.
    pub async fn interfaces_beside(
        &self,
        vpc_id: &str,
        instances: &[Instance],
    ) -> Result<Vec<NetworkInterface>> {
        let further = instances.iter().flat_map(|one| &one.further_interfaces);
        let further = further.map(|one| &one.network_interface_id);
        let primary = instances.iter().map(|one| &one.network_interface_id);
        let of_instances: BTreeSet<&String> = primary.chain(further).collect();
        let mut all = Box::pin(self.ec2.interfaces_for_pods(vpc_id)).await?;
        all.retain(|one| !of_instances.contains(&one.network_interface_id));
        all.sort_by(|a, b| a.network_interface_id.cmp(&b.network_interface_id));
        Ok(all)
    }
}

impl Aws<Sdk> {
    /// Describes the network of the configuration and what is in it, sorted. Load balancers and target groups of
    /// other clusters and of nobody are told by name only. Without certificates it is a description as well: no
    /// controller needs to read them, so that permissions and private endpoints may lack.
    ///
    /// # Errors
    /// The first read that fails, but for that of certificates.
    pub async fn describe_account(&self) -> Result<Description> {
        let vpc_id = self.vpc_id().await?;
        let (instances, addresses) = tokio::try_join!(
            Box::pin(self.api.ec2.instances_of(&vpc_id)),
            Box::pin(self.api.ec2.all_addresses())
        )?;
        let (certificates, no_certificates) = match self.api.certificates().await {
            Ok(all) => (Some(all), None),
            Err(error) => (None, Some(error)),
        };
        let account = self.cluster_account().await?;
        let network_interfaces = self.api.interfaces_beside(&vpc_id, &instances).await?;
        let mut account = Account { instances, network_interfaces, addresses, certificates, ..account };
        account.instances.sort_by(|a, b| a.instance_id.cmp(&b.instance_id));
        account.addresses.sort_by(|a, b| a.allocation_id.cmp(&b.allocation_id));
        Ok(Description { account, no_certificates })
    }
}

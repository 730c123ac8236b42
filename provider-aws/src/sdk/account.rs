//! All of the account that plans are made from.

use cloud_lb_core::error::Result;

use super::Sdk;
use crate::Aws;
use crate::facts::Account;

impl Aws<Sdk> {
    /// Describes the network of the configuration and what is in it, sorted. Load balancers and target groups of
    /// other clusters and of nobody are told by name only.
    ///
    /// # Errors
    /// The first read that fails.
    pub async fn describe_account(&self) -> Result<Account> {
        let vpc_id = self.vpc_id().await?;
        let (instances, addresses) = tokio::try_join!(
            Box::pin(self.api.ec2.instances_of(&vpc_id)),
            Box::pin(self.api.ec2.all_addresses())
        )?;
        let mut account = Account { instances, addresses, ..self.cluster_account().await? };
        account.instances.sort_by(|a, b| a.instance_id.cmp(&b.instance_id));
        account.addresses.sort_by(|a, b| a.allocation_id.cmp(&b.allocation_id));
        Ok(account)
    }
}

use cloud_lb_core::error::Result;

use super::{Ec2, FILTER_VALUES, PAGE_SIZE, facts, filter, interfaces};
use crate::facts::{Address, Instance};

impl Ec2 {
    /// Asked by filter: ids that do not exist would fail the whole call otherwise.
    pub(crate) async fn describe_instances(&self, ids: &[String]) -> Result<Vec<Instance>> {
        let mut all = Vec::new();
        for ids in ids.chunks(FILTER_VALUES) {
            let page = async |token| {
                let request = self
                    .client
                    .describe_instances()
                    .filters(filter("instance-id", ids))
                    .max_results(PAGE_SIZE)
                    .set_next_token(token);
                let answer = self.calls.read("DescribeInstances", request.send()).await?;
                let instances =
                    answer.reservations().iter().flat_map(aws_sdk_ec2::types::Reservation::instances);
                let list: Result<Vec<_>> = instances.map(interfaces::instance).collect();
                Ok((list?, answer.next_token))
            };
            all.extend(self.calls.pages("DescribeInstances", page).await?);
        }
        Ok(all)
    }

    /// Asked by filter, for the same reason. The API gives all addresses at once, without pages.
    pub(crate) async fn describe_addresses(&self, ids: &[String]) -> Result<Vec<Address>> {
        let mut all = Vec::new();
        for ids in ids.chunks(FILTER_VALUES) {
            let request = self.client.describe_addresses().filters(filter("allocation-id", ids));
            let answer = self.calls.read("DescribeAddresses", request.send()).await?;
            for address in answer.addresses() {
                all.push(facts::address(address)?);
            }
        }
        Ok(all)
    }
}

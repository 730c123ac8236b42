use aws_sdk_ec2::operation::describe_addresses::DescribeAddressesOutput;
use cloud_lb_core::error::Result;

use super::{Ec2, FILTER_VALUES, PAGE_SIZE, facts, filter, interfaces};
use crate::facts::{Address, Instance};

impl Ec2 {
    /// Asked by filter: ids that do not exist would fail the whole call otherwise.
    pub(crate) async fn describe_instances(&self, ids: &[String]) -> Result<Vec<Instance>> {
        let mut all = Vec::new();
        for ids in ids.chunks(FILTER_VALUES) {
            all.extend(self.instances_with("instance-id", ids).await?);
        }
        Ok(all)
    }

    /// All instances of a network.
    pub(crate) async fn instances_of(&self, vpc_id: &str) -> Result<Vec<Instance>> {
        self.instances_with("vpc-id", &[vpc_id.to_owned()]).await
    }

    async fn instances_with(&self, name: &str, values: &[String]) -> Result<Vec<Instance>> {
        let page = async |token| {
            let request = self.client.describe_instances().filters(filter(name, values));
            let request = request.max_results(PAGE_SIZE).set_next_token(token);
            let answer = self.calls.read("DescribeInstances", request.send()).await?;
            let instances = answer.reservations().iter().flat_map(aws_sdk_ec2::types::Reservation::instances);
            let list: Result<Vec<_>> = instances.map(interfaces::instance).collect();
            Ok((list?, answer.next_token))
        };
        self.calls.pages("DescribeInstances", page).await
    }

    /// Asked by filter, for the same reason. The API gives all addresses at once, without pages.
    pub(crate) async fn describe_addresses(&self, ids: &[String]) -> Result<Vec<Address>> {
        let mut all = Vec::new();
        for ids in ids.chunks(FILTER_VALUES) {
            let request = self.client.describe_addresses().filters(filter("allocation-id", ids));
            all.extend(listed(&self.calls.read("DescribeAddresses", request.send()).await?)?);
        }
        Ok(all)
    }

    /// All Elastic IPs of the region that belong to networks.
    pub(crate) async fn all_addresses(&self) -> Result<Vec<Address>> {
        let of_networks = filter("domain", &["vpc".to_owned()]);
        let request = self.client.describe_addresses().filters(of_networks);
        listed(&self.calls.read("DescribeAddresses", request.send()).await?)
    }
}

fn listed(answer: &DescribeAddressesOutput) -> Result<Vec<Address>> {
    answer.addresses().iter().map(facts::address).collect()
}

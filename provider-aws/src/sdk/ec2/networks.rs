use std::collections::BTreeMap;
use std::net::IpAddr;

use aws_sdk_ec2::types::{Filter, NetworkInterface as SdkInterface};
use cloud_lb_core::error::Result;

use super::super::call::required;
use super::{Ec2, FILTER_VALUES, PAGE_SIZE, facts, filter, interfaces};
use crate::api::{Interfaces, RouteTable, Vpcs};
use crate::facts::{NetworkInterface, SubnetFacts, VpcFacts, ZoneKind};

impl Ec2 {
    /// The API gives all zones at once, without pages.
    pub(crate) async fn describe_availability_zones(&self) -> Result<BTreeMap<String, ZoneKind>> {
        let request = self.client.describe_availability_zones();
        let answer = self.calls.read("DescribeAvailabilityZones", request.send()).await?;
        let zone = |zone: &aws_sdk_ec2::types::AvailabilityZone| {
            Ok((required(zone.zone_name(), "ZoneName")?, facts::zone_kind(zone.zone_type())))
        };
        answer.availability_zones().iter().map(zone).collect()
    }

    pub(crate) async fn describe_vpcs(&self, which: Vpcs<'_>) -> Result<Vec<VpcFacts>> {
        let filters: Vec<Filter> = match which {
            Vpcs::Id(id) => vec![filter("vpc-id", [id])],
            Vpcs::Tags(tags) => {
                tags.iter().map(|(key, value)| filter(format!("tag:{key}"), [value])).collect()
            }
        };
        let page = async |token| {
            let request = self
                .client
                .describe_vpcs()
                .set_filters(Some(filters.clone()))
                .max_results(PAGE_SIZE)
                .set_next_token(token);
            let answer = self.calls.read("DescribeVpcs", request.send()).await?;
            let list: Result<Vec<_>> = answer.vpcs().iter().map(facts::vpc).collect();
            Ok((list?, answer.next_token))
        };
        self.calls.pages("DescribeVpcs", page).await
    }

    pub(crate) async fn describe_subnets(&self, vpc_id: &str) -> Result<Vec<SubnetFacts>> {
        let page = async |token| {
            let request = self
                .client
                .describe_subnets()
                .filters(filter("vpc-id", [vpc_id]))
                .max_results(PAGE_SIZE)
                .set_next_token(token);
            let answer = self.calls.read("DescribeSubnets", request.send()).await?;
            let list: Result<Vec<_>> = answer.subnets().iter().map(facts::subnet).collect();
            Ok((list?, answer.next_token))
        };
        self.calls.pages("DescribeSubnets", page).await
    }

    pub(crate) async fn describe_route_tables(&self, vpc_id: &str) -> Result<Vec<RouteTable>> {
        let page = async |token| {
            let request = self
                .client
                .describe_route_tables()
                .filters(filter("vpc-id", [vpc_id]))
                .max_results(ROUTE_TABLES)
                .set_next_token(token);
            let answer = self.calls.read("DescribeRouteTables", request.send()).await?;
            Ok((answer.route_tables().iter().map(facts::route_table).collect(), answer.next_token))
        };
        self.calls.pages("DescribeRouteTables", page).await
    }

    pub(crate) async fn describe_network_interfaces(
        &self,
        which: Interfaces<'_>,
    ) -> Result<Vec<NetworkInterface>> {
        match which {
            Interfaces::Group(id) => self.interfaces(&[filter("group-id", [id])], |_| true).await,
            Interfaces::Addresses(vpc, addresses) => {
                let (v4, v6): (Vec<IpAddr>, Vec<IpAddr>) = addresses.iter().partition(|one| one.is_ipv4());
                let chunk = |name, chunk: &[IpAddr]| {
                    [filter("vpc-id", [vpc]), filter(name, chunk.iter().map(ToString::to_string))]
                };
                let v4 = v4.chunks(FILTER_VALUES).map(|all| chunk("addresses.private-ip-address", all));
                let v6 = v6.chunks(FILTER_VALUES).map(|all| chunk("ipv6-addresses.ipv6-address", all));
                let mut found = Vec::new();
                for filters in v4.chain(v6) {
                    found.extend(self.interfaces(&filters, |_| true).await?);
                }
                Ok(found)
            }
        }
    }

    /// All interfaces of a network that a pod could have.
    pub(crate) async fn interfaces_for_pods(&self, vpc_id: &str) -> Result<Vec<NetworkInterface>> {
        self.interfaces(&[filter("vpc-id", [vpc_id])], interfaces::may_be_of_a_pod).await
    }

    async fn interfaces(
        &self,
        filters: &[Filter],
        is_wanted: impl Fn(&SdkInterface) -> bool,
    ) -> Result<Vec<NetworkInterface>> {
        let page = async |token| {
            let request = self
                .client
                .describe_network_interfaces()
                .set_filters(Some(filters.to_vec()))
                .max_results(PAGE_SIZE)
                .set_next_token(token);
            let answer = self.calls.read("DescribeNetworkInterfaces", request.send()).await?;
            let wanted = answer.network_interfaces().iter().filter(|one| is_wanted(one));
            let list: Result<Vec<_>> = wanted.map(interfaces::network_interface).collect();
            Ok((list?, answer.next_token))
        };
        self.calls.pages("DescribeNetworkInterfaces", page).await
    }
}

/// Route tables of a page; the API gives no more of them.
const ROUTE_TABLES: i32 = 100;

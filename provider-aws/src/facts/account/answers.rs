//! What an account answers to the calls that look at its network.

use std::collections::BTreeMap;

use super::{Account, Address};
use crate::api::{RouteTable, Vpcs};
use crate::facts::{Instance, RouteKind, SubnetFacts, VpcFacts, ZoneKind};

impl Account {
    pub(crate) fn zones(&self) -> BTreeMap<String, ZoneKind> {
        let in_zones = self.subnets.iter().filter(|subnet| subnet.zone_kind != ZoneKind::Outpost);
        in_zones.map(|subnet| (subnet.availability_zone.clone(), subnet.zone_kind)).collect()
    }

    pub(crate) fn vpcs_that(&self, are: Vpcs<'_>) -> Vec<VpcFacts> {
        let is_chosen = |vpc: &&VpcFacts| match are {
            Vpcs::Id(id) => vpc.vpc_id == id,
            Vpcs::Tags(tags) => tags.iter().all(|(key, value)| vpc.tags.get(key) == Some(value)),
        };
        self.vpcs.iter().filter(is_chosen).cloned().collect()
    }

    pub(crate) fn subnets_of(&self, vpc_id: &str) -> Vec<SubnetFacts> {
        self.subnets.iter().filter(|subnet| subnet.vpc_id == vpc_id).cloned().collect()
    }

    /// One table of the public subnets, and one of all others.
    pub(crate) fn route_tables(&self, vpc_id: &str) -> Vec<RouteTable> {
        let is_public =
            |subnet: &&SubnetFacts| subnet.vpc_id == vpc_id && subnet.routes == Some(RouteKind::Public);
        let public = self.subnets.iter().filter(is_public).map(|subnet| subnet.subnet_id.clone());
        vec![
            RouteTable { subnet_ids: public.collect(), is_main: false, is_public: true },
            RouteTable { subnet_ids: Vec::new(), is_main: true, is_public: false },
        ]
    }

    pub(crate) fn instances_of(&self, ids: &[String]) -> Vec<Instance> {
        self.instances.iter().filter(|instance| ids.contains(&instance.instance_id)).cloned().collect()
    }

    pub(crate) fn addresses_of(&self, ids: &[String]) -> Vec<Address> {
        self.addresses.iter().filter(|address| ids.contains(&address.allocation_id)).cloned().collect()
    }
}

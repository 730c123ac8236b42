//! Answers as facts. Words of the API are compared as text: the SDK may not know them yet.

use std::collections::BTreeMap;
use std::str::FromStr;

use aws_sdk_ec2::types::{IpPermission, RouteTable as SdkRouteTable, SecurityGroup, Subnet, Vpc};
use cloud_lb_core::error::{Error, ErrorKind, Result};
use ipnet::IpNet;

use super::super::call::{missing, required};
use super::map_of;
use crate::api::RouteTable;
use crate::facts::{Address, GroupFacts, SubnetFacts, VpcFacts, ZoneKind};
use crate::kinds::ListedPermission;

/// The kind of a zone; only this name is an availability zone.
pub(super) fn zone_kind(word: Option<&str>) -> ZoneKind {
    match word {
        Some("local-zone") => ZoneKind::LocalZone,
        Some("wavelength-zone") => ZoneKind::WavelengthZone,
        _ => ZoneKind::AvailabilityZone,
    }
}

pub(super) fn parsed<T: FromStr>(text: &str, what: &str) -> Result<T> {
    let message = || format!("AWS's answer has {text:?} for {what}");
    text.parse().map_err(|_| Error::new(ErrorKind::Internal, message()))
}

/// A network, with ranges that are associated.
pub(super) fn vpc(vpc: &Vpc) -> Result<VpcFacts> {
    let is_associated = |state: Option<&str>| state == Some("associated");
    let v4 = vpc.cidr_block_association_set().iter().filter(|range| {
        is_associated(
            range
                .cidr_block_state()
                .and_then(|state| state.state())
                .map(aws_sdk_ec2::types::VpcCidrBlockStateCode::as_str),
        )
    });
    let v6 = vpc.ipv6_cidr_block_association_set().iter().filter(|range| {
        let state = range.ipv6_cidr_block_state().and_then(|state| state.state());
        is_associated(state.map(aws_sdk_ec2::types::VpcCidrBlockStateCode::as_str))
    });
    let mut cidrs: Vec<&str> = v4.filter_map(|range| range.cidr_block()).collect();
    if cidrs.is_empty() {
        cidrs.extend(vpc.cidr_block());
    }
    cidrs.extend(v6.filter_map(|range| range.ipv6_cidr_block()));
    Ok(VpcFacts {
        vpc_id: required(vpc.vpc_id(), "VpcId")?,
        cidrs: cidrs.into_iter().map(|range| parsed(range, "a range of a VPC")).collect::<Result<_>>()?,
        tags: map_of(vpc.tags()),
    })
}

/// A subnet, without its routes.
pub(super) fn subnet(subnet: &Subnet) -> Result<SubnetFacts> {
    let associated = subnet.ipv6_cidr_block_association_set().iter().filter(|range| {
        let state = range.ipv6_cidr_block_state().and_then(|state| state.state());
        state.is_some_and(|state| state.as_str() == "associated")
    });
    let ranges = associated.filter_map(|range| range.ipv6_cidr_block());
    let is_on_outpost = subnet.outpost_arn().is_some_and(|arn| !arn.is_empty());
    let cidr = subnet.cidr_block().filter(|range| !range.is_empty());
    Ok(SubnetFacts {
        subnet_id: required(subnet.subnet_id(), "SubnetId")?,
        vpc_id: required(subnet.vpc_id(), "VpcId")?,
        availability_zone: required(subnet.availability_zone(), "AvailabilityZone")?,
        zone_kind: if is_on_outpost { ZoneKind::Outpost } else { ZoneKind::AvailabilityZone },
        cidr_block: cidr.map(|range| parsed(range, "CidrBlock")).transpose()?,
        ipv6_cidrs: ranges.map(|range| parsed(range, "Ipv6CidrBlock")).collect::<Result<_>>()?,
        available_ip_address_count: subnet
            .available_ip_address_count()
            .and_then(|count| u32::try_from(count).ok())
            .unwrap_or_default(),
        routes: None,
        tags: map_of(subnet.tags()),
    })
}

/// A route table (AWS-51).
pub(super) fn route_table(table: &SdkRouteTable) -> RouteTable {
    let associations = table.associations();
    let is_internet = |gateway: &str| gateway.starts_with("igw-");
    RouteTable {
        subnet_ids: associations.iter().filter_map(|one| one.subnet_id.clone()).collect(),
        is_main: associations.iter().any(|one| one.main() == Some(true)),
        is_public: table.routes().iter().any(|route| route.gateway_id().is_some_and(is_internet)),
    }
}

/// An Elastic IP.
pub(super) fn address(address: &aws_sdk_ec2::types::Address) -> Result<Address> {
    let holders = [&address.network_interface_id, &address.instance_id, &address.association_id];
    Ok(Address {
        allocation_id: required(address.allocation_id(), "AllocationId")?,
        public_ip: address.public_ip().unwrap_or_default().to_owned(),
        associated_with: holders
            .into_iter()
            .flatten()
            .find(|holder| !holder.is_empty())
            .cloned()
            .filter(|_| address.association_id().is_some_and(|id| !id.is_empty())),
    })
}

/// A security group with its inbound rules.
pub(super) fn group(group: &SecurityGroup) -> Result<GroupFacts> {
    let mut rules = Vec::new();
    for permission in group.ip_permissions() {
        rules.extend(listed(permission)?);
    }
    Ok(GroupFacts {
        group_id: required(group.group_id(), "GroupId")?,
        group_name: group.group_name().unwrap_or_default().to_owned(),
        description: group.description().unwrap_or_default().to_owned(),
        vpc_id: group.vpc_id().unwrap_or_default().to_owned(),
        ip_permissions: rules,
        tags: map_of(group.tags()),
    })
}

/// The rules of one protocol and port range, by description: the API describes each source by itself.
fn listed(permission: &IpPermission) -> Result<Vec<ListedPermission>> {
    let mut rules = ByDescription { permission, rules: BTreeMap::new() };
    let v4 = permission.ip_ranges().iter().map(|range| (range.cidr_ip(), range.description()));
    let v6 = permission.ipv6_ranges().iter().map(|range| (range.cidr_ipv6(), range.description()));
    for (range, description) in v4.chain(v6) {
        let range: IpNet = parsed(range.ok_or_else(|| missing("CidrIp"))?, "a range of a rule")?;
        rules.of(description).cidrs.push(range);
    }
    for list in permission.prefix_list_ids() {
        let id = required(list.prefix_list_id(), "PrefixListId")?;
        rules.of(list.description()).prefix_list_ids.push(id);
    }
    for group in permission.user_id_group_pairs() {
        let id = required(group.group_id(), "GroupId")?;
        rules.of(group.description()).group_ids.push(id);
    }
    Ok(rules.rules.into_values().collect())
}

struct ByDescription<'a> {
    permission: &'a IpPermission,
    rules: BTreeMap<String, ListedPermission>,
}

impl ByDescription<'_> {
    fn of(&mut self, description: Option<&str>) -> &mut ListedPermission {
        let description = description.unwrap_or_default();
        self.rules.entry(description.to_owned()).or_insert_with(|| ListedPermission {
            ip_protocol: self.permission.ip_protocol().unwrap_or_default().to_owned(),
            from_port: self.permission.from_port(),
            to_port: self.permission.to_port(),
            description: description.to_owned(),
            ..ListedPermission::default()
        })
    }
}

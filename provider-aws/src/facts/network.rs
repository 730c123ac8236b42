use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use serde::{Deserialize, Serialize};

use crate::kinds::ListedPermission;

/// A network.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct VpcFacts {
    /// Id.
    pub vpc_id: String,
    /// Associated ranges of both families.
    #[serde(default)]
    pub cidrs: Vec<IpNet>,
    /// Tags.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub tags: BTreeMap<String, String>,
}

impl VpcFacts {
    /// Whether an address is none of the network; if its ranges are not known, any may be.
    pub(crate) fn is_outside(&self, address: IpAddr) -> bool {
        !self.cidrs.is_empty() && !self.cidrs.iter().any(|range| range.contains(&address))
    }
}

/// What kind of place a subnet is in (AWS-56).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ZoneKind {
    /// An availability zone.
    #[default]
    AvailabilityZone,
    /// A local zone.
    LocalZone,
    /// A wavelength zone.
    WavelengthZone,
    /// An Outpost.
    Outpost,
}

impl ZoneKind {
    /// The word that errors use.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::AvailabilityZone => "availability-zone",
            Self::LocalZone => "local-zone",
            Self::WavelengthZone => "wavelength-zone",
            Self::Outpost => "outpost",
        }
    }
}

/// Where a subnet's routes lead (AWS-51).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RouteKind {
    /// To an internet gateway.
    Public,
    /// To none.
    Private,
}

/// A subnet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct SubnetFacts {
    /// Id.
    pub subnet_id: String,
    /// Its network.
    pub vpc_id: String,
    /// Name of its zone, for example `eu-west-1a`.
    pub availability_zone: String,
    /// Kind of its zone.
    #[serde(default)]
    pub zone_kind: ZoneKind,
    /// IPv4 range.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cidr_block: Option<Ipv4Net>,
    /// IPv6 ranges in state `associated`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ipv6_cidrs: Vec<Ipv6Net>,
    /// Free IPv4 addresses.
    #[serde(default = "many")]
    pub available_ip_address_count: u32,
    /// Where its routes lead; absent if nobody looked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub routes: Option<RouteKind>,
    /// Tags.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub tags: BTreeMap<String, String>,
}

/// Free addresses of a subnet that a hand-written file does not tell: as many as a /24 has.
fn many() -> u32 {
    251
}

impl SubnetFacts {
    /// All its ranges as text, IPv4 first.
    pub(crate) fn ranges(&self) -> Vec<IpNet> {
        let v4 = self.cidr_block.iter().copied().map(IpNet::V4);
        v4.chain(self.ipv6_cidrs.iter().copied().map(IpNet::V6)).collect()
    }
}

/// A security group.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct GroupFacts {
    /// Id.
    pub group_id: String,
    /// Name.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub group_name: String,
    /// Description.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub description: String,
    /// Its network.
    pub vpc_id: String,
    /// Inbound rules.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ip_permissions: Vec<ListedPermission>,
    /// Tags.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub tags: BTreeMap<String, String>,
}

/// Whether an instance can be a target.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum InstanceState {
    /// Starting.
    Pending,
    /// It can.
    #[default]
    Running,
    /// On its way out.
    ShuttingDown,
    /// Gone.
    Terminated,
    /// On its way to be stopped.
    Stopping,
    /// Off.
    Stopped,
}

/// The machine of a node.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct Instance {
    /// Id.
    pub instance_id: String,
    /// Name of its zone.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub availability_zone: String,
    /// State.
    #[serde(default)]
    pub state: InstanceState,
    /// Its network.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub vpc_id: String,
    /// Its primary network interface.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub network_interface_id: String,
    /// Security groups of the primary network interface.
    #[serde(default)]
    pub security_groups: BTreeSet<String>,
    /// Addresses of the primary network interface.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub addresses: Vec<IpAddr>,
    /// Prefixes of the primary network interface, from which pods have addresses.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub prefixes: Vec<IpNet>,
    /// Its other network interfaces.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub further_interfaces: Vec<NetworkInterface>,
}

impl Instance {
    /// Its primary network interface.
    pub(crate) fn primary(&self) -> Interface<'_> {
        Interface { id: &self.network_interface_id, groups: &self.security_groups }
    }

    /// Adds the security groups of its network interfaces to those of the addresses that they hold.
    pub(crate) fn add_groups_at(
        &self,
        wanted: &BTreeSet<IpAddr>,
        found: &mut BTreeMap<IpAddr, BTreeSet<String>>,
    ) {
        let further = self.further_interfaces.iter();
        let further = further.map(|one| (&one.security_groups, &one.addresses, &one.prefixes));
        let primary = (&self.security_groups, &self.addresses, &self.prefixes);
        for (groups, addresses, prefixes) in std::iter::once(primary).chain(further) {
            let single = addresses.iter().filter(|address| wanted.contains(address));
            let of_prefixes =
                prefixes.iter().flat_map(|prefix| wanted.iter().filter(|address| prefix.contains(*address)));
            found.extend(single.chain(of_prefixes).map(|address| (*address, groups.clone())));
        }
    }

    /// The network interface that holds an address.
    pub(crate) fn interface_of(&self, address: IpAddr) -> Option<Interface<'_>> {
        let further = || self.further_interfaces.iter().find(|one| one.holds(address));
        let is_primary = holds(&self.addresses, &self.prefixes, address);
        if is_primary { Some(self.primary()) } else { further().map(NetworkInterface::as_interface) }
    }
}

/// A network interface.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct NetworkInterface {
    /// Id.
    pub network_interface_id: String,
    /// Description, which names what it belongs to.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub description: String,
    /// Security groups.
    #[serde(default)]
    pub security_groups: BTreeSet<String>,
    /// Addresses.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub addresses: Vec<IpAddr>,
    /// Prefixes, from which pods have addresses.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub prefixes: Vec<IpNet>,
}

impl NetworkInterface {
    pub(crate) fn holds(&self, address: IpAddr) -> bool {
        holds(&self.addresses, &self.prefixes, address)
    }

    pub(crate) fn as_interface(&self) -> Interface<'_> {
        Interface { id: &self.network_interface_id, groups: &self.security_groups }
    }
}

/// What a network interface lets in is up to its security groups.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Interface<'a> {
    pub(crate) id: &'a str,
    pub(crate) groups: &'a BTreeSet<String>,
}

fn holds(addresses: &[IpAddr], prefixes: &[IpNet], address: IpAddr) -> bool {
    addresses.contains(&address) || prefixes.iter().any(|prefix| prefix.contains(&address))
}

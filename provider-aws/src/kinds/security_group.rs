use std::collections::BTreeMap;

use cloud_lb_core::graph::Input;
use ipnet::IpNet;
use serde::ser::SerializeSeq;
use serde::{Deserialize, Serialize, Serializer};

use super::Pairs;

/// Who a rule lets in.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Source {
    /// A range of addresses, host bits cleared.
    Cidr(IpNet),
    /// A managed prefix list, by id.
    PrefixList(String),
    /// Members of a security group, by id.
    Group(Input),
}

/// One inbound rule with one source, as EC2 compares them. The order is that of protocol, ports, source.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct IpPermission {
    /// `tcp`, `udp`, `icmp`, `icmpv6`, or `-1` for all.
    pub ip_protocol: String,
    /// First port, or the ICMP type; -1 for all.
    pub from_port: i32,
    /// Last port, or the ICMP code; -1 for all.
    pub to_port: i32,
    /// Who is let in.
    pub source: Source,
}

impl IpPermission {
    /// A rule for the ports of a protocol, both ends included.
    pub(crate) fn ports(protocol: &str, from: u16, to: u16, source: Source) -> Self {
        Self { ip_protocol: protocol.to_owned(), from_port: from.into(), to_port: to.into(), source }
    }
}

/// A security group of ours with its inbound rules (AWS-73 to AWS-80, AWS-97).
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct SecurityGroup {
    /// Name; used at creation only.
    pub group_name: String,
    /// Description; cannot be changed.
    pub description: String,
    /// Network; cannot be changed.
    pub vpc_id: String,
    /// Inbound rules, sorted, each once; all of a frontend group's are ours, none of a backend group's.
    #[serde(serialize_with = "grouped")]
    pub ip_permissions: Vec<IpPermission>,
    /// Tags.
    pub tags: Pairs,
}

/// Rules of one protocol and port range, as the API takes them.
#[derive(Default, Serialize)]
#[serde(rename_all = "PascalCase")]
struct Grouped<'a> {
    ip_protocol: &'a str,
    from_port: i32,
    to_port: i32,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    ip_ranges: Vec<BTreeMap<&'static str, &'a IpNet>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    ipv6_ranges: Vec<BTreeMap<&'static str, &'a IpNet>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    prefix_list_ids: Vec<BTreeMap<&'static str, &'a str>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    user_id_group_pairs: Vec<BTreeMap<&'static str, &'a Input>>,
}

impl<'a> Grouped<'a> {
    fn add(&mut self, source: &'a Source) {
        match source {
            Source::Cidr(net @ IpNet::V4(_)) => self.ip_ranges.push([("CidrIp", net)].into()),
            Source::Cidr(net @ IpNet::V6(_)) => self.ipv6_ranges.push([("CidrIpv6", net)].into()),
            Source::PrefixList(id) => self.prefix_list_ids.push([("PrefixListId", id.as_str())].into()),
            Source::Group(id) => self.user_id_group_pairs.push([("GroupId", id)].into()),
        }
    }
}

/// Writes rules as `IpPermissions` of the API: one item per protocol and port range.
pub(super) fn grouped<S: Serializer>(rules: &[IpPermission], serializer: S) -> Result<S::Ok, S::Error> {
    let mut groups: BTreeMap<(&str, i32, i32), Grouped<'_>> = BTreeMap::new();
    for IpPermission { ip_protocol, from_port, to_port, source } in rules {
        let (from_port, to_port) = (*from_port, *to_port);
        let group = groups.entry((ip_protocol, from_port, to_port)).or_insert_with(|| Grouped {
            ip_protocol,
            from_port,
            to_port,
            ..Grouped::default()
        });
        group.add(source);
    }
    let mut list = serializer.serialize_seq(Some(groups.len()))?;
    for group in groups.values() {
        list.serialize_element(group)?;
    }
    list.end()
}

/// Rules as the API lists them, to be read from facts.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields, default)]
pub struct ListedPermission {
    /// `tcp`, `udp`, `icmp`, `icmpv6`, or `-1` for all.
    pub ip_protocol: String,
    /// First port, or the ICMP type; absent for all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from_port: Option<i32>,
    /// Last port, or the ICMP code; absent for all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to_port: Option<i32>,
    /// Ranges of addresses, of both families.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub cidrs: Vec<IpNet>,
    /// Managed prefix lists.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub prefix_list_ids: Vec<String>,
    /// Security groups.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub group_ids: Vec<String>,
    /// Description of the rules, which tells ours in groups of others (AWS-87).
    #[serde(skip_serializing_if = "String::is_empty")]
    pub description: String,
}

impl ListedPermission {
    /// The list of a single rule.
    pub(crate) fn of(rule: &IpPermission, description: &str) -> Self {
        let mut listed = Self {
            ip_protocol: rule.ip_protocol.clone(),
            from_port: Some(rule.from_port),
            to_port: Some(rule.to_port),
            description: description.to_owned(),
            ..Self::default()
        };
        match &rule.source {
            Source::Cidr(net) => listed.cidrs.push(net.trunc()),
            Source::PrefixList(id) => listed.prefix_list_ids.push(id.clone()),
            Source::Group(id) => listed.group_ids.extend(id.value().map(ToOwned::to_owned)),
        }
        listed
    }

    /// The single rules.
    pub fn rules(&self) -> Vec<IpPermission> {
        let cidrs = self.cidrs.iter().map(|net| Source::Cidr(net.trunc()));
        let lists = self.prefix_list_ids.iter().cloned().map(Source::PrefixList);
        let groups = self.group_ids.iter().cloned().map(|id| Source::Group(Input::Value(id)));
        let rule = |source| IpPermission {
            ip_protocol: self.ip_protocol.clone(),
            from_port: self.from_port.unwrap_or(-1),
            to_port: self.to_port.unwrap_or(-1),
            source,
        };
        cidrs.chain(lists).chain(groups).map(rule).collect()
    }
}

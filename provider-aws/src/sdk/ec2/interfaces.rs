//! Instances and network interfaces as facts (AWS-91).

use aws_sdk_ec2::types::{
    GroupIdentifier, Instance as SdkInstance, InstanceNetworkInterface, InstanceStateName,
    NetworkInterface as SdkInterface,
};
use cloud_lb_core::error::Result;

use super::super::call::required;
use super::facts::parsed;
use crate::facts::{Instance, InstanceState, NetworkInterface};

/// An instance with its network interfaces.
pub(super) fn instance(instance: &SdkInstance) -> Result<Instance> {
    let place = instance.placement().and_then(|place| place.availability_zone());
    let (primary, further): (Vec<_>, Vec<_>) =
        instance.network_interfaces().iter().partition(|interface| is_primary(interface));
    let primary = match primary.first() {
        Some(primary) => attached(primary)?,
        None => without_interfaces(instance)?,
    };
    Ok(Instance {
        instance_id: required(instance.instance_id(), "InstanceId")?,
        availability_zone: place.unwrap_or_default().to_owned(),
        state: state(instance.state().and_then(|state| state.name()).map(InstanceStateName::as_str)),
        vpc_id: instance.vpc_id().unwrap_or_default().to_owned(),
        network_interface_id: primary.network_interface_id,
        security_groups: primary.security_groups,
        addresses: primary.addresses,
        prefixes: primary.prefixes,
        further_interfaces: further.into_iter().map(attached).collect::<Result<_>>()?,
    })
}

fn is_primary(interface: &InstanceNetworkInterface) -> bool {
    let Some(attachment) = interface.attachment() else { return false };
    attachment.device_index() == Some(0) && attachment.network_card_index().unwrap_or_default() == 0
}

/// What an instance tells of itself, for example while it starts.
fn without_interfaces(instance: &SdkInstance) -> Result<NetworkInterface> {
    Ok(NetworkInterface {
        security_groups: ids(instance.security_groups()),
        addresses: list(instance.private_ip_address())?,
        ..NetworkInterface::default()
    })
}

/// The two types of the SDK for a network interface have the same fields.
macro_rules! network_interface {
    ($interface:expr) => {{
        let interface = $interface;
        let v4 = interface.private_ip_addresses().iter().filter_map(|one| one.private_ip_address());
        let v6 = interface.ipv6_addresses().iter().filter_map(|one| one.ipv6_address());
        let v4_prefixes = interface.ipv4_prefixes().iter().filter_map(|one| one.ipv4_prefix());
        let v6_prefixes = interface.ipv6_prefixes().iter().filter_map(|one| one.ipv6_prefix());
        Ok(NetworkInterface {
            network_interface_id: required(interface.network_interface_id(), "NetworkInterfaceId")?,
            description: interface.description().unwrap_or_default().to_owned(),
            security_groups: ids(interface.groups()),
            addresses: list(v4.chain(v6))?,
            prefixes: list(v4_prefixes.chain(v6_prefixes))?,
        })
    }};
}

/// An interface of an instance.
fn attached(interface: &InstanceNetworkInterface) -> Result<NetworkInterface> {
    network_interface!(interface)
}

/// Any interface of the network.
pub(super) fn network_interface(interface: &SdkInterface) -> Result<NetworkInterface> {
    network_interface!(interface)
}

/// Whether a pod could have an interface: by itself, as Fargate's have, or as a branch of its node's. The other
/// kinds are of AWS's own services.
pub(super) fn may_be_of_a_pod(interface: &SdkInterface) -> bool {
    interface.interface_type().is_none_or(|kind| ["interface", "branch"].contains(&kind.as_str()))
}

fn ids<C: FromIterator<String>>(groups: &[GroupIdentifier]) -> C {
    groups.iter().filter_map(|group| group.group_id.clone()).collect()
}

fn list<'a, T: std::str::FromStr>(texts: impl IntoIterator<Item = &'a str>) -> Result<Vec<T>> {
    texts.into_iter().map(|text| parsed(text, "an address of an interface")).collect()
}

/// A state that nobody knows is none in which an instance can be a target.
fn state(word: Option<&str>) -> InstanceState {
    match word {
        Some("pending") => InstanceState::Pending,
        Some("running") => InstanceState::Running,
        Some("shutting-down") => InstanceState::ShuttingDown,
        Some("terminated") => InstanceState::Terminated,
        Some("stopping") => InstanceState::Stopping,
        _ => InstanceState::Stopped,
    }
}

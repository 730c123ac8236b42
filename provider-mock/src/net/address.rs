//! Which logical addresses a simulated network gives out.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, UdpSocket};
use std::sync::atomic::{AtomicU32, Ordering};

use parking_lot::Mutex;

/// The blocks `127.2.0.0/16` to `127.254.0.0/16`; `127.0` and `127.1` hold addresses that other programs use.
const BLOCKS: std::ops::RangeInclusive<u8> = 2..=254;
/// Whoever holds this UDP port of `127.<b>.0.1` owns the block; outside of the usual ephemeral ranges.
const RESERVATION_PORT: u16 = 20_556;
/// Host numbers 1 to 254 of each /24.
const HOSTS_PER_SUBNET: u16 = 254;
/// Subnets `role`, `role + 4`, `role + 8`, … up to 251.
const SUBNETS_PER_ROLE: u16 = 63;
/// Addresses of one role and family.
const ADDRESSES_PER_ROLE: u16 = HOSTS_PER_SUBNET * SUBNETS_PER_ROLE;

/// The family of an IP address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum IpFamily {
    /// IPv4.
    V4,
    /// IPv6.
    V6,
}

impl IpFamily {
    /// The family of an address.
    pub fn of(address: IpAddr) -> Self {
        if address.is_ipv4() { Self::V4 } else { Self::V6 }
    }
}

/// What an address is for; its value is the third octet of the first subnet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Role {
    LoadBalancer = 1,
    Node = 2,
    Pod = 3,
}

/// A block of addresses that no other process on this machine gives out.
#[derive(Debug)]
pub(super) struct AddressBlock {
    block: u8,
    /// Held, never read: other instances see that the block is taken.
    _reservation: Option<UdpSocket>,
    allocator: Mutex<Allocator>,
}

#[derive(Debug, Default)]
struct Allocator {
    taken: BTreeSet<IpAddr>,
    next: BTreeMap<(Role, IpFamily), u16>,
}

impl AddressBlock {
    pub(super) fn reserve() -> Self {
        static INSTANCE: AtomicU32 = AtomicU32::new(0);
        // Start at different blocks, so that parallel processes seldom ask for the same one.
        let start = std::process::id().wrapping_add(INSTANCE.fetch_add(1, Ordering::Relaxed));
        let mut free = blocks_from(start).filter_map(|block| {
            let reservation = UdpSocket::bind((Ipv4Addr::new(127, block, 0, 1), RESERVATION_PORT)).ok()?;
            Some((block, Some(reservation)))
        });
        let (block, reservation) = free.next().unwrap_or((*BLOCKS.start(), None));
        Self { block, _reservation: reservation, allocator: Mutex::default() }
    }

    pub(super) fn allocate(&self, role: Role, family: IpFamily) -> io::Result<IpAddr> {
        let mut allocator = self.allocator.lock();
        let start = allocator.next.get(&(role, family)).copied().unwrap_or(0);
        for offset in 0..ADDRESSES_PER_ROLE {
            let index = (start + offset) % ADDRESSES_PER_ROLE;
            let address = self.address(role, family, index);
            if allocator.taken.insert(address) {
                // A released address rests until all others were used: a late client must not meet a stranger.
                allocator.next.insert((role, family), (index + 1) % ADDRESSES_PER_ROLE);
                return Ok(address);
            }
        }
        let message = format!("all {ADDRESSES_PER_ROLE} {family:?} addresses for a {role:?} are taken");
        Err(io::Error::new(io::ErrorKind::AddrNotAvailable, message))
    }

    pub(super) fn release(&self, address: IpAddr) {
        self.allocator.lock().taken.remove(&address);
    }

    pub(super) fn contains(&self, address: IpAddr) -> bool {
        match address {
            IpAddr::V4(v4) => v4.octets().starts_with(&[127, self.block]),
            IpAddr::V6(v6) => v6.segments().starts_with(&[0xfd00, u16::from(self.block), 0, 0]),
        }
    }

    fn address(&self, role: Role, family: IpFamily, index: u16) -> IpAddr {
        let role = role as u16;
        match family {
            IpFamily::V4 => {
                let third = role + 4 * (index / HOSTS_PER_SUBNET);
                let fourth = 1 + index % HOSTS_PER_SUBNET;
                // Both are at most 254 by the bounds of `index` and `role`.
                let octet = |value: u16| u8::try_from(value).unwrap_or(u8::MAX);
                Ipv4Addr::new(127, self.block, octet(third), octet(fourth)).into()
            }
            IpFamily::V6 => Ipv6Addr::new(0xfd00, u16::from(self.block), 0, 0, 0, 0, role, index + 1).into(),
        }
    }
}

/// Every block once, beginning somewhere in the middle.
fn blocks_from(start: u32) -> impl Iterator<Item = u8> {
    let count = BLOCKS.count();
    let skip = usize::try_from(start).unwrap_or(0) % count;
    BLOCKS.cycle().skip(skip).take(count)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_role_has_its_subnets_and_addresses_rest_before_reuse() {
        let block = AddressBlock::reserve();
        let b = block.block;
        let first = block.allocate(Role::LoadBalancer, IpFamily::V4).unwrap();
        assert_eq!(first, IpAddr::from([127, b, 1, 1]));
        block.release(first);
        assert_eq!(block.allocate(Role::LoadBalancer, IpFamily::V4).unwrap(), IpAddr::from([127, b, 1, 2]));
        assert_eq!(block.allocate(Role::Node, IpFamily::V4).unwrap(), IpAddr::from([127, b, 2, 1]));
        let pod = block.allocate(Role::Pod, IpFamily::V6).unwrap();
        assert_eq!(pod, format!("fd00:{b:x}::3:1").parse::<IpAddr>().unwrap());
        assert!(block.contains(pod) && block.contains(first) && !block.contains([127, 0, 0, 1].into()));
    }

    #[test]
    fn addresses_are_distinct_until_all_are_taken() {
        let block = AddressBlock::reserve();
        let all: BTreeSet<_> =
            (0..ADDRESSES_PER_ROLE).map(|_| block.allocate(Role::Pod, IpFamily::V4).unwrap()).collect();
        assert_eq!(all.len(), usize::from(ADDRESSES_PER_ROLE));
        let error = block.allocate(Role::Pod, IpFamily::V4).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::AddrNotAvailable);
        let freed = *all.first().unwrap();
        block.release(freed);
        assert_eq!(block.allocate(Role::Pod, IpFamily::V4).unwrap(), freed);
    }

    // Only Linux has the whole of 127.0.0.0/8 on the loopback interface.
    #[cfg(target_os = "linux")]
    #[test]
    fn instances_own_different_blocks() {
        let (one, two) = (AddressBlock::reserve(), AddressBlock::reserve());
        assert_ne!(one.block, two.block);
    }
}

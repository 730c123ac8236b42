//! A pool of cluster IPs.

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::Arc;

use thiserror::Error;

/// Why a cluster IP is not to be had.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub(crate) enum AddressError {
    /// Another Service holds the address.
    #[error("provided IP is already allocated")]
    Allocated,
    /// The address is in none of the service ranges.
    #[error("the provided network does not match the current range")]
    OutOfRange,
    /// No address is left.
    #[error("range is full")]
    Full,
}

/// The addresses of one service range. The network address and, for IPv4, the broadcast address are never given.
///
/// Addresses are handed out in ascending order, first above the band that the API server keeps for static requests
/// (KEP-3070: `min(max(16, size/16), 256)` addresses), then inside it.
#[derive(Debug, Clone)]
pub(crate) struct AddressPool {
    first: u128,
    last: u128,
    band: u128,
    cursor: u128,
    v4: bool,
    /// As in [`PortPool`](super::PortPool).
    used: Arc<BTreeSet<u128>>,
}

impl AddressPool {
    /// The pool of `network/prefix`; host bits of `network` are ignored.
    pub(crate) fn new(network: IpAddr, prefix: u32) -> Self {
        let (width, base, v4) = match network {
            IpAddr::V4(address) => (32_u32, u128::from(u32::from(address)), true),
            IpAddr::V6(address) => (128_u32, u128::from(address), false),
        };
        let host_bits = width.saturating_sub(prefix).clamp(2, 127);
        let size = 1_u128 << host_bits;
        let base = base & !(size - 1);
        let first = base + 1;
        let last = if v4 { base + size - 2 } else { base + size - 1 };
        let band = first + (size / 16).clamp(16, 256).min(size / 2);
        Self { first, last, band, cursor: band, v4, used: Arc::default() }
    }

    /// Takes a given address.
    pub(crate) fn allocate(&mut self, address: IpAddr) -> Result<(), AddressError> {
        let number = self.number(address).ok_or(AddressError::OutOfRange)?;
        if Arc::make_mut(&mut self.used).insert(number) { Ok(()) } else { Err(AddressError::Allocated) }
    }

    /// Takes the next free address.
    pub(crate) fn allocate_next(&mut self) -> Result<IpAddr, AddressError> {
        let free = self
            .free_in(self.cursor, self.last)
            .or_else(|| self.free_in(self.band, self.last))
            .or_else(|| self.free_in(self.first, self.band))
            .ok_or(AddressError::Full)?;
        Arc::make_mut(&mut self.used).insert(free);
        self.cursor = if free >= self.band && free < self.last { free + 1 } else { self.band };
        Ok(self.address(free))
    }

    /// Gives an address back; one that is not held or not in the range is ignored.
    pub(crate) fn release(&mut self, address: IpAddr) {
        if let Some(number) = self.number(address) {
            Arc::make_mut(&mut self.used).remove(&number);
        }
    }

    /// Whether the address is held.
    #[cfg(test)]
    pub(crate) fn holds(&self, address: IpAddr) -> bool {
        self.number(address).is_some_and(|number| self.used.contains(&number))
    }

    /// How many addresses are held.
    #[cfg(test)]
    pub(crate) fn held(&self) -> usize {
        self.used.len()
    }

    /// The first free address of `from..=to`: walks over the used ones only.
    fn free_in(&self, from: u128, to: u128) -> Option<u128> {
        if from > to {
            return None;
        }
        let mut candidate = from;
        for used in self.used.range(from..=to) {
            if *used != candidate {
                break;
            }
            candidate += 1;
        }
        (candidate <= to).then_some(candidate)
    }

    fn number(&self, address: IpAddr) -> Option<u128> {
        let number = match address {
            IpAddr::V4(address) if self.v4 => u128::from(u32::from(address)),
            IpAddr::V6(address) if !self.v4 => u128::from(address),
            _ => return None,
        };
        (self.first..=self.last).contains(&number).then_some(number)
    }

    fn address(&self, number: u128) -> IpAddr {
        match u32::try_from(number) {
            Ok(number) if self.v4 => Ipv4Addr::from(number).into(),
            _ => Ipv6Addr::from(number).into(),
        }
    }
}

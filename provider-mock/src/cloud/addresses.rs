//! Addresses for load balancers.

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use cloud_lb_core::{Error, ErrorKind, Result};

use crate::net::{IpFamily, Net};

/// The addresses of the account that are taken.
///
/// Those of the network where there is one; else those of documentation (RFC 5737, RFC 3849), which nobody can
/// mistake for real ones.
#[derive(Debug)]
pub(super) struct Addresses {
    net: Option<Net>,
    taken: BTreeSet<IpAddr>,
}

impl Addresses {
    pub(super) fn new(net: Option<Net>) -> Self {
        Self { net, taken: BTreeSet::new() }
    }

    /// Takes an address of a family, the lowest that is free unless one is asked for.
    pub(super) fn take(&mut self, family: &str, requested: Option<IpAddr>) -> Result<IpAddr> {
        let address = match requested {
            Some(address) if self.taken.contains(&address) => {
                let message = format!("address {address} is in use");
                return Err(Error::new(ErrorKind::InUse, message));
            }
            Some(address) => address,
            None => self.lowest_free(family)?,
        };
        self.taken.insert(address);
        Ok(address)
    }

    pub(super) fn release(&mut self, address: IpAddr) {
        self.taken.remove(&address);
        if let Some(net) = &self.net {
            net.release_address(address);
        }
    }

    fn lowest_free(&self, family: &str) -> Result<IpAddr> {
        if let Some(net) = &self.net {
            return of_network(net, family);
        }
        let nth = |n: u16| -> IpAddr {
            let [high, low] = n.to_be_bytes();
            if family == "IPv6" {
                Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, n).into()
            } else {
                // 192.0.2.0/24 first; a bigger account goes on in 198.18.0.0/15 (RFC 2544).
                if high == 0 { Ipv4Addr::new(192, 0, 2, low) } else { Ipv4Addr::new(198, 18, high, low) }
                    .into()
            }
        };
        let free = (1..u16::MAX).map(nth).find(|address| !self.taken.contains(address));
        free.ok_or_else(|| Error::new(ErrorKind::Quota, format!("no {family} address is left")))
    }
}

fn of_network(net: &Net, family: &str) -> Result<IpAddr> {
    let wanted = if family == "IPv6" { IpFamily::V6 } else { IpFamily::V4 };
    net.load_balancer_address(wanted).map_err(|error| {
        Error::new(ErrorKind::Quota, format!("the network has no {family} address left")).with_source(error)
    })
}

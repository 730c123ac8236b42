//! What the API server hands out: cluster IPs and ports of nodes.
//!
//! [`Allocators`] is a value. The store clones it, lets a strategy allocate and release in the clone, and swaps the
//! clone in when the write has succeeded; a refused write and a dry run drop it, and nothing has leaked.

mod address;
mod port;

pub(crate) use address::AddressPool;
pub(crate) use port::{PortError, PortPool};

use std::net::{Ipv4Addr, Ipv6Addr};

/// An IP family, as `spec.ipFamilies` names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Family {
    /// `IPv4`.
    V4,
    /// `IPv6`.
    V6,
}

impl Family {
    /// The family of the cluster's first service range, which Services get when they ask for none.
    pub(crate) const DEFAULT: Self = Self::V4;

    /// The name in `spec.ipFamilies`.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::V4 => "IPv4",
            Self::V6 => "IPv6",
        }
    }

    /// The family with this name.
    pub(crate) fn named(name: &str) -> Option<Self> {
        match name {
            "IPv4" => Some(Self::V4),
            "IPv6" => Some(Self::V6),
            _ => None,
        }
    }

    /// The other family.
    pub(crate) fn other(self) -> Self {
        match self {
            Self::V4 => Self::V6,
            Self::V6 => Self::V4,
        }
    }
}

/// The pools of a dual-stack cluster: `10.96.0.0/12`, `fd00:10:96::/112` and, by default, the node ports 30000-32767.
#[derive(Debug, Clone)]
pub(crate) struct Allocators {
    v4: AddressPool,
    v6: AddressPool,
    ports: PortPool,
}

impl Allocators {
    /// The pools of a cluster with these node ports.
    pub(crate) fn new(ports: PortPool) -> Self {
        // The defaults of kubeadm (v4) and of kind (v6).
        Self {
            v4: AddressPool::new(Ipv4Addr::new(10, 96, 0, 0).into(), 12),
            v6: AddressPool::new(Ipv6Addr::new(0xfd00, 0x10, 0x96, 0, 0, 0, 0, 0).into(), 112),
            ports,
        }
    }

    /// The pool of cluster IPs of a family.
    pub(crate) fn addresses(&mut self, family: Family) -> &mut AddressPool {
        match family {
            Family::V4 => &mut self.v4,
            Family::V6 => &mut self.v6,
        }
    }

    /// The pool of node ports, from which health check ports come too.
    pub(crate) fn ports(&mut self) -> &mut PortPool {
        &mut self.ports
    }
}

impl Default for Allocators {
    fn default() -> Self {
        Self::new(PortPool::default())
    }
}

#[cfg(test)]
mod tests;

//! The pool of node ports.

use std::collections::BTreeSet;
use std::ops::RangeInclusive;

use thiserror::Error;

/// The ports of a cluster's nodes that Services may use (`--service-node-port-range`).
const RANGE: RangeInclusive<u16> = 30_000..=32_767;

/// The first port handed out while any from here on is free: the API server keeps the lower
/// `min(max(16, size/32), 128)` = 86 ports for static requests (KEP-3668).
const BAND: u16 = 30_086;

/// Why a port is not to be had.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub(crate) enum PortError {
    /// Another Service holds the port.
    #[error("provided port is already allocated")]
    Allocated,
    /// The port is outside the range.
    #[error("provided port is not in the valid range. The range of valid ports is {}-{}", RANGE.start(), RANGE.end())]
    OutOfRange,
    /// No port is left.
    #[error("range is full")]
    Full,
}

/// The node ports 30000-32767. A port is held once, whatever its protocol.
///
/// Ports are chosen at random by a generator with a fixed seed: spread out as in a real cluster, and the same in each
/// run.
#[derive(Debug, Clone)]
pub(crate) struct PortPool {
    used: BTreeSet<u16>,
    random: fastrand::Rng,
}

impl PortPool {
    /// Takes a given port.
    pub(crate) fn allocate(&mut self, port: i32) -> Result<(), PortError> {
        let port = in_range(port).ok_or(PortError::OutOfRange)?;
        if self.used.insert(port) { Ok(()) } else { Err(PortError::Allocated) }
    }

    /// Takes any free port.
    pub(crate) fn allocate_next(&mut self) -> Result<i32, PortError> {
        let start = self.random.u16(BAND..=*RANGE.end());
        let port = (start..=*RANGE.end())
            .chain(BAND..start)
            .chain(*RANGE.start()..BAND)
            .find(|port| !self.used.contains(port))
            .ok_or(PortError::Full)?;
        self.used.insert(port);
        Ok(i32::from(port))
    }

    /// Gives a port back; one that is not held is ignored.
    pub(crate) fn release(&mut self, port: i32) {
        if let Some(port) = in_range(port) {
            self.used.remove(&port);
        }
    }

    /// Whether the port is held.
    #[cfg(test)]
    pub(crate) fn holds(&self, port: i32) -> bool {
        in_range(port).is_some_and(|port| self.used.contains(&port))
    }
}

impl Default for PortPool {
    fn default() -> Self {
        Self { used: BTreeSet::new(), random: fastrand::Rng::with_seed(0) }
    }
}

fn in_range(port: i32) -> Option<u16> {
    u16::try_from(port).ok().filter(|port| RANGE.contains(port))
}

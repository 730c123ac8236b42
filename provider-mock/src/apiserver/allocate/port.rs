//! The pool of node ports.

use std::collections::BTreeSet;
use std::ops::RangeInclusive;
use std::sync::Arc;

use thiserror::Error;

/// The default of `--service-node-port-range`.
const RANGE: RangeInclusive<u16> = 30_000..=32_767;

/// Why a port is not to be had.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub(crate) enum PortError {
    /// Another Service holds the port.
    #[error("provided port is already allocated")]
    Allocated,
    /// The port is outside the range.
    #[error("provided port is not in the valid range. The range of valid ports is {}-{}", .0.start(), .0.end())]
    OutOfRange(RangeInclusive<u16>),
    /// No port is left.
    #[error("range is full")]
    Full,
}

/// The ports of a cluster's nodes that Services may use. A port is held once, whatever its protocol.
///
/// Ports are chosen at random by a generator with a fixed seed: spread out as in a real cluster, and the same in each
/// run.
#[derive(Debug, Clone)]
pub(crate) struct PortPool {
    range: RangeInclusive<u16>,
    /// Shared with the clones until one of them changes it: most writes allocate nothing.
    used: Arc<BTreeSet<u16>>,
    random: fastrand::Rng,
}

impl PortPool {
    /// The pool of these ports.
    pub(crate) fn new(range: RangeInclusive<u16>) -> Self {
        Self { range, used: Arc::default(), random: fastrand::Rng::with_seed(0) }
    }

    /// The first port handed out while any from here on is free: the API server keeps the lower
    /// `min(max(16, size/32), 128)` ports for static requests (KEP-3668).
    fn band(&self) -> u16 {
        let size = self.range.end().saturating_sub(*self.range.start());
        self.range.start().saturating_add((size / 32).clamp(16, 128)).min(*self.range.end())
    }

    fn in_range(&self, port: i32) -> Option<u16> {
        u16::try_from(port).ok().filter(|port| self.range.contains(port))
    }

    /// Takes a given port.
    pub(crate) fn allocate(&mut self, port: i32) -> Result<(), PortError> {
        let port = self.in_range(port).ok_or_else(|| PortError::OutOfRange(self.range.clone()))?;
        if Arc::make_mut(&mut self.used).insert(port) { Ok(()) } else { Err(PortError::Allocated) }
    }

    /// Takes any free port.
    pub(crate) fn allocate_next(&mut self) -> Result<i32, PortError> {
        let (band, end) = (self.band(), *self.range.end());
        let start = self.random.u16(band..=end);
        let port = (start..=end)
            .chain(band..start)
            .chain(*self.range.start()..band)
            .find(|port| !self.used.contains(port))
            .ok_or(PortError::Full)?;
        Arc::make_mut(&mut self.used).insert(port);
        Ok(i32::from(port))
    }

    /// Gives a port back; one that is not held is ignored.
    pub(crate) fn release(&mut self, port: i32) {
        if let Some(port) = self.in_range(port) {
            Arc::make_mut(&mut self.used).remove(&port);
        }
    }

    /// Whether the port is held.
    #[cfg(test)]
    pub(crate) fn holds(&self, port: i32) -> bool {
        self.in_range(port).is_some_and(|port| self.used.contains(&port))
    }
}

impl Default for PortPool {
    fn default() -> Self {
        Self::new(RANGE)
    }
}

use std::fmt;
use std::num::NonZeroU16;

use k8s_openapi::api::core::v1::Service;

use crate::error::{Error, Result, Violation};

/// Collects all that is wrong with one Service, so that the user learns of it at once.
///
/// Parsers that note a problem return a placeholder; [`finish`](Self::finish) keeps it from being used.
#[derive(Debug, Default)]
pub(super) struct Problems(Vec<Violation>);

impl Problems {
    /// Notes one wrong value.
    pub(super) fn add(&mut self, field: impl Into<String>, value: impl fmt::Display, expected: &str) {
        self.0.push(Violation::new(field, value, expected));
    }

    /// A port number; notes anything that is none.
    pub(super) fn port(
        &mut self,
        field: impl Into<String>,
        number: i32,
        expected: &str,
    ) -> Option<NonZeroU16> {
        let port = port_number(number);
        if port.is_none() {
            self.add(field, number, expected);
        }
        port
    }

    /// Refuses the Service if there was any problem.
    pub(super) fn finish(self, service: &Service) -> Result<()> {
        if self.0.is_empty() {
            return Ok(());
        }
        let namespace = service.metadata.namespace.as_deref().unwrap_or_default();
        let name = service.metadata.name.as_deref().unwrap_or_default();
        Err(Error::invalid(format!("service {namespace}/{name}"), self.0))
    }
}

/// The number as a port; `None` for 0 and anything out of range.
pub(super) fn port_number(number: i32) -> Option<NonZeroU16> {
    u16::try_from(number).ok().and_then(NonZeroU16::new)
}

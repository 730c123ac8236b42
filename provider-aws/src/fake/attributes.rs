//! Attributes, and which values of them are refused.

use cloud_lb_core::error::{ErrorKind, Result};

use super::state::State;
use super::{Map, refused};
use crate::kinds::{Pairs, TargetProtocol};

impl State {
    pub(super) fn write_load_balancer_attributes(&mut self, arn: &str, new: &Pairs) -> Result<()> {
        const SECONDARY: &str = "secondary_ips.auto_assigned.per_subnet";
        let live = &mut self.load_balancer(arn)?.attributes;
        let number = |value: Option<&str>| value.and_then(|text| text.parse::<u32>().ok());
        let (have, want) = (number(live.get(SECONDARY).map(String::as_str)), number(new.get(SECONDARY)));
        if want.is_some() && want < have {
            return Err(refused(ErrorKind::InvalidInput, format!("{SECONDARY} cannot be decreased")));
        }
        if new.get("access_logs.s3.bucket") == Some("") {
            return Err(refused(ErrorKind::InvalidInput, "access_logs.s3.bucket cannot be empty"));
        }
        live.extend(new.0.clone());
        Ok(())
    }

    pub(super) fn write_target_group_attributes(&mut self, arn: &str, new: &Pairs) -> Result<()> {
        const TERMINATION: &str = "target_health_state.unhealthy.connection_termination.enabled";
        const DRAINING: &str = "target_health_state.unhealthy.draining_interval_seconds";
        let group = self.target_group(arn)?;
        let is_stream = matches!(group.protocol, TargetProtocol::Tcp | TargetProtocol::Tls);
        let mut all: Map = group.attributes.clone();
        all.extend(new.0.clone());
        let terminates = all.get(TERMINATION).map_or(is_stream, |value| value == "true");
        if terminates && !is_stream {
            return Err(refused(
                ErrorKind::InvalidInput,
                format!("{TERMINATION} is not for UDP and TCP_UDP"),
            ));
        }
        if terminates && new.get(DRAINING).is_some() {
            let why = format!("{DRAINING} can only be configured when {TERMINATION} is false");
            return Err(refused(ErrorKind::InvalidInput, why));
        }
        group.attributes = all;
        Ok(())
    }
}

//! Sees every attempt of the SDK, also those that it tries again, so that a throttled one lowers the rate
//! of its family at once (AWS-236).

use std::fmt;
use std::sync::Arc;

use aws_sdk_ec2::config::interceptors::FinalizerInterceptorContextRef;
use aws_sdk_ec2::config::{ConfigBag, Intercept, RuntimeComponents};
use aws_sdk_ec2::error::BoxError;
use aws_smithy_runtime_api::client::orchestrator::Metadata;
use cloud_lb_core::call::Calls;

use super::rates;
use crate::classify;

/// Hands refusals to the rates.
pub(super) struct Attempts(pub(super) Arc<Calls>);

impl fmt::Debug for Attempts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Attempts")
    }
}

impl Intercept for Attempts {
    fn name(&self) -> &'static str {
        "cloud-lb rates"
    }

    fn read_after_attempt(
        &self,
        context: &FinalizerInterceptorContextRef<'_>,
        _components: &RuntimeComponents,
        config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let Some(response) = context.response() else { return Ok(()) };
        let status = response.status().as_u16();
        let code = response.body().bytes().and_then(code).unwrap_or_default();
        if status >= 400
            && classify::is_throttling(code, status)
            && let Some(operation) = config.load::<Metadata>().map(Metadata::name)
        {
            self.0.throttled(operation, rates::access(operation));
        }
        Ok(())
    }
}

/// The code in the body of an error: both APIs answer in XML with one element of this name.
fn code(body: &[u8]) -> Option<&str> {
    let text = std::str::from_utf8(body).ok()?;
    let (_, rest) = text.split_once("<Code>")?;
    rest.split_once("</Code>").map(|(code, _)| code.trim())
}

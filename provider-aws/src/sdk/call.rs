//! The way of every call: rate, deadline, count, classified error.

use std::collections::BTreeMap;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use aws_sdk_ec2::error::{ProvideErrorMetadata, SdkError};
use cloud_lb_core::call::{Access, CallCount, Calls};
use cloud_lb_core::error::{Error, ErrorKind, Result};

use super::rates;
use crate::classify::{self, Call, Service};
use crate::config::Throttle;

/// Time that one operation may take within the SDK, its retries included.
pub(super) const OPERATION_TIMEOUT: Duration = Duration::from_secs(30);
/// A little more than the SDK's own, which knows better what went wrong.
const DEADLINE: Duration = Duration::from_secs(32);
/// Pages of one list that are read at most: 400,000 load balancers.
const MAX_PAGES: usize = 1000;

/// Items of one page, and the token of the next one.
pub(super) type Page<T> = (Vec<T>, Option<String>);

/// What the SDK makes of a request.
type Answer<T, E> = std::result::Result<T, SdkError<E>>;

/// The calls of one API.
#[derive(Debug)]
pub(super) struct ServiceCalls {
    service: Service,
    calls: Arc<Calls>,
}

impl ServiceCalls {
    pub(super) fn new(service: Service, throttles: &[Throttle]) -> Self {
        let calls = rates::limited(Calls::new(DEADLINE), service, throttles);
        Self { service, calls: Arc::new(calls) }
    }

    /// The counters and rates.
    pub(super) fn shared(&self) -> Arc<Calls> {
        Arc::clone(&self.calls)
    }

    /// Makes one call that only reads.
    pub(super) async fn read<T, E>(
        &self,
        operation: &'static str,
        request: impl Future<Output = Answer<T, E>> + Send,
    ) -> Result<T>
    where
        E: ProvideErrorMetadata + std::error::Error + 'static,
    {
        self.make(operation, Access::Read, request).await
    }

    /// Makes one call that may change something.
    pub(super) async fn write<T, E>(
        &self,
        operation: &'static str,
        request: impl Future<Output = Answer<T, E>> + Send,
    ) -> Result<T>
    where
        E: ProvideErrorMetadata + std::error::Error + 'static,
    {
        self.make(operation, Access::Write, request).await
    }

    async fn make<T, E>(
        &self,
        operation: &'static str,
        access: Access,
        request: impl Future<Output = Answer<T, E>> + Send,
    ) -> Result<T>
    where
        E: ProvideErrorMetadata + std::error::Error + 'static,
    {
        let call = Call { service: self.service, operation, access };
        // The SDK's futures are large.
        let request = Box::pin(request);
        let classified = async { request.await.map_err(|failure| classify::error(call, &failure)) };
        self.calls.make(operation, access, classified).await
    }

    /// Reads a list to its last page, each page a call of its own.
    pub(super) async fn pages<T, Request>(
        &self,
        operation: &'static str,
        mut page: impl FnMut(Option<String>) -> Request,
    ) -> Result<Vec<T>>
    where
        Request: Future<Output = Result<Page<T>>>,
    {
        let mut items = Vec::new();
        let mut token = None;
        for _ in 0..MAX_PAGES {
            let (more, next) = page(token).await?;
            items.extend(more);
            match next {
                Some(next) if !next.is_empty() => token = Some(next),
                _ => return Ok(items),
            }
        }
        Err(Error::new(ErrorKind::Internal, "the list does not end").during(operation))
    }

    /// What was called so far, by action.
    pub(super) fn counts(&self) -> BTreeMap<String, CallCount> {
        let action = |operation: &str| format!("{}:{operation}", self.service.iam_prefix());
        self.calls.counts().iter().map(|(operation, count)| (action(operation), *count)).collect()
    }
}

/// What AWS left out of an answer although it is always there.
pub(super) fn missing(what: &str) -> Error {
    Error::new(ErrorKind::Internal, format!("AWS's answer has no {what}"))
}

/// A number of an answer that has to be a port.
pub(super) fn port(number: Option<i32>) -> Result<u16> {
    number.and_then(|number| u16::try_from(number).ok()).ok_or_else(|| missing("valid port"))
}

/// A text that is always in the answer.
pub(super) fn required(text: Option<&str>, what: &str) -> Result<String> {
    text.map(str::to_owned).ok_or_else(|| missing(what))
}

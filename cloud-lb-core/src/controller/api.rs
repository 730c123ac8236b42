//! The only writes to Services, and how the API server's refusals become our errors.

use std::future::Future;
use std::time::Duration;

use k8s_openapi::api::core::v1::Service;
use kube::api::{Api, Patch, PatchParams};
use kube::{Client, ResourceExt};
use serde_json::{Value, json};
use tracing::Instrument;

use crate::deadline;
use crate::error::{Effect, Error, ErrorKind, Result, Retry};
use crate::measure::{blame, work_span};

/// Writes Services by strategic merge patches of the `status` subresource, which is all that the
/// controller's role allows (SC-82 to SC-84).
#[derive(Clone)]
pub(crate) struct ServiceWriter {
    client: Client,
    timeout: Duration,
}

impl ServiceWriter {
    pub(crate) fn new(client: Client, timeout: Duration) -> Self {
        Self { client, timeout }
    }

    /// Sends one patch, and returns the Service as it left it.
    ///
    /// # Errors
    /// Also `Conflict`, if another Service of this name took the place of the one that was meant: the patch
    /// names the UID, so that one that comes late changes nothing then.
    pub(crate) async fn patch(&self, service: &Service, patch: Value) -> Result<Service> {
        let api: Api<Service> =
            Api::namespaced(self.client.clone(), &service.namespace().unwrap_or_default());
        let (name, params) = (service.name_any(), PatchParams::default());
        let patch = Patch::Strategic(meant_for(service, patch));
        let call = async {
            let patched = api.patch_status(&name, &params, &patch).await;
            patched.map_err(|error| if is_of_another(&error) { replaced() } else { from_kube(error) })
        };
        let patched = traced("patch", "services/status", within(self.timeout, call)).await;
        patched.map_err(|error| error.during("patch services/status"))
    }
}

/// A patch goes by name; with the UID in it, the API server refuses it for any other Service: a UID never
/// changes.
fn meant_for(service: &Service, mut patch: Value) -> Value {
    if let (Some(uid), Some(patch)) = (service.uid(), patch.as_object_mut())
        && let Some(metadata) = patch.entry("metadata").or_insert_with(|| json!({})).as_object_mut()
    {
        metadata.insert("uid".to_owned(), uid.into());
    }
    patch
}

/// Whether a patch was refused because it was meant for a Service of another UID.
fn is_of_another(error: &kube::Error) -> bool {
    let kube::Error::Api(status) = error else { return false };
    let mut causes = status.details.iter().flat_map(|details| &details.causes);
    status.code == 422 && causes.any(|cause| cause.field == "metadata.uid")
}

fn replaced() -> Error {
    Error::new(ErrorKind::Conflict, "the Service was deleted and made anew")
}

/// A client whose requests must be answered in time, as clients of kube need not: if a connection loses its
/// other end, a list would be waited for without end, and the controller with it. What follows the head of
/// an answer has no deadline here: a watch goes on, and kube looks after those that are silent.
pub(crate) fn impatient(client: &Client, timeout: Duration) -> Client {
    let (inner, namespace) = (client.clone(), client.default_namespace().to_owned());
    let send = move |request| {
        let inner = inner.clone();
        async move {
            let answer = tokio::time::timeout(timeout, inner.send(request)).await;
            answer.unwrap_or_else(|late| Err(kube::Error::Service(late.into())))
        }
    };
    Client::new(tower::service_fn(send), namespace)
}

/// Gives a write to the API server its span. That the object is gone is no failure (SC-85); whoever minds tells.
pub(crate) async fn traced<T>(
    verb: &'static str,
    resource: &'static str,
    write: impl Future<Output = Result<T>>,
) -> Result<T> {
    let span = work_span!(DEBUG, "api_write", verb, resource, otel.kind = "client");
    let result = write.instrument(span.clone()).await;
    if let Err(error) = &result
        && error.kind() != ErrorKind::NotFound
    {
        blame(&span, error);
    }
    result
}

/// Gives a call a deadline, beside which it may wait for limits of calls. What a call did that had none in time
/// is not known.
pub(crate) async fn within<T>(timeout: Duration, call: impl Future<Output = Result<T>>) -> Result<T> {
    deadline::within(timeout, call).await.unwrap_or_else(|| {
        let message = format!("no answer within {timeout:?}");
        Err(Error::new(ErrorKind::Timeout, message).with_effect(Effect::Unknown))
    })
}

/// Classifies an error of the API client, by code.
pub(crate) fn from_kube(error: kube::Error) -> Error {
    let kube::Error::Api(status) = error else {
        return Error::new(ErrorKind::Unavailable, "the API server cannot be reached")
            .with_effect(Effect::Unknown)
            .with_source(error);
    };
    let kind = match status.code {
        401 | 403 => ErrorKind::PermissionDenied,
        404 => ErrorKind::NotFound,
        409 => ErrorKind::Conflict,
        429 => ErrorKind::Throttled,
        408 | 504 => ErrorKind::Timeout,
        500.. => ErrorKind::Unavailable,
        _ => ErrorKind::Internal,
    };
    let after = status.details.as_ref().map_or(0, |details| details.retry_after_seconds);
    let error = Error::new(kind, status.message);
    match after {
        0 => error,
        seconds => error.with_retry(Retry::After(Duration::from_secs(seconds.into()))),
    }
}

#[cfg(test)]
mod tests {
    use kube::core::Status;
    use kube::core::response::StatusDetails;

    use super::*;

    fn api_error(code: u16, retry_after_seconds: u32) -> Error {
        let details: StatusDetails =
            serde_json::from_value(serde_json::json!({"retryAfterSeconds": retry_after_seconds})).unwrap();
        let status = Status::failure("no", "Because").with_code(code).with_details(details);
        from_kube(kube::Error::Api(status.boxed()))
    }

    #[test]
    fn refusals_by_code() {
        let kinds = [
            (401, ErrorKind::PermissionDenied),
            (403, ErrorKind::PermissionDenied),
            (404, ErrorKind::NotFound),
            (409, ErrorKind::Conflict),
            (422, ErrorKind::Internal),
            (429, ErrorKind::Throttled),
            (500, ErrorKind::Unavailable),
            (503, ErrorKind::Unavailable),
            (504, ErrorKind::Timeout),
        ];
        for (code, kind) in kinds {
            let error = api_error(code, 0);
            assert_eq!((error.kind(), error.retry()), (kind, Retry::Backoff), "{code}");
        }
        assert_eq!(api_error(429, 7).retry(), Retry::After(Duration::from_secs(7)));
    }

    #[tokio::test(start_paused = true)]
    async fn a_list_without_an_answer_ends() {
        type Answer = std::result::Result<http::Response<kube::client::Body>, std::convert::Infallible>;
        let silent = tower::service_fn(|_| std::future::pending::<Answer>());
        let client = impatient(&Client::new(silent, "default"), Duration::from_secs(3));
        let error = Api::<Service>::all(client).list(&kube::api::ListParams::default()).await.unwrap_err();
        assert_eq!(from_kube(error).kind(), ErrorKind::Unavailable);
    }

    #[tokio::test(start_paused = true)]
    async fn a_call_without_an_answer_ends_and_its_effect_is_unknown() {
        let error = within(Duration::from_secs(3), std::future::pending::<Result<()>>()).await.unwrap_err();
        assert_eq!((error.kind(), error.effect()), (ErrorKind::Timeout, Effect::Unknown));
    }
}

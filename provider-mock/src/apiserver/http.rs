//! The tower service: HTTP requests in, HTTP responses out.

use super::ApiServer;
use super::discovery;
use super::handle::{Call, handle};
use super::request::{Query, Target};
use super::status::ApiError;
use bytes::Bytes;
use futures::future::BoxFuture;
use futures::{Stream, StreamExt as _};
use http::request::Parts;
use http::{HeaderValue, Method, Request, Response, StatusCode, header};
use http_body::{Body, Frame};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt as _, Full, Limited, StreamBody};
use serde_json::Value;
use std::convert::Infallible;
use std::task::{Context, Poll};

/// The body of an answer: one JSON document, or the endless lines of a watch.
pub type ResponseBody = UnsyncBoxBody<Bytes, Infallible>;

/// An answer.
pub(crate) type Answer = Response<ResponseBody>;

/// Longest body that is read, as in the real server.
const BODY_LIMIT: usize = 3 * 1024 * 1024;

impl<B> tower::Service<Request<B>> for ApiServer
where
    B: Body + Send + 'static,
    B::Data: Send,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    type Response = Answer;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Answer, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let server = self.clone();
        Box::pin(async move {
            let (parts, body) = request.into_parts();
            Ok(respond(&server, parts, body).await.unwrap_or_else(|error| refusal(&error)))
        })
    }
}

async fn respond<B>(server: &ApiServer, parts: Parts, body: B) -> Result<Answer, ApiError>
where
    B: Body + Send,
    B::Data: Send,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let Some(target) = Target::parse(parts.uri.path()) else {
        return if parts.method == Method::GET {
            discovery::answer(&parts)
        } else {
            Err(ApiError::no_such_path())
        };
    };
    let query = Query::parse(&parts.uri);
    let verb = target.verb(&parts.method, &query)?;
    let body = Limited::new(body, BODY_LIMIT).collect().await.map_err(|_| ApiError::too_large())?.to_bytes();
    through(server, Call { target, verb, query, headers: parts.headers, body }).await
}

/// The way to the server and back, with all that can befall a request on it.
async fn through(server: &ApiServer, call: Call) -> Result<Answer, ApiError> {
    let faults = server.faults();
    let fault = faults.admit(call.verb, &call.target);
    let fuse = faults.fuse();
    faults.passage().await;
    if let Some(fuse) = &fuse {
        fuse.admit().await;
    }
    if let Some(fault) = fault {
        fault.before().await?;
    }
    let answer = check(server, &call).and_then(|()| handle(server, &call));
    let refused = answer.as_ref().err().map(ApiError::code);
    tracing::debug!(verb = ?call.verb, target = %call.target, ?fault, refused, "request");
    if let (Some(fuse), true) = (&fuse, call.verb.is_write() && answer.is_ok()) {
        fuse.wrote().await;
    }
    faults.passage().await;
    if let Some(fault) = fault {
        fault.after().await?;
    }
    answer
}

/// Who sends the request, and whether they may: the user whom this handle is restricted to, else the one of the
/// token. Without either, everything is allowed.
fn check(server: &ApiServer, call: &Call) -> Result<(), ApiError> {
    let user = match server.rights() {
        Some(rights) => Some(rights.clone()),
        None => server.users().authenticate(&call.headers)?,
    };
    user.map_or(Ok(()), |rights| rights.check(call.verb, &call.target, &call.query))
}

/// A JSON answer, with one `Warning` header for each warning.
pub(crate) fn answer(code: StatusCode, body: &Value, warnings: &[String]) -> Answer {
    let mut response = bytes(code, "application/json", body.to_string().into());
    for warning in warnings {
        let quoted = warning.replace('\\', "\\\\").replace('"', "\\\"");
        if let Ok(value) = HeaderValue::from_str(&format!("299 - \"{quoted}\"")) {
            response.headers_mut().append(header::WARNING, value);
        }
    }
    response
}

/// An answer of any media type.
pub(crate) fn bytes(code: StatusCode, media_type: &'static str, body: Bytes) -> Answer {
    let mut response = Response::new(Full::new(body).boxed_unsync());
    *response.status_mut() = code;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(media_type));
    response
}

/// An answer that goes on until its stream ends.
pub(crate) fn stream(lines: impl Stream<Item = Bytes> + Send + 'static) -> Answer {
    let frames = lines.map(|line| Ok(Frame::data(line)));
    let mut response = Response::new(StreamBody::new(frames).boxed_unsync());
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

fn refusal(error: &ApiError) -> Answer {
    let code = StatusCode::from_u16(error.code()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = answer(code, &error.to_status(), &[]);
    if let Some(wait) = error.retry_after() {
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(wait.as_secs()));
    }
    response
}

//! What is answered to which request.

use std::convert::Infallible;

use bytes::Bytes;
use cloud_lb_core::metrics::{Format, Metrics};
use http::{HeaderValue, Method, Request, Response, StatusCode, header};
use http_body_util::Full;

use super::auth::Reviewer;
use super::health::{Endpoint, Probe, Report};

type Answer = Response<Full<Bytes>>;

/// What is served, and to whom.
pub(crate) struct Site {
    pub(crate) metrics: Metrics,
    pub(crate) probe: Probe,
    pub(crate) access: Access,
}

/// Who may ask.
pub(crate) enum Access {
    /// Everybody, everything.
    Open,
    /// Everybody these paths, and others what the cluster allows them.
    Reviewed {
        /// Exact paths.
        allowed: Vec<String>,
        /// Who asks the cluster.
        reviewer: Reviewer,
    },
}

impl Site {
    pub(super) async fn answer<B>(&self, request: &Request<B>) -> Result<Answer, Infallible> {
        Ok(self.respond(request).await)
    }

    async fn respond<B>(&self, request: &Request<B>) -> Answer {
        let path = request.uri().path();
        if let Access::Reviewed { allowed, reviewer } = &self.access
            && !allowed.iter().any(|allowed| allowed == path)
            && let Err(refusal) = reviewer.review(request.headers(), path).await
        {
            return text(refusal.code, format!("{}\n", refusal.reason));
        }
        if request.method() != Method::GET && request.method() != Method::HEAD {
            return text(StatusCode::METHOD_NOT_ALLOWED, "method not allowed\n");
        }
        if path == "/metrics" {
            return self.scrape(request);
        }
        match Endpoint::find(path) {
            Some((endpoint, check)) => {
                let query = request.uri().query().unwrap_or_default();
                self.health(endpoint, check, query).await
            }
            None => text(StatusCode::NOT_FOUND, "404 page not found\n"),
        }
    }

    fn scrape<B>(&self, request: &Request<B>) -> Answer {
        let accept = request.headers().get(header::ACCEPT).and_then(|value| value.to_str().ok());
        let format = Format::accepted(accept.unwrap_or_default());
        let mut answer = text(StatusCode::OK, self.metrics.encode(format));
        let kind = HeaderValue::from_static(format.content_type());
        answer.headers_mut().insert(header::CONTENT_TYPE, kind);
        answer
    }

    async fn health(&self, endpoint: Endpoint, check: Option<&str>, query: &str) -> Answer {
        let of = |report: Report| {
            text(if report.well { StatusCode::OK } else { StatusCode::INTERNAL_SERVER_ERROR }, report.text)
        };
        let Some(check) = check else {
            let pairs = query.split('&').map(|pair| pair.split_once('=').unwrap_or((pair, "")));
            let excluded = pairs.clone().filter(|(key, _)| *key == "exclude");
            let excluded: Vec<String> = excluded.map(|(_, name)| name.to_owned()).collect();
            let verbose = pairs.clone().any(|(key, _)| key == "verbose");
            return of(endpoint.report(&self.probe, &excluded, verbose).await);
        };
        match endpoint.single(&self.probe, check).await {
            Some(report) => of(report),
            None => text(StatusCode::NOT_FOUND, "404 page not found\n"),
        }
    }
}

fn text(code: StatusCode, body: impl Into<Bytes>) -> Answer {
    let mut answer = Response::new(Full::new(body.into()));
    *answer.status_mut() = code;
    let headers = answer.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    answer
}

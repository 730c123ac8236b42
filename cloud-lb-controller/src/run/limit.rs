//! A client that makes no more requests than it may.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use cloud_lb_core::rate::{RateLimit, TokenBucket};
use http::{Request, Response};
use kube::Client;
use kube::client::Body;
use tower::Service;

/// The same client, with a limit on its requests, if there is one.
pub(super) fn limited(client: &Client, limit: Option<RateLimit>) -> Client {
    let Some(limit) = limit else { return client.clone() };
    let service = Limited { client: client.clone(), bucket: Arc::new(TokenBucket::new(limit)) };
    Client::new(service, client.default_namespace())
}

struct Limited {
    client: Client,
    bucket: Arc<TokenBucket>,
}

impl Service<Request<Body>> for Limited {
    type Response = Response<Body>;
    type Error = kube::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Self::Error>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let (client, bucket) = (self.client.clone(), Arc::clone(&self.bucket));
        Box::pin(async move {
            bucket.take().await;
            client.send(request).await
        })
    }
}

//! The way between one replica and the API: it may break in both directions or in one.

use std::sync::Arc;
use std::task::{Context, Poll};

use futures::future::BoxFuture;
use http::{Request, Response};
use kube::Client;
use kube::client::Body;
use parking_lot::Mutex;
use provider_mock::apiserver::{ApiServer, ResponseBody};
use tower::{Service, ServiceExt as _};

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum State {
    #[default]
    Fine,
    /// Requests do not arrive.
    Silent,
    /// Requests arrive, answers do not.
    Deaf,
}

/// One replica's way to the API.
#[derive(Debug, Clone)]
pub(crate) struct Network {
    api: ApiServer,
    state: Arc<Mutex<State>>,
}

impl Network {
    pub(crate) fn new(api: &ApiServer) -> Self {
        Self { api: api.clone(), state: Arc::default() }
    }

    pub(crate) fn client(&self) -> Client {
        Client::new(self.clone(), "default")
    }

    pub(crate) fn mend(&self) {
        *self.state.lock() = State::Fine;
    }

    /// From now on requests are lost.
    pub(crate) fn silence(&self) {
        *self.state.lock() = State::Silent;
    }

    /// From now on answers are lost.
    pub(crate) fn deafen(&self) {
        *self.state.lock() = State::Deaf;
    }
}

impl Service<Request<Body>> for Network {
    type Response = Response<ResponseBody>;
    type Error = std::convert::Infallible;
    type Future = BoxFuture<'static, Result<Self::Response, Self::Error>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let (api, state) = (self.api.clone(), Arc::clone(&self.state));
        Box::pin(async move {
            if *state.lock() == State::Silent {
                return std::future::pending().await;
            }
            let answer = api.oneshot(request).await;
            if *state.lock() != State::Fine {
                return std::future::pending().await;
            }
            answer
        })
    }
}

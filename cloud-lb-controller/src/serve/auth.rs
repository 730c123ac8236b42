//! Who may read `/metrics`: whoever the cluster says, as for other Kubernetes components.

use std::time::Duration;

use http::{HeaderMap, StatusCode, header};
use k8s_openapi::api::authentication::v1::{TokenReview, TokenReviewSpec, UserInfo};
use k8s_openapi::api::authorization::v1::{
    NonResourceAttributes, SubjectAccessReview, SubjectAccessReviewSpec,
};
use kube::api::{Api, PostParams};
use kube::{Client, Resource};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::sync::Semaphore;

use crate::failure::chain;

/// Time that the API server has to answer.
const DEADLINE: Duration = Duration::from_secs(10);
/// Requests that are reviewed at the same time: strangers must not keep the API server busy.
const MAX_REVIEWS: usize = 4;

/// Asks the API server who a request comes from and whether they may make it.
pub(crate) struct Reviewer {
    client: Client,
    reviews: Semaphore,
}

/// Why a request is not answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Refusal {
    pub(super) code: StatusCode,
    pub(super) reason: String,
}

impl Refusal {
    fn new(code: StatusCode, reason: impl Into<String>) -> Self {
        Self { code, reason: reason.into() }
    }
}

impl Reviewer {
    pub(crate) fn new(client: Client) -> Self {
        Self { client, reviews: Semaphore::new(MAX_REVIEWS) }
    }

    /// Whether whoever sent these headers may `get` the path.
    pub(super) async fn review(&self, headers: &HeaderMap, path: &str) -> Result<(), Refusal> {
        let authorization = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
        let token = authorization.and_then(|value| value.strip_prefix("Bearer ")).map(str::trim);
        let Some(token) = token.filter(|token| !token.is_empty()) else {
            return Err(Refusal::new(StatusCode::UNAUTHORIZED, "Unauthorized"));
        };
        let busy = |_| Refusal::new(StatusCode::SERVICE_UNAVAILABLE, "too many requests are under review");
        let _permit = self.reviews.try_acquire().map_err(busy)?;
        let user = self.authenticate(token).await?;
        self.authorize(user, path).await
    }

    async fn authenticate(&self, token: &str) -> Result<UserInfo, Refusal> {
        let spec = TokenReviewSpec { token: Some(token.to_owned()), audiences: None };
        let review = TokenReview { spec, ..TokenReview::default() };
        let status = self.ask(&review).await?.status.unwrap_or_default();
        match status.user {
            Some(user) if status.authenticated == Some(true) => Ok(user),
            _ => Err(Refusal::new(StatusCode::UNAUTHORIZED, "Unauthorized")),
        }
    }

    async fn authorize(&self, user: UserInfo, path: &str) -> Result<(), Refusal> {
        let name = user.username.clone().unwrap_or_default();
        let attributes = NonResourceAttributes { path: Some(path.to_owned()), verb: Some("get".to_owned()) };
        let spec = SubjectAccessReviewSpec {
            user: user.username,
            groups: user.groups,
            uid: user.uid,
            extra: user.extra,
            non_resource_attributes: Some(attributes),
            resource_attributes: None,
        };
        let review = SubjectAccessReview { spec, ..SubjectAccessReview::default() };
        let status = self.ask(&review).await?.status.unwrap_or_default();
        if status.allowed {
            return Ok(());
        }
        let reason = format!("Forbidden: user {name:?} cannot get path {path:?}");
        Err(Refusal::new(StatusCode::FORBIDDEN, reason))
    }

    async fn ask<K>(&self, review: &K) -> Result<K, Refusal>
    where
        K: Resource<DynamicType = ()> + Clone + std::fmt::Debug + Serialize + DeserializeOwned,
    {
        let (api, params) = (Api::<K>::all(self.client.clone()), PostParams::default());
        let failed = |error: String| {
            let review = K::kind(&());
            tracing::warn!(error, %review, "a request for metrics could not be reviewed");
            Refusal::new(StatusCode::INTERNAL_SERVER_ERROR, "the request could not be reviewed")
        };
        let answer = tokio::time::timeout(DEADLINE, api.create(&params, review)).await;
        answer.map_err(|late| failed(late.to_string()))?.map_err(|error| failed(chain(&error)))
    }
}

//! All load balancers at once, and those of Services that do not exist (W-28).

use std::time::Duration;

use k8s_openapi::api::core::v1::Service;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use tracing::{Instrument, Span};

use super::Reconciler;
use super::tell::throttled;
use crate::controller::key::Key;
use crate::controller::notice::Notice;
use crate::controller::orphans::Orphan;
use crate::controller::queue::Verdict;
use crate::error::{ErrorKind, Result};
use crate::measure::{blame, end_span, work_span};
use crate::model::{LoadBalancer, ServiceId};
use crate::provider::{Outcome, Survey};

impl Reconciler {
    /// Holds all these Services against the cloud. Writes nothing.
    pub(crate) async fn survey(&self, services: &[LoadBalancer], timeout: Duration) -> Result<Survey> {
        let span = work_span!(INFO, "survey", cloud.provider = self.provider.name());
        let survey = self.call_within(timeout, &Key::Cluster, self.provider.survey(services));
        let result = survey.instrument(span.clone()).await;
        end_span(&span, &result);
        result
    }

    /// Tells of orphans, and deletes those whose time has come.
    pub(super) async fn see_to(&self, key: &Key, orphans: &[Orphan]) -> Verdict {
        for orphan in orphans {
            let verdict = if orphan.expired {
                self.delete_orphan(key, &orphan.id).await
            } else {
                let resources = orphan.resources.len();
                let billed = orphan.resources.iter().filter(|resource| resource.billed).count();
                tracing::warn!(
                    service = orphan.id.path(),
                    uid = orphan.id.uid,
                    resources,
                    billed,
                    "orphaned in the cloud"
                );
                self.events.publish(&reference(&orphan.id), Notice::orphaned(&orphan.resources)).await;
                Verdict::Done
            };
            if verdict != Verdict::Done {
                return verdict;
            }
        }
        Verdict::Done
    }

    async fn delete_orphan(&self, key: &Key, id: &ServiceId) -> Verdict {
        match self.call(key, self.provider.delete(id)).await {
            Ok(Outcome::Pending(pending)) => Verdict::Wait(pending.retry_after),
            Ok(Outcome::Done | Outcome::ImplementedElsewhere) => {
                self.events.publish(&reference(id), Notice::deleted()).await;
                tracing::info!(service = id.path(), uid = id.uid, "orphan deleted");
                Verdict::Done
            }
            Err(error) if error.kind() == ErrorKind::Throttled => throttled(&error),
            Err(error) => {
                tracing::warn!(service = id.path(), uid = id.uid, %error, "an orphan could not be deleted");
                blame(&Span::current(), &error);
                self.events.publish(&reference(id), Notice::delete_failed(&error)).await;
                Verdict::Failed(error.retry())
            }
        }
    }
}

/// A Service that does not exist, for events to name.
fn reference(id: &ServiceId) -> Service {
    let metadata = ObjectMeta {
        name: Some(id.name.clone()),
        namespace: Some(id.namespace.clone()),
        uid: (!id.uid.is_empty()).then(|| id.uid.clone()),
        ..ObjectMeta::default()
    };
    Service { metadata, ..Service::default() }
}

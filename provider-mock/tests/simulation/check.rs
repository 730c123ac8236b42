//! What must be so once the world has come to rest.

use std::collections::BTreeSet;

use cloud_lb_core::controller::READY_CONDITION;
use cloud_lb_core::error::Retry;
use cloud_lb_core::k8s::{self, ClassPolicy, FINALIZER};
use cloud_lb_core::model::{NodeList, ServiceId};
use cloud_lb_core::provider::State;
use k8s_openapi::api::core::v1::Service;
use kube::ResourceExt;
use provider_mock::Record;
use provider_mock::apiserver::Resource;
use serde_json::Value;
use tracing::instrument::WithSubscriber;
use tracing::subscriber::NoSubscriber;

use crate::setting::CLUSTER;
use crate::world::World;

/// What is not as it must be.
pub(crate) type Check = Result<(), String>;

impl World {
    /// Whether everything is as the users want it, and nothing else is there. Tells no story.
    pub(crate) async fn check(&self) -> Check {
        self.check_all().with_subscriber(NoSubscriber::new()).await
    }

    async fn check_all(&self) -> Check {
        let (services, nodes) = (self.services(), self.nodes());
        let nodes = k8s::usable_nodes(&nodes, &self.setting.options().nodes);
        // The cheap ones first: this is asked often.
        for service in &services {
            check_metadata(service)?;
        }
        for service in services.iter().filter(|service| wants(service)) {
            self.check_wanted(service, &nodes).await?;
        }
        self.check_owned(&services).await?;
        self.check_foreign()
    }

    /// Converged: the next plan is empty, and the status tells the truth. Or it cannot be, and the
    /// condition says so.
    async fn check_wanted(&self, service: &Service, nodes: &NodeList) -> Check {
        let name = service.name_any();
        let planned = match k8s::load_balancer(CLUSTER, service, nodes, []) {
            Ok(wanted) => self.observer.plan(&wanted).await,
            Err(error) => Err(error),
        };
        let ready = condition(service);
        match planned {
            Ok(plan) if !plan.steps.is_empty() => Err(format!("{name} has not converged: {plan}")),
            Ok(_) if ready.0 != "True" => {
                Err(format!("{name} has converged, and its condition says {ready:?}"))
            }
            Ok(_) => self.check_status(service).await,
            Err(error) if error.retry() != Retry::Never => Err(format!("{name} cannot be planned: {error}")),
            Err(_) if ready.0 == "False" => Ok(()),
            Err(error) => Err(format!("{name} cannot be had ({error}), and its condition says {ready:?}")),
        }
    }

    async fn check_status(&self, service: &Service) -> Check {
        let (id, name) = (k8s::service_id(CLUSTER, service).unwrap(), service.name_any());
        match self.observer.get(&id).await {
            Ok(State::Ready(status)) if k8s::same_status(&addresses(service), &k8s::status(&status)) => {
                Ok(())
            }
            other => {
                Err(format!("{name} has the status {:?}, and the cloud says {other:?}", addresses(service)))
            }
        }
    }

    /// Whether what nobody knows any more may be left: of a Service that exists, and where it is not deleted.
    fn may_be_left(&self, owner: &ServiceId, services: &[Service]) -> bool {
        let exists = services.iter().any(|service| service.uid().as_ref() == Some(&owner.uid));
        let is_kept = exists || !self.setting.deletes_orphans;
        is_kept && (self.lost.contains(&owner.uid) || self.is_told_of(owner))
    }

    /// Whether it vanished before a new leader had listed anything, which could only find it in the cloud:
    /// then it is told, and deleted by whoever turns that on.
    fn is_told_of(&self, owner: &ServiceId) -> bool {
        let tells = |event: &Value| {
            event["reason"] == "OrphanedLoadBalancer" && event["involvedObject"]["name"] == *owner.name
        };
        self.vanished.contains(&owner.uid) && self.api.list(Resource::Events).iter().any(tells)
    }

    /// Nothing is left over: what is owned belongs to a Service that wants it.
    async fn check_owned(&self, services: &[Service]) -> Check {
        let wanted: BTreeSet<String> =
            services.iter().filter(|service| wants(service)).filter_map(ResourceExt::uid).collect();
        let survey = self.observer.survey(&[]).await;
        let owned = survey.map_err(|error| format!("no survey: {error}"))?.owned;
        let mut owners = BTreeSet::new();
        for owner in owned.iter().filter_map(|owned| owned.service.as_ref()) {
            if !owners.insert(&owner.uid) {
                return Err(format!("{owner} owns two load balancers"));
            }
            if !wanted.contains(&owner.uid) && !self.may_be_left(owner, services) {
                return Err(format!(
                    "{owner} ({}) is gone or wants none, and its load balancer is left",
                    owner.uid
                ));
            }
        }
        // What Services share is nobody's orphan: the next Service that comes and goes takes it along.
        let is_shared = owned.iter().all(|owned| owned.service.is_none());
        let may_be_left = !self.lost.is_empty() && (is_shared || !self.setting.deletes_orphans);
        if services.is_empty() && !may_be_left && !owned.is_empty() {
            return Err(format!("no Service is left, and this is: {owned:?}"));
        }
        Ok(())
    }

    /// What others have is as it was.
    fn check_foreign(&self) -> Check {
        let records = self.cloud.records();
        let same = |now: &Record, before: &Record| {
            (&now.id, &now.tags, &now.body, now.etag) == (&before.id, &before.tags, &before.body, before.etag)
        };
        let changed = |before: &&Record| !records.iter().any(|now| same(now, before));
        match self.foreign.iter().find(changed) {
            Some(before) => Err(format!("what somebody else had is not as it was: {before:?}")),
            None => Ok(()),
        }
    }
}

fn check_metadata(service: &Service) -> Check {
    let name = service.name_any();
    if service.spec.as_ref().is_some_and(|spec| spec.load_balancer_class.is_some()) {
        // Whether the finalizer is there is for the controller of that class to say.
        return Ok(());
    }
    if service.metadata.deletion_timestamp.is_some() {
        return Err(format!("{name} is stuck in deletion"));
    }
    let finalized = k8s::has_finalizer(service, FINALIZER);
    if wants(service) {
        // One that cannot even be understood is not touched.
        let ok = finalized || condition(service).0 == "False";
        return if ok { Ok(()) } else { Err(format!("{name} lacks the finalizer")) };
    }
    if finalized {
        return Err(format!("{name} wants no load balancer and still has the finalizer"));
    }
    if addresses(service).ingress.is_some_and(|ingress| !ingress.is_empty()) {
        return Err(format!("{name} wants no load balancer and still has addresses"));
    }
    Ok(())
}

fn wants(service: &Service) -> bool {
    k8s::wants_load_balancer(service, &ClassPolicy::default())
}

fn addresses(service: &Service) -> k8s_openapi::api::core::v1::LoadBalancerStatus {
    service.status.as_ref().and_then(|status| status.load_balancer.clone()).unwrap_or_default()
}

/// Status and message of our condition.
pub(crate) fn condition(service: &Service) -> (String, String) {
    let conditions = service.status.as_ref().and_then(|status| status.conditions.as_ref());
    let ours = conditions.into_iter().flatten().find(|condition| condition.type_ == READY_CONDITION);
    ours.map(|condition| (condition.status.clone(), condition.message.clone())).unwrap_or_default()
}

//! The steps of the story. Each one checks what it shows, and fails where it is not so.

use k8s_openapi::api::core::v1::Service;
use kube::api::{Api, DeleteParams, Patch, PatchParams};
use provider_mock::apiserver::Resource;
use serde_json::Value;
use tokio::time::Instant;

use super::Demo;
use super::event::Event;
use super::pods;
use super::subject::{self, Subject};
use super::traffic::Target;
use super::world::{PATIENCE, World};
use crate::failure::{Failure, all};
use crate::submit::{Intent, submit};

/// Requests to one port that are counted.
const REQUESTS: usize = 30;

/// Requests after which is looked whether all goes well again.
const BATCH: usize = 10;

/// The machine that dies, if it gets requests at all.
const VICTIM: &str = "node-2";

/// A part of the story.
#[derive(Debug, Clone, Copy)]
pub(super) enum Step {
    Apply,
    Plan,
    Provide,
    Request,
    Kill,
    Switch,
    Delete,
}

impl Step {
    pub(super) fn title(self) -> &'static str {
        match self {
            Self::Apply => "Apply the manifest",
            Self::Plan => "Plan: what the cloud needs for it",
            Self::Provide => "The controller makes it so",
            Self::Request => "Send requests",
            Self::Kill => "A node dies",
            Self::Switch => "Change the type to NodePort, and back",
            Self::Delete => "Delete it",
        }
    }
}

impl Demo {
    pub(super) async fn step(&mut self, step: Step) -> Result<(), Failure> {
        match step {
            Step::Apply => self.apply().await,
            Step::Plan => self.plan().await,
            Step::Provide => self.provide().await,
            Step::Request => self.request_all().await,
            Step::Kill => self.kill().await,
            Step::Switch => self.switch().await,
            Step::Delete => self.delete().await,
        }
    }

    async fn apply(&mut self) -> Result<(), Failure> {
        let mut results = Vec::new();
        for subject in &self.subjects {
            self.world.ensure_namespace(subject.namespace())?;
            results
                .push(submit(&self.world.client, &self.world.url, &subject.manifest, Intent::Create).await);
        }
        all(results)?;
        self.make_pods().await?;
        self.show_services().await
    }

    async fn make_pods(&self) -> Result<(), Failure> {
        for service in self.services() {
            let pods = pods::behind(&service);
            let (namespace, name) = subject::key(&service);
            let text = match pods.len() {
                0 => format!("no pods for Service {namespace}/{name}, which has no selector"),
                count => format!("{count} pods match the selector of Service {namespace}/{name}"),
            };
            self.narrator.tell(&Event::Note { text })?;
            for pod in pods {
                let refused = |error| Failure::because("a pod cannot be made", &error);
                self.world.api.create(Resource::Pods, pod).map_err(refused)?;
            }
        }
        self.world.kubelets.settle().await;
        Ok(())
    }

    async fn plan(&mut self) -> Result<(), Failure> {
        for subject in &self.subjects {
            let Some(service) = self.world.service(subject.namespace(), subject.name()) else { continue };
            if !subject::wants_load_balancer(&service) {
                let text = format!("{} asks for no load balancer", subject.manifest.subject());
                self.narrator.tell(&Event::Note { text })?;
                continue;
            }
            let refused = |error: cloud_lb_core::Error| subject.manifest.refused(&error);
            let wanted = self.world.load_balancer(&service).map_err(refused)?;
            self.narrator.tell(&Event::Plan(self.world.provider.plan(&wanted).await.map_err(refused)?))?;
        }
        Ok(())
    }

    async fn provide(&mut self) -> Result<(), Failure> {
        self.world.start_controller()?;
        self.await_addresses().await?;
        self.show_services().await
    }

    /// Waits until every load balancer has an address that is served.
    async fn await_addresses(&mut self) -> Result<(), Failure> {
        let begin = Instant::now();
        let subjects = &self.subjects;
        let served = |world: &World| {
            let pending = |service: &Service| {
                subject::wants_load_balancer(service)
                    && subject::load_balancer_targets(service, &world.net).is_none()
            };
            let services = subjects.iter().filter_map(|one| world.service(one.namespace(), one.name()));
            (!services.into_iter().any(|service| pending(&service))).then_some(())
        };
        self.world.until(&self.narrator, "an external address that is served", served).await?;
        self.checked("every load balancer has an external address", begin)
    }

    async fn request_all(&mut self) -> Result<(), Failure> {
        let targets = self.targets();
        if targets.is_empty() {
            let text =
                "no request of ours would be answered: there is no way in from outside, or no pod".to_owned();
            return self.narrator.tell(&Event::Note { text });
        }
        for target in &targets {
            self.note_mapping(target)?;
            if !target.admits_us {
                self.await_refusal(target).await?;
                continue;
            }
            self.await_answer(target).await?;
            self.request(target, REQUESTS).await?;
        }
        Ok(())
    }

    async fn kill(&mut self) -> Result<(), Failure> {
        let targets = self.open_targets();
        let Some(victim) = self.victim(&targets).await else {
            let text = "no request of ours gets through that could be lost".to_owned();
            return self.narrator.tell(&Event::Note { text });
        };
        self.world.kubelets.kill(&victim).await;
        let text = format!("{victim} is switched off, and its pods with it");
        self.narrator.tell(&Event::Note { text })?;
        for target in &targets {
            self.outlive(target, &victim).await?;
        }
        self.world.kubelets.revive(&victim).await;
        self.narrator.tell(&Event::Note { text: format!("{victim} is switched on again") })
    }

    /// A node that gets requests: with session affinity these all go to one.
    async fn victim(&self, targets: &[Target]) -> Option<String> {
        let traffic = targets.first()?.send(BATCH, &self.world.nodes_by_address()).await;
        let usual = traffic.nodes.contains_key(VICTIM).then(|| VICTIM.to_owned());
        usual.or_else(|| traffic.nodes.into_keys().next())
    }

    /// Sends requests until the dead node gets none of so many in a row that this is no chance, and tells how many
    /// were lost until then.
    async fn outlive(&mut self, target: &Target, victim: &str) -> Result<(), Failure> {
        let begin = Instant::now();
        let (mut sent, mut lost, mut in_a_row) = (0, 0, 0);
        self.narrator.wait_for("the health checks to notice");
        loop {
            let traffic = target.send(BATCH, &self.world.nodes_by_address()).await;
            sent += traffic.sent;
            lost += traffic.sent - traffic.answered;
            let is_fine = traffic.all_answered() && !traffic.nodes.contains_key(victim);
            in_a_row = if is_fine { in_a_row + traffic.sent } else { 0 };
            if in_a_row >= REQUESTS {
                break;
            }
            if !is_fine && begin.elapsed() > PATIENCE {
                let error = traffic.error.unwrap_or_else(|| format!("{victim} still gets requests"));
                let expected = format!("expected every request to {} to be answered", target.url());
                return Err(Failure::new(format!("{expected} without {victim}: {error}")));
            }
        }
        self.narrator.rest();
        let outcome = match lost {
            0 => "no request is lost: the other nodes take over".to_owned(),
            lost => format!("{lost} of {sent} requests are lost until the other nodes take over"),
        };
        self.checked(outcome, begin)?;
        self.request(target, REQUESTS).await
    }

    async fn switch(&mut self) -> Result<(), Failure> {
        let before: Vec<Service> = self.services().into_iter().filter(subject::wants_load_balancer).collect();
        let begin = Instant::now();
        for service in &before {
            self.patch(service, subject::as_node_port()).await?;
        }
        self.await_release(&before).await?;
        self.checked("no address, no finalizer, 0 resources in the cloud", begin)?;
        self.show_services().await?;
        for target in self.targets().iter().take(1) {
            self.request(target, BATCH).await?;
        }
        for service in &before {
            self.patch(service, subject::as_load_balancer(service)).await?;
        }
        self.await_addresses().await?;
        self.show_services().await?;
        for target in self.open_targets().iter().take(1) {
            self.await_answer(target).await?;
            self.request(target, BATCH).await?;
        }
        Ok(())
    }

    async fn patch(&self, service: &Service, patch: Value) -> Result<(), Failure> {
        let (namespace, name) = subject::key(service);
        let api: Api<Service> = Api::namespaced(self.world.client.clone(), namespace);
        let refused =
            |error| Failure::because(format!("Service {namespace}/{name} cannot be changed"), &error);
        let patched = api.patch(name, &PatchParams::default(), &Patch::Merge(patch)).await;
        patched.map(drop).map_err(refused)
    }

    async fn await_release(&mut self, services: &[Service]) -> Result<(), Failure> {
        let released = |world: &World| {
            let free = |service: &Service| {
                let (namespace, name) = subject::key(service);
                world.service(namespace, name).is_none_or(|service| subject::is_released(&service))
            };
            (services.iter().all(free) && world.cloud_resources() == 0).then_some(())
        };
        self.world
            .until(&self.narrator, "no address, no finalizer and 0 resources in the cloud", released)
            .await
    }

    pub(super) async fn delete(&mut self) -> Result<(), Failure> {
        let begin = Instant::now();
        let targets = self.load_balancer_targets();
        for subject in &self.subjects {
            let api: Api<Service> = Api::namespaced(self.world.client.clone(), subject.namespace());
            let refused =
                |error| Failure::because(format!("{} cannot be deleted", subject.manifest.subject()), &error);
            api.delete(subject.name(), &DeleteParams::default()).await.map_err(refused)?;
        }
        let subjects = &self.subjects;
        let gone = |world: &World| {
            let there = |one: &Subject| world.service(one.namespace(), one.name()).is_some();
            let open = |target: &Target| world.net.lookup(target.logical, target.transport).is_some();
            (!subjects.iter().any(there) && world.cloud_resources() == 0 && !targets.iter().any(open))
                .then_some(())
        };
        self.world.until(&self.narrator, "that nothing is left", gone).await?;
        self.checked(
            "nothing is left: no Service, no finalizer, 0 resources in the cloud, no open port",
            begin,
        )
    }
}

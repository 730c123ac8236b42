//! What a plan is made from.

use k8s_openapi::api::core::v1::{Node, Service, ServicePort};
use k8s_openapi::api::discovery::v1::EndpointSlice;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::failure::{Failure, all};
use crate::manifests::Manifest;
use crate::submit::concerns_us;

/// Services, and the nodes and pods behind them.
#[derive(Debug, Default)]
pub(super) struct Situation {
    pub(super) services: Vec<Wanted>,
    pub(super) nodes: Vec<Node>,
    pub(super) slices: Vec<EndpointSlice>,
    /// What the user should know about where all this comes from.
    pub(super) notes: Vec<String>,
}

/// A Service as an API server has it, and the manifest that it comes from, if any.
#[derive(Debug)]
pub(super) struct Wanted {
    pub(super) service: Service,
    pub(super) manifest: Option<Manifest>,
}

impl Wanted {
    /// Words an error in terms of the manifest.
    pub(super) fn refused(&self, error: &cloud_lb_core::Error) -> Failure {
        match &self.manifest {
            Some(manifest) => manifest.refused(error),
            None => Failure::from(error.clone()),
        }
    }

    /// Why the Service gets no load balancer of ours.
    pub(super) fn why_none(&self) -> String {
        let spec = self.service.spec.as_ref();
        if let Some(class) = spec.and_then(|spec| spec.load_balancer_class.as_deref()) {
            return format!("no load balancer: class {class} is another controller's");
        }
        let kind = spec.and_then(|spec| spec.type_.as_deref()).unwrap_or("ClusterIP");
        format!("no load balancer: type is {kind}")
    }

    /// Names the node ports that the API server chose, because it will choose others for real.
    pub(super) fn chosen_ports(&self) -> Option<String> {
        let written = self.manifest.as_ref()?.object.pointer("/spec/ports")?.as_array()?;
        let ports = self.service.spec.as_ref()?.ports.as_ref()?;
        let chosen = |(port, written): &(&ServicePort, &Value)| {
            port.node_port.is_some() && written.get("nodePort").is_none()
        };
        let chosen: Vec<String> =
            ports.iter().zip(written).filter(chosen).map(|(port, _)| name_of(port)).collect();
        let subject = self.manifest.as_ref()?.subject();
        let example = "the API server chooses another";
        (!chosen.is_empty())
            .then(|| format!("{subject}: no nodePort given for {}; {example}", chosen.join(", ")))
    }
}

fn name_of(port: &ServicePort) -> String {
    let node_port = port.node_port.unwrap_or_default();
    match &port.name {
        Some(name) => format!("port {name}, {node_port} is an example"),
        None => format!("port {}, {node_port} is an example", port.port),
    }
}

/// The manifests that matter; the others are named in a note.
pub(super) fn relevant<'a>(
    manifests: &'a [Manifest],
    notes: &mut Vec<String>,
) -> Result<Vec<&'a Manifest>, Failure> {
    let judged = all(manifests.iter().map(|manifest| concerns_us(manifest).map(|ours| (ours, manifest))))?;
    let (ours, others): (Vec<_>, Vec<_>) = judged.into_iter().partition(|(ours, _)| *ours);
    let others: Vec<String> = others.into_iter().map(|(_, manifest)| manifest.subject()).collect();
    if !others.is_empty() {
        notes.push(format!(
            "left out: {}; only Services, Nodes and EndpointSlices matter here",
            others.join(", ")
        ));
    }
    Ok(ours.into_iter().map(|(_, manifest)| manifest).collect())
}

/// Reads an object that an API server gave.
pub(super) fn typed<T: DeserializeOwned>(object: Value) -> Result<T, Failure> {
    serde_json::from_value(object)
        .map_err(|error| Failure::because("the API server's answer is not understood", &error))
}

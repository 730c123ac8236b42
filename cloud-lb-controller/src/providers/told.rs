//! What the settings of the controller say that concerns the provider, too.

use std::collections::BTreeSet;
use std::fmt;
use std::path::Path;

use cloud_lb_core::controller::Options;

use super::{Asked, Linked, said};
use crate::failure::Failure;
use crate::settings::Settings;

/// A value, and the place and key where it was said.
#[derive(Debug, Clone)]
pub(super) struct Said<T> {
    pub(super) value: T,
    pub(super) place: String,
}

/// The file of the controller's settings; empty if there is none.
pub(super) struct Told(Option<Settings<Options>>);

impl Told {
    /// Reads and checks the file.
    ///
    /// # Errors
    /// Names the file and everything that is wrong in it.
    pub(super) fn read(path: Option<&Path>) -> Result<Self, Failure> {
        path.map(Settings::<Options>::checked).transpose().map(Self)
    }

    /// What it says under a key; `None` if it says nothing there.
    fn said<T>(&self, key: &str, value: impl FnOnce(&Options) -> T) -> Option<Said<T>> {
        said(self.0.as_ref(), key, value)
    }

    /// The name of the cluster that counts: that of the command line, else the one that the files agree on. `own` is
    /// what the provider's file says.
    pub(super) fn cluster(
        &self,
        asked: &Asked<'_>,
        own: Option<Said<String>>,
    ) -> Result<Option<String>, Failure> {
        if let Some(flag) = asked.cluster {
            return Ok(Some(flag.to_owned()));
        }
        let told = self.said("clusterName", |options| options.cluster_name.clone());
        match (told, own) {
            (Some(told), Some(own)) if told.value != own.value => {
                Err(contradiction(&told, &own, "the same name in both or in one, or --cluster-name"))
            }
            (told, own) => Ok(told.or(own).map(|said| said.value)),
        }
    }

    /// The classes that the provider must take: that of the command line, else those of its own file, else those of
    /// the controller's.
    pub(super) fn classes(
        &self,
        asked: &Asked<'_>,
        own: Option<Said<BTreeSet<String>>>,
    ) -> Result<Option<BTreeSet<String>>, Failure> {
        if let Some(flag) = asked.class {
            return Ok(Some([flag.to_owned()].into()));
        }
        let told = self.said("classes", |options| options.classes.classes.clone());
        // Services without a class alone: whatever the provider takes beside them is never shown to it.
        match (told.filter(|told| !told.value.is_empty()), own) {
            (Some(told), Some(own)) if !told.value.is_subset(&own.value) => {
                let (told, own) = (told.listed(), own.listed());
                Err(contradiction(
                    &told,
                    &own,
                    "all of the former among the latter, or --load-balancer-class",
                ))
            }
            (told, own) => Ok(own.or(told).map(|said| said.value)),
        }
    }

    /// What the controller's file says counts more for the controller than what its provider proposes.
    pub(super) fn over(&self, asked: &Asked<'_>, linked: &mut Linked) {
        let Some(file) = &self.0 else { return };
        if let (None, Some(said)) = (asked.class, self.said("classes", |options| options.classes.clone())) {
            linked.classes = said.value;
        }
        if let Some(said) = self.said("finalizer", |options| options.finalizer.clone()) {
            // Who has a finalizer of its own runs beside the other controller.
            linked.rival = linked.rival.filter(|_| said.value == linked.finalizer);
            linked.finalizer = said.value;
        }
        linked.nodes.clone_from(&file.value.nodes);
    }
}

impl Said<BTreeSet<String>> {
    fn listed(self) -> Said<String> {
        let items = self.value.into_iter().collect::<Vec<_>>().join(", ");
        Said { value: format!("[{items}]"), place: self.place }
    }
}

fn contradiction<T: fmt::Display>(told: &Said<T>, own: &Said<T>, expected: &str) -> Failure {
    let (Said { value, place }, Said { value: other, place: elsewhere }) = (told, own);
    Failure::new(format!("{place}: {value}, but {elsewhere}: {other}: expected {expected}"))
}

#[cfg(test)]
mod tests;

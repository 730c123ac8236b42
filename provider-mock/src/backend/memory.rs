//! What is remembered of sets of targets, so that new nodes cost one write for each set and no look at all.
//!
//! It may be wrong at any time, for others write as well. Every write that is made from it names the etag of what
//! is remembered, so that the cloud refuses it if the set is not as it was; then it is looked at.

use std::collections::BTreeMap;

use cloud_lb_core::graph::{Outputs, ResourceKey};
use cloud_lb_core::plan::{Have, Observed};
use parking_lot::Mutex;

use super::desired::{Desired, Kind};
use super::parts::Targets;
use super::survey::OwnerId;

/// Output of a set that is remembered: a write is refused unless the set has it still.
const ETAG: &str = "etag";

/// A Service; nobody for what the cluster's Services share.
pub(crate) type Owner = Option<OwnerId>;

/// The sets of targets as they were read or written last.
#[derive(Debug)]
pub(crate) struct Memory<K>(Mutex<State<K>>);

#[derive(Debug)]
struct State<K> {
    sets: BTreeMap<Owner, BTreeMap<ResourceKey, Known<K>>>,
    /// The list of targets that came last. Most sets have the same, and then there is only one list.
    targets: Targets,
}

#[derive(Debug)]
struct Known<K> {
    have: Have<Desired<K>>,
    etag: u64,
}

impl<K> Default for Memory<K> {
    fn default() -> Self {
        Self(Mutex::new(State { sets: BTreeMap::new(), targets: Targets::default() }))
    }
}

impl<K: Kind> Memory<K> {
    /// Takes note of a set, unless a newer state of it is known.
    pub(crate) fn learn(&self, owner: &Owner, key: &ResourceKey, have: &Have<Desired<K>>, etag: u64) {
        let mut have = have.clone();
        let Some(targets) = have.spec.body.targets_mut() else { return };
        let mut state = self.0.lock();
        if *targets == state.targets {
            targets.clone_from(&state.targets);
        } else {
            state.targets.clone_from(targets);
        }
        let sets = state.sets.entry(owner.clone()).or_default();
        if sets.get(key).is_none_or(|known| known.etag <= etag) {
            sets.insert(key.clone(), Known { have, etag });
        }
    }

    /// Forgets a set, for it is about to change or to go.
    pub(crate) fn forget(&self, owner: &Owner, key: &ResourceKey) {
        let mut state = self.0.lock();
        if let Some(sets) = state.sets.get_mut(owner) {
            sets.remove(key);
            if sets.is_empty() {
                state.sets.remove(owner);
            }
        }
    }

    /// Forgets the sets of all others.
    pub(crate) fn keep_only(&self, is_there: impl Fn(&Owner) -> bool) {
        self.0.lock().sets.retain(|owner, _| is_there(owner));
    }

    /// The sets of an owner, to be written and not to be believed.
    pub(crate) fn recall(&self, owner: &Owner) -> Option<Observed<Desired<K>>> {
        let state = self.0.lock();
        let mut observed = Observed::new();
        for (key, known) in state.sets.get(owner)? {
            let mut have = known.have.clone();
            have.outputs.insert(ETAG.to_owned(), known.etag.to_string());
            observed.add(key.clone(), have);
        }
        Some(observed)
    }
}

/// The etag that a set must have to be written, if what is written comes from memory.
pub(crate) fn etag(outputs: &Outputs) -> Option<u64> {
    outputs.get(ETAG)?.parse().ok()
}

//! What was written a moment ago, for clouds whose listings show it late.
//!
//! A listing may show the state of before a write. A plan that is made from it may find that nothing is to be
//! done: what it wants is there, for it was there before; or what it would change is not there, for it was made
//! just now. So what this process wrote is held against what is observed, as long as listings may be late.
//! Whatever differs from it, and from what is wanted, is planned for as it is seen: somebody else may have
//! changed it.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::OnceLock;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::time::Instant;

use super::fold::Written;
use crate::backend::Applied;
use crate::error::{Effect, Result};
use crate::graph::{Input, Outputs, Owner, ResourceKey, Spec};
use crate::model::ServiceId;
use crate::plan::{Action, Have, Observed, Op, Ownership, Plan, Step};
use crate::provider::Pending;

/// A resource of one Service, or of all.
type Place = (Option<ServiceId>, ResourceKey);

/// A look at what concerns a Service, or at what all share only.
#[derive(Clone, Copy)]
pub(super) struct View<'a> {
    pub(super) service: Option<&'a ServiceId>,
    /// When it began: what it shows is not older by more than the lateness than this.
    pub(super) began: Instant,
}

/// How long a look at the cloud takes at most: as long, what was written before it is kept.
const LONGEST_LOOK: Duration = Duration::from_mins(10);

/// What was written, as long as listings may not show it.
pub(super) struct Recall<S> {
    /// How late listings may be; zero where they never are.
    lateness: Duration,
    /// When this process first looked.
    began: OnceLock<Instant>,
    known: Mutex<Known<S>>,
}

struct Known<S> {
    places: BTreeMap<Place, Past<S>>,
    order: VecDeque<(Instant, Place)>,
}

/// What was done in one place.
struct Past<S> {
    at: Instant,
    /// What was deleted, told apart by its outputs.
    gone: Vec<Outputs>,
    left: Left<S>,
}

/// What a write left.
enum Left<S> {
    Nothing,
    Something(Box<Have<S>>),
    /// There was no answer.
    Unknown,
}

impl<S: Spec> Recall<S> {
    pub(super) fn new(lateness: Duration) -> Self {
        let known = Known { places: BTreeMap::new(), order: VecDeque::new() };
        Self { lateness, began: OnceLock::new(), known: Mutex::new(known) }
    }

    /// Begins a look at the cloud.
    pub(super) fn look(&self) -> Instant {
        let now = Instant::now();
        self.began.get_or_init(|| now);
        now
    }

    /// What to wait for before it can be told that nothing is left: whoever led before may have made something
    /// just before this process began, which no listing shows yet.
    pub(super) fn unseen(&self) -> Option<Pending> {
        let age = self.began.get().map_or(Duration::ZERO, Instant::elapsed);
        let retry_after = self.lateness.saturating_sub(age);
        let reason = "the cloud may not show yet what was made before this process began".to_owned();
        (!retry_after.is_zero()).then_some(Pending { retry_after, reason })
    }

    /// Takes note of how a write for a Service ended.
    pub(super) fn note(&self, service: Option<&ServiceId>, steps: &[Step<S>], written: &Result<Written>) {
        if self.lateness.is_zero() {
            return;
        }
        let mut known = self.known.lock();
        known.forget(self.lateness);
        match written {
            Ok(Written::Applied(applied)) => {
                for (step, applied) in steps.iter().zip(applied) {
                    known.wrote(service, step, left_by(step, applied));
                }
            }
            Err(error) if error.effect() == Effect::Unknown => {
                for step in steps {
                    known.wrote(service, step, Some(Left::Unknown));
                }
            }
            Ok(Written::Stale) | Err(_) => {}
        }
    }

    /// Takes out of what a look showed what is gone since.
    pub(super) fn refresh(&self, view: View<'_>, have: &mut Observed<S>) {
        for (place, past) in self.known.lock().of(view.service, self.oldest(view.began)) {
            for outputs in &past.gone {
                have.remove(&place.1, outputs);
            }
        }
    }

    /// Adds what was written and is not wanted any more, if a listing does not show it yet: it is deleted.
    pub(super) fn complete(
        &self,
        view: View<'_>,
        is_wanted: impl Fn(&ResourceKey) -> bool,
        have: &mut Observed<S>,
    ) {
        for (place, past) in self.known.lock().of(view.service, self.oldest(view.began)) {
            if let Left::Something(written) = &past.left
                && have.get(&place.1).is_none()
                && !is_wanted(&place.1)
            {
                have.put(place.1.clone(), Have::clone(written));
            }
        }
    }

    /// Replaces what the plan keeps, but was written otherwise, by what was written: the plan must change it
    /// then. Whether there was such.
    pub(super) fn correct(
        &self,
        view: View<'_>,
        plan: &Plan<S>,
        same: impl Fn(&S, &S) -> bool,
        have: &mut Observed<S>,
    ) -> bool {
        let mut corrected = false;
        for ((_, key), past) in self.known.lock().of(view.service, self.oldest(view.began)) {
            let kept = plan.desired.get(key).is_some() && !plan.steps.iter().any(|step| step.key == *key);
            let (Left::Something(written), [seen], true) = (&past.left, have.all(key), kept) else {
                continue;
            };
            if !same(&seen.spec, &written.spec) {
                let (seen, written) = (seen.clone(), Have::clone(written));
                have.remove(key, &seen.outputs);
                have.put(key.clone(), Have { ownership: seen.ownership, ..written });
                corrected = true;
            }
        }
        corrected
    }

    /// What to wait for before it can be told what is there: for the effect of a write that got no answer.
    pub(super) fn uncertain(&self, service: &ServiceId) -> Option<Pending> {
        let known = self.known.lock();
        let unknown = known
            .of(Some(service), self.oldest(Instant::now()))
            .filter(|(_, past)| matches!(past.left, Left::Unknown));
        let (at, key) = unknown.map(|((_, key), past)| (past.at, key)).max()?;
        // Just then a listing may still be late.
        let retry_after = self.lateness.saturating_sub(at.elapsed()) + Duration::from_millis(1);
        let reason = format!("a write to {key} got no answer, and the cloud may not show yet what it did");
        Some(Pending { retry_after, reason })
    }

    /// Whether something of the Service was made that a listing may not show yet.
    pub(super) fn knows_of(&self, service: &ServiceId, look: Instant) -> bool {
        let known = self.known.lock();
        let mut own = known.of(Some(service), self.oldest(look)).filter(|((owner, _), _)| owner.is_some());
        own.any(|(_, past)| matches!(past.left, Left::Something(_)))
    }

    /// What was written since then a look may not show; of a cloud that is never late, nothing is remembered.
    fn oldest(&self, look: Instant) -> Option<Instant> {
        look.checked_sub(self.lateness)
    }
}

impl<S: Spec> Known<S> {
    fn wrote(&mut self, service: Option<&ServiceId>, step: &Step<S>, left: Option<Left<S>>) {
        let owner = service.filter(|_| step.owner == Owner::Service).cloned();
        let (place, now) = ((owner, step.key.clone()), Instant::now());
        let mut gone = self.places.remove(&place).map(|past| past.gone).unwrap_or_default();
        let Some(left) = left else { return };
        match &left {
            Left::Nothing => gone.push(step.outputs.clone()),
            // A part of a container is called as the one before it.
            Left::Something(have) => gone.retain(|outputs| *outputs != have.outputs),
            Left::Unknown => {}
        }
        self.places.insert(place.clone(), Past { at: now, gone, left });
        self.order.push_back((now, place));
    }

    /// Forgets what every look shows that may still go on.
    fn forget(&mut self, lateness: Duration) {
        while let Some((at, place)) = self.order.front()
            && at.elapsed() > lateness + LONGEST_LOOK
        {
            if self.places.get(place).is_some_and(|past| past.at == *at) {
                self.places.remove(place);
            }
            self.order.pop_front();
        }
    }

    /// What concerns a Service, its own places and those that all share, and was written since then.
    fn of(
        &self,
        service: Option<&ServiceId>,
        since: Option<Instant>,
    ) -> impl Iterator<Item = (&Place, &Past<S>)> {
        let concerns = move |owner: &Option<ServiceId>| owner.is_none() || owner.as_ref() == service;
        let is_recent = move |past: &Past<S>| since.is_none_or(|since| past.at >= since);
        self.places.iter().filter(move |((owner, _), past)| concerns(owner) && is_recent(past))
    }
}

/// What a step left that was carried out; `None` where the cloud is still at work on a delete, or where it
/// cannot be told.
fn left_by<S: Spec>(step: &Step<S>, applied: &Applied) -> Option<Left<S>> {
    if step.action.op() == Op::Delete {
        return applied.pending.is_none().then_some(Left::Nothing);
    }
    let (Action::Create(spec) | Action::Update { want: spec, .. }) = &step.action else { return None };
    let is_known = spec.inputs().into_iter().all(|input| matches!(input, Input::Value(_)));
    let ownership = match step.owner {
        Owner::Service => Ownership::Service,
        // Whether others use it by now is for the cloud to say, should it be deleted.
        Owner::Cluster => Ownership::Cluster { used_by_others: false },
    };
    is_known.then(|| {
        let (container, outputs) = (step.container.clone(), applied.outputs.clone());
        let have = Have { spec: spec.clone(), ownership, container, outputs, uses: BTreeSet::new() };
        Left::Something(Box::new(have))
    })
}

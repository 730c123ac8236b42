//! What happens to each wanted resource.

use std::collections::BTreeMap;

use super::torn::torn_by;
use super::{Change, FieldChange, Have, Observed, Ownership, ReplaceOrder};
use crate::error::{Error, ErrorKind, Result};
use crate::graph::{Graph, Input, Resource, ResourceKey, Spec};

/// What happens to one wanted resource, and the spec that it is written with. References to what
/// exists and stays are filled in.
pub(super) enum Verdict<'a, S> {
    Keep(&'a Have<S>),
    Create(S),
    Update { have: &'a Have<S>, want: S, fields: Vec<FieldChange> },
    Replace { want: S, why: String, order: ReplaceOrder },
}

pub(super) type Verdicts<'a, S> = BTreeMap<ResourceKey, Verdict<'a, S>>;

impl<'a, S> Verdict<'a, S> {
    /// The observed resource that remains, changed or not.
    pub(super) fn stays(&self) -> Option<&'a Have<S>> {
        match self {
            Self::Keep(have) | Self::Update { have, .. } => Some(have),
            Self::Create(_) | Self::Replace { .. } => None,
        }
    }

    /// What is written, if anything is.
    pub(super) fn written(&self) -> Option<&S> {
        match self {
            Self::Keep(_) => None,
            Self::Create(want) | Self::Update { want, .. } | Self::Replace { want, .. } => Some(want),
        }
    }

    /// The slots that it needs and does not hold yet.
    pub(super) fn new_claims(&self) -> Vec<String>
    where
        S: Spec,
    {
        let held = self.stays().map(|have| have.spec.claims()).unwrap_or_default();
        let needed = self.written().map(Spec::claims).unwrap_or_default();
        needed.into_iter().filter(|slot| !held.contains(slot)).collect()
    }

    pub(super) fn replaced(&self) -> Option<ReplaceOrder> {
        match self {
            Self::Replace { order, .. } => Some(*order),
            _ => None,
        }
    }
}

/// Judges every wanted resource.
///
/// A resource that is to be pointed elsewhere, away from something that is deleted first, is replaced
/// with it: what it is to point to may well wait for that delete.
pub(super) fn judge<'a, S: Spec>(
    want: &Graph<S>,
    have: &'a Observed<S>,
    change: impl Fn(&S, &S) -> Change,
) -> Result<Verdicts<'a, S>> {
    let mut torn = BTreeMap::new();
    loop {
        let verdicts = judge_all(want, have, &change, &torn)?;
        let more = torn_by(&verdicts, have);
        if more.is_empty() {
            return Ok(verdicts);
        }
        torn.extend(more);
    }
}

/// Judges every wanted resource, each after those that it needs.
fn judge_all<'a, S: Spec>(
    want: &Graph<S>,
    have: &'a Observed<S>,
    change: impl Fn(&S, &S) -> Change,
    torn: &BTreeMap<ResourceKey, ResourceKey>,
) -> Result<Verdicts<'a, S>> {
    let mut verdicts = Verdicts::new();
    for key in want.order()? {
        let Some(resource) = want.get(&key) else { continue };
        let (found, spec) = (have.all(&key), filled_in(&resource.spec, &verdicts));
        let gone = torn.get(&key).cloned().or_else(|| gone_first(&key, resource, &verdicts));
        let verdict = match gone {
            _ if found.is_empty() => Verdict::Create(spec),
            Some(to) => {
                let why = format!("it depends on {to}, which must go first");
                Verdict::Replace { want: spec, why, order: ReplaceOrder::DeleteFirst }
            }
            None => compare(&key, spec, found, &change)?,
        };
        refuse_to_replace_shared(&key, &verdict, found)?;
        verdicts.insert(key, verdict);
    }
    Ok(verdicts)
}

/// What the resource needs and is deleted first.
fn gone_first<S: Spec>(
    key: &ResourceKey,
    resource: &Resource<S>,
    verdicts: &Verdicts<'_, S>,
) -> Option<ResourceKey> {
    let goes_first =
        |to: &ResourceKey| verdicts.get(to).and_then(Verdict::replaced) == Some(ReplaceOrder::DeleteFirst);
    resource.dependencies(key).into_iter().find(goes_first)
}

fn filled_in<S: Spec>(spec: &S, verdicts: &Verdicts<'_, S>) -> S {
    let mut spec = spec.clone();
    for input in spec.inputs_mut() {
        let Input::Ref(reference) = &*input else { continue };
        let stays = verdicts.get(&reference.to).and_then(Verdict::stays);
        if let Some(value) = stays.and_then(|have| have.outputs.get(reference.output)) {
            *input = Input::Value(value.clone());
        }
    }
    spec
}

/// Finds the one resource that is, or can become, what is wanted. Others under its key are what an
/// interrupted replacement left behind.
fn compare<'a, S: Spec>(
    key: &ResourceKey,
    want: S,
    found: &'a [Have<S>],
    change: impl Fn(&S, &S) -> Change,
) -> Result<Verdict<'a, S>> {
    let mut usable = None;
    let mut replacement: Option<(String, ReplaceOrder)> = None;
    for have in found {
        let fields = match change(&have.spec, &want) {
            Change::Same => None,
            Change::Update(fields) => Some(fields),
            Change::Replace { why, order } => {
                let first = replacement.get_or_insert((why, order));
                if order == ReplaceOrder::DeleteFirst {
                    first.1 = order;
                }
                continue;
            }
        };
        if usable.replace((have, fields)).is_some() {
            let message = "several resources in the cloud claim to be this one; delete all but one of them";
            return Err(Error::new(ErrorKind::Ownership, message).on(key.to_string()));
        }
    }
    Ok(match (usable, replacement) {
        (Some((have, None)), _) => Verdict::Keep(have),
        (Some((have, Some(fields))), _) => Verdict::Update { have, want, fields },
        (None, Some((why, order))) => Verdict::Replace { want, why, order },
        (None, None) => Verdict::Create(want),
    })
}

/// Other Services would lose what they use, and be the reason why it cannot be deleted.
fn refuse_to_replace_shared<S>(key: &ResourceKey, verdict: &Verdict<'_, S>, found: &[Have<S>]) -> Result<()> {
    let used = |have: &Have<S>| have.ownership == Ownership::Cluster { used_by_others: true };
    match verdict {
        Verdict::Replace { why, order: ReplaceOrder::DeleteFirst, .. } if found.iter().any(used) => {
            let message = format!("cannot be replaced while other Services use it: {why}");
            Err(Error::new(ErrorKind::InUse, message).on(key.to_string()))
        }
        _ => Ok(()),
    }
}

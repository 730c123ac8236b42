//! The planning algorithm: refuse what must not be touched, judge every wanted resource, and sort the
//! writes and deletes that follow from it.

use super::judge::{Verdict, Verdicts, judge};
use super::sequence::{Sequence, Situation, Task};
use super::{Action, Change, FieldChange, Have, Observed, Ownership, Plan, Step};
use crate::error::{Error, ErrorKind, Result};
use crate::graph::{Graph, Outputs, Owner, ResourceKey, Spec};

/// Plans the way from `have` to `want`.
///
/// `change` tells what it takes to turn one state of a resource into another; references to resources
/// that exist and stay are filled in before it is asked, others are still [`crate::graph::Input::Ref`].
///
/// # Errors
/// - `Ownership` if a wanted resource or the slot that it needs is taken by something foreign, or if
///   it cannot be told whose something is.
/// - `InUse` if a shared resource would have to be deleted first and other Services use it.
/// - `Internal` if the graph's references lead nowhere or in a circle.
pub fn plan<S: Spec>(
    want: &Graph<S>,
    have: &Observed<S>,
    change: impl Fn(&S, &S) -> Change,
) -> Result<Plan<S>> {
    refuse_unclear_ownership(want, have)?;
    let verdicts = judge(want, have, change)?;
    let situation = Situation::new(want, have, &verdicts);
    let Sequence { tasks, needs } = situation.sequence()?;
    let steps = tasks.into_iter().filter_map(|task| match task {
        Task::Write(key) => write(want, key, verdicts.get(key)?),
        Task::Delete(key, number) => Some(delete(want, key, situation.leaving(number)?, &verdicts)),
    });
    Ok(Plan { steps: steps.collect(), needs, desired: want.clone() })
}

fn refuse_unclear_ownership<S: Spec>(want: &Graph<S>, have: &Observed<S>) -> Result<()> {
    for (key, found) in have.iter() {
        let refusal = match &found.ownership {
            Ownership::Ambiguous(why) => why.clone(),
            Ownership::Foreign(owner) if want.get(key).is_some() => {
                format!("exists and belongs to {owner}; it is left alone")
            }
            Ownership::Foreign(owner) => match taken_slot(want, found) {
                Some((slot, wanted)) => {
                    format!("belongs to {owner} and holds {slot}, which {wanted} needs; it is left alone")
                }
                None => continue,
            },
            Ownership::Service | Ownership::Cluster { .. } => continue,
        };
        return Err(Error::new(ErrorKind::Ownership, refusal).on(key.to_string()));
    }
    Ok(())
}

/// The slot that `found` holds and a wanted resource needs.
fn taken_slot<'a, S: Spec>(want: &'a Graph<S>, found: &Have<S>) -> Option<(String, &'a ResourceKey)> {
    let held = found.spec.claims();
    want.iter().find_map(|(key, resource)| {
        let slot = resource.spec.claims().into_iter().find(|slot| held.contains(slot))?;
        Some((slot, key))
    })
}

fn write<S: Spec>(want: &Graph<S>, key: &ResourceKey, verdict: &Verdict<'_, S>) -> Option<Step<S>> {
    let resource = want.get(key)?;
    let mut outputs = Outputs::new();
    let (action, why, fields) = match verdict {
        Verdict::Keep(_) => return None,
        Verdict::Create(spec) => {
            (Action::Create(spec.clone()), why_created(resource.owner).to_owned(), Vec::new())
        }
        Verdict::Replace { want, why, .. } => {
            (Action::Create(want.clone()), format!("replaces the old one: {why}"), Vec::new())
        }
        Verdict::Update { have, want, fields } => {
            outputs.clone_from(&have.outputs);
            let action = Action::Update { have: have.spec.clone(), want: want.clone() };
            (action, why_updated(fields), fields.clone())
        }
    };
    let (owner, container) = (resource.owner, resource.container.clone());
    Some(Step { key: key.clone(), owner, container, action, why, fields, outputs })
}

fn delete<S: Spec>(
    want: &Graph<S>,
    key: &ResourceKey,
    have: &Have<S>,
    verdicts: &Verdicts<'_, S>,
) -> Step<S> {
    let shared = matches!(have.ownership, Ownership::Cluster { .. });
    let why = match verdicts.get(key) {
        Some(Verdict::Replace { why, .. }) => format!("is replaced: {why}"),
        Some(_) => "was replaced before, and is left over".to_owned(),
        None => why_deleted(want, shared).to_owned(),
    };
    Step {
        key: key.clone(),
        owner: if shared { Owner::Cluster } else { Owner::Service },
        container: have.container.clone(),
        action: Action::Delete(have.spec.clone()),
        why,
        fields: Vec::new(),
        outputs: have.outputs.clone(),
    }
}

fn why_created(owner: Owner) -> &'static str {
    match owner {
        Owner::Service => "does not exist yet",
        Owner::Cluster => "does not exist yet; all Services share it",
    }
}

fn why_updated(fields: &[FieldChange]) -> String {
    let names: Vec<&str> = fields.iter().map(|field| field.path.as_str()).collect();
    let verb = if names.len() == 1 { "differs" } else { "differ" };
    format!("{} {verb}", names.join(", "))
}

fn why_deleted<S: Spec>(want: &Graph<S>, shared: bool) -> &'static str {
    match (want.is_empty(), shared) {
        (_, true) => "no Service uses it any more",
        (true, false) => "the Service wants no load balancer any more",
        (false, false) => "the Service does not ask for it any more",
    }
}

//! The planning algorithm. Three phases, each in an order that respects references:
//!
//! 1. deletes that must come first: resources replaced delete-first with what depends on them, and
//!    unwanted ones that hold a slot (see [`Spec::claims`]) which a wanted one needs;
//! 2. creates and updates, each after what it needs;
//! 3. deletes of what is not wanted any more, each before what it needs.

use std::collections::{BTreeMap, BTreeSet};

use super::{Action, Change, FieldChange, Have, Observed, Ownership, Plan, ReplaceOrder, Step};
use crate::error::{Error, ErrorKind, Result};
use crate::graph::{self, Graph, Input, Owner, Resource, ResourceKey, Spec};

/// Plans the way from `have` to `want`.
///
/// `change` tells what it takes to turn one state of a resource into another; references to resources
/// that exist and stay are filled in before it is asked, others are still [`Input::Ref`].
///
/// # Errors
/// - `Ownership` if a wanted resource is in the place of a foreign one, or whose it is cannot be told.
/// - `Internal` if the graph's references lead nowhere or in a circle.
pub fn plan<S: Spec>(
    want: &Graph<S>,
    have: &Observed<S>,
    change: impl Fn(&S, &S) -> Change,
) -> Result<Plan<S>> {
    refuse_unclear_ownership(want, have)?;
    let planner = Planner::new(want, have, &change)?;
    let early = planner.early_deletes();
    let mut steps = planner.deletes(&early)?;
    steps.extend(planner.writes());
    let late = planner.leaving.difference(&early).cloned().collect();
    steps.extend(planner.deletes(&late)?);
    Ok(Plan { steps, desired: want.clone() })
}

fn refuse_unclear_ownership<S: Spec>(want: &Graph<S>, have: &Observed<S>) -> Result<()> {
    for (key, found) in have.iter() {
        let refusal = match &found.ownership {
            Ownership::Ambiguous(why) => why.clone(),
            Ownership::Foreign(owner) if want.get(key).is_some() => {
                format!("exists and belongs to {owner}; it is left alone")
            }
            _ => continue,
        };
        return Err(Error::new(ErrorKind::Ownership, refusal).on(key.to_string()));
    }
    Ok(())
}

/// What happens to one wanted resource.
enum Verdict<S> {
    Keep,
    Create(S),
    Update(S, Vec<FieldChange>),
    Replace(S, String, ReplaceOrder),
}

struct Planner<'a, S> {
    want: &'a Graph<S>,
    have: &'a Observed<S>,
    /// Wanted resources in dependency order.
    verdicts: Vec<(ResourceKey, Verdict<S>)>,
    /// Observed resources that go: unwanted or replaced.
    leaving: BTreeSet<ResourceKey>,
    needs: graph::Needs,
}

impl<'a, S: Spec> Planner<'a, S> {
    fn new(want: &'a Graph<S>, have: &'a Observed<S>, change: &dyn Fn(&S, &S) -> Change) -> Result<Self> {
        let mut planner =
            Self { want, have, verdicts: Vec::new(), leaving: unwanted(want, have), needs: needs_of(have) };
        let mut replaced = BTreeMap::new();
        for key in want.order()? {
            let Some(resource) = want.get(&key) else { continue };
            let verdict = judge(&key, resource, have, &replaced, change);
            if let Verdict::Replace(_, _, order) = &verdict {
                replaced.insert(key.clone(), *order);
                planner.leaving.insert(key.clone());
            }
            planner.verdicts.push((key, verdict));
        }
        Ok(planner)
    }

    fn early_deletes(&self) -> BTreeSet<ResourceKey> {
        let mut needed = BTreeSet::new();
        let mut early = BTreeSet::new();
        for (key, verdict) in &self.verdicts {
            match verdict {
                Verdict::Keep => {}
                Verdict::Create(spec) | Verdict::Update(spec, _) => needed.extend(spec.claims()),
                Verdict::Replace(spec, _, order) => {
                    needed.extend(spec.claims());
                    if *order == ReplaceOrder::DeleteFirst {
                        early.insert(key.clone());
                    }
                }
            }
        }
        let holds_slot = |key: &&ResourceKey| {
            self.want.get(key).is_none()
                && self
                    .have
                    .get(key)
                    .is_some_and(|have| have.spec.claims().iter().any(|c| needed.contains(c)))
        };
        early.extend(self.leaving.iter().filter(holds_slot).cloned());
        self.with_dependents(early)
    }

    /// Adds what leaves anyway and depends on what leaves early.
    fn with_dependents(&self, mut early: BTreeSet<ResourceKey>) -> BTreeSet<ResourceKey> {
        loop {
            let more: Vec<ResourceKey> = self
                .leaving
                .iter()
                .filter(|key| !early.contains(*key))
                .filter(|key| self.needs.get(*key).is_some_and(|needs| !needs.is_disjoint(&early)))
                .cloned()
                .collect();
            if more.is_empty() {
                return early;
            }
            early.extend(more);
        }
    }

    fn writes(&self) -> impl Iterator<Item = Step<S>> {
        self.verdicts.iter().filter_map(|(key, verdict)| {
            let resource = self.want.get(key)?;
            let have = self.have.get(key);
            let (action, why, fields) = match verdict {
                Verdict::Keep => return None,
                Verdict::Create(spec) => {
                    (Action::Create(spec.clone()), why_created(resource.owner).to_owned(), Vec::new())
                }
                Verdict::Replace(spec, why, _) => {
                    (Action::Create(spec.clone()), format!("replaces the old one: {why}"), Vec::new())
                }
                Verdict::Update(spec, fields) => {
                    let action = Action::Update { have: have?.spec.clone(), want: spec.clone() };
                    (action, why_updated(fields), fields.clone())
                }
            };
            let is_update = matches!(action, Action::Update { .. });
            Some(Step {
                key: key.clone(),
                owner: resource.owner,
                container: resource.container.clone(),
                action,
                why,
                fields,
                outputs: have.filter(|_| is_update).map(|have| have.outputs.clone()).unwrap_or_default(),
            })
        })
    }

    fn deletes(&self, keys: &BTreeSet<ResourceKey>) -> Result<Vec<Step<S>>> {
        let containers = self.have.iter().map(|(key, have)| (key.clone(), have.container.clone())).collect();
        let order = graph::order(&self.needs, &containers)?;
        let deletes = order.iter().rev().filter(|key| keys.contains(*key));
        Ok(deletes.filter_map(|key| Some(self.delete(key, self.have.get(key)?))).collect())
    }

    fn delete(&self, key: &ResourceKey, have: &Have<S>) -> Step<S> {
        let replacement = self.verdicts.iter().find_map(|(wanted, verdict)| match verdict {
            Verdict::Replace(_, why, _) if wanted == key => Some(format!("is replaced: {why}")),
            _ => None,
        });
        let shared = matches!(have.ownership, Ownership::Cluster { .. });
        Step {
            key: key.clone(),
            owner: if shared { Owner::Cluster } else { Owner::Service },
            container: have.container.clone(),
            action: Action::Delete(have.spec.clone()),
            why: replacement.unwrap_or_else(|| why_deleted(self.want, shared).to_owned()),
            fields: Vec::new(),
            outputs: have.outputs.clone(),
        }
    }
}

fn unwanted<S: Spec>(want: &Graph<S>, have: &Observed<S>) -> BTreeSet<ResourceKey> {
    let ours_alone = |have: &Have<S>| {
        matches!(have.ownership, Ownership::Service | Ownership::Cluster { used_by_others: false })
    };
    let leaving = have.iter().filter(|(key, have)| ours_alone(have) && want.get(key).is_none());
    leaving.map(|(key, _)| key.clone()).collect()
}

/// Dependencies among observed resources, recognised by value: an input of one is an output of another.
fn needs_of<S: Spec>(have: &Observed<S>) -> graph::Needs {
    let mut producers: BTreeMap<&str, &ResourceKey> = BTreeMap::new();
    for (key, found) in have.iter() {
        producers.extend(found.outputs.values().map(|value| (value.as_str(), key)));
    }
    let needs = have.iter().map(|(key, found)| {
        let inputs = found.spec.inputs();
        let refers = inputs.into_iter().filter_map(|input| producers.get(input.value()?).copied());
        let container = found.container.as_ref().filter(|container| have.get(container).is_some());
        (key.clone(), refers.chain(container).filter(|to| *to != key).cloned().collect())
    });
    needs.collect()
}

fn judge<S: Spec>(
    key: &ResourceKey,
    resource: &Resource<S>,
    have: &Observed<S>,
    replaced: &BTreeMap<ResourceKey, ReplaceOrder>,
    change: &dyn Fn(&S, &S) -> Change,
) -> Verdict<S> {
    let mut spec = resource.spec.clone();
    fill_in(&mut spec, have, replaced);
    let Some(found) = have.get(key) else { return Verdict::Create(spec) };
    let gone = |to: &&ResourceKey| replaced.get(*to) == Some(&ReplaceOrder::DeleteFirst);
    if let Some(to) = resource.dependencies(key).iter().find(gone) {
        return Verdict::Replace(
            spec,
            format!("it depends on {to}, which is replaced"),
            ReplaceOrder::DeleteFirst,
        );
    }
    match change(&found.spec, &spec) {
        Change::Same => Verdict::Keep,
        Change::Update(fields) => Verdict::Update(spec, fields),
        Change::Replace { why, order } => Verdict::Replace(spec, why, order),
    }
}

fn fill_in<S: Spec>(spec: &mut S, have: &Observed<S>, replaced: &BTreeMap<ResourceKey, ReplaceOrder>) {
    for input in spec.inputs_mut() {
        let Input::Ref(reference) = &*input else { continue };
        if replaced.contains_key(&reference.to) {
            continue;
        }
        let output = have.get(&reference.to).and_then(|found| found.outputs.get(reference.output));
        if let Some(value) = output {
            *input = Input::Value(value.clone());
        }
    }
}

fn why_created(owner: Owner) -> &'static str {
    match owner {
        Owner::Service => "the Service needs it and it does not exist",
        Owner::Cluster => "the cluster needs it and it does not exist; all Services share it",
    }
}

fn why_updated(fields: &[FieldChange]) -> String {
    let mut names: Vec<&str> = fields.iter().map(|field| field.path.as_str()).collect();
    names.dedup();
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

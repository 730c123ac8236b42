//! The cloud that the toys live in. It refuses what a real cloud refuses, so that a wrong order of
//! steps fails a test.

use std::collections::BTreeSet;

use cloud_lb_core::backend::Applied;
use cloud_lb_core::graph::{Input, Outputs, ResourceKey};
use cloud_lb_core::plan::{Action, Have, Observed, Ownership, Plan, Step};
use cloud_lb_core::{Error, ErrorKind, Result};

use crate::toy::Toy;

#[derive(Debug, Clone)]
pub(crate) struct Item {
    pub(crate) key: ResourceKey,
    pub(crate) spec: Toy,
    pub(crate) container: Option<ResourceKey>,
    pub(crate) id: String,
    pub(crate) foreign: bool,
}

#[derive(Debug, Clone, Default)]
pub(crate) struct World {
    pub(crate) items: Vec<Item>,
    made: usize,
}

impl World {
    pub(crate) fn carry_out(&mut self, plan: &Plan<Toy>, steps: usize) -> Result<()> {
        plan.steps.iter().take(steps).try_for_each(|step| self.apply(step).map(|_| ()))
    }

    pub(crate) fn apply(&mut self, step: &Step<Toy>) -> Result<Applied> {
        let outputs = match &step.action {
            Action::Create(spec) => self.create(step, spec)?,
            Action::Update { want, .. } => self.update(step, want)?,
            Action::Delete(_) => self.delete(step)?,
        };
        Ok(Applied { outputs, pending: None })
    }

    pub(crate) fn place_foreign(&mut self, key: ResourceKey, spec: Toy) {
        self.push(key, spec, None, true);
    }

    pub(crate) fn observe(&self, service: &str) -> Observed<Toy> {
        let mut observed = Observed::new();
        for item in &self.items {
            let ownership = match &item.spec.service {
                _ if item.foreign => Ownership::Foreign("somebody".to_owned()),
                owner if owner.is_empty() => {
                    Ownership::Cluster { used_by_others: self.is_used_by_others(item, service) }
                }
                owner if owner == service => Ownership::Service,
                _ => continue,
            };
            let (spec, container) = (item.spec.clone(), item.container.clone());
            observed.add(
                item.key.clone(),
                Have { spec, ownership, container, outputs: outputs(&item.id), uses: BTreeSet::new() },
            );
        }
        observed
    }

    fn is_used_by_others(&self, item: &Item, service: &str) -> bool {
        self.users(item).any(|user| match user.spec.service.as_str() {
            "" => self.is_used_by_others(user, service),
            owner => owner != service,
        })
    }

    fn users<'a>(&'a self, item: &'a Item) -> impl Iterator<Item = &'a Item> {
        self.items.iter().filter(|other| other.id != item.id).filter(|other| {
            other.container.as_ref() == Some(&item.key)
                || other.spec.inputs.iter().any(|input| input.value() == Some(&item.id))
        })
    }

    fn create(&mut self, step: &Step<Toy>, spec: &Toy) -> Result<Outputs> {
        let is_shared = spec.service.is_empty() && step.container.is_some();
        let spec = self.resolved(spec)?;
        if let Some(there) =
            self.items.iter().find(|item| is_shared && item.key == step.key && item.spec == spec)
        {
            return Ok(outputs(&there.id));
        }
        if let Some(container) = step.container.as_ref().filter(|container| **container != step.key)
            && !self.items.iter().any(|item| item.key == *container)
        {
            return Err(refused(ErrorKind::NotFound, step, "its container does not exist"));
        }
        self.refuse_taken_slots(step, &spec, None)?;
        let id = self.push(step.key.clone(), spec, step.container.clone(), false);
        Ok(outputs(&id))
    }

    fn push(&mut self, key: ResourceKey, spec: Toy, container: Option<ResourceKey>, foreign: bool) -> String {
        self.made += 1;
        let id = format!("{}-{}", key.kind, self.made);
        self.items.push(Item { key, spec, container, id: id.clone(), foreign });
        id
    }

    fn update(&mut self, step: &Step<Toy>, want: &Toy) -> Result<Outputs> {
        let spec = self.resolved(want)?;
        let id = &step.outputs["id"];
        self.refuse_taken_slots(step, &spec, Some(id))?;
        let item = self.items.iter_mut().find(|item| item.id == *id);
        let item = item.ok_or_else(|| refused(ErrorKind::NotFound, step, "does not exist"))?;
        item.spec = spec;
        Ok(outputs(id))
    }

    fn delete(&mut self, step: &Step<Toy>) -> Result<Outputs> {
        let id = &step.outputs["id"];
        let Some(item) = self.items.iter().find(|item| item.id == *id) else { return Ok(Outputs::new()) };
        assert!(!item.foreign, "{} is foreign", item.key);
        let is_container = item.container.as_ref() == Some(&item.key);
        if self.users(item).next().is_some() {
            let in_use = Err(refused(ErrorKind::InUse, step, "is in use"));
            return if is_container { Ok(Outputs::new()) } else { in_use };
        }
        self.items.retain(|item| item.id != *id);
        Ok(Outputs::new())
    }

    /// References among steps of one write are the cloud's to fill in; ids must exist.
    fn resolved(&self, spec: &Toy) -> Result<Toy> {
        let mut spec = spec.clone();
        for input in &mut spec.inputs {
            let found = match &*input {
                Input::Value(id) => self.items.iter().find(|item| item.id == *id),
                Input::Ref(to) => {
                    let is_meant = |item: &&Item| {
                        item.key == to.to && [spec.service.as_str(), ""].contains(&item.spec.service.as_str())
                    };
                    self.items.iter().rev().find(is_meant)
                }
            };
            let Some(found) = found else {
                return Err(Error::new(ErrorKind::NotFound, format!("{input:?} does not exist")));
            };
            *input = Input::Value(found.id.clone());
        }
        Ok(spec)
    }

    fn refuse_taken_slots(&self, step: &Step<Toy>, spec: &Toy, own: Option<&String>) -> Result<()> {
        let mut others = self.items.iter().filter(|item| Some(&item.id) != own);
        match others.find(|other| other.spec.slots.iter().any(|slot| spec.slots.contains(slot))) {
            Some(other) => Err(refused(ErrorKind::InUse, step, &format!("{} holds its slot", other.key))),
            None => Ok(()),
        }
    }
}

fn outputs(id: &str) -> Outputs {
    [("id".to_owned(), id.to_owned())].into()
}

fn refused(kind: ErrorKind, step: &Step<Toy>, why: &str) -> Error {
    Error::new(kind, why).on(step.key.to_string())
}

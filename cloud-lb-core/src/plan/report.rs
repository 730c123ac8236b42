use std::fmt;

use serde::Serialize;
use serde_json::Value;

use super::{FieldChange, Op, Plan, Step, words};
use crate::graph::{ResourceKey, Spec};

/// A plan for people and machines: no provider type in it.
///
/// As text, one line a step (`+` create, `~` update, `-` delete) with what is made, or the changed fields,
/// below, and one line a warning (`!`); as JSON, see the fields. The order is that of execution for steps, and that of creation for resources.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PlanReport {
    /// `namespace/name` of the Service.
    pub service: String,
    /// What would be written, in order.
    pub steps: Vec<StepReport>,
    /// The desired state of every resource, whether it changes or not.
    pub resources: Vec<ResourceReport>,
    /// What the user should know, although nothing is refused.
    pub warnings: Vec<Warning>,
}

/// Something that the user of a Service should know, although nothing is refused.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Warning {
    /// What it is about: a `CamelCase` word that stays, for programs to match on.
    pub reason: &'static str,
    /// What it is, and what to do, for a person.
    pub message: String,
}

/// One step of a [`PlanReport`].
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct StepReport {
    /// What is done.
    pub op: Op,
    /// Kind of the resource.
    pub kind: &'static str,
    /// The resource.
    pub key: ResourceKey,
    /// Why.
    pub why: String,
    /// Changed fields; empty for creates and deletes.
    pub fields: Vec<FieldChange>,
}

/// One desired resource of a [`PlanReport`].
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ResourceReport {
    /// Kind of the resource.
    pub kind: &'static str,
    /// The resource.
    pub key: ResourceKey,
    /// Desired state; a reference is `{"ref": "<key>", "output": "<name>"}`.
    pub spec: Value,
}

impl StepReport {
    /// Reports one step.
    pub fn of<S: Spec>(step: &Step<S>) -> Self {
        Self {
            op: step.action.op(),
            kind: step.key.kind,
            key: step.key.clone(),
            why: step.why.clone(),
            fields: step.fields.clone(),
        }
    }
}

impl PlanReport {
    /// Reports a plan for a Service.
    pub fn of<S: Spec>(service: String, plan: &Plan<S>, warnings: Vec<Warning>) -> Self {
        let order = plan.desired.order().unwrap_or_default();
        let resources = order.into_iter().filter_map(|key| {
            let spec = serde_json::to_value(&plan.desired.get(&key)?.spec).unwrap_or(Value::Null);
            Some(ResourceReport { kind: key.kind, key, spec })
        });
        Self {
            service,
            steps: plan.steps.iter().map(StepReport::of).collect(),
            resources: resources.collect(),
            warnings,
        }
    }

    /// Reports that there is nothing to plan for a Service.
    pub fn empty(service: String) -> Self {
        Self { service, steps: Vec::new(), resources: Vec::new(), warnings: Vec::new() }
    }

    /// Whether nothing would be written.
    pub fn is_empty(&self) -> bool {
        self.steps.is_empty()
    }

    fn created(&self, step: &StepReport) -> Option<&ResourceReport> {
        let resource = self.resources.iter().find(|resource| resource.key == step.key);
        resource.filter(|_| step.op == Op::Create)
    }

    fn count(&self, op: Op) -> usize {
        self.steps.iter().filter(|step| step.op == op).count()
    }
}

impl fmt::Display for StepReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let marker = match self.op {
            Op::Create => '+',
            Op::Update => '~',
            Op::Delete => '-',
        };
        write!(f, "{marker} {}  ({})", self.key, self.why)?;
        for field in &self.fields {
            write!(f, "\n      {}: {}", field.path, words::change(&field.from, &field.to))?;
        }
        Ok(())
    }
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "! {}: {}", self.reason, self.message)
    }
}

impl fmt::Display for PlanReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.steps.is_empty() {
            write!(f, "service {}: no changes", self.service)?;
            return self.warnings.iter().try_for_each(|warning| write!(f, "\n  {warning}"));
        }
        writeln!(f, "service {}:", self.service)?;
        for step in &self.steps {
            writeln!(f, "  {step}")?;
            for line in self.created(step).map(|created| words::summary(&created.spec)).unwrap_or_default() {
                writeln!(f, "      {line}")?;
            }
        }
        for warning in &self.warnings {
            writeln!(f, "  {warning}")?;
        }
        write!(
            f,
            "plan: {} to create, {} to update, {} to delete",
            self.count(Op::Create),
            self.count(Op::Update),
            self.count(Op::Delete)
        )
    }
}

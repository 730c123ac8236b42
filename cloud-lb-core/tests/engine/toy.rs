//! Resources that mean nothing, with every trait that the planner must cope with.

use cloud_lb_core::graph::{Graph, Input, Resource, ResourceKey, Spec};
use cloud_lb_core::plan::{Change, ReplaceOrder, field_changes};
use serde::Serialize;

#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub(crate) struct Toy {
    /// UID of the owning Service; empty for shared ones. A mark, not a field.
    #[serde(skip)]
    pub(crate) service: String,
    /// Changes in place.
    pub(crate) value: u32,
    /// Changes by a replacement that deletes first.
    pub(crate) fixed: u32,
    /// Changes by a replacement that creates first.
    pub(crate) generation: u32,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) inputs: Vec<Input>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) slots: Vec<String>,
    #[serde(skip)]
    pub(crate) targets: bool,
}

impl Toy {
    pub(crate) fn of(service: &str) -> Self {
        Self { service: service.to_owned(), ..Self::default() }
    }

    pub(crate) fn value(self, value: u32) -> Self {
        Self { value, ..self }
    }

    pub(crate) fn fixed(self, fixed: u32) -> Self {
        Self { fixed, ..self }
    }

    pub(crate) fn generation(self, generation: u32) -> Self {
        Self { generation, ..self }
    }

    pub(crate) fn refers(mut self, to: &ResourceKey) -> Self {
        self.inputs.push(Input::reference(to, "id"));
        self
    }

    pub(crate) fn slot(mut self, slot: &str) -> Self {
        self.slots.push(slot.to_owned());
        self
    }

    pub(crate) fn targets(self) -> Self {
        Self { targets: true, ..self }
    }
}

impl Spec for Toy {
    fn inputs(&self) -> Vec<&Input> {
        self.inputs.iter().collect()
    }

    fn inputs_mut(&mut self) -> Vec<&mut Input> {
        self.inputs.iter_mut().collect()
    }

    fn claims(&self) -> Vec<String> {
        self.slots.clone()
    }

    fn is_target_set(&self) -> bool {
        self.targets
    }
}

pub(crate) fn change(have: &Toy, want: &Toy) -> Change {
    match Change::between(have, want, &["fixed"], ReplaceOrder::DeleteFirst) {
        Change::Update(_) => Change::between(have, want, &["generation"], ReplaceOrder::CreateFirst),
        change => change,
    }
}

pub(crate) fn key(kind: &'static str) -> ResourceKey {
    ResourceKey::new(kind, "x")
}

pub(crate) fn graph(resources: impl IntoIterator<Item = (ResourceKey, Resource<Toy>)>) -> Graph<Toy> {
    let mut graph = Graph::new();
    for (key, resource) in resources {
        graph.add(key, resource).unwrap();
    }
    graph
}

/// A chain: `Pool` <- `Front` <- `Rule`, as most clouds have one.
pub(crate) fn chain(pool: Toy) -> Graph<Toy> {
    let service = pool.service.clone();
    graph([
        (key("Pool"), Resource::owned(pool)),
        (key("Front"), Resource::owned(Toy::of(&service).refers(&key("Pool")))),
        (key("Rule"), Resource::owned(Toy::of(&service).refers(&key("Front")))),
    ])
}

#[test]
fn toys_differ_by_their_fields_alone() {
    assert!(field_changes(&Toy::of("a"), &Toy::of("b")).is_empty());
    assert_eq!(change(&Toy::of("a"), &Toy::of("a")), Change::Same);
    assert!(matches!(change(&Toy::of("a"), &Toy::of("a").value(1)), Change::Update(_)));
}

/// What a readiness gate of a pod is to say: whether the pod is a healthy target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gate {
    /// Name of the pod.
    pub pod: String,
    /// The gate: the type of a condition of the pod.
    pub condition: String,
    /// How it stands.
    pub status: GateStatus,
    /// A word for it, such as the cloud has; may be empty if the gate is open.
    pub reason: String,
    /// The same for a person; may be empty if the gate is open.
    pub message: String,
}

/// How a readiness gate stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GateStatus {
    /// The pod may be ready: it is a healthy target, or there is nothing any more that it could be a target of.
    Open,
    /// The pod is a target, and not a healthy one, or not yet.
    Closed,
    /// The pod is no target yet.
    Unregistered,
}

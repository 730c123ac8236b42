use std::fmt;

/// Where credentials come from.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub enum Credentials {
    /// The default chain of every AWS tool: environment, profile (SSO, roles and processes included), web
    /// identity (IRSA), container (EKS pod identity), instance metadata (`IMDSv2`).
    #[default]
    Chain,
    /// These keys, and nothing else.
    Keys(AccessKeys),
}

/// An access key; `Debug` shows its id only.
#[derive(Clone)]
pub struct AccessKeys {
    /// Id of the access key.
    pub access_key_id: String,
    /// The secret.
    pub secret_access_key: String,
    /// The token of a session, if the key belongs to one.
    pub session_token: Option<String>,
}

impl fmt::Debug for AccessKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AccessKeys").field("access_key_id", &self.access_key_id).finish_non_exhaustive()
    }
}

//! A kubeconfig for the embedded API.

/// The text of a kubeconfig (YAML) whose only context points at `url`, without credentials.
pub fn kubeconfig(url: &str) -> String {
    format!(
        "apiVersion: v1
kind: Config
clusters:
- name: cloud-lb
  cluster:
    server: {url}
users:
- name: cloud-lb
  user: {{}}
contexts:
- name: cloud-lb
  context:
    cluster: cloud-lb
    user: cloud-lb
    namespace: default
current-context: cloud-lb
"
    )
}

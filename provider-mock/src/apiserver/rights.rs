//! What a user may do: the rules of RBAC.

use super::json::{list, text};
use super::request::{Query, Target, Verb};
use super::resource::Resource;
use super::status::ApiError;
use parking_lot::Mutex;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

/// One verb on one resource. `*` stands for every verb, group or resource.
///
/// A resource with a slash in front is a path without objects, such as `/metrics`; a `*` at its end stands for
/// whatever follows.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub struct Right {
    /// The API group, empty for core.
    pub group: String,
    /// The resource, such as `services` or `services/status`.
    pub resource: String,
    /// The verb, such as `list`.
    pub verb: String,
    /// The only name of objects that it is for; `None` for all.
    pub name: Option<String>,
    /// The only namespace that it is for; `None` for all, and for what is in none.
    pub namespace: Option<String>,
}

impl fmt::Display for Right {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.verb, self.resource)?;
        if !self.group.is_empty() {
            write!(f, ".{}", self.group)?;
        }
        if let Some(name) = &self.name {
            write!(f, " {name}")?;
        }
        self.namespace.iter().try_for_each(|namespace| write!(f, " in {namespace}"))
    }
}

/// The rights of a user, and what became of its requests.
///
/// A cheap handle on the record: clones share it.
#[derive(Debug, Clone)]
pub struct Rights {
    user: String,
    groups: Vec<String>,
    granted: BTreeSet<Right>,
    record: Arc<Mutex<Record>>,
}

#[derive(Debug, Default)]
struct Record {
    used: BTreeSet<Right>,
    denied: BTreeMap<String, u64>,
}

impl Rights {
    /// What `ClusterRoleBinding`s and `RoleBinding`s among manifests give a service account.
    ///
    /// As in a real cluster a binding to a role that does not exist gives nothing. Bindings to users and groups,
    /// and aggregated roles are not read.
    pub fn of_service_account(namespace: &str, name: &str, manifests: &[Value]) -> Self {
        let user = format!("system:serviceaccount:{namespace}:{name}");
        let groups = [
            "system:serviceaccounts",
            &format!("system:serviceaccounts:{namespace}"),
            "system:authenticated",
        ]
        .map(str::to_owned)
        .to_vec();
        let is_ours = |subject: &Value| {
            let fields = ["/kind", "/namespace", "/name"].map(|field| text(subject, field));
            fields == ["ServiceAccount", namespace, name]
        };
        let bindings = manifests.iter().filter(|binding| list(binding, "/subjects").iter().any(is_ours));
        let granted = bindings.flat_map(|binding| given_by(binding, manifests)).collect();
        Self { user, groups, granted, record: Arc::default() }
    }

    /// The same user without one of the rights, and with a record of its own.
    pub fn without(&self, right: &Right) -> Self {
        let granted = self.granted.iter().filter(|granted| *granted != right).cloned().collect();
        Self { granted, record: Arc::default(), ..self.clone() }
    }

    /// All rights.
    pub fn granted(&self) -> &BTreeSet<Right> {
        &self.granted
    }

    /// The rights that requests needed so far; where several allowed one, the first.
    pub fn used(&self) -> BTreeSet<Right> {
        self.record.lock().used.clone()
    }

    /// What was refused so far, by message, and how often.
    pub fn denied(&self) -> BTreeMap<String, u64> {
        self.record.lock().denied.clone()
    }

    pub(super) fn user(&self) -> &str {
        &self.user
    }

    pub(super) fn groups(&self) -> &[String] {
        &self.groups
    }

    /// Whether the user may do what the `spec` of a `SubjectAccessReview` asks about.
    pub(super) fn allow(&self, spec: &Value) -> bool {
        let request = Request::asked(spec);
        self.granted.iter().any(|right| request.is_allowed_by(right))
    }

    /// Lets a request pass or refuses it, and records which.
    pub(super) fn check(&self, verb: Verb, target: &Target, query: &Query) -> Result<(), ApiError> {
        let request = Request::of(verb, target, query);
        let mut record = self.record.lock();
        if let Some(right) = self.granted.iter().find(|right| request.is_allowed_by(right)) {
            record.used.insert(right.clone());
            return Ok(());
        }
        let error = ApiError::forbidden(target.endpoint, request.name, &request.refusal(&self.user));
        *record.denied.entry(error.to_string()).or_default() += 1;
        Err(error)
    }
}

/// What a request is about, as authorisation sees it.
struct Request<'a> {
    verb: &'a str,
    group: &'a str,
    resource: String,
    namespace: &'a str,
    name: &'a str,
}

impl<'a> Request<'a> {
    fn of(verb: Verb, target: &'a Target, query: &'a Query) -> Self {
        let named = target.name.as_deref();
        // A list or watch of one object is a request about that object.
        let name = named.or_else(|| selected_name(query.text("fieldSelector"))).unwrap_or_default();
        let is_namespace = target.endpoint.resource == Resource::Namespaces;
        Self {
            verb: verb.as_str(),
            group: target.endpoint.group,
            resource: target.counted_as(),
            namespace: if is_namespace { named.unwrap_or_default() } else { &target.namespace },
            name,
        }
    }

    /// What a review asks about: a resource, or a path.
    fn asked(spec: &'a Value) -> Self {
        let at = |field: &str| text(spec, &format!("/resourceAttributes/{field}"));
        let resource = match (at("resource"), at("subresource")) {
            ("", _) => text(spec, "/nonResourceAttributes/path").to_owned(),
            (resource, "") => resource.to_owned(),
            (resource, part) => format!("{resource}/{part}"),
        };
        let verb = match at("verb") {
            "" => text(spec, "/nonResourceAttributes/verb"),
            verb => verb,
        };
        Self { verb, group: at("group"), resource, namespace: at("namespace"), name: at("name") }
    }

    fn is_allowed_by(&self, right: &Right) -> bool {
        let covers = |granted: &str, asked: &str| granted == "*" || granted == asked;
        covers(&right.verb, self.verb)
            && covers(&right.group, self.group)
            && self.is_covered_by(&right.resource)
            && right.name.as_deref().is_none_or(|name| name == self.name)
            && right.namespace.as_deref().is_none_or(|namespace| namespace == self.namespace)
    }

    /// Whether what was granted is this resource or path, every resource, or `*/status` of which this is one.
    fn is_covered_by(&self, granted: &str) -> bool {
        if self.resource.starts_with('/') {
            let rest = granted.strip_suffix('*').filter(|start| start.starts_with('/'));
            return granted == self.resource || rest.is_some_and(|start| self.resource.starts_with(start));
        }
        let parts = (self.resource.split_once('/'), granted.split_once('/'));
        let is_any = matches!(parts, (Some((_, wanted)), Some(("*", granted))) if wanted == granted);
        granted == "*" || granted == self.resource || is_any
    }

    /// The words of a real API server.
    fn refusal(&self, user: &str) -> String {
        let Self { verb, group, resource, namespace, .. } = self;
        let place = match *namespace {
            "" => "at the cluster scope".to_owned(),
            namespace => format!("in the namespace {namespace:?}"),
        };
        format!("User {user:?} cannot {verb} resource {resource:?} in API group {group:?} {place}")
    }
}

/// The name that a field selector asks for, if it asks for one.
fn selected_name(selector: &str) -> Option<&str> {
    let name = selector.split(',').find_map(|term| term.trim().strip_prefix("metadata.name="))?;
    Some(name.strip_prefix('=').unwrap_or(name))
}

/// The rights that a binding gives its subjects.
fn given_by(binding: &Value, manifests: &[Value]) -> Vec<Right> {
    let home = match text(binding, "/kind") {
        "ClusterRoleBinding" => None,
        "RoleBinding" => Some(text(binding, "/metadata/namespace")),
        _ => return Vec::new(),
    };
    let is_meant = |role: &&Value| {
        let same = |field: &str, reference: &str| text(role, field) == text(binding, reference);
        let near = text(role, "/kind") == "ClusterRole" || Some(text(role, "/metadata/namespace")) == home;
        same("/kind", "/roleRef/kind") && same("/metadata/name", "/roleRef/name") && near
    };
    let rules = manifests.iter().find(is_meant).map_or(&[][..], |role| list(role, "/rules"));
    rules.iter().flat_map(|rule| rights_of(rule, home)).collect()
}

/// Every combination of what a rule lists.
fn rights_of(rule: &Value, namespace: Option<&str>) -> Vec<Right> {
    let texts = |field: &str| list(rule, field).iter().filter_map(Value::as_str).map(str::to_owned);
    let mut names: Vec<Option<String>> = texts("/resourceNames").map(Some).collect();
    if names.is_empty() {
        names.push(None);
    }
    let right = |group: &str, resource: &str, verb: &str, name: &Option<String>| Right {
        group: group.to_owned(),
        resource: resource.to_owned(),
        verb: verb.to_owned(),
        name: name.clone(),
        namespace: namespace.map(str::to_owned),
    };
    let mut rights = Vec::new();
    for verb in texts("/verbs") {
        for (group, resource) in
            texts("/apiGroups").flat_map(|group| texts("/resources").map(move |r| (group.clone(), r)))
        {
            rights.extend(names.iter().map(|name| right(&group, &resource, &verb, name)));
        }
        // Paths are in no namespace, so that a Role cannot give them.
        if namespace.is_none() {
            rights.extend(texts("/nonResourceURLs").map(|path| right("", &path, &verb, &None)));
        }
    }
    rights
}

//! What a request asks for: verb, target, options and the form of the answer.

use super::resource::{ENDPOINTS, Endpoint, Resource};
use super::status::ApiError;
use http::{HeaderMap, Method, Uri, header};
use std::collections::BTreeMap;
use std::fmt;

/// What a request does, named as in RBAC rules.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Verb {
    /// Reads one object.
    Get,
    /// Reads many objects.
    List,
    /// Follows changes.
    Watch,
    /// Makes an object.
    Create,
    /// Replaces an object.
    Update,
    /// Changes parts of an object.
    Patch,
    /// Removes one object.
    Delete,
    /// Removes many objects.
    DeleteCollection,
}

impl Verb {
    /// The verb as rules have it, such as `deletecollection`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Get => "get",
            Self::List => "list",
            Self::Watch => "watch",
            Self::Create => "create",
            Self::Update => "update",
            Self::Patch => "patch",
            Self::Delete => "delete",
            Self::DeleteCollection => "deletecollection",
        }
    }

    /// Whether the verb changes the cluster.
    pub fn is_write(self) -> bool {
        !matches!(self, Self::Get | Self::List | Self::Watch)
    }
}

/// The object or collection that a path names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Target {
    pub endpoint: &'static Endpoint,
    /// Empty for cluster-scoped kinds and for all namespaces.
    pub namespace: String,
    pub name: Option<String>,
    pub status: bool,
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = self.name.as_deref().unwrap_or("*");
        write!(f, "{} {}/{name}", self.counted_as(), self.namespace)
    }
}

impl Target {
    /// Parses a resource path; `None` where nothing is served there.
    pub(crate) fn parse(path: &str) -> Option<Self> {
        let segments: Vec<&str> = path.split('/').filter(|segment| !segment.is_empty()).collect();
        let (group, version, rest) = match segments.as_slice() {
            ["api", version, rest @ ..] => ("", *version, rest),
            ["apis", group, version, rest @ ..] => (*group, *version, rest),
            _ => return None,
        };
        let (namespace, rest) = match rest {
            ["namespaces", namespace, rest @ ..] if !matches!(rest, [] | ["status" | "finalize"]) => {
                (*namespace, rest)
            }
            _ => ("", rest),
        };
        let (plural, name, subresource) = match rest {
            [plural] => (*plural, None, None),
            [plural, name] => (*plural, Some((*name).to_owned()), None),
            [plural, name, subresource] => (*plural, Some((*name).to_owned()), Some(*subresource)),
            _ => return None,
        };
        let served = |endpoint: &&Endpoint| {
            (endpoint.group, endpoint.version, endpoint.plural) == (group, version, plural)
                && (endpoint.namespaced || namespace.is_empty())
        };
        let endpoint = ENDPOINTS.iter().find(served)?;
        let status = match subresource {
            None => false,
            Some("status") if endpoint.has_status => true,
            Some(_) => return None,
        };
        if name.is_some() && endpoint.namespaced && namespace.is_empty() {
            return None;
        }
        Some(Self { endpoint, namespace: namespace.to_owned(), name, status })
    }

    /// `services` or `services/status`, as RBAC rules and request counts name it.
    pub(crate) fn counted_as(&self) -> String {
        let plural = self.endpoint.plural;
        if self.status { format!("{plural}/status") } else { plural.to_owned() }
    }

    /// The verb of a method on this target.
    pub(crate) fn verb(&self, method: &Method, query: &Query) -> Result<Verb, ApiError> {
        let verb = match (method.as_str(), self.name.is_some(), self.status) {
            ("GET", false, _) if query.flag("watch") => Verb::Watch,
            ("GET", false, _) => Verb::List,
            ("GET", true, _) => Verb::Get,
            ("POST", false, _) => Verb::Create,
            ("PUT", true, _) => Verb::Update,
            ("PATCH", true, _) => Verb::Patch,
            ("DELETE", true, false) => Verb::Delete,
            ("DELETE", false, _) => Verb::DeleteCollection,
            _ => return Err(ApiError::method_not_allowed()),
        };
        let is_for_all = self.endpoint.namespaced && self.namespace.is_empty();
        let is_question = self.endpoint.resource.is_review();
        let is_all_at_once = verb == Verb::DeleteCollection && self.endpoint.resource == Resource::Namespaces;
        if is_for_all && verb.is_write() || is_question && verb != Verb::Create || is_all_at_once {
            return Err(ApiError::method_not_allowed());
        }
        Ok(verb)
    }
}

/// The query parameters; of a repeated one the last counts.
#[derive(Debug, Clone, Default)]
pub(crate) struct Query(BTreeMap<String, String>);

impl Query {
    pub(crate) fn parse(uri: &Uri) -> Self {
        let pairs = form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes());
        Self(pairs.into_owned().collect())
    }

    /// The parameter, or the empty string.
    pub(crate) fn text(&self, name: &str) -> &str {
        self.0.get(name).map_or("", String::as_str)
    }

    pub(crate) fn flag(&self, name: &str) -> bool {
        self.0.get(name).is_some_and(|value| !matches!(value.as_str(), "0" | "false"))
    }

    /// A number; one below zero says as little as none.
    pub(crate) fn number(&self, name: &str) -> Result<Option<u64>, ApiError> {
        match self.text(name) {
            "" => Ok(None),
            value => {
                let number = value.parse::<i64>().map_err(|_| {
                    ApiError::bad_request(format!("strconv.ParseInt: parsing {value:?}: invalid syntax"))
                })?;
                Ok(u64::try_from(number).ok())
            }
        }
    }
}

/// The form of the answer that `Accept` asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    Whole,
    Table,
    MetadataOnly,
}

/// Chooses the first form of `Accept` that this server can give.
pub(crate) fn negotiate(headers: &HeaderMap) -> Result<Form, ApiError> {
    let accept = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or("*/*");
    accept.split(',').find_map(form_of).ok_or_else(ApiError::not_acceptable)
}

fn form_of(range: &str) -> Option<Form> {
    let mut parts = range.split(';').map(str::trim);
    if !matches!(parts.next()?, "application/json" | "application/*" | "*/*") {
        return None;
    }
    let parameters: BTreeMap<&str, &str> = parts.filter_map(|part| part.split_once('=')).collect();
    let version = parameters.get("v").copied();
    match (parameters.get("as").copied(), version) {
        (None, _) => Some(Form::Whole),
        (Some("Table"), Some("v1")) => Some(Form::Table),
        (Some("PartialObjectMetadata" | "PartialObjectMetadataList"), Some("v1")) => Some(Form::MetadataOnly),
        _ => None,
    }
}

/// The media type of the body without parameters; JSON where none is named.
pub(crate) fn content_type(headers: &HeaderMap) -> &str {
    let value = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    match value.split(';').next().unwrap_or_default().trim() {
        "" => "application/json",
        named => named,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_name_targets() {
        let cases = [
            ("/api/v1/namespaces/a/services/x/status", Some(("services", "a", Some("x"), true))),
            ("/api/v1/services", Some(("services", "", None, false))),
            ("/api/v1/namespaces/a", Some(("namespaces", "", Some("a"), false))),
            ("/api/v1/namespaces/a/status", Some(("namespaces", "", Some("a"), true))),
            ("/api/v1/nodes/n", Some(("nodes", "", Some("n"), false))),
            (
                "/apis/discovery.k8s.io/v1/namespaces/a/endpointslices",
                Some(("endpointslices", "a", None, false)),
            ),
            ("/apis/events.k8s.io/v1/events", Some(("events", "", None, false))),
            ("/api/v1/services/x", None),
            ("/api/v1/namespaces/a/nodes/n", None),
            ("/api/v1/namespaces/a/secrets/x/status", None),
            ("/api/v2/services", None),
            ("/apis/apps/v1/deployments", None),
        ];
        for (path, expected) in cases {
            let target = Target::parse(path);
            let found = target.as_ref().map(|target| {
                (target.endpoint.plural, target.namespace.as_str(), target.name.as_deref(), target.status)
            });
            assert_eq!(found, expected, "{path}");
        }
    }

    #[test]
    fn accept_is_tried_in_order() {
        let form = |accept: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::ACCEPT, accept.parse().unwrap());
            negotiate(&headers).ok()
        };
        let kubectl = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json;as=Table;v=v1beta1,application/json";
        assert_eq!(form(kubectl), Some(Form::Table));
        assert_eq!(
            form("application/json;as=Table;v=v1beta1;g=meta.k8s.io,application/json"),
            Some(Form::Whole)
        );
        assert_eq!(
            form("application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1"),
            Some(Form::MetadataOnly)
        );
        assert_eq!(form("application/vnd.kubernetes.protobuf"), None);
        assert_eq!(form("application/vnd.kubernetes.protobuf, */*"), Some(Form::Whole));
    }
}

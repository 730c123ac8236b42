//! Label and field selectors of lists and watches.

use super::json::text;
use super::resource::Resource;
use super::status::ApiError;
use serde_json::Value;

/// A parsed pair of `labelSelector` and `fieldSelector`; the default selects everything.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Selector {
    labels: Vec<Requirement>,
    fields: Vec<Requirement>,
}

#[derive(Debug, Clone, PartialEq)]
struct Requirement {
    key: String,
    test: Test,
}

#[derive(Debug, Clone, PartialEq)]
enum Test {
    In(Vec<String>),
    NotIn(Vec<String>),
    Exists,
    Absent,
    Greater(i64),
    Less(i64),
}

impl Test {
    fn holds(&self, value: Option<&str>) -> bool {
        let number = || value.and_then(|value| value.parse::<i64>().ok());
        match self {
            Self::In(values) => value.is_some_and(|value| values.iter().any(|allowed| allowed == value)),
            Self::NotIn(values) => value.is_none_or(|value| values.iter().all(|refused| refused != value)),
            Self::Exists => value.is_some(),
            Self::Absent => value.is_none(),
            Self::Greater(bound) => number().is_some_and(|number| number > *bound),
            Self::Less(bound) => number().is_some_and(|number| number < *bound),
        }
    }
}

impl Selector {
    /// Parses the two query parameters; empty ones select everything.
    ///
    /// # Errors
    /// `BadRequest` for what cannot be parsed and for fields that the kind cannot be selected by.
    pub(crate) fn parse(labels: &str, fields: &str, resource: Resource) -> Result<Self, ApiError> {
        let labels = split_outside_parentheses(labels)
            .into_iter()
            .map(|text| parse_label(text).ok_or_else(|| unparsable(text)))
            .collect::<Result<_, _>>()?;
        let fields = fields
            .split(',')
            .filter(|text| !text.is_empty())
            .map(|text| parse_field(text, resource))
            .collect::<Result<_, _>>()?;
        Ok(Self { labels, fields })
    }

    pub(crate) fn is_everything(&self) -> bool {
        self.labels.is_empty() && self.fields.is_empty()
    }

    pub(crate) fn matches(&self, object: &Value) -> bool {
        let labels = object.pointer("/metadata/labels");
        let label = |key: &str| labels.and_then(|labels| labels.get(key)).and_then(Value::as_str);
        self.labels.iter().all(|requirement| requirement.test.holds(label(&requirement.key)))
            && self.fields.iter().all(|requirement| {
                let pointer = format!("/{}", requirement.key.replace('.', "/"));
                requirement.test.holds(Some(&field_text(object, &pointer)))
            })
    }
}

/// The value of a field as selectors compare it; an absent one is empty (or `false`).
fn field_text(object: &Value, pointer: &str) -> String {
    match object.pointer(pointer) {
        Some(Value::Bool(flag)) => flag.to_string(),
        None if pointer == "/spec/unschedulable" => "false".to_owned(),
        _ => text(object, pointer).to_owned(),
    }
}

fn unparsable(text: &str) -> ApiError {
    ApiError::bad_request(format!("unable to parse requirement: {text:?} is not a selector"))
}

/// Splits at commas, but not inside `in (a,b)`.
fn split_outside_parentheses(text: &str) -> Vec<&str> {
    let mut depth = 0_i32;
    text.split(move |letter| {
        match letter {
            '(' => depth += 1,
            ')' => depth -= 1,
            _ => {}
        }
        letter == ',' && depth == 0
    })
    .map(str::trim)
    .filter(|part| !part.is_empty())
    .collect()
}

fn parse_label(text: &str) -> Option<Requirement> {
    let requirement =
        |key: &str, test| Some(Requirement { key: key.trim().to_owned(), test }).filter(is_named);
    if let Some(key) = text.strip_prefix('!') {
        return requirement(key, Test::Absent);
    }
    if let Some(set) = text.strip_suffix(')') {
        let (head, values) = set.split_once('(')?;
        let values = values.split(',').map(|value| value.trim().to_owned()).collect();
        let (key, operator) = head.trim().rsplit_once(char::is_whitespace)?;
        return match operator {
            "in" => requirement(key, Test::In(values)),
            "notin" => requirement(key, Test::NotIn(values)),
            _ => None,
        };
    }
    if let Some((key, bound)) = text.split_once('>') {
        return requirement(key, Test::Greater(bound.trim().parse().ok()?));
    }
    if let Some((key, bound)) = text.split_once('<') {
        return requirement(key, Test::Less(bound.trim().parse().ok()?));
    }
    match parse_equality(text) {
        Some(_) if text.contains("===") => None,
        Some((key, equality)) => requirement(key, equality),
        None => requirement(text, Test::Exists),
    }
}

fn is_named(requirement: &Requirement) -> bool {
    !requirement.key.is_empty() && !requirement.key.contains(char::is_whitespace)
}

fn parse_equality(text: &str) -> Option<(&str, Test)> {
    let one = |value: &str| vec![value.trim().to_owned()];
    if let Some((key, value)) = text.split_once("!=") {
        return Some((key.trim(), Test::NotIn(one(value))));
    }
    let (key, value) = text.split_once("==").or_else(|| text.split_once('='))?;
    Some((key.trim(), Test::In(one(value))))
}

fn parse_field(text: &str, resource: Resource) -> Result<Requirement, ApiError> {
    let (key, equality) = parse_equality(text).ok_or_else(|| {
        ApiError::bad_request(format!("invalid selector: '{text}'; can't understand '{text}'"))
    })?;
    // events.k8s.io calls the object of an event `regarding`; it is stored as core/v1.
    let key = if resource == Resource::Events {
        key.replace("regarding.", "involvedObject.")
    } else {
        key.to_owned()
    };
    let common = ["metadata.name", "metadata.namespace"];
    if common.contains(&key.as_str()) || selectable(resource).contains(&key.as_str()) {
        let key = if key == "source" { "source.component".to_owned() } else { key };
        return Ok(Requirement { key, test: equality });
    }
    Err(ApiError::bad_request(if selectable(resource).is_empty() {
        format!("{key:?} is not a known field selector: only \"metadata.name\", \"metadata.namespace\"")
    } else {
        format!("field label not supported: {key}")
    }))
}

/// The fields besides name and namespace by which a kind can be selected.
fn selectable(resource: Resource) -> &'static [&'static str] {
    match resource {
        Resource::Services => &["spec.clusterIP", "spec.type"],
        Resource::Nodes => &["spec.unschedulable"],
        Resource::Pods => &[
            "spec.nodeName",
            "spec.restartPolicy",
            "spec.schedulerName",
            "spec.serviceAccountName",
            "spec.hostNetwork",
            "status.phase",
            "status.podIP",
            "status.nominatedNodeName",
        ],
        Resource::Namespaces => &["status.phase"],
        Resource::Secrets => &["type"],
        Resource::Events => &[
            "involvedObject.kind",
            "involvedObject.namespace",
            "involvedObject.name",
            "involvedObject.uid",
            "involvedObject.apiVersion",
            "involvedObject.resourceVersion",
            "involvedObject.fieldPath",
            "reason",
            "reportingComponent",
            "source",
            "type",
        ],
        _ => &[],
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn selects(labels: &str, fields: &str, object: &Value) -> bool {
        Selector::parse(labels, fields, Resource::Services).unwrap().matches(object)
    }

    #[test]
    fn label_selectors_of_every_form() {
        let object = json!({"metadata": {"labels": {"app": "a", "n": "5"}}});
        let cases = [
            ("app=a", true),
            ("app==a", true),
            ("app=b", false),
            ("app!=a", false),
            ("other!=a", true),
            ("app", true),
            ("!app", false),
            ("!other", true),
            ("app in (a, b),n", true),
            ("app notin (a,b)", false),
            ("n>4", true),
            ("n<4", false),
            ("app=a,n=6", false),
            ("", true),
        ];
        for (selector, expected) in cases {
            assert_eq!(selects(selector, "", &object), expected, "{selector}");
        }
    }

    #[test]
    fn field_selectors_read_the_object() {
        let object = json!({"metadata": {"name": "a"}, "spec": {"type": "LoadBalancer"}});
        assert!(selects("", "metadata.name=a,spec.type!=NodePort", &object));
        assert!(!selects("", "spec.type=NodePort", &object));
        let refused = Selector::parse("", "spec.color=red", Resource::Services).unwrap_err();
        assert_eq!(refused.code(), 400);
        assert!(refused.to_string().contains("field label not supported: spec.color"), "{refused}");
    }

    #[test]
    fn nonsense_is_refused() {
        for selector in ["a in b)", "=x", "a===x", "a b", "n>x"] {
            assert!(Selector::parse(selector, "", Resource::Services).is_err(), "{selector}");
        }
    }
}

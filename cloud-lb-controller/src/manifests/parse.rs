//! From text to objects.

use super::lines::{Lines, Located, Node};
use super::{Manifest, Origin};
use crate::failure::{Failure, all};

/// Reads every object of a text: YAML documents or JSON, with lists unfolded.
pub(super) fn parse(file: &str, text: &str) -> Result<Vec<Manifest>, Failure> {
    let documents: Vec<Located> =
        serde_saphyr::from_multiple(text).map_err(|error| not_yaml(file, &error))?;
    let several = documents.len() > 1;
    let parsed = documents.iter().enumerate().map(|(index, document)| {
        let origin = Origin { file: file.to_owned(), document: several.then_some(index + 1) };
        objects(&origin, document)
    });
    Ok(all(parsed)?.into_iter().flatten().collect())
}

fn not_yaml(file: &str, error: &serde_saphyr::Error) -> Failure {
    Failure::new(format!("{file}{}: not YAML: {}", place(error), reason(error)))
}

/// What follows the name of a file that cannot be understood: `:<line>:<column>`, or nothing.
pub(crate) fn place(error: &serde_saphyr::Error) -> String {
    error.location().map(|place| format!(":{}:{}", place.line(), place.column())).unwrap_or_default()
}

/// Why it cannot be understood.
pub(crate) fn reason(error: &serde_saphyr::Error) -> String {
    // The first line says it all; a drawing of the source follows it.
    let text = error.without_snippet().to_string();
    let reason = text.lines().next().unwrap_or_default();
    let reason = reason.strip_prefix("error: ").unwrap_or(reason);
    // The place is told apart.
    let reason = reason.split(" at line ").next().unwrap_or(reason);
    // Advice to programmers is of no use to who writes the file.
    let advice = [", set ", "; use "];
    advice.iter().fold(reason, |reason, advice| reason.split(advice).next().unwrap_or(reason)).to_owned()
}

/// The objects of a document: itself, or the items of a list.
fn objects(origin: &Origin, document: &Located) -> Result<Vec<Manifest>, Failure> {
    let manifest = object(origin, document)?;
    let is_list = manifest.api_version() == "v1" && manifest.kind() == "List";
    match document.value.field("items") {
        Some(Located { value: Node::List(items), .. }) if is_list => {
            Ok(all(items.iter().map(|item| objects(origin, item)))?.into_iter().flatten().collect())
        }
        _ if is_list => {
            Err(Failure::new(manifest.complain("items", "items is missing, expected a sequence of objects")))
        }
        _ => Ok(vec![manifest]),
    }
}

fn object(origin: &Origin, located: &Located) -> Result<Manifest, Failure> {
    let place = || {
        let document = origin.document.map_or(String::new(), |number| format!("document {number}: "));
        format!("{}:{}: {document}", origin.file, located.referenced.line())
    };
    if !matches!(located.value, Node::Map(_)) {
        let found = located.value.kind();
        let expected = "expected a Kubernetes object: a mapping with apiVersion, kind and metadata";
        return Err(Failure::new(format!("{}found {found}, {expected}", place())));
    }
    for (field, example) in [("apiVersion", "v1"), ("kind", "Service")] {
        match located.value.field(field).map(|value| &value.value) {
            Some(Node::Scalar(serde_json::Value::String(text))) if !text.is_empty() => {}
            Some(other) => {
                let found = other.kind();
                return Err(Failure::new(format!(
                    "{}{field}: found {found}, expected text such as {example:?}",
                    place()
                )));
            }
            None => {
                return Err(Failure::new(format!(
                    "{}{field} is missing, expected for example {example:?}",
                    place()
                )));
            }
        }
    }
    Ok(Manifest { object: located.value.to_json(), origin: origin.clone(), lines: Lines::of_object(located) })
}

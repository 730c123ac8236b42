//! Kubernetes manifests as users write them: files, directories, standard input; YAML documents, lists,
//! JSON. Every object remembers where it was written, so that a refusal can name the line.

mod lines;
mod parse;

use std::fmt;
use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::failure::{Failure, all, chain};
pub(crate) use lines::Lines;
pub(crate) use parse::{place, reason};

/// Endings of the files that are read from a directory, as kubectl has them.
const ENDINGS: [&str; 3] = ["yaml", "yml", "json"];

/// One object of a manifest.
#[derive(Debug, Clone)]
pub(crate) struct Manifest {
    /// The object as written, with `apiVersion` and `kind`.
    pub(crate) object: Value,
    origin: Origin,
    lines: Lines,
}

/// Where an object was written.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Origin {
    file: String,
    /// Number of the document, where the file has several.
    document: Option<usize>,
}

impl Manifest {
    pub(crate) fn kind(&self) -> &str {
        self.text("/kind")
    }

    pub(crate) fn api_version(&self) -> &str {
        self.text("/apiVersion")
    }

    pub(crate) fn name(&self) -> &str {
        self.text("/metadata/name")
    }

    /// The namespace of the object; `default` where it names none.
    pub(crate) fn namespace(&self) -> &str {
        match self.text("/metadata/namespace") {
            "" => "default",
            namespace => namespace,
        }
    }

    /// The kind, namespace and name, for messages.
    pub(crate) fn subject(&self) -> String {
        match (self.kind(), self.name()) {
            (kind, "") => format!("{kind} without a name"),
            (kind @ ("Node" | "Namespace"), name) => format!("{kind} {name}"),
            (kind, name) => format!("{kind} {}/{name}", self.namespace()),
        }
    }

    /// File and line, for messages.
    pub(crate) fn place(&self) -> String {
        format!("{}:{}", self.origin.file, self.lines.of(""))
    }

    /// A complaint about a field (a path such as `spec.ports[0].port`; `""` for the object as a whole),
    /// with file, line, document and object in front.
    pub(crate) fn complain(&self, field: &str, message: impl fmt::Display) -> String {
        let Origin { file, document } = &self.origin;
        let line = self.lines.of(field);
        let document = document.map_or(String::new(), |number| format!("document {number}, "));
        format!("{file}:{line}: {document}{}: {message}", self.subject())
    }

    /// Complaints about all that an error of ours says is wrong with the object.
    pub(crate) fn refused(&self, error: &cloud_lb_core::Error) -> Failure {
        match error.violations() {
            [] => Failure::new(self.complain("", without_subject(error))),
            violations => violations.iter().map(|one| self.complain(&one.field, one)).collect(),
        }
    }

    fn text(&self, pointer: &str) -> &str {
        self.object.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
    }
}

/// The text of an error without the Service in front, which the complaint names already.
fn without_subject(error: &cloud_lb_core::Error) -> String {
    let text = chain(error);
    match error.resource().and_then(|subject| text.strip_prefix(subject)?.strip_prefix(": ")) {
        Some(rest) => rest.to_owned(),
        None => text,
    }
}

/// Reads all objects of these files and directories, in order; `-` is standard input.
///
/// # Errors
/// Every file that cannot be read and everything that is no Kubernetes object, each with its place.
pub(crate) fn read(paths: &[PathBuf]) -> Result<Vec<Manifest>, Failure> {
    let files = all(paths.iter().map(|path| files_of(path)))?;
    Ok(all(files.into_iter().flatten().map(|path| read_file(&path)))?.into_iter().flatten().collect())
}

/// Reads the objects of a text that stands in for a file.
pub(crate) fn read_text(name: &str, text: &str) -> Result<Vec<Manifest>, Failure> {
    parse::parse(name, text)
}

fn files_of(path: &Path) -> Result<Vec<PathBuf>, Failure> {
    if !path.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    let unreadable = |error| Failure::because(format!("{}: cannot be read", path.display()), &error);
    let entries = fs::read_dir(path).and_then(Iterator::collect::<Result<Vec<_>, _>>).map_err(unreadable)?;
    let mut files: Vec<PathBuf> = entries.into_iter().map(|entry| entry.path()).collect();
    files.retain(|file| file.extension().is_some_and(|ending| ENDINGS.iter().any(|known| ending == *known)));
    files.sort();
    if files.is_empty() {
        return Err(Failure::new(format!("{}: holds no .yaml, .yml or .json file", path.display())));
    }
    Ok(files)
}

fn read_file(path: &Path) -> Result<Vec<Manifest>, Failure> {
    let name = if path == Path::new("-") { "stdin".to_owned() } else { path.display().to_string() };
    let text = if name == "stdin" {
        let mut text = String::new();
        std::io::stdin().read_to_string(&mut text).map(|_| text)
    } else {
        fs::read_to_string(path)
    };
    let text = text.map_err(|error| Failure::because(format!("{name}: cannot be read"), &error))?;
    let manifests = read_text(&name, &text)?;
    if manifests.is_empty() {
        return Err(Failure::new(format!("{name}: holds no object, expected a Kubernetes manifest")));
    }
    Ok(manifests)
}

#[cfg(test)]
mod tests;

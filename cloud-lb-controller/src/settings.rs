//! Files with settings: read strictly, and every complaint names file, line and key, and what is expected.

mod wrong;

use std::fs;
use std::path::Path;

use serde::Serialize;
use serde::de::DeserializeOwned;

use self::wrong::Wrong;
use crate::failure::Failure;
use crate::manifests::Lines;

/// The content of a file, and where in it everything stands.
pub(crate) struct Settings<T> {
    pub(crate) value: T,
    file: String,
    lines: Lines,
}

impl<T: DeserializeOwned + Serialize + Default> Settings<T> {
    /// Reads a YAML or JSON file.
    ///
    /// # Errors
    /// Names the file, the line, the key, its value, and what is expected there.
    pub(crate) fn read(path: &Path) -> Result<Self, Failure> {
        let file = path.display().to_string();
        let text = fs::read_to_string(path)
            .map_err(|error| Failure::because(format!("{file}: cannot be read"), &error))?;
        let value = parse(&text).map_err(|wrong| Failure::new(wrong.complaint::<T>(&file, &text)))?;
        Ok(Self { value, lines: Lines::of_text(&text), file })
    }
}

fn parse<T: DeserializeOwned>(text: &str) -> Result<T, Wrong> {
    let mut path = None;
    let read = serde_saphyr::with_deserializer_from_str(text, |document| {
        serde_path_to_error::deserialize(document).map_err(|error| {
            path = Some(error.path().clone());
            error.into_inner()
        })
    });
    read.map_err(|error| Wrong { path, error: Box::new(error) })
}

impl<T> Settings<T> {
    /// Name of the file, for messages.
    pub(crate) fn file(&self) -> &str {
        &self.file
    }

    /// Complaints about all that an error of ours says is wrong in the file.
    pub(crate) fn refused(&self, error: &cloud_lb_core::Error) -> Failure {
        let place = |field: &str| format!("{}:{}", self.file, self.lines.of(field));
        match error.violations() {
            [] => Failure::from(error.clone()),
            violations => violations.iter().map(|one| format!("{}: {one}", place(&one.field))).collect(),
        }
    }
}

#[cfg(test)]
mod tests;

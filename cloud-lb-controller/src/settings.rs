//! Files with settings: read strictly, and every complaint names file and line.

use std::fs;
use std::path::Path;

use serde::de::DeserializeOwned;

use crate::failure::Failure;
use crate::manifests::{Lines, place_and_reason};

/// The content of a file, and where in it everything stands.
pub(crate) struct Settings<T> {
    pub(crate) value: T,
    file: String,
    lines: Lines,
}

impl<T: DeserializeOwned> Settings<T> {
    /// Reads a YAML or JSON file.
    ///
    /// # Errors
    /// Names the file, the line and what is wrong there.
    pub(crate) fn read(path: &Path) -> Result<Self, Failure> {
        let file = path.display().to_string();
        let text = fs::read_to_string(path)
            .map_err(|error| Failure::because(format!("{file}: cannot be read"), &error))?;
        let value = serde_saphyr::from_str(&text)
            .map_err(|error| Failure::new(format!("{file}{}", place_and_reason(&error))))?;
        Ok(Self { value, lines: Lines::of_text(&text), file })
    }
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

//! Differences that are known, each with its reason.

use crate::compare::Difference;

/// Fields that may differ, because there is a reason.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Known {
    /// The scenario and the request; `*` stands for any text.
    pub(crate) request: &'static str,
    /// The field; `*` stands for any text.
    pub(crate) field: &'static str,
    pub(crate) reason: &'static str,
}

impl Known {
    pub(crate) fn is_about(&self, request: &str) -> bool {
        fits(self.request, request)
    }

    fn covers(&self, difference: &Difference) -> bool {
        self.is_about(&difference.request) && fits(self.field, &difference.field)
    }
}

/// Whether exactly what is known differs.
///
/// # Errors
/// Tells each difference that is not known, and each entry that covers none any more.
pub(crate) fn check(differences: &[Difference], known: &[Known]) -> Result<(), String> {
    let unknown = differences.iter().filter(|difference| !known.iter().any(|known| known.covers(difference)));
    let gone = known.iter().filter(|known| !differences.iter().any(|difference| known.covers(difference)));
    let unknown: Vec<String> = unknown.map(ToString::to_string).collect();
    let gone: Vec<String> = gone
        .map(|known| {
            format!(
                "{}\n  {}\n    known ({}), but it does not differ",
                known.request, known.field, known.reason
            )
        })
        .collect();
    if unknown.is_empty() && gone.is_empty() {
        return Ok(());
    }
    let counts = format!("{} unknown differences, {} entries without one", unknown.len(), gone.len());
    Err(format!("{counts}\n{}", [unknown, gone].concat().join("\n")))
}

fn fits(pattern: &str, text: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == text,
        Some((start, rest)) => text.strip_prefix(start).is_some_and(|text| {
            (0..=text.len()).filter(|end| text.is_char_boundary(*end)).any(|end| fits(rest, &text[end..]))
        }),
    }
}

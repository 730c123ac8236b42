use std::fmt;

/// Why a case failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure(String);

/// How a case ended.
pub type Verdict = Result<(), Failure>;

impl Failure {
    /// Describes a failure.
    pub fn new(what: impl fmt::Display) -> Self {
        Self(what.to_string())
    }

    pub(super) fn within(self, place: impl fmt::Display) -> Self {
        Self(format!("{place}: {}", self.0))
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Failure {}

impl From<crate::Error> for Failure {
    fn from(error: crate::Error) -> Self {
        Self(format!("unexpected error ({:?}): {error}", error.kind()))
    }
}

/// What became of each case, in the order in which they ran.
#[derive(Debug, Default)]
pub struct Report {
    cases: Vec<(String, Verdict)>,
}

impl Report {
    pub(super) fn add(&mut self, case: impl Into<String>, verdict: Verdict) {
        self.cases.push((case.into(), verdict));
    }

    /// Names of the cases that ran.
    pub fn cases(&self) -> impl Iterator<Item = &str> {
        self.cases.iter().map(|(name, _)| name.as_str())
    }

    /// The cases that failed, and why.
    pub fn failures(&self) -> impl Iterator<Item = (&str, &Failure)> {
        self.cases.iter().filter_map(|(name, verdict)| Some((name.as_str(), verdict.as_ref().err()?)))
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (name, failure) in self.failures() {
            writeln!(f, "{name}: {failure}")?;
        }
        write!(f, "{} cases, {} failed", self.cases.len(), self.failures().count())
    }
}

pub(super) fn check(holds: bool, what: impl fmt::Display) -> Verdict {
    if holds { Ok(()) } else { Err(Failure::new(what)) }
}

pub(super) fn equal<T: PartialEq + fmt::Debug>(what: &str, got: &T, want: &T) -> Verdict {
    check(got == want, format_args!("{what}: got {got:?}, expected {want:?}"))
}

//! Plans on standard output, notes on standard error.

use std::io::{self, Write as _};

use cloud_lb_core::plan::PlanReport;

use super::Reported;
use crate::args::Output;
use crate::style::{QUIET, TITLE, paint, paint_plan};

/// Tells what the plan rests on.
pub(super) fn notes(notes: &[String]) {
    let mut stderr = anstream::stderr().lock();
    for note in notes {
        // A closed standard error leaves nobody to tell.
        let _ = writeln!(stderr, "{} {note}", paint(QUIET, "note:"));
    }
}

/// Writes the reports: as text one below the other, as JSON one document.
pub(super) fn reports(reports: &[Reported], output: Output) -> io::Result<()> {
    match output {
        Output::Text => text(reports),
        Output::Json => json(reports),
    }
}

fn text(reports: &[Reported]) -> io::Result<()> {
    let mut stdout = anstream::stdout().lock();
    for (index, Reported { report, remark, .. }) in reports.iter().enumerate() {
        if index > 0 {
            writeln!(stdout)?;
        }
        match remark {
            Some(remark) if report.is_empty() => {
                writeln!(stdout, "{} {remark}", paint(TITLE, format!("service {}:", report.service)))?;
            }
            _ => writeln!(stdout, "{}", paint_plan(&report.to_string()))?,
        }
    }
    stdout.flush()
}

/// One Service is one object; several, or none, are an array.
fn json(reports: &[Reported]) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    let reports: Vec<&PlanReport> = reports.iter().map(|one| &one.report).collect();
    match reports.as_slice() {
        [report] => serde_json::to_writer_pretty(&mut stdout, report)?,
        several => serde_json::to_writer_pretty(&mut stdout, several)?,
    }
    writeln!(stdout)?;
    stdout.flush()
}

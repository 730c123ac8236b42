//! The few colours of the output. Streams without colours drop them (`anstream`; `NO_COLOR` is honoured).

use anstyle::{AnsiColor, Style};
use std::fmt;
use std::io::{self, Write as _};

use crate::failure::Failure;

pub(crate) const ERROR: Style = AnsiColor::Red.on_default().bold();
pub(crate) const GOOD: Style = AnsiColor::Green.on_default();
pub(crate) const CHANGED: Style = AnsiColor::Yellow.on_default();
pub(crate) const GONE: Style = AnsiColor::Red.on_default();
pub(crate) const WARNING: Style = AnsiColor::Magenta.on_default();
pub(crate) const TITLE: Style = Style::new().bold();
pub(crate) const QUIET: Style = Style::new().dimmed();

/// Text in a style.
pub(crate) fn paint(style: Style, text: impl fmt::Display) -> impl fmt::Display {
    fmt::from_fn(move |f| write!(f, "{style}{text}{style:#}"))
}

/// Sets the text of a plan: reasons below each other and quiet, green what is made, yellow what changes,
/// red what goes, magenta what is worth knowing.
pub(crate) fn paint_plan(text: &str) -> String {
    let steps = || text.lines().filter_map(|line| line.split_once(WHY).filter(|_| style_of(line).is_some()));
    let width = steps().map(|(step, _)| step.chars().count()).max().unwrap_or_default();
    text.lines().map(|line| paint_plan_line(line, width)).collect::<Vec<_>>().join("\n")
}

/// What stands between a step and its reason.
const WHY: &str = "  (";

fn paint_plan_line(line: &str, width: usize) -> String {
    match (style_of(line), line.split_once(WHY)) {
        (Some(style), Some((step, why))) => {
            format!("{}  {}", paint(style, format!("{step:width$}")), paint(QUIET, format!("({why}")))
        }
        (Some(style), None) => paint(style, line).to_string(),
        (None, _) if line.starts_with("service ") => paint(TITLE, line).to_string(),
        (None, _) => line.to_owned(),
    }
}

fn style_of(line: &str) -> Option<Style> {
    match line.trim_start().get(..2) {
        Some("+ ") => Some(GOOD),
        Some("~ ") => Some(CHANGED),
        Some("- ") => Some(GONE),
        Some("! ") => Some(WARNING),
        _ => None,
    }
}

/// Writes to standard output, where a closed one is a failure.
pub(crate) fn print(text: &str) -> Result<(), Failure> {
    let mut stdout = anstream::stdout().lock();
    let written = stdout.write_all(text.as_bytes()).and_then(|()| io::Write::flush(&mut stdout));
    written.map_err(|error| Failure::of_output(&error))
}

/// Says something on standard error that is no failure.
pub(crate) fn warn(line: &str) {
    // A closed standard error leaves nobody to tell.
    let _ = writeln!(anstream::stderr().lock(), "{} {line}", paint(WARNING, "warning:"));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasons_stand_below_each_other() {
        let plan = "service default/web:\n  + Listener/tcp-80  (new (now))\n  ~ TargetGroup/tcp-80  (differs)\n      port: 1 -> 2  (x)\nplan: 1";
        let set = "service default/web:\n  + Listener/tcp-80     (new (now))\n  ~ TargetGroup/tcp-80  (differs)\n      port: 1 -> 2  (x)\nplan: 1";
        let painted = paint_plan(plan);
        assert_ne!(painted, set);
        assert_eq!(anstream::adapter::strip_str(&painted).to_string(), set);
    }
}

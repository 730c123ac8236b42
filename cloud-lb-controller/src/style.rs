//! The few colours of the output. Streams without colours drop them (`anstream`; `NO_COLOR` is honoured).

use anstyle::{AnsiColor, Style};
use std::fmt;

pub(crate) const ERROR: Style = AnsiColor::Red.on_default().bold();
pub(crate) const GOOD: Style = AnsiColor::Green.on_default();
pub(crate) const CHANGED: Style = AnsiColor::Yellow.on_default();
pub(crate) const GONE: Style = AnsiColor::Red.on_default();
pub(crate) const TITLE: Style = Style::new().bold();
pub(crate) const QUIET: Style = Style::new().dimmed();

/// Text in a style.
pub(crate) fn paint(style: Style, text: impl fmt::Display) -> impl fmt::Display {
    fmt::from_fn(move |f| write!(f, "{style}{text}{style:#}"))
}

/// Colours the text of plans: green what is made, yellow what changes, red what goes, and the reasons
/// quietly.
pub(crate) fn paint_plan(text: &str) -> String {
    text.lines().map(paint_plan_line).collect::<Vec<_>>().join("\n")
}

fn paint_plan_line(line: &str) -> String {
    let style = match line.trim_start().get(..2) {
        Some("+ ") => GOOD,
        Some("~ ") => CHANGED,
        Some("- ") => GONE,
        _ if line.starts_with("service ") => TITLE,
        _ => return line.to_owned(),
    };
    match line.split_once("  (") {
        Some((what, why)) => format!("{}  {}", paint(style, what), paint(QUIET, format!("({why}"))),
        None => paint(style, line).to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_add_nothing_to_the_text() {
        let plan = "service default/web:\n  + Listener/tcp-80  (it does not exist)\n      port: 1 -> 2\nplan: 1";
        let painted = paint_plan(plan);
        assert_ne!(painted, plan);
        assert_eq!(anstream::adapter::strip_str(&painted).to_string(), plan);
    }
}

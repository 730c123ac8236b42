//! Events as lines for people.

use std::collections::BTreeMap;
use std::io::{self, Write};

use cloud_lb_core::plan::Op;

use crate::demo::event::{CloudStep, Event, Traffic};
use crate::style::{CHANGED, ERROR, GONE, GOOD, QUIET, TITLE, paint, paint_plan};

/// Everything below a step's title stands in by this much.
const INDENT: &str = "    ";

pub(super) fn write(event: &Event) -> io::Result<()> {
    let mut stdout = anstream::stdout().lock();
    render(&mut stdout, event)?;
    stdout.flush()
}

fn render(out: &mut impl Write, event: &Event) -> io::Result<()> {
    match event {
        Event::Started { shape, nodes, api } => {
            let world =
                format!("a Kubernetes API on {api}, {} nodes, and a mock cloud ({shape})", nodes.len());
            writeln!(out, "{} {}", paint(TITLE, "cloud-lb demo:"), paint(QUIET, world))
        }
        Event::Step { number, of, title } => {
            writeln!(out, "\n{} {}", paint(QUIET, format!("{number}/{of}")), paint(TITLE, title))
        }
        Event::Note { text } => writeln!(out, "{INDENT}{}", paint(QUIET, text)),
        Event::Plan(report) => indented(out, &paint_plan(&report.to_string())),
        Event::Done(step) => cloud_step(out, step),
        Event::Services(table) => indented(out, &table.to_string()),
        Event::Traffic(traffic) => self::traffic(out, traffic),
        Event::Checked { text, millis } => {
            let after = format!("({})", seconds(*millis));
            writeln!(out, "{INDENT}{} {text} {}", paint(GOOD, "✓"), paint(QUIET, after))
        }
        // Standard error tells it.
        Event::Failed { .. } => Ok(()),
        Event::Kept { kubeconfig, commands } => kept(out, kubeconfig, commands),
        Event::Finished { millis } => {
            writeln!(out, "\n{} in {}", paint(GOOD, "Every step did what it should,"), seconds(*millis))
        }
    }
}

fn indented(out: &mut impl Write, text: &str) -> io::Result<()> {
    text.lines().try_for_each(|line| writeln!(out, "{INDENT}{line}"))
}

fn cloud_step(out: &mut impl Write, step: &CloudStep) -> io::Result<()> {
    let CloudStep { service, op, key, error, retried } = step;
    let of = paint(QUIET, format!("({service})"));
    let (style, done) = match op {
        Op::Create => (GOOD, "created"),
        Op::Update => (CHANGED, "updated"),
        Op::Delete => (GONE, "deleted"),
    };
    match error {
        None => writeln!(out, "{INDENT}{} {key}  {of}", paint(style, done)),
        Some(error) if *retried => {
            writeln!(out, "{INDENT}{}", paint(QUIET, format!("waiting to {op} {key}: {error}  ({service})")))
        }
        Some(error) => writeln!(out, "{INDENT}{} to {op} {key}: {error}  {of}", paint(ERROR, "failed")),
    }
}

fn traffic(out: &mut impl Write, traffic: &Traffic) -> io::Result<()> {
    let Traffic { to, sent, answered, nodes, pods, error } = traffic;
    let (style, mark) = if traffic.all_answered() { (GOOD, "✓") } else { (CHANGED, "!") };
    writeln!(out, "{INDENT}{} {answered} of {sent} requests to {to} answered", paint(style, mark))?;
    if !nodes.is_empty() {
        writeln!(out, "{INDENT}  {} {}", paint(QUIET, "through"), counts(nodes))?;
        writeln!(out, "{INDENT}  {} {}", paint(QUIET, "by     "), counts(pods))?;
    }
    match error {
        Some(error) => writeln!(out, "{INDENT}  {} {error}", paint(QUIET, "the others:")),
        None => Ok(()),
    }
}

fn counts(counts: &BTreeMap<String, usize>) -> String {
    counts.iter().map(|(name, count)| format!("{name} {count}")).collect::<Vec<_>>().join("  ")
}

fn kept(out: &mut impl Write, kubeconfig: &str, commands: &[String]) -> io::Result<()> {
    writeln!(out, "\n{} Try in another terminal:\n", paint(TITLE, "Still running."))?;
    writeln!(out, "{INDENT}export KUBECONFIG={kubeconfig}")?;
    commands.iter().try_for_each(|command| writeln!(out, "{INDENT}{command}"))?;
    writeln!(out, "\n{}", paint(QUIET, "Ctrl-C ends it and leaves nothing behind."))
}

fn seconds(millis: u128) -> String {
    format!("{}.{} s", millis / 1000, millis % 1000 / 100)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plain(event: &Event) -> String {
        let mut bytes = Vec::new();
        render(&mut bytes, event).unwrap();
        anstream::adapter::strip_str(&String::from_utf8(bytes).unwrap()).to_string()
    }

    #[test]
    fn traffic_tells_who_answered() {
        let counts =
            |pairs: &[(&str, usize)]| pairs.iter().map(|(name, n)| ((*name).to_owned(), *n)).collect();
        let all = Traffic {
            to: "http://127.9.1.1".to_owned(),
            sent: 3,
            answered: 3,
            nodes: counts(&[("node-1", 2), ("node-2", 1)]),
            pods: counts(&[("web-1", 1), ("web-2", 2)]),
            error: None,
        };
        assert_eq!(
            plain(&Event::Traffic(all)),
            "    ✓ 3 of 3 requests to http://127.9.1.1 answered\n      through node-1 2  node-2 1\n      by      web-1 1  web-2 2\n"
        );
        let none = Traffic {
            to: "udp://127.9.1.1:53".to_owned(),
            sent: 2,
            error: Some("no answer".to_owned()),
            ..Traffic::default()
        };
        assert_eq!(
            plain(&Event::Traffic(none)),
            "    ! 0 of 2 requests to udp://127.9.1.1:53 answered\n      the others: no answer\n"
        );
    }

    #[test]
    fn times_are_short() {
        assert_eq!(seconds(40), "0.0 s");
        assert_eq!(seconds(5_678), "5.6 s");
    }
}

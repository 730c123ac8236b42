//! Every rule of the specification is tested, or it is said why not; the page that lists them says where.
//!
//! The marks are in the tests: in the name of a function, as `aws_24_…` or `aws_25_and_27_…`, and in the
//! title of a golden file, as `AWS-24`. `UPDATE_DOCS=1` writes the page anew.
#![expect(clippy::unwrap_used, reason = "a helper that fails fails its test")]

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};

/// Where tests are.
const ROOTS: [&str; 6] = [
    "cloud-lb-core/src",
    "cloud-lb-core/tests",
    "cloud-lb-controller/src",
    "cloud-lb-controller/tests",
    "provider-aws",
    "provider-mock/tests",
];

/// A rule, as the list beside this file has it.
struct Rule {
    number: usize,
    what: &'static str,
    /// Tests that are marked with no rule.
    see: Vec<&'static str>,
    note: Option<Note>,
}

/// What is to be known of a rule.
enum Note {
    /// Nothing of ours could be broken.
    Fact(&'static str),
    /// Nothing is there.
    NotThere(&'static str),
    /// Something is done in another way.
    Otherwise(&'static str),
}

/// All tests by name, and those that are marked by rule, each as a link.
#[derive(Default)]
struct Found {
    by_name: BTreeMap<String, String>,
    by_rule: BTreeMap<usize, BTreeSet<String>>,
}

#[test]
fn every_rule_is_tested_or_it_is_said_why_not() {
    let (rules, found) = (rules(), find());
    let numbers: BTreeSet<usize> = rules.iter().map(|rule| rule.number).collect();
    let unknown: Vec<_> = found.by_rule.keys().filter(|number| !numbers.contains(number)).collect();
    assert!(unknown.is_empty(), "there are no such rules: {unknown:?}");
    for rule in &rules {
        let (number, links) = (rule.number, links(rule, &found));
        let is_untested = matches!(rule.note, Some(Note::Fact(_) | Note::NotThere(_)));
        assert_eq!(links.is_empty(), is_untested, "AWS-{number}: {links:?}");
    }
    let path = workspace().join("docs/aws-rules.md");
    let page = page(&rules, &found);
    if std::env::var_os("UPDATE_DOCS").is_some() {
        fs::write(&path, &page).unwrap();
    }
    let written = fs::read_to_string(&path).unwrap_or_default();
    assert!(written == page, "docs/aws-rules.md is out of date: run the test again with UPDATE_DOCS=1");
}

#[test]
fn marks_are_told_from_other_text() {
    for (name, expected) in [
        ("aws_24_all_errors_come_together", vec![24]),
        ("aws_25_and_27_unknown_keys", vec![25, 27]),
        ("s3_aws_180_a_node_leaves", vec![180]),
        ("aws_200_to_204_from_first_to_last", vec![200]),
        ("aws_118_a_port_of_2", vec![118]),
        ("of_aws_load_balancer_controller", vec![]),
    ] {
        assert_eq!(marks_of_name(name), expected, "{name}");
    }
    assert_eq!(marks_of_title("case: G1, AWS-31 and AWS-36, pods on 80"), [31, 36]);
}

fn rules() -> Vec<Rule> {
    let lines = include_str!("rules/rules.txt").lines().filter(|line| !line.starts_with('#'));
    let rules: Vec<Rule> = lines.map(rule).collect();
    assert!(rules.iter().map(|rule| rule.number).is_sorted_by(|a, b| a < b), "each once, in order");
    rules
}

fn rule(line: &'static str) -> Rule {
    let mut fields = line.split(" | ");
    let mut rule = Rule {
        number: fields.next().unwrap().parse().unwrap(),
        what: fields.next().unwrap(),
        see: vec![],
        note: None,
    };
    for part in fields.flat_map(|note| note.splitn(2, "; otherwise: ").enumerate()) {
        match part {
            (1, why) => rule.note = Some(Note::Otherwise(why)),
            (_, part) => match part.split_once(' ').unwrap() {
                ("see", names) => rule.see = names.split(", ").collect(),
                ("fact:", why) => rule.note = Some(Note::Fact(why)),
                ("not", _) => rule.note = Some(Note::NotThere(part.strip_prefix("not there: ").unwrap())),
                ("otherwise:", why) => rule.note = Some(Note::Otherwise(why)),
                _ => unreachable!("{line}"),
            },
        }
    }
    rule
}

fn find() -> Found {
    let mut found = Found::default();
    for root in ROOTS {
        visit(&workspace().join(root), &mut |path| {
            let file = path.strip_prefix(workspace()).unwrap().to_string_lossy().into_owned();
            let text = fs::read_to_string(path).unwrap();
            match path.extension().and_then(|extension| extension.to_str()) {
                Some("rs") => functions(&text, &file, &mut found),
                _ => title(&text, &file, &mut found),
            }
        });
    }
    found
}

fn functions(text: &str, file: &str, found: &mut Found) {
    for line in text.lines() {
        let Some((_, rest)) = line.split_once("fn ") else { continue };
        let name: String = rest.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
        let link = format!("[`{name}`](../{file})");
        for number in marks_of_name(&name) {
            found.by_rule.entry(number).or_default().insert(link.clone());
        }
        found.by_name.insert(name, link);
    }
}

fn title(text: &str, file: &str, found: &mut Found) {
    let name = Path::new(file).file_name().unwrap().to_string_lossy();
    for number in marks_of_title(text.lines().next().unwrap_or_default()) {
        found.by_rule.entry(number).or_default().insert(format!("[{name}](../{file})"));
    }
}

/// The numbers after `aws`, alone or with `and` between them.
fn marks_of_name(name: &str) -> Vec<usize> {
    let words = name.split('_').skip_while(|word| *word != "aws").skip(1);
    let mut numbers = Vec::new();
    for word in words.filter(|word| *word != "aws") {
        match word.parse() {
            Ok(number) => numbers.push(number),
            Err(_) if word == "and" && !numbers.is_empty() => {}
            Err(_) => break,
        }
    }
    numbers
}

fn marks_of_title(title: &str) -> Vec<usize> {
    let words = title.split(|c: char| !c.is_ascii_alphanumeric() && c != '-');
    words.filter_map(|word| word.strip_prefix("AWS-")?.parse().ok()).collect()
}

fn visit(path: &Path, see: &mut dyn FnMut(&Path)) {
    if path.is_dir() {
        let mut entries: Vec<PathBuf> =
            fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path()).collect();
        entries.sort();
        for entry in &entries {
            visit(entry, see);
        }
        return;
    }
    let is_golden = || path.parent().is_some_and(|folder| folder.ends_with("provider-aws/tests/golden"));
    let extension = path.extension().and_then(|extension| extension.to_str());
    if extension == Some("rs") || (extension == Some("yaml") && is_golden()) {
        see(path);
    }
}

fn links(rule: &Rule, found: &Found) -> BTreeSet<String> {
    let mut links = found.by_rule.get(&rule.number).cloned().unwrap_or_default();
    for name in &rule.see {
        let link = found.by_name.get(*name);
        assert!(link.is_some(), "AWS-{}: there is no test {name}", rule.number);
        links.extend(link.cloned());
    }
    links
}

fn page(rules: &[Rule], found: &Found) -> String {
    let tested = rules.iter().filter(|rule| !links(rule, found).is_empty()).count();
    let mut page = format!(
        "# The rules of the AWS provider\n\n\
         Generated by `UPDATE_DOCS=1 cargo test -p provider-aws --test rules`.\n\n\
         What Network Load Balancers of a Service have to be is laid down in {} rules, AWS-n, which names of tests and\n\
         comments cite. {tested} of them are tested, each by at least one test that carries its number or is named here; the\n\
         others are facts about AWS and other controllers, or parts that are not there yet.\n\n\
         | rule | what | tests | to be known |\n|---|---|---|---|\n",
        rules.len(),
    );
    for rule in rules {
        let tests = links(rule, found).into_iter().collect::<Vec<_>>().join(", ");
        let note = match &rule.note {
            None => String::new(),
            Some(Note::Fact(why)) => format!("descriptive: {why}"),
            Some(Note::NotThere(what)) => format!("not there: {what}"),
            Some(Note::Otherwise(what)) => format!("otherwise: {what}"),
        };
        // Writing to a string cannot fail.
        let _ = writeln!(page, "| AWS-{} | {} | {tests} | {note} |", rule.number, rule.what);
    }
    page
}

fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

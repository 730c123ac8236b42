use super::{Annotation, Table, parse};

const HEAD: &str = "\
| Annotation | Value | Default | Since | Example | Meaning |
|---|---|---|---|---|---|
";

/// The reference page of a table.
pub(super) fn page(table: &Table) -> String {
    let intro = format!(
        "All keys start with `{}`. A key with this prefix that is not listed here is an error, and so is a \
         value that does not fit; the Service is then left as it is.\n\n",
        table.prefix
    );
    intro + &rows(table)
}

/// The table alone.
pub(super) fn rows(table: &Table) -> String {
    let rows: String = table.annotations.iter().map(row).collect();
    HEAD.to_owned() + &rows
}

fn row(annotation: &Annotation) -> String {
    let cells = [
        code(annotation.key),
        escape(&parse::expected(annotation.kind)),
        code(annotation.default),
        escape(annotation.since),
        code(annotation.example),
        escape(annotation.doc),
    ];
    format!("| {} |\n", cells.join(" | "))
}

/// A value in code type; nothing for an empty one.
fn code(text: &str) -> String {
    if text.is_empty() { String::new() } else { format!("`{}`", escape(text)) }
}

/// Keeps a text within its cell.
fn escape(text: &str) -> String {
    text.replace('|', "\\|").replace('\n', " ")
}

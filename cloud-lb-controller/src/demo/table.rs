//! Tables as kubectl prints them: the columns are the API server's.

use std::fmt;

use serde::Serialize;
use serde_json::Value;

/// Columns between this many spaces.
const GAP: usize = 3;

/// A header and rows of text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Table {
    columns: Vec<String>,
    rows: Vec<Vec<String>>,
}

impl Table {
    /// Reads a `meta.k8s.io/v1` Table: the columns that kubectl shows without `-o wide`, and the rows of
    /// the objects that `keep` takes (by namespace and name).
    pub(super) fn of(answer: &Value, keep: impl Fn(&str, &str) -> bool) -> Self {
        let definitions = array(answer, "columnDefinitions");
        let shown: Vec<usize> = (0..definitions.len())
            .filter(|index| {
                definitions.get(*index).and_then(|column| column.get("priority")?.as_i64()).unwrap_or(0) == 0
            })
            .collect();
        let name = |index: &usize| definitions.get(*index).map(|column| text(column, "name").to_uppercase());
        let columns = shown.iter().filter_map(name).collect();
        let kept = array(answer, "rows").iter().filter(|row| {
            let metadata = row.pointer("/object/metadata").unwrap_or(&Value::Null);
            keep(text(metadata, "namespace"), text(metadata, "name"))
        });
        let cells = |row: &Value| {
            let cells = array(row, "cells");
            shown.iter().map(|index| cells.get(*index).map(cell).unwrap_or_default()).collect()
        };
        Self { columns, rows: kept.map(cells).collect() }
    }
}

fn array<'a>(value: &'a Value, field: &str) -> &'a [Value] {
    value.get(field).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default()
}

fn text<'a>(value: &'a Value, field: &str) -> &'a str {
    value.get(field).and_then(Value::as_str).unwrap_or_default()
}

fn cell(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lines = || std::iter::once(&self.columns).chain(&self.rows);
        let width =
            |index: usize| lines().filter_map(|line| line.get(index)).map(|cell| cell.chars().count()).max();
        let widths: Vec<usize> =
            (0..self.columns.len()).map(|index| width(index).unwrap_or(0) + GAP).collect();
        for (number, line) in lines().enumerate() {
            if number > 0 {
                writeln!(f)?;
            }
            // The last column has nothing to stand in line with.
            let Some((last, others)) = line.split_last() else { continue };
            for (cell, width) in others.iter().zip(&widths) {
                write!(f, "{cell:width$}")?;
            }
            f.write_str(last)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn rows_are_aligned_as_kubectl_does() {
        let answer = json!({
            "columnDefinitions": [{"name": "Name"}, {"name": "Type", "priority": 0}, {"name": "Selector", "priority": 1}],
            "rows": [
                {"cells": ["a", "ClusterIP", "x"], "object": {"metadata": {"namespace": "n", "name": "a"}}},
                {"cells": ["longer", "LoadBalancer", "y"], "object": {"metadata": {"namespace": "n", "name": "longer"}}},
                {"cells": ["kubernetes", "ClusterIP", ""], "object": {"metadata": {"namespace": "default", "name": "kubernetes"}}},
            ],
        });
        let table = Table::of(&answer, |namespace, _| namespace == "n");
        assert_eq!(table.to_string(), "NAME     TYPE\na        ClusterIP\nlonger   LoadBalancer");
    }
}

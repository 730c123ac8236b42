//! The tables: one of calls, which are exact, and one of memory and CPU, which are measured.
#![expect(clippy::print_stdout, reason = "a benchmark's output")]

use std::time::Duration;

use crate::scenario::{Row, Size};
use crate::world::{BUDGET, Spent};

/// Begins the lines of the second table.
const MEASURED: &str = "measured ";

const CALLS: &str =
    "| targets of | Services x nodes | create: calls, each | time / floor | node joins: calls \
                     | time / floor | node reports: calls | restart: reads | writes |
|---|---|---|---|---|---|---|---|---|";

const MEASURES: &str =
    "| targets of | Services x nodes | controller: memory | each object | process: resident \
                        | node joins: CPU | each object | node reports: CPU |
|---|---|---|---|---|---|---|---|";

/// Prints both tables, the first as its rows come.
pub(crate) fn tables(rows: impl Iterator<Item = String>) {
    println!("{CALLS}");
    let mut measured = Vec::new();
    for line in rows.flat_map(|row| row.lines().map(str::to_owned).collect::<Vec<_>>()) {
        match line.strip_prefix(MEASURED) {
            Some(line) => measured.push(line.to_owned()),
            None => println!("{line}"),
        }
    }
    println!("\n{MEASURES}\n{}", measured.join("\n"));
}

/// Prints the lines of one cluster.
pub(crate) fn row(row: &Row) {
    let Row { partner, size, create, beats, join, restart, .. } = row;
    if partner.has_cloud() {
        println!(
            "| {} | {size} | {:.1} | {} | {} | {} | {} | {} | {} |",
            partner.title(),
            ratio(create.total(), size.services),
            over_floor(create),
            join.total(),
            over_floor(join),
            beats.total(),
            restart.calls.total_reads(),
            restart.calls.total_writes(),
        );
    }
    println!(
        "{MEASURED}| {} | {size} | {:.1} MiB | {:.1} KiB | {} | {} | {} | {} |",
        partner.title(),
        ratio(row.memory, 1 << 20),
        ratio(row.memory, objects(*size) << 10),
        row.resident.map_or_else(unknown, |kib| format!("{:.0} MiB", ratio(kib, 1 << 10))),
        row.join_cpu.map_or_else(unknown, |cpu| format!("{:.1} ms", cpu.as_secs_f64() * 1e3)),
        row.join_cpu.map_or_else(unknown, |cpu| each(cpu, objects(*size))),
        row.beat_cpu.map_or_else(unknown, |cpu| each(cpu, 1)),
    );
}

fn objects(size: Size) -> usize {
    size.services + size.nodes
}

fn unknown() -> String {
    "?".to_owned()
}

fn each(cpu: Duration, parts: usize) -> String {
    let parts = u32::try_from(parts).unwrap_or(u32::MAX);
    format!("{:.0} us", (cpu / parts).as_secs_f64() * 1e6)
}

/// The time as a multiple of the least in which the budget allows so many calls.
fn over_floor(spent: &Spent) -> String {
    let floor = spent.floor(BUDGET);
    format!("{:.2}", spent.time.as_secs_f64() / floor.as_secs_f64())
}

#[expect(clippy::cast_precision_loss, reason = "rounded when printed")]
fn ratio(part: impl TryInto<u64>, whole: usize) -> f64 {
    part.try_into().unwrap_or(u64::MAX) as f64 / whole as f64
}

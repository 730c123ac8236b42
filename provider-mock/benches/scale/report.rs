//! The table.
#![expect(clippy::print_stdout, reason = "a benchmark's output")]

use std::time::Duration;

use provider_mock::Shape;

use crate::scenario::Size;
use crate::world::Spent;

/// One cluster's numbers.
pub(crate) struct Row {
    pub(crate) shape: Shape,
    pub(crate) size: Size,
    pub(crate) create: Spent,
    pub(crate) beat_cpu: Option<Duration>,
    pub(crate) join: Spent,
    pub(crate) restart: Spent,
    pub(crate) memory: usize,
}

pub(crate) fn heading() {
    println!(
        "| targets of | Services x nodes | create: calls, each | time / floor | node joins: calls | time / floor \
         | report of a node: CPU | restart: reads | writes | controller: memory | each object |"
    );
    println!("|---|---|---|---|---|---|---|---|---|---|---|");
}

pub(crate) fn print(row: &Row) {
    let Row { shape, size, create, beat_cpu, join, restart, memory } = row;
    let targets = match shape {
        Shape::Stack => "each Service",
        Shape::Rules | Shape::Shared => "the cluster",
    };
    let cpu = beat_cpu.map_or_else(|| "?".to_owned(), |cpu| format!("{} us", cpu.as_micros()));
    println!(
        "| {targets} | {size} | {:.1} | {:.2} | {} | {:.2} | {cpu} | {} | {} | {:.1} MiB | {:.1} KiB |",
        ratio(create.total(), size.services),
        create.over_floor(),
        join.total(),
        join.over_floor(),
        restart.calls.total_reads(),
        restart.calls.total_writes(),
        ratio(*memory, 1 << 20),
        ratio(*memory, (size.services + size.nodes) << 10),
    );
}

#[expect(clippy::cast_precision_loss, reason = "rounded to a tenth when printed")]
fn ratio(part: impl TryInto<u64>, whole: usize) -> f64 {
    part.try_into().unwrap_or(u64::MAX) as f64 / whole as f64
}

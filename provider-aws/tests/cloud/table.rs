//! The table of calls in the documentation is what is measured. `UPDATE_DOCS=1` writes it anew.

use std::fmt::Write as _;

use cloud_lb_core::provider::{LoadBalancerProvider, TargetUpdate};
use provider_aws::fake::{Calls, Options};

use crate::support::{World, node, pass, port, service};

const PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/aws.md");
const BEGIN: &str = "<!-- calls: begin -->\n";
const END: &str = "<!-- calls: end -->";

/// What is done, what aws-load-balancer-controller needs for it, and what we may need.
const OPERATIONS: [(&str, &str, &str); 7] = [
    ("create, first of the account", "about 30", "20"),
    ("create, later ones", "about 22", "14, none over the whole account"),
    ("nothing to do, within the refresh time", "12", "0"),
    ("nothing to do, full check of one port", "12, and up to 4 for tags", "7"),
    ("the same, for each further port", "3", "3"),
    ("one node added", "2 to 4", "2 (DescribeInstances, RegisterTargets)"),
    ("delete", "9 to 11 at best, typically 15 to 40", "8"),
];

fn total(calls: &Calls) -> u64 {
    calls.total_reads() + calls.total_writes()
}

async fn measured() -> [u64; 7] {
    let world = World::new(Options::default());
    let (one, mut two) = (service("one", &[port(80, 30_080)]), service("two", &[port(80, 30_081)]));
    let three = service("three", &[port(80, 31_080), port(81, 31_081)]);
    let first = total(&world.calls_of(world.ensured(&one)).await.1);
    let later = total(&world.calls_of(world.ensured(&two)).await.1);
    world.ensured(&three).await;
    let check = total(&world.calls_of(world.ensured(&two)).await.1);
    let of_two = total(&world.calls_of(world.ensured(&three)).await.1);
    pass(60).await;
    let nothing = total(&world.calls_of(world.ensured(&two)).await.1);
    two.nodes.push(node(4));
    let update = world.provider.update_targets(TargetUpdate::LoadBalancer(&two));
    let added = total(&world.calls_of(update).await.1);
    let delete = total(&world.calls_of(world.deleted(&two)).await.1);
    [first, later, nothing, check, of_two - check, added, delete]
}

#[tokio::test(start_paused = true)]
async fn the_documentation_tells_the_calls_that_are_measured() {
    let mut table =
        "| operation | aws-load-balancer-controller | at most | measured |\n|---|---|---|---|\n".to_owned();
    for ((operation, others, budget), count) in OPERATIONS.into_iter().zip(measured().await) {
        let most: u64 = budget.split([' ', ',']).next().unwrap().parse().unwrap();
        assert!(count <= most, "{operation}: {count}");
        writeln!(table, "| {operation} | {others} | {budget} | {count} |").unwrap();
    }
    let page = std::fs::read_to_string(PAGE).unwrap();
    let (before, rest) = page.split_once(BEGIN).unwrap();
    let (_, after) = rest.split_once(END).unwrap();
    let expected = format!("{before}{BEGIN}{table}{END}{after}");
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(PAGE, &expected).unwrap();
        return;
    }
    assert!(page == expected, "run the test again with UPDATE_DOCS=1; measured:\n{table}");
}

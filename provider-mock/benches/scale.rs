//! What the controller costs at scale: calls, time against the account's budget, memory, CPU.
//!
//!     cargo bench --package provider-mock                       up to 1000x1000; minutes
//!     cargo bench --package provider-mock -- --full             also 5000x5000
//!     cargo bench --package provider-mock -- 100x100 200x2000   only these sizes, Services x nodes
//!
//! The cloud takes 200 ms a call and the provider allows itself 10 calls a second. Time is the paused time of
//! tokio, hence calls and ratios are exact: the same on every machine. Only CPU and memory are measured.
//!
//! The API server and the cloud are in the same process. Memory is what the controller and its provider add to
//! theirs. What a node that joins costs the controller alone shows a provider without a cloud, which is content
//! with everything: the mock cloud keeps a list of all nodes for each target group, and so does each call.

#[path = "scale/content.rs"]
mod content;
#[path = "scale/measure.rs"]
mod measure;
#[path = "scale/report.rs"]
mod report;
#[path = "scale/scenario.rs"]
mod scenario;
#[path = "scale/world.rs"]
mod world;

use std::process::Command;

use scenario::Size;
use world::Partner;

/// From small to large: the growth shows whether the cost is one of the objects or of their product.
const SIZES: [Size; 4] =
    [Size::new(10, 10), Size::new(100, 100), Size::new(1000, 1000), Size::new(5000, 5000)];

/// How many of them are measured unless all are asked for.
const USUAL: usize = 3;

/// Begins the arguments of a process that measures one row: the partner and the size follow.
const ROW: &str = "--row";

fn main() {
    let args: Vec<String> = std::env::args().skip(1).filter(|arg| arg != "--bench").collect();
    match args.as_slice() {
        [row, partner, size] if row == ROW => measure_row(partner, size),
        [full] if full == "--full" => tables(&SIZES),
        [] => tables(SIZES.get(..USUAL).unwrap_or_default()),
        sizes => tables(&sizes.iter().map(|size| size_of(size)).collect::<Vec<_>>()),
    }
}

fn tables(sizes: &[Size]) {
    let rows = sizes.iter().flat_map(|size| Partner::ALL.map(|partner| (partner, *size)));
    let rows: Vec<_> = rows.filter(|(partner, size)| partner.has_room_for(*size)).collect();
    report::tables(rows.into_iter().map(|(partner, size)| in_its_own_process(partner, size)));
}

/// In a process of its own each, or memory that one leaves behind would be that of the next.
fn in_its_own_process(partner: Partner, size: Size) -> String {
    let program = std::env::current_exe().unwrap_or_else(|error| fail(&format!("no program: {error}")));
    let output = Command::new(program).args([ROW, partner.name(), &size.to_string()]).output();
    match output {
        Ok(output) if output.status.success() => String::from_utf8_lossy(&output.stdout).into_owned(),
        Ok(output) => fail(&String::from_utf8_lossy(&output.stderr)),
        Err(error) => fail(&error.to_string()),
    }
}

fn measure_row(partner: &str, size: &str) {
    let Some(partner) = Partner::named(partner) else { fail(&format!("no partner is called {partner}")) };
    report::row(&measure::paused(scenario::run(partner, size_of(size))));
}

fn size_of(text: &str) -> Size {
    text.parse()
        .unwrap_or_else(|()| fail(&format!("{text}: expected Services x nodes like 100x200, or --full")))
}

#[expect(clippy::print_stderr, reason = "a benchmark that cannot go on says why")]
fn fail(why: &str) -> ! {
    eprintln!("{why}");
    std::process::exit(1)
}

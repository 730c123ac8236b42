//! What the controller costs at scale: calls, time against the account's budget, memory, CPU.
//!
//!     cargo bench --package provider-mock                 all sizes; minutes
//!     cargo bench --package provider-mock -- 100x100      only this one
//!
//! The cloud takes 200 ms a call and the provider allows itself 10 calls a second. Time is the paused time of
//! tokio, hence exact: the same on every machine. Only CPU and memory are measured. The API server and the
//! cloud are in the same process; memory is what the controller adds to theirs.

#[path = "scale/measure.rs"]
mod measure;
#[path = "scale/report.rs"]
mod report;
#[path = "scale/scenario.rs"]
mod scenario;
#[path = "scale/world.rs"]
mod world;

use provider_mock::Shape;

use report::Row;
use scenario::Size;

/// From small to large: the growth shows whether the cost is one of the objects or of their product.
const SIZES: [Size; 4] =
    [Size::new(10, 10), Size::new(100, 100), Size::new(1000, 1000), Size::new(5000, 5000)];

fn main() {
    let wanted: Vec<String> = std::env::args().skip(1).filter(|arg| !arg.starts_with('-')).collect();
    let sizes = SIZES.into_iter().filter(|size| wanted.is_empty() || wanted.contains(&size.to_string()));
    report::heading();
    for size in sizes {
        for shape in [Shape::Stack, Shape::Shared] {
            if let Some(row) = run(shape, size) {
                report::print(&row);
            }
        }
    }
}

/// In a process of its own each, or memory that one leaves behind would be that of the next.
fn run(shape: Shape, size: Size) -> Option<Row> {
    // A target group for each Service holds every node: the cloud in this process would hold their product.
    let fits = shape == Shape::Shared || size.services * size.nodes <= 1_000_000;
    fits.then(|| measure::paused(scenario::run(shape, size)))
}

//! Services come and go, and of those that went nothing stays: not in the controller, not in the provider, not
//! in its metrics, and neither in the API server and the cloud that play along.
//!
//! `CYCLES=100000 cargo test --release -p provider-mock --test soak -- --nocapture` makes and deletes that many
//! Services on each shape, and prints the memory in use at each tenth of the way.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a helper that fails fails its test"
)]

#[path = "soak/cluster.rs"]
mod cluster;
#[path = "support/nodes.rs"]
mod ready;

use std::io::Write;

use peak_alloc::PeakAlloc;
use provider_mock::Shape;
use tokio::runtime::Builder;
use tokio::time::Instant;

use crate::cluster::Cluster;

#[global_allocator]
static MEMORY: PeakAlloc = PeakAlloc;

/// How many Services come and go on each shape where nobody says otherwise.
const CYCLES: usize = 60;

/// How often on the way it is looked at what has stayed.
const LOOKS: usize = 10;

/// The look from which on nothing may grow any more.
const FULL: usize = 5;

/// Bytes that may stay of each Service: less than any of its names, or a number.
const BYTES: usize = 4;

/// Bytes by which memory in use varies though nothing stays: maps and buffers have room to spare.
const NOISE: usize = 4096;

/// What is there while no Service is.
#[derive(Debug)]
struct Look {
    bytes: usize,
    counts: Vec<(&'static str, usize)>,
}

#[test]
fn nothing_stays_of_services_that_went() {
    let cycles = cycles();
    for shape in [Shape::Stack, Shape::Rules, Shape::Shared] {
        let looks = soak(shape, cycles);
        let (full, last) = looks.get(FULL - 1).zip(looks.last()).unwrap();
        assert_eq!(full.counts, last.counts, "{shape:?}");
        let (grown, between) = (last.bytes.saturating_sub(full.bytes), cycles * (LOOKS - FULL) / LOOKS);
        assert!(grown <= between * BYTES + NOISE, "{shape:?}: {between} Services left {grown} bytes");
    }
}

fn cycles() -> usize {
    let Ok(text) = std::env::var("CYCLES") else { return CYCLES };
    text.parse().unwrap_or_else(|_| panic!("CYCLES is {text:?}; expected a number"))
}

fn soak(shape: Shape, cycles: usize) -> Vec<Look> {
    let runtime = Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
    runtime.block_on(async {
        let (mut cluster, mut looks) = (Cluster::new(shape), Vec::with_capacity(LOOKS));
        let began = Instant::now();
        for tenth in 1..=LOOKS {
            cluster.come_and_go(cycles / LOOKS).await;
            cluster.calm_down().await;
            let look = Look { bytes: MEMORY.current_usage(), counts: cluster.counts() };
            say(&format!(
                "soak {shape:?}: {} Services came and went in {} h of the cluster; in use {} KiB, resident {} KiB",
                cycles * tenth / LOOKS,
                began.elapsed().as_secs() / 3600,
                look.bytes / 1024,
                resident().map_or_else(|| "?".to_owned(), |kib| kib.to_string()),
            ));
            looks.push(look);
        }
        cluster.stop().await;
        looks
    })
}

/// Resident memory in KiB; none where the system does not tell (it is Linux that does).
fn resident() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmRSS:"))?;
    line.split_whitespace().nth(1)?.parse().ok()
}

/// Prints although the test passes.
fn say(text: &str) {
    std::io::stderr().write_all(format!("{text}\n").as_bytes()).unwrap();
}

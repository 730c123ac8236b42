//! Memory, CPU, and a runtime whose time stands still unless all wait.
#![expect(clippy::panic, reason = "a benchmark that cannot go on ends")]

use std::future::Future;
use std::time::Duration;

use peak_alloc::PeakAlloc;

#[global_allocator]
static MEMORY: PeakAlloc = PeakAlloc;

/// Bytes that are in use.
pub(crate) fn memory() -> usize {
    MEMORY.current_usage()
}

/// Memory of this process that is resident, in KiB; none where the system does not tell (it is Linux that does).
pub(crate) fn resident() -> Option<usize> {
    let text = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    line.split_whitespace().next()?.parse().ok()
}

/// CPU that this thread has used; none where the system does not tell.
pub(crate) fn cpu() -> Option<Duration> {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    text.split_whitespace().next()?.parse().ok().map(Duration::from_nanos)
}

/// Runs on one thread, in paused time.
pub(crate) fn paused<T>(work: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build();
    match runtime {
        Ok(runtime) => runtime.block_on(work),
        Err(error) => panic!("no runtime: {error}"),
    }
}

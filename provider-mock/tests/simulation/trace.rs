//! What happened, as text: every line with its virtual time, the same for the same seed.

use std::cell::Cell;
use std::fmt;
use std::io;
use std::sync::Arc;

use parking_lot::{Mutex, RwLock};
use tokio::time::Instant;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::time::FormatTime;

/// Whoever writes a story down is alone: what goes on in other threads, which listen to nothing, may keep
/// `tracing` from noticing that somebody listens here.
static STAGE: RwLock<()> = RwLock::new(());

/// Plays something without a story, beside others.
pub(crate) fn untold<T>(play: impl FnOnce() -> T) -> T {
    let _beside_others = STAGE.read();
    play()
}

thread_local! {
    static START: Cell<Option<Instant>> = const { Cell::new(None) };
}

/// Starts the clock of this thread's story.
pub(crate) fn begin() {
    START.set(Some(Instant::now()));
}

/// Plays something and writes down what it tells.
pub(crate) fn recorded<T>(play: impl FnOnce() -> T) -> (T, String) {
    write_down(play, false)
}

/// Plays something and tells what happens as it does: also of one that never ends.
pub(crate) fn told<T>(play: impl FnOnce() -> T) -> T {
    write_down(play, true).0
}

fn write_down<T>(play: impl FnOnce() -> T, live: bool) -> (T, String) {
    let _alone = STAGE.write();
    let lines = Lines(Arc::default(), live);
    let subscriber = tracing_subscriber::fmt()
        .with_env_filter(EnvFilter::new("cloud_lb_core=debug,provider_mock=debug,simulation=debug"))
        .with_timer(Virtual)
        .with_ansi(false)
        .with_target(false)
        .with_writer(lines.clone())
        .finish();
    let result = tracing::subscriber::with_default(subscriber, play);
    let text = String::from_utf8_lossy(&lines.0.lock()).into_owned();
    (result, without_wall_clock(&text))
}

/// Names of events hold the time of the wall clock.
fn without_wall_clock(text: &str) -> String {
    let line = |line: &str| match line.split_once("target=events ") {
        Some((before, _)) => format!("{before}target=events\n"),
        None => format!("{line}\n"),
    };
    text.lines().map(line).collect()
}

struct Virtual;

impl FormatTime for Virtual {
    fn format_time(&self, w: &mut Writer<'_>) -> fmt::Result {
        let elapsed = START.get().map(|start| start.elapsed()).unwrap_or_default();
        write!(w, "{:9.3}", elapsed.as_secs_f64())
    }
}

#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>, bool);

impl io::Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.1 {
            io::stderr().write_all(bytes)?;
        }
        self.0.lock().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Lines {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

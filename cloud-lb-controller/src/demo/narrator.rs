//! Tells the user what happens: as lines, with a progress line where a terminal shows it, or as JSON.

mod text;

use std::io::{self, IsTerminal as _, Write as _};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::event::Event;
use crate::args::Output;
use crate::failure::Failure;

/// How often the progress line moves.
const TICK: Duration = Duration::from_millis(80);

/// Where the story goes.
#[derive(Debug)]
pub(super) enum Narrator {
    /// For people; the progress line is hidden where standard output is no terminal.
    Text(ProgressBar),
    /// One event a line.
    Json,
}

impl Narrator {
    pub(super) fn new(output: Output) -> Self {
        match output {
            Output::Json => Self::Json,
            Output::Text => Self::Text(progress_line()),
        }
    }

    /// Tells an event.
    ///
    /// # Errors
    /// If standard output does not take it, for example because its reader has gone.
    pub(super) fn tell(&self, event: &Event) -> Result<(), Failure> {
        let told = match self {
            Self::Json => write_json(event),
            Self::Text(progress) => progress.suspend(|| text::write(event)),
        };
        told.map_err(|error| Failure::of_output(&error))
    }

    /// Shows what is being waited for, until the next call.
    pub(super) fn wait_for(&self, what: &str) {
        if let Self::Text(progress) = self {
            progress.set_message(what.to_owned());
            progress.reset();
            progress.enable_steady_tick(TICK);
        }
    }

    /// Takes the progress line away.
    pub(super) fn rest(&self) {
        if let Self::Text(progress) = self {
            progress.disable_steady_tick();
            progress.finish_and_clear();
        }
    }
}

impl Drop for Narrator {
    fn drop(&mut self) {
        self.rest();
    }
}

fn progress_line() -> ProgressBar {
    if !io::stdout().is_terminal() {
        return ProgressBar::hidden();
    }
    let line = ProgressBar::with_draw_target(None, ProgressDrawTarget::stdout());
    // The template is a constant; if it were wrong, the default style would do.
    if let Ok(style) = ProgressStyle::with_template("    {spinner} {msg}") {
        line.set_style(style);
    }
    line
}

fn write_json(event: &Event) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    serde_json::to_writer(&mut stdout, event)?;
    writeln!(stdout)?;
    stdout.flush()
}

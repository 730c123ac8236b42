//! A program that runs beside the test.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use tokio::time::{Instant, sleep};

/// How often a program that starts is asked whether it is ready.
const PAUSE: Duration = Duration::from_millis(50);
/// How many lines of its output an error shows.
const SHOWN: usize = 20;

/// A program that is to be started.
pub(crate) struct Program {
    pub(crate) name: &'static str,
    pub(crate) path: PathBuf,
    pub(crate) arguments: Vec<String>,
    /// The folder for its output.
    pub(crate) logs: PathBuf,
}

/// A program that runs; on drop it is killed, with whatever it has started.
#[derive(Debug)]
pub(crate) struct Running {
    child: Child,
}

impl Program {
    /// Starts it and waits until it is ready; `ready` answers what is still missing.
    ///
    /// # Errors
    /// Names the program, how it ended or how long it was waited for, and the last lines of its output.
    pub(crate) async fn start(
        self,
        patience: Duration,
        ready: impl AsyncFn() -> Result<(), String>,
    ) -> Result<Running, String> {
        let mut running = self.spawn().map_err(|error| format!("{} does not start: {error}", self.told()))?;
        let deadline = Instant::now() + patience;
        let mut missing = "it does not answer".to_owned();
        loop {
            if let Some(status) = running.ended() {
                return Err(format!("{} ended before it was ready, {status}{}", self.told(), self.output()));
            }
            let left = deadline.saturating_duration_since(Instant::now());
            match tokio::time::timeout(left, ready()).await {
                Ok(Ok(())) => return Ok(running),
                Ok(Err(why)) => missing = why,
                // The answer before tells more than that there was no time for another one.
                Err(_) => {}
            }
            if Instant::now() >= deadline {
                let told = self.told();
                return Err(format!("{told} is not ready after {patience:?}: {missing}{}", self.output()));
            }
            sleep(PAUSE).await;
        }
    }

    fn spawn(&self) -> std::io::Result<Running> {
        let output = File::create(self.log())?;
        let mut command = Command::new(&self.path);
        command.args(&self.arguments).stdin(Stdio::null()).stdout(output.try_clone()?).stderr(output);
        // A group of its own, so that it can be ended with what it starts.
        #[cfg(unix)]
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
        Ok(Running { child: command.spawn()? })
    }

    fn told(&self) -> String {
        format!("{} ({})", self.name, self.path.display())
    }

    fn log(&self) -> PathBuf {
        self.logs.join(format!("{}.log", self.name))
    }

    fn output(&self) -> String {
        let log = self.log();
        let lines = last_lines(&log);
        if lines.is_empty() {
            return "; it printed nothing".to_owned();
        }
        format!("; the last lines of {}:\n{}", log.display(), lines.join("\n"))
    }
}

fn last_lines(log: &Path) -> Vec<String> {
    let text = std::fs::read(log).unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    let lines: Vec<String> = text.lines().map(|line| format!("  {line}")).collect();
    lines.into_iter().rev().take(SHOWN).rev().collect()
}

impl Running {
    fn ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().ok().flatten()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // The shell's own `kill` knows groups, and is there wherever there is a shell.
        let group = format!("kill -s KILL -- -{}", self.child.id());
        let _ = Command::new("sh").args(["-c", &group]).stderr(Stdio::null()).status();
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

//! The tasks of a process: none can end or die unseen.

use std::collections::BTreeMap;
use std::future::Future;

use tokio::task::{Id, JoinSet};

use crate::error::{Error, ErrorKind, Result};

/// Runs the long-lived tasks of a process, all in one place.
///
/// A task that panics in a detached task leaves a process that looks well and does nothing. Here its end is
/// the news that [`next`](Self::next) waits for, and dropping the supervisor ends all of them.
///
/// # Examples
/// ```
/// # use cloud_lb_core::supervisor::Supervisor;
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// let mut tasks = Supervisor::default();
/// tasks.spawn("for ever", std::future::pending());
/// tasks.spawn("bug", async { panic!("oops") });
/// let (name, result) = tasks.next().await;
/// assert_eq!(name, "bug");
/// assert_eq!(result.unwrap_err().to_string(), "bug: the task died");
/// # });
/// ```
#[derive(Debug, Default)]
pub struct Supervisor {
    tasks: JoinSet<Result<()>>,
    names: BTreeMap<Id, &'static str>,
}

impl Supervisor {
    /// Starts a task.
    pub fn spawn(&mut self, name: &'static str, task: impl Future<Output = Result<()>> + Send + 'static) {
        let handle = self.tasks.spawn(task);
        self.names.insert(handle.id(), name);
    }

    /// Waits for a task to end, and tells which and how: with its own result, or `Internal` if it panicked.
    /// Without tasks it waits for ever.
    ///
    /// # Cancel safety
    /// No end is lost.
    pub async fn next(&mut self) -> (&'static str, Result<()>) {
        match self.tasks.join_next_with_id().await {
            Some(Ok((id, result))) => (self.forget(id), result),
            Some(Err(error)) => {
                let name = self.forget(error.id());
                (name, Err(Error::new(ErrorKind::Internal, "the task died").on(name).with_source(error)))
            }
            None => std::future::pending().await,
        }
    }

    fn forget(&mut self, id: Id) -> &'static str {
        self.names.remove(&id).unwrap_or("task")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn every_end_is_told_with_its_name() {
        let mut tasks = Supervisor::default();
        tasks.spawn("idle", std::future::pending());
        tasks.spawn("short", async { Ok(()) });
        assert!(matches!(tasks.next().await, ("short", Ok(()))));
        tasks.spawn("failing", async { Err(Error::new(ErrorKind::Quota, "full")) });
        let (name, result) = tasks.next().await;
        assert_eq!((name, result.unwrap_err().kind()), ("failing", ErrorKind::Quota));
    }
}

//! Watches: the changes after a version, as a stream of JSON lines.

use super::ApiServer;
use super::faults::Faults;
use super::render::Renderer;
use super::request::{Query, Target};
use super::selector::Selector;
use super::status::ApiError;
use super::store::Change;
use bytes::Bytes;
use futures::Stream;
use serde_json::{Value, json};
use std::collections::VecDeque;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Notify;
use tokio::time::{Instant, sleep, sleep_until};

/// How long a watch lives that names no time itself; a real server ends it after 30 to 60 minutes.
const DEFAULT_TIMEOUT: Duration = Duration::from_mins(30);
/// How often a quiet watch says which version it has reached. A real server does it about every minute.
const BOOKMARK_EVERY: Duration = Duration::from_secs(10);
/// How many changes are turned into events at a time, so that a slow reader holds little memory.
const BATCH: usize = 256;

/// An open watch.
pub(crate) struct Watch {
    server: ApiServer,
    target: Target,
    selector: Selector,
    renderer: Renderer,
    /// The version up to which changes have been seen.
    position: u64,
    lines: VecDeque<Bytes>,
    bookmarks: bool,
    /// Whether a table has been sent: the columns are told once.
    headed: bool,
    written: Arc<Notify>,
    /// How often watches had been dropped when this one began.
    drops: u64,
    deadline: Instant,
    next_bookmark: Instant,
    ended: bool,
}

impl Watch {
    /// Opens a watch at the version that the query names. One that is too old is told so in the stream,
    /// by an ERROR with code 410, as a real server does it.
    ///
    /// # Errors
    /// 504 where the version is yet to come, 400 for contradicting options.
    pub(crate) fn open(
        server: ApiServer,
        target: Target,
        renderer: Renderer,
        query: &Query,
    ) -> Result<Self, ApiError> {
        let labels = query.text("labelSelector");
        let selector = Selector::parse(labels, query.text("fieldSelector"), target.endpoint.resource)?;
        let timeout = query.number("timeoutSeconds")?.filter(|seconds| *seconds > 0);
        let now = Instant::now();
        let mut watch = Self {
            written: server.written(),
            drops: server.faults().drops(),
            server,
            target,
            selector,
            renderer,
            position: 0,
            lines: VecDeque::new(),
            bookmarks: query.flag("allowWatchBookmarks"),
            headed: false,
            deadline: now + timeout.map_or(DEFAULT_TIMEOUT, Duration::from_secs),
            next_bookmark: now + BOOKMARK_EVERY,
            ended: false,
        };
        watch.start(query)?;
        Ok(watch)
    }

    fn start(&mut self, query: &Query) -> Result<(), ApiError> {
        let from = query.number("resourceVersion")?;
        let streams_list = match query.text("sendInitialEvents") {
            "" => None,
            value => Some(value == "true"),
        };
        let server = self.server.clone();
        let store = server.store();
        if let Some(version) = from.filter(|version| *version > store.version()) {
            return Err(ApiError::too_new(version, store.version()));
        }
        let begins_with_state = streams_list.unwrap_or(matches!(from, None | Some(0)));
        if begins_with_state || matches!(from, None | Some(0)) {
            self.position = store.version();
        } else {
            self.position = from.unwrap_or_default();
        }
        if begins_with_state {
            for (_, object) in store.list(self.target.endpoint.resource, &self.target.namespace) {
                if self.selector.matches(&object) {
                    self.push("ADDED", &self.renderer.object(&object));
                }
            }
        }
        if streams_list == Some(true) && self.bookmarks {
            self.push("BOOKMARK", &self.renderer.bookmark(self.position, true));
        }
        Ok(())
    }

    /// The lines of the watch; the stream ends at the deadline, when the server drops watches, and
    /// after an ERROR.
    pub(crate) fn into_stream(self) -> impl Stream<Item = Bytes> + Send + 'static {
        futures::stream::unfold(
            self,
            |mut watch| async move { watch.next_line().await.map(|line| (line, watch)) },
        )
    }

    async fn next_line(&mut self) -> Option<Bytes> {
        let faults = self.server.faults().clone();
        while self.lines.is_empty() && !self.ended {
            if self.is_behind() {
                sleep(faults.lag()).await;
                self.read_changes();
            } else {
                self.wait(&faults).await;
            }
        }
        faults.passage().await;
        self.lines.pop_front()
    }

    fn is_behind(&self) -> bool {
        self.server.store().version() != self.position
    }

    /// Waits for something to say, or for the end.
    async fn wait(&mut self, faults: &Faults) {
        let written = Arc::clone(&self.written);
        let (mut news, mut change) = (pin!(written.notified()), pin!(faults.changed()));
        news.as_mut().enable();
        change.as_mut().enable();
        if self.is_behind() {
            return;
        }
        self.ended = faults.drops() != self.drops;
        tokio::select! {
            biased;
            () = std::future::ready(()), if self.ended => {}
            () = change => {}
            () = news => {}
            () = sleep_until(self.deadline) => {
                self.ended = true;
                self.bookmark();
            }
            () = sleep_until(self.next_bookmark) => self.bookmark(),
        }
    }

    fn bookmark(&mut self) {
        self.next_bookmark = Instant::now() + BOOKMARK_EVERY;
        if self.bookmarks {
            self.push("BOOKMARK", &self.renderer.bookmark(self.position, false));
        }
    }

    /// Reads a batch of changes.
    fn read_changes(&mut self) {
        let server = self.server.clone();
        let batch: Result<Vec<Change>, ApiError> =
            server.store().changes_after(self.position).map(|changes| changes.take(BATCH).cloned().collect());
        match batch {
            Ok(changes) => {
                for change in &changes {
                    self.read_change(change);
                }
            }
            Err(error) => {
                self.push("ERROR", &error.to_status());
                self.ended = true;
            }
        }
    }

    fn read_change(&mut self, change: &Change) {
        self.position = change.version;
        let namespace = &self.target.namespace;
        if change.key.resource != self.target.endpoint.resource
            || !(namespace.is_empty() || *namespace == change.key.namespace)
        {
            return;
        }
        let selected = |object: &&Value| self.selector.matches(object);
        let before = change.before.as_deref().filter(selected);
        match (before, change.after.as_deref().filter(selected)) {
            (None, Some(after)) => self.push("ADDED", &self.renderer.object(after)),
            (Some(_), Some(after)) => self.push("MODIFIED", &self.renderer.object(after)),
            (Some(_), None) => {
                let last = change.last_seen().unwrap_or_default();
                self.push("DELETED", &self.renderer.object(&last));
            }
            (None, None) => {}
        }
    }

    fn push(&mut self, kind: &str, object: &Value) {
        let mut event = json!({"type": kind, "object": object});
        if let Some(columns) = event.pointer_mut("/object/columnDefinitions") {
            if self.headed {
                *columns = Value::Null;
            }
            self.headed = true;
        }
        let mut line = event.to_string();
        line.push('\n');
        self.lines.push_back(line.into());
    }
}

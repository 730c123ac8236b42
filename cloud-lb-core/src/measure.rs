//! What happens, told to whoever counts or times it. Nothing here knows a metrics library.
//!
//! The controller tells its [`Measure`] directly. What happens below a provider (calls to the cloud, stages,
//! steps) is told to the measure of the task: [`layers::Measured`](crate::layers::Measured) sets it around
//! every call of a provider, so that no provider has to pass one on.

use std::fmt;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;
use tracing::{Instrument, Span};

use crate::error::{Error, ErrorKind, Result};
use crate::plan::Op;

/// Takes in what happens.
pub trait Measure: fmt::Debug + Send + Sync + 'static {
    /// Takes in one fact. Called in the midst of work: must not block.
    fn note(&self, fact: &Fact<'_>);
}

/// Measures nothing.
#[derive(Debug, Clone, Copy, Default)]
pub struct Unmeasured;

impl Measure for Unmeasured {
    fn note(&self, _fact: &Fact<'_>) {}
}

/// Something that happened. None names a Service, a node or a resource: numbers of each would never end.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Fact<'a> {
    /// A call to the cloud ended.
    CloudCall {
        /// Its name, for example `CreateLoadBalancer`.
        operation: &'a str,
        /// Time that it waited for the rate limit.
        waited: Duration,
        /// Time that it took after that.
        took: Duration,
        /// How it failed, if it did.
        error: Option<ErrorKind>,
    },
    /// The cloud refused a request as one too many.
    Throttled {
        /// The operation that was asked for.
        operation: &'a str,
    },
    /// A stage of the work on a load balancer ended, whatever came of it.
    Stage {
        /// Which one.
        stage: Stage,
        /// Time that it took.
        took: Duration,
    },
    /// A step of a plan was carried out.
    Step {
        /// Kind of the resource.
        kind: &'a str,
        /// What was done to it.
        op: Op,
    },
    /// A call of a provider ended.
    ProviderCall {
        /// Which one.
        method: Method,
        /// How it ended.
        result: CallResult,
        /// Time that it took.
        took: Duration,
    },
    /// A resource in the cloud was not as it had been left.
    Drift {
        /// Its kind.
        kind: &'a str,
    },
    /// So many load balancers are owned and have no Service.
    Orphans {
        /// How many.
        count: usize,
    },
    /// A lane began to run.
    LaneBegan {
        /// What it serves.
        lane: Lane,
        /// Time that its work had waited.
        waited: Duration,
    },
    /// The run of a lane ended.
    LaneEnded {
        /// What it serves.
        lane: Lane,
        /// How it ended.
        result: LaneResult,
        /// Time that it took.
        took: Duration,
    },
    /// A changed node set reached all that it concerns, or was overtaken by a newer one.
    NodePass {
        /// Time since the pass began.
        took: Duration,
    },
    /// This replica leads from now on, or does not any more.
    Leader {
        /// Whether it leads.
        leads: bool,
    },
}

/// A span of work that may fail, with the fields that say so by OpenTelemetry's conventions. The other fields
/// have the conventional names where there are such.
macro_rules! work_span {
    ($level:ident, $name:literal $(, $($fields:tt)+)?) => {
        tracing::span!(
            tracing::Level::$level,
            $name,
            $($($fields)+,)?
            error.type = tracing::field::Empty,
            otel.status_code = tracing::field::Empty,
            otel.status_description = tracing::field::Empty
        )
    };
}
pub(crate) use work_span;

/// A word for a label of a metric.
macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident = $word:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[non_exhaustive]
        pub enum $name {
            $($(#[$variant_doc])* $variant,)+
        }

        impl $name {
            /// The word for it in metrics.
            pub fn word(self) -> &'static str {
                match self {
                    $(Self::$variant => $word,)+
                }
            }
        }
    };
}

words! {
    /// A part of the work on one load balancer.
    Stage {
        /// Looking up what the cloud has that the load balancer needs.
        Resolve = "resolve",
        /// Working out what should be there.
        Build = "build",
        /// Reading what is there.
        Observe = "observe",
        /// Working out what to change.
        Plan = "plan",
        /// Changing it.
        Apply = "apply",
    }
}

words! {
    /// A call of a provider.
    Method {
        /// [`get`](crate::provider::LoadBalancerProvider::get).
        Get = "get",
        /// [`plan`](crate::provider::LoadBalancerProvider::plan).
        Plan = "plan",
        /// [`plan_delete`](crate::provider::LoadBalancerProvider::plan_delete).
        PlanDelete = "plan_delete",
        /// [`ensure`](crate::provider::LoadBalancerProvider::ensure).
        Ensure = "ensure",
        /// [`update_targets`](crate::provider::LoadBalancerProvider::update_targets).
        UpdateTargets = "update_targets",
        /// [`gates`](crate::provider::LoadBalancerProvider::gates).
        Gates = "gates",
        /// [`delete`](crate::provider::LoadBalancerProvider::delete).
        Delete = "delete",
        /// [`survey`](crate::provider::LoadBalancerProvider::survey).
        Survey = "survey",
    }
}

words! {
    /// What a lane serves.
    Lane {
        /// One Service.
        Service = "service",
        /// The targets that all load balancers share.
        Node = "node",
    }
}

words! {
    /// How the run of a lane ended.
    LaneResult {
        /// Nothing is left to do.
        Done = "done",
        /// The cloud is at work.
        Pending = "pending",
        /// It failed and will be tried again.
        Failed = "failed",
        /// It failed, and only a change can mend it.
        Invalid = "invalid",
    }
}

/// How a call of a provider ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum CallResult {
    /// It succeeded.
    Done,
    /// The cloud is at work.
    Pending,
    /// Another controller looks after Services of this kind.
    Elsewhere,
    /// It failed.
    Failed(ErrorKind),
}

impl CallResult {
    /// The word for it in metrics.
    pub fn word(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Pending => "pending",
            Self::Elsewhere => "implemented-elsewhere",
            Self::Failed(kind) => kind.word(),
        }
    }
}

impl Stage {
    fn span(self) -> Span {
        match self {
            Self::Resolve => work_span!(INFO, "resolve"),
            Self::Build => work_span!(INFO, "build"),
            Self::Observe => work_span!(INFO, "observe"),
            Self::Plan => work_span!(INFO, "plan"),
            Self::Apply => work_span!(INFO, "apply"),
        }
    }
}

tokio::task_local! {
    static MEASURE: Arc<dyn Measure>;
}

/// Runs `work` with `measure` as the measure of its task.
pub(crate) async fn measured<T>(measure: Arc<dyn Measure>, work: impl Future<Output = T>) -> T {
    MEASURE.scope(measure, work).await
}

/// Tells the measure of this task, if it has one.
pub(crate) fn note(fact: &Fact<'_>) {
    // Without a measure nobody wants to know.
    let _ = MEASURE.try_with(|measure| measure.note(fact));
}

/// Says in a span made by [`work_span!`] how its work ended, for whoever collects traces.
pub(crate) fn end_span<T>(span: &Span, result: &Result<T>) {
    if let Err(error) = result {
        blame(span, error);
    }
}

/// Says in a span made by [`work_span!`] why its work failed.
pub(crate) fn blame(span: &Span, error: &Error) {
    span.record("error.type", error.kind().word())
        .record("otel.status_code", "ERROR")
        .record("otel.status_description", error.to_string());
}

/// Runs a stage in its span, and notes how long it took.
pub(crate) async fn stage<T>(stage: Stage, work: impl Future<Output = Result<T>>) -> Result<T> {
    let (begin, span) = (Instant::now(), stage.span());
    let result = work.instrument(span.clone()).await;
    end_span(&span, &result);
    note(&Fact::Stage { stage, took: begin.elapsed() });
    result
}

/// The same for a stage that does not wait for anything.
pub(crate) fn pure_stage<T>(stage: Stage, work: impl FnOnce() -> Result<T>) -> Result<T> {
    let (begin, span) = (Instant::now(), stage.span());
    let result = span.in_scope(work);
    end_span(&span, &result);
    note(&Fact::Stage { stage, took: begin.elapsed() });
    result
}

#[cfg(test)]
pub(crate) mod tests {
    use parking_lot::Mutex;

    use super::*;

    /// Keeps every fact as text.
    #[derive(Debug, Default)]
    pub(crate) struct Notes(Mutex<Vec<String>>);

    impl Notes {
        pub(crate) fn take(&self) -> Vec<String> {
            std::mem::take(&mut self.0.lock())
        }
    }

    impl Measure for Notes {
        fn note(&self, fact: &Fact<'_>) {
            self.0.lock().push(format!("{fact:?}"));
        }
    }

    #[tokio::test(start_paused = true)]
    async fn stages_are_told_to_the_measure_of_their_task_only() {
        let notes = Arc::new(Notes::default());
        let sleep = || async {
            tokio::time::sleep(Duration::from_secs(2)).await;
            Ok(())
        };
        measured(Arc::clone(&notes) as _, stage(Stage::Observe, sleep())).await.unwrap();
        stage(Stage::Apply, sleep()).await.unwrap();
        assert_eq!(notes.take(), ["Stage { stage: Observe, took: 2s }"]);
    }
}

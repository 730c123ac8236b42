//! The behaviour that every provider shares, as a suite that each one runs on its own stateful fake.
//!
//! A provider implements [`Worlds`] and [`Harness`] and asserts that [`run_all`] reports no failure. The
//! cases are chosen by the provider's [`Capabilities`](crate::provider::Capabilities). Every module's
//! cases can also be called alone.
//!
//! Not covered by semver: new cases come with any release.

mod drift;
mod faults;
pub mod fixtures;
mod harness;
mod lifecycle;
mod ownership;
mod ports;
mod report;
mod survey;
mod targets;
mod transition;

pub use drift::{changed_settings_are_repaired, removed_resources_are_repaired};
pub use faults::{
    a_cancelled_call_harms_no_other, a_random_walk_ends_well, failed_reads_write_nothing,
    failed_writes_are_reported_and_repaired, unsupported_is_refused,
};
pub use harness::{Calls, Fault, Harness, Pace, Recorder, Worlds};
pub use lifecycle::{
    a_new_service_of_the_same_name_is_another, nothing_is_there_at_first, services_come_and_go_at_once,
    services_do_not_touch_each_other, slow_clouds_are_waited_for, what_is_being_made_can_be_deleted,
};
pub use ownership::{ambiguous_resources_are_refused, foreign_resources_are_left_alone};
pub use report::{Failure, Report, Verdict};
pub use survey::{
    a_survey_finds_every_difference, a_survey_tells_each_service_apart, everything_owned_is_listed,
};
pub use targets::{
    nodes_change_with_few_writes, only_declared_parts_of_nodes_are_used, targets_of_nothing_are_not_found,
};
pub use transition::{Transition, transitions};

/// Runs every case that fits the provider. One failure does not keep the others from running.
pub async fn run_all(worlds: &dyn Worlds) -> Report {
    let mut report = Report::default();
    let capabilities = worlds.make(Pace::Instant).provider().capabilities().clone();
    for transition in transitions(&capabilities) {
        transition.run(worlds, &mut report).await;
    }
    lifecycle::run(worlds, &mut report).await;
    targets::run(worlds, &mut report).await;
    drift::run(worlds, &mut report).await;
    survey::run(worlds, &mut report).await;
    ownership::run(worlds, &mut report).await;
    faults::run(worlds, &mut report).await;
    report
}

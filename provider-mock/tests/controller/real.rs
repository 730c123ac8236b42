//! Tests of the controller on a real API server, where there is one, and on a stand-in for it everywhere: those that
//! need neither faults nor counts of the embedded API, and no paused time.
#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "a helper that fails fails its test")]

use std::time::Duration;

use provider_mock::apiserver::{ApiServer, Resource};

use crate::cluster::work_on;
use crate::envtest::{Access, Assets, Authority, ControlPlane, Https};
use crate::remote::Remote;
use crate::{classes, cleanup, conditions, ensure, errors, lanes, rules, upstream, vanished};

/// How long a control plane may take to start; a real one needs some seconds.
const PATIENCE: Duration = Duration::from_mins(2);

/// Tests by their names.
macro_rules! stories {
    ($($module:ident: $($name:ident),+;)+) => { &[$($((concat!(stringify!($module), "::", stringify!($name)), $module::$name)),+),+] };
}

const STORIES: &[(&str, fn())] = stories! {
    classes:
        sc_61_w_27_a_service_for_which_nothing_was_ever_made_is_let_go_without_a_word_or_call,
        w_26_a_deletion_that_works_is_not_given_up;
    cleanup:
        b006_sc_60_a_changed_type_removes_everything_in_order,
        b007_sc_43_a_deleted_service_goes_after_its_load_balancer,
        f_1_a_class_that_is_newly_set_cleans_up,
        sc_20_what_a_crash_left_undone_is_cleaned_up_at_the_start,
        sc_60_implemented_elsewhere_counts_as_deleted,
        sc_62_sc_84_foreign_finalizers_stay_in_place,
        side_by_side_controllers_with_finalizers_of_their_own,
        w_10_a_class_of_ours_is_served_and_others_are_not,
        w_11_after_a_restart_the_cloud_tells_whose_a_classed_service_with_our_finalizer_is,
        w_8_a_failing_check_does_not_hold_the_deletion_back;
    conditions:
        f_4_w_13_mixed_protocols_are_told_as_kubernetes_does_and_cleared,
        w_4_a_status_wiped_while_its_lane_ends_is_restored_too;
    ensure:
        a_restart_writes_nothing_to_a_service_that_is_as_it_should_be,
        b008_with_the_finalizer_there_is_one_patch,
        b034_sc_50_the_order_of_effects,
        b035_what_the_user_changes_reaches_the_cloud,
        conditions_of_others_are_left_alone,
        sc_50_f_15_without_nodes_it_warns_and_goes_on,
        w_4_a_wiped_status_is_restored_without_a_call_to_the_cloud,
        w_9_a_finalizer_that_was_stripped_is_put_back;
    errors:
        a_service_that_cannot_be_understood_is_told_so_and_not_touched;
    lanes:
        a_task_that_dies_ends_the_controller_with_an_error,
        sc_31_no_more_lanes_run_at_once_than_allowed,
        w_22_a_load_balancer_that_is_stuck_delays_no_other;
    rules:
        t_6_the_finalizer_goes_also_where_the_provider_never_took_the_service;
    upstream:
        b151_a_patch_from_an_older_object_takes_nothing_away;
    vanished:
        a_service_deleted_while_it_is_ensured_is_cleaned_up_after_that,
        b042_w_9_a_service_without_finalizer_that_is_deleted_still_gets_its_cleanup;
};

/// The message of a test that failed on this server.
fn failure(remote: &Remote, (name, test): (&str, fn())) -> Option<String> {
    let remote = remote.clone();
    let told = std::thread::spawn(move || {
        work_on(remote);
        test();
    });
    let panic = told.join().err()?;
    let short = panic.downcast_ref::<&str>().map(|message| (*message).to_owned());
    let message = panic.downcast_ref::<String>().cloned().or(short);
    Some(format!("{name}: {}", message.unwrap_or_default()))
}

#[test]
fn the_controller_works_on_a_real_api_server() {
    let what = format!("{} tests of the controller on a real API server", STORIES.len());
    let Some(assets) = Assets::find(&what).unwrap() else { return };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let plane =
        runtime.block_on(async { ControlPlane::start(&assets, &std::env::temp_dir(), PATIENCE).await });
    let plane = plane.unwrap_or_else(|error| panic!("{error}"));
    let remote = Remote::new(plane.access().clone(), async {});
    let failures = STORIES.iter().filter_map(|story| {
        remote.clear();
        failure(&remote, *story)
    });
    let failures: Vec<String> = failures.collect();
    assert!(failures.is_empty(), "{} of {} failed:\n{}", failures.len(), STORIES.len(), failures.join("\n"));
}

/// An embedded API of its own behind HTTPS.
fn stand_in() -> Remote {
    let authority = Authority::new("cloud-lb tests");
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let access = Access::new(listener.local_addr().unwrap().port(), &authority);
    let server =
        Https::new(ApiServer::new(), &authority.server(&["127.0.0.1"]), authority.der(), &[Access::token()]);
    Remote::new(access, async { server.run(tokio::net::TcpListener::from_std(listener).unwrap()).await })
}

#[test]
fn the_same_tests_work_on_a_stand_in_behind_https() {
    let failures: Vec<String> = std::thread::scope(|scope| {
        let threads: Vec<_> =
            STORIES.iter().map(|story| scope.spawn(|| failure_on_stand_in(*story))).collect();
        threads.into_iter().filter_map(|thread| thread.join().unwrap()).collect()
    });
    assert!(failures.is_empty(), "{} of {} failed:\n{}", failures.len(), STORIES.len(), failures.join("\n"));
}

/// The message of a test that failed there, or that left what cannot be cleared away.
fn failure_on_stand_in(story: (&str, fn())) -> Option<String> {
    let remote = stand_in();
    let failure = failure(&remote, story);
    remote.clear();
    let left =
        [Resource::Services, Resource::Nodes, Resource::Events].map(|resource| remote.list(resource).len());
    failure.or_else(|| (left != [0, 0, 0]).then(|| format!("{}: {left:?} objects are left", story.0)))
}

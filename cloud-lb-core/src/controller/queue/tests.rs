use proptest::prelude::*;

use super::*;
use crate::backoff::Backoff;
use std::time::Duration;

const SECOND: Duration = Duration::from_secs(1);

fn key(name: &str) -> Key {
    Key::Service(super::super::key::ObjectKey { namespace: "default".to_owned(), name: name.to_owned() })
}

fn pace() -> Pace {
    Pace { backoff: Backoff::new(5 * SECOND, 300 * SECOND), recheck: 1800 * SECOND, stretch: 1.0 }
}

fn take(queue: &mut Queue, gate: Gate) -> Option<(Key, Task)> {
    queue.take(gate).map(|taken| (taken.key, taken.task))
}

/// Runs the lane that is next, and tells when the one after it is due.
fn run(queue: &mut Queue, verdict: Verdict, now: Instant) -> Option<Duration> {
    queue.advance(now);
    let (key, _) = take(queue, Gate::Free).expect("a lane is ready");
    queue.finish(&key, verdict, now, &pace());
    queue.next_due().map(|due| due - now)
}

#[tokio::test(start_paused = true)]
async fn sc_34_the_exact_backoff_sequence_and_its_end() {
    let (mut queue, mut now) = (Queue::default(), Instant::now());
    queue.touch(&key("a"), Work::SYNC);
    for seconds in [5, 10, 20, 40, 80, 160, 300, 300] {
        let due = run(&mut queue, Verdict::Failed(Retry::Backoff), now).unwrap();
        assert_eq!(due.as_secs(), seconds);
        queue.advance(now + due - Duration::from_millis(1));
        assert_eq!(take(&mut queue, Gate::Free), None, "not before its time");
        now += due;
    }
    assert_eq!(run(&mut queue, Verdict::Done, now), None);
    queue.touch(&key("a"), Work::SYNC);
    let due = run(&mut queue, Verdict::Failed(Retry::Backoff), now);
    assert_eq!(due, Some(5 * SECOND), "SC-33: a success clears the counter");
}

#[tokio::test(start_paused = true)]
async fn sc_35_only_ordinary_failures_count() {
    let (mut queue, now) = (Queue::default(), Instant::now());
    queue.touch(&key("a"), Work::SYNC);
    let failed_then = |queue: &mut Queue, verdict| {
        let due = run(queue, verdict, now);
        (due.map(|due| due.as_secs()), queue.slots.get(&key("a")).map_or(0, |slot| slot.failures))
    };
    assert_eq!(failed_then(&mut queue, Verdict::Done), (None, 0), "b137");
    for (case, verdict, expected) in [
        ("b139", Verdict::Failed(Retry::After(42 * SECOND)), (Some(42), 0)),
        ("b138", Verdict::Failed(Retry::Backoff), (Some(5), 1)),
        ("waiting", Verdict::Wait(7 * SECOND), (Some(7), 1)),
        ("rechecking", Verdict::Failed(Retry::Never), (Some(1800), 1)),
        ("throttled", Verdict::Throttled(None), (Some(5), 1)),
        ("throttled", Verdict::Throttled(Some(9 * SECOND)), (Some(9), 1)),
        ("again", Verdict::Failed(Retry::Backoff), (Some(10), 2)),
    ] {
        queue.touch(&key("a"), Work::SYNC);
        assert_eq!(failed_then(&mut queue, verdict), expected, "{case}: {verdict:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn sc_30_a_lane_touched_while_it_runs_runs_again_afterwards() {
    let (mut queue, now) = (Queue::default(), Instant::now());
    for work in [Work::TARGETS, Work::SYNC, Work::SYNC] {
        queue.touch(&key("a"), work);
    }
    let (first, work) = take(&mut queue, Gate::Free).unwrap();
    assert_eq!(work, Task::Work(Work::SYNC.and(Work::TARGETS)), "queued once, with all its work");
    assert_eq!(take(&mut queue, Gate::Free), None);
    queue.touch(&key("a"), Work::STATUS);
    assert_eq!(take(&mut queue, Gate::Free), None, "not while it runs");
    assert!(queue.is_running(&key("a")));
    queue.finish(&first, Verdict::Failed(Retry::Backoff), now, &pace());
    assert_eq!(take(&mut queue, Gate::Free), Some((key("a"), Task::Work(Work::STATUS))));
}

#[tokio::test(start_paused = true)]
async fn a_change_is_not_held_back_by_a_retry_but_a_node_is() {
    let (mut queue, now) = (Queue::default(), Instant::now());
    queue.touch(&key("a"), Work::SYNC);
    assert_eq!(run(&mut queue, Verdict::Failed(Retry::Backoff), now), Some(5 * SECOND));
    queue.touch(&key("a"), Work::TARGETS);
    let due = run(&mut queue, Verdict::Done, now);
    assert_eq!(due, Some(5 * SECOND), "targets handed over: the failed sync still waits for its time");
    queue.touch(&key("a"), Work::SYNC);
    assert_eq!(queue.next_due(), None, "the retry is due now");
    assert_eq!(run(&mut queue, Verdict::Done, now), None);
}

#[tokio::test(start_paused = true)]
async fn w_24_what_failed_is_tried_again_as_what_it_was() {
    let (mut queue, now) = (Queue::default(), Instant::now());
    let works = [Work::STATUS, Work::TARGETS, Work::SYNC, Work::TARGETS];
    let again = [Work::STATUS, Work::TARGETS.and(Work::STATUS), Work::SYNC, Work::SYNC.and(Work::TARGETS)];
    for (work, again) in works.into_iter().zip(again) {
        queue.touch(&key("a"), work);
        run(&mut queue, Verdict::Failed(Retry::Backoff), now);
        assert_eq!(queue.slots[&key("a")].retry.map(|retry| retry.work), Some(again), "{work:?}");
    }
    queue.advance(now + 20 * SECOND);
    let retried = take(&mut queue, Gate::Free).unwrap();
    assert_eq!(retried, (key("a"), Task::Work(Work::SYNC.and(Work::TARGETS))), "once");
}

#[tokio::test(start_paused = true)]
async fn w_14_what_only_a_change_can_mend_is_synced_at_a_change_of_nodes() {
    let (mut queue, now) = (Queue::default(), Instant::now());
    for (name, retry) in [("a", Retry::Never), ("b", Retry::Backoff)] {
        queue.touch(&key(name), Work::SYNC);
        run(&mut queue, Verdict::Failed(retry), now);
    }
    queue.touch_blocked();
    assert_eq!(take(&mut queue, Gate::Free), Some((key("a"), Task::Work(Work::SYNC))));
    assert_eq!(take(&mut queue, Gate::Free), None, "the other one has its time");
}

#[tokio::test(start_paused = true)]
async fn w_24_while_the_cloud_is_away_work_stays_and_is_told_of_once() {
    let (mut queue, now) = (Queue::default(), Instant::now());
    for (name, work) in [("sync", Work::SYNC), ("nodes", Work::TARGETS), ("status", Work::STATUS)] {
        queue.touch(&key(name), work);
    }
    assert_eq!(
        take(&mut queue, Gate::Paused),
        Some((key("status"), Task::Work(Work::STATUS))),
        "no call needed"
    );
    assert_eq!(take(&mut queue, Gate::Paused), None, "a pause is not worth telling");
    assert_eq!(take(&mut queue, Gate::Broken), Some((key("sync"), Task::Hold)));
    queue.finish(&key("sync"), Verdict::Done, now, &pace());
    assert_eq!(take(&mut queue, Gate::Broken), None);
    let retried = take(&mut queue, Gate::Probe);
    assert_eq!(retried, Some((key("sync"), Task::Work(Work::SYNC))), "it is still to be done");
    assert_eq!(take(&mut queue, Gate::Free), Some((key("nodes"), Task::Work(Work::TARGETS))));
    queue.finish(&key("sync"), Verdict::Failed(Retry::Backoff), now, &pace());
    queue.advance(now + 5 * SECOND);
    assert_eq!(take(&mut queue, Gate::Broken), Some((key("sync"), Task::Hold)), "a new absence, told anew");
}

#[tokio::test(start_paused = true)]
async fn w_3_changes_go_before_nodes_and_nodes_before_drift_but_nothing_starves() {
    let mut queue = Queue::default();
    for (name, work) in [("d", Work::DRIFT), ("n", Work::TARGETS), ("both", Work::DRIFT), ("s", Work::SYNC)] {
        queue.touch(&key(name), work);
    }
    queue.touch(&key("both"), Work::STATUS);
    let order: Vec<Key> = std::iter::from_fn(|| take(&mut queue, Gate::Free)).map(|(key, _)| key).collect();
    assert_eq!(order, ["s", "both", "n", "d"].map(key), "the work that came later moved it up");
    let mut queue = Queue::default();
    queue.touch(&key("d"), Work::DRIFT);
    let waited = (0..100).find(|index| {
        queue.touch(&key(&format!("s{index}")), Work::SYNC);
        take(&mut queue, Gate::Free).is_some_and(|(taken, _)| taken == key("d"))
    });
    assert_eq!(waited, Some(7), "every eighth goes to who comes last");
}

#[tokio::test(start_paused = true)]
async fn w_5_drift_does_not_speed_up_a_failing_sync() {
    let (mut queue, now) = (Queue::default(), Instant::now());
    queue.touch(&key("a"), Work::SYNC);
    run(&mut queue, Verdict::Failed(Retry::Backoff), now);
    queue.touch(&key("a"), Work::DRIFT);
    assert_eq!((take(&mut queue, Gate::Free), queue.next_due()), (None, Some(now + 5 * SECOND)));
}

#[tokio::test(start_paused = true)]
async fn w_12_lanes_without_work_are_forgotten() {
    let (mut queue, now) = (Queue::default(), Instant::now());
    for index in 0..1000 {
        queue.touch(&key(&index.to_string()), Work::SYNC);
        run(&mut queue, Verdict::Done, now);
    }
    assert!(queue.slots.is_empty() && queue.ready.is_empty() && queue.retries.is_empty());
}

#[derive(Debug, Clone)]
enum Step {
    Touch(u8, bool),
    Take,
    Finish(u8, u8),
    Pass(u16),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        (0..4_u8, any::<bool>()).prop_map(|(lane, sync)| Step::Touch(lane, sync)),
        Just(Step::Take),
        (0..4_u8, 0..4_u8).prop_map(|(lane, verdict)| Step::Finish(lane, verdict)),
        (0..400_u16).prop_map(Step::Pass),
    ]
}

proptest! {
    /// W-2: whatever happens, a lane never runs twice at a time, and no work is lost.
    #[test]
    fn lanes_never_overlap_and_lose_nothing(steps in prop::collection::vec(step(), 1..200)) {
        let runtime = tokio::runtime::Builder::new_current_thread().start_paused(true).enable_time().build();
        let mut now = runtime.unwrap().block_on(async { Instant::now() });
        let mut queue = Queue::default();
        let mut running = BTreeSet::new();
        let mut owed = BTreeSet::new();
        let verdicts = [
            Verdict::Done,
            Verdict::Wait(SECOND),
            Verdict::Failed(Retry::Backoff),
            Verdict::Failed(Retry::Never),
        ];
        for step in steps {
            match step {
                Step::Touch(lane, sync) => {
                    queue.touch(&key(&lane.to_string()), if sync { Work::SYNC } else { Work::TARGETS });
                    owed.insert(key(&lane.to_string()));
                }
                Step::Take => if let Some((lane, work)) = take(&mut queue, Gate::Free) {
                    prop_assert_ne!(work, Task::Work(Work::NONE));
                    owed.remove(&lane);
                    prop_assert!(running.insert(lane), "two runs of one lane");
                },
                Step::Finish(lane, verdict) => {
                    let lane = key(&lane.to_string());
                    if running.remove(&lane) {
                        queue.finish(&lane, verdicts[usize::from(verdict)], now, &pace());
                    }
                }
                Step::Pass(seconds) => {
                    now += SECOND * u32::from(seconds);
                    queue.advance(now);
                }
            }
            for lane in &owed {
                let slot = &queue.slots[lane];
                prop_assert!(slot.work != Work::NONE && slot.stage != Stage::Idle, "work was lost");
            }
            let planned: BTreeSet<(Instant, Key)> = queue
                .slots
                .iter()
                .filter_map(|(lane, slot)| slot.retry.map(|retry| (retry.due, lane.clone())))
                .collect();
            prop_assert_eq!(&planned, &queue.retries);
        }
    }
}

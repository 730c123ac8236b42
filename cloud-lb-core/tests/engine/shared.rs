use std::future::Future;
use std::time::Duration;

use cloud_lb_core::deadline::within;
use cloud_lb_core::error::Effect;
use cloud_lb_core::graph::{Graph, Resource};
use cloud_lb_core::model::Status;
use cloud_lb_core::provider::{Ensured, LoadBalancerProvider, Outcome, Standing};
use cloud_lb_core::{Error, ErrorKind, Result};
use futures::future::join_all;

use crate::backend::{ToyEngine, engine, lb, service};
use crate::toy::{Toy, graph, key};

const UIDS: [&str; 8] = ["a", "b", "c", "d", "e", "f", "g", "h"];

/// A rule of its own behind something that all share.
fn behind_shared(uid: &str, shared: Toy) -> Graph<Toy> {
    graph([
        (key("Shared"), Resource::shared(shared)),
        (key("Rule"), Resource::owned(Toy::of(uid).refers(&key("Shared")))),
    ])
}

/// A rule that is part of a box that all share, and of a pool in it.
fn in_box(uid: &str) -> Graph<Toy> {
    graph([
        (key("Box"), Resource::shared(Toy::of("")).in_container(&key("Box"))),
        (key("Pool"), Resource::shared(Toy::of("")).in_container(&key("Box"))),
        (key("Rule"), Resource::owned(Toy::of(uid).refers(&key("Pool"))).in_container(&key("Box"))),
    ])
}

fn all(wanted: impl Fn(&str) -> Graph<Toy>) -> ToyEngine {
    engine(UIDS.map(|uid| (uid, wanted(uid))))
}

fn ensure(engine: &ToyEngine, uid: &'static str) -> impl Future<Output = Result<Ensured>> + use<> {
    let engine = engine.clone();
    async move { engine.ensure(&lb(uid)).await }
}

fn delete(engine: &ToyEngine, uid: &'static str) -> impl Future<Output = Result<Outcome>> + use<> {
    let engine = engine.clone();
    async move { engine.delete(&service(uid)).await }
}

/// Lets every other task run until it waits.
async fn settle() {
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
}

fn assert_all_ready(results: Vec<Result<Ensured>>) {
    for result in results {
        assert!(matches!(result, Ok(Ensured { standing: Standing::Ready(_), .. })));
    }
}

fn assert_all_gone(outcomes: Vec<Result<Outcome>>) {
    for outcome in outcomes {
        assert!(matches!(outcome, Ok(Outcome::Done)));
    }
}

fn count(engine: &ToyEngine, kind: &'static str) -> usize {
    engine.backend().world.lock().items.iter().filter(|item| item.key.kind == kind).count()
}

#[tokio::test]
async fn what_all_create_alike_is_created_once() {
    let engine = all(|uid| behind_shared(uid, Toy::of("")));
    assert_all_ready(join_all(UIDS.map(|uid| ensure(&engine, uid))).await);
    assert_eq!((count(&engine, "Shared"), count(&engine, "Rule")), (1, UIDS.len()));
    let writes = engine.backend().take_writes();
    assert_eq!(writes.iter().filter(|write| *write == "create Shared").count(), 1, "{writes:?}");
}

#[tokio::test]
async fn a_plan_is_made_anew_when_what_it_shares_was_changed() {
    let engine = engine([
        ("a", behind_shared("a", Toy::of("").value(1))),
        ("b", behind_shared("b", Toy::of("").value(2))),
    ]);
    assert_all_ready(join_all(["a", "b"].map(|uid| ensure(&engine, uid))).await);
    let writes = engine.backend().take_writes();
    assert_eq!(writes.iter().filter(|write| *write == "create Shared").count(), 1, "{writes:?}");
    assert_eq!(writes.iter().filter(|write| *write == "update Shared").count(), 1, "{writes:?}");
    assert_eq!(count(&engine, "Shared"), 1);
}

#[tokio::test]
async fn a_writer_that_is_cancelled_makes_other_plans_stale() {
    let engine = all(|uid| behind_shared(uid, Toy::of("")));
    engine.backend().pause();
    let cancelled = tokio::spawn(ensure(&engine, "a"));
    let other = tokio::spawn(ensure(&engine, "b"));
    settle().await;
    cancelled.abort();
    // The cloud had received the request.
    let step = created_shared(&engine);
    engine.backend().world.lock().apply(&step).unwrap();
    engine.backend().resume();
    assert_all_ready(vec![other.await.unwrap()]);
    assert_eq!(count(&engine, "Shared"), 1);
}

fn created_shared(engine: &ToyEngine) -> cloud_lb_core::plan::Step<Toy> {
    let want = behind_shared("a", Toy::of(""));
    let have = engine.backend().world.lock().observe("a");
    cloud_lb_core::plan::plan(&want, &have, crate::toy::change).unwrap().steps.remove(0)
}

#[tokio::test]
async fn parts_of_many_services_go_into_one_write() {
    let engine = all(in_box);
    engine.ensure(&lb("a")).await.unwrap();
    engine.backend().take_writes();
    engine.backend().pause();
    let running: Vec<_> = UIDS[1..].iter().map(|uid| tokio::spawn(ensure(&engine, uid))).collect();
    settle().await;
    engine.backend().resume();
    let outcomes = join_all(running).await.into_iter().map(|outcome| outcome.unwrap());
    assert_all_ready(outcomes.collect());
    assert_eq!(engine.backend().take_writes(), ["create Rule".to_owned(), ["create Rule"; 6].join(", ")]);
    assert_eq!(count(&engine, "Rule"), UIDS.len());
}

#[tokio::test]
async fn one_bad_request_of_a_folded_write_fails_alone() {
    let engine = all(in_box);
    engine.ensure(&lb("a")).await.unwrap();
    engine.backend().pause();
    let running: Vec<_> = ["b", "c", "d"].iter().map(|uid| tokio::spawn(ensure(&engine, uid))).collect();
    settle().await;
    // "b" passes; the write of "c" and "d" is refused as a whole, then that of "c" by itself.
    let quota = || Some(Error::new(ErrorKind::Quota, "no more rules"));
    engine.backend().answer([None, quota(), quota()]);
    engine.backend().resume();
    let [b, c, d] = join_all(running).await.try_into().unwrap();
    assert_all_ready(vec![b.unwrap(), d.unwrap()]);
    assert_eq!(c.unwrap().unwrap_err().kind(), ErrorKind::Quota);
    assert_eq!(ensure(&engine, "c").await.unwrap().standing, Standing::Ready(Status::default()));
}

#[tokio::test]
async fn a_folded_write_that_throttles_is_not_repeated_for_each() {
    let engine = all(in_box);
    engine.ensure(&lb("a")).await.unwrap();
    engine.backend().take_writes();
    engine.backend().pause();
    let running: Vec<_> = ["b", "c", "d"].iter().map(|uid| tokio::spawn(ensure(&engine, uid))).collect();
    settle().await;
    engine.backend().answer([None, Some(Error::new(ErrorKind::Throttled, "slow down"))]);
    engine.backend().resume();
    let [_, c, d] = join_all(running).await.try_into().unwrap();
    for outcome in [c, d] {
        assert_eq!(outcome.unwrap().unwrap_err().kind(), ErrorKind::Throttled);
    }
    assert_eq!(engine.backend().take_writes().len(), 2);
}

#[tokio::test]
async fn who_was_folded_into_a_cancelled_write_does_not_know_its_effect() {
    let engine = all(in_box);
    engine.ensure(&lb("a")).await.unwrap();
    engine.backend().pause();
    let first = tokio::spawn(ensure(&engine, "b"));
    settle().await;
    let writer = tokio::spawn(ensure(&engine, "c"));
    settle().await;
    let folded = tokio::spawn(ensure(&engine, "d"));
    settle().await;
    engine.backend().gate.add_permits(1);
    assert_all_ready(vec![first.await.unwrap()]);
    settle().await;
    writer.abort();
    settle().await;
    let error = folded.await.unwrap().unwrap_err();
    assert_eq!((error.kind(), error.effect()), (ErrorKind::Unavailable, Effect::Unknown));
    engine.backend().resume();
    assert_all_ready(join_all(["c", "d"].map(|uid| ensure(&engine, uid))).await);
    assert_eq!(count(&engine, "Rule"), 4);
}

#[tokio::test]
async fn deletes_that_overlap_do_not_leak_what_they_share() {
    for wanted in [in_box as fn(&str) -> _, |uid: &str| behind_shared(uid, Toy::of(""))] {
        let engine = all(wanted);
        assert_all_ready(join_all(UIDS.map(|uid| ensure(&engine, uid))).await);
        assert_all_gone(join_all(UIDS.map(|uid| delete(&engine, uid))).await);
        assert!(engine.backend().world.lock().items.is_empty(), "{:?}", engine.backend().world);
    }
}

#[tokio::test]
async fn the_last_user_goes_while_a_new_one_comes() {
    for wanted in [in_box as fn(&str) -> _, |uid: &str| behind_shared(uid, Toy::of(""))] {
        let engine = all(wanted);
        ensure(&engine, "a").await.unwrap();
        let (gone, come) = tokio::join!(delete(&engine, "a"), ensure(&engine, "b"));
        // Whoever was too early or too late waits, and gets there when called again.
        gone.unwrap();
        come.unwrap();
        assert_all_ready(vec![ensure(&engine, "b").await]);
        assert_all_gone(vec![delete(&engine, "a").await]);
        assert_eq!(count(&engine, "Rule"), 1);
        assert_all_gone(vec![delete(&engine, "b").await]);
        assert!(engine.backend().world.lock().items.is_empty());
    }
}

#[tokio::test]
async fn what_the_cloud_still_uses_is_not_forgotten() {
    let engine = all(|uid| behind_shared(uid, Toy::of("")));
    ensure(&engine, "a").await.unwrap();
    engine.backend().answer([None, Some(Error::new(ErrorKind::InUse, "an interface uses it"))]);
    let Outcome::Pending(pending) = delete(&engine, "a").await.unwrap() else { panic!("must wait") };
    assert_eq!(pending.reason, "Shared/x is still in use");
    assert_all_gone(vec![delete(&engine, "a").await]);
    assert_eq!(count(&engine, "Shared"), 0);
}

/// Whoever writes may wait for a limit of calls, which does not count; that others wait for the writer does not either.
#[tokio::test(start_paused = true)]
async fn who_waits_for_another_writer_is_not_without_an_answer() {
    const LIMIT: Duration = Duration::from_secs(10);
    let behind: fn(&str) -> Graph<Toy> = |uid| behind_shared(uid, Toy::of(""));
    for wanted in [behind, in_box] {
        let engine = all(wanted);
        engine.backend().pause();
        let running = UIDS.map(|uid| {
            // The first one is the writer, and has a deadline of its own.
            let limit = if uid == UIDS[0] { LIMIT * 100 } else { LIMIT };
            tokio::spawn(within(limit, ensure(&engine, uid)))
        });
        tokio::time::sleep(LIMIT * 10).await;
        engine.backend().resume();
        let results = join_all(running).await.into_iter().map(|result| result.unwrap());
        assert_all_ready(results.map(|result| result.expect("it is in time")).collect());
    }
}

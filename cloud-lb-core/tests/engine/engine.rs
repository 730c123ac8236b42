use std::sync::Arc;

use cloud_lb_core::backend::Backend;
use cloud_lb_core::engine::{Engine, StepObserver};
use cloud_lb_core::error::Effect;
use cloud_lb_core::graph::{Graph, Resource};
use cloud_lb_core::model::Status;
use cloud_lb_core::plan::StepReport;
use cloud_lb_core::provider::{LoadBalancerProvider, Outcome, Standing, State, TargetUpdate};
use cloud_lb_core::{Error, ErrorKind};
use parking_lot::Mutex;

use crate::backend::{engine, lb, pending, service};
use crate::toy::{Toy, chain, graph, key};

fn done() -> Standing {
    Standing::Ready(Status::default())
}

#[tokio::test]
async fn ensure_does_what_plan_says_and_nothing_the_second_time() {
    let engine = engine([("a", chain(Toy::of("a")))]);
    let planned = engine.plan(&lb("a")).await.unwrap();
    assert_eq!(engine.backend().take_writes(), [""; 0], "a plan writes nothing");
    assert_eq!(engine.ensure(&lb("a")).await.unwrap().standing, done());
    let steps: Vec<String> = planned.steps.iter().map(|step| format!("{} {}", step.op, step.kind)).collect();
    assert_eq!(engine.backend().take_writes(), steps);
    assert_eq!(engine.ensure(&lb("a")).await.unwrap().standing, done());
    assert_eq!(engine.backend().take_writes(), [""; 0]);
    assert_eq!(engine.get(&service("a")).await.unwrap(), State::Ready(Status::default()));
}

#[tokio::test]
async fn delete_leaves_nothing_and_of_nothing_succeeds() {
    let engine = engine([("a", chain(Toy::of("a")))]);
    engine.ensure(&lb("a")).await.unwrap();
    assert_eq!(engine.plan_delete(&service("a")).await.unwrap().steps.len(), 3);
    for _ in 0..2 {
        assert_eq!(engine.delete(&service("a")).await.unwrap(), Outcome::Done);
        assert!(engine.backend().world.lock().items.is_empty());
    }
    assert_eq!(engine.get(&service("a")).await.unwrap(), State::Absent);
}

#[tokio::test]
async fn a_failed_step_ends_the_run_and_the_next_run_goes_on() {
    for effect in [Effect::None, Effect::Unknown] {
        for passed in 0..3 {
            let engine = engine([("a", chain(Toy::of("a")))]);
            let fault = Error::new(ErrorKind::Unavailable, "is down").with_effect(effect);
            engine.backend().answer(std::iter::repeat_n(None, passed).chain([Some(fault)]));
            let error = engine.ensure(&lb("a")).await.unwrap_err();
            assert_eq!((error.kind(), error.effect()), (ErrorKind::Unavailable, effect));
            assert_eq!(engine.backend().take_writes().len(), passed + 1, "nothing is tried after a failure");
            assert_eq!(engine.ensure(&lb("a")).await.unwrap().standing, done());
            assert_eq!(engine.backend().world.lock().items.len(), 3);
        }
    }
}

#[tokio::test]
async fn steps_that_need_nothing_from_a_slow_one_go_on() {
    let mut want = chain(Toy::of("a"));
    want.add(key("Address"), Resource::owned(Toy::of("a"))).unwrap();
    let engine = engine([("a", want)]);
    engine.backend().slow.lock().insert("Front");
    assert_eq!(engine.ensure(&lb("a")).await.unwrap().standing, Standing::Pending(pending()));
    assert_eq!(
        engine.backend().take_writes(),
        ["create Address", "create Pool", "create Front"],
        "the rule needs the id of the front"
    );
    engine.backend().slow.lock().clear();
    assert_eq!(engine.ensure(&lb("a")).await.unwrap().standing, done());
    assert_eq!(engine.backend().take_writes(), ["create Rule"]);
}

#[tokio::test]
async fn what_is_in_use_by_something_on_its_way_out_is_waited_for() {
    let engine = engine([("a", chain(Toy::of("a")))]);
    engine.ensure(&lb("a")).await.unwrap();
    engine.backend().slow.lock().insert("Rule");
    let in_use = Error::new(ErrorKind::InUse, "is in use");
    engine.backend().answer([None, Some(in_use)]);
    assert_eq!(engine.delete(&service("a")).await.unwrap(), Outcome::Pending(pending()));
    engine.backend().slow.lock().clear();
    assert_eq!(engine.delete(&service("a")).await.unwrap(), Outcome::Done);
    assert!(engine.backend().world.lock().items.is_empty());
}

#[tokio::test]
async fn leftovers_that_go_slowly_do_not_hold_back_the_status() {
    let mut with_extra = chain(Toy::of("a"));
    with_extra.add(key("Address"), Resource::owned(Toy::of("a"))).unwrap();
    let engine = engine([("a", with_extra)]);
    let Standing::Ready(status) = engine.ensure(&lb("a")).await.unwrap().standing else {
        panic!("nothing to wait for")
    };
    engine.backend().wanted.lock().insert("a".to_owned(), chain(Toy::of("a")));
    engine.backend().slow.lock().insert("Address");
    assert_eq!(engine.ensure(&lb("a")).await.unwrap().standing, Standing::Tidying(status, pending()));
    engine.backend().slow.lock().clear();
    assert_eq!(engine.ensure(&lb("a")).await.unwrap().standing, done());
    assert!(engine.backend().world.lock().items.iter().all(|item| item.key != key("Address")));
}

#[tokio::test]
async fn what_is_in_use_for_no_known_reason_is_an_error() {
    let engine = engine([("a", chain(Toy::of("a")))]);
    engine.ensure(&lb("a")).await.unwrap();
    engine.backend().answer([Some(Error::new(ErrorKind::InUse, "is in use"))]);
    assert_eq!(engine.delete(&service("a")).await.unwrap_err().kind(), ErrorKind::InUse);
}

#[tokio::test]
async fn targets_are_updated_and_nothing_else_t_4() {
    let with = |value| {
        graph([
            (key("Targets"), Resource::owned(Toy::of("a").targets().value(value))),
            (key("Other"), Resource::owned(Toy::of("a").value(value))),
        ])
    };
    let engine = engine([("a", with(0))]);
    let update = lb("a");
    let update = TargetUpdate::LoadBalancer(&update);
    assert_eq!(engine.update_targets(update).await.unwrap_err().kind(), ErrorKind::NotFound);
    engine.ensure(&lb("a")).await.unwrap();
    engine.backend().want("a", with(1));
    engine.backend().take_writes();
    assert_eq!(engine.update_targets(update).await.unwrap(), Outcome::Done);
    assert_eq!(engine.backend().take_writes(), ["update Targets"]);
    let cluster = engine.update_targets(TargetUpdate::Cluster(&[])).await;
    assert_eq!(cluster.unwrap_err().kind(), ErrorKind::Unsupported);
}

#[tokio::test]
async fn services_of_others_are_left_to_them_t_3() {
    let engine = engine([("a", chain(Toy::of("a")))]);
    let mut theirs = lb("a");
    theirs.class = Some("theirs".to_owned());
    assert_eq!(engine.ensure(&theirs).await.unwrap().standing, Standing::ImplementedElsewhere);
    assert_eq!(engine.backend().take_writes(), [""; 0]);
}

#[tokio::test]
async fn unsupported_wishes_are_refused_before_any_write() {
    let engine = engine([("a", chain(Toy::of("a")))]);
    let mut wish = lb("a");
    wish.families.push(cloud_lb_core::model::IpFamily::V6);
    wish.requested_address = Some([192, 0, 2, 1].into());
    let error = engine.ensure(&wish).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    for field in ["spec.ipFamilies", "spec.loadBalancerIP"] {
        assert!(error.to_string().contains(field), "{error}");
        assert!(error.violations().iter().any(|violation| violation.field == field), "{error}");
    }
    assert_eq!(engine.backend().take_writes(), [""; 0]);
}

#[derive(Debug, Default)]
struct Watch(Mutex<Vec<String>>);

impl StepObserver for Watch {
    fn started(&self, subject: &str, step: &StepReport) {
        self.0.lock().push(format!("{subject}: {} {}", step.op, step.key));
    }

    fn finished(&self, _: &str, step: &StepReport, error: Option<&Error>) {
        let result = error.map_or("ok".to_owned(), ToString::to_string);
        self.0.lock().push(format!("{}: {result}", step.key));
    }
}

#[tokio::test]
async fn an_observer_is_told_of_every_step() {
    let watch = Arc::new(Watch::default());
    let toys = Arc::into_inner(engine([("a", chain(Toy::of("a")))])).unwrap().with_observer(watch.clone());
    assert_eq!(Engine::backend(&toys).name(), "toys");
    toys.backend().answer([None, Some(Error::new(ErrorKind::Quota, "no more fronts"))]);
    toys.ensure(&lb("a")).await.unwrap_err();
    assert_eq!(
        *watch.0.lock(),
        ["default/a: create Pool/x", "Pool/x: ok", "default/a: create Front/x", "Front/x: no more fronts"]
    );
}

#[tokio::test]
async fn an_update_keeps_what_it_does_not_change() {
    let engine = engine([("a", chain(Toy::of("a")))]);
    engine.ensure(&lb("a")).await.unwrap();
    engine.backend().want("a", chain(Toy::of("a").value(3)));
    assert_eq!(engine.ensure(&lb("a")).await.unwrap().standing, done());
    let world = engine.backend().world.lock().clone();
    assert_eq!(world.items[0].spec.value, 3);
    assert_eq!(world.items[0].id, "Pool-1");
    assert_eq!(Graph::<Toy>::new().iter().count(), 0);
}

/// A rule behind a pool, both parts of one box.
fn in_one_box(pool: Toy) -> Graph<Toy> {
    let container = key("Box");
    graph([
        (key("Box"), Resource::shared(Toy::of("")).in_container(&container)),
        (key("Pool"), Resource::owned(pool).in_container(&container)),
        (key("Rule"), Resource::owned(Toy::of("a").refers(&key("Pool"))).in_container(&container)),
    ])
}

#[tokio::test]
async fn within_one_write_references_mean_the_new_resource() {
    let engine = engine([("a", in_one_box(Toy::of("a")))]);
    engine.ensure(&lb("a")).await.unwrap();
    engine.backend().want("a", in_one_box(Toy::of("a").generation(1)));
    assert_eq!(engine.ensure(&lb("a")).await.unwrap().standing, done());
    assert_eq!(
        engine.backend().take_writes(),
        ["create Box, create Pool, create Rule", "create Pool, update Rule, delete Pool"]
    );
    assert!(engine.plan(&lb("a")).await.unwrap().is_empty());
    assert_eq!(engine.delete(&service("a")).await.unwrap(), Outcome::Done);
    assert_eq!(engine.backend().take_writes(), ["delete Rule, delete Pool, delete Box"]);
    assert!(engine.backend().world.lock().items.is_empty());
}

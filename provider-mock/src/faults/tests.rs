use super::*;

const FAIL: Fault = Fault::Fail(ErrorKind::Unavailable);

fn struck(faults: &Faults, calls: &[(&str, Access)]) -> Vec<usize> {
    let strikes =
        calls.iter().enumerate().filter(|(_, (operation, access))| faults.next(operation, *access).is_some());
    strikes.map(|(index, _)| index).collect()
}

#[test]
fn the_nth_matching_call_fails_once() {
    let cases = [
        (CallMatch::Any, 2, vec![1]),
        (CallMatch::Access(Access::Write), 2, vec![3]),
        (CallMatch::Operation("ListA".into()), 2, vec![2]),
        (CallMatch::Operation("ListB".into()), 1, vec![]),
    ];
    let calls = [
        ("ListA", Access::Read),
        ("CreateA", Access::Write),
        ("ListA", Access::Read),
        ("CreateB", Access::Write),
    ];
    for (calls_match, nth, expected) in cases {
        let faults = Faults::default();
        faults.on_nth(nth, calls_match.clone(), FAIL);
        assert_eq!(struck(&faults, &calls), expected, "{calls_match:?}");
    }
}

#[test]
fn two_faults_for_one_call_strike_one_after_the_other() {
    let faults = Faults::default();
    faults.on_nth(1, CallMatch::Any, FAIL);
    faults.on_nth(1, CallMatch::Any, Fault::Drop);
    let calls = [("A", Access::Read); 3];
    assert_eq!(struck(&faults, &calls), [0, 1]);
    assert_eq!(faults.injected().iter().map(|one| one.fault).collect::<Vec<_>>(), [FAIL, Fault::Drop]);
}

#[test]
fn after_a_crash_nothing_works_until_it_is_cleared() {
    let faults = Faults::default();
    faults.crash_after_writes(1);
    let calls = [
        ("List", Access::Read),
        ("Create", Access::Write),
        ("List", Access::Read),
        ("Create", Access::Write),
    ];
    assert_eq!(struck(&faults, &calls), [2, 3]);
    assert!(faults.has_crashed());
    faults.clear();
    assert_eq!(struck(&faults, &calls), Vec::<usize>::new());
}

#[test]
fn random_faults_repeat_with_their_seed() {
    let run = |seed| {
        let faults = Faults::default();
        faults.randomly(
            seed,
            0.3,
            vec![FAIL, Fault::DropAfterWork, Fault::FailAfterWork(ErrorKind::Timeout)],
        );
        struck(&faults, &[("A", Access::Write); 200]);
        faults.injected()
    };
    assert_eq!(run(7), run(7));
    assert_ne!(run(7), run(8));
    assert!((30..90).contains(&run(7).len()), "{}", run(7).len());
}

#[tokio::test]
async fn a_failure_after_the_work_has_an_unknown_effect() {
    let effect = |fault: Fault| async move { fault.answer::<()>().await.unwrap_err().effect() };
    assert_eq!(effect(FAIL).await, Effect::None);
    assert_eq!(effect(Fault::Fail(ErrorKind::Timeout)).await, Effect::Unknown);
    assert_eq!(effect(Fault::FailAfterWork(ErrorKind::Unavailable)).await, Effect::Unknown);
}

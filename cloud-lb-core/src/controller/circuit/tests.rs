use super::*;
use crate::controller::key::ObjectKey;
use crate::error::Error;

const SECOND: Duration = Duration::from_secs(1);

fn key(number: usize) -> Key {
    Key::Service(ObjectKey { namespace: "default".to_owned(), name: number.to_string() })
}

fn limits(lanes: usize, delay: Backoff) -> Limits {
    Limits { lanes, delay, pause: Backoff::new(SECOND, 60 * SECOND) }
}

fn circuit() -> Circuit {
    Circuit::new(limits(3, Backoff::new(15 * SECOND, 300 * SECOND)))
}

fn opened(now: Instant) -> Circuit {
    let mut circuit = circuit();
    for number in 0..3 {
        circuit.note(&key(number), Sign::Silent, now);
    }
    circuit
}

#[tokio::test(start_paused = true)]
async fn w_24_it_opens_when_calls_of_several_lanes_fail_in_a_row() {
    use Sign::{Answers, Silent};
    let cases: [(&[(usize, Sign)], Gate); 6] = [
        (&[], Gate::Free),
        (&[(1, Silent), (2, Silent)], Gate::Free),
        (&[(1, Silent), (1, Silent), (1, Silent), (1, Silent)], Gate::Free),
        (&[(1, Silent), (2, Silent), (9, Answers), (3, Silent)], Gate::Free),
        (&[(1, Silent), (2, Silent), (3, Silent)], Gate::Broken),
        (&[(1, Silent), (2, Silent), (3, Silent), (4, Silent), (9, Answers)], Gate::Free),
    ];
    let now = Instant::now();
    for (signs, gate) in cases {
        let mut circuit = circuit();
        for (number, sign) in signs {
            circuit.note(&key(*number), *sign, now);
        }
        assert_eq!(circuit.gate(now), gate, "{signs:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn w_24_one_probe_at_a_time_later_and_later_and_its_answer_closes() {
    let mut now = Instant::now();
    let mut circuit = opened(now);
    for seconds in [15, 30, 60, 120, 240, 300, 300] {
        assert_eq!(circuit.due(now), Some(now + seconds * SECOND));
        assert_eq!(circuit.gate(now + (seconds - 1) * SECOND), Gate::Broken);
        now += seconds * SECOND;
        assert_eq!(circuit.gate(now), Gate::Probe);
        circuit.probe(&key(7));
        assert_eq!((circuit.gate(now), circuit.due(now)), (Gate::Broken, None), "while it runs");
        assert_eq!(circuit.note(&key(8), Sign::Silent, now), None, "a call from before decides nothing");
        assert_eq!(circuit.note(&key(7), Sign::Silent, now), None, "told once");
        circuit.end(&key(7), now);
    }
    circuit.probe(&key(7));
    assert_eq!(circuit.note(&key(7), Sign::Answers, now), Some(Turn::Closed));
    assert_eq!(circuit.note(&key(7), Sign::Answers, now), None);
    assert_eq!(circuit.gate(now), Gate::Free);
    let told = (0..3).find_map(|number| circuit.note(&key(number), Sign::Silent, now));
    assert_eq!(told, Some(Turn::Opened(15 * SECOND)), "the delay starts anew");
}

#[tokio::test(start_paused = true)]
async fn w_24_a_probe_that_asked_nothing_makes_room_for_another() {
    let now = Instant::now() + 15 * SECOND;
    let mut circuit = opened(now - 15 * SECOND);
    circuit.probe(&key(7));
    circuit.end(&key(8), now);
    assert_eq!(circuit.gate(now), Gate::Broken);
    circuit.end(&key(7), now);
    assert_eq!(circuit.gate(now), Gate::Probe);
}

#[tokio::test(start_paused = true)]
async fn w_14_a_refusal_pauses_all_lanes_and_halves_their_number() {
    let start = Instant::now();
    let mut circuit = circuit();
    for number in 0..5 {
        circuit.note(&key(number), Sign::Throttles(None), start);
    }
    assert_eq!(
        (circuit.gate(start), circuit.lanes(10)),
        (Gate::Paused, 5),
        "one overload, however many calls"
    );
    let mut now = start + SECOND;
    assert_eq!(circuit.gate(now), Gate::Free);
    circuit.note(&key(0), Sign::Throttles(None), now);
    assert_eq!(
        (circuit.due(now), circuit.lanes(10)),
        (Some(now + 2 * SECOND), 2),
        "again: longer, and fewer"
    );
    circuit.note(&key(0), Sign::Throttles(Some(42 * SECOND)), now);
    assert_eq!(circuit.due(now), Some(now + 42 * SECOND), "as the cloud says");
    now += 42 * SECOND;
    for _ in 0..15 {
        circuit.note(&key(0), Sign::Answers, now);
    }
    assert_eq!((circuit.gate(now), circuit.lanes(10)), (Gate::Free, 10));
    circuit.note(&key(0), Sign::Throttles(None), now);
    assert_eq!(circuit.due(now), Some(now + SECOND), "answers shorten the next pause");
    let mut greedy = Circuit::new(limits(0, Backoff::new(SECOND, SECOND)));
    let mut pauses = Vec::new();
    for _ in 0..4 {
        greedy.note(&key(0), Sign::Throttles(Some(SECOND / 10)), now);
        pauses.push(greedy.due(now).unwrap() - now);
        now = greedy.due(now).unwrap();
    }
    assert_eq!(
        pauses,
        [SECOND, 2 * SECOND, 4 * SECOND, 8 * SECOND],
        "the time of one call is not that of many"
    );
    let mut worst = Circuit::new(limits(0, Backoff::new(SECOND, SECOND)));
    for seconds in 0..100 {
        worst.note(&key(0), Sign::Throttles(None), now + 100 * seconds * SECOND);
        worst.note(&key(seconds as usize), Sign::Silent, now);
    }
    assert_eq!(worst.lanes(10), 1, "never none");
    assert_eq!(worst.gate(now + 20_000 * SECOND), Gate::Free, "0 lanes: it never opens");
}

#[test]
fn which_results_tell_of_the_cloud() {
    use ErrorKind::{
        Conflict, InUse, Internal, InvalidInput, NotFound, Ownership, PermissionDenied, Quota, Throttled,
        Timeout, Unavailable, Unsupported,
    };
    let sign = |kind| Sign::of(&Err::<(), _>(Error::new(kind, "no")));
    for kind in [NotFound, Conflict, Ownership, Quota, PermissionDenied, InUse] {
        assert_eq!(sign(kind), Some(Sign::Answers), "{kind:?}");
    }
    for kind in [Timeout, Unavailable] {
        assert_eq!(sign(kind), Some(Sign::Silent), "{kind:?}");
    }
    for kind in [InvalidInput, Unsupported, Internal] {
        assert_eq!(sign(kind), None, "{kind:?}");
    }
    assert_eq!(sign(Throttled), Some(Sign::Throttles(None)));
    let after = Error::new(Throttled, "no").with_retry(Retry::After(SECOND));
    assert_eq!(Sign::of(&Err::<(), _>(after)), Some(Sign::Throttles(Some(SECOND))));
    assert_eq!(Sign::of(&Ok(())), Some(Sign::Answers));
}

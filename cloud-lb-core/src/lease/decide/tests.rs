use super::*;

const US: Candidate<'_> = Candidate { identity: "us", duration: Duration::from_secs(15) };

fn wall(seconds: i64) -> Timestamp {
    Timestamp::from_second(seconds).unwrap()
}

fn at(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// A Lease of 15 s, renewed at this time on its holder's clock.
fn held(holder: &str, renewed: i64) -> Record {
    Record {
        holder: holder.to_owned(),
        duration: at(15),
        transitions: 3,
        acquired: Some(wall(7)),
        renewed: Some(wall(renewed)),
    }
}

fn seen(record: Record, when: u64) -> Sight {
    let mut sight = Sight::default();
    sight.look(Some(record), at(when));
    sight
}

fn ours(transitions: i32, acquired: i64) -> Record {
    let (acquired, renewed) = (Some(wall(acquired)), Some(wall(50)));
    Record { holder: "us".to_owned(), duration: at(15), transitions, acquired, renewed }
}

#[test]
fn the_table() {
    let mut deleted = seen(held("them", 10), 100);
    deleted.look(None, at(101));
    let mut ours_deleted = seen(held("us", 10), 100);
    ours_deleted.look(None, at(101));
    let cases = [
        ("there is none", Sight::default(), 100, Decision::Create(ours(0, 50))),
        ("we hold it", seen(held("us", 10), 100), 101, Decision::Update(ours(3, 7))),
        ("we hold it, and are late", seen(held("us", 10), 100), 200, Decision::Update(ours(3, 7))),
        ("nobody holds it", seen(held("", 10), 100), 100, Decision::Update(ours(4, 50))),
        ("they hold it, new to us", seen(held("them", 10), 100), 100, Decision::Wait(at(15))),
        ("their time is nearly over", seen(held("them", 10), 100), 114, Decision::Wait(at(1))),
        ("their time is over", seen(held("them", 10), 100), 115, Decision::Update(ours(4, 50))),
        ("deleted, they may not know", deleted.clone(), 114, Decision::Wait(at(1))),
        ("deleted, their time is over", deleted, 115, Decision::Create(ours(4, 50))),
        ("ours was deleted", ours_deleted, 102, Decision::Create(ours(3, 7))),
    ];
    for (name, sight, now, expected) in cases {
        assert_eq!(sight.decide(US, at(now), wall(50)), expected, "{name}");
    }
}

#[test]
fn a_holder_is_alive_for_the_time_of_its_lease_also_if_somebody_deletes_it() {
    let mut deleted = seen(held("them", 10), 100);
    deleted.look(None, at(101));
    let mut renewed = seen(held("them", 10), 100);
    renewed.look(Some(held("them", 12)), at(120));
    let cases = [
        ("there is none", Sight::default(), 100, None),
        ("nobody holds it", seen(held("", 10), 100), 100, None),
        ("new to us", seen(held("them", 10), 100), 114, Some("them")),
        ("its time is over", seen(held("them", 10), 100), 115, None),
        ("deleted", deleted.clone(), 114, Some("them")),
        ("deleted, and its time is over", deleted, 115, None),
        ("renewed", renewed, 130, Some("them")),
    ];
    for (name, sight, now, expected) in cases {
        assert_eq!(sight.alive(at(now)), expected, "{name}");
    }
}

#[test]
fn only_a_change_is_a_sign_of_life_whatever_clock_it_shows() {
    let mut sight = seen(held("them", 10), 100);
    sight.look(Some(held("them", 10)), at(110));
    assert_eq!(sight.decide(US, at(115), wall(50)), Decision::Update(ours(4, 50)), "no change since 100");
    // Their clock is set back by an hour: still alive.
    sight.look(Some(held("them", -3590)), at(114));
    assert_eq!(sight.decide(US, at(115), wall(50)), Decision::Wait(at(14)));
    // Theirs is years ahead of ours: it does not make the Lease theirs for longer.
    sight.look(Some(held("them", 2_000_000_000)), at(120));
    assert_eq!(sight.decide(US, at(135), wall(50)), Decision::Update(ours(4, 50)));
}

#[test]
fn a_clock_that_stands_still_does_not_make_the_holder_look_dead() {
    let Decision::Update(record) = seen(held("us", 50), 100).decide(US, at(102), wall(50)) else { panic!() };
    assert_ne!(record.renewed, Some(wall(50)));
}

#[test]
fn the_holder_says_how_long_the_others_wait() {
    let short = Record { duration: at(3), ..held("them", 10) };
    assert_eq!(seen(short, 100).decide(US, at(103), wall(50)), Decision::Update(ours(4, 50)));
}

#[test]
fn what_is_released_is_free_at_once_and_counts_as_a_transition_when_taken() {
    let record = seen(held("us", 10), 100).release(wall(50)).unwrap();
    assert_eq!((record.holder.as_str(), record.transitions), ("", 3));
    let Decision::Update(taken) = seen(record, 101).decide(US, at(101), wall(51)) else { panic!() };
    assert_eq!((taken.holder.as_str(), taken.transitions), ("us", 4));
    assert_eq!(Sight::default().release(wall(50)), None);
}

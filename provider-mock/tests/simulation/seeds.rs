//! Many seeds, on all cores, and one, to look at closely.

use std::collections::BTreeMap;
use std::io::Write;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use tokio::time::Instant;

use crate::run::play;
use crate::trace::{recorded, told, untold};
use crate::world::Tally;

/// How many seeds are played where nobody says otherwise.
const SEEDS: u64 = 2000;

/// How many of the last lines of its story a failed seed prints.
const TAIL: usize = 120;

/// A worker's stack: futures are large where nothing is optimised.
const STACK: usize = 16 * 1024 * 1024;

/// After so long without the end of any seed, one of them is played without end.
const STUCK: Duration = Duration::from_mins(5);

type Played = (u64, Result<Tally, String>);

#[test]
fn whatever_goes_wrong_the_world_comes_to_rest_as_wanted() {
    if let Some(seed) = number("SEED") {
        return look_closely(seed);
    }
    let (count, began) = (number("SEEDS").unwrap_or(SEEDS), Instant::now());
    let played = play_all(count);
    let took = began.elapsed().as_secs_f64();
    let (mut tally, mut failures) = (Tally::new(), Vec::new());
    for (seed, result) in played {
        match result {
            Ok(one) => one.into_iter().for_each(|(what, count)| *tally.entry(what).or_default() += count),
            Err(wrong) => failures.push(format!("SEED={seed}: {wrong}")),
        }
    }
    let facts: Vec<String> = tally.iter().map(|(what, count)| format!("{what} {count}")).collect();
    say(&format!("simulation: {count} seeds in {took:.0} s; {}", facts.join(", ")));
    if let Some(seed) = failures.first().and_then(|failure| failure.split(['=', ':']).nth(1)?.parse().ok()) {
        say(&failures.join("\n"));
        let (_, story) = on_big_stack(|| recorded(|| play(seed)));
        panic!("{}\n{}", tail(&story), failures.join("\n"));
    }
}

/// Plays the seeds below `count` on all cores; in the order of the seeds.
fn play_all(count: u64) -> BTreeMap<u64, Result<Tally, String>> {
    let (next, (ended, results)) = (AtomicU64::new(0), mpsc::channel());
    let mut played = BTreeMap::new();
    thread::scope(|scope| {
        for _ in 0..thread::available_parallelism().map_or(1, Into::into) {
            let (ended, next) = (ended.clone(), &next);
            let work = move || work(count, next, &ended);
            thread::Builder::new().stack_size(STACK).spawn_scoped(scope, work).unwrap();
        }
        for _ in 0..count {
            let Ok((seed, result)) = results.recv_timeout(STUCK) else {
                let begun = 0..next.load(Ordering::Relaxed).min(count);
                let stuck: Vec<u64> = begun.filter(|seed| !played.contains_key(seed)).collect();
                say(&format!("no seed ended for {STUCK:?}; being played: {stuck:?}"));
                std::process::exit(1);
            };
            played.insert(seed, result);
        }
    });
    played
}

fn work(count: u64, next: &AtomicU64, ended: &mpsc::Sender<Played>) {
    loop {
        let seed = next.fetch_add(1, Ordering::Relaxed);
        if seed >= count {
            return;
        }
        let result = std::panic::catch_unwind(|| untold(|| play(seed)));
        let result = result.unwrap_or_else(|_| Err("it panicked".to_owned()));
        ended.send((seed, result)).unwrap();
    }
}

fn look_closely(seed: u64) {
    let result = on_big_stack(|| told(|| play(seed)));
    assert_eq!(result.map(drop), Ok(()), "SEED={seed}");
}

#[test]
fn the_same_seed_gives_the_same_story() {
    for seed in [3, 4, 5] {
        let (_, first) = on_big_stack(|| recorded(|| play(seed)));
        let (_, second) = on_big_stack(|| recorded(|| play(seed)));
        let difference = first.lines().zip(second.lines()).find(|(a, b)| a != b);
        assert_eq!(difference, None, "SEED={seed}");
        assert_eq!(first.lines().count(), second.lines().count(), "SEED={seed}");
        assert!(first.lines().count() > 100, "there is a story: {first}");
    }
}

fn on_big_stack<T: Send>(work: impl FnOnce() -> T + Send) -> T {
    thread::scope(|scope| {
        thread::Builder::new().stack_size(STACK).spawn_scoped(scope, work).unwrap().join().unwrap()
    })
}

fn number(variable: &str) -> Option<u64> {
    let text = std::env::var(variable).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{variable} is {text:?}; expected a number")))
}

/// Prints although the test passes.
fn say(text: &str) {
    std::io::stderr().write_all(format!("{text}\n").as_bytes()).unwrap();
}

fn tail(story: &str) -> String {
    let lines: Vec<&str> = story.lines().collect();
    lines[lines.len().saturating_sub(TAIL)..].join("\n")
}

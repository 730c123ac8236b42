//! Which backend a client stays with.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::net::IpAddr;
use std::time::Duration;

use tokio::time::Instant;

/// Remembered clients; beyond it, clients without an entry still find the backend of their rendezvous hash.
const CAPACITY: usize = 10_000;

/// The backends of recent clients.
///
/// The table keeps a client in its place when backends are added; the rendezvous hash keeps it there when the table
/// has forgotten it, and moves only the clients of a backend that is removed.
#[derive(Debug, Default)]
pub(crate) struct AffinityTable {
    clients: HashMap<IpAddr, Entry>,
}

#[derive(Debug)]
struct Entry {
    backend: String,
    last_flow: Instant,
}

impl AffinityTable {
    /// The position in `backends` for a new flow of a client; none only if there are no backends.
    pub(crate) fn choose(
        &mut self,
        client: IpAddr,
        backends: &[&str],
        timeout: Duration,
        now: Instant,
    ) -> Option<usize> {
        let known = self.clients.get(&client).filter(|entry| now.duration_since(entry.last_flow) <= timeout);
        let kept = known.and_then(|entry| backends.iter().position(|id| *id == entry.backend));
        let chosen = kept.or_else(|| rendezvous(client, backends))?;
        self.remember(client, (*backends.get(chosen)?).to_owned(), timeout, now);
        Some(chosen)
    }

    fn remember(&mut self, client: IpAddr, backend: String, timeout: Duration, now: Instant) {
        if self.clients.len() >= CAPACITY && !self.clients.contains_key(&client) {
            self.clients.retain(|_, entry| now.duration_since(entry.last_flow) <= timeout);
            if self.clients.len() >= CAPACITY {
                return;
            }
        }
        self.clients.insert(client, Entry { backend, last_flow: now });
    }
}

/// Highest random weight: each client ranks all backends, and takes the first of those that are there.
fn rendezvous(client: IpAddr, backends: &[&str]) -> Option<usize> {
    let weight = |id: &str| {
        // The keys of `DefaultHasher::new` are fixed, and the result never leaves the process.
        let mut hasher = DefaultHasher::new();
        (client, id).hash(&mut hasher);
        hasher.finish()
    };
    backends.iter().enumerate().max_by_key(|(_, id)| (weight(id), **id)).map(|(index, _)| index)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const TIMEOUT: Duration = Duration::from_secs(10);

    fn client(n: u32) -> IpAddr {
        IpAddr::from(n.to_be_bytes())
    }

    fn names(backends: &std::collections::BTreeSet<u8>) -> Vec<String> {
        backends.iter().map(|n| format!("node-{n}")).collect()
    }

    fn refs(names: &[String]) -> Vec<&str> {
        names.iter().map(String::as_str).collect()
    }

    proptest! {
        #[test]
        fn removing_a_backend_moves_only_its_own_clients(
            backends in prop::collection::btree_set(0u8..30, 2..8),
            gone in any::<prop::sample::Index>(),
            clients in prop::collection::vec(any::<u32>(), 1..50),
        ) {
            let before = names(&backends);
            let gone = gone.index(before.len());
            let mut after = before.clone();
            let removed = after.remove(gone);
            for n in clients {
                let old = &before[rendezvous(client(n), &refs(&before)).unwrap()];
                let new = &after[rendezvous(client(n), &refs(&after)).unwrap()];
                prop_assert!(old == new || *old == removed);
            }
        }

        #[test]
        fn a_client_stays_when_backends_are_added_or_reordered(
            backends in prop::collection::btree_set(0u8..30, 1..8),
            added in prop::collection::btree_set(30u8..60, 0..8),
            n in any::<u32>(),
        ) {
            let now = Instant::now();
            let before = names(&backends);
            let mut after: Vec<String> = names(&added);
            after.extend(before.iter().rev().cloned());
            let mut table = AffinityTable::default();
            let old = &before[table.choose(client(n), &refs(&before), TIMEOUT, now).unwrap()];
            let new = &after[table.choose(client(n), &refs(&after), TIMEOUT, now + TIMEOUT).unwrap()];
            prop_assert_eq!(old, new);
        }

        #[test]
        fn the_choice_does_not_depend_on_the_order(
            backends in prop::collection::btree_set(0u8..30, 1..8), n in any::<u32>(),
        ) {
            let forward = names(&backends);
            let backward: Vec<String> = forward.iter().rev().cloned().collect();
            let one = &forward[rendezvous(client(n), &refs(&forward)).unwrap()];
            let two = &backward[rendezvous(client(n), &refs(&backward)).unwrap()];
            prop_assert_eq!(one, two);
        }
    }

    #[test]
    fn clients_spread_over_the_backends() {
        let backends = ["a", "b", "c"];
        let mut counts = [0_u32; 3];
        for n in 0..3000 {
            counts[rendezvous(client(n), &backends).unwrap()] += 1;
        }
        assert!(counts.iter().all(|count| (800..1200).contains(count)), "{counts:?}");
    }

    #[test]
    fn after_the_timeout_the_hash_decides_again() {
        let now = Instant::now();
        // A client whose hash prefers "b" to "a" stays with "a" for the timeout only.
        let n = (0..100).find(|n| rendezvous(client(*n), &["a", "b"]) == Some(1)).unwrap();
        let mut table = AffinityTable::default();
        assert_eq!(table.choose(client(n), &["a"], TIMEOUT, now), Some(0));
        assert_eq!(table.choose(client(n), &["a", "b"], TIMEOUT, now + TIMEOUT), Some(0));
        let late = now + TIMEOUT * 2 + Duration::from_secs(1);
        assert_eq!(table.choose(client(n), &["a", "b"], TIMEOUT, late), Some(1));
    }

    #[test]
    fn the_table_is_bounded_and_forgotten_clients_keep_their_backend() {
        let now = Instant::now();
        let backends = ["a", "b", "c"];
        let mut table = AffinityTable::default();
        for n in 0..u32::try_from(CAPACITY).unwrap() + 100 {
            let first = table.choose(client(n), &backends, TIMEOUT, now);
            assert_eq!(table.choose(client(n), &backends, TIMEOUT, now), first);
        }
        assert_eq!(table.clients.len(), CAPACITY);
    }
}

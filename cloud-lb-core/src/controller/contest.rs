//! A status that somebody else keeps changing: it is written again, but less and less often. Two controllers
//! that each insist would else keep the API server busy without end.

use std::collections::BTreeSet;
use std::time::Duration;

use k8s_openapi::api::core::v1::Service;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ManagedFieldsEntry;
use tokio::time::Instant;

use crate::backoff::Backoff;

/// So often the status is written again at once.
const AT_ONCE: u32 = 5;

/// Shortest time between two writes after that.
const SHORTEST: Duration = Duration::from_secs(1);

/// After so long without a change by others, they have given in.
const PEACE: Duration = Duration::from_mins(15);

/// How often a status had to be written again.
#[derive(Debug, Clone, Default)]
pub(crate) struct Contest {
    restored: u32,
    last: Option<Instant>,
}

impl Contest {
    /// How long to leave the status as others want it, if it is contested: at most `longest`.
    pub(crate) fn wait(&self, now: Instant, longest: Duration) -> Option<Duration> {
        let (repeats, last) = (self.restored.checked_sub(AT_ONCE)?, self.last?);
        let delay = Backoff::new(SHORTEST, longest).delay(repeats);
        let rest = delay.saturating_sub(now.saturating_duration_since(last));
        (!rest.is_zero()).then_some(rest)
    }

    /// Takes note that the status was written again. Whether it is contested from now on.
    pub(crate) fn restored(&mut self, now: Instant) -> bool {
        if self.last.is_some_and(|last| now.saturating_duration_since(last) > PEACE) {
            self.restored = 0;
        }
        (self.restored, self.last) = (self.restored.saturating_add(1), Some(now));
        self.restored == AT_ONCE
    }
}

/// Keeps of what the API server tells of field managers only who writes the status.
pub(crate) fn keep_managers(service: &mut Service) {
    let entries = std::mem::take(&mut service.metadata.managed_fields).into_iter().flatten();
    let of_status = |entry: &ManagedFieldsEntry| {
        let fields = entry.fields_v1.as_ref().and_then(|fields| fields.0.get("f:status"));
        entry.subresource.as_deref() == Some("status") || fields.is_some()
    };
    let kept = entries.filter(of_status).map(|entry| ManagedFieldsEntry {
        manager: entry.manager,
        subresource: entry.subresource,
        ..ManagedFieldsEntry::default()
    });
    service.metadata.managed_fields = Some(kept.collect()).filter(|kept: &Vec<_>| !kept.is_empty());
}

/// The field managers that write the status, as far as the API server tells.
pub(crate) fn managers(service: &Service) -> BTreeSet<&str> {
    let kept = service.metadata.managed_fields.iter().flatten();
    kept.filter_map(|entry| entry.manager.as_deref()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const LONGEST: Duration = Duration::from_mins(5);

    #[tokio::test(start_paused = true)]
    async fn writes_become_rare_while_others_insist_and_are_prompt_after_a_peace() {
        let (mut contest, begin, mut times) = (Contest::default(), Instant::now(), Vec::new());
        while begin.elapsed() < Duration::from_mins(20) {
            if let Some(rest) = contest.wait(Instant::now(), LONGEST) {
                tokio::time::advance(rest).await;
            }
            assert_eq!(contest.restored(Instant::now()), times.len() == 4, "told once");
            times.push(begin.elapsed().as_secs());
        }
        assert_eq!(times, [0, 0, 0, 0, 0, 1, 3, 7, 15, 31, 63, 127, 255, 511, 811, 1111, 1411]);
        tokio::time::advance(PEACE + Duration::from_secs(1)).await;
        assert!(!contest.restored(Instant::now()));
        assert_eq!(contest.wait(Instant::now(), LONGEST), None);
    }

    #[test]
    fn who_writes_the_status_is_named() {
        let mut service: Service = serde_json::from_value(serde_json::json!({"metadata": {"managedFields": [
            {"manager": "a", "subresource": "status", "fieldsV1": {"f:status": {}}},
            {"manager": "b", "fieldsV1": {"f:status": {"f:loadBalancer": {}}}},
            {"manager": "c", "fieldsV1": {"f:spec": {}}},
        ]}}))
        .unwrap();
        keep_managers(&mut service);
        assert_eq!(managers(&service), BTreeSet::from(["a", "b"]));
        assert!(service.metadata.managed_fields.iter().flatten().all(|entry| entry.fields_v1.is_none()));
        let mut service = Service::default();
        keep_managers(&mut service);
        assert_eq!(service, Service::default());
    }
}

//! Resources that would stay until their successor is there, if only what they refer to did not have to
//! go first.

use std::collections::{BTreeMap, BTreeSet};
use std::ptr;

use super::judge::{Verdict, Verdicts};
use super::{Have, Observed, ReplaceOrder};
use crate::graph::{ResourceKey, Spec};

/// Resources that would stay, or go last, each with one that it refers to and that is deleted first.
pub(super) fn torn_by<S: Spec>(
    verdicts: &Verdicts<'_, S>,
    have: &Observed<S>,
) -> BTreeMap<ResourceKey, ResourceKey> {
    let gone = gone_first(verdicts, have);
    let torn = verdicts.iter().filter_map(|(key, verdict)| {
        let remains = match verdict.replaced() {
            None => verdict.stays().map(std::slice::from_ref).unwrap_or_default(),
            Some(ReplaceOrder::CreateFirst) => have.all(key),
            Some(ReplaceOrder::DeleteFirst) => &[],
        };
        let (to, _) = gone.iter().find(|(to, gone)| remains.iter().any(|have| have.depends_on(to, gone)))?;
        Some((key.clone(), (*to).clone()))
    });
    torn.collect()
}

/// What must go before something can be written, and what leaves anyway and refers to such.
fn gone_first<'a, S: Spec>(
    verdicts: &Verdicts<'_, S>,
    have: &'a Observed<S>,
) -> Vec<(&'a ResourceKey, &'a Have<S>)> {
    let stays = |key: &ResourceKey, have: &Have<S>| {
        verdicts.get(key).and_then(Verdict::stays).is_some_and(|stays| ptr::eq(stays, have))
    };
    let mut leaving: Vec<_> = have.iter().filter(|(key, have)| !stays(key, have)).collect();
    leaving.retain(|(_, have)| have.ownership.is_ours_alone());
    let slots: BTreeSet<String> = verdicts.values().flat_map(Verdict::new_claims).collect();
    let (mut gone, mut rest): (Vec<_>, Vec<_>) =
        leaving.into_iter().partition(|(key, have)| match verdicts.get(key) {
            Some(verdict) => verdict.replaced() == Some(ReplaceOrder::DeleteFirst),
            None => have.spec.claims().iter().any(|slot| slots.contains(slot)),
        });
    loop {
        let refers = |(_, have): &(_, &Have<S>)| gone.iter().any(|(to, gone)| have.depends_on(to, gone));
        let (more, others): (Vec<_>, Vec<_>) = rest.into_iter().partition(refers);
        if more.is_empty() {
            return gone;
        }
        gone.extend(more);
        rest = others;
    }
}

use std::collections::BTreeMap;

use super::super::notes::{Notes, blank_separated};
use super::super::stack::Context;
use crate::facts::SubnetFacts;

/// The subnets of the annotation, by id or `Name` tag, in its order (AWS-52).
///
/// A name that is used several times stands for that many subnets of this name, lowest ids first.
pub(super) fn find<'a>(context: &Context<'a>, items: &[String], notes: &mut Notes) -> Vec<&'a SubnetFacts> {
    let (ids, names): (Vec<&str>, Vec<&str>) =
        items.iter().map(String::as_str).partition(|item| item.starts_with("subnet-"));
    let mut unused = by_name(context, &names);
    check_names(&names, &unused, notes);
    for id in ids.iter().filter(|id| context.facts.subnet(id).is_none()) {
        notes.lacks("subnets", id, format!("subnet ID not found: {id}"));
    }
    let next = |item: &String| match unused.get_mut(item.as_str()) {
        Some(subnets) => (!subnets.is_empty()).then(|| subnets.remove(0)),
        None => context.facts.subnet(item),
    };
    items.iter().filter_map(next).collect()
}

/// Subnets of the cluster's network for each name, lowest ids first.
fn by_name<'a, 'n>(context: &Context<'a>, names: &[&'n str]) -> BTreeMap<&'n str, Vec<&'a SubnetFacts>> {
    let facts = context.facts;
    let of_name = |name: &str| {
        let is_it = |subnet: &&SubnetFacts| {
            subnet.vpc_id == facts.vpc_id && subnet.tags.get("Name").is_some_and(|tag| tag == name)
        };
        let mut subnets: Vec<&SubnetFacts> = facts.subnets.iter().filter(is_it).collect();
        subnets.sort_by(|a, b| a.subnet_id.cmp(&b.subnet_id));
        subnets
    };
    names.iter().map(|name| (*name, of_name(name))).collect()
}

/// AWS-54. Of a name that is used too often, the first count that cannot be served is told.
fn check_names(requested: &[&str], available: &BTreeMap<&str, Vec<&SubnetFacts>>, notes: &mut Notes) {
    let missing: Vec<&str> =
        available.iter().filter(|(_, found)| found.is_empty()).map(|(name, _)| *name).collect();
    if !missing.is_empty() {
        let missing = blank_separated(missing);
        notes.lacks("subnets", &missing, format!("couldn't find all subnets, missing names: {missing}"));
    }
    for (name, found) in available.iter().filter(|(_, found)| !found.is_empty()) {
        let (count, have) = (requested.iter().filter(|other| *other == name).count(), found.len());
        if count > have {
            let reason = format!(
                "subnet with Name tag {name:?} requested {} times but only {have} subnet(s) found with that name",
                have + 1
            );
            notes.lacks("subnets", name, reason);
        }
    }
}

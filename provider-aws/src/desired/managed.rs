//! Attributes that were asked for once and are not any more go back to AWS's defaults (AWS-26). A tag of
//! the resource remembers which were asked for, so that this holds over restarts.

use std::collections::{BTreeMap, BTreeSet};

use super::tags::MAX_TAGS;
use crate::kinds::{MAX_TAG_VALUE, Pairs};

/// Keys of attributes that somebody asked for, sorted, with a blank after each but the last: AWS allows no
/// comma in a tag.
pub(crate) const MANAGED_TAG: &str = "elbv2.k8s.aws/managed-attributes";

/// Adds what was asked for before, with its default, to the attributes, and to the tags the note of what
/// is asked for now. `live` are the tags of the resource that exists, `default` tells AWS's default where
/// there is one.
pub(super) fn remember(
    attributes: &mut Pairs,
    tags: &mut Pairs,
    live: Option<&BTreeMap<String, String>>,
    default: impl Fn(&str) -> Option<String>,
) {
    let noted = live.and_then(|tags| tags.get(MANAGED_TAG));
    let now = note(attributes.0.keys().filter(|key| !ALWAYS_WANTED.contains(&key.as_str())));
    if tags.0.len() < MAX_TAGS && (noted.is_some() || !now.is_empty()) {
        tags.0.insert(MANAGED_TAG.to_owned(), now);
    }
    for key in noted.into_iter().flat_map(|keys| keys.split_whitespace()) {
        if let Some(default) = default(key) {
            attributes.0.entry(key.to_owned()).or_insert(default);
        }
    }
}

/// Attributes that are wanted whether or not anybody asks.
const ALWAYS_WANTED: [&str; 1] = ["proxy_protocol_v2.enabled"];

/// As many keys as fit into the value of a tag.
fn note<'a>(keys: impl Iterator<Item = &'a String>) -> String {
    let mut note = String::new();
    for key in keys.collect::<BTreeSet<_>>() {
        if note.len() + key.len() < MAX_TAG_VALUE {
            let blank = if note.is_empty() { "" } else { " " };
            note = format!("{note}{blank}{key}");
        }
    }
    note
}

/// The tags that hold until attributes that are not asked for any more are reset: they stay noted, so that
/// a crash before that forgets nothing.
pub(crate) fn until_reset(have: &Pairs, want: &Pairs) -> Pairs {
    let mut tags = want.clone();
    if let Some(noted) = have.0.get(MANAGED_TAG) {
        tags.0.insert(MANAGED_TAG.to_owned(), noted.clone());
    }
    tags
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pairs(pairs: &[(&str, &str)]) -> Pairs {
        pairs.iter().copied().collect()
    }

    fn remembered(asked: &[(&str, &str)], noted: &[(&str, &str)]) -> (Pairs, Pairs) {
        let (mut attributes, mut tags) = (pairs(asked), Pairs::default());
        let default = |key: &str| (key != "unknown").then(|| "default".to_owned());
        remember(&mut attributes, &mut tags, Some(&pairs(noted).0), default);
        (attributes, tags)
    }

    #[test]
    fn aws_26_what_is_not_asked_for_any_more_is_reset_and_forgotten() {
        let (attributes, tags) = remembered(&[("b", "1"), ("a", "2")], &[(MANAGED_TAG, "b c unknown")]);
        assert_eq!(attributes, pairs(&[("a", "2"), ("b", "1"), ("c", "default")]));
        assert_eq!(tags, pairs(&[(MANAGED_TAG, "a b")]));
        let (attributes, tags) = remembered(&[], &[(MANAGED_TAG, "b")]);
        assert_eq!(attributes, pairs(&[("b", "default")]));
        assert_eq!(tags, pairs(&[(MANAGED_TAG, "")]));
    }

    #[test]
    fn aws_26_nothing_is_noted_where_nothing_is_asked_for() {
        let (attributes, tags) = remembered(&[("proxy_protocol_v2.enabled", "false")], &[]);
        assert_eq!(attributes, pairs(&[("proxy_protocol_v2.enabled", "false")]));
        assert_eq!(tags, Pairs::default());
    }

    #[test]
    fn aws_26_the_note_fits_into_a_tag() {
        let keys: Vec<String> = (0..9).map(|n| format!("{n}{}", "k".repeat(60))).collect();
        assert_eq!(note(keys.iter()).split(' ').count(), 4);
    }
}

/// The candidate that is spelt most like `word`; `None` if none shares at least half of its letters.
pub(super) fn nearest<'a>(word: &str, candidates: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let (distance, best) = candidates.map(|candidate| (distance(word, candidate), candidate)).min()?;
    (distance * 2 <= best.chars().count().max(word.chars().count())).then_some(best)
}

/// Levenshtein's distance: how many letters must be added, dropped or replaced.
fn distance(a: &str, b: &str) -> usize {
    let mut costs: Vec<usize> = (0..=b.chars().count()).collect();
    for (row, x) in a.chars().enumerate() {
        let mut diagonal = row;
        let mut left = row + 1;
        for (cost, y) in costs.iter_mut().skip(1).zip(b.chars()) {
            let replaced = diagonal + usize::from(x != y);
            diagonal = *cost;
            left = replaced.min(left + 1).min(*cost + 1);
            *cost = left;
        }
        if let Some(first) = costs.first_mut() {
            *first = row + 1;
        }
    }
    costs.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distance_counts_letters() {
        for (a, b, expected) in
            [("", "", 0), ("a", "", 1), ("", "abc", 3), ("kitten", "sitting", 3), ("scheme", "sheme", 1)]
        {
            assert_eq!(distance(a, b), expected, "{a} {b}");
            assert_eq!(distance(b, a), expected, "{b} {a}");
        }
    }

    #[test]
    fn nothing_is_suggested_for_what_is_far_off() {
        assert_eq!(nearest("sheme", ["scheme", "subnets"].into_iter()), Some("scheme"));
        assert_eq!(nearest("qqqqq", ["scheme", "subnets"].into_iter()), None);
    }
}

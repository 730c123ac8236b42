//! Names of cloud resources: deterministic, within the cloud's limits, and different for different
//! things.

use std::fmt::Write;

use sha2::{Digest, Sha256};

/// Hexadecimal digits of the hash in a name: 40 bits, so that two of a million names meet with a
/// chance of less than one half.
const HASH_DIGITS: usize = 10;

/// Makes a name of at most `max` bytes of `parts`: readable at the front, with a hash of all parts at
/// the end that keeps names apart which would look alike once cut or cleaned.
///
/// Characters other than ASCII letters, digits and `-` become `-`; letters become lower case. The name
/// starts and ends with a letter or digit. `max` below 11 gives the hash alone, cut to `max`.
pub fn hashed_name(parts: &[&str], max: usize) -> String {
    let hash = hash(parts);
    let room = max.saturating_sub(HASH_DIGITS + 1);
    let clean = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' };
    let readable: String = parts.join("-").chars().map(clean).take(room).collect();
    let readable = readable.trim_matches('-');
    let mut name = if readable.is_empty() { hash } else { format!("{readable}-{hash}") };
    name.truncate(max);
    name
}

/// The name that the in-tree clouds gave: `a` and the UID without dashes, cut to 32 characters (T-2).
pub fn legacy_name(uid: &str) -> String {
    let mut name = format!("a{}", uid.replace('-', ""));
    name.truncate(32);
    name
}

fn hash(parts: &[&str]) -> String {
    let mut hasher = Sha256::new();
    for part in parts {
        hasher.update(u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
        hasher.update(part.as_bytes());
    }
    let digits = hasher.finalize().iter().fold(String::new(), |mut text, byte| {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    });
    digits.chars().take(HASH_DIGITS).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn legacy_names_follow_t_2() {
        assert_eq!(legacy_name("257b9655-5137-4ad2-b091-ef3f07043ad3"), "a257b965551374ad2b091ef3f07043ad");
    }

    #[test]
    fn parts_do_not_run_together() {
        assert_ne!(hashed_name(&["a-b", "c"], 32), hashed_name(&["a", "b-c"], 32));
    }

    proptest! {
        #[test]
        fn names_keep_the_limit_and_the_charset(parts in prop::collection::vec(".{0,40}", 1..4), max in 11..80_usize) {
            let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
            let name = hashed_name(&parts, max);
            prop_assert!(name.len() <= max);
            prop_assert!(name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-'));
            prop_assert!(name.starts_with(|c: char| c != '-') && name.ends_with(|c: char| c != '-'));
            prop_assert_eq!(&name, &hashed_name(&parts, max));
        }
    }
}

//! Lists of `key=value` in OpenTelemetry's environment variables: separated by commas, values percent-encoded.

use percent_encoding::percent_decode_str;

/// The pairs in their order.
///
/// # Errors
/// Says which of them is wrong by its place: the text may be secret.
pub(super) fn pairs(text: &str) -> Result<Vec<(String, String)>, String> {
    let parts: Vec<&str> = text.split(',').map(str::trim).filter(|part| !part.is_empty()).collect();
    parts.iter().enumerate().map(|(index, part)| pair(part).ok_or_else(|| wrong(index, &parts))).collect()
}

fn pair(part: &str) -> Option<(String, String)> {
    let (key, value) = part.split_once('=')?;
    let value = percent_decode_str(value.trim()).decode_utf8().ok()?;
    let key = key.trim();
    (!key.is_empty()).then(|| (key.to_owned(), value.into_owned()))
}

fn wrong(index: usize, parts: &[&str]) -> String {
    let (place, all) = (index + 1, parts.len());
    format!("pair {place} of {all}: expected key=value, with other characters than text in the value as %20")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_decoded_and_may_hold_equals_signs() {
        let read = pairs("authorization=Bearer%20abc=, tenant = blue ,,").unwrap();
        let read: Vec<(&str, &str)> =
            read.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
        assert_eq!(read, [("authorization", "Bearer abc="), ("tenant", "blue")]);
        assert_eq!(pairs("").unwrap(), []);
        assert_eq!(pairs("empty=").unwrap(), [("empty".to_owned(), String::new())]);
    }

    #[test]
    fn what_is_no_pair_is_named_by_its_place_only() {
        for (text, place) in
            [("secret", "pair 1 of 1"), ("a=b,=secret", "pair 2 of 2"), ("a=%ff,b=c", "pair 1 of 2")]
        {
            let complaint = pairs(text).unwrap_err();
            assert!(complaint.starts_with(place) && complaint.contains("expected key=value"), "{complaint}");
            assert!(!complaint.contains("secret"), "{complaint}");
        }
    }
}

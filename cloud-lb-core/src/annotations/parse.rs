use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use ipnet::IpNet;

use super::{Kind, Value};

/// Reads a value, or says what was expected instead.
pub(super) fn value(kind: Kind, text: &str) -> Result<Value, String> {
    let text = text.trim();
    let parsed = match kind {
        Kind::Bool => parse_bool(text).map(Value::Bool),
        Kind::Integer { min, max } => {
            text.parse().ok().filter(|number| (min..=max).contains(number)).map(Value::Integer)
        }
        Kind::Duration { min, max } => {
            parse_duration(text).filter(|time| (min..=max).contains(time)).map(Value::Duration)
        }
        Kind::Text => (!text.is_empty()).then(|| Value::Text(text.to_owned())),
        Kind::Any => Some(Value::Text(text.to_owned())),
        Kind::OneOf(words) => words.contains(&text).then(|| Value::Text(text.to_owned())),
        Kind::List => Some(Value::List(items(text).map(ToOwned::to_owned).collect())),
        Kind::Map => parse_map(text).map(Value::Map),
        Kind::IpNets => {
            let ranges = text.split(',').map(|item| parse_net(item.trim()));
            ranges.collect::<Option<Vec<_>>>().map(Value::IpNets)
        }
    };
    parsed.ok_or_else(|| expected(kind))
}

/// What a value of this kind looks like, for a person.
pub(super) fn expected(kind: Kind) -> String {
    match kind {
        Kind::Bool => "true or false".to_owned(),
        Kind::Integer { min: i64::MIN, max: i64::MAX } => "an integer".to_owned(),
        Kind::Integer { min, max: i64::MAX } => format!("an integer from {min}"),
        Kind::Integer { min, max } => format!("an integer from {min} to {max}"),
        Kind::Duration { min, max } => format!("a duration from {} to {}", display(min), display(max)),
        Kind::Text => "a text that is not blank".to_owned(),
        Kind::Any => "any text".to_owned(),
        Kind::OneOf(words) => format!("one of {}", words.join(", ")),
        Kind::List => "items separated by commas".to_owned(),
        Kind::Map => "key=value items separated by commas, each key once".to_owned(),
        Kind::IpNets => "address ranges in CIDR notation, separated by commas".to_owned(),
    }
}

/// Reads a boolean as Go's `strconv.ParseBool` does.
pub(crate) fn parse_bool(text: &str) -> Option<bool> {
    match text {
        "1" | "t" | "T" | "TRUE" | "true" | "True" => Some(true),
        "0" | "f" | "F" | "FALSE" | "false" | "False" => Some(false),
        _ => None,
    }
}

/// Reads a range in CIDR notation and clears its host bits. Leading zeros of IPv4 octets are tolerated,
/// and read as decimal, as Kubernetes does.
pub(crate) fn parse_net(text: &str) -> Option<IpNet> {
    let (address, length) = text.split_once('/')?;
    let address = parse_ipv4(address).map(IpAddr::V4).or_else(|| address.parse().ok())?;
    let length = length.chars().all(|c| c.is_ascii_digit()).then(|| length.parse().ok())??;
    IpNet::new(address, length).ok().map(|range| range.trunc())
}

fn parse_ipv4(text: &str) -> Option<Ipv4Addr> {
    let octet =
        |text: &str| -> Option<u8> { text.chars().all(|c| c.is_ascii_digit()).then(|| text.parse().ok())? };
    let octets: Vec<u8> = text.split('.').map(octet).collect::<Option<_>>()?;
    <[u8; 4]>::try_from(octets).ok().map(Ipv4Addr::from)
}

/// Non-empty items of a list, trimmed.
fn items(text: &str) -> impl Iterator<Item = &str> {
    text.split(',').map(str::trim).filter(|item| !item.is_empty())
}

pub(super) fn parse_map(text: &str) -> Option<BTreeMap<String, String>> {
    let mut map = BTreeMap::new();
    for item in split_unescaped(text) {
        let (key, value) = item.split_once('=')?;
        let (key, value) = (key.trim(), value.trim());
        if key.is_empty() || map.insert(key.to_owned(), value.to_owned()).is_some() {
            return None;
        }
    }
    Some(map)
}

/// Splits at commas, except those after a backslash; blank items are left out.
fn split_unescaped(text: &str) -> Vec<String> {
    let mut items = Vec::new();
    let mut item = String::new();
    let mut letters = text.chars().peekable();
    while let Some(letter) = letters.next() {
        match letter {
            ',' => items.push(std::mem::take(&mut item)),
            '\\' => item.push(letters.next_if_eq(&',').unwrap_or(letter)),
            _ => item.push(letter),
        }
    }
    items.push(item);
    items.retain(|item| !item.trim().is_empty());
    items
}

/// Reads `1h30m`, `10s`, `250ms`: whole numbers, each with its unit.
pub(super) fn parse_duration(text: &str) -> Option<Duration> {
    let mut rest = text;
    let mut total = Duration::ZERO;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit())?;
        let (number, tail) = rest.split_at(digits);
        let letters = tail.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(tail.len());
        let (unit, tail) = tail.split_at(letters);
        total = total.checked_add(unit_length(unit)?.checked_mul(number.parse().ok()?)?)?;
        rest = tail;
    }
    (!text.is_empty()).then_some(total)
}

fn unit_length(unit: &str) -> Option<Duration> {
    match unit {
        "ms" => Some(Duration::from_millis(1)),
        "s" => Some(Duration::from_secs(1)),
        "m" => Some(Duration::from_mins(1)),
        "h" => Some(Duration::from_hours(1)),
        _ => None,
    }
}

/// A duration in the largest unit that needs no fraction.
pub(super) fn display(duration: Duration) -> String {
    match (duration.as_secs(), duration.subsec_millis()) {
        (0, 0) => "0s".to_owned(),
        (_, millis) if millis > 0 => format!("{}ms", duration.as_millis()),
        (seconds, _) if seconds % 3600 == 0 => format!("{}h", seconds / 3600),
        (seconds, _) if seconds % 60 == 0 => format!("{}m", seconds / 60),
        (seconds, _) => format!("{seconds}s"),
    }
}

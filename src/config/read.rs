//! From the file's text to checked types, and from a fault to the line and key where it is.

use core::fmt;
use std::num::{NonZeroU16, NonZeroU32};
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::de::Error;
use serde::{Deserialize, Deserializer};

use crate::credential::Network;
use crate::identity::Realm;
use crate::vocabulary::{Mechanism, MechanismSet, Scheme};

use super::system::User;
use super::{Config, ConfigError, MAX_FAILURE_DELAY, MAX_SCRAM_ITERATIONS, MIN_BURST, MIN_SCRAM_ITERATIONS};

/// Where in a file a fault is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Spot {
    /// The line, counted from 1.
    pub line: usize,
    /// The key whose value it is about.
    pub key: Option<String>,
}

impl fmt::Display for Spot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}", self.line)?;
        self.key.iter().try_for_each(|key| write!(f, ", {key}"))
    }
}

pub(super) fn parse(path: &Path, bytes: &[u8]) -> Result<Config, ConfigError> {
    let invalid = |offset: usize, fault: String| ConfigError::Invalid {
        path: path.to_owned(),
        place: place_of(bytes, offset),
        fault,
    };
    let text = core::str::from_utf8(bytes)
        .map_err(|fault| invalid(fault.valid_up_to(), "the file must be valid UTF-8".to_owned()))?;
    toml::from_str(text).map_err(|fault| {
        let offset = fault.span().map_or(0, |span| span.start);
        // The parser's own messages may run over several lines.
        invalid(offset, fault.message().replace('\n', ", "))
    })
}

/// Finds the line at `offset` and, going up from it, the key whose value stands there. Only keys are ever shown: a value
/// may be something that somebody wrote into the wrong file.
fn place_of(bytes: &[u8], offset: usize) -> Spot {
    let before = bytes.get(..offset).unwrap_or(bytes);
    let line = before.iter().filter(|&&b| b == b'\n').count().saturating_add(1);
    // Editors elsewhere begin a file with the mark of its byte order.
    let text = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
    let lines: Vec<&[u8]> = text.split(|&b| b == b'\n').take(line).collect();
    let key = lines.iter().rev().map_while(|text| key_of(text)).find_map(|key| key);
    Spot { line, key }
}

/// The key that a line assigns to; `Some(None)` if the line only goes on with a value, `None` at a table's head.
fn key_of(line: &[u8]) -> Option<Option<String>> {
    let line = line.trim_ascii();
    if line.starts_with(b"[") {
        return None;
    }
    let end = line.iter().position(|&b| !(b.is_ascii_alphanumeric() || b == b'_' || b == b'-')).unwrap_or(line.len());
    let (key, rest) = line.split_at_checked(end)?;
    let assigns = !key.is_empty() && rest.trim_ascii_start().starts_with(b"=");
    Some(assigns.then(|| String::from_utf8_lossy(key).into_owned()))
}

pub(super) fn absolute<'de, D: Deserializer<'de>>(deserializer: D) -> Result<PathBuf, D::Error> {
    let path = PathBuf::deserialize(deserializer)?;
    if path.is_absolute() { Ok(path) } else { Err(D::Error::custom("must be a path that begins with /")) }
}

pub(super) fn absolute_or_none<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<PathBuf>, D::Error> {
    absolute(deserializer).map(Some)
}

fn checked_realm<E: Error>(text: &str) -> Result<Realm, E> {
    Realm::new(text).map_err(|fault| E::custom(format_args!("the realm {text:?} {fault}")))
}

pub(super) fn realm<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Realm>, D::Error> {
    checked_realm(&String::deserialize(deserializer)?).map(Some)
}

pub(super) fn realms<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Vec<Realm>>, D::Error> {
    let texts: Vec<String> = Vec::deserialize(deserializer)?;
    texts.iter().map(|text| checked_realm(text)).collect::<Result<_, _>>().map(Some)
}

pub(super) fn schemes<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Scheme>, D::Error> {
    let schemes = schemes_or_none(deserializer)?;
    if schemes.is_empty() { Err(D::Error::custom("must name at least one scheme")) } else { Ok(schemes) }
}

pub(super) fn schemes_or_none<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Scheme>, D::Error> {
    let names: Vec<String> = Vec::deserialize(deserializer)?;
    let mut schemes: Vec<Scheme> = Vec::new();
    for name in &names {
        let scheme = Scheme::from_name(name)
            .ok_or_else(|| unknown::<D::Error>("scheme", name, &Scheme::DERIVED.map(Scheme::name)))?;
        if !schemes.contains(&scheme) {
            schemes.push(scheme);
        }
    }
    Ok(schemes)
}

pub(super) fn schemes_or_all<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Vec<Scheme>>, D::Error> {
    schemes(deserializer).map(Some)
}

pub(super) fn mechanisms<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<MechanismSet>, D::Error> {
    let names: Vec<String> = Vec::deserialize(deserializer)?;
    let mut set = MechanismSet::default();
    for name in &names {
        let mechanism = Mechanism::from_name(name.as_bytes())
            .ok_or_else(|| unknown::<D::Error>("mechanism", name, &Mechanism::ALL.map(Mechanism::name)))?;
        set = set.with(mechanism);
    }
    if set.is_empty() { Err(D::Error::custom("must name at least one mechanism")) } else { Ok(Some(set)) }
}

fn unknown<E: Error>(what: &str, name: &str, known: &[&str]) -> E {
    E::custom(format_args!("there is no {what} {name:?}; known are {}", known.join(", ")))
}

pub(super) fn scram_iterations<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u32, D::Error> {
    let count = i64::deserialize(deserializer)?;
    match u32::try_from(count) {
        Ok(count @ MIN_SCRAM_ITERATIONS..=MAX_SCRAM_ITERATIONS) => Ok(count),
        _ => Err(D::Error::custom(format_args!(
            "must be a number from {MIN_SCRAM_ITERATIONS} to {MAX_SCRAM_ITERATIONS}, not {count}"
        ))),
    }
}

pub(super) fn failure_delay<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    let text = String::deserialize(deserializer)?;
    match humantime::parse_duration(&text) {
        Ok(delay) if delay < MAX_FAILURE_DELAY => Ok(delay),
        _ => Err(D::Error::custom("must be a time below five seconds in quotes, such as \"2s\" or \"1500ms\"")),
    }
}

pub(super) fn burst<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u32, D::Error> {
    let number = i64::deserialize(deserializer)?;
    match u32::try_from(number) {
        Ok(burst @ (0 | MIN_BURST..=1_000_000)) => Ok(burst),
        _ => Err(D::Error::custom(format_args!(
            "must be 0, for no limits, or a number from {MIN_BURST} to 1000000, not {number}"
        ))),
    }
}

pub(super) fn forgiven_after<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    let text = String::deserialize(deserializer)?;
    let day = Duration::from_secs(24 * 60 * 60);
    match humantime::parse_duration(&text) {
        Ok(time) if (Duration::from_secs(1)..=day).contains(&time) => Ok(time),
        _ => Err(D::Error::custom("must be a time from a second to a day in quotes, such as \"30s\" or \"5m\"")),
    }
}

pub(super) fn networks<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Network>, D::Error> {
    let texts: Vec<String> = Vec::deserialize(deserializer)?;
    let parse = |text: &String| text.parse().map_err(|fault| D::Error::custom(format_args!("{text:?} is {fault}")));
    texts.iter().map(parse).collect()
}

pub(super) fn positive<'de, D: Deserializer<'de>>(deserializer: D) -> Result<NonZeroU16, D::Error> {
    let number = i64::deserialize(deserializer)?;
    let positive = u16::try_from(number).ok().and_then(NonZeroU16::new);
    positive.ok_or_else(|| D::Error::custom(format_args!("must be a number from 1 to {}, not {number}", u16::MAX)))
}

pub(super) fn positive_or_none<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<NonZeroU16>, D::Error> {
    positive(deserializer).map(Some)
}

pub(super) fn accounts_per_minute<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<NonZeroU32>, D::Error> {
    let number = i64::deserialize(deserializer)?;
    match u32::try_from(number).ok().and_then(NonZeroU32::new) {
        Some(number) if number.get() <= 1_000_000 => Ok(Some(number)),
        _ => Err(D::Error::custom(format_args!("must be a number from 1 to 1000000, not {number}"))),
    }
}

pub(super) fn peers<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<User>, D::Error> {
    let peers: Vec<User> = Vec::deserialize(deserializer)?;
    if peers.is_empty() {
        return Err(D::Error::custom("names nobody: leave it out to let in all whom the socket's mode lets in"));
    }
    Ok(peers)
}

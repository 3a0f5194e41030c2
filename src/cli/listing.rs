//! The accounts: a table for people, lines of fixed columns for scripts, JSON for programs. However many there are, memory stays flat.

use std::ffi::OsStr;
use std::time::Duration;

use serde::Serialize;

use crate::credential::{Network, PasswordFacts, ServiceName};
use crate::identity::IdentityError;
use crate::runtime::UnixTime;
use crate::store::Listed;
use crate::vocabulary::{Mechanism, Scheme};

use super::failure::{self, Failure, refused_name};
use super::output::{self, Reader};
use super::pattern::Pattern;
use super::rows::Rows;
use super::site::{self, Site};
use super::unused::Unused;
use super::walk::try_each;
use super::when::rfc3339;

/// The columns of table and lines. Scripts count on them: new ones are added at the end.
pub(super) const COLUMNS: [&str; 7] = ["ACCOUNT", "STATE", "EXPIRES", "PASSWORDS", "SCHEMES", "MECHANISMS", "CHANGED"];

/// Which accounts are listed.
#[derive(Default)]
pub(super) struct Which<'a> {
    /// Those whose names fit one of these; none given means all.
    pub(super) patterns: Vec<&'a OsStr>,
    /// Of these, those that nobody has used for so long.
    pub(super) unused_for: Option<Duration>,
}

pub(super) fn list(site: &Site, which: &Which<'_>, json: bool) -> Result<(), Failure> {
    let patterns = which.patterns.iter().map(|text| pattern(text)).collect::<Result<Vec<_>, _>>()?;
    let mut lister = site.lister()?;
    let mut unused = which.unused_for.map(|time| Unused::for_time(site, lister.database_id(), time)).transpose()?;
    let mut rows = Rows::new(COLUMNS, json);
    let now = site::now();
    let mut written = Ok(Reader::Present);
    try_each(
        |visit| lister.list(visit),
        |account| {
            let named = patterns.is_empty() || patterns.iter().any(|pattern| pattern.fits(&account.identity));
            if named && unused.as_mut().map_or(Ok(true), |unused| unused.holds(&account))? {
                written = rows.row(|| columns(&account, now), || JsonAccount::of(&account, now));
            }
            Ok(matches!(written, Ok(Reader::Present)))
        },
    )?;
    failure::written(output::finished(written, || rows.finish()))?;
    Ok(())
}

/// Reads a pattern of the command line.
pub(super) fn pattern(text: &OsStr) -> Result<Pattern, Failure> {
    text.to_str().map(Pattern::new).ok_or_else(|| refused_name("pattern", IdentityError::NotUtf8))
}

pub(super) fn columns(account: &Listed, now: UnixTime) -> [String; COLUMNS.len()] {
    let labels: Vec<&str> = account.passwords.iter().map(|facts| facts.label.as_str()).collect();
    let schemes: Vec<&str> = account.schemes.iter().map(|scheme| scheme.name()).collect();
    let mechanisms = account.mechanisms.map(|set| set.iter().map(Mechanism::name).collect::<Vec<_>>().join(","));
    [
        account.identity.to_string(),
        State::of(account, now).word().to_owned(),
        account.state.expires.map_or_else(|| "-".to_owned(), rfc3339),
        labels.join(","),
        schemes.join(","),
        mechanisms.unwrap_or_else(|| "-".to_owned()),
        rfc3339(account.changed),
    ]
}

/// Whether an account can log in now. Scripts count on the words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    /// It can.
    Active,
    /// Somebody said that it cannot, whether or not it has come to its end too.
    Disabled,
    /// It has come to its end.
    Expired,
}

impl State {
    pub(super) fn of(account: &Listed, now: UnixTime) -> Self {
        if account.state.disabled {
            Self::Disabled
        } else if account.state.expires.is_some_and(|at| at <= now) {
            Self::Expired
        } else {
            Self::Active
        }
    }

    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Disabled => "disabled",
            Self::Expired => "expired",
        }
    }
}

#[derive(Serialize)]
struct JsonAccount<'a> {
    #[serde(flatten)]
    facts: JsonFacts<'a>,
    schemes: Vec<&'static str>,
    passwords: Vec<JsonPassword<'a>>,
}

/// What every JSON of an account begins with.
#[derive(Serialize)]
pub(super) struct JsonFacts<'a> {
    pub(super) account: String,
    name: &'a str,
    realm: &'a str,
    pub(super) state: &'static str,
    pub(super) expires: Option<String>,
    pub(super) created: String,
    pub(super) changed: String,
    revision: u64,
    pub(super) mechanisms: Option<Vec<&'static str>>,
}

#[derive(Serialize)]
struct JsonPassword<'a> {
    label: &'a str,
    expires: Option<String>,
    services: Vec<&'a str>,
    networks: Vec<String>,
}

impl<'a> JsonAccount<'a> {
    fn of(account: &'a Listed, now: UnixTime) -> Self {
        Self {
            facts: JsonFacts::of(account, now),
            schemes: account.schemes.iter().copied().map(Scheme::name).collect(),
            passwords: account.passwords.iter().map(JsonPassword::of).collect(),
        }
    }
}

impl<'a> JsonFacts<'a> {
    pub(super) fn of(account: &'a Listed, now: UnixTime) -> Self {
        Self {
            account: account.identity.to_string(),
            name: account.identity.name.as_str(),
            realm: account.identity.realm.as_str(),
            state: State::of(account, now).word(),
            expires: account.state.expires.map(rfc3339),
            created: rfc3339(account.created),
            changed: rfc3339(account.changed),
            revision: account.revision,
            mechanisms: account.mechanisms.map(|set| set.iter().map(Mechanism::name).collect()),
        }
    }
}

impl<'a> JsonPassword<'a> {
    fn of(facts: &'a PasswordFacts) -> Self {
        Self {
            label: facts.label.as_str(),
            expires: facts.expires.map(rfc3339),
            services: facts.services.iter().map(ServiceName::as_str).collect(),
            networks: facts.networks.iter().map(Network::to_string).collect(),
        }
    }
}

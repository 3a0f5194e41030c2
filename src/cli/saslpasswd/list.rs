//! `--list`: a table for people, lines of fixed columns for scripts, JSON for programs.

use std::ffi::OsStr;

use anyhow::Context;
use serde::Serialize;

use crate::cli::exit::Exit;
use crate::cli::failure::{Failure, refused_name};
use crate::cli::output::{self, Data, Reader};
use crate::cli::pattern::Pattern;
use crate::cli::site::{self, Site};
use crate::cli::when::rfc3339;
use crate::credential::{Network, PasswordFacts, ServiceName};
use crate::identity::IdentityError;
use crate::runtime::UnixTime;
use crate::store::Listed;
use crate::vocabulary::{Mechanism, Scheme};

/// The columns of table and lines. Scripts count on them: new ones are added at the end.
const COLUMNS: [&str; 7] = ["ACCOUNT", "STATE", "EXPIRES", "PASSWORDS", "SCHEMES", "MECHANISMS", "CHANGED"];

pub(super) fn list(site: &Site, pattern: Option<&OsStr>, json: bool) -> Result<(), Failure> {
    let text =
        pattern.map(|p| p.to_str().ok_or_else(|| refused_name("pattern", IdentityError::NotUtf8))).transpose()?;
    let pattern = text.map(Pattern::new);
    let mut lister = site.lister()?;
    let mut form: Box<dyn Form> = match (json, output::is_terminal()) {
        (true, _) => Box::new(Json { data: Data::new(), first: true }),
        (false, true) => Box::new(Table { data: Data::new(), table: output::table(COLUMNS) }),
        (false, false) => Box::new(Lines { data: Data::new() }),
    };
    let now = site::now();
    let mut written = Ok(Reader::Present);
    lister.list(&mut |account| {
        if pattern.as_ref().is_none_or(|pattern| pattern.fits(&account.identity)) {
            written = form.account(&account, now);
        }
        matches!(written, Ok(Reader::Present))
    })?;
    let finished = match written {
        Ok(Reader::Present) => form.finish(),
        other => other,
    };
    finished.context("cannot write to stdout").map_err(|cause| Failure::new(Exit::Failure, cause))?;
    Ok(())
}

/// A form of the listing.
trait Form {
    fn account(&mut self, account: &Listed, now: UnixTime) -> std::io::Result<Reader>;
    fn finish(self: Box<Self>) -> std::io::Result<Reader>;
}

/// Tab-separated columns without a heading.
struct Lines {
    data: Data,
}

impl Form for Lines {
    fn account(&mut self, account: &Listed, now: UnixTime) -> std::io::Result<Reader> {
        self.data.line(columns(account, now).join("\t"))
    }

    fn finish(self: Box<Self>) -> std::io::Result<Reader> {
        self.data.finish()
    }
}

/// Aligned columns under a heading.
struct Table {
    data: Data,
    table: comfy_table::Table,
}

impl Form for Table {
    fn account(&mut self, account: &Listed, now: UnixTime) -> std::io::Result<Reader> {
        self.table.add_row(columns(account, now));
        Ok(Reader::Present)
    }

    fn finish(self: Box<Self>) -> std::io::Result<Reader> {
        self.data.table(&self.table)
    }
}

/// One array, an object for each account, a line for each object.
struct Json {
    data: Data,
    first: bool,
}

impl Form for Json {
    fn account(&mut self, account: &Listed, now: UnixTime) -> std::io::Result<Reader> {
        let object = serde_json::to_string(&JsonAccount::of(account, now))?;
        let before = if std::mem::take(&mut self.first) { "[\n" } else { ",\n" };
        self.data.piece(before)?;
        self.data.piece(object)
    }

    fn finish(mut self: Box<Self>) -> std::io::Result<Reader> {
        self.data.line(if self.first { "[]" } else { "\n]" })?;
        self.data.finish()
    }
}

fn columns(account: &Listed, now: UnixTime) -> [String; COLUMNS.len()] {
    let labels: Vec<&str> = account.passwords.iter().map(|facts| facts.label.as_str()).collect();
    let schemes: Vec<&str> = account.schemes.iter().map(|scheme| scheme.name()).collect();
    let mechanisms = account.mechanisms.map(|set| set.iter().map(Mechanism::name).collect::<Vec<_>>().join(","));
    [
        account.identity.to_string(),
        state(account, now).to_owned(),
        account.state.expires.map_or_else(|| "-".to_owned(), rfc3339),
        labels.join(","),
        schemes.join(","),
        mechanisms.unwrap_or_else(|| "-".to_owned()),
        rfc3339(account.changed),
    ]
}

fn state(account: &Listed, now: UnixTime) -> &'static str {
    if account.state.disabled {
        "disabled"
    } else if account.state.expires.is_some_and(|at| at <= now) {
        "expired"
    } else {
        "active"
    }
}

#[derive(Serialize)]
struct JsonAccount<'a> {
    account: String,
    name: &'a str,
    realm: &'a str,
    state: &'static str,
    expires: Option<String>,
    created: String,
    changed: String,
    revision: u64,
    mechanisms: Option<Vec<&'static str>>,
    schemes: Vec<&'static str>,
    passwords: Vec<JsonPassword<'a>>,
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
            account: account.identity.to_string(),
            name: account.identity.name.as_str(),
            realm: account.identity.realm.as_str(),
            state: state(account, now),
            expires: account.state.expires.map(rfc3339),
            created: rfc3339(account.created),
            changed: rfc3339(account.changed),
            revision: account.revision,
            mechanisms: account.mechanisms.map(|set| set.iter().map(Mechanism::name).collect()),
            schemes: account.schemes.iter().copied().map(Scheme::name).collect(),
            passwords: account.passwords.iter().map(JsonPassword::of).collect(),
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

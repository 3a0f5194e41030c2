//! `password list`: a table for people, lines of fixed columns for scripts, JSON for programs.

use serde::Serialize;

use crate::cli::failure::{self, Failure};
use crate::cli::output::{self, Data, Reader, or_dash};
use crate::cli::site::{self, Site};
use crate::cli::when::rfc3339;
use crate::credential::{Account, Network, ServiceName, StoredPassword, Who};
use crate::runtime::UnixTime;
use crate::vocabulary::Scheme;

use super::super::options::ListPasswords;
use super::super::verify::look_up;
use super::{named, no_account};

/// The columns of table and lines. Scripts count on them: new ones are added at the end.
const COLUMNS: [&str; 6] = ["LABEL", "STATE", "EXPIRES", "SERVICES", "NETWORKS", "SCHEMES"];

pub(super) fn list(site: &Site, list: &ListPasswords) -> Result<(), Failure> {
    let named = named(&list.account)?;
    let mut reader = site.reader()?;
    let identity = named.resolve(&site.realms_of_reader(&mut reader)?);
    let found = look_up(&mut reader, Who::Account(identity.key()))?;
    if !found.known {
        return Err(no_account(&identity));
    }
    let now = site::now();
    let written = match (list.json, output::is_terminal()) {
        (true, _) => json(&found.account, now),
        (false, true) => table(&found.account, now),
        (false, false) => lines(&found.account, now),
    };
    failure::written(written)?;
    Ok(())
}

fn lines(account: &Account, now: UnixTime) -> std::io::Result<Reader> {
    let mut data = Data::new();
    for password in &account.passwords {
        data.line(columns(password, now).join("\t"))?;
    }
    data.finish()
}

fn table(account: &Account, now: UnixTime) -> std::io::Result<Reader> {
    let mut table = output::table(COLUMNS);
    account.passwords.iter().for_each(|password| {
        table.add_row(columns(password, now));
    });
    Data::new().table(&table)
}

fn json(account: &Account, now: UnixTime) -> std::io::Result<Reader> {
    let passwords = account.passwords.iter().map(|password| JsonPassword::of(password, now)).collect();
    let shown = JsonPasswords { account: account.identity.to_string(), passwords };
    let mut data = Data::new();
    data.line(serde_json::to_string_pretty(&shown)?)?;
    data.finish()
}

fn columns(password: &StoredPassword, now: UnixTime) -> [String; COLUMNS.len()] {
    JsonPassword::of(password, now).columns()
}

#[derive(Serialize)]
struct JsonPasswords<'a> {
    account: String,
    passwords: Vec<JsonPassword<'a>>,
}

#[derive(Serialize)]
pub(in crate::cli::sasldb) struct JsonPassword<'a> {
    label: &'a str,
    state: &'static str,
    expires: Option<String>,
    services: Vec<&'a str>,
    networks: Vec<String>,
    schemes: Vec<&'static str>,
    plaintext: bool,
}

impl<'a> JsonPassword<'a> {
    pub(in crate::cli::sasldb) fn of(password: &'a StoredPassword, now: UnixTime) -> Self {
        let facts = &password.facts;
        Self {
            label: facts.label.as_str(),
            state: if facts.expires.is_some_and(|at| at <= now) { "expired" } else { "active" },
            expires: facts.expires.map(rfc3339),
            services: facts.services.iter().map(ServiceName::as_str).collect(),
            networks: facts.networks.iter().map(Network::to_string).collect(),
            schemes: password.secrets.schemes().map(Scheme::name).collect(),
            plaintext: !password.secrets.no_plaintext,
        }
    }

    /// The columns of table and lines.
    pub(in crate::cli::sasldb) fn columns(&self) -> [String; COLUMNS.len()] {
        [
            self.label.to_owned(),
            self.state.to_owned(),
            or_dash(self.expires.clone()),
            or_dash(self.services.join(",")),
            or_dash(self.networks.join(",")),
            self.schemes.join(","),
        ]
    }
}

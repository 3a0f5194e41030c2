//! `account show`: lines of fixed columns, or JSON.

use std::net::IpAddr;

use serde::Serialize;

use crate::cli::failure::{self, Failure};
use crate::cli::listing::JsonFacts;
use crate::cli::output::{Data, or_dash};
use crate::cli::site::{self, Site};
use crate::cli::unused::Record;
use crate::cli::when::rfc3339;
use crate::credential::{Account, Who};
use crate::runtime::UnixTime;
use crate::store::Listed;
use crate::store::activity::LastUse;

use super::super::options::ShowAccount;
use super::super::password::list::JsonPassword;
use super::super::password::{named, no_account};
use super::super::verify::look_up;

pub(super) fn show(site: &Site, show: &ShowAccount) -> Result<(), Failure> {
    let named = named(&show.account)?;
    let mut reader = site.reader()?;
    let identity = named.resolve(&site.realms_of_reader(&mut reader)?);
    let found = look_up(&mut reader, Who::Account(identity.key()))?;
    if !found.known {
        return Err(no_account(&identity));
    }
    let mut record = Record::open(site, reader.database_id()?)?;
    let known = Known { since: record.since, uses: record.uses(&found.account.identity.key())? };
    let listed = Listed::of(&found.account);
    let shown = Shown::of(&listed, &found.account, &known, site::now());
    let text = if show.json { serde_json::to_string_pretty(&shown).unwrap_or_default() } else { shown.lines() };
    failure::written(Data::new().text(format_args!("{text}\n")))?;
    Ok(())
}

/// What activity knows.
struct Known {
    since: Option<UnixTime>,
    uses: Vec<LastUse>,
}

#[derive(Serialize)]
struct Shown<'a> {
    #[serde(flatten)]
    facts: JsonFacts<'a>,
    passwords: Vec<JsonPassword<'a>>,
    activity_since: Option<String>,
    uses: Vec<JsonUse<'a>>,
}

#[derive(Serialize)]
struct JsonUse<'a> {
    label: &'a str,
    mechanism: &'static str,
    last: Option<String>,
    remote: Option<IpAddr>,
    handed_out: u64,
    last_handed_out: Option<String>,
}

impl<'a> Shown<'a> {
    fn of(listed: &'a Listed, account: &'a Account, known: &'a Known, now: UnixTime) -> Self {
        Self {
            facts: JsonFacts::of(listed, now),
            passwords: account.passwords.iter().map(|password| JsonPassword::of(password, now)).collect(),
            activity_since: known.since.map(rfc3339),
            uses: known.uses.iter().map(JsonUse::of).collect(),
        }
    }

    /// What it is, then its columns.
    fn lines(&self) -> String {
        let facts = &self.facts;
        let mechanisms = facts.mechanisms.as_ref().map(|names| names.join(","));
        let mut lines = vec![
            format!("account\t{}", facts.account),
            format!("state\t{}", facts.state),
            format!("expires\t{}", or_dash(facts.expires.clone())),
            format!("mechanisms\t{}", or_dash(mechanisms)),
            format!("created\t{}", facts.created),
            format!("changed\t{}", facts.changed),
        ];
        lines.extend(self.passwords.iter().map(|password| format!("password\t{}", password.columns().join("\t"))));
        lines.push(format!("activity-since\t{}", or_dash(self.activity_since.clone())));
        lines.extend(self.uses.iter().map(|used| {
            let remote = or_dash(used.remote.map(|address| address.to_string()));
            let label = or_dash(used.label.to_owned());
            let (last, handed_out) = (or_dash(used.last.clone()), or_dash(used.last_handed_out.clone()));
            format!("use\t{label}\t{}\t{last}\t{remote}\t{}\t{handed_out}", used.mechanism, used.handed_out)
        }));
        lines.join("\n")
    }
}

impl<'a> JsonUse<'a> {
    fn of(used: &'a LastUse) -> Self {
        Self {
            label: &used.label,
            mechanism: used.mechanism.name(),
            last: used.last.as_ref().map(|seen| rfc3339(seen.at)),
            remote: used.last.as_ref().and_then(|seen| seen.remote),
            handed_out: used.handed_out.as_ref().map_or(0, |handed| handed.times),
            last_handed_out: used.handed_out.as_ref().map(|handed| rfc3339(handed.last)),
        }
    }
}

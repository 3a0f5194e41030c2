//! `sasldb-rs report`: who logs in how, who does not, who fails. It opens no secret and needs no key.

mod counts;
mod facts;
mod failures;
mod page;
mod sections;
mod tally;

use std::path::Path;

use serde::Serialize;

use crate::cli::exit::Exit;
use crate::cli::failure::{self, Failure};
use crate::cli::input;
use crate::cli::listing::State;
use crate::cli::output::{self, Data, Program, Reader, or_dash, printable};
use crate::cli::rows::Rows;
use crate::cli::site::{self, Site};
use crate::cli::unused::{Record, ago};
use crate::cli::walk::try_each;
use crate::cli::when::rfc3339;
use crate::cli::whole_file;
use crate::identity::Identity;
use crate::runtime::UnixTime;
use crate::store::activity::LastUse;
use crate::vocabulary::Mechanism;

use super::options::Report;
use facts::Facts;
use failures::FailureLog;
use tally::{Known, Tally, WEAK, of_this_account};

/// The columns of --accounts. Scripts count on them: new ones are added at the end.
const COLUMNS: [&str; 6] = ["ACCOUNT", "STATE", "USAGE", "LAST-USE", "MECHANISM", "NEEDS"];

pub(super) fn report(program: &Program, site: &Site, report: &Report) -> Result<Exit, Failure> {
    if report.accounts {
        return each_account(site, report);
    }
    let facts = gather(program, site, report)?;
    if let Some(path) = &report.html {
        whole_file::replace(path, &page::page(&facts))?;
    }
    if report.json {
        let text = serde_json::to_string_pretty(&facts).unwrap_or_default();
        failure::written(Data::new().text(format_args!("{text}\n")))?;
        return Ok(Exit::Success);
    }
    if report.html.is_none() {
        failure::written(sections::print(&sections::sections(&facts)))?;
    }
    Ok(Exit::Success)
}

/// All that the report says.
fn gather(program: &Program, site: &Site, report: &Report) -> Result<Facts, Failure> {
    let mut failures = report.log.as_deref().map(|path| read(program, path)).transpose()?;
    let now = site::now();
    let since = ago(report.unused_for, now);
    let mut tally = Tally::new(now, since, usize::from(report.top));
    let activity_since = walk(site, since, &mut |known| {
        tally.add(known);
        if let Some(failures) = &mut failures {
            failures.there_is(known.key, || known.account.identity.to_string());
        }
        true
    })?;
    let failures = failures.map(|log| log.into_facts(usize::from(report.top)));
    Ok(tally.into_facts(site.place().database.to_string_lossy().into_owned(), activity_since, failures))
}

/// Reads the helper's log.
fn read(program: &Program, path: &Path) -> Result<FailureLog, Failure> {
    let log = input::read(path, FailureLog::read)?;
    if !log.has_logins() {
        program.complain(format_args!("no line of {} tells of a login", path.display()));
    }
    Ok(log)
}

/// What a report says of a log, as JSON, where these are all accounts; for the fuzzer.
#[doc(hidden)]
#[must_use]
pub fn failures_of(log: &[u8], accounts: &[Identity]) -> String {
    let Ok(mut failures) = FailureLog::read(log) else { return String::new() };
    accounts.iter().for_each(|identity| failures.there_is(&identity.key(), || identity.to_string()));
    serde_json::to_string(&failures.into_facts(usize::MAX)).unwrap_or_default()
}

/// Gives every account to `visit`, with what is known of its use since then, until it returns false. Says since when all is known.
fn walk(site: &Site, since: UnixTime, visit: &mut dyn FnMut(&Known<'_>) -> bool) -> Result<Option<UnixTime>, Failure> {
    let mut lister = site.lister()?;
    let mut record = Record::open(site, lister.database_id())?;
    try_each(
        |visit| lister.list(visit),
        |account| {
            let key = account.identity.key();
            let uses = of_this_account(&account, record.uses(&key)?);
            let usage = record.usage(&account, &uses, since);
            Ok(visit(&Known { account: &account, key: &key, uses: &uses, usage }))
        },
    )?;
    Ok(record.since)
}

#[derive(Serialize)]
struct JsonAccount {
    account: String,
    state: &'static str,
    usage: &'static str,
    last: Option<String>,
    mechanism: Option<&'static str>,
    needs: Vec<&'static str>,
    uses: Vec<JsonUse>,
}

#[derive(Serialize)]
struct JsonUse {
    password: String,
    mechanism: &'static str,
    last: Option<String>,
    last_handed_out: Option<String>,
}

impl JsonAccount {
    fn of(known: &Known<'_>, now: UnixTime, since: UnixTime) -> Self {
        let last = known.last();
        let needs = |weak: &Mechanism| known.users_of(*weak, since).any(|(_, _, nothing_stronger)| nothing_stronger);
        Self {
            account: known.account.identity.to_string(),
            state: State::of(known.account, now).word(),
            usage: known.usage.word(),
            last: last.map(|(at, _)| rfc3339(at)),
            mechanism: last.map(|(_, mechanism)| mechanism.name()),
            needs: WEAK.iter().filter(|weak| needs(weak)).map(|weak| weak.name()).collect(),
            uses: known.uses.iter().map(JsonUse::of).collect(),
        }
    }

    fn columns(self) -> [String; COLUMNS.len()] {
        [
            self.account,
            self.state.to_owned(),
            self.usage.to_owned(),
            or_dash(self.last),
            or_dash(self.mechanism.map(str::to_owned)),
            or_dash(self.needs.join(",")),
        ]
    }
}

impl JsonUse {
    fn of(used: &LastUse) -> Self {
        Self {
            password: printable(used.label.as_ref()),
            mechanism: used.mechanism.name(),
            last: used.last.map(|seen| rfc3339(seen.at)),
            last_handed_out: used.handed_out.map(|handed| rfc3339(handed.last)),
        }
    }
}

/// A row for each account.
fn each_account(site: &Site, report: &Report) -> Result<Exit, Failure> {
    let now = site::now();
    let since = ago(report.unused_for, now);
    let mut rows = Rows::new(COLUMNS, report.json);
    let mut written = Ok(Reader::Present);
    walk(site, since, &mut |known| {
        let shown = || JsonAccount::of(known, now, since);
        written = rows.row(|| shown().columns(), shown);
        matches!(written, Ok(Reader::Present))
    })?;
    failure::written(output::finished(written, || rows.finish()))?;
    Ok(Exit::Success)
}

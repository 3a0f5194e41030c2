//! `sasldb-rs retire`: takes a scheme away from the passwords that nobody used by it for long. Where nobody can tell it takes
//! nothing away, and never the last scheme of a password.

use std::time::Duration;

use serde::Serialize;

use crate::cli::audit_log;
use crate::cli::exit::Exit;
use crate::cli::failure::{self, Failure};
use crate::cli::output::{Program, Reader, or_dash, printable, to_stderr};
use crate::cli::rows::Rows;
use crate::cli::site::{self, Site};
use crate::cli::unused::{Record, ago};
use crate::cli::when::rfc3339;
use crate::credential::{Account, Label, Secrets};
use crate::identity::{Identity, IdentityKey};
use crate::runtime::UnixTime;
use crate::store::activity::LastUse;
use crate::store::sqlite::{Lister, Writer};
use crate::store::{Applied, Change, CredentialAdmin as _, Listed, Receipt, StoreError};
use crate::vocabulary::Scheme;

use super::options::Retire;

/// Accounts in one transaction: other writers wait for some tens of milliseconds.
const AT_ONCE: usize = 1000;

/// How often an account may be changed by others between reading it and writing it before we give up.
const TRIES: usize = 10;

/// Scripts count on them: new ones are added at the end.
const COLUMNS: [&str; 5] = ["DONE", "ACCOUNT", "PASSWORD", "WHY", "LAST"];

pub(super) fn retire(program: &Program, site: &Site, retire: &Retire) -> Result<Exit, Failure> {
    let now = site::now();
    let mut lister = site.lister()?;
    let record = Record::open(site, lister.database_id())?;
    let rule = Rule { scheme: retire.scheme, since: ago(retire.unused_for, now) };
    if !record.reaches_back_to(rule.since) {
        return Err(too_short(&record, &rule, retire.unused_for));
    }
    warn_of_settings(site, &rule, program);
    let mut run = Run {
        program,
        rule,
        record,
        store: site.writer()?,
        dry_run: retire.dry_run,
        rows: Rows::new(COLUMNS, retire.json),
        reader: Reader::Present,
        sum: Sum::default(),
    };
    let mut after: Option<IdentityKey> = None;
    while run.reader == Reader::Present {
        let some = some_that_have(&mut lister, run.rule.scheme, after.as_ref())?;
        let Some(last) = some.last().map(Identity::key) else { break };
        run.settle(some)?;
        after = Some(last);
    }
    run.finish()
}

/// The next accounts that have the scheme.
fn some_that_have(
    lister: &mut Lister,
    scheme: Scheme,
    after: Option<&IdentityKey>,
) -> Result<Vec<Identity>, StoreError> {
    let mut some = Vec::new();
    let visit = &mut |account: Listed| {
        if account.schemes.contains(&scheme) {
            some.push(account.identity);
        }
        some.len() < AT_ONCE
    };
    match after {
        Some(after) => lister.list_after(after, visit)?,
        None => lister.list(visit)?,
    }
    Ok(some)
}

fn too_short(record: &Record, rule: &Rule, time: Duration) -> Failure {
    let cause = anyhow::anyhow!(
        "nobody can tell who used {} since {}: activity: {}",
        rule.needing(),
        rfc3339(rule.since),
        record.shortfall()
    );
    let hint = match record.since {
        Some(begin) => {
            let seconds = i64::try_from(time.as_secs()).unwrap_or(i64::MAX);
            let then = rfc3339(UnixTime(begin.0.saturating_add(seconds)));
            format!("nothing has changed; it reaches back that far from {then} on, if no gap comes between")
        }
        None => {
            "nothing has changed; saslauthd-rs records it while it runs; see `activity` in sasldb-rs.toml(5)".to_owned()
        }
    };
    Failure::new(Exit::Unavailable, cause).hint(hint)
}

/// What goes comes back with the next password that is set, unless the settings say otherwise.
fn warn_of_settings(site: &Site, rule: &Rule, program: &Program) {
    let name = rule.scheme.name();
    for (setting, schemes) in [("schemes", &site.config.schemes), ("learn", &site.config.learn)] {
        if schemes.contains(&rule.scheme) {
            program
                .complain(format_args!("warning: the setting `{setting}` makes {name} for passwords that are to come"));
        }
    }
}

/// What is retired, and for whom.
struct Rule {
    scheme: Scheme,
    since: UnixTime,
}

/// What becomes of a password's scheme. Scripts count on the words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    Removed,
    /// Somebody logged in by what needs it, at this time.
    Used(UnixTime),
    /// The account was made or changed since, at this time: it may have had no time.
    TooNew(UnixTime),
    /// It is all there is.
    LastScheme,
    /// Without it too many of the account's passwords would be slow to check.
    SlowHashes,
}

impl Rule {
    /// The mechanism that the scheme serves and no other does. PLAIN and LOGIN go on with what else there is.
    fn needing(&self) -> &'static str {
        self.scheme.mechanism().map_or("it", |mechanism| mechanism.name())
    }

    /// The account's passwords that have the scheme, with what becomes of each.
    fn fates(&self, account: &Account, uses: &[LastUse]) -> Vec<(Label, Fate)> {
        let made_or_changed = account.created.max(account.changed);
        let has = |secrets: &Secrets| secrets.schemes().any(|scheme| scheme == self.scheme);
        let with_it = account.passwords.iter().filter(|password| has(&password.secrets));
        with_it
            .map(|password| {
                let label = &password.facts.label;
                let of_it = uses
                    .iter()
                    .filter(|used| used.label == label.as_str() && Some(used.mechanism) == self.scheme.mechanism());
                let last = of_it.filter_map(LastUse::at).max();
                let fate = match last.filter(|at| *at > self.since) {
                    _ if password.secrets.schemes().count() == 1 => Fate::LastScheme,
                    Some(at) => Fate::Used(at),
                    None if made_or_changed > self.since => Fate::TooNew(made_or_changed),
                    None => Fate::Removed,
                };
                (label.clone(), fate)
            })
            .collect()
    }
}

#[derive(Debug, Default)]
struct Sum {
    removed: u64,
    kept: u64,
    wrong: u64,
}

#[derive(Serialize)]
struct Line<'a> {
    done: &'static str,
    account: &'a str,
    password: &'a str,
    why: Option<&'static str>,
    last: Option<String>,
}

impl Fate {
    const fn why(self) -> Option<&'static str> {
        match self {
            Self::Removed => None,
            Self::Used(_) => Some("used"),
            Self::TooNew(_) => Some("too-new"),
            Self::LastScheme => Some("last-scheme"),
            Self::SlowHashes => Some("slow-hashes"),
        }
    }

    const fn time(self) -> Option<UnixTime> {
        match self {
            Self::Used(at) | Self::TooNew(at) => Some(at),
            Self::Removed | Self::LastScheme | Self::SlowHashes => None,
        }
    }
}

struct Run<'a> {
    program: &'a Program,
    rule: Rule,
    record: Record,
    store: Writer,
    dry_run: bool,
    rows: Rows<{ COLUMNS.len() }>,
    reader: Reader,
    sum: Sum,
}

/// An account with what becomes of its passwords.
struct Decided {
    identity: Identity,
    fates: Vec<(Label, Fate)>,
}

impl Run<'_> {
    /// Decides about these accounts and writes what goes, in one transaction; those that others changed meanwhile once more.
    fn settle(&mut self, accounts: Vec<Identity>) -> Result<(), Failure> {
        let mut left = accounts;
        for _ in 0..TRIES {
            left = self.settle_once(left)?;
            if left.is_empty() {
                return Ok(());
            }
        }
        Err(StoreError::Busy.into())
    }

    fn settle_once(&mut self, accounts: Vec<Identity>) -> Result<Vec<Identity>, Failure> {
        let (mut all, mut changes) = (Vec::new(), Vec::new());
        for identity in accounts {
            let key = identity.key();
            let account = match self.store.account(&key) {
                Ok(Some(account)) => account,
                // Somebody removed it.
                Ok(None) => continue,
                Err(StoreError::Damaged(what)) => {
                    self.sum.wrong = self.sum.wrong.saturating_add(1);
                    self.program.complain(format_args!("{identity}: {what}"));
                    continue;
                }
                Err(fault) => return Err(fault.into()),
            };
            let fates = self.rule.fates(&account, &self.record.uses(&key)?);
            let going = fates.iter().filter(|(_, fate)| *fate == Fate::Removed);
            let labels: Vec<Label> = going.map(|(label, _)| label.clone()).collect();
            let changes_it = !labels.is_empty() && !self.dry_run;
            if changes_it {
                let (scheme, expected) = (self.rule.scheme, account.revision);
                changes.push(Change::RemoveScheme { key, labels, scheme, expected });
            }
            all.push((Decided { identity, fates }, changes_it));
        }
        let mut outcomes = self.write(changes)?.into_iter();
        let mut again = Vec::new();
        for (mut decided, changes_it) in all {
            match changes_it.then(|| outcomes.next()).flatten() {
                Some(Ok(receipt)) if receipt.applied == Applied::Conflict => {
                    again.push(decided.identity);
                    continue;
                }
                Some(Err(_)) => {
                    let going = decided.fates.iter_mut().filter(|(_, fate)| *fate == Fate::Removed);
                    going.for_each(|(_, fate)| *fate = Fate::SlowHashes);
                }
                Some(Ok(_)) | None => {}
            }
            self.tell(&decided)?;
        }
        Ok(again)
    }

    fn write(&mut self, changes: Vec<Change>) -> Result<Vec<Result<Receipt, StoreError>>, Failure> {
        if changes.is_empty() {
            return Ok(Vec::new());
        }
        let outcomes = self.store.apply_each(changes, &site::actor(self.program), site::now())?;
        if let Some(audit) = outcomes.iter().flatten().filter_map(|receipt| receipt.audit).next_back() {
            // One line for all: the head of the last change covers those before it.
            audit_log::note_of_all(self.program, &format!("{} retired", self.rule.scheme.name()), &audit);
        }
        Ok(outcomes)
    }

    fn tell(&mut self, decided: &Decided) -> Result<(), Failure> {
        let account = decided.identity.to_string();
        for (label, fate) in &decided.fates {
            let done = if *fate == Fate::Removed { "removed" } else { "kept" };
            let count = if *fate == Fate::Removed { &mut self.sum.removed } else { &mut self.sum.kept };
            *count = count.saturating_add(1);
            if self.reader == Reader::Gone {
                continue;
            }
            let last = fate.time().map(rfc3339);
            let columns = || {
                [
                    done.to_owned(),
                    account.clone(),
                    printable(label.as_str().as_ref()),
                    fate.why().unwrap_or("-").to_owned(),
                    or_dash(last.clone()),
                ]
            };
            let object =
                || Line { done, account: &account, password: label.as_str(), why: fate.why(), last: last.clone() };
            self.reader = failure::written(self.rows.row(columns, object)).map_err(stopped)?;
        }
        Ok(())
    }

    fn finish(self) -> Result<Exit, Failure> {
        let Self { rows, reader, sum, dry_run, rule, .. } = self;
        if reader == Reader::Present {
            failure::written(rows.finish()).map_err(stopped)?;
        }
        let would = if dry_run { "would be " } else { "" };
        let Sum { removed, kept, wrong } = sum;
        let name = rule.scheme.name();
        to_stderr(format_args!("{name}: {would}removed from {removed} passwords, kept by {kept}\n"));
        if dry_run {
            to_stderr("nothing has changed: --dry-run\n");
        }
        Ok(if wrong == 0 { Exit::Success } else { Exit::Failure })
    }
}

fn stopped(failure: Failure) -> Failure {
    failure.hint("what was done so far is whole; run it again for the rest")
}

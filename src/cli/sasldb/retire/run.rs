//! Carrying it out: accounts are read, decided about, written and told of, some at a time.

use serde::Serialize;

use crate::cli::batch;
use crate::cli::exit::Exit;
use crate::cli::failure::{self, Failure};
use crate::cli::output::{Program, Reader, or_dash, printable, to_stderr};
use crate::cli::rows::Rows;
use crate::cli::site;
use crate::cli::unused::Record;
use crate::cli::when::rfc3339;
use crate::credential::Label;
use crate::identity::Identity;
use crate::store::sqlite::Writer;
use crate::store::{Applied, Change, CredentialAdmin as _, StoreError};

use super::super::options::Retire;
use super::rule::{Fate, Rule};

/// Scripts count on them: new ones are added at the end.
const COLUMNS: [&str; 5] = ["DONE", "ACCOUNT", "PASSWORD", "WHY", "LAST"];

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

/// Accounts decided about and told of, some at a time.
pub(super) struct Run<'a> {
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

impl<'a> Run<'a> {
    pub(super) fn begin(program: &'a Program, rule: Rule, record: Record, store: Writer, retire: &Retire) -> Self {
        let (rows, reader) = (Rows::new(COLUMNS, retire.json), Reader::Present);
        Self { program, rule, record, store, dry_run: retire.dry_run, rows, reader, sum: Sum::default() }
    }

    /// Whether somebody still reads what is told.
    pub(super) fn is_read(&self) -> bool {
        self.reader == Reader::Present
    }

    /// Decides about these accounts and writes what goes, in one transaction; those that others changed meanwhile once more.
    pub(super) fn settle(&mut self, accounts: Vec<Identity>) -> Result<(), Failure> {
        let mut left = accounts;
        for _ in 0..site::TRIES {
            left = self.settle_once(left)?;
            if left.is_empty() {
                return Ok(());
            }
        }
        Err(StoreError::Busy.into())
    }

    fn settle_once(&mut self, accounts: Vec<Identity>) -> Result<Vec<Identity>, Failure> {
        let (mut all, mut changes) = (Vec::new(), Vec::new());
        // What goes is decided on by what is known now.
        self.record.forget();
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
        let what = format!("{} retired", self.rule.scheme.name());
        let mut outcomes = batch::apply_each(self.program, &mut self.store, changes, &what)?.into_iter();
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

    /// Tells the sum.
    pub(super) fn finish(self) -> Result<Exit, Failure> {
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

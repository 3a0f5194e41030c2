//! What `apply` says: differences on stdout, all else on stderr.

use anyhow::Context as _;
use serde::Serialize;

use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::cli::output::{Data, to_stderr};
use crate::cli::progress::{Lines, Progress};

use super::plan::{Fate, Plan};

/// How many weak passwords are named; a million would be no warning any more.
const WEAK_NAMED: u64 = 20;

#[derive(Serialize)]
struct Line<'a> {
    done: &'a str,
    account: String,
    differences: &'a [String],
}

/// Says what is done, and counts.
pub(super) struct Report {
    data: Data,
    json: bool,
    dry_run: bool,
    progress: Progress,
    created: u64,
    changed: u64,
    removed: u64,
    unchanged: u64,
    wrong: u64,
    weak: u64,
}

impl Report {
    pub(super) fn new(json: bool, dry_run: bool) -> Self {
        Self {
            data: Data::new(),
            json,
            dry_run,
            progress: Progress::begin(None, Lines::Many),
            created: 0,
            changed: 0,
            removed: 0,
            unchanged: 0,
            wrong: 0,
            weak: 0,
        }
    }

    /// An account is as it should be.
    pub(super) fn done(&mut self, plan: &Plan) -> Result<(), Failure> {
        let count = match plan.fate {
            Fate::Created => &mut self.created,
            Fate::Changed => &mut self.changed,
            Fate::Removed => &mut self.removed,
            Fate::Unchanged => &mut self.unchanged,
        };
        *count = count.saturating_add(1);
        for weakness in &plan.weaknesses {
            self.weak = self.weak.saturating_add(1);
            if self.weak <= WEAK_NAMED {
                self.progress.aside(|| to_stderr(format_args!("warning: {weakness}\n")));
            }
        }
        if plan.fate == Fate::Unchanged {
            return Ok(());
        }
        let done = plan.fate.word();
        let line = if self.json {
            let line = Line { done, account: plan.identity.to_string(), differences: &plan.differences };
            serde_json::to_string(&line).unwrap_or_default()
        } else {
            format!("{done}\t{}\t{}", plan.identity, plan.differences.join(", "))
        };
        self.data.line(line.trim_end()).context("cannot write to stdout").map_err(broken)?;
        Ok(())
    }

    /// An entry cannot be applied.
    pub(super) fn wrong(&mut self, place: u64, why: &str) {
        self.wrong = self.wrong.saturating_add(1);
        self.progress.aside(|| to_stderr(format_args!("entry {place}: {why}\n")));
    }

    /// Whether every entry could be applied so far.
    pub(super) fn all_right(&self) -> bool {
        self.wrong == 0
    }

    /// Tells a person how far it is.
    pub(super) fn progress(&self) {
        let so_far = [self.created, self.changed, self.removed, self.unchanged, self.wrong];
        self.progress.at(so_far.into_iter().fold(0, u64::saturating_add));
    }

    /// The sum, and the status.
    pub(super) fn finish(self) -> Result<Exit, Failure> {
        self.progress.end();
        self.data.finish().context("cannot write to stdout").map_err(broken)?;
        if self.weak > WEAK_NAMED {
            to_stderr(format_args!("warning: {} passwords are weak\n", self.weak));
        }
        let would = if self.dry_run { "would be " } else { "" };
        let Self { created, changed, removed, unchanged, wrong, .. } = self;
        to_stderr(format_args!(
            "{created} {would}created, {changed} {would}changed, {removed} {would}removed, {unchanged} unchanged, {wrong} wrong\n"
        ));
        let some = [created, changed, removed].into_iter().any(|count| count > 0);
        Ok(match (wrong, some) {
            (0, true) => Exit::Changed,
            (0, false) => Exit::Success,
            _ => Exit::Failure,
        })
    }
}

fn broken(cause: anyhow::Error) -> Failure {
    Failure::new(Exit::Failure, cause).hint("what was applied so far is whole; run it again for the rest")
}

//! What `apply` says: differences on stdout, all else on stderr.

use std::io::IsTerminal as _;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use serde::Serialize;

use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::cli::output::{self, Data, to_stderr};

use super::plan::{Fate, Plan};

/// How many weak passwords are named; a million would be no warning any more.
const WEAK_NAMED: u64 = 20;

/// Between two words about how far it is.
const PAUSE: Duration = Duration::from_millis(500);

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
    progress: Option<(Instant, Instant)>,
    created: u64,
    changed: u64,
    removed: u64,
    unchanged: u64,
    wrong: u64,
    weak: u64,
}

impl Report {
    pub(super) fn new(json: bool, dry_run: bool) -> Self {
        let now = Instant::now();
        // Where the lines themselves scroll by, they are the progress.
        let shows_progress = std::io::stderr().is_terminal() && !output::is_terminal();
        Self {
            data: Data::new(),
            json,
            dry_run,
            progress: shows_progress.then_some((now, now)),
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
        if let Some(weakness) = &plan.weak {
            self.weak = self.weak.saturating_add(1);
            if self.weak <= WEAK_NAMED {
                to_stderr(format_args!("warning: {weakness}\n"));
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
        to_stderr(format_args!("entry {place}: {why}\n"));
    }

    /// Whether every entry could be applied so far.
    pub(super) fn all_right(&self) -> bool {
        self.wrong == 0
    }

    /// Tells a person how far it is.
    pub(super) fn progress(&mut self) {
        let Some((begun, last)) = &mut self.progress else { return };
        if last.elapsed() < PAUSE {
            return;
        }
        *last = Instant::now();
        let so_far = [self.created, self.changed, self.removed, self.unchanged, self.wrong];
        let so_far = so_far.into_iter().fold(0, u64::saturating_add);
        let seconds = begun.elapsed().as_secs().max(1);
        to_stderr(format_args!("\r{so_far} accounts, {} in a second", so_far.checked_div(seconds).unwrap_or(so_far)));
    }

    /// The sum, and the status.
    pub(super) fn finish(self) -> Result<Exit, Failure> {
        self.data.finish().context("cannot write to stdout").map_err(broken)?;
        if self.progress.is_some() {
            to_stderr("\r\x1b[K");
        }
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

//! `sasldb-rs apply`: accounts as they should be.
//!
//! One thread reads, as many as there are processors compare and derive, and this one writes: bounded queues between them, bounded
//! transactions at the end. It may be stopped at any moment; what was committed is found as it should be by the next run.

mod plan;
mod prune;
mod read;
mod report;
mod room;
mod wanted;

use std::num::NonZero;
use std::thread;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, bounded};

use crate::cli::audit_log;
use crate::cli::batch;
use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::cli::output::Program;
use crate::cli::site::{self, Site};
use crate::cli::stop::{self, Stop};
use crate::cli::walk::try_each;
use crate::identity::Realms;
use crate::store::sqlite::SeenNames;
use crate::store::{Applied, CredentialAdmin as _, Receipt, StoreError};

use super::options::Apply;
pub(super) use plan::SEALED;
use plan::{NoPlan, Plan, Planner};
use read::{Source, Wrong};
use report::Report;
use wanted::Entry;

/// How many entries wait between two threads, if there is room for so many.
const QUEUE: usize = 1024;

/// How many accounts are written in one transaction, and how long the first of them waits for others.
const BATCH: usize = 2000;
const PATIENCE: Duration = Duration::from_secs(1);

/// How long a thread that has nothing to do waits before it looks whether the work is stopped.
const LOOK: Duration = Duration::from_millis(200);

/// An entry with what is to be done about it.
type Planned = Result<(Entry, Plan), Unplanned>;

enum Unplanned {
    Wrong(Wrong),
    Stop(Failure),
}

pub(super) fn apply(program: &Program, site: &Site, apply: &Apply) -> Result<Exit, Failure> {
    let source = Source::open(&apply.file)?;
    let mut store = match (apply.dry_run, site.existing_writer()) {
        (_, Ok(store)) => Some(store),
        (true, Err(StoreError::Missing(_))) => None,
        (true, Err(fault)) => return Err(fault.into()),
        (false, Err(_)) => Some(site.writer_or_new(program)?),
    };
    let realms = match &mut store {
        Some(store) => site.realms(store)?,
        None => site.realms_of_a_new_database()?,
    };
    let has_store = store.is_some();
    let mut run = Run {
        program,
        planner: Planner { config: &site.config, realms: &realms, store, dry_run: apply.dry_run },
        report: Report::new(apply.json, apply.dry_run),
        batch: Vec::new(),
    };
    let stop = Stop::on_signals()?;
    let ended = thread::scope(|scope| {
        let (to_workers, entries) = bounded(QUEUE);
        let (to_writer, plans) = bounded(QUEUE);
        // Not of the scope: nobody can wait for one that waits for stdin.
        let reader = thread::spawn({
            let realms = realms.clone();
            move || read_once_each(source, &realms, &to_workers)
        });
        for _ in 0..thread::available_parallelism().map_or(1, NonZero::get) {
            let (entries, to_writer, realms) = (Entries(entries.clone(), stop.clone()), to_writer.clone(), &realms);
            scope.spawn(move || {
                if let Err(fault) = work(site, realms, apply.dry_run, has_store, entries, &to_writer) {
                    let _ = to_writer.send(Err(Unplanned::Stop(fault)));
                }
            });
        }
        // So that each thread sees when those before or after it are gone.
        drop((entries, to_writer));
        let written = run.write(&plans, &stop);
        drop(plans);
        if stop.is_asked() || written.is_err() {
            stop.ask();
            return written.map(|()| None);
        }
        reader.join().map_or(Ok(None), |named| named.map(Some))
    });
    let is_whole = match ended {
        Ok(_) if stop.is_asked() => false,
        ended => match (ended?, apply.max_removals.filter(|_| apply.prune)) {
            (Some(named), Some(most)) => run.prune(&named, most, &stop)?,
            _ => true,
        },
    };
    let exit = run.report.finish()?;
    if is_whole { Ok(exit) } else { Err(stop::interrupted()) }
}

/// Hands on the entries of a file. Of several for one account the first counts: whichever came last would undo what came before it,
/// in each run anew. Gives the names of all.
fn read_once_each(
    source: Source,
    realms: &Realms,
    to_workers: &Sender<Result<Entry, Wrong>>,
) -> Result<SeenNames, Failure> {
    let mut seen = SeenNames::none()?;
    try_each(
        |take| source.each(take),
        |mut entry| {
            if let Ok(Entry { place, named, .. }) = &entry {
                let (place, identity) = (*place, named.resolve(realms));
                if let Some(before) = seen.note(&identity.key(), place)? {
                    let why = format!("{identity} is named before, by entry {before}");
                    entry = Err(Wrong { place, why, _part: None });
                }
            }
            Ok(to_workers.send(entry).is_ok())
        },
    )?;
    Ok(seen)
}

/// The place of an entry in a file, and what it says, or why it cannot be applied.
#[doc(hidden)]
pub type Told = (u64, Result<String, String>);

/// What the reader makes of a whole file, for the fuzzer.
///
/// # Errors
/// What is wrong with the file, in words.
#[doc(hidden)]
pub fn entries_of(file: &[u8], realms: &Realms) -> Result<Vec<Told>, String> {
    let mut entries = Vec::new();
    let read = Source::of(std::io::Cursor::new(file.to_vec()), "file", 0).each(|entry| {
        entries.push(match entry {
            Ok(entry) => (entry.place, Ok(entry.summary(realms))),
            Err(Wrong { place, why, .. }) => (place, Err(why)),
        });
        true
    });
    read.map(|()| entries).map_err(|failure| failure.to_string())
}

/// What was read, until there is no more or the work is stopped.
struct Entries(Receiver<Result<Entry, Wrong>>, Stop);

impl Iterator for Entries {
    type Item = Result<Entry, Wrong>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            match self.0.recv_timeout(LOOK) {
                Ok(entry) => return Some(entry),
                Err(RecvTimeoutError::Timeout) if !self.1.is_asked() => {}
                Err(_) => return None,
            }
        }
    }
}

/// Plans entries until there are no more.
fn work(
    site: &Site,
    realms: &Realms,
    dry_run: bool,
    has_store: bool,
    entries: Entries,
    to_writer: &Sender<Planned>,
) -> Result<(), Failure> {
    let store = if has_store { Some(site.writer()?) } else { None };
    let mut planner = Planner { config: &site.config, realms, store, dry_run };
    for entry in entries {
        let planned = match entry {
            Err(wrong) => Err(Unplanned::Wrong(wrong)),
            Ok(entry) => match planner.plan(&entry) {
                Ok(plan) => Ok((entry, plan)),
                Err(NoPlan::Wrong(why)) => Err(Unplanned::Wrong(Wrong { place: entry.place, why, _part: entry.part })),
                Err(NoPlan::Store(fault)) => return Err(fault.into()),
            },
        };
        if to_writer.send(planned).is_err() {
            break;
        }
    }
    Ok(())
}

/// The writing end.
struct Run<'a> {
    program: &'a Program,
    planner: Planner<'a>,
    report: Report,
    batch: Vec<(Entry, Plan)>,
}

impl Run<'_> {
    /// Writes until there are no more plans, or what is at hand when the work is stopped.
    fn write(&mut self, plans: &Receiver<Planned>, stop: &Stop) -> Result<(), Failure> {
        let mut since: Option<Instant> = None;
        while !stop.is_asked() {
            let waited = since.map(|since| since.elapsed()).unwrap_or_default();
            let wait = PATIENCE.saturating_sub(waited).min(LOOK);
            match plans.recv_timeout(wait) {
                Ok(Ok((_, plan))) if plan.change.is_none() => self.report.done(&plan)?,
                Ok(Ok(planned)) => {
                    self.batch.push(planned);
                    since.get_or_insert_with(Instant::now);
                }
                Ok(Err(Unplanned::Wrong(wrong))) => self.report.wrong(wrong.place, &wrong.why),
                Ok(Err(Unplanned::Stop(fault))) => return Err(fault),
                // Whoever reads may wait for the room that these take.
                Err(RecvTimeoutError::Timeout) => {
                    self.commit()?;
                    since = None;
                }
                Err(RecvTimeoutError::Disconnected) => return self.commit(),
            }
            if self.batch.len() >= BATCH || since.is_some_and(|since| since.elapsed() >= PATIENCE) {
                self.commit()?;
                since = None;
            }
            self.report.progress();
        }
        self.commit()
    }

    /// Writes the batch in one transaction.
    fn commit(&mut self) -> Result<(), Failure> {
        let Some(store) = self.planner.store.as_mut().filter(|_| !self.batch.is_empty()) else { return Ok(()) };
        let mut batch = std::mem::take(&mut self.batch);
        let changes = batch.iter_mut().filter_map(|(_, plan)| plan.change.take()).collect();
        let outcomes = batch::apply_each(self.program, store, changes, "accounts applied")?;
        let mut outdated = Vec::new();
        for ((entry, plan), outcome) in batch.into_iter().zip(outcomes) {
            match outcome {
                Ok(Receipt { applied: Applied::Conflict, .. }) => outdated.push((entry, plan)),
                Ok(_) => self.report.done(&plan)?,
                Err(fault) => self.report.wrong(entry.place, &fault.to_string()),
            }
        }
        outdated.into_iter().try_for_each(|(entry, plan)| self.plan_again(&entry, &plan))
    }

    /// Plans and writes what somebody else has changed meanwhile.
    fn plan_again(&mut self, entry: &Entry, plan: &Plan) -> Result<(), Failure> {
        for _ in 0..site::TRIES {
            // Told is what there was to do at first: what of it somebody else has done is as it should be, too.
            let change = match self.planner.plan(entry) {
                Ok(again) => again.change,
                Err(NoPlan::Store(fault)) => return Err(fault.into()),
                Err(NoPlan::Wrong(why)) => {
                    self.report.wrong(entry.place, &why);
                    return Ok(());
                }
            };
            let Some((store, change)) = self.planner.store.as_mut().zip(change) else {
                return self.report.done(plan);
            };
            match StoreError::of_one_change(store.apply(change, &site::actor(self.program), site::now()))? {
                Ok(Receipt { applied: Applied::Conflict, .. }) => {}
                Ok(receipt) => {
                    audit_log::note(self.program, &plan.identity, "account applied", &receipt);
                    return self.report.done(plan);
                }
                Err(fault) => {
                    self.report.wrong(entry.place, &fault.to_string());
                    return Ok(());
                }
            }
        }
        Err(StoreError::Busy.into())
    }
}

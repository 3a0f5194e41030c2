//! Gathers who logged in, and writes it down in batches. It runs on the log's thread: no login waits for it.

use std::collections::HashMap;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use crate::event::{Ending, Event};
use crate::runtime::{Clock, SystemClock, UnixTime};
use crate::store::StoreError;
use crate::store::activity::{ActivityWriter, DatabaseId, Use};

/// How long a success waits to be written.
const BATCH: Duration = Duration::from_secs(5);

/// The most successes that wait; more are a gap.
const MOST: usize = 100_000;

/// Where activity goes, and whose it is.
pub struct ActivityPlace {
    /// The folder, which the helper's user may write.
    pub folder: PathBuf,
    /// Asks which account database there is now.
    pub database: Box<dyn FnMut() -> Result<DatabaseId, StoreError> + Send>,
}

pub(super) struct Recorder {
    place: ActivityPlace,
    clock: SystemClock,
    writer: Option<ActivityWriter>,
    waiting: HashMap<Use, UnixTime>,
    since: Option<Instant>,
    gap: bool,
    /// Whether the log has been told that nothing can be written.
    told: bool,
}

impl Recorder {
    pub(super) fn new(place: ActivityPlace) -> Self {
        let clock = SystemClock::start();
        Self { place, clock, writer: None, waiting: HashMap::new(), since: None, gap: false, told: false }
    }

    /// Takes note of an event, if it is a success or says that some were lost.
    pub(super) fn note(&mut self, event: &Event) {
        match event {
            Event::Ended(_, Ending::Authenticated(success)) => {
                let label = success.label().map_or_else(String::new, |label| label.as_str().to_owned());
                let one = Use { key: success.identity().key(), label, mechanism: success.mechanism() };
                if self.waiting.len() < MOST || self.waiting.contains_key(&one) {
                    self.waiting.insert(one, self.clock.now());
                } else {
                    self.gap = true;
                }
                self.since.get_or_insert_with(Instant::now);
            }
            Event::LinesLost(_) => self.gap = true,
            _ => {}
        }
    }

    /// How long the thread may sleep; for ever where nothing waits.
    pub(super) fn due_in(&self) -> Option<Duration> {
        self.since.map(|since| BATCH.saturating_sub(since.elapsed()))
    }

    /// Writes what has waited long enough. An event for the log comes back if it begins to fail.
    pub(super) fn write_if_due(&mut self) -> Option<Event> {
        if self.due_in() == Some(Duration::ZERO) { self.write() } else { None }
    }

    /// Begins, so that what follows is known to be continuous, though nobody logs in.
    pub(super) fn begin(&mut self) -> Option<Event> {
        self.write()
    }

    fn write(&mut self) -> Option<Event> {
        self.since = None;
        match self.try_write() {
            Ok(()) => {
                self.waiting.clear();
                (self.gap, self.told) = (false, false);
                None
            }
            Err(fault) => {
                // What cannot be written is missing; the next try begins a new period.
                self.waiting.clear();
                self.writer = None;
                self.gap = true;
                (!core::mem::replace(&mut self.told, true)).then_some(Event::ActivityLost(fault))
            }
        }
    }

    fn try_write(&mut self) -> Result<(), StoreError> {
        let database = match (self.place.database)() {
            // Where there are no accounts nobody has logged in, and nothing is missing.
            Err(_) if self.waiting.is_empty() => return Ok(()),
            other => other?,
        };
        let now = self.clock.now();
        let writer = match &mut self.writer {
            Some(writer) => writer,
            none => none.insert(ActivityWriter::begin(&self.place.folder, now)?),
        };
        writer.record(&database, &self.waiting, self.gap, now)
    }

    /// Writes what is left and says farewell.
    pub(super) fn end(mut self) {
        let failed = !self.waiting.is_empty() && self.write().is_some();
        if let Some(writer) = self.writer.take().filter(|_| !failed && !self.gap) {
            let _ = writer.end();
        }
    }
}

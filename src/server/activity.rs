//! Gathers who logged in, and writes it down in batches. It runs on the log's thread: no login waits for it.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use crate::credential::{Label, Who};
use crate::event::{Ending, Event};
use crate::exchange;
use crate::runtime::{Clock, SystemClock};
use crate::store::StoreError;
use crate::store::activity::{ActivityWriter, DatabaseId, HandedOut, Seen, Use};

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
    waiting: HashMap<Use, Seen>,
    handed_out: HashMap<Use, HandedOut>,
    since: Option<Instant>,
    gap: bool,
    /// Whether the log has been told that nothing can be written.
    told: bool,
}

impl Recorder {
    pub(super) fn new(place: ActivityPlace) -> Self {
        let clock = SystemClock::start();
        Self {
            place,
            clock,
            writer: None,
            waiting: HashMap::new(),
            handed_out: HashMap::new(),
            since: None,
            gap: false,
            told: false,
        }
    }

    /// Takes note of an event, if it is a success or says that some were lost.
    pub(super) fn note(&mut self, event: &Event) {
        match event {
            Event::Ended(login, Ending::Authenticated(success)) => {
                let label = success.label().map_or_else(String::new, |label| label.as_str().to_owned());
                let key = match success.who() {
                    Who::Account(key) => key.clone(),
                    Who::Nobody(_) => success.identity().key(),
                };
                match place(&mut self.waiting, Use { key, label, mechanism: success.mechanism() }) {
                    Some(place) => drop(place.insert_entry(Seen { at: self.clock.now(), remote: login.remote })),
                    None => self.gap = true,
                }
                self.since.get_or_insert_with(Instant::now);
            }
            Event::HandedOut { given: exchange::HandedOut::Given(identity, mechanisms, _), .. } => {
                let key = identity.key();
                for mechanism in mechanisms {
                    let label = Label::main().as_str().to_owned();
                    self.note_handed_out(Use { key: key.clone(), label, mechanism: *mechanism });
                }
            }
            Event::LinesLost(_) => self.gap = true,
            _ => {}
        }
    }

    fn note_handed_out(&mut self, one: Use) {
        let now = self.clock.now();
        match place(&mut self.handed_out, one) {
            Some(place) => {
                let known = place.or_insert(HandedOut { times: 0, last: now });
                *known = HandedOut { times: known.times.saturating_add(1), last: now };
            }
            None => self.gap = true,
        }
        self.since.get_or_insert_with(Instant::now);
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
        let written = self.try_write();
        let failed = written.is_err();
        // What cannot be written is missing; the next try, which comes by itself, begins a new period.
        self.gap = failed && self.has_something();
        self.since = failed.then(Instant::now);
        self.waiting.clear();
        self.handed_out.clear();
        let told = core::mem::replace(&mut self.told, failed);
        let fault = written.err()?;
        self.writer = None;
        (!told).then_some(Event::ActivityLost(fault))
    }

    /// Whether there is something to write down.
    fn has_something(&self) -> bool {
        self.gap || !self.waiting.is_empty() || !self.handed_out.is_empty()
    }

    fn try_write(&mut self) -> Result<(), StoreError> {
        let database = match (self.place.database)() {
            // Where there are no accounts nobody has logged in, and nothing is missing.
            Err(_) if !self.has_something() => return Ok(()),
            other => other?,
        };
        let now = self.clock.now();
        let writer = match &mut self.writer {
            Some(writer) => writer,
            none => none.insert(ActivityWriter::begin(&self.place.folder, now)?),
        };
        writer.record(&database, &self.waiting, &self.handed_out, self.gap, now)
    }

    /// Writes what is left and says farewell. What cannot be written leaves no farewell.
    pub(super) fn end(mut self) {
        if self.has_something() {
            self.write();
        }
        if let Some(writer) = self.writer.take().filter(|_| !self.gap) {
            let _ = writer.end(self.clock.now());
        }
    }
}

/// The place of `one` among those that wait; none if it would be one too many.
fn place<T>(waiting: &mut HashMap<Use, T>, one: Use) -> Option<Entry<'_, Use, T>> {
    let full = waiting.len() >= MOST;
    match waiting.entry(one) {
        Entry::Vacant(_) if full => None,
        entry => Some(entry),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::identity::{Identity, Name, Realm};
    use crate::runtime::UnixTime;
    use crate::store::activity::ActivityReader;
    use crate::vocabulary::Mechanism;

    const DATABASE: DatabaseId = [1; 16];

    /// A folder where nothing was missed since 5, and a recorder that finds it gone.
    struct World {
        parent: tempfile::TempDir,
        recorder: Recorder,
    }

    impl World {
        fn new(database: impl FnMut() -> Result<DatabaseId, StoreError> + Send + 'static) -> Self {
            let parent = tempfile::tempdir().unwrap();
            let folder = parent.path().join("activity");
            fs::create_dir(&folder).unwrap();
            let mut writer = ActivityWriter::begin(&folder, UnixTime(5)).unwrap();
            writer.record(&DATABASE, [], [], false, UnixTime(5)).unwrap();
            writer.end(SystemClock::start().now()).unwrap();
            fs::rename(&folder, parent.path().join("away")).unwrap();
            let mut recorder = Recorder::new(ActivityPlace { folder, database: Box::new(database) });
            assert!(matches!(recorder.begin(), Some(Event::ActivityLost(_))));
            assert!(recorder.due_in().is_some(), "it tries again by itself");
            Self { parent, recorder }
        }

        fn come_back(&self) {
            fs::rename(self.parent.path().join("away"), &self.recorder.place.folder).unwrap();
        }

        fn is_continuous(&self) -> bool {
            let reader = ActivityReader::open(&self.recorder.place.folder, DATABASE).unwrap();
            reader.continuous_since().unwrap() == Some(UnixTime(5))
        }
    }

    #[test]
    fn nothing_is_missing_where_nobody_logged_in() {
        let mut world = World::new(|| Ok(DATABASE));
        assert!(world.recorder.write().is_none(), "told once");
        world.come_back();
        assert!(world.recorder.write().is_none());
        assert!(world.is_continuous());
        assert_eq!(world.recorder.due_in(), None);
    }

    #[test]
    fn what_was_lost_begins_a_new_period_as_soon_as_that_can_be_written() {
        let mut world = World::new(|| Ok(DATABASE));
        let key = Identity::new(Name::new("joe").unwrap(), Realm::new("example.com").unwrap()).key();
        let one = Use { key, label: "main".to_owned(), mechanism: Mechanism::Plain };
        world.recorder.waiting.insert(one, Seen { at: UnixTime(7), remote: None });
        assert!(world.recorder.write().is_none());
        world.come_back();
        world.recorder.write();
        assert!(!world.is_continuous());
    }

    #[test]
    fn a_database_out_of_reach_does_not_make_it_forget() {
        let mut asked = 0;
        let mut world = World::new(move || {
            asked += 1;
            if asked == 2 { Err(StoreError::Busy) } else { Ok(DATABASE) }
        });
        world.recorder.note(&Event::LinesLost(1));
        world.come_back();
        world.recorder.write();
        world.recorder.write();
        assert!(!world.is_continuous());
    }

    #[test]
    fn the_last_chance_is_the_end() {
        let mut world = World::new(|| Ok(DATABASE));
        world.recorder.note(&Event::LinesLost(1));
        world.come_back();
        let folder = world.recorder.place.folder.clone();
        world.recorder.end();
        let reader = ActivityReader::open(&folder, DATABASE).unwrap();
        assert!(reader.continuous_since().unwrap() > Some(UnixTime(5)), "and it said farewell");
    }
}

//! The log: events to lines on stderr, on a thread of its own. A login waits neither for a terminal nor for the journal, nor
//! for activity to be written, which is done here too.

use std::fmt::Write as _;
use std::io::Write as _;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use crate::event::Event;

use super::activity::Recorder;

/// The most events that wait to be written.
const MAX_WAITING: usize = 32_768;

/// After the first event the log waits this long for more: one wake-up and one write for all of them.
const GATHERING: Duration = Duration::from_millis(10);

/// How far the thread stands behind the loop: it gives way, but it is not starved.
const BEHIND: i32 = 5;

/// Takes events and writes them, in order.
pub(super) struct Log {
    queue: Arc<Queue>,
    unknown_names: Arc<AtomicBool>,
    lost: u64,
    thread: Option<JoinHandle<()>>,
}

impl Log {
    /// Starts the thread.
    pub(super) fn start(unknown_names: bool, activity: Recorder) -> std::io::Result<Self> {
        let queue = Arc::new(Queue::default());
        let unknown_names = Arc::new(AtomicBool::new(unknown_names));
        let writer = Writer { shown: Arc::clone(&unknown_names), prefixed: is_journal(), activity };
        let taken = Arc::clone(&queue);
        let thread = std::thread::Builder::new().name("log".to_owned()).spawn(move || writer.write_all(&taken))?;
        Ok(Self { queue, unknown_names, lost: 0, thread: Some(thread) })
    }

    /// Whether names that no account has are shown from now on.
    pub(super) fn show_unknown_names(&self, show: bool) {
        self.unknown_names.store(show, Ordering::Relaxed);
    }

    /// Takes all of `events`. Where the log cannot keep up they are counted instead: logins go on.
    pub(super) fn take(&mut self, events: &mut Vec<Event>) {
        if events.is_empty() {
            return;
        }
        let lines = u64::try_from(events.len()).unwrap_or_default();
        if self.lost > 0 {
            events.push(Event::LinesLost(self.lost));
        }
        self.lost = if self.queue.put(events) { 0 } else { self.lost.saturating_add(lines) };
        events.clear();
    }
}

impl Drop for Log {
    /// Writes what is left.
    fn drop(&mut self) {
        self.queue.close();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// Events on their way from the loop to the thread. The thread is woken for the first only, and takes all that came while it
/// gathered: a channel would wake it for each, or let it spin where the loop needs the processor.
#[derive(Default)]
struct Queue {
    state: Mutex<Waiting>,
    change: Condvar,
}

#[derive(Default)]
struct Waiting {
    events: Vec<Event>,
    closed: bool,
    /// The thread sleeps until somebody says that there is something.
    asleep: bool,
}

impl Queue {
    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Moves `events` into the queue; false if there is no room.
    fn put(&self, events: &mut Vec<Event>) -> bool {
        let mut waiting = self.lock();
        if waiting.events.len().saturating_add(events.len()) > MAX_WAITING {
            return false;
        }
        waiting.events.append(events);
        if core::mem::take(&mut waiting.asleep) {
            self.change.notify_one();
        }
        true
    }

    fn close(&self) {
        self.lock().closed = true;
        self.change.notify_one();
    }

    /// Waits for the first event, no longer than `patience`.
    fn wait(&self, patience: Option<Duration>) -> Wait {
        let mut waiting = self.lock();
        waiting.asleep = waiting.events.is_empty();
        let idle = |waiting: &mut Waiting| waiting.events.is_empty() && !waiting.closed;
        let mut waiting = match patience {
            None => self.change.wait_while(waiting, idle).unwrap_or_else(PoisonError::into_inner),
            Some(patience) => {
                self.change.wait_timeout_while(waiting, patience, idle).unwrap_or_else(PoisonError::into_inner).0
            }
        };
        waiting.asleep = false;
        match (waiting.events.is_empty(), waiting.closed) {
            (false, _) => Wait::Something,
            (true, true) => Wait::Over,
            (true, false) => Wait::Nothing,
        }
    }

    /// Lets more come in, then swaps all that came for `spare`, which is empty. When the helper stops, nothing more comes and nobody
    /// waits.
    fn gather(&self, spare: &mut Vec<Event>) {
        let gathering = self.change.wait_timeout_while(self.lock(), GATHERING, |waiting| !waiting.closed);
        let mut waiting = gathering.unwrap_or_else(PoisonError::into_inner).0;
        core::mem::swap(&mut waiting.events, spare);
    }
}

/// What came of waiting.
enum Wait {
    Something,
    Nothing,
    Over,
}

/// The thread: writes lines, and passes what is activity on to its recorder.
struct Writer {
    shown: Arc<AtomicBool>,
    prefixed: bool,
    activity: Recorder,
}

impl Writer {
    fn write_all(mut self, queue: &Queue) {
        // Of this thread only, on Linux: no login waits for a line, but all lines for the processor.
        let _ = rustix::process::nice(BEHIND);
        let mut text = String::new();
        let mut events = Vec::new();
        let begun = self.activity.begin();
        self.put(begun.as_ref(), &mut text);
        loop {
            let failed = self.activity.write_if_due();
            self.put(failed.as_ref(), &mut text);
            flush(&mut text);
            match queue.wait(self.activity.due_in()) {
                Wait::Something => queue.gather(&mut events),
                Wait::Nothing => {}
                Wait::Over => break,
            }
            self.put(&events, &mut text);
            flush(&mut text);
            events.clear();
            events.shrink_to(1024);
        }
        self.activity.end();
    }

    fn put<'e>(&mut self, events: impl IntoIterator<Item = &'e Event>, text: &mut String) {
        let shown = self.shown.load(Ordering::Relaxed);
        for event in events {
            self.activity.note(event);
            put(event, self.prefixed, shown, text);
        }
    }
}

fn flush(text: &mut String) {
    if !text.is_empty() {
        // Where stderr is closed there is nobody to tell.
        let _ = std::io::stderr().lock().write_all(text.as_bytes());
        text.clear();
        text.shrink_to(64 * 1024);
    }
}

/// Writes one line, here and now, for processes that have no loop.
pub fn say(event: &Event) {
    let mut text = String::new();
    put(event, is_journal(), false, &mut text);
    flush(&mut text);
}

fn put(event: &Event, prefixed: bool, unknown_names: bool, text: &mut String) {
    if prefixed {
        let _ = write!(text, "<{}>", event.severity() as u8);
    }
    let _ = event.write_line(unknown_names, text);
    text.push('\n');
}

/// Whether stderr is the journal's: `JOURNAL_STREAM` names its device and inode (systemd.exec(5)). Then each line begins
/// with its severity (sd-daemon(3)).
fn is_journal() -> bool {
    let Some(named) = std::env::var_os("JOURNAL_STREAM") else { return false };
    let Ok(own) = nix::sys::stat::fstat(std::io::stderr()) else { return false };
    named.to_str() == Some(&format!("{}:{}", own.st_dev, own.st_ino))
}

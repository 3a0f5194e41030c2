//! The log: events to lines on stderr, on a thread of its own. A login waits neither for a terminal nor for the journal, nor
//! for activity to be written, which is done here too.

use std::fmt::Write as _;
use std::io::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, TrySendError};

use crate::event::Event;

use super::activity::Recorder;

/// The most batches that wait to be written; each is what one turn of the loop had to tell.
const MAX_WAITING: usize = 4096;

/// After the first event the log waits this long for more: one wake-up and one write for all of them.
const GATHERING: Duration = Duration::from_millis(10);

/// Takes events and writes them, in order.
pub(super) struct Log {
    batches: Option<Sender<Vec<Event>>>,
    unknown_names: Arc<AtomicBool>,
    lost: u64,
    thread: Option<JoinHandle<()>>,
}

impl Log {
    /// Starts the thread.
    pub(super) fn start(unknown_names: bool, activity: Recorder) -> std::io::Result<Self> {
        let (sender, batches) = crossbeam_channel::bounded(MAX_WAITING);
        let unknown_names = Arc::new(AtomicBool::new(unknown_names));
        let shown = Arc::clone(&unknown_names);
        let prefixed = is_journal();
        let thread = std::thread::Builder::new()
            .name("log".to_owned())
            .spawn(move || Writer { shown, prefixed, activity }.write_all(&batches))?;
        Ok(Self { batches: Some(sender), unknown_names, lost: 0, thread: Some(thread) })
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
        let Some(batches) = &self.batches else { return };
        let mut batch = core::mem::take(events);
        if self.lost > 0 {
            batch.push(Event::LinesLost(self.lost));
        }
        match batches.try_send(batch) {
            Ok(()) => self.lost = 0,
            Err(TrySendError::Full(batch) | TrySendError::Disconnected(batch)) => {
                let own = u64::from(self.lost > 0);
                let lines = u64::try_from(batch.len()).unwrap_or_default().saturating_sub(own);
                self.lost = self.lost.saturating_add(lines);
            }
        }
    }
}

impl Drop for Log {
    /// Writes what is left.
    fn drop(&mut self) {
        self.batches = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// The thread: writes lines, and passes what is activity on to its recorder.
struct Writer {
    shown: Arc<AtomicBool>,
    prefixed: bool,
    activity: Recorder,
}

impl Writer {
    fn write_all(mut self, batches: &Receiver<Vec<Event>>) {
        let mut text = String::new();
        let begun = self.activity.begin();
        self.put(begun.as_ref(), &mut text);
        while let Some(first) = self.wait(batches, &mut text) {
            // When the helper stops, nothing more comes and nobody waits.
            if batches.is_empty() {
                std::thread::sleep(GATHERING);
            }
            for batch in core::iter::once(first).chain(batches.try_iter()) {
                self.put(&batch, &mut text);
            }
            flush(&mut text);
        }
        self.activity.end();
    }

    /// The next batch; none when there will be no more. Activity that is due is written meanwhile.
    fn wait(&mut self, batches: &Receiver<Vec<Event>>, text: &mut String) -> Option<Vec<Event>> {
        loop {
            let failed = self.activity.write_if_due();
            self.put(failed.as_ref(), text);
            flush(text);
            let Some(due) = self.activity.due_in() else { return batches.recv().ok() };
            match batches.recv_timeout(due) {
                Ok(batch) => return Some(batch),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return None,
            }
        }
    }

    fn put<'e>(&mut self, events: impl IntoIterator<Item = &'e Event>, text: &mut String) {
        let shown = self.shown.load(Ordering::Relaxed);
        for event in events {
            self.activity.note(event);
            if self.prefixed {
                let _ = write!(text, "<{}>", event.severity() as u8);
            }
            let _ = writeln!(text, "{}", event.line(shown));
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

/// Whether stderr is the journal's: `JOURNAL_STREAM` names its device and inode (systemd.exec(5)). Then each line begins
/// with its severity (sd-daemon(3)).
fn is_journal() -> bool {
    let Some(named) = std::env::var_os("JOURNAL_STREAM") else { return false };
    let Ok(own) = nix::sys::stat::fstat(std::io::stderr()) else { return false };
    named.to_str() == Some(&format!("{}:{}", own.st_dev, own.st_ino))
}

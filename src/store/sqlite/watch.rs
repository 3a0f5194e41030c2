//! Long work on a whole database: told how far it is, and stopped when nobody wants it any more.

use std::ffi::c_int;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rusqlite::Connection;
use rusqlite::backup::{Backup, Progress, StepResult};

use crate::store::StoreError;

use super::files::DatabaseFile;
use super::open::fault;

/// How far it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// It goes on, and nobody can say how long.
    Uncounted,
    /// So many accounts were opened.
    Accounts(u64),
    /// So many bytes were written, of about so many.
    Bytes {
        /// Written.
        done: u64,
        /// In all.
        of: u64,
    },
}

/// Is told how far long work is, some times in a second, and says whether it goes on. Work that does not go on leaves everything as it
/// was.
pub type Watch = Arc<dyn Fn(Step) -> bool + Send + Sync>;

/// Instructions of SQLite's machine between two steps: less than a millisecond, where no row is long.
const OPERATIONS: c_int = 5000;

/// Pages copied between two steps: 2 MiB.
const PAGES: c_int = 256;

/// What is done with a connection while it is watched.
pub(super) struct Watched<'c> {
    connection: &'c Connection,
    is_stopped: Arc<AtomicBool>,
}

impl<'c> Watched<'c> {
    /// Watches from now on; `step` says how far it is.
    pub(super) fn begin(
        connection: &'c Connection,
        file: &DatabaseFile,
        watch: &Watch,
        step: impl Fn() -> Step + Send + 'static,
    ) -> Result<Self, StoreError> {
        let (watch, is_stopped) = (Arc::clone(watch), Arc::new(AtomicBool::new(false)));
        let stopped = Arc::clone(&is_stopped);
        let ask = move || {
            let goes_on = watch(step());
            stopped.store(!goes_on, Ordering::Relaxed);
            !goes_on
        };
        connection.progress_handler(OPERATIONS, Some(ask)).map_err(|e| fault(file.path(), e))?;
        Ok(Self { connection, is_stopped })
    }

    /// What came of it; `None` where it was stopped.
    pub(super) fn outcome<T>(&self, outcome: Result<T, StoreError>) -> Result<Option<T>, StoreError> {
        match outcome {
            Err(_) if self.is_stopped.load(Ordering::Relaxed) => Ok(None),
            outcome => outcome.map(Some),
        }
    }
}

impl Drop for Watched<'_> {
    fn drop(&mut self) {
        let _ = self.connection.progress_handler(0, None::<fn() -> bool>);
    }
}

/// Writes all pages of `from` over those of `to`, in one transaction. Says whether it did; if not, `to` is as it was.
pub(super) fn copy_pages(
    from: &Connection,
    to: &mut Connection,
    file: &DatabaseFile,
    watch: &Watch,
) -> Result<bool, StoreError> {
    let fail = |e| fault(file.path(), e);
    let size = from.pragma_query_value(None, "page_size", |row| row.get::<_, u64>(0)).map_err(fail)?;
    let bytes = |pages: c_int| size.saturating_mul(u64::try_from(pages).unwrap_or(0));
    let backup = Backup::new(from, to).map_err(fail)?;
    loop {
        match backup.step(PAGES).map_err(fail)? {
            StepResult::Done => return Ok(true),
            StepResult::Busy | StepResult::Locked => return Err(StoreError::Busy),
            _ => {}
        }
        let Progress { remaining, pagecount } = backup.progress();
        let (left, of) = (bytes(remaining), bytes(pagecount));
        if !watch(Step::Bytes { done: of.saturating_sub(left), of }) {
            return Ok(false);
        }
    }
}

//! Copies of a database, taken while others use it.

use std::fs;
use std::io::{self, ErrorKind};
use std::path::Path;

use rusqlite::Connection;

use crate::store::{AuditHead, StoreError};

use super::audit;
use super::files::{DatabaseFile, Found, words};
use super::list;
use super::open::fault;
use super::partial::Partial;
use super::watch::{Step, Watch, Watched};

/// What a copy holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Copied {
    /// How many accounts.
    pub accounts: u64,
    /// The end of its audit.
    pub head: Option<AuditHead>,
}

/// Copies the database as it is at one moment, of whatever schema it is, into a new file at `to`, which only its owner may read.
/// Neither helper nor tools wait for it. The key is not needed, and is not in the copy: secrets stay sealed.
///
/// Gives what the copy holds, or `None` if it was stopped.
///
/// # Errors
/// See [`StoreError`]; then, and where it was stopped, there is no file at `to`, unless there was one before: it is not touched.
pub fn backup(database: &Path, to: &Path, watch: &Watch) -> Result<Option<Copied>, StoreError> {
    let (file, connection, _) = list::open_of_any_schema(database)?;
    let target = DatabaseFile::resolve(to)?;
    match target.look()? {
        Found::Nothing => {}
        Found::Empty | Found::File => return Err(exists(to)),
    }
    // Whole or not there at all: a copy that was cut short would look like one.
    let partial = Partial::create(target.path()).map_err(|e| cannot_make(to, &e))?;
    if !write_copy(&connection, &file, &partial, watch)? {
        return Ok(None);
    }
    let Some(copied) = count(&partial.path, watch)? else { return Ok(None) };
    fs::hard_link(&partial.path, target.path()).map_err(|e| cannot_make(to, &e))?;
    drop(partial);
    target.sync_folder()?;
    Ok(Some(copied))
}

/// Says whether it came to its end.
fn write_copy(connection: &Connection, file: &DatabaseFile, to: &Partial, watch: &Watch) -> Result<bool, StoreError> {
    let Partial { path: to, file: made } = to;
    let fail = |e| fault(file.path(), e);
    let name = to.to_str().ok_or_else(|| unreachable(to, "its name is not UTF-8"))?;
    let (of, growing) = (bytes_in_use(connection).map_err(fail)?, to.to_owned());
    let step = move || Step::Bytes { done: fs::metadata(&growing).map_or(0, |copy| copy.len()), of };
    // It is the copy that is written; the connection itself was opened for reading only.
    connection.pragma_update(None, "query_only", false).map_err(fail)?;
    let watched = Watched::begin(connection, file, watch, step)?;
    let written = watched.outcome(connection.execute("VACUUM INTO ?1", (name,)).map_err(fail))?;
    if written.is_none() {
        return Ok(false);
    }
    made.sync_all().map_err(|e| unreachable(to, &words(&e)))?;
    Ok(watch(Step::Bytes { done: of, of }))
}

/// How long the file would be without its free pages.
fn bytes_in_use(connection: &Connection) -> rusqlite::Result<u64> {
    let pragma = |name| connection.pragma_query_value(None, name, |row| row.get::<_, u64>(0));
    let pages = pragma("page_count")?.saturating_sub(pragma("freelist_count")?);
    Ok(pages.saturating_mul(pragma("page_size")?))
}

/// What the copy holds; `None` if it was stopped.
fn count(copy: &Path, watch: &Watch) -> Result<Option<Copied>, StoreError> {
    let (file, connection, _) = list::open_of_any_schema(copy)?;
    let fail = |e| fault(file.path(), e);
    let watched = Watched::begin(&connection, &file, watch, || Step::Uncounted)?;
    let accounts = connection.query_row("SELECT count(*) FROM accounts", (), |row| row.get(0)).map_err(fail);
    let Some(accounts) = watched.outcome(accounts)? else { return Ok(None) };
    Ok(Some(Copied { accounts, head: audit::head(&connection, &file)? }))
}

fn exists(path: &Path) -> StoreError {
    unreachable(path, "exists already, and a copy is not written over anything")
}

fn cannot_make(path: &Path, fault: &io::Error) -> StoreError {
    match fault.kind() {
        ErrorKind::AlreadyExists => exists(path),
        ErrorKind::StorageFull => StoreError::Full,
        _ => unreachable(path, &words(fault)),
    }
}

fn unreachable(path: &Path, fault: &str) -> StoreError {
    StoreError::Unreachable { path: path.to_owned(), fault: fault.to_owned() }
}

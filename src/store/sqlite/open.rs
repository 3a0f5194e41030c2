//! Connections, and what SQLite's errors mean.

use std::path::Path;
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, ErrorCode, OpenFlags, Transaction, TransactionBehavior, ffi};

use crate::store::{StoreError, beside};

use super::files::DatabaseFile;

/// How long a writer waits for another one. Each holds the lock for milliseconds; only a whole import holds it for seconds.
const WRITER_PATIENCE: Duration = Duration::from_secs(10);

/// How long a reader waits, which it only has to while the write-ahead log is repaired after a crash. A helper answers nobody
/// meanwhile.
const READER_PATIENCE: Duration = Duration::from_millis(250);

/// Pages in SQLite's own cache, in KiB; the rest is mapped.
const CACHE_KIB: i64 = 2048;

/// How much of the database is mapped: all of it, nearly always. Pages come straight from the kernel's cache.
const MAPPED: i64 = 1 << 38;

/// Pages in the write-ahead log at which a writer copies them into the database: 4 MiB.
const LOG_PAGES: i64 = 512;

/// A writer that ends leaves no longer log than this, in bytes: a few dozen changes.
const LOG_LEFT: u64 = 512 << 10;

/// How long a writer that ends waits to empty the log. The next one can do it as well.
const LOG_PATIENCE: Duration = Duration::from_millis(50);

/// What `PRAGMA wal_checkpoint` answers first where nobody was in its way.
const BUSY_NO: i64 = 0;

/// What is left of the write-ahead log after a large transaction.
const LOG_BYTES: i64 = 16 << 20;

/// Enough for every statement of a connection.
const STATEMENTS: usize = 32;

/// Opens for reading only.
pub(super) fn open_reading(file: &DatabaseFile) -> Result<Connection, StoreError> {
    file.check_access(false)?;
    let connection = connect(file, OpenFlags::SQLITE_OPEN_READ_ONLY, READER_PATIENCE)?;
    let fail = |e| fault(file.path(), e);
    connection.pragma_update(None, "query_only", true).map_err(fail)?;
    Ok(connection)
}

/// Opens for writing.
pub(super) fn open_writing(file: &DatabaseFile) -> Result<Connection, StoreError> {
    file.check_access(true)?;
    let connection = connect(file, OpenFlags::SQLITE_OPEN_READ_WRITE, WRITER_PATIENCE)?;
    let fail = |e| fault(file.path(), e);
    connection.pragma_update(None, "foreign_keys", true).map_err(fail)?;
    connection.pragma_update(None, "synchronous", "FULL").map_err(fail)?;
    connection.pragma_update(None, "secure_delete", true).map_err(fail)?;
    connection.pragma_update(None, "cell_size_check", true).map_err(fail)?;
    connection.pragma_update(None, "wal_autocheckpoint", LOG_PAGES).map_err(fail)?;
    connection.pragma_update(None, "journal_size_limit", LOG_BYTES).map_err(fail)?;
    Ok(connection)
}

fn connect(file: &DatabaseFile, access: OpenFlags, patience: Duration) -> Result<Connection, StoreError> {
    let fail = |e| fault(file.path(), e);
    let flags = access | OpenFlags::SQLITE_OPEN_NO_MUTEX | OpenFlags::SQLITE_OPEN_NOFOLLOW;
    let connection = Connection::open_with_flags(file.path(), flags).map_err(fail)?;
    connection.busy_timeout(patience).map_err(fail)?;
    // A reader that may not write cannot make the log and its index, so nobody takes them away.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true).map_err(fail)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true).map_err(fail)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false).map_err(fail)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DQS_DML, false).map_err(fail)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DQS_DDL, false).map_err(fail)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    connection.pragma_update(None, "cache_size", CACHE_KIB.saturating_neg()).map_err(fail)?;
    connection.pragma_update(None, "mmap_size", MAPPED).map_err(fail)?;
    Ok(connection)
}

/// Copies the write-ahead log into the database and empties it, if it has grown. SQLite does this by itself only within one
/// connection: a process that makes one change and ends finds the log, reads all of it, and leaves it longer. Both files stay
/// where they are, for readers that could not make them. If others are at work it is left to them.
pub(super) fn empty_log(connection: &Connection, file: &DatabaseFile) {
    if std::fs::metadata(beside(file.path(), "-wal")).is_ok_and(|log| log.len() >= LOG_LEFT) {
        checkpoint(connection);
    }
}

/// As [`empty_log`], however short it is.
pub(super) fn checkpoint(connection: &Connection) {
    let _ = connection.busy_timeout(LOG_PATIENCE);
    let emptied = connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", (), |row| row.get(0));
    if emptied == Ok(BUSY_NO) {
        let _ = begin_log(connection);
    }
}

/// Writes something into an empty log: the schema's version, as it is. By an empty one, a reader that may not write cannot tell
/// whether the database has changed, and starts over with each look-up, at thrice the cost.
fn begin_log(connection: &Connection) -> rusqlite::Result<()> {
    let transaction = Transaction::new_unchecked(connection, TransactionBehavior::Immediate)?;
    let version: i64 = transaction.pragma_query_value(None, "user_version", |row| row.get(0))?;
    transaction.pragma_update(None, "user_version", version)?;
    transaction.commit()
}

/// What an error of SQLite means for the database at `path`.
pub(in crate::store) fn fault(path: &Path, error: rusqlite::Error) -> StoreError {
    let unreachable = |fault: String| StoreError::Unreachable { path: path.to_owned(), fault };
    let code = match error.sqlite_error() {
        Some(error) => *error,
        // A column that does not hold what the schema says.
        None => return StoreError::Damaged(error.to_string()),
    };
    match code.code {
        ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked => StoreError::Busy,
        ErrorCode::DiskFull => StoreError::Full,
        ErrorCode::NotADatabase => StoreError::NotOurs(path.to_owned()),
        ErrorCode::DatabaseCorrupt => StoreError::Damaged(ffi::code_to_str(code.extended_code).to_owned()),
        ErrorCode::ConstraintViolation | ErrorCode::TypeMismatch | ErrorCode::Unknown => {
            StoreError::Damaged(error.to_string())
        }
        ErrorCode::ReadOnly => unreachable("may not be written".to_owned()),
        ErrorCode::CannotOpen => {
            unreachable("cannot be opened, or its files ending in -wal and -shm cannot be made".to_owned())
        }
        ErrorCode::SystemIoFailure => unreachable(ffi::code_to_str(code.extended_code).to_owned()),
        _ => unreachable(error.to_string()),
    }
}

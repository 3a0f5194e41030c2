//! Copies of a database: taken while others use it, and put back in its place.

use std::fs::{self, OpenOptions};
use std::io::{self, ErrorKind};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use rusqlite::backup::{Backup, StepResult};
use rusqlite::{Connection, Transaction, TransactionBehavior};

use crate::runtime::UnixTime;
use crate::store::{Actor, AuditHead, Place, StoreError, beside};

use super::audit::{self, Entry};
use super::create;
use super::files::{DatabaseFile, Found, words};
use super::inspect::Inspector;
use super::list;
use super::meta::Meta;
use super::migrate::schema;
use super::open::{fault, open_writing};

/// What a copy holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Copied {
    /// How many accounts.
    pub accounts: u64,
    /// The end of its audit.
    pub head: Option<AuditHead>,
}

/// What is there before a database is restored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Replaced {
    /// Nothing.
    Nothing,
    /// A database, with the end of its audit.
    Database(Option<AuditHead>),
}

/// Copies the database as it is at one moment into a new file at `to`, which only its owner may read. Neither helper nor tools
/// wait for it. The key is not needed, and is not in the copy: secrets stay sealed.
///
/// # Errors
/// See [`StoreError`]; there is no file at `to` then, unless there was one before: it is not touched.
pub fn backup(database: &Path, to: &Path) -> Result<Copied, StoreError> {
    let (file, connection, _) = list::open_made(database)?;
    let target = DatabaseFile::resolve(to)?;
    match target.look()? {
        Found::Nothing => {}
        Found::Empty | Found::File => return Err(exists(to)),
    }
    // Whole or not there at all: a copy that was cut short would look like one.
    let partial = beside(target.path(), &format!(".partial-{}", std::process::id()));
    let written = write_copy(&connection, &file, &partial)
        .and_then(|()| count(&partial))
        .and_then(|copied| fs::hard_link(&partial, target.path()).map(|()| copied).map_err(|e| cannot_make(to, &e)));
    let _ = fs::remove_file(&partial);
    let copied = written?;
    target.sync_folder()?;
    Ok(copied)
}

fn write_copy(connection: &Connection, file: &DatabaseFile, to: &Path) -> Result<(), StoreError> {
    let made = OpenOptions::new().write(true).create_new(true).mode(0o600).open(to).map_err(|e| cannot_make(to, &e))?;
    let fail = |e| fault(file.path(), e);
    let name = to.to_str().ok_or_else(|| unreachable(to, "its name is not UTF-8"))?;
    // It is the copy that is written; the connection itself was opened for reading only.
    connection.pragma_update(None, "query_only", false).map_err(fail)?;
    connection.execute("VACUUM INTO ?1", (name,)).map_err(fail)?;
    made.sync_all().map_err(|e| unreachable(to, &words(&e)))
}

fn count(copy: &Path) -> Result<Copied, StoreError> {
    let (file, connection, _) = list::open_made(copy)?;
    let accounts = connection.query_row("SELECT count(*) FROM accounts", (), |row| row.get(0));
    Ok(Copied { accounts: accounts.map_err(|e| fault(file.path(), e))?, head: audit::head(&connection, &file)? })
}

/// Looks through a copy: its structure, its audit, and that the key at `place` opens every account. Gives what it holds.
///
/// # Errors
/// See [`StoreError`].
pub fn examine(copy: &Path, place: &Place) -> Result<Copied, StoreError> {
    let inspector = Inspector::open(&Place { database: copy.to_owned(), key_file: place.key_file.clone() })?;
    let mut wrong = None;
    inspector.integrity(&mut |words| {
        wrong = Some(words);
        false
    })?;
    if let Some(words) = wrong {
        return Err(StoreError::Damaged(words));
    }
    let head = inspector.verify_audit(&mut |_| ())?;
    let mut accounts = 0u64;
    let mut sealed = Ok(());
    inspector.accounts(&mut |account| {
        sealed = account.map(drop);
        accounts = accounts.saturating_add(1);
        sealed.is_ok()
    })?;
    sealed?;
    Ok(Copied { accounts, head })
}

/// Whether there is a database at `place` that would be replaced.
///
/// # Errors
/// See [`StoreError`]: a file that is not ours is refused, and so is a database too damaged to be written over.
pub fn would_replace(place: &Place) -> Result<Replaced, StoreError> {
    let file = DatabaseFile::resolve(&place.database)?;
    match file.look()? {
        Found::Nothing | Found::Empty => Ok(Replaced::Nothing),
        Found::File => {
            let connection = open_writing(&file)?;
            schema(&connection, &file)?;
            match Meta::read(&connection, &file) {
                Ok(None) => Ok(Replaced::Nothing),
                Ok(Some(_)) => Ok(Replaced::Database(audit::head(&connection, &file)?)),
                Err(fault) => Err(fault),
            }
        }
    }
}

/// Puts the accounts of a copy in the place of those that are there, in one transaction: after a crash it is the one or the
/// other. Whoever has the database open sees them at the next look-up. Notes in the audit what was replaced.
///
/// # Errors
/// See [`StoreError`]; nothing has changed then, but for an error while the note is written.
pub fn restore(copy: &Path, place: &Place, actor: &Actor, now: UnixTime) -> Result<AuditHead, StoreError> {
    let replaced = would_replace(place)?;
    let (from_file, from, _) = list::open_made(copy)?;
    let file = DatabaseFile::resolve(&place.database)?;
    let fail = |e| fault(file.path(), e);
    {
        let _lock = file.lock_folder()?;
        let created = file.create()?;
        let copied = copy_pages(&from, &from_file, &file);
        if copied.is_err() && created {
            file.remove_if_empty();
        }
        copied?;
        file.sync_folder()?;
    }
    // Opened as for any change: migrated where the copy is older, and with the key proven to be its own.
    let database = create::open_existing(place)?;
    let transaction = Transaction::new_unchecked(&database.connection, TransactionBehavior::Immediate).map_err(fail)?;
    let before = audit::head(&transaction, &file)?;
    let detail = match replaced {
        Replaced::Database(Some(head)) => {
            Some(serde_json::json!({ "replaced": { "number": head.number, "head": head.hex() } }).to_string())
        }
        Replaced::Database(None) | Replaced::Nothing => None,
    };
    let entry = Entry { detail: detail.as_deref(), ..Entry::by(actor, now, "restore") };
    let head = audit::append(&transaction, &file, database.sealing_key()?, &database.meta.database, before, &entry)?;
    transaction.commit().map_err(fail)?;
    Ok(head)
}

fn copy_pages(from: &Connection, from_file: &DatabaseFile, to: &DatabaseFile) -> Result<(), StoreError> {
    let mut connection = open_writing(to)?;
    let done =
        Backup::new(from, &mut connection).and_then(|backup| backup.step(-1)).map_err(|e| fault(to.path(), e))?;
    match done {
        StepResult::Done => Ok(()),
        StepResult::Busy | StepResult::Locked => Err(StoreError::Busy),
        _ => {
            Err(StoreError::Unreachable { path: from_file.path().to_owned(), fault: "was not copied whole".to_owned() })
        }
    }
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

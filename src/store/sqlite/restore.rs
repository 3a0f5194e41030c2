//! Copies of a database, put back in its place.

use core::fmt;
use std::path::Path;
use std::sync::Arc;

use rusqlite::{Connection, Transaction, TransactionBehavior};

use crate::runtime::UnixTime;
use crate::store::{Actor, AuditHead, Place, StoreError};

use super::audit::{self, Entry};
use super::backup::Copied;
use super::create;
use super::files::{DatabaseFile, Found};
use super::inspect::Inspector;
use super::list;
use super::meta::Meta;
use super::migrate::{Schema, migrate, schema};
use super::open::{empty_log, fault, open_writing};
use super::watch::{Step, Watch, Watched, copy_pages};

/// What is there before a database is restored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Replaced {
    /// Nothing.
    Nothing,
    /// A database, with the end of its audit.
    Database(Option<AuditHead>),
}

/// A copy of a database, as [`backup`](super::backup()) makes it. While it is open nobody changes it.
pub struct DatabaseCopy {
    inspector: Inspector,
}

impl DatabaseCopy {
    /// Opens the copy at `path` with a key. One that an earlier version made is brought up to date in a file without a name, which is
    /// gone with the process; the copy itself stays as it is. `None` if it was stopped meanwhile.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn open(path: &Path, key_file: &Path, watch: &Watch) -> Result<Option<Self>, StoreError> {
        let (file, connection, found) = list::open_of_any_schema(path)?;
        let connection = match found {
            Schema::Older => up_to_date(&connection, &file, watch)?,
            Schema::None | Schema::Current => Some(connection),
        };
        let Some(connection) = connection else { return Ok(None) };
        // What is looked through is what is put back.
        connection.execute_batch("BEGIN").map_err(|e| fault(file.path(), e))?;
        let meta = Meta::read(&connection, &file)?.ok_or_else(|| StoreError::Missing(path.to_owned()))?;
        Ok(Some(Self { inspector: Inspector::with(file, connection, meta, key_file)? }))
    }

    /// Looks through it: its structure, its audit, and that the key opens every account. Gives what it holds, or `None` if it was
    /// stopped.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn examine(&self, watch: &Watch) -> Result<Option<Copied>, StoreError> {
        let (file, connection) = self.inspector.parts();
        let watched = Watched::begin(connection, file, watch, || Step::Uncounted)?;
        let mut wrong = None;
        let structure = self.inspector.integrity(&mut |words| {
            wrong = Some(words);
            false
        });
        if watched.outcome(structure)?.is_none() {
            return Ok(None);
        }
        if let Some(words) = wrong {
            return Err(StoreError::Damaged(words));
        }
        let Some(head) = watched.outcome(self.inspector.verify_audit(&mut |_| ()))? else { return Ok(None) };
        drop(watched);
        let mut accounts = 0u64;
        let (mut sealed, mut goes_on) = (Ok(()), true);
        self.inspector.accounts_and_shapes(&mut |account| {
            sealed = account.map(drop);
            accounts = accounts.saturating_add(1);
            goes_on = watch(Step::Accounts(accounts));
            goes_on && sealed.is_ok()
        })?;
        sealed?;
        Ok(goes_on.then_some(Copied { accounts, head }))
    }

    /// Puts its accounts in the place of those that are there, in one transaction: after a crash it is the one or the other. Whoever
    /// has the database open sees them at the next look-up. Notes in the audit what was replaced, and gives the note's place; `None`
    /// if it was stopped: then nothing has changed.
    ///
    /// # Errors
    /// See [`StoreError`]; nothing has changed then, but for an error while the note is written.
    pub fn restore(
        &self,
        place: &Place,
        actor: &Actor,
        now: UnixTime,
        watch: &Watch,
    ) -> Result<Option<AuditHead>, StoreError> {
        let replaced = would_replace(place)?;
        let file = DatabaseFile::resolve(&place.database)?;
        let fail = |e| fault(file.path(), e);
        {
            let _lock = file.lock_folder()?;
            let created = file.create()?;
            let copied = self.copy_to(&file, watch);
            if created && copied != Ok(true) {
                file.remove_if_empty();
            }
            if !copied? {
                return Ok(None);
            }
            file.sync_folder()?;
        }
        // Opened as for any change, with the key proven to be its own.
        let database = create::open_existing(place)?;
        let transaction =
            Transaction::new_unchecked(&database.connection, TransactionBehavior::Immediate).map_err(fail)?;
        let before = audit::head(&transaction, &file)?;
        let detail = match replaced {
            Replaced::Database(Some(head)) => {
                Some(serde_json::json!({ "replaced": { "number": head.number, "head": head.hex() } }).to_string())
            }
            Replaced::Database(None) | Replaced::Nothing => None,
        };
        let entry = Entry { detail: detail.as_deref(), ..Entry::by(actor, now, "restore") };
        let head =
            audit::append(&transaction, &file, database.sealing_key()?, &database.meta.database, before, &entry)?;
        transaction.commit().map_err(fail)?;
        Ok(Some(head))
    }

    fn copy_to(&self, to: &DatabaseFile, watch: &Watch) -> Result<bool, StoreError> {
        let (_, from) = self.inspector.parts();
        let mut connection = open_writing(to)?;
        let copied = copy_pages(from, &mut connection, to, watch);
        if copied != Ok(true) {
            // What was written until then lies in the log.
            empty_log(&connection, to);
        }
        copied
    }
}

impl fmt::Debug for DatabaseCopy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DatabaseCopy").finish_non_exhaustive()
    }
}

/// The database of an earlier schema as this program wants it; `None` if it was stopped.
fn up_to_date(from: &Connection, file: &DatabaseFile, watch: &Watch) -> Result<Option<Connection>, StoreError> {
    let fail = |e| fault(file.path(), e);
    let mut connection = Connection::open("").map_err(fail)?;
    let watch = Arc::clone(watch);
    if !copy_pages(from, &mut connection, file, &(Arc::new(move |_| watch(Step::Uncounted)) as Watch))? {
        return Ok(None);
    }
    migrate(&mut connection, file)?;
    connection.pragma_update(None, "query_only", true).map_err(fail)?;
    Ok(Some(connection))
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

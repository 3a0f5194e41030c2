//! Listing without the key.

use std::path::Path;

use rusqlite::{Connection, OptionalExtension as _, Rows};

use crate::identity::{Identity, IdentityKey, Name, Realm};
use crate::store::{AuditHead, Listed, StoreError};

use super::audit::{self, AuditEntry};
use super::files::{DatabaseFile, Found};
use super::meta::Meta;
use super::migrate::{Schema, schema};
use super::open::{fault, open_reading};
use super::row::{Row, SELECT_AFTER, SELECT_ALL};

/// Reads what can be read without the key. For `--list` and `sasldblistusers-rs`.
#[derive(Debug)]
pub struct Lister {
    file: DatabaseFile,
    connection: Connection,
    meta: Meta,
}

impl Lister {
    /// Opens the database for reading.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn open(database: &Path) -> Result<Self, StoreError> {
        let (file, connection, meta) = open_made(database)?;
        Ok(Self { file, connection, meta })
    }

    /// The random number by which activity names this database.
    #[must_use]
    pub fn database_id(&self) -> [u8; 16] {
        self.meta.database
    }

    /// Gives each account to `visit` in the order of realm and name, until it returns false. Memory stays flat however many
    /// there are. What cannot be read ends the listing with an error.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn list(&mut self, visit: &mut dyn FnMut(Listed) -> bool) -> Result<(), StoreError> {
        list(&self.connection, &self.file, visit)
    }

    /// As [`Self::list`], but beginning after an account. Who writes between two such calls keeps nobody from emptying the log.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn list_after(&self, after: &IdentityKey, visit: &mut dyn FnMut(Listed) -> bool) -> Result<(), StoreError> {
        let fail = |e| fault(self.file.path(), e);
        let mut statement = self.connection.prepare_cached(SELECT_AFTER).map_err(fail)?;
        let rows = statement.query((after.realm(), after.name())).map_err(fail)?;
        visit_all(rows, &self.file, visit)
    }

    /// Gives each entry of the audit after number `after` to `visit`, oldest first, until it returns false. Whether the entries
    /// are as they were written, only [`Inspector::verify_audit`](super::Inspector::verify_audit) can tell.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn audit(&self, after: u64, visit: &mut dyn FnMut(AuditEntry) -> bool) -> Result<(), StoreError> {
        audit::entries(&self.connection, &self.file, after, visit)
    }

    /// The place in the chain of the audit's entry `number`, if there is one.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn audit_at(&self, number: u64) -> Result<Option<AuditHead>, StoreError> {
        audit::at(&self.connection, &self.file, number)
    }
}

/// Opens a database that is made and as this program wants it, for reading.
pub(super) fn open_made(database: &Path) -> Result<(DatabaseFile, Connection, Meta), StoreError> {
    let (file, connection, schema) = open_of_any_schema(database)?;
    if schema == Schema::Older {
        return Err(StoreError::Unreachable {
            path: database.to_owned(),
            fault: "was made by an earlier version; the next change brings it up to date".to_owned(),
        });
    }
    let meta = Meta::read(&connection, &file)?.ok_or_else(|| StoreError::Missing(database.to_owned()))?;
    Ok((file, connection, meta))
}

/// Opens a database for reading that this version or an earlier one began to make.
pub(super) fn open_of_any_schema(database: &Path) -> Result<(DatabaseFile, Connection, Schema), StoreError> {
    let missing = || StoreError::Missing(database.to_owned());
    let file = DatabaseFile::resolve(database)?;
    match file.look()? {
        Found::Nothing | Found::Empty => return Err(missing()),
        Found::File => {}
    }
    let connection = open_reading(&file)?;
    match schema(&connection, &file)? {
        Schema::None => Err(missing()),
        schema => Ok((file, connection, schema)),
    }
}

/// The first account of a realm.
pub(super) fn first_in(
    connection: &Connection,
    file: &DatabaseFile,
    realm: &Realm,
) -> Result<Option<IdentityKey>, StoreError> {
    let realm_key = realm.key();
    let first: Option<String> = connection
        .prepare_cached("SELECT name_key FROM accounts WHERE realm_key = ?1 ORDER BY name_key LIMIT 1")
        .and_then(|mut statement| statement.query_row((&realm_key,), |row| row.get(0)).optional())
        .map_err(|e| fault(file.path(), e))?;
    let Some(name) = first else { return Ok(None) };
    let name =
        Name::new(&name).map_err(|_| StoreError::Damaged(format!("account {name}@{realm_key}: its name is none")))?;
    Ok(Some(Identity::new(name, realm.clone()).key()))
}

/// Visits every account in the order of the key.
pub(super) fn list(
    connection: &Connection,
    file: &DatabaseFile,
    visit: &mut dyn FnMut(Listed) -> bool,
) -> Result<(), StoreError> {
    let fail = |e| fault(file.path(), e);
    let mut statement = connection.prepare(SELECT_ALL).map_err(fail)?;
    visit_all(statement.query(()).map_err(fail)?, file, visit)
}

fn visit_all(mut rows: Rows<'_>, file: &DatabaseFile, visit: &mut dyn FnMut(Listed) -> bool) -> Result<(), StoreError> {
    while let Some(row) = rows.next().map_err(|e| fault(file.path(), e))? {
        if !visit(Row::of(row)?.listed()?) {
            break;
        }
    }
    Ok(())
}

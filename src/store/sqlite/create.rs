//! Opening a database for changes, and making one.
//!
//! A new database comes to be in steps, and a process may die after any of them: an empty file, a key file, a SQLite file with
//! nothing in it, the schema, and last the row that says what the database is. Until that row is there, nothing is, for readers;
//! whoever opens it for writing next goes on where the other stopped.

use rusqlite::{Connection, Transaction, TransactionBehavior};

use crate::identity::Realms;
use crate::runtime::{Entropy, UnixTime};
use crate::store::{Actor, Place, StoreError};

use super::audit::{self, Entry};
use super::files::{DatabaseFile, Found};
use super::keyfile::Keys;
use super::meta::Meta;
use super::migrate::{Schema, migrate, schema};
use super::open::{fault, open_writing};
use super::write::Database;

/// Bytes in a page. Rows of half a kilobyte fill pages of the usual 4,096 badly: an account would take 690 bytes instead of 570.
const PAGE: i64 = 8192;

/// What a new database notes when it is made.
#[derive(Debug, Clone)]
pub struct Creation {
    /// The default realm and its aliases.
    pub realms: Realms,
    /// Who makes it.
    pub actor: Actor,
    /// When.
    pub now: UnixTime,
}

pub(super) fn open_existing(place: &Place) -> Result<Database, StoreError> {
    let file = DatabaseFile::resolve(&place.database)?;
    open_if_made(place, &file)?.ok_or_else(|| StoreError::Missing(place.database.clone()))
}

/// The database, and whether it was made here.
pub(super) fn open_or_create(
    place: &Place,
    creation: &Creation,
    entropy: &mut dyn Entropy,
) -> Result<(Database, bool), StoreError> {
    let file = DatabaseFile::resolve(&place.database)?;
    match open_if_made(place, &file)? {
        Some(database) => Ok((database, false)),
        None => make(place, file, creation, entropy),
    }
}

/// The database, brought up to date; `None` where there is none or only a beginning of one.
fn open_if_made(place: &Place, file: &DatabaseFile) -> Result<Option<Database>, StoreError> {
    match file.look()? {
        Found::Nothing | Found::Empty => return Ok(None),
        Found::File => {}
    }
    let log_is_new = file.log_is_new();
    let mut connection = open_writing(file)?;
    match schema(&connection, file)? {
        Schema::None => return Ok(None),
        Schema::Older => {
            let _lock = file.lock_folder()?;
            migrate(&mut connection, file)?;
        }
        Schema::Current => {}
    }
    let Some(meta) = Meta::read(&connection, file)? else { return Ok(None) };
    let keys = Keys::read(&place.key_file)?;
    // Only the right key may change anything: what another one sealed, nobody could read.
    meta.open(&keys)?;
    write_ahead(&connection, file)?;
    if log_is_new {
        file.sync_folder()?;
    }
    Ok(Some(Database { file: file.clone(), connection, keys, meta }))
}

fn make(
    place: &Place,
    file: DatabaseFile,
    creation: &Creation,
    entropy: &mut dyn Entropy,
) -> Result<(Database, bool), StoreError> {
    let _lock = file.lock_folder()?;
    if let Some(database) = open_if_made(place, &file)? {
        return Ok((database, false));
    }
    let created = file.create()?;
    let made = make_in_file(place, &file, creation, entropy);
    if made.is_err() && created {
        file.remove_if_empty();
    }
    made.map(|database| (database, true))
}

fn make_in_file(
    place: &Place,
    file: &DatabaseFile,
    creation: &Creation,
    entropy: &mut dyn Entropy,
) -> Result<Database, StoreError> {
    let fail = |e| fault(file.path(), e);
    let mut connection = open_writing(file)?;
    schema(&connection, file)?;
    let keys = Keys::read_or_create(&place.key_file, entropy)?;
    connection.pragma_update(None, "page_size", PAGE).map_err(fail)?;
    write_ahead(&connection, file)?;
    migrate(&mut connection, file)?;
    let transaction = Transaction::new_unchecked(&connection, TransactionBehavior::Immediate).map_err(fail)?;
    let accounts: i64 = transaction.query_row("SELECT count(*) FROM accounts", (), |row| row.get(0)).map_err(fail)?;
    if accounts != 0 {
        return Err(StoreError::Damaged("there are accounts, but the row that says whose is gone".to_owned()));
    }
    let meta = Meta::create(&transaction, file, &creation.realms, creation.now, keys.first(), entropy)?;
    let entry = Entry::by(&creation.actor, creation.now, "create-database");
    let head = audit::head(&transaction, file)?;
    audit::append(&transaction, file, keys.first(), &meta.database, head, &entry)?;
    transaction.commit().map_err(fail)?;
    file.sync_folder()?;
    Ok(Database { file: file.clone(), connection, keys, meta })
}

/// Switches the write-ahead log on, which readers need that may not write. Nothing happens where it is on.
fn write_ahead(connection: &Connection, file: &DatabaseFile) -> Result<(), StoreError> {
    let fail = |e| fault(file.path(), e);
    let mode: String =
        connection.pragma_update_and_check(None, "journal_mode", "WAL", |row| row.get(0)).map_err(fail)?;
    if mode.eq_ignore_ascii_case("wal") {
        return Ok(());
    }
    Err(StoreError::Unreachable {
        path: file.path().to_owned(),
        fault: "lies on a file system without shared memory, which SQLite's write-ahead log needs".to_owned(),
    })
}

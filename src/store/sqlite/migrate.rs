//! The schema, from numbered files. The number of files is its version.

use std::collections::BTreeSet;

use rusqlite::{Connection, TransactionBehavior};
use rusqlite_migration::{M, Migrations};

use crate::store::StoreError;

use super::files::DatabaseFile;
use super::open::fault;

const FILES: &[M<'_>] = &[
    M::up(include_str!("../../../migrations/0001_initial.sql")),
    M::up(include_str!("../../../migrations/0002_audit_keys.sql")),
];
const MIGRATIONS: Migrations<'_> = Migrations::from_slice(FILES);

/// As `migrations/0001_initial.sql` sets it: "sasl".
const APPLICATION_ID: i64 = 0x7361_736C;

/// How far a database is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Schema {
    /// SQLite has made the file, and nothing is in it yet.
    None,
    /// Made by an earlier version of this program.
    Older,
    /// As this program wants it.
    Current,
}

/// The latest version that we know.
fn known() -> i64 {
    i64::try_from(FILES.len()).unwrap_or(i64::MAX)
}

/// Looks whose database it is and how far.
pub(super) fn schema(connection: &Connection, file: &DatabaseFile) -> Result<Schema, StoreError> {
    let fail = |e| fault(file.path(), e);
    let pragma = |name| connection.pragma_query_value(None, name, |row| row.get::<_, i64>(0)).map_err(fail);
    let (application, version) = (pragma("application_id")?, pragma("user_version")?);
    if application == 0 && version == 0 {
        let objects = connection.query_row("SELECT count(*) FROM sqlite_schema", (), |row| row.get::<_, i64>(0));
        if objects.map_err(fail)? == 0 {
            return Ok(Schema::None);
        }
    }
    if application != APPLICATION_ID || version < 1 {
        return Err(StoreError::NotOurs(file.path().to_owned()));
    }
    match version.cmp(&known()) {
        core::cmp::Ordering::Less => Ok(Schema::Older),
        core::cmp::Ordering::Equal => Ok(Schema::Current),
        core::cmp::Ordering::Greater => {
            Err(StoreError::TooNew { path: file.path().to_owned(), found: version, known: known() })
        }
    }
}

/// Brings the schema up to date in one transaction. The folder's lock has to be held, for the version is read before.
pub(super) fn migrate(connection: &mut Connection, file: &DatabaseFile) -> Result<(), StoreError> {
    connection.set_transaction_behavior(TransactionBehavior::Immediate);
    MIGRATIONS.to_latest(connection).map_err(|e| match e {
        rusqlite_migration::Error::RusqliteError { err, .. } => fault(file.path(), err),
        other => StoreError::Damaged(other.to_string()),
    })
}

/// Whether the tables, and whatever hangs on them, are what this program makes. A further table concerns nobody.
pub(super) fn is_as_made(connection: &Connection, file: &DatabaseFile) -> Result<bool, StoreError> {
    let mut made = Connection::open_in_memory().map_err(|e| fault(file.path(), e))?;
    migrate(&mut made, file)?;
    let (found, made) = (objects(connection, file)?, objects(&made, file)?);
    Ok(made.is_subset(&found) && found.difference(&made).all(|[kind, ..]| kind == "table"))
}

/// Type, name and text of every object but SQLite's own.
fn objects(connection: &Connection, file: &DatabaseFile) -> Result<BTreeSet<[String; 3]>, StoreError> {
    let fail = |e| fault(file.path(), e);
    let all = "SELECT type, name, coalesce(sql, '') FROM sqlite_schema WHERE substr(name, 1, 7) <> 'sqlite_'";
    let mut statement = connection.prepare(all).map_err(fail)?;
    let rows =
        statement.query_map((), |row| Ok([row.get(0)?, row.get(1)?, without_remarks(&row.get::<_, String>(2)?)]));
    rows.map_err(fail)?.collect::<Result<_, _>>().map_err(fail)
}

/// A statement without what means nothing in it. Ours have no dashes in a literal.
fn without_remarks(sql: &str) -> String {
    let code = sql.lines().filter_map(|line| line.split("--").next());
    code.flat_map(str::split_ascii_whitespace).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_migrations_make_a_database_of_ours() {
        let mut connection = Connection::open_in_memory().unwrap();
        MIGRATIONS.validate().unwrap();
        MIGRATIONS.to_latest(&mut connection).unwrap();
        let id: i64 = connection.pragma_query_value(None, "application_id", |row| row.get(0)).unwrap();
        assert_eq!(id, APPLICATION_ID);
    }
}

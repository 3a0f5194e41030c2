//! Activity: the last success of each account, password and mechanism, and since when nothing was missed. Unknown is never
//! "unused": who asks for the first has to ask for the second.
//!
//! It is a file of its own in a folder of its own, because the helper may write it and must not write the accounts. It keeps a
//! rollback journal: with a write-ahead log, root would make files in passing that the helper could not write.

mod ahead;

use std::fs;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags, OptionalExtension, Row, TransactionBehavior};
use rusqlite_migration::{M, Migrations};

use crate::identity::IdentityKey;
use crate::runtime::UnixTime;
use crate::vocabulary::Mechanism;

use super::{StoreError, sqlite};

pub use ahead::ActivityAhead;

/// The file's name in its folder.
pub const FILE: &str = "activity.db";

const FILES: &[M<'_>] = &[M::up(include_str!("../../migrations/activity/0001_initial.sql"))];
const MIGRATIONS: Migrations<'_> = Migrations::from_slice(FILES);

/// As `migrations/activity/0001_initial.sql` sets it: "sasa".
const APPLICATION_ID: i64 = 0x7361_7361;

const PATIENCE: Duration = Duration::from_secs(2);

/// After a longer time without a helper nobody knows whether one was at work that could not write here: it leaves no trace.
pub const REST: Duration = Duration::from_secs(600);

/// The random number of an account database.
pub type DatabaseId = [u8; 16];

/// A success.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Use {
    /// Whose.
    pub key: IdentityKey,
    /// The password's label; empty for EXTERNAL.
    pub label: String,
    /// By which mechanism.
    pub mechanism: Mechanism,
}

/// When and from where.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Seen {
    /// When it ended.
    pub at: UnixTime,
    /// The mail client's address, where the server that asked told it.
    pub remote: Option<IpAddr>,
}

/// How often the secrets of one password were handed out for a mechanism, and when last. How those logins ended nobody knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HandedOut {
    /// How often.
    pub times: u64,
    /// When last.
    pub last: UnixTime,
}

/// What is known of one password and mechanism of an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LastUse {
    /// The password's label; empty for EXTERNAL.
    pub label: String,
    /// By which mechanism.
    pub mechanism: Mechanism,
    /// The last success.
    pub last: Option<Seen>,
    /// What libsasl2's plugin got of it.
    pub handed_out: Option<HandedOut>,
}

impl LastUse {
    /// When it was last used: a login that succeeded, or secrets that were handed out for one whose end nobody knows.
    #[must_use]
    pub fn at(&self) -> Option<UnixTime> {
        self.last.map(|seen| seen.at).max(self.handed_out.map(|handed| handed.last))
    }
}

/// Writes activity down, as one of the helpers at work.
#[derive(Debug)]
pub struct ActivityWriter {
    connection: Connection,
    path: PathBuf,
    boot: String,
    pid: u32,
}

impl ActivityWriter {
    /// Opens the file in `folder`, makes it where there is none, and begins. A helper that is gone without a farewell has left
    /// a gap: what is continuous begins anew, at `now`. So it does after [`REST`] without any helper.
    ///
    /// # Errors
    /// See [`StoreError`]; the folder has to exist.
    pub fn begin(folder: &Path, now: UnixTime) -> Result<Self, StoreError> {
        let path = folder.join(FILE);
        if !folder.is_dir() {
            return Err(StoreError::Unreachable { path: folder.to_owned(), fault: "no such folder".to_owned() });
        }
        let mut connection = connect(&path, OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE)?;
        let fail = |e| fault(&path, e);
        is_made(&connection, &path)?;
        connection.set_transaction_behavior(TransactionBehavior::Immediate);
        MIGRATIONS.to_latest(&mut connection).map_err(|e| match e {
            rusqlite_migration::Error::RusqliteError { err, .. } => fail(err),
            _ => not_ours(path.clone()),
        })?;
        let boot = this_boot();
        let mut writer = Self { connection, path, boot, pid: std::process::id() };
        writer.greet(now)?;
        Ok(writer)
    }

    fn greet(&mut self, now: UnixTime) -> Result<(), StoreError> {
        let Self { connection, path, boot, pid } = self;
        let fail = |e| fault(path, e);
        let transaction = connection.transaction().map_err(fail)?;
        let gone = helpers_gone(&transaction, path, boot)?;
        if !gone.is_empty() || rested(&transaction, path, now)? {
            // A clock that was set back must not make a period longer.
            transaction.execute("UPDATE periods SET since = max(since, ?1)", [now.0]).map_err(fail)?;
        }
        for (theirs, other) in gone {
            transaction.execute("DELETE FROM helpers WHERE boot = ?1 AND pid = ?2", (theirs, other)).map_err(fail)?;
        }
        let own = (&*boot, *pid, start_of(*pid).unwrap_or_default());
        let greeting = "INSERT OR REPLACE INTO helpers (boot, pid, started) VALUES (?1, ?2, ?3)";
        transaction.execute(greeting, own).map_err(fail)?;
        transaction.commit().map_err(fail)
    }

    /// Writes `uses` of accounts in `database`, and what was handed out of them, all at the time `now`, whole or not at all. `gap` says
    /// that others before them were lost.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn record<'u>(
        &mut self,
        database: &DatabaseId,
        uses: impl IntoIterator<Item = (&'u Use, &'u Seen)>,
        handed_out: impl IntoIterator<Item = (&'u Use, &'u HandedOut)>,
        gap: bool,
        now: UnixTime,
    ) -> Result<(), StoreError> {
        const PERIOD: &str = "INSERT INTO periods (database, since) VALUES (?1, ?2) \
                              ON CONFLICT DO UPDATE SET since = max(since, excluded.since) WHERE ?3";
        const USE: &str = "INSERT INTO uses (database, realm, name, label, mechanism, last, remote) \
                           VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) \
                           ON CONFLICT DO UPDATE SET last = excluded.last, remote = excluded.remote \
                           WHERE last IS NULL OR last <= excluded.last";
        const HANDED_OUT: &str = "INSERT INTO uses (database, realm, name, label, mechanism, handed_out, last_handed_out) \
                                  VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) \
                                  ON CONFLICT DO UPDATE SET handed_out = handed_out + excluded.handed_out, \
                                  last_handed_out = max(coalesce(last_handed_out, 0), excluded.last_handed_out)";
        let Self { connection, path, .. } = self;
        let fail = |e| fault(path, e);
        let (uses, handed_out) = (as_the_table_lies(uses), as_the_table_lies(handed_out));
        let transaction = connection.transaction().map_err(fail)?;
        transaction.execute(PERIOD, (&database[..], now.0, gap)).map_err(fail)?;
        {
            let mut put = transaction.prepare_cached(USE).map_err(fail)?;
            for (Use { key, label, mechanism }, Seen { at, remote }) in uses {
                let remote = remote.map(|address| address.to_string());
                let row = (&database[..], key.realm(), key.name(), label, mechanism.name(), at.0, remote);
                put.execute(row).map_err(fail)?;
            }
            let mut put = transaction.prepare_cached(HANDED_OUT).map_err(fail)?;
            for (Use { key, label, mechanism }, HandedOut { times, last }) in handed_out {
                let times = i64::try_from(*times).unwrap_or(i64::MAX);
                let row = (&database[..], key.realm(), key.name(), label, mechanism.name(), times, last.0);
                put.execute(row).map_err(fail)?;
            }
        }
        transaction.commit().map_err(fail)
    }

    /// Says farewell, at `now`: everything was written, so what follows soon continues.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn end(self, now: UnixTime) -> Result<(), StoreError> {
        let Self { mut connection, path, boot, pid } = self;
        let fail = |e| fault(&path, e);
        let transaction = connection.transaction().map_err(fail)?;
        transaction.execute("DELETE FROM helpers WHERE boot = ?1 AND pid = ?2", (boot, pid)).map_err(fail)?;
        transaction.execute("INSERT OR REPLACE INTO farewell (one, at) VALUES (1, ?1)", [now.0]).map_err(fail)?;
        transaction.commit().map_err(fail)
    }
}

/// In the order of the table: with a large one, each of its pages is then fetched, noted in the journal and written once.
fn as_the_table_lies<'u, T>(entries: impl IntoIterator<Item = (&'u Use, &'u T)>) -> Vec<(&'u Use, &'u T)> {
    let mut entries: Vec<_> = entries.into_iter().collect();
    entries.sort_unstable_by(|(one, _), (other, _)| one.key.cmp(&other.key));
    entries
}

/// Reads activity.
#[derive(Debug)]
pub struct ActivityReader {
    connection: Connection,
    path: PathBuf,
    database: DatabaseId,
}

impl ActivityReader {
    /// Opens the file in `folder` for the accounts of `database`.
    ///
    /// # Errors
    /// See [`StoreError`]; [`StoreError::Missing`] where nothing was recorded yet.
    pub fn open(folder: &Path, database: DatabaseId) -> Result<Self, StoreError> {
        let path = folder.join(FILE);
        if !path.exists() {
            return Err(StoreError::Missing(path));
        }
        let connection = connect(&path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
        // One that is empty has not been begun yet.
        if !is_made(&connection, &path)? {
            return Err(StoreError::Missing(path));
        }
        Ok(Self { connection, path, database })
    }

    /// Since when every success was recorded; `None` if none ever was, or if a helper is gone without a farewell: what it had not
    /// written yet is missing, and the next one will begin anew.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn continuous_since(&self) -> Result<Option<UnixTime>, StoreError> {
        if !helpers_gone(&self.connection, &self.path, &this_boot())?.is_empty() {
            return Ok(None);
        }
        let asked = "SELECT since FROM periods WHERE database = ?1";
        let since = self.connection.query_row(asked, [&self.database[..]], |row| row.get(0)).optional();
        Ok(since.map_err(|e| fault(&self.path, e))?.map(UnixTime))
    }

    /// Whether any helper has served this database, as far as the file knows.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn knows_database(&self) -> Result<bool, StoreError> {
        let asked = "SELECT EXISTS (SELECT * FROM periods WHERE database = ?1)";
        self.connection.query_row(asked, [&self.database[..]], |row| row.get(0)).map_err(|e| fault(&self.path, e))
    }

    /// What is known of an account, one for each password and mechanism.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn last_uses(&self, key: &IdentityKey) -> Result<Vec<LastUse>, StoreError> {
        let fail = |e| fault(&self.path, e);
        let asked = "SELECT label, mechanism, last, remote, handed_out, last_handed_out FROM uses \
                     WHERE database = ?1 AND realm = ?2 AND name = ?3 ORDER BY label, mechanism";
        let mut statement = self.connection.prepare_cached(asked).map_err(fail)?;
        let rows = statement.query_map((&self.database[..], key.realm(), key.name()), last_use).map_err(fail)?;
        rows.filter_map(|row| row.map_err(fail).transpose()).collect()
    }
}

/// What an error of SQLite means for the file at `path`. Nobody may take it for damage to the accounts.
fn fault(path: &Path, error: rusqlite::Error) -> StoreError {
    match sqlite::fault(path, error) {
        StoreError::Damaged(fault) => StoreError::Activity { path: path.to_owned(), fault },
        StoreError::NotOurs(path) => not_ours(path),
        other => other,
    }
}

fn not_ours(path: PathBuf) -> StoreError {
    StoreError::Activity { path, fault: "it is another file".to_owned() }
}

/// What the first columns of a row say; nothing where the mechanism is unknown: a later version may know more of them.
fn last_use(row: &Row<'_>) -> rusqlite::Result<Option<LastUse>> {
    let mechanism: String = row.get(1)?;
    let Some(mechanism) = Mechanism::from_name(mechanism.as_bytes()) else { return Ok(None) };
    let (last, remote): (Option<i64>, Option<String>) = (row.get(2)?, row.get(3)?);
    let remote = remote.and_then(|address| address.parse().ok());
    let last = last.map(|at| Seen { at: UnixTime(at), remote });
    let (times, last_handed_out): (u64, Option<i64>) = (row.get(4)?, row.get(5)?);
    let handed_out = last_handed_out.map(|last| HandedOut { times, last: UnixTime(last) });
    Ok(Some(LastUse { label: row.get(0)?, mechanism, last, handed_out }))
}

fn this_boot() -> String {
    fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default().trim().to_owned()
}

/// When the process began, in clock ticks since the start of the system (proc_pid_stat(5)); none if there is no such process.
fn start_of(pid: u32) -> Option<i64> {
    let stat = fs::read_to_string(Path::new("/proc").join(pid.to_string()).join("stat")).ok()?;
    let (_, after_name) = stat.rsplit_once(')')?;
    after_name.split_ascii_whitespace().nth(19)?.parse().ok()
}

/// The helpers that wrote here and are no more, though they did not say farewell.
fn helpers_gone(connection: &Connection, path: &Path, boot: &str) -> Result<Vec<(String, u32)>, StoreError> {
    let fail = |e| fault(path, e);
    let mut all = connection.prepare("SELECT boot, pid, started FROM helpers").map_err(fail)?;
    let rows = all.query_map((), |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?))).map_err(fail)?;
    let mut gone = Vec::new();
    for row in rows {
        let (theirs, pid, started): (String, u32, i64) = row.map_err(fail)?;
        if theirs != boot || start_of(pid) != Some(started) {
            gone.push((theirs, pid));
        }
    }
    Ok(gone)
}

/// Whether nobody has been at work for too long to say that nobody was.
fn rested(connection: &Connection, path: &Path, now: UnixTime) -> Result<bool, StoreError> {
    let asked = "SELECT at FROM farewell WHERE NOT EXISTS (SELECT * FROM helpers)";
    let farewell: Option<i64> =
        connection.query_row(asked, (), |row| row.get(0)).optional().map_err(|e| fault(path, e))?;
    Ok(farewell.is_some_and(|at| now.0.saturating_sub(at) > REST.as_secs().cast_signed()))
}

fn connect(path: &Path, access: OpenFlags) -> Result<Connection, StoreError> {
    let fail = |e| fault(path, e);
    let flags = access | OpenFlags::SQLITE_OPEN_NO_MUTEX | OpenFlags::SQLITE_OPEN_NOFOLLOW;
    let connection = Connection::open_with_flags(path, flags).map_err(fail)?;
    connection.busy_timeout(PATIENCE).map_err(fail)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false).map_err(fail)?;
    Ok(connection)
}

/// Whether anything has been made in the file; it has to be ours then.
fn is_made(connection: &Connection, path: &Path) -> Result<bool, StoreError> {
    let pragma =
        |name| connection.pragma_query_value(None, name, |row| row.get::<_, i64>(0)).map_err(|e| fault(path, e));
    let (application, found) = (pragma("application_id")?, pragma("user_version")?);
    let known = i64::try_from(FILES.len()).unwrap_or(i64::MAX);
    let objects = "SELECT count(*) FROM sqlite_schema";
    let objects: i64 = connection.query_row(objects, (), |row| row.get(0)).map_err(|e| fault(path, e))?;
    match (application, found) {
        (0, 0) if objects == 0 => Ok(false),
        (APPLICATION_ID, found) if found <= known => Ok(true),
        (APPLICATION_ID, found) => Err(StoreError::TooNew { path: path.to_owned(), found, known }),
        _ => Err(not_ours(path.to_owned())),
    }
}

//! Another key for a database, without a moment in which it cannot be used.
//!
//! The new key joins the old one in the key file; the database names it, and from then on whatever is written is sealed with it;
//! the accounts follow, some at a time; last the old key leaves the file. A process may die after any of these steps: whoever runs
//! this next goes on where the other stopped, and meanwhile either key opens what it sealed.

use rusqlite::{Connection, Transaction, TransactionBehavior};

use crate::runtime::{Entropy, UnixTime};
use crate::store::{Actor, AuditHead, Place, StoreError};

use super::audit::{self, Entry};
use super::create;
use super::keyfile;
use super::open::{checkpoint, fault};
use super::row::{NewRow, Row, SELECT_SOME_AFTER, Scratch};
use super::seal::Key;
use super::write::Database;

/// Accounts in one transaction: other writers wait for some tens of milliseconds.
const AT_ONCE: usize = 1000;

/// What was done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rekeyed {
    /// How many accounts were sealed anew. Those that were changed meanwhile had been by then.
    pub accounts: u64,
    /// Names the key.
    pub key: [u8; 8],
    /// Whether it came to its end. If not, both keys are in the key file, and the next run goes on.
    pub whole: bool,
    /// The audit's entry; `None` where an interrupted run was ended, which had made it.
    pub head: Option<AuditHead>,
}

/// Makes a new key, seals every account with it, and takes the old one out of the key file. SCRAM salts stay as they are, and so
/// does the proof of the audit.
///
/// After each transaction `goes_on` is told how many accounts are sealed anew, and says whether to.
///
/// # Errors
/// See [`StoreError`]. Whatever was done until then stays, and either key opens what it sealed; accounts that cannot be opened
/// keep the old key in the file.
pub fn rekey(
    place: &Place,
    actor: &Actor,
    now: UnixTime,
    entropy: &mut dyn Entropy,
    goes_on: &mut dyn FnMut(u64) -> bool,
) -> Result<Rekeyed, StoreError> {
    // One at a time. Opened before the lock is taken, because to bring a database up to date takes it too; and again after it, as
    // another run may just have ended.
    let _lock = create::open_existing(place)?.file.lock_folder()?;
    let mut database = create::open_existing(place)?;
    if database.keys.all().count() == 1 {
        keyfile::add(&place.key_file, entropy)?;
        database.keys.reread()?;
    }
    let head = if database.meta.key_id == database.keys.last().id {
        None
    } else {
        Some(go_over(&mut database, actor, now, entropy)?)
    };
    let (accounts, whole) = seal_anew(&database, entropy, goes_on)?;
    let done = Rekeyed { accounts, key: database.meta.key_id.0, whole, head };
    if !whole {
        return Ok(done);
    }
    // What the old key sealed lies in the log until then.
    checkpoint(&database.connection);
    keyfile::keep_last(&place.key_file)?;
    Ok(done)
}

fn go_over(
    database: &mut Database,
    actor: &Actor,
    now: UnixTime,
    entropy: &mut dyn Entropy,
) -> Result<AuditHead, StoreError> {
    let Database { file, connection, keys, meta } = database;
    let fail = |e| fault(file.path(), e);
    let transaction = Transaction::new_unchecked(connection, TransactionBehavior::Immediate).map_err(fail)?;
    let (old, new) = (keys.find(meta.key_id)?, keys.last());
    let earlier = audit::earlier_keys(&transaction, file, keys, &meta.database)?;
    let kept: Vec<_> = earlier.iter().map(|(id, key)| (*id, key)).chain([(old.id, &old.audit)]).collect();
    audit::keep_keys(&transaction, file, &kept, &meta.database, new, entropy)?;
    meta.go_over(&transaction, file, keys, new, entropy)?;
    let before = audit::head(&transaction, file)?;
    let entry = Entry::by(actor, now, "rekey");
    let head = audit::append(&transaction, file, new, &meta.database, before, &entry)?;
    transaction.commit().map_err(fail)?;
    Ok(head)
}

/// How many it sealed, and whether these are all.
fn seal_anew(
    database: &Database,
    entropy: &mut dyn Entropy,
    goes_on: &mut dyn FnMut(u64) -> bool,
) -> Result<(u64, bool), StoreError> {
    let fail = |e| fault(database.file.path(), e);
    let key = database.sealing_key()?;
    let (mut after, mut done, mut unreadable) = ((String::new(), String::new()), 0u64, 0u64);
    while goes_on(done) {
        let transaction =
            Transaction::new_unchecked(&database.connection, TransactionBehavior::Immediate).map_err(fail)?;
        let (rows, last, damaged) = old_rows(database, &transaction, key, &after, entropy)?;
        for row in &rows {
            database.put(&row.as_row())?;
            done = done.saturating_add(1);
        }
        transaction.commit().map_err(fail)?;
        unreadable = unreadable.saturating_add(damaged);
        match last {
            Some(last) => after = last,
            None if unreadable == 0 => return Ok((done, true)),
            None => {
                let what = format!("{unreadable} accounts cannot be opened, so the earlier key stays in the key file");
                return Err(StoreError::Damaged(what));
            }
        }
    }
    Ok((done, false))
}

/// Accounts sealed anew; where the last one looked at stands, if there was one; and how many could not be opened.
type Batch = (Vec<NewRow>, Option<(String, String)>, u64);

/// Looks at the next accounts after the place `after`.
fn old_rows(
    database: &Database,
    connection: &Connection,
    key: &Key,
    after: &(String, String),
    entropy: &mut dyn Entropy,
) -> Result<Batch, StoreError> {
    let fail = |e| fault(database.file.path(), e);
    let mut statement = connection.prepare_cached(SELECT_SOME_AFTER).map_err(fail)?;
    let mut rows = statement.query((&after.0, &after.1, AT_ONCE)).map_err(fail)?;
    let (mut sealed, mut last, mut unreadable) = (Vec::new(), None, 0u64);
    let mut scratch = Scratch::default();
    while let Some(row) = rows.next().map_err(fail)? {
        let row = Row::of(row)?;
        last = Some((row.realm_key.to_owned(), row.name_key.to_owned()));
        if row.key_id == key.id {
            continue;
        }
        let opened =
            database.keys.find(row.key_id).and_then(|old| row.open(old, &database.meta.database, &mut scratch));
        match opened {
            Ok(account) => sealed.push(NewRow::seal(&account, key, &database.meta.database, entropy)?),
            Err(_) => unreadable = unreadable.saturating_add(1),
        }
    }
    Ok((sealed, last, unreadable))
}

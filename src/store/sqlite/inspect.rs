//! Looking through a whole database, for `sasldb-rs check` and `export`.

use core::fmt;
use std::path::Path;

use rusqlite::Connection;

use crate::credential::{Account, SaltKey, Shape, StoredPassword};
use crate::identity::{Identity, IdentityKey, Realm, Realms};
use crate::runtime::Entropy;
use crate::store::{AuditHead, Place, StoreError};

use super::audit;
use super::files::DatabaseFile;
use super::keyfile::Keys;
use super::list;
use super::meta::{self, Meta};
use super::migrate;
use super::open::fault;
use super::portable;
use super::row::{Row, SELECT_ALL, Scratch};

/// Looks at everything and changes nothing.
pub struct Inspector {
    file: DatabaseFile,
    connection: Connection,
    keys: Keys,
    meta: Meta,
}

impl Inspector {
    /// Opens the database for reading, with its key.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn open(place: &Place) -> Result<Self, StoreError> {
        let (file, connection, meta) = list::open_made(&place.database)?;
        Self::with(file, connection, meta, &place.key_file)
    }

    /// What is open already, with its key.
    pub(super) fn with(
        file: DatabaseFile,
        connection: Connection,
        meta: Meta,
        key_file: &Path,
    ) -> Result<Self, StoreError> {
        let keys = Keys::read(key_file)?;
        meta.open(&keys)?;
        Ok(Self { file, connection, keys, meta })
    }

    /// What it looks at.
    pub(super) fn parts(&self) -> (&DatabaseFile, &Connection) {
        (&self.file, &self.connection)
    }

    /// The default realm and its aliases.
    #[must_use]
    pub fn realms(&self) -> &Realms {
        &self.meta.realms
    }

    /// The first account of a realm, whatever the realm is an alias of.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn first_in(&self, realm: &Realm) -> Result<Option<IdentityKey>, StoreError> {
        list::first_in(&self.connection, &self.file, realm)
    }

    /// Gives what is wrong with the file's structure, in SQLite's words, and with its tables to `visit`, until it returns false.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn integrity(&self, visit: &mut dyn FnMut(String) -> bool) -> Result<(), StoreError> {
        let fail = |e| fault(self.file.path(), e);
        let mut statement = self.connection.prepare("PRAGMA integrity_check").map_err(fail)?;
        let mut rows = statement.query(()).map_err(fail)?;
        while let Some(row) = rows.next().map_err(fail)? {
            let words: String = row.get(0).map_err(fail)?;
            // Several faults may come as lines of one text, below a heading that names SQLite's own handle.
            let mut faults = words.lines().filter(|line| *line != "ok" && !line.starts_with("*** "));
            if !faults.all(|fault| visit(fault.to_owned())) {
                return Ok(());
            }
        }
        if !migrate::is_as_made(&self.connection, &self.file)? {
            visit(
                "its tables are not those that this program makes: somebody changed them, or added to them".to_owned(),
            );
        }
        Ok(())
    }

    /// Gives each account to `visit`, or why it cannot be opened, in the order of realm and name, until it returns false.
    /// Memory stays flat however many there are.
    ///
    /// # Errors
    /// See [`StoreError`]: of the whole database, that is.
    pub fn accounts(&self, visit: &mut dyn FnMut(Result<Account, StoreError>) -> bool) -> Result<(), StoreError> {
        let fail = |e| fault(self.file.path(), e);
        let mut statement = self.connection.prepare(SELECT_ALL).map_err(fail)?;
        let mut rows = statement.query(()).map_err(fail)?;
        let mut scratch = Scratch::default();
        while let Some(row) = rows.next().map_err(fail)? {
            let opened =
                Row::of(row).and_then(|row| row.open(self.keys.find(row.key_id)?, &self.meta.database, &mut scratch));
            if !visit(opened) {
                break;
            }
        }
        Ok(())
    }

    /// Like [`Self::accounts`], and holds the shapes by which unknown names are answered against those of the accounts, both as they
    /// are at one moment.
    ///
    /// # Errors
    /// See [`StoreError`]: [`StoreError::Damaged`] where they differ, too, which nobody can tell where an account cannot be opened
    /// or `visit` returned false.
    pub fn accounts_and_shapes(
        &self,
        visit: &mut dyn FnMut(Result<Account, StoreError>) -> bool,
    ) -> Result<(), StoreError> {
        let fail = |e| fault(self.file.path(), e);
        let is_free = self.connection.is_autocommit();
        let _moment = is_free.then(|| self.connection.unchecked_transaction()).transpose().map_err(fail)?;
        let mut surplus = meta::counted_shapes(&self.connection, &self.file)?;
        let mut is_whole = true;
        self.accounts(&mut |account| {
            match &account {
                Ok(account) => {
                    let counted = surplus.entry(Shape::of(account).to_string()).or_default();
                    *counted = counted.saturating_sub(1);
                }
                Err(_) => is_whole = false,
            }
            let goes_on = visit(account);
            is_whole &= goes_on;
            goes_on
        })?;
        if is_whole && surplus.values().any(|accounts| *accounts != 0) {
            let what = "the shapes of accounts that it counts, by which unknown names are answered, are not those that there are";
            return Err(StoreError::Damaged(what.to_owned()));
        }
        Ok(())
    }

    /// Makes the salts of the accounts.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn salt_key(&self) -> Result<SaltKey, StoreError> {
        self.meta.open(&self.keys)
    }

    /// A password sealed on its own, for [`Writer::open_password`](super::Writer::open_password) of a database with the same key.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn seal_password(
        &self,
        identity: &Identity,
        password: &StoredPassword,
        entropy: &mut dyn Entropy,
    ) -> Result<Vec<u8>, StoreError> {
        portable::seal(self.keys.find(self.meta.key_id)?, identity, password, entropy)
    }

    /// The place in the chain of the audit's entry `number`, if there is one; whether it is as it was written,
    /// [`Self::verify_audit`] can tell.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn audit_at(&self, number: u64) -> Result<Option<AuditHead>, StoreError> {
        audit::at(&self.connection, &self.file, number)
    }

    /// Follows the audit's chain from its beginning and gives its end, and each of its places to `visit`.
    ///
    /// # Errors
    /// [`StoreError::Damaged`] names the entry at which the chain breaks.
    pub fn verify_audit(&self, visit: &mut dyn FnMut(AuditHead)) -> Result<Option<AuditHead>, StoreError> {
        audit::verify(&self.connection, &self.file, &self.keys, &self.meta.database, visit)
    }
}

impl fmt::Debug for Inspector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Inspector").field("file", &self.file).finish_non_exhaustive()
    }
}

//! Changes.

use std::sync::Arc;

use rusqlite::{Connection, Transaction, TransactionBehavior};

use crate::credential::{Account, Label, PasswordFacts, Secrets, Shape};
use crate::identity::{Identity, IdentityKey, Realm, Realms};
use crate::runtime::{Entropy, UnixTime};
use crate::store::change::{self, Existing, Plan};
use crate::store::{Actor, AuditHead, Basis, Change, CredentialAdmin, Listed, Place, Receipt, StoreError};

use super::audit::{self, Entry};
use super::create::{self, Creation};
use super::files::DatabaseFile;
use super::keyfile::Keys;
use super::list;
use super::meta::{Meta, count};
use super::open::{empty_log, fault};
use super::portable;
use super::row::{NewRow, PUT, Row, SELECT_ONE, Scratch};
use super::seal::Key;

/// Changes accounts. Any number of processes may at once: each change is one transaction, and they wait for each other.
pub struct Writer {
    database: Database,
    entropy: Box<dyn Entropy>,
    is_new: bool,
}

/// An open database with its keys.
pub(super) struct Database {
    pub(super) file: DatabaseFile,
    pub(super) connection: Connection,
    pub(super) keys: Keys,
    pub(super) meta: Meta,
}

impl Writer {
    /// Opens the database, and makes it and its key where there is none (or an empty file). The folders must exist.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn open(place: &Place, creation: &Creation, entropy: Box<dyn Entropy>) -> Result<Self, StoreError> {
        let mut entropy = entropy;
        let (database, is_new) = create::open_or_create(place, creation, &mut *entropy)?;
        Ok(Self { database, entropy, is_new })
    }

    /// Opens a database that is there.
    ///
    /// # Errors
    /// See [`StoreError`]; [`StoreError::Missing`] if there is none.
    pub fn open_existing(place: &Place, entropy: Box<dyn Entropy>) -> Result<Self, StoreError> {
        Ok(Self { database: create::open_existing(place)?, entropy, is_new: false })
    }

    /// Whether this writer made the database.
    #[must_use]
    pub fn is_new(&self) -> bool {
        self.is_new
    }

    /// Does `work` and keeps it, unless it fails.
    fn in_one_transaction<T>(
        &mut self,
        work: impl FnOnce(&Database, &mut dyn Entropy) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let Self { database, entropy, .. } = self;
        let fail = |e| fault(database.file.path(), e);
        // Locked before anything is read: what is decided on cannot change under the decision.
        let transaction =
            Transaction::new_unchecked(&database.connection, TransactionBehavior::Immediate).map_err(fail)?;
        refresh(&transaction, &database.file, &mut database.keys, &mut database.meta)?;
        let done = work(database, &mut **entropy)?;
        transaction.commit().map_err(fail)?;
        Ok(done)
    }

    /// The secrets of a password that [`Inspector::seal_password`](super::Inspector::seal_password) sealed under this database's
    /// key, for the same account and with the same label and limits.
    ///
    /// # Errors
    /// [`StoreError::Damaged`] if it does not open.
    pub fn open_password(
        &self,
        identity: &Identity,
        facts: &PasswordFacts,
        sealed: &[u8],
    ) -> Result<Secrets, StoreError> {
        portable::open(&self.database.keys, identity, facts, sealed)
    }

    /// Follows the audit's chain from its beginning and gives its end. That nothing is missing after the end, only a head kept
    /// elsewhere can tell.
    ///
    /// # Errors
    /// [`StoreError::Damaged`] names the entry at which the chain breaks.
    pub fn verify_audit(&mut self) -> Result<Option<AuditHead>, StoreError> {
        let Database { file, connection, keys, meta } = &self.database;
        audit::verify(connection, file, keys, &meta.database, &mut |_| ())
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        empty_log(&self.database.connection, &self.database.file);
    }
}

impl Database {
    /// The key that seals what is written: the one that the database names.
    pub(super) fn sealing_key(&self) -> Result<&Key, StoreError> {
        self.keys.find(self.meta.key_id)
    }

    fn find(&self, key: &IdentityKey) -> Result<Existing, StoreError> {
        let fail = |e| fault(self.file.path(), e);
        let mut statement = self.connection.prepare_cached(SELECT_ONE).map_err(fail)?;
        let mut rows = statement.query((key.realm(), key.name())).map_err(fail)?;
        let Some(row) = rows.next().map_err(fail)? else { return Ok(Existing::None) };
        let opened = Row::of(row)
            .and_then(|row| row.open(self.keys.find(row.key_id)?, &self.meta.database, &mut Scratch::default()));
        Ok(match opened {
            Ok(account) => Existing::Whole(Box::new(account)),
            Err(fault) => Existing::Unreadable(fault),
        })
    }

    /// Everything of a change inside its transaction.
    fn carry_out(
        &self,
        change: Change,
        actor: &Actor,
        now: UnixTime,
        entropy: &mut dyn Entropy,
    ) -> Result<Receipt, StoreError> {
        let key = change.key();
        let existing = self.find(&key)?;
        let (before, gone) = match &existing {
            Existing::Whole(account) => (Some(Shape::of(account)), account.identity.to_string()),
            Existing::None | Existing::Unreadable(_) => (None, key.to_string()),
        };
        let head = audit::head(&self.connection, &self.file)?;
        let first = audit::next_number(head);
        let surroundings = |to: &Identity| {
            let is_taken = !matches!(self.find(&to.key())?, Existing::None);
            Ok(change::Surroundings { is_taken, salt_key: Arc::new(self.meta.open(&self.keys)?) })
        };
        let (notes, after, subject) = match change::plan(existing, change, first, now, surroundings)? {
            Plan::Leave(applied) => return Ok(Receipt { applied, audit: None }),
            Plan::Write(account, notes) => {
                let row = NewRow::seal(&account, self.sealing_key()?, &self.meta.database, entropy)?;
                if account.identity.key() != key {
                    self.erase(&key)?;
                }
                self.put(&row.as_row())?;
                // As it is called from now on; what it was called is in the detail.
                (notes, Some(Shape::of(&account)), account.identity.to_string())
            }
            Plan::Erase(note) => {
                self.erase(&key)?;
                (vec![note], None, gone)
            }
        };
        self.recount(before.as_ref(), after.as_ref())?;
        let (key, applied) = (self.sealing_key()?, change::applied(&notes));
        let mut audit = head;
        for note in notes {
            let (action, detail) = (note.action, note.into_detail());
            let entry = Entry { subject: Some(&subject), detail: detail.as_deref(), ..Entry::by(actor, now, action) };
            audit = Some(audit::append(&self.connection, &self.file, key, &self.meta.database, audit, &entry)?);
        }
        Ok(Receipt { applied, audit })
    }

    pub(super) fn put(&self, row: &Row<'_>) -> Result<(), StoreError> {
        let columns = rusqlite::params![
            row.realm_key,
            row.name_key,
            row.realm,
            row.name,
            row.disabled,
            row.expires,
            row.revision,
            row.created,
            row.changed,
            row.mechanisms,
            row.schemes,
            row.passwords,
            row.key_id.0,
            row.sealed,
        ];
        let written = self.connection.prepare_cached(PUT).and_then(|mut statement| statement.execute(columns));
        written.map(drop).map_err(|e| fault(self.file.path(), e))
    }

    fn erase(&self, key: &IdentityKey) -> Result<(), StoreError> {
        let erased = self
            .connection
            .prepare_cached("DELETE FROM accounts WHERE realm_key = ?1 AND name_key = ?2")
            .and_then(|mut statement| statement.execute((key.realm(), key.name())));
        erased.map(drop).map_err(|e| fault(self.file.path(), e))
    }

    fn recount(&self, before: Option<&Shape>, after: Option<&Shape>) -> Result<(), StoreError> {
        if before == after {
            return Ok(());
        }
        let gone = before.map(|shape| count(&self.connection, shape, -1));
        let come = after.map(|shape| count(&self.connection, shape, 1));
        gone.into_iter().chain(come).collect::<Result<(), _>>().map_err(|e| fault(self.file.path(), e))
    }
}

/// Since a writer opened it, the database may have gone over to another key, or another one may have been restored over it.
fn refresh(connection: &Connection, file: &DatabaseFile, keys: &mut Keys, meta: &mut Meta) -> Result<(), StoreError> {
    let now = Meta::read(connection, file)?.ok_or_else(|| StoreError::Missing(file.path().to_owned()))?;
    if now != *meta {
        keys.reread()?;
        now.open(keys)?;
        *meta = now;
    }
    Ok(())
}

impl CredentialAdmin for Writer {
    fn realms(&mut self) -> Result<Realms, StoreError> {
        Ok(self.database.meta.realms.clone())
    }

    fn first_in(&mut self, realm: &Realm) -> Result<Option<IdentityKey>, StoreError> {
        list::first_in(&self.database.connection, &self.database.file, realm)
    }

    fn basis(&mut self, identity: &Identity, label: &Label) -> Result<Basis, StoreError> {
        let fail = |e| fault(self.database.file.path(), e);
        let view =
            Transaction::new_unchecked(&self.database.connection, TransactionBehavior::Deferred).map_err(fail)?;
        refresh(&view, &self.database.file, &mut self.database.keys, &mut self.database.meta)?;
        let existing = match self.database.find(&identity.key())? {
            Existing::None => None,
            Existing::Whole(account) => Some(account),
            Existing::Unreadable(fault) => return Err(fault),
        };
        Ok(Basis {
            revision: existing.as_ref().map(|account| account.revision),
            iterations: existing.as_ref().map(|account| change::bound_beside(account, label)).unwrap_or_default(),
            identity: existing.map_or_else(|| identity.clone(), |account| account.identity),
            realms: self.database.meta.realms.clone(),
            salt_key: self.database.meta.open(&self.database.keys)?,
        })
    }

    fn apply(&mut self, change: Change, actor: &Actor, now: UnixTime) -> Result<Receipt, StoreError> {
        self.in_one_transaction(|database, entropy| database.carry_out(change, actor, now, entropy))
    }

    fn apply_each(
        &mut self,
        changes: Vec<Change>,
        actor: &Actor,
        now: UnixTime,
    ) -> Result<Vec<Result<Receipt, StoreError>>, StoreError> {
        self.in_one_transaction(|database, entropy| {
            // What is refused is refused before anything of it is written.
            let each = |change| StoreError::of_one_change(database.carry_out(change, actor, now, entropy));
            changes.into_iter().map(each).collect()
        })
    }

    fn account(&mut self, key: &IdentityKey) -> Result<Option<Account>, StoreError> {
        let fail = |e| fault(self.database.file.path(), e);
        let view =
            Transaction::new_unchecked(&self.database.connection, TransactionBehavior::Deferred).map_err(fail)?;
        refresh(&view, &self.database.file, &mut self.database.keys, &mut self.database.meta)?;
        match self.database.find(key)? {
            Existing::None => Ok(None),
            Existing::Whole(account) => Ok(Some(*account)),
            Existing::Unreadable(fault) => Err(fault),
        }
    }

    fn list(&mut self, visit: &mut dyn FnMut(Listed) -> bool) -> Result<(), StoreError> {
        list::list(&self.database.connection, &self.database.file, visit)
    }
}

//! An open database as a login sees it: one row for each look-up, and what all look-ups share.

use std::sync::Arc;

use rusqlite::{Connection, OptionalExtension as _};

use crate::credential::{IterationCensus, Lookup, SaltKey, Shape, ShapeCensus, Who};
use crate::identity::{IdentityKey, Realm, Realms};
use crate::store::decoy::{self, DecoyShape, Expanded, Home};
use crate::store::{Place, StoreError};

use super::files::{DatabaseFile, FileState};
use super::keyfile::Keys;
use super::list::{self, open_made};
use super::meta::{Meta, read_census};
use super::open::fault;
use super::opened::{self, Opened, Record};
use super::row::{NewRow, Row, SELECT_ONE_OR_NEXT, Scratch};

/// No account has this name, so that a name which cannot be one is looked up like any other.
const NOBODY: &str = "@";

/// An open database, between two turns or within one.
pub(super) struct View {
    file: DatabaseFile,
    /// As of when `opened` was last found to be true.
    state: FileState,
    connection: Connection,
    common: Common,
    opened: Opened,
    /// SQLite's number for the state that `common` and `opened` were read from. It changes with every change by another connection.
    version: i64,
    begun: bool,
}

/// What all look-ups share. Read again whenever the database has changed.
struct Common {
    keys: Keys,
    meta: Meta,
    salt_key: Arc<SaltKey>,
    shapes: ShapeCensus,
    census: Arc<IterationCensus>,
    decoys: Decoys,
}

/// One of each shape for a name in the default realm, and one for others.
struct Decoys(Vec<[NewRow; 2]>);

impl View {
    /// Opens the database at `place`.
    pub(super) fn open(place: &Place, shape: &DecoyShape) -> Result<Self, StoreError> {
        // Taken first: if the file is replaced in between, the next look-up sees another one and opens that.
        let state = FileState::of(&place.database).ok_or_else(|| StoreError::Missing(place.database.clone()));
        let (file, connection, meta) = open_made(&place.database)?;
        let keys = Keys::read(&place.key_file)?;
        let common = Common::read(&connection, &file, keys, meta, shape)?;
        let opened = Opened::with_room(opened::ACCOUNTS, opened::DECOYS);
        Ok(Self { file, state: state?, connection, common, opened, version: 0, begun: false })
    }

    /// Whether the file at `place` is the one that was opened. If anything else than SQLite has written to it since, what was read
    /// is read again.
    pub(super) fn is_of(&mut self, place: &Place) -> bool {
        let Some(state) = FileState::of(&place.database) else { return false };
        if state != self.state {
            self.opened.clear();
        }
        let same = state.is_of(&self.state);
        self.state = state;
        same
    }

    pub(super) fn is_begun(&self) -> bool {
        self.begun
    }

    pub(super) fn realms(&self) -> &Realms {
        &self.common.meta.realms
    }

    pub(super) fn first_in(&self, realm: &Realm) -> Result<Option<IdentityKey>, StoreError> {
        list::first_in(&self.connection, &self.file, realm)
    }

    pub(super) fn database_id(&self) -> [u8; 16] {
        self.common.meta.database
    }

    /// Fixes the state of the database that look-ups see until [`Self::end`].
    pub(super) fn begin(&mut self, place: &Place, shape: &DecoyShape) -> Result<(), StoreError> {
        if self.begun {
            return Ok(());
        }
        let version = || {
            self.connection.prepare_cached("BEGIN")?.execute(())?;
            self.connection.prepare_cached("PRAGMA data_version")?.query_row((), |row| row.get(0))
        };
        let version: i64 = version().map_err(|e| fault(self.file.path(), e))?;
        self.begun = true;
        if version != self.version {
            self.refresh(place, shape)?;
            self.version = version;
        }
        Ok(())
    }

    /// Lets the state go.
    pub(super) fn end(&mut self) -> Result<(), StoreError> {
        if self.begun {
            self.begun = false;
            let ended = self.connection.prepare_cached("COMMIT").and_then(|mut statement| statement.execute(()));
            ended.map_err(|e| fault(self.file.path(), e))?;
        }
        Ok(())
    }

    fn refresh(&mut self, place: &Place, shape: &DecoyShape) -> Result<(), StoreError> {
        self.opened.clear();
        let missing = || StoreError::Missing(place.database.clone());
        let meta = Meta::read(&self.connection, &self.file)?.ok_or_else(missing)?;
        if meta == self.common.meta {
            self.common.recount(&self.connection, &self.file, shape)
        } else {
            let keys = Keys::read(&place.key_file)?;
            self.common = Common::read(&self.connection, &self.file, keys, meta, shape)?;
            Ok(())
        }
    }

    /// Looks `who` up. The outer error is of the whole database, the inner one of this account.
    pub(super) fn look_up(
        &mut self,
        who: Who,
        scratch: &mut Scratch,
    ) -> Result<Result<Lookup, StoreError>, StoreError> {
        let kept = match &who {
            Who::Account(key) => self.opened.get(key),
            Who::Nobody(_) => None,
        };
        let record = match kept {
            Some(record) => Ok(record),
            None => self.open_record(&who, scratch)?,
        };
        Ok(record.map(|(known, account)| Lookup {
            known,
            account,
            who,
            salt_key: Arc::clone(&self.common.salt_key),
            census: Arc::clone(&self.common.census),
        }))
    }

    /// Reads a record and opens it; if there is none, a decoy.
    fn open_record(&mut self, who: &Who, scratch: &mut Scratch) -> Result<Result<Record, StoreError>, StoreError> {
        let Common { keys, meta, salt_key, shapes, decoys, .. } = &mut self.common;
        // Picked whether there is such an account or not, so that it takes as long for either.
        let decoy = decoys.pick(shapes, salt_key, &meta.realms, who).ok_or(StoreError::NoEntropy)?;
        let (realm, name) = match who {
            Who::Account(key) => (key.realm(), key.name()),
            Who::Nobody(_) => (NOBODY, NOBODY),
        };
        let found = self
            .connection
            .prepare_cached(SELECT_ONE_OR_NEXT)
            .and_then(|mut statement| {
                let open = |row: &rusqlite::Row<'_>| {
                    // Read whose ever it is: that takes as long for a name that does not exist.
                    let read = Row::of(row);
                    Ok(Row::is_of(row, realm, name).then(|| {
                        read.and_then(|row| {
                            let account = row.open(keys.find_or_reread(row.key_id)?, &meta.database, scratch)?;
                            Ok((account, row.size()))
                        })
                    }))
                };
                statement.query_row((realm, name), open).optional()
            })
            .map_err(|e| fault(self.file.path(), e))?
            .flatten();
        let known = found.is_some();
        let opened = match found {
            Some(opened) => opened,
            None => decoy
                .as_row()
                .open(keys.first(), &meta.database, scratch)
                .map(|opened| (decoy::in_the_name_of(opened, who), decoy.as_row().size())),
        };
        Ok(opened.map(|(account, size)| {
            let record = (known, Arc::new(account));
            if let Who::Account(key) = who {
                self.opened.keep(key, &record, size);
            }
            record
        }))
    }
}

impl Common {
    fn read(
        connection: &Connection,
        file: &DatabaseFile,
        keys: Keys,
        meta: Meta,
        shape: &DecoyShape,
    ) -> Result<Self, StoreError> {
        let salt_key = Arc::new(meta.open(&keys)?);
        let shapes = read_census(connection, file, shape.of_new())?;
        let census = Arc::new(shapes.iterations(shape.usual_iterations));
        let decoys = Decoys::make(&shapes, &keys, &meta)?;
        Ok(Self { keys, meta, salt_key, shapes, census, decoys })
    }

    /// Counts the accounts again.
    fn recount(&mut self, connection: &Connection, file: &DatabaseFile, shape: &DecoyShape) -> Result<(), StoreError> {
        let shapes = read_census(connection, file, shape.of_new())?;
        if shapes != self.shapes {
            if !shapes.shapes().eq(self.shapes.shapes()) {
                self.decoys = Decoys::make(&shapes, &self.keys, &self.meta)?;
            }
            self.census = Arc::new(shapes.iterations(shape.usual_iterations));
            self.shapes = shapes;
        }
        Ok(())
    }
}

impl Decoys {
    fn make(shapes: &ShapeCensus, keys: &Keys, meta: &Meta) -> Result<Self, StoreError> {
        let mut entropy = Expanded::new(keys.first().decoy_seed());
        let mut decoy = |shape: &Shape, home: Home| {
            let account = decoy::account(shape, home, &meta.realms, &mut entropy).ok_or(StoreError::NoEntropy)?;
            NewRow::seal(&account, keys.first(), &meta.database, &mut entropy)
        };
        let both = |shape| Ok([decoy(shape, Home::DefaultRealm)?, decoy(shape, Home::OtherRealm)?]);
        Ok(Self(shapes.shapes().map(both).collect::<Result<_, StoreError>>()?))
    }

    fn pick(&self, shapes: &ShapeCensus, salt_key: &SaltKey, realms: &Realms, who: &Who) -> Option<&NewRow> {
        let place = if shapes.is_uniform() { 0 } else { shapes.pick(salt_key.place(who)) };
        let [default_realm, other_realm] = self.0.get(place)?;
        Some(match Home::of(who, realms) {
            Home::DefaultRealm => default_realm,
            Home::OtherRealm => other_realm,
        })
    }
}

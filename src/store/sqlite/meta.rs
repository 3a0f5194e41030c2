//! What a database says about itself, and its salt key.

use std::collections::HashMap;

use rusqlite::Connection;
use zeroize::Zeroizing;

use crate::credential::{SaltKey, Shape, ShapeCensus};
use crate::identity::{Realm, Realms};
use crate::runtime::{Entropy, UnixTime};
use crate::store::StoreError;

use super::files::DatabaseFile;
use super::keyfile::Keys;
use super::open::fault;
use super::row::{blob, key_id};
use super::seal::{Canonical, Key, KeyId};

/// The row of `meta`, but for the salt key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Meta {
    pub(super) database: [u8; 16],
    pub(super) realms: Realms,
    created: UnixTime,
    aliases: String,
    /// The key that seals what is written.
    pub(super) key_id: KeyId,
    sealed_salt_key: Vec<u8>,
}

impl Meta {
    /// Reads the row; `None` in a database that is only half made.
    pub(super) fn read(connection: &Connection, file: &DatabaseFile) -> Result<Option<Self>, StoreError> {
        let fail = |e| fault(file.path(), e);
        let mut statement = connection
            .prepare_cached("SELECT database_id, created, default_realm, aliases, key_id, salt_key FROM meta")
            .map_err(fail)?;
        let mut rows = statement.query(()).map_err(fail)?;
        let Some(row) = rows.next().map_err(fail)? else { return Ok(None) };
        let aliases: String = row.get(3).map_err(fail)?;
        let default_realm: String = row.get(2).map_err(fail)?;
        Ok(Some(Self {
            database: row.get(0).map_err(fail)?,
            realms: read_realms(&default_realm, &aliases).ok_or_else(|| damaged("its realms cannot be read"))?,
            created: UnixTime(row.get(1).map_err(fail)?),
            aliases,
            key_id: key_id(row.get_ref(4).map_err(fail)?)?,
            sealed_salt_key: blob(row.get_ref(5).map_err(fail)?)?.to_vec(),
        }))
    }

    /// Opens the salt key, and by that proves that `keys` are this database's.
    pub(super) fn open(&self, keys: &Keys) -> Result<SaltKey, StoreError> {
        let plain = self.open_salt_key(keys)?;
        let bytes = plain.as_slice().try_into().map_err(|_| damaged("its salt key has another length"))?;
        Ok(SaltKey::new(bytes))
    }

    fn open_salt_key(&self, keys: &Keys) -> Result<Zeroizing<Vec<u8>>, StoreError> {
        let key = keys.find(self.key_id)?;
        let mut plain = Zeroizing::new(Vec::new());
        if !key.open(&self.associated_data(), &self.sealed_salt_key, &mut plain) {
            return Err(damaged("the seal over its realms and its salt key is broken"));
        }
        Ok(plain)
    }

    /// Goes over to another of the `keys`: what is written from now on is sealed with it.
    pub(super) fn go_over(
        &mut self,
        connection: &Connection,
        file: &DatabaseFile,
        keys: &Keys,
        to: &Key,
        entropy: &mut dyn Entropy,
    ) -> Result<(), StoreError> {
        let salt_key = self.open_salt_key(keys)?;
        self.sealed_salt_key = to.seal(&self.associated_data(), &salt_key, entropy)?;
        self.key_id = to.id;
        let written =
            connection.execute("UPDATE meta SET key_id = ?1, salt_key = ?2", (to.id.0, &self.sealed_salt_key));
        written.map(drop).map_err(|e| fault(file.path(), e))
    }

    /// Writes the row of a new database, with a new id and salt key.
    pub(super) fn create(
        connection: &Connection,
        file: &DatabaseFile,
        realms: &Realms,
        now: UnixTime,
        key: &Key,
        entropy: &mut dyn Entropy,
    ) -> Result<Self, StoreError> {
        let mut database = [0; 16];
        entropy.fill(&mut database).map_err(|_| StoreError::NoEntropy)?;
        let mut salt_key = Zeroizing::new([0; 32]);
        entropy.fill(&mut *salt_key).map_err(|_| StoreError::NoEntropy)?;
        let names: Vec<&str> = realms.aliases().iter().map(Realm::as_str).collect();
        let mut meta = Self {
            database,
            realms: realms.clone(),
            created: now,
            aliases: serde_json::to_string(&names).unwrap_or_default(),
            key_id: key.id,
            sealed_salt_key: Vec::new(),
        };
        meta.sealed_salt_key = key.seal(&meta.associated_data(), &*salt_key, entropy)?;
        let written = connection.execute(
            "INSERT INTO meta (one, database_id, created, default_realm, aliases, key_id, salt_key) \
             VALUES (1, ?1, ?2, ?3, ?4, ?5, ?6)",
            (
                meta.database,
                meta.created.0,
                meta.realms.default_realm().as_str(),
                &meta.aliases,
                meta.key_id.0,
                &meta.sealed_salt_key,
            ),
        );
        written.map_err(|e| fault(file.path(), e))?;
        Ok(meta)
    }

    fn associated_data(&self) -> Vec<u8> {
        let mut buffer = Vec::new();
        let mut fields = Canonical::begin(&mut buffer, "sasldb-rs meta 1");
        fields.bytes(&self.database);
        fields.number(Some(self.created.0));
        fields.text(Some(self.realms.default_realm().as_str()));
        fields.text(Some(&self.aliases));
        buffer
    }
}

fn read_realms(default_realm: &str, aliases: &str) -> Option<Realms> {
    let aliases: Vec<String> = serde_json::from_str(aliases).ok()?;
    let aliases: Option<Vec<Realm>> = aliases.iter().map(|text| Realm::new(text).ok()).collect();
    Some(Realms::new(Realm::new(default_realm).ok()?, aliases?))
}

fn damaged(what: &str) -> StoreError {
    StoreError::Damaged(what.to_owned())
}

/// The most shapes that decoys are made of. Accounts of one site have a few.
const MAX_SHAPES: u32 = 256;

/// The shapes of the accounts; `new` is that of a new one.
pub(super) fn read_census(connection: &Connection, file: &DatabaseFile, new: Shape) -> Result<ShapeCensus, StoreError> {
    let fail = |e| fault(file.path(), e);
    let mut statement =
        connection.prepare_cached("SELECT shape, accounts FROM shapes ORDER BY shape LIMIT ?1").map_err(fail)?;
    let mut rows = statement.query((MAX_SHAPES,)).map_err(fail)?;
    let mut census = Vec::new();
    while let Some(row) = rows.next().map_err(fail)? {
        let shape: String = row.get(0).map_err(fail)?;
        let shape = shape.parse().map_err(|_| damaged("the shape of an account is unknown"))?;
        census.push((shape, row.get(1).map_err(fail)?));
    }
    Ok(ShapeCensus::new(census, new))
}

/// How many accounts of each shape there are, as far as was counted, in the words of [`Shape`].
pub(super) fn counted_shapes(connection: &Connection, file: &DatabaseFile) -> Result<HashMap<String, i64>, StoreError> {
    let fail = |e| fault(file.path(), e);
    let mut statement = connection.prepare("SELECT shape, accounts FROM shapes").map_err(fail)?;
    let rows = statement.query_map((), |row| Ok((row.get(0)?, row.get(1)?))).map_err(fail)?;
    rows.collect::<Result<_, _>>().map_err(fail)
}

/// Counts `by` more accounts (or fewer) of this shape.
pub(super) fn count(connection: &Connection, shape: &Shape, by: i64) -> rusqlite::Result<()> {
    let shape = shape.to_string();
    connection
        .prepare_cached(
            "INSERT INTO shapes (shape, accounts) VALUES (?1, max(0, ?2)) \
             ON CONFLICT DO UPDATE SET accounts = max(0, accounts + ?2)",
        )?
        .execute((&shape, by))?;
    connection.prepare_cached("DELETE FROM shapes WHERE shape = ?1 AND accounts = 0")?.execute((&shape,))?;
    Ok(())
}

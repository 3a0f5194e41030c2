//! Names that were seen, however many there are.

use core::fmt;
use std::path::Path;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OptionalExtension as _};

use crate::identity::IdentityKey;
use crate::store::StoreError;

/// Pages in memory, in KiB; the rest is in the file.
const CACHE_KIB: i64 = 8192;

/// Names, each with the place where it was seen first. Memory is as large for any number of them: they are in a file without a
/// name, which is gone with the process, however that ends.
pub struct SeenNames {
    connection: Connection,
}

impl SeenNames {
    /// None yet.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn none() -> Result<Self, StoreError> {
        let made = Connection::open("").and_then(|connection| {
            connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true)?;
            connection.pragma_update(None, "cache_size", CACHE_KIB.saturating_neg())?;
            // Nothing has to outlive the process, and nothing is ever taken back.
            connection.pragma_update(None, "journal_mode", "OFF")?;
            connection.execute_batch(
                "CREATE TABLE seen (realm TEXT NOT NULL, name TEXT NOT NULL, place INTEGER NOT NULL, \
                                    PRIMARY KEY (realm, name)) STRICT, WITHOUT ROWID; \
                 BEGIN",
            )?;
            Ok(Self { connection })
        });
        made.map_err(fault)
    }

    /// Notes that a name was seen at `place`, unless it was before: then it says where.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn note(&mut self, key: &IdentityKey, place: u64) -> Result<Option<u64>, StoreError> {
        let is_new = self
            .connection
            .prepare_cached("INSERT INTO seen VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING")
            .and_then(|mut statement| statement.execute((key.realm(), key.name(), place)))
            .map_err(fault)?
            == 1;
        if is_new { Ok(None) } else { self.place_of(key) }
    }

    /// Where a name was seen first, if it was.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn place_of(&self, key: &IdentityKey) -> Result<Option<u64>, StoreError> {
        self.connection
            .prepare_cached("SELECT place FROM seen WHERE realm = ?1 AND name = ?2")
            .and_then(|mut statement| statement.query_row((key.realm(), key.name()), |row| row.get(0)).optional())
            .map_err(fault)
    }
}

impl fmt::Debug for SeenNames {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SeenNames").finish_non_exhaustive()
    }
}

fn fault(error: rusqlite::Error) -> StoreError {
    super::fault(Path::new("the temporary file of names"), error)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identity::{Identity, Name, Realm};

    fn key(name: &str, realm: &str) -> IdentityKey {
        Identity::new(Name::new(name).unwrap(), Realm::new(realm).unwrap()).key()
    }

    #[test]
    fn a_name_is_new_once_however_it_is_spelled() {
        let mut seen = SeenNames::none().unwrap();
        assert_eq!(seen.note(&key("joe", "example.com"), 3), Ok(None));
        assert_eq!(seen.note(&key("joe", "example.org"), 4), Ok(None));
        assert_eq!(seen.note(&key("JOE", "Example.com"), 5), Ok(Some(3)));
        assert_eq!(seen.place_of(&key("joe", "example.org")), Ok(Some(4)));
        assert_eq!(seen.place_of(&key("ann", "example.org")), Ok(None));
    }

    /// More than stay in memory.
    #[test]
    fn many_are_known_again() {
        let mut seen = SeenNames::none().unwrap();
        let name = |number: u64| key(&format!("{:032x}", number.wrapping_mul(0x9E37_79B9_7F4A_7C15)), "example.com");
        for number in 0..150_000 {
            assert_eq!(seen.note(&name(number), number), Ok(None));
        }
        for number in (0..150_000).step_by(997) {
            assert_eq!(seen.note(&name(number), 0), Ok(Some(number)));
        }
    }
}

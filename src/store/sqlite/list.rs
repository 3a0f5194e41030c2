//! Listing without the key.

use std::path::Path;

use crate::identity::Realms;
use crate::store::{Listed, StoreError};

/// Reads what can be read without the key. For `--list` and `sasldblistusers-rs`.
#[derive(Debug)]
pub struct Lister;

impl Lister {
    /// Opens the database for reading.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn open(database: &Path) -> Result<Self, StoreError> {
        Err(StoreError::Missing(database.to_owned()))
    }

    /// The default realm and its aliases.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn realms(&mut self) -> Result<Realms, StoreError> {
        Err(StoreError::Busy)
    }

    /// Gives each account to `visit` in the order of realm and name, until it returns false.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn list(&mut self, visit: &mut dyn FnMut(Listed) -> bool) -> Result<(), StoreError> {
        let _ = visit;
        Err(StoreError::Busy)
    }
}

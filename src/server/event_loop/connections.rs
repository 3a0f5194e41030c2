//! The connections of a loop, each at a place of its own.

use crate::server::connection::{Connection, Key};

/// Connections by their places. A place comes again when its connection has gone.
#[derive(Default)]
pub(super) struct Connections {
    places: Vec<Option<Connection>>,
    free: Vec<usize>,
    logins: usize,
}

impl Connections {
    /// The connection at this place, if there still is one.
    pub(super) fn at(&mut self, place: usize) -> Option<&mut Connection> {
        self.places.get_mut(place)?.as_mut()
    }

    /// This connection, if it is still there, and not another one in its place.
    pub(super) fn of(&mut self, key: Key) -> Option<&mut Connection> {
        self.at(key.place).filter(|connection| connection.key == key)
    }

    /// How many there are.
    pub(super) fn count(&self) -> usize {
        self.places.len().saturating_sub(self.free.len())
    }

    /// How many of them are logins by saslauthd's protocol.
    pub(super) fn logins(&self) -> usize {
        self.logins
    }

    /// All places that there have been.
    pub(super) fn places(&self) -> core::ops::Range<usize> {
        0..self.places.len()
    }

    /// The place that the next connection is to have.
    pub(super) fn next_place(&self) -> usize {
        self.free.last().copied().unwrap_or(self.places.len())
    }

    /// Puts a connection into the place of its key, which is the [next](Self::next_place).
    pub(super) fn put(&mut self, connection: Connection) {
        if self.free.pop().is_none() {
            self.places.push(None);
        }
        self.logins = self.logins.saturating_add(usize::from(connection.session.is_saslauthds()));
        if let Some(place) = self.places.get_mut(connection.key.place) {
            *place = Some(connection);
        }
    }

    /// Takes the connection out of its place.
    pub(super) fn take(&mut self, place: usize) -> Option<Connection> {
        let connection = self.places.get_mut(place)?.take()?;
        self.logins = self.logins.saturating_sub(usize::from(connection.session.is_saslauthds()));
        self.free.push(place);
        Some(connection)
    }
}

//! The exchanges that a client has open on its connection.

use core::net::IpAddr;

use crate::event::Login;
use crate::exchange::{Authenticated, Waiting};
use crate::protocol::dovecot::RequestId;
use crate::runtime::Moment;
use crate::vocabulary::Mechanism;

/// Names one exchange of a session for good; ids come again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Serial(u64);

impl Serial {
    /// The one after it.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0.wrapping_add(1))
    }
}

/// One exchange and where it stands.
#[derive(Debug)]
pub(super) struct Request {
    pub(super) id: RequestId,
    pub(super) serial: Serial,
    pub(super) login: Login,
    /// The address that its failure counts for.
    pub(super) counted: Option<IpAddr>,
    pub(super) mechanism: Mechanism,
    /// The client said that it has one request open at a time (`nologin`).
    pub(super) alone: bool,
    /// `final-resp-ok`.
    pub(super) takes_final_data: bool,
    /// When the client's last message came.
    pub(super) arrived: Moment,
    pub(super) stage: Stage,
}

/// Whose turn it is.
#[derive(Debug)]
pub(super) enum Stage {
    /// Nothing has been done yet.
    Begun,
    /// Ours: a look-up or a computation is under way.
    Busy,
    /// The client's: a challenge was sent.
    Waiting(Waiting),
    /// The client's: it has proven itself, and was sent the mechanism's last word.
    Proven(Authenticated),
}

impl Stage {
    const fn is_waiting(&self) -> bool {
        matches!(self, Self::Waiting(_) | Self::Proven(_))
    }
}

/// The table of open exchanges. There are few as a rule; their ids lie together so that a search touches nothing else.
#[derive(Debug, Default)]
pub(super) struct OpenRequests {
    ids: Vec<RequestId>,
    requests: Vec<Request>,
    /// How many of them do not wait for their client.
    owed: usize,
    last: Serial,
}

impl OpenRequests {
    pub(super) fn next_serial(&mut self) -> Serial {
        self.last = self.last.next();
        self.last
    }

    pub(super) fn put(&mut self, request: Request) {
        if !request.stage.is_waiting() {
            self.owed = self.owed.saturating_add(1);
        }
        self.ids.push(request.id);
        self.requests.push(request);
    }

    pub(super) fn holds(&self, id: RequestId) -> bool {
        self.ids.contains(&id)
    }

    /// The address that a failure of this exchange counts for.
    pub(super) fn counted(&self, serial: Serial) -> Option<IpAddr> {
        self.requests.iter().find(|request| request.serial == serial)?.counted
    }

    pub(super) fn take(&mut self, id: RequestId) -> Option<Request> {
        let place = self.ids.iter().position(|&other| other == id)?;
        self.take_at(place)
    }

    pub(super) fn take_serial(&mut self, serial: Serial) -> Option<Request> {
        let place = self.requests.iter().position(|request| request.serial == serial)?;
        self.take_at(place)
    }

    fn take_at(&mut self, place: usize) -> Option<Request> {
        if place >= self.requests.len() {
            return None;
        }
        self.ids.swap_remove(place);
        let request = self.requests.swap_remove(place);
        if !request.stage.is_waiting() {
            self.owed = self.owed.saturating_sub(1);
        }
        Some(request)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.requests.is_empty()
    }

    pub(super) fn len(&self) -> usize {
        self.requests.len()
    }

    /// Whether the client expects an answer to any of them. One that waits for its client does not count: Postfix leaves
    /// those behind.
    pub(super) fn any_owed(&self) -> bool {
        self.owed > 0
    }

    /// Since when the client has waited longest for us.
    pub(super) fn oldest_owed(&self) -> Option<Moment> {
        // Nearly always none: a look-up in a file has been made before anybody asks.
        if self.owed == 0 { None } else { self.owed().map(|request| request.arrived).min() }
    }

    /// Takes one for which the client has waited since `moment` or longer.
    pub(super) fn take_owed_since(&mut self, moment: Moment) -> Option<Request> {
        let serial = self.owed().find(|request| request.arrived <= moment)?.serial;
        self.take_serial(serial)
    }

    fn owed(&self) -> impl Iterator<Item = &Request> {
        self.requests.iter().filter(|request| !request.stage.is_waiting())
    }

    /// Since when the oldest one waits for its client.
    pub(super) fn oldest_waiting(&self) -> Option<Moment> {
        self.waiting().map(|request| request.arrived).min()
    }

    pub(super) fn take_oldest_waiting(&mut self) -> Option<Request> {
        let serial = self.waiting().min_by_key(|request| request.serial)?.serial;
        self.take_serial(serial)
    }

    /// Takes those that wait for their client since `moment` or longer.
    pub(super) fn take_waiting_since(&mut self, moment: Moment) -> Vec<Request> {
        let overdue = self.waiting().filter(|request| request.arrived <= moment).map(|request| request.serial);
        let overdue: Vec<Serial> = overdue.collect();
        overdue.into_iter().filter_map(|serial| self.take_serial(serial)).collect()
    }

    fn waiting(&self) -> impl Iterator<Item = &Request> {
        self.requests.iter().filter(|request| request.stage.is_waiting())
    }

    pub(super) fn into_iter(self) -> impl Iterator<Item = Request> {
        self.requests.into_iter()
    }
}

//! What a session is given when it is called, and what it gives back.

use std::sync::Arc;
use std::time::Duration;

use zeroize::Zeroize;

use crate::authenticator::Inquiry;
use crate::config::FailureLimits;
use crate::credential::{Lesson, Who};
use crate::event::Event;
use crate::exchange::{Policy, Work};
use crate::runtime::{Entropy, Moment, UnixTime};
use crate::server::limits::Limits;

use super::open::Serial;
#[cfg(doc)]
use super::{super::conversation::Conversation, Session};

/// What holds for all sessions of a helper.
#[derive(Debug, Clone)]
pub struct Settings {
    /// What is permitted.
    pub policy: Arc<Policy>,
    /// From the last message of a failed login to its answer.
    pub failure_delay: Duration,
    /// How many failures a source may make.
    pub limits: FailureLimits,
}

/// Where a connection comes from.
#[derive(Debug, Clone, Copy)]
pub struct Origin {
    /// The helper's process id, for the greeting.
    pub server_pid: u32,
    /// Another number for each connection.
    pub connection: u32,
    /// Whether the peer is on its socket's list and may be believed about certificates and `no-penalty`.
    pub listed: bool,
}

/// What a session is given each time it is called.
pub struct Turn<'t> {
    /// The settings as they are now.
    pub settings: &'t Settings,
    /// Now, on the wall.
    pub now: UnixTime,
    /// Now, monotonic.
    pub moment: Moment,
    /// For nonces and cookies.
    pub entropy: &'t mut dyn Entropy,
    /// The failures counted so far, over all sessions.
    pub limits: &'t mut Limits,
    /// Takes what the session wants done.
    pub actions: &'t mut Actions,
}

/// What a session wants done. One value serves all sessions of a loop, one after the other.
#[derive(Debug, Default)]
pub struct Actions {
    /// To be sent, in this order.
    pub send: Vec<u8>,
    /// To be asked of the store, once [`Conversation::judge`] has seen it; [`Conversation::answer`] takes what comes of it.
    pub inquiries: Vec<(Serial, Who, Inquiry)>,
    /// To be computed where blocking is allowed; [`Session::conclude`] takes the outcome.
    pub computations: Vec<(Serial, Work)>,
    /// To be logged.
    pub events: Vec<Event>,
    /// To be written down by whoever may. It holds passwords, so it is no event.
    pub lessons: Vec<Box<Lesson>>,
    /// Whether to close the connection once everything is sent.
    pub close: bool,
    /// Decoded responses; wiped after each use.
    pub(super) decoded: Vec<u8>,
}

impl Actions {
    /// Whether there is something to be looked up or computed.
    #[must_use]
    pub fn wants_anything(&self) -> bool {
        !self.inquiries.is_empty() || !self.computations.is_empty()
    }

    /// Empties the buffer of decoded responses, which may have held a password.
    pub(super) fn wipe(&mut self) {
        self.decoded.as_mut_slice().zeroize();
        self.decoded.clear();
    }
}

//! What is said on a connection: one of the protocols, each with a session of its own. What is not for a session's protocol
//! cannot have come from it, and is passed over. Pure.

use crate::authenticator::{Answered, Inquiry};
use crate::credential::Who;
use crate::exchange::Outcome;
use crate::runtime::Moment;

use super::lookup::{Asker, LookupSession};
use super::mux::MuxSession;
use super::session::{Origin, Serial, Session, Turn};
use super::userdb::UserdbSession;

/// What is spoken on a connection, with what has to be known for it.
#[derive(Debug, Clone)]
pub enum Spoken {
    /// The Dovecot auth protocol.
    Dovecot,
    /// The Dovecot auth-userdb protocol.
    Userdb,
    /// The protocol of Cyrus's saslauthd.
    Saslauthd,
    /// The lookup protocol, by a peer that may get something.
    Lookup(Asker),
}

/// The session of a connection.
#[derive(Debug)]
#[allow(clippy::large_enum_variant, reason = "nearly every connection has the large one")]
pub enum Conversation {
    /// Logins, by the Dovecot auth protocol.
    Logins(Session),
    /// Whether accounts exist, by the userdb protocol.
    Existence(UserdbSession),
    /// One login, by the protocol of Cyrus's saslauthd.
    Login(MuxSession),
    /// What libsasl2 checks logins with, by the lookup protocol.
    HandOut(LookupSession),
}

impl Conversation {
    /// Begins with the greeting of `protocol`.
    pub fn begin(protocol: Spoken, origin: Origin, turn: &mut Turn<'_>) -> Self {
        match protocol {
            Spoken::Dovecot => Self::Logins(Session::begin(origin, turn)),
            Spoken::Userdb => Self::Existence(UserdbSession::begin(origin, turn)),
            Spoken::Saslauthd => Self::Login(MuxSession::begin(turn)),
            Spoken::Lookup(asker) => Self::HandOut(LookupSession::begin(asker, turn)),
        }
    }

    /// Whether secrets are sent, which are then not to be left in a buffer.
    #[must_use]
    pub fn sends_secrets(&self) -> bool {
        matches!(self, Self::HandOut(_))
    }

    /// Whether it is a login by saslauthd's protocol.
    #[must_use]
    pub fn is_saslauthds(&self) -> bool {
        matches!(self, Self::Login(_))
    }

    /// Takes what the client sent.
    pub fn receive(&mut self, bytes: &[u8], turn: &mut Turn<'_>) {
        match self {
            Self::Logins(session) => session.receive(bytes, turn),
            Self::Existence(session) => session.receive(bytes, turn),
            Self::Login(session) => session.receive(bytes, turn),
            Self::HandOut(session) => session.receive(bytes, turn),
        }
    }

    /// Looks at an inquiry before it is asked; see [`Session::judge`].
    pub fn judge(&self, serial: Serial, who: &Who, inquiry: &mut Inquiry, turn: &mut Turn<'_>) {
        if let (Self::Logins(session), Inquiry::Exchange(asked)) = (self, inquiry) {
            session.judge(serial, who, asked, turn);
        }
    }

    /// Takes what came of an inquiry.
    pub fn answer(&mut self, serial: Serial, answered: Answered, turn: &mut Turn<'_>) {
        match (self, answered) {
            (Self::Logins(session), Answered::Exchange(progress)) => session.go_on(serial, progress, turn),
            (Self::Login(session), Answered::Exchange(progress)) => session.go_on(progress, turn),
            (Self::Existence(session), Answered::Existence(existence)) => session.answer(serial, existence, turn),
            (Self::HandOut(session), Answered::HandedOut(given)) => session.answer(given, turn),
            _ => {}
        }
    }

    /// See [`Session::conclude`].
    pub fn conclude(&mut self, serial: Serial, outcome: Outcome, turn: &mut Turn<'_>) {
        match self {
            Self::Logins(session) => session.conclude(serial, outcome, turn),
            Self::Login(session) => session.conclude(outcome, turn),
            Self::Existence(_) | Self::HandOut(_) => {}
        }
    }

    /// When [`Self::tick`] has something to do.
    #[must_use]
    pub fn deadline(&self) -> Option<Moment> {
        match self {
            Self::Logins(session) => session.deadline(),
            Self::Existence(session) => session.deadline(),
            Self::Login(session) => Some(session.deadline()),
            Self::HandOut(session) => Some(session.deadline()),
        }
    }

    /// See [`Session::tick`], [`MuxSession::tick`] and [`LookupSession::tick`].
    pub fn tick(&mut self, turn: &mut Turn<'_>) {
        match self {
            Self::Logins(session) => session.tick(turn),
            Self::Existence(session) => session.tick(turn),
            Self::Login(session) => session.tick(turn),
            Self::HandOut(session) => session.tick(turn),
        }
    }

    /// See [`Session::hurry`].
    pub fn hurry(&mut self, turn: &mut Turn<'_>) {
        match self {
            Self::Logins(session) => session.hurry(turn),
            Self::Login(session) => session.hurry(turn),
            Self::Existence(_) | Self::HandOut(_) => {}
        }
    }

    /// Whether nothing is under way.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        match self {
            Self::Logins(session) => session.is_idle(),
            Self::Existence(session) => session.is_idle(),
            Self::Login(session) => session.is_idle(),
            Self::HandOut(session) => session.is_idle(),
        }
    }

    /// The connection is gone.
    pub fn close(self, turn: &mut Turn<'_>) {
        match self {
            Self::Logins(session) => session.close(turn),
            Self::Login(session) => session.close(turn),
            Self::Existence(_) | Self::HandOut(_) => {}
        }
    }
}

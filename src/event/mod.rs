//! What happened, as types: the only thing that is logged. No variant can hold a password, a proof or a stored secret.
//!
//! A line says the verdict and the address before any text that a client chose, and that text is quoted, escaped and cut,
//! so that nothing a client sends can look like another line or another address.

mod line;
mod logged;
mod quoted;

use core::net::IpAddr;
use std::path::PathBuf;
use std::sync::Arc;

use crate::credential::Label;
use crate::exchange::{Authenticated, Denied, Fault, HandedOut, Unavailable};
use crate::identity::{AliasClash, Identity};
use crate::protocol::dovecot::Breach;
use crate::protocol::lookup::LookupFault;
use crate::protocol::saslauthd::RequestFault;
use crate::store::StoreError;
use crate::vocabulary::{Mechanism, Scheme};

pub use logged::{Logged, LoginLine, Shown, User, Verdict};

/// What is known about a login attempt besides its ending.
#[derive(Debug, Clone)]
pub struct Login {
    /// The mail client's address, where the server that asks knows it.
    pub remote: Option<IpAddr>,
    /// The service, in the words of the server that asks.
    pub service: Arc<str>,
    /// Whether the transport was protected.
    pub secured: bool,
}

/// How it ended.
#[derive(Debug)]
pub enum Ending {
    /// A success.
    Authenticated(Authenticated),
    /// A refusal after an exchange.
    Denied(Denied),
    /// A failure on our side.
    Unavailable(Unavailable),
    /// A request that led to no exchange.
    Refused(Refusal),
    /// No verdict: nobody asks for one any more.
    Abandoned(Mechanism, Abandonment),
}

impl Ending {
    /// What it comes to. A refusal that is our fault says nothing about the login, as a failure on our side does.
    #[must_use]
    pub const fn verdict(&self) -> Verdict {
        match self {
            Self::Authenticated(_) => Verdict::Authenticated,
            Self::Denied(_) => Verdict::Denied,
            Self::Refused(refusal) if !refusal.is_ours() => Verdict::Denied,
            Self::Unavailable(_) | Self::Refused(_) => Verdict::Unavailable,
            Self::Abandoned(..) => Verdict::Abandoned,
        }
    }
}

/// Why a request led to no exchange, or out of one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// A mechanism of this name is not known.
    #[error("unknown mechanism")]
    UnknownMechanism(String),
    /// The client's response was not base64; `*`, with which a mail client gives up, is none either.
    #[error("no base64")]
    InvalidBase64(Mechanism),
    /// A response that nobody had asked for.
    #[error("unexpected response")]
    UnexpectedResponse(Mechanism),
    /// The server that asks has too many requests open.
    #[error("too many requests open on one connection")]
    TooManyRequests(Mechanism),
    /// The system gave no random bytes.
    #[error("no random bytes")]
    NoEntropy(Mechanism),
    /// On a saslauthd socket: no login to look at.
    #[error("{0}")]
    NoRequest(RequestFault),
}

impl Refusal {
    /// The mechanism; none where there is none that we know.
    #[must_use]
    pub const fn mechanism(&self) -> Option<Mechanism> {
        match self {
            Self::UnknownMechanism(_) | Self::NoRequest(_) => None,
            Self::InvalidBase64(mechanism)
            | Self::UnexpectedResponse(mechanism)
            | Self::TooManyRequests(mechanism)
            | Self::NoEntropy(mechanism) => Some(*mechanism),
        }
    }

    /// Whether the fault is ours: nothing is said about the login, which may be tried again.
    #[must_use]
    pub const fn is_ours(&self) -> bool {
        matches!(self, Self::TooManyRequests(_) | Self::NoEntropy(_))
    }
}

/// Why nobody asks any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Abandonment {
    /// No response for too long.
    #[error("no response came")]
    Expired,
    /// The server that asked withdrew the request.
    #[error("cancelled")]
    Cancelled,
    /// The server that asked closed its connection.
    #[error("connection closed")]
    Closed,
    /// Given up for newer requests of a server that leaves too many behind.
    #[error("too many left open")]
    Crowded,
}

/// Anything worth a line in the log.
#[derive(Debug)]
pub enum Event {
    /// A login attempt ended.
    Ended(Login, Ending),
    /// A look-up of libsasl2's plugin was answered. How the login ended nobody says.
    HandedOut {
        /// The user of the program that asked.
        uid: u32,
        /// The service, in the words of that program.
        service: Arc<str>,
        /// What it got.
        given: HandedOut,
    },
    /// A connection was closed because of what came over it.
    Breach(Breach),
    /// The same on a lookup socket.
    LookupBreach {
        /// The user of the process.
        uid: u32,
        /// What is wrong.
        fault: LookupFault,
    },
    /// A process had an account changed.
    Changed {
        /// The user of the process.
        uid: u32,
        /// The account.
        identity: Identity,
        /// What was done.
        what: &'static str,
    },
    /// A process wanted a change that was not made.
    NotChanged {
        /// The user of the process.
        uid: u32,
        /// Why.
        why: String,
    },
    /// The process behind a store socket is gone, and nobody can change anything there.
    StoreSocketLost(PathBuf),
    /// A process that may not speak on a socket tried to.
    PeerRefused {
        /// The socket.
        socket: PathBuf,
        /// The user id of the process.
        uid: u32,
    },
    /// Connections are refused: all that are allowed are in use.
    TooManyConnections(usize),
    /// Connections on saslauthd's sockets are refused: the others' share of all that are allowed is kept free.
    TooManyLogins(usize),
    /// The system accepts no connection now.
    AcceptFailed(String),
    /// A socket answers.
    Listening(PathBuf),
    /// The store cannot be reached; logins are unavailable until it can.
    StoreLost(StoreError),
    /// It can be reached again.
    StoreFound,
    /// Somebody asked whether an account exists, and could not be told.
    ExistenceUnknown(Fault),
    /// The default realm is not one that the accounts were made for.
    ForeignRealm {
        /// The realm of the settings.
        realm: String,
        /// The one that the database notes.
        noted: String,
    },
    /// An alias of the default realm has accounts of its own. A helper would not start with it, but this one is at work.
    OccupiedAlias(AliasClash),
    /// The settings were read again.
    Reloaded,
    /// They were not, and the old ones hold.
    NotReloaded(String),
    /// The helper stops.
    Stopping,
    /// Lines were lost because the log could not take them.
    LinesLost(u64),
    /// Who logged in when cannot be written down.
    ActivityLost(StoreError),
    /// Schemes were made of a password that a login brought.
    Learnt {
        /// Whose.
        identity: Identity,
        /// Which password.
        label: Label,
        /// What was made.
        schemes: Vec<Scheme>,
    },
    /// They should have been, and could not be written down.
    NotLearnt(String),
    /// They will not be, whatever the settings want, for this reason.
    LearningOff(String),
}

/// How much an event matters, by the numbers of syslog (RFC 5424, section 6.2.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Severity {
    /// Something does not work.
    Error = 3,
    /// Something will not work, or somebody misbehaves.
    Warning = 4,
    /// Worth a look.
    Notice = 5,
    /// As it should be.
    Info = 6,
}

impl Event {
    /// How much it matters.
    #[must_use]
    pub fn severity(&self) -> Severity {
        match self {
            Self::Ended(_, ending) => match ending.verdict() {
                Verdict::Authenticated | Verdict::Abandoned => Severity::Info,
                Verdict::Denied => Severity::Notice,
                Verdict::Unavailable => Severity::Error,
            },
            Self::HandedOut { given: HandedOut::Given(..), .. }
            | Self::Changed { .. }
            | Self::Listening(_)
            | Self::Learnt { .. }
            | Self::Reloaded
            | Self::Stopping => Severity::Info,
            Self::HandedOut { given: HandedOut::Withheld { .. }, .. } | Self::NotChanged { .. } | Self::StoreFound => {
                Severity::Notice
            }
            Self::Breach(_) | Self::LookupBreach { .. } | Self::PeerRefused { .. } | Self::ForeignRealm { .. } => {
                Severity::Warning
            }
            Self::HandedOut { given: HandedOut::Unavailable(_), .. }
            | Self::TooManyConnections(_)
            | Self::TooManyLogins(_)
            | Self::AcceptFailed(_)
            | Self::StoreLost(_)
            | Self::StoreSocketLost(_)
            | Self::ExistenceUnknown(_)
            | Self::OccupiedAlias(_)
            | Self::NotReloaded(_)
            | Self::LinesLost(_)
            | Self::ActivityLost(_)
            | Self::NotLearnt(_)
            | Self::LearningOff(_) => Severity::Error,
        }
    }
}

#[cfg(test)]
mod tests;

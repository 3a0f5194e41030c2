//! What happened, as types: the only thing that is logged. No variant can hold a password, a proof or a stored secret.
//!
//! A line says the verdict and the address before any text that a client chose, and that text is quoted, escaped and cut,
//! so that nothing a client sends can look like another line or another address.

mod logged;

use core::fmt;
use core::net::IpAddr;
use std::path::PathBuf;
use std::sync::Arc;

use crate::credential::{Label, Who};
use crate::exchange::{Authenticated, Denied, Fault, HandedOut, Unavailable};
use crate::identity::{AliasClash, Identity};
use crate::protocol::dovecot::Breach;
use crate::protocol::lookup::LookupFault;
use crate::protocol::saslauthd::RequestFault;
use crate::store::StoreError;
use crate::vocabulary::{Mechanism, Scheme};

use logged::LOST;

pub use logged::{Logged, LoginLine, Shown, User, Verdict};

/// The most bytes of a client's text that a line shows.
const MAX_TEXT: usize = 128;

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

/// Why a request led to no exchange, or out of one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// A mechanism of this name is not known.
    UnknownMechanism(String),
    /// The client's response was not base64; `*`, with which a mail client gives up, is none either.
    InvalidBase64(Mechanism),
    /// A response that nobody had asked for.
    UnexpectedResponse(Mechanism),
    /// The server that asks has too many requests open.
    TooManyRequests(Mechanism),
    /// The system gave no random bytes.
    NoEntropy(Mechanism),
    /// On a saslauthd socket: no login to look at.
    NoRequest(RequestFault),
}

/// Why nobody asks any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Abandonment {
    /// No response for too long.
    Expired,
    /// The server that asked withdrew the request.
    Cancelled,
    /// The server that asked closed its connection.
    Closed,
    /// Given up for newer requests of a server that leaves too many behind.
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
            Self::Ended(_, Ending::Authenticated(_) | Ending::Abandoned(..))
            | Self::HandedOut { given: HandedOut::Given(..), .. }
            | Self::Changed { .. }
            | Self::Listening(_)
            | Self::Learnt { .. }
            | Self::Reloaded
            | Self::Stopping => Severity::Info,
            Self::Ended(_, Ending::Denied(_))
            | Self::HandedOut { given: HandedOut::Withheld { .. }, .. }
            | Self::NotChanged { .. }
            | Self::StoreFound => Severity::Notice,
            Self::Ended(_, Ending::Refused(refusal)) => match refusal {
                Refusal::TooManyRequests(_) | Refusal::NoEntropy(_) => Severity::Error,
                _ => Severity::Notice,
            },
            Self::Breach(_) | Self::LookupBreach { .. } | Self::PeerRefused { .. } | Self::ForeignRealm { .. } => {
                Severity::Warning
            }
            Self::Ended(_, Ending::Unavailable(_))
            | Self::HandedOut { given: HandedOut::Unavailable(_), .. }
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

    /// The event as one line, without its LF. `unknown_names` shows names that no account has: people type passwords
    /// where the name belongs.
    #[must_use]
    pub fn line(&self, unknown_names: bool) -> String {
        let mut line = String::new();
        let _ = self.write_line(unknown_names, &mut line);
        line
    }

    /// Writes [`Self::line`].
    ///
    /// # Errors
    /// Those of `f`.
    pub fn write_line(&self, unknown_names: bool, f: &mut impl fmt::Write) -> fmt::Result {
        match self {
            Self::Ended(login, ending) => write_ending(f, login, ending, unknown_names),
            Self::HandedOut { uid, service, given } => write_hand_out(f, *uid, service, given, unknown_names),
            Self::Breach(breach) => write!(f, "connection closed: {breach}"),
            Self::LookupBreach { uid, fault } => write!(f, "connection of user {uid} closed: {fault}"),
            Self::Changed { uid, identity, what } => {
                write!(f, "changed by user {uid}: {what} user={}", Quoted(identity))
            }
            Self::NotChanged { uid, why } => write!(f, "not changed for user {uid} reason={}", Quoted(why)),
            Self::StoreSocketLost(socket) => {
                write!(f, "{} is dead until the helper starts anew: its process has ended", socket.display())
            }
            Self::PeerRefused { socket, uid } => {
                write!(f, "connection refused: user {uid} is not among the peers of {}", socket.display())
            }
            Self::TooManyConnections(limit) => {
                write!(f, "connection refused: all {limit} connections are in use; raise `connections`")
            }
            Self::TooManyLogins(share) => {
                write!(
                    f,
                    "connection refused: saslauthd's sockets use all {share} connections that they may have; raise `connections`"
                )
            }
            Self::AcceptFailed(fault) => write!(f, "cannot accept connections: {fault}"),
            Self::Listening(socket) => write!(f, "listening on {}", socket.display()),
            Self::StoreLost(fault) => write!(f, "logins are unavailable: {fault}"),
            Self::ExistenceUnknown(fault) => write!(f, "whether an account exists cannot be told: {fault}"),
            Self::StoreFound => f.write_str("the database can be read, logins are served"),
            Self::ForeignRealm { realm, noted } => write!(
                f,
                "the default realm {0} is neither the database's, {1}, nor an alias of it: accounts in {1} have to log in \
                 with their realm, and by DIGEST-MD5 most clients cannot",
                Quoted(realm),
                Quoted(noted)
            ),
            Self::OccupiedAlias(clash) => write!(f, "accounts that nobody can log in to: {clash}"),
            Self::Reloaded => f.write_str("settings read again"),
            Self::NotReloaded(fault) => write!(f, "settings not changed: {fault}"),
            Self::Stopping => f.write_str("stopping"),
            Self::ActivityLost(fault) => write!(f, "who logged in when is not recorded: {fault}"),
            Self::Learnt { identity, label, schemes } => {
                f.write_str("learnt")?;
                schemes.iter().try_for_each(|scheme| write!(f, " {}", scheme.name()))?;
                write!(f, " password={} user={}", Quoted(label), Quoted(identity))
            }
            Self::NotLearnt(fault) => write!(f, "a password was not learnt: {fault}"),
            Self::LearningOff(why) => write!(f, "nothing is learnt until the helper starts anew: {why}"),
            Self::LinesLost(lines) => write!(f, "{lines}{LOST}"),
        }
    }
}

fn write_hand_out(
    f: &mut impl fmt::Write,
    uid: u32,
    service: &str,
    given: &HandedOut,
    unknown_names: bool,
) -> fmt::Result {
    match given {
        HandedOut::Given(identity, mechanisms, _) => {
            write!(f, "handed out to user {uid}")?;
            mechanisms.iter().try_for_each(|mechanism| write!(f, " {mechanism}"))?;
            write!(f, " user={}", Quoted(identity))?;
        }
        HandedOut::Withheld { who, known, why, .. } => {
            write!(f, "withheld from user {uid} reason={}", Quoted(why))?;
            match who {
                Who::Account(name) if *known || unknown_names => write!(f, " user={}", Quoted(name))?,
                _ => f.write_str(" user=-")?,
            }
        }
        HandedOut::Unavailable(fault) => write!(f, "unavailable to user {uid} reason={}", Quoted(fault))?,
    }
    write!(f, " service={}", Quoted(service))
}

fn write_ending(f: &mut impl fmt::Write, login: &Login, ending: &Ending, unknown_names: bool) -> fmt::Result {
    let verdict = match ending {
        Ending::Authenticated(_) => Verdict::Authenticated,
        Ending::Denied(_) => Verdict::Denied,
        Ending::Unavailable(_) => Verdict::Unavailable,
        Ending::Refused(Refusal::TooManyRequests(_) | Refusal::NoEntropy(_)) => Verdict::Unavailable,
        Ending::Refused(_) => Verdict::Denied,
        Ending::Abandoned(..) => Verdict::Abandoned,
    };
    f.write_str(verdict.word())?;
    match login.remote {
        Some(address) => write_address(f, address)?,
        None => f.write_str(" -")?,
    }
    f.write_str(if login.secured { " secured" } else { " open" })?;
    match ending {
        Ending::Authenticated(success) => {
            f.write_str(" ")?;
            f.write_str(success.mechanism().name())?;
            if let Some(label) = success.label() {
                f.write_str(" password=")?;
                quote(f, &[label.as_str()])?;
            }
            f.write_str(" user=")?;
            quote(f, &success.identity().parts())?;
        }
        Ending::Denied(denied) => {
            write!(f, " {} reason={}", denied.mechanism(), Quoted(denied.reason()))?;
            match denied.name().filter(|_| denied.known() || unknown_names) {
                Some(name) => write!(f, " user={}", Quoted(name))?,
                None => f.write_str(" user=-")?,
            }
        }
        Ending::Unavailable(failure) => {
            write!(f, " {} reason={}", failure.mechanism(), Quoted(failure.fault()))?;
        }
        Ending::Refused(Refusal::UnknownMechanism(name)) => {
            write!(f, " - reason=\"unknown mechanism\" mechanism={}", Quoted(name))?;
        }
        Ending::Refused(Refusal::InvalidBase64(mechanism)) => write!(f, " {mechanism} reason=\"no base64\"")?,
        Ending::Refused(Refusal::UnexpectedResponse(mechanism)) => {
            write!(f, " {mechanism} reason=\"unexpected response\"")?;
        }
        Ending::Refused(Refusal::TooManyRequests(mechanism)) => {
            write!(f, " {mechanism} reason=\"too many requests open on one connection\"")?;
        }
        Ending::Refused(Refusal::NoRequest(fault)) => write!(f, " - reason=\"{fault}\"")?,
        Ending::Refused(Refusal::NoEntropy(mechanism)) => write!(f, " {mechanism} reason=\"no random bytes\"")?,
        Ending::Abandoned(mechanism, why) => {
            let why = match why {
                Abandonment::Expired => "no response came",
                Abandonment::Cancelled => "cancelled",
                Abandonment::Closed => "connection closed",
                Abandonment::Crowded => "too many left open",
            };
            write!(f, " {mechanism} reason=\"{why}\"")?;
        }
    }
    f.write_str(" service=")?;
    quote(f, &[&*login.service])
}

/// With the space before it. The form of each login's line is worth more than a call of the formatter.
fn write_address(f: &mut impl fmt::Write, address: IpAddr) -> fmt::Result {
    let IpAddr::V4(address) = address else { return write!(f, " {address}") };
    let mut before = ' ';
    for octet in address.octets() {
        f.write_char(before)?;
        before = '.';
        let digits = [octet / 100, octet / 10 % 10, octet % 10].map(|digit| char::from(b'0'.wrapping_add(digit)));
        let leading = usize::from(octet < 10).saturating_add(usize::from(octet < 100));
        digits.iter().skip(leading).try_for_each(|&digit| f.write_char(digit))?;
    }
    Ok(())
}

/// Writes texts from outside, one after the other, like [`Quoted`].
fn quote(f: &mut impl fmt::Write, parts: &[&str]) -> fmt::Result {
    f.write_char('"')?;
    let mut inside = Inside { out: f, room: MAX_TEXT, cut: false };
    parts.iter().try_for_each(|part| fmt::Write::write_str(&mut inside, part))?;
    inside.end()
}

/// Something from outside, in quotes: ASCII, at most [`MAX_TEXT`] bytes between them. Dots after the quotes say that it was
/// cut.
struct Quoted<T>(T);

impl<T: fmt::Display> fmt::Display for Quoted<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        use fmt::Write;
        f.write_str("\"")?;
        let mut inside = Inside { out: f, room: MAX_TEXT, cut: false };
        write!(inside, "{}", self.0)?;
        inside.end()
    }
}

/// What stands between the quotes. Nearly all of it is plain, and goes out in one piece.
struct Inside<'a, W> {
    out: &'a mut W,
    room: usize,
    cut: bool,
}

impl<W: fmt::Write> Inside<'_, W> {
    fn end(self) -> fmt::Result {
        self.out.write_str(if self.cut { "\"..." } else { "\"" })
    }
}

impl<W: fmt::Write> fmt::Write for Inside<'_, W> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let mut rest = text.as_bytes();
        while let Some(&first) = rest.first() {
            let plain = rest.iter().position(|&byte| !is_plain(byte)).unwrap_or(rest.len());
            let length = if plain == 0 { 1 } else { plain.min(self.room) };
            let width = if plain == 0 { 4 } else { length };
            if self.cut || length == 0 || width > self.room {
                self.cut = true;
                return Ok(());
            }
            self.room = self.room.saturating_sub(width);
            let (piece, others) = rest.split_at_checked(length).unwrap_or((rest, b""));
            match core::str::from_utf8(piece) {
                Ok(piece) if plain > 0 => self.out.write_str(piece)?,
                _ => write!(self.out, "\\x{first:02x}")?,
            }
            rest = others;
        }
        Ok(())
    }
}

fn is_plain(byte: u8) -> bool {
    (byte.is_ascii_graphic() || byte == b' ') && !matches!(byte, b'"' | b'\\')
}

#[cfg(test)]
mod tests;

//! The log's lines, written. Those about logins are read back by [`Logged`](super::Logged).

use core::fmt;
use core::net::IpAddr;

use crate::credential::Who;
use crate::exchange::HandedOut;
use crate::identity::IdentityKey;
use crate::vocabulary::Mechanism;

use super::logged::LOST;
use super::quoted::{Quoted, quote};
use super::{Ending, Event, Login, Refusal};

impl Event {
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
            let name = if let Who::Account(name) = who { Some(name) } else { None };
            write_user(f, name.filter(|_| *known || unknown_names))?;
        }
        HandedOut::Unavailable(fault) => write!(f, "unavailable to user {uid} reason={}", Quoted(fault))?,
    }
    write!(f, " service={}", Quoted(service))
}

fn write_ending(f: &mut impl fmt::Write, login: &Login, ending: &Ending, unknown_names: bool) -> fmt::Result {
    f.write_str(ending.verdict().word())?;
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
            write_user(f, denied.name().filter(|_| denied.known() || unknown_names))?;
        }
        Ending::Unavailable(failure) => {
            write!(f, " {} reason={}", failure.mechanism(), Quoted(failure.fault()))?;
        }
        Ending::Refused(refusal) => {
            write!(f, " {} reason=\"{refusal}\"", refusal.mechanism().map_or("-", Mechanism::name))?;
            if let Refusal::UnknownMechanism(name) = refusal {
                write!(f, " mechanism={}", Quoted(name))?;
            }
        }
        Ending::Abandoned(mechanism, why) => write!(f, " {mechanism} reason=\"{why}\"")?,
    }
    f.write_str(" service=")?;
    quote(f, &[&*login.service])
}

/// Whose account it was about; `name` is none where no account has it, or where it is not to be shown.
fn write_user(f: &mut impl fmt::Write, name: Option<&IdentityKey>) -> fmt::Result {
    match name {
        Some(name) => write!(f, " user={}", Quoted(name)),
        None => f.write_str(" user=-"),
    }
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

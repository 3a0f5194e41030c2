//! The three endings of an exchange. Only the exchange can make one, and a reply is made by consuming it.

use crate::credential::{Label, Lesson, Who};
use crate::identity::{Identity, IdentityKey};
use crate::mechanism::Malformed;
use crate::store::StoreError;
use crate::vocabulary::Mechanism;

/// How an exchange ended.
#[derive(Debug)]
#[must_use = "an outcome is to be answered"]
pub enum Outcome {
    /// The client is who it says.
    Authenticated(Authenticated),
    /// It has not shown that, or may not log in.
    Denied(Denied),
    /// Nobody can tell now; the client should try again later.
    Unavailable(Unavailable),
}

impl Outcome {
    /// The ending of an exchange that nobody waits for any longer, though its look-up or its check goes on.
    pub fn overdue(mechanism: Mechanism) -> Self {
        Self::Unavailable(Unavailable { mechanism, fault: Fault::Overdue })
    }

    /// The ending of an exchange whose check broke off by a fault of our own.
    pub fn broken_off(mechanism: Mechanism) -> Self {
        Self::Unavailable(Unavailable { mechanism, fault: Fault::BrokenOff })
    }

    /// Takes what is to be learnt from a success, for whoever may write it down. Dropped, it is wiped, and the next login
    /// teaches the same.
    #[must_use]
    pub fn take_lesson(&mut self) -> Option<Box<Lesson>> {
        match self {
            Self::Authenticated(success) => success.lesson.take(),
            Self::Denied(_) | Self::Unavailable(_) => None,
        }
    }
}

/// A success.
#[derive(Debug)]
pub struct Authenticated {
    pub(super) identity: Identity,
    pub(super) who: Who,
    pub(super) label: Option<Label>,
    pub(super) mechanism: Mechanism,
    pub(super) final_data: Option<Vec<u8>>,
    pub(super) lesson: Option<Box<Lesson>>,
}

impl Authenticated {
    /// The account, in its canonical spelling, whatever was typed.
    #[must_use]
    pub fn identity(&self) -> &Identity {
        &self.identity
    }

    /// Whose account it is, as a store is asked for it.
    #[must_use]
    pub fn who(&self) -> &Who {
        &self.who
    }

    /// Which password it was; EXTERNAL knows none.
    #[must_use]
    pub fn label(&self) -> Option<&Label> {
        self.label.as_ref()
    }

    /// The mechanism.
    #[must_use]
    pub fn mechanism(&self) -> Mechanism {
        self.mechanism
    }

    /// Takes the additional data with success (RFC 4422, section 3.6), which has to reach the client.
    #[must_use]
    pub fn take_final_data(&mut self) -> Option<Vec<u8>> {
        self.final_data.take()
    }
}

/// A refusal. Why is for the log alone.
#[derive(Debug)]
pub struct Denied {
    pub(super) who: Option<Who>,
    pub(super) known: bool,
    pub(super) mechanism: Mechanism,
    pub(super) reason: Reason,
}

impl Denied {
    /// The name that was tried, in the form in which names are compared: the spelling of an existing account would tell
    /// that it exists. None if it was never learnt, or no account can have it.
    #[must_use]
    pub fn name(&self) -> Option<&IdentityKey> {
        match &self.who {
            Some(Who::Account(key)) => Some(key),
            _ => None,
        }
    }

    /// Whose account was tried, where that was learnt.
    #[must_use]
    pub fn who(&self) -> Option<&Who> {
        self.who.as_ref()
    }

    /// Whether there is such an account. People type passwords where a name belongs, so the names of no account are
    /// not for the log.
    #[must_use]
    pub fn known(&self) -> bool {
        self.known
    }

    /// The mechanism.
    #[must_use]
    pub fn mechanism(&self) -> Mechanism {
        self.mechanism
    }

    /// The reason, for the log.
    #[must_use]
    pub fn reason(&self) -> &Reason {
        &self.reason
    }
}

/// Why a login was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Reason {
    /// No such account.
    #[error("no such account")]
    UnknownAccount,
    /// No password fits.
    #[error("wrong password")]
    Mismatch,
    /// The account is switched off.
    #[error("account disabled")]
    AccountDisabled,
    /// The account has expired.
    #[error("account expired")]
    AccountExpired,
    /// A password fits, but it has expired or is not for this service or network.
    #[error("password {0:?} is not good for this time, service or network")]
    PasswordLimited(String),
    /// The helper does not offer the mechanism.
    #[error("mechanism not offered")]
    MechanismNotOffered,
    /// The account may not use the mechanism.
    #[error("mechanism not permitted for the account")]
    MechanismNotForAccount,
    /// PLAIN or LOGIN over an open transport.
    #[error("plaintext password without TLS")]
    PlaintextWithoutTls,
    /// The client wants to act for another account.
    #[error("authorization identity of another account")]
    OtherAuthzid,
    /// The source of the login has failed too often; what it proved was not looked at.
    #[error("too many failures from this source")]
    TooManyFailures,
    /// The client's message breaks the mechanism's rules.
    #[error("{0}")]
    Malformed(Malformed),
}

/// Why nobody can tell.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// The store gave no answer.
    #[error("{0}")]
    Store(#[from] StoreError),
    /// Too much is under way.
    #[error("too many slow checks are waiting")]
    Overloaded,
    /// The system gave no random bytes.
    #[error("no random bytes")]
    NoEntropy,
    /// This peer has been given as many accounts as it may in a minute.
    #[error("more accounts in a minute than this peer may get")]
    OverQuota,
    /// Neither store nor check ended in time.
    #[error("no verdict in time")]
    Overdue,
    /// The check panicked.
    #[error("the check of the password broke off")]
    BrokenOff,
}

/// A failure on our side.
#[derive(Debug)]
pub struct Unavailable {
    pub(super) mechanism: Mechanism,
    pub(super) fault: Fault,
}

impl Unavailable {
    /// The mechanism.
    #[must_use]
    pub fn mechanism(&self) -> Mechanism {
        self.mechanism
    }

    /// What failed, for the log.
    #[must_use]
    pub fn fault(&self) -> &Fault {
        &self.fault
    }
}

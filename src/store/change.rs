//! Changes of an account, and the rules for them, the same in every store.

use crate::credential::{AccountState, Label, PasswordFacts, Secrets};
use crate::identity::{Identity, IdentityKey};
use crate::vocabulary::MechanismSet;

/// Who makes a change, for the audit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Actor {
    /// The real user id.
    pub uid: u32,
    /// The program's name.
    pub program: String,
}

/// One change of one account.
#[derive(Debug)]
pub enum Change {
    /// Sets one password, making account and password if they are not there.
    SetPassword {
        /// Whose: the [`Basis`](super::Basis)' identity. An account keeps the spelling that it was made with.
        identity: Identity,
        /// Which, and its limits.
        facts: PasswordFacts,
        /// What was derived from it, under the account's [`Basis`](super::Basis).
        secrets: Secrets,
        /// The revision that the basis was read at; `None` if there was no account.
        expected: Option<u64>,
    },
    /// Removes one password; the last one cannot be removed.
    RemovePassword {
        /// Whose.
        key: IdentityKey,
        /// Which.
        label: Label,
    },
    /// Sets whether the account may log in.
    SetState {
        /// Whose.
        key: IdentityKey,
        /// The state from now on.
        state: AccountState,
    },
    /// Sets the account's own list of mechanisms; `None` lifts it.
    SetMechanisms {
        /// Whose.
        key: IdentityKey,
        /// The list.
        mechanisms: Option<MechanismSet>,
    },
    /// Removes the account.
    Remove {
        /// Whose.
        key: IdentityKey,
    },
}

/// What came of a [`Change`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub enum Applied {
    /// A new account.
    Created,
    /// The account is another one now.
    Changed,
    /// The account is gone.
    Removed,
    /// Everything was so already.
    Unchanged,
    /// There is no such account, or no such password.
    NotFound,
    /// Somebody else changed the account since it was read: read again.
    Conflict,
}

/// What came of a change, and where it stands in the audit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub struct Receipt {
    /// What came of it.
    pub applied: Applied,
    /// The audit's last entry, if the change made one. It belongs in the log, outside of the database, so that an audit
    /// that was cut or written anew shows.
    pub audit: Option<AuditHead>,
}

/// The end of the audit's chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AuditHead {
    /// The entry's number, counted from 1.
    pub number: u64,
    /// Its MAC, which covers all entries before it.
    pub mac: [u8; 32],
}

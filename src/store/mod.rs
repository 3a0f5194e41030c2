//! The account store: what it can be asked, whatever is behind it. Nothing above this room may know which store it is.

use std::path::PathBuf;

use crate::credential::{Account, AccountState, Label, Lookup, PasswordFacts, SaltKey, Secrets, Who};
use crate::identity::{Identity, IdentityKey, Realms};
use crate::runtime::UnixTime;
use crate::vocabulary::{MechanismSet, Scheme, ScramHash};

/// Names one look-up that is under way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Ticket(pub u64);

/// A store answers at once, later, or fails.
#[derive(Debug)]
pub enum Answer {
    /// Here it is, or why there is none.
    Now(Result<Lookup, StoreError>),
    /// It will come out of [`CredentialLookup::completed`].
    Later,
}

/// The half of a store that logins see. It cannot write.
pub trait CredentialLookup {
    /// Many look-ups follow at once; what they share (a read transaction) is set up here.
    fn begin_turn(&mut self) {}

    /// No more look-ups for now.
    fn end_turn(&mut self) {}

    /// Looks up an account, or makes the decoy that stands for it.
    fn look_up(&mut self, who: Who, ticket: Ticket) -> Answer;

    /// An answer that came in since.
    fn completed(&mut self) -> Option<(Ticket, Result<Lookup, StoreError>)> {
        None
    }

    /// The default realm and its aliases as the store noted them.
    ///
    /// # Errors
    /// See [`StoreError`].
    fn realms(&mut self) -> Result<Realms, StoreError>;
}

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
        /// Whose.
        identity: Identity,
        /// Which, and its limits.
        facts: PasswordFacts,
        /// What was derived from it, under the account's [`Basis`].
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

/// What secrets of a new password are derived under.
#[derive(Debug)]
pub struct Basis {
    /// The spelling of the account if it exists, else the one asked for.
    pub identity: Identity,
    /// The account's revision; `None` if it does not exist.
    pub revision: Option<u64>,
    /// The default realm and its aliases.
    pub realms: Realms,
    /// Makes the SCRAM salts.
    pub salt_key: SaltKey,
    /// Iteration counts that other passwords of the account hold to, for a password beside them; it has to share them.
    pub iterations: Vec<(ScramHash, u32)>,
}

/// A line of a listing; everything that is known without the key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// Name and realm as spelled at creation.
    pub identity: Identity,
    /// Whether it may log in.
    pub state: AccountState,
    /// Its revision.
    pub revision: u64,
    /// When it was made.
    pub created: UnixTime,
    /// When it was last changed.
    pub changed: UnixTime,
    /// Its own list of mechanisms.
    pub mechanisms: Option<MechanismSet>,
    /// The schemes that any of its passwords has.
    pub schemes: Vec<Scheme>,
    /// Its passwords.
    pub passwords: Vec<PasswordFacts>,
}

/// The half of a store that administrators see.
pub trait CredentialAdmin {
    /// The default realm and its aliases.
    ///
    /// # Errors
    /// See [`StoreError`].
    fn realms(&mut self) -> Result<Realms, StoreError>;

    /// What the secrets of a password for `identity` have to be derived under. `label` is the one to be set: its own counts
    /// do not bind it.
    ///
    /// # Errors
    /// See [`StoreError`].
    fn basis(&mut self, identity: &Identity, label: &Label) -> Result<Basis, StoreError>;

    /// Makes one change, whole or not at all, and notes it in the audit.
    ///
    /// # Errors
    /// See [`StoreError`]; nothing has changed then.
    fn apply(&mut self, change: Change, actor: &Actor, now: UnixTime) -> Result<Applied, StoreError>;

    /// The account with its secrets.
    ///
    /// # Errors
    /// See [`StoreError`].
    fn account(&mut self, key: &IdentityKey) -> Result<Option<Account>, StoreError>;

    /// Gives each account to `visit` in the order of realm and name, until it returns false. Memory stays flat however many
    /// there are.
    ///
    /// # Errors
    /// See [`StoreError`].
    fn list(&mut self, visit: &mut dyn FnMut(Listed) -> bool) -> Result<(), StoreError>;
}

/// Why a store cannot answer. Never "not found": that is an answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// There is no database at this place yet.
    #[error("there is no database at {0}")]
    Missing(PathBuf),
    /// The place cannot be read or written.
    #[error("{path}: {fault}")]
    Unreachable {
        /// What cannot be reached.
        path: PathBuf,
        /// The system's word for it.
        fault: String,
    },
    /// Another process holds the database for too long.
    #[error("the database is busy")]
    Busy,
    /// The disk is full.
    #[error("no space left for the database")]
    Full,
    /// A file, but not a database of ours.
    #[error("{0} is not a saslpasswd-rs database")]
    NotOurs(PathBuf),
    /// Made by a later version.
    #[error("{path} has schema version {found}, and this program knows versions up to {known}")]
    TooNew {
        /// The database.
        path: PathBuf,
        /// Its version.
        found: i64,
        /// The latest we know.
        known: i64,
    },
    /// The database, or a row of it, is damaged or was changed by hand.
    #[error("the database is damaged: {0}")]
    Damaged(String),
    /// The key file cannot be used.
    #[error("key file {path}: {fault}")]
    Key {
        /// The key file.
        path: PathBuf,
        /// What is wrong with it.
        fault: KeyFault,
    },
    /// The change cannot be made.
    #[error("{0}")]
    Refused(&'static str),
}

/// What is wrong with a key file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum KeyFault {
    /// There is none, but there is a database that needs it.
    #[error("does not exist, and without it the accounts cannot be opened")]
    Missing,
    /// It cannot be read.
    #[error("cannot be read")]
    Unreadable,
    /// Its mode lets others read or write it.
    #[error("may be read or written by others")]
    OpenToAll,
    /// It does not have the form of a key file.
    #[error("is not a key file")]
    Malformed,
    /// It holds another key than the one the database was sealed with.
    #[error("does not hold the key of this database")]
    OtherKey,
}

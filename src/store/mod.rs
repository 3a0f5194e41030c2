//! The account store: what it can be asked, whatever is behind it. Nothing above this room may know which store it is.

pub mod activity;
mod change;
mod decoy;
mod error;
mod facts;
pub(crate) mod hex;
mod learn;
pub mod memory;
mod place;
pub mod sqlite;

use crate::credential::{Account, AccountState, Label, Lookup, PasswordFacts, SaltKey, Who};
use crate::identity::{Identity, IdentityKey, Realm, Realms};
use crate::runtime::UnixTime;
use crate::vocabulary::{MechanismSet, Scheme, ScramHash};

pub use change::{Actor, Applied, AuditHead, Change, Provision, Receipt, binding_counts, renamable};
pub use decoy::DecoyShape;
pub use error::{KeyFault, StoreError};
pub use learn::{Learnt, Terms, learn};
pub use place::{DEFAULT_DATABASE, Place};
pub(crate) use place::{beside, folder_of};

/// What an entry of the audit says was done.
pub const ACTIONS: [&str; 12] = [
    "create-database",
    "create",
    "set-password",
    "add-secrets",
    "remove-password",
    "remove-scheme",
    "set-state",
    "set-mechanisms",
    RENAME,
    "remove",
    "restore",
    "rekey",
];

/// The action that concerns two names.
pub(crate) const RENAME: &str = "rename";

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
    /// Many look-ups follow at once; what they share (one view of the database) is set up at the first of them. To be
    /// called after the requests were read from their sockets: what was changed before a request came must count for it.
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

    /// The first account of a realm, whatever the realm is an alias of.
    ///
    /// # Errors
    /// See [`StoreError`].
    fn first_in(&mut self, realm: &Realm) -> Result<Option<IdentityKey>, StoreError>;
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

impl Listed {
    /// What a listing shows of `account`.
    #[must_use]
    pub fn of(account: &Account) -> Self {
        Self {
            identity: account.identity.clone(),
            state: account.state,
            revision: account.revision,
            created: account.created,
            changed: account.changed,
            mechanisms: account.mechanisms,
            schemes: change::schemes_of(&account.passwords),
            passwords: account.passwords.iter().map(|password| password.facts.clone()).collect(),
        }
    }
}

/// The half of a store that administrators see.
pub trait CredentialAdmin {
    /// The default realm and its aliases.
    ///
    /// # Errors
    /// See [`StoreError`].
    fn realms(&mut self) -> Result<Realms, StoreError>;

    /// The first account of a realm, whatever the realm is an alias of.
    ///
    /// # Errors
    /// See [`StoreError`].
    fn first_in(&mut self, realm: &Realm) -> Result<Option<IdentityKey>, StoreError>;

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
    fn apply(&mut self, change: Change, actor: &Actor, now: UnixTime) -> Result<Receipt, StoreError>;

    /// Makes changes in this order, in one transaction where the store can: waiting for the disk once for many is what makes them
    /// fast. Each is whole or not at all and has its own outcome: one that is refused, or whose account is damaged, leaves the others
    /// alone. Others that want to change something wait meanwhile, so take some thousands at a time.
    ///
    /// # Errors
    /// See [`StoreError`]; the first of them may have been made then.
    fn apply_each(
        &mut self,
        changes: Vec<Change>,
        actor: &Actor,
        now: UnixTime,
    ) -> Result<Vec<Result<Receipt, StoreError>>, StoreError> {
        let each = changes.into_iter().map(|change| StoreError::of_one_change(self.apply(change, actor, now)));
        each.collect()
    }

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

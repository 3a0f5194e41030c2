//! Changes of an account, and the rules for them, the same in every store.

mod password;
mod provision;
mod rename;
mod retire;

use std::sync::Arc;

use serde_json::{Map, Value};

use crate::credential::{Account, AccountState, Label, SaltKey, Secrets, StoredPassword};
use crate::identity::{Identity, IdentityKey};
use crate::runtime::UnixTime;
use crate::vocabulary::Scheme;

use super::StoreError;

pub use password::binding_counts;
pub(super) use password::bound_beside;
pub use provision::Provision;
pub use rename::renamable;

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
#[allow(clippy::large_enum_variant, reason = "there is one at a time, and nobody keeps it")]
pub enum Change {
    /// Sets passwords and other things of one account, all of them or none, and makes it if it is not there.
    Provision(Box<Provision>),
    /// Adds to a password the schemes that it lacks.
    AddSecrets {
        /// Whose.
        key: IdentityKey,
        /// Which.
        label: Label,
        /// Derived under the account's [`Basis`](super::Basis). What is there already stays as it is.
        secrets: Secrets,
        /// The revision at which the password was right and the basis was read.
        expected: u64,
    },
    /// Removes a scheme from passwords that have others. When the account was last changed stays as it is: nothing of what its
    /// owner can do is another, and nobody would know any more whom nobody has used for long.
    RemoveScheme {
        /// Whose.
        key: IdentityKey,
        /// From which passwords.
        labels: Vec<Label>,
        /// What goes.
        scheme: Scheme,
        /// The revision at which it was decided.
        expected: u64,
    },
    /// Removes one password; the last one cannot be removed.
    RemovePassword {
        /// Whose.
        key: IdentityKey,
        /// Which.
        label: Label,
    },
    /// Disables the account, or lets it log in again. When it expires stays as it is, whatever that is by then.
    SetDisabled {
        /// Whose.
        key: IdentityKey,
        /// Whether it is disabled from now on.
        disabled: bool,
    },
    /// Sets when the account expires. Whether it is disabled stays as it is, whatever that is by then.
    SetExpiry {
        /// Whose.
        key: IdentityKey,
        /// When; `None` if never.
        expires: Option<UnixTime>,
    },
    /// Gives the account another name, or another spelling of its name. digest-md5 goes, of which the name is a part; SCRAM
    /// keys stay good, under the salt of the old name.
    Rename {
        /// Whose.
        key: IdentityKey,
        /// The name from now on.
        to: Identity,
    },
    /// Removes the account.
    Remove {
        /// Whose.
        key: IdentityKey,
    },
    /// Another change, made only if nobody has changed the account since.
    IfUnchanged {
        /// Since this revision.
        expected: u64,
        /// What is to be done then.
        change: Box<Change>,
    },
}

impl From<Provision> for Change {
    fn from(wanted: Provision) -> Self {
        Self::Provision(Box::new(wanted))
    }
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

impl AuditHead {
    /// The MAC in hexadecimal digits, as logs have it.
    #[must_use]
    pub fn hex(&self) -> String {
        super::hex::encode(&self.mac)
    }
}

impl Change {
    /// Whose account is to change.
    #[must_use]
    pub fn key(&self) -> IdentityKey {
        match self {
            Self::Provision(wanted) => wanted.identity.key(),
            Self::IfUnchanged { change, .. } => change.key(),
            Self::AddSecrets { key, .. }
            | Self::RemoveScheme { key, .. }
            | Self::RemovePassword { key, .. }
            | Self::SetDisabled { key, .. }
            | Self::SetExpiry { key, .. }
            | Self::Rename { key, .. }
            | Self::Remove { key } => key.clone(),
        }
    }
}

/// What a store has to do for a change.
#[derive(Debug)]
pub(super) enum Plan {
    /// Nothing; this came of it.
    Leave(Applied),
    /// Put this account in the place of the one there was; if it has another name now, that one's place is empty. The notes are the
    /// audit's entries, and the number of the last of them is the account's revision.
    Write(Account, Vec<Note>),
    /// Take the account away.
    Erase(Note),
}

impl Plan {
    /// What comes of all that is noted.
    fn of(account: Account, notes: impl IntoIterator<Item = Note>) -> Self {
        let notes: Vec<Note> = notes.into_iter().collect();
        if notes.is_empty() { Self::Leave(Applied::Unchanged) } else { Self::Write(account, notes) }
    }
}

/// What comes of a change that is noted so.
pub(super) fn applied(notes: &[Note]) -> Applied {
    notes.first().map_or(Applied::Unchanged, |note| note.applied)
}

/// What the audit says about a change, in one entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Note {
    pub(super) applied: Applied,
    pub(super) action: &'static str,
    detail: Map<String, Value>,
}

impl Note {
    /// `detail` is an object, or null where there is nothing more to say.
    fn new(applied: Applied, action: &'static str, detail: Value) -> Self {
        let detail = if let Value::Object(detail) = detail { detail } else { Map::new() };
        Self { applied, action, detail }
    }

    /// What exactly was done, as JSON.
    pub(super) fn into_detail(self) -> Option<String> {
        (!self.detail.is_empty()).then(|| Value::Object(self.detail).to_string())
    }
}

/// What an account is there, as far as a change has to know.
#[derive(Debug)]
pub(super) enum Existing {
    /// None.
    None,
    /// This one.
    Whole(Box<Account>),
    /// One that cannot be opened, for this reason. It can still be removed.
    Unreadable(StoreError),
}

/// What a rename has to know of the rest of the store.
pub(super) struct Surroundings {
    /// Whether another account has the new name.
    pub(super) is_taken: bool,
    /// Makes the salts of the old name.
    pub(super) salt_key: Arc<SaltKey>,
}

/// Decides what `change` does. `surroundings` are asked by a [`Change::Rename`] only. `first` is the number of the next entry of the
/// audit; numbers grow from change to change in the whole store, and so do revisions.
pub(super) fn plan(
    existing: Existing,
    change: Change,
    first: u64,
    now: UnixTime,
    surroundings: impl FnOnce(&Identity) -> Result<Surroundings, StoreError>,
) -> Result<Plan, StoreError> {
    if let Change::IfUnchanged { expected, change } = change {
        return match &existing {
            Existing::Whole(account) if account.revision != expected => Ok(Plan::Leave(Applied::Conflict)),
            Existing::Unreadable(fault) => Err(fault.clone()),
            Existing::Whole(_) | Existing::None => plan(existing, *change, first, now, surroundings),
        };
    }
    let existing = match (existing, &change) {
        (Existing::None, Change::Provision(_)) => None,
        (Existing::None, _) => return Ok(Plan::Leave(Applied::NotFound)),
        (_, Change::Remove { .. }) => {
            return Ok(Plan::Erase(Note::new(Applied::Removed, "remove", Value::Null)));
        }
        (Existing::Whole(account), _) => Some(*account),
        (Existing::Unreadable(fault), _) => return Err(fault),
    };
    let keeps_its_time = matches!(change, Change::RemoveScheme { .. });
    let planned = match (existing, change) {
        (existing, Change::Provision(wanted)) => provision::provision(existing, *wanted, now)?,
        (Some(account), Change::AddSecrets { label, secrets, expected, .. }) => {
            password::add_secrets(account, &label, secrets, expected)
        }
        (Some(account), Change::RemoveScheme { labels, scheme, expected, .. }) => {
            if account.revision != expected {
                return Ok(Plan::Leave(Applied::Conflict));
            }
            retire::remove_scheme(account, &labels, scheme)?
        }
        (Some(account), Change::RemovePassword { label, .. }) => password::remove_password(account, &label)?,
        (Some(account), Change::SetDisabled { disabled, .. }) => {
            let state = AccountState { disabled, ..account.state };
            set_state(account, state)
        }
        (Some(account), Change::SetExpiry { expires, .. }) => {
            let state = AccountState { expires, ..account.state };
            set_state(account, state)
        }
        (Some(account), Change::Rename { to, .. }) => {
            let surroundings = surroundings(&to)?;
            rename::rename(account, to, &surroundings)?
        }
        (_, Change::Remove { .. } | Change::IfUnchanged { .. }) | (None, _) => Plan::Leave(Applied::NotFound),
    };
    Ok(match planned {
        Plan::Write(account, notes) => {
            let further = u64::try_from(notes.len()).unwrap_or(u64::MAX).saturating_sub(1);
            let changed = if keeps_its_time { account.changed } else { now };
            Plan::Write(Account { revision: first.saturating_add(further), changed, ..account }, notes)
        }
        other => other,
    })
}

fn set_state(mut account: Account, state: AccountState) -> Plan {
    let note = provision::state(&mut account, state);
    Plan::of(account, note)
}

/// The schemes that any of the passwords has.
pub(super) fn schemes_of(passwords: &[StoredPassword]) -> Vec<Scheme> {
    let has = |scheme: &Scheme| passwords.iter().any(|password| password.secrets.schemes().any(|s| s == *scheme));
    Scheme::ALL.into_iter().filter(has).collect()
}

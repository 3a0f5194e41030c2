//! Changes of an account, and the rules for them, the same in every store.

mod rename;
mod retire;

use std::sync::Arc;

use crate::credential::{
    Account, AccountState, Label, MAX_PASSWORDS, PasswordFacts, SaltKey, ScramSalt, Secrets, StoredPassword,
};
use crate::identity::{Identity, IdentityKey};
use crate::runtime::UnixTime;
use crate::vocabulary::{Mechanism, MechanismSet, Scheme, ScramHash};

use super::StoreError;
use super::facts;

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
            Self::SetPassword { identity, .. } => identity.key(),
            Self::AddSecrets { key, .. }
            | Self::RemoveScheme { key, .. }
            | Self::RemovePassword { key, .. }
            | Self::SetState { key, .. }
            | Self::SetMechanisms { key, .. }
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
    /// Put this account in the place of the one there was; if it has another name now, that one's place is empty.
    Write(Account, Note),
    /// Take the account away.
    Erase(Note),
}

/// What the audit says about a change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Note {
    pub(super) applied: Applied,
    pub(super) action: &'static str,
    pub(super) detail: Option<String>,
}

impl Note {
    fn new(applied: Applied, action: &'static str, detail: Option<serde_json::Value>) -> Self {
        Self { applied, action, detail: detail.map(|json| json.to_string()) }
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

/// Decides what `change` does. `surroundings` are asked by a [`Change::Rename`] only. `revision` is that of the change; it grows from change to change in the whole store.
pub(super) fn plan(
    existing: Existing,
    change: Change,
    revision: u64,
    now: UnixTime,
    surroundings: impl FnOnce(&Identity) -> Result<Surroundings, StoreError>,
) -> Result<Plan, StoreError> {
    let existing = match (existing, &change) {
        (Existing::None, Change::SetPassword { .. }) => None,
        (Existing::None, _) => return Ok(Plan::Leave(Applied::NotFound)),
        (_, Change::Remove { .. }) => return Ok(Plan::Erase(Note::new(Applied::Removed, "remove", None))),
        (Existing::Whole(account), _) => Some(*account),
        (Existing::Unreadable(fault), _) => return Err(fault),
    };
    let keeps_its_time = matches!(change, Change::RemoveScheme { .. });
    let planned = match (existing, change) {
        (existing, Change::SetPassword { identity, facts, secrets, expected }) => {
            if existing.as_ref().map(|account| account.revision) != expected {
                return Ok(Plan::Leave(Applied::Conflict));
            }
            set_password(existing, identity, StoredPassword { facts, secrets }, now)?
        }
        (Some(account), Change::AddSecrets { label, secrets, expected, .. }) => {
            add_secrets(account, &label, secrets, expected)
        }
        (Some(account), Change::RemoveScheme { labels, scheme, expected, .. }) => {
            if account.revision != expected {
                return Ok(Plan::Leave(Applied::Conflict));
            }
            retire::remove_scheme(account, &labels, scheme)?
        }
        (Some(account), Change::RemovePassword { label, .. }) => remove_password(account, &label)?,
        (Some(account), Change::SetState { state, .. }) => set_state(account, state),
        (Some(account), Change::SetMechanisms { mechanisms, .. }) => set_mechanisms(account, mechanisms)?,
        (Some(account), Change::Rename { to, .. }) => {
            let surroundings = surroundings(&to)?;
            rename::rename(account, to, &surroundings)?
        }
        (_, Change::Remove { .. }) | (None, _) => Plan::Leave(Applied::NotFound),
    };
    Ok(match planned {
        Plan::Write(account, note) => {
            let changed = if keeps_its_time { account.changed } else { now };
            Plan::Write(Account { revision, changed, ..account }, note)
        }
        other => other,
    })
}

fn set_password(
    existing: Option<Account>,
    identity: Identity,
    password: StoredPassword,
    now: UnixTime,
) -> Result<Plan, StoreError> {
    if password.secrets.schemes().next().is_none() {
        return Err(StoreError::Refused("a password needs at least one scheme"));
    }
    let applied = if existing.is_some() { Applied::Changed } else { Applied::Created };
    let mut account = match existing {
        Some(account) => account,
        None => Account {
            identity,
            state: AccountState::default(),
            revision: 0,
            created: now,
            changed: now,
            mechanisms: None,
            passwords: Vec::new(),
        },
    };
    let schemes: Vec<&str> = password.secrets.schemes().map(Scheme::name).collect();
    let mut detail = serde_json::json!({ "password": facts::to_json(&password.facts), "schemes": schemes });
    if let (true, Some(detail)) = (password.secrets.no_plaintext, detail.as_object_mut()) {
        detail.insert("no_plaintext".to_owned(), true.into());
    }
    if password.secrets.needs_slow_hash() && others(&account, &password.facts.label).any(Secrets::needs_slow_hash) {
        return Err(StoreError::Refused(
            "another password of the account can be checked by a slow hash only, and two would take too long",
        ));
    }
    let count = account.passwords.len();
    match account.passwords.iter_mut().find(|known| known.facts.label == password.facts.label) {
        Some(known) => *known = password,
        None if count >= MAX_PASSWORDS => {
            return Err(StoreError::Refused("the account has as many passwords as it can have: remove one"));
        }
        None if password.facts.label == Label::main() => account.passwords.insert(0, password),
        None => account.passwords.push(password),
    }
    let action = if applied == Applied::Created { "create" } else { "set-password" };
    Ok(Plan::Write(account, Note::new(applied, action, Some(detail))))
}

fn add_secrets(mut account: Account, label: &Label, secrets: Secrets, expected: u64) -> Plan {
    if account.revision != expected {
        return Plan::Leave(Applied::Conflict);
    }
    let Some(password) = account.passwords.iter_mut().find(|password| password.facts.label == *label) else {
        return Plan::Leave(Applied::NotFound);
    };
    let added: Vec<&str> = password.secrets.add_lacking(secrets).into_iter().map(Scheme::name).collect();
    if added.is_empty() {
        return Plan::Leave(Applied::Unchanged);
    }
    let detail = serde_json::json!({ "password": facts::to_json(&password.facts), "schemes": added });
    Plan::Write(account, Note::new(Applied::Changed, "add-secrets", Some(detail)))
}

fn remove_password(mut account: Account, label: &Label) -> Result<Plan, StoreError> {
    let Some(position) = account.passwords.iter().position(|password| password.facts.label == *label) else {
        return Ok(Plan::Leave(Applied::NotFound));
    };
    if account.passwords.len() == 1 {
        return Err(StoreError::Refused("it is the account's only password: remove the account instead"));
    }
    let removed = account.passwords.remove(position);
    let detail = serde_json::json!({ "password": facts::to_json(&removed.facts) });
    Ok(Plan::Write(account, Note::new(Applied::Changed, "remove-password", Some(detail))))
}

fn set_state(account: Account, state: AccountState) -> Plan {
    if account.state == state {
        return Plan::Leave(Applied::Unchanged);
    }
    let detail = serde_json::json!({ "disabled": state.disabled, "expires": state.expires.map(|time| time.0) });
    Plan::Write(Account { state, ..account }, Note::new(Applied::Changed, "set-state", Some(detail)))
}

fn set_mechanisms(account: Account, mechanisms: Option<MechanismSet>) -> Result<Plan, StoreError> {
    if mechanisms.is_some_and(MechanismSet::is_empty) {
        return Err(StoreError::Refused("the list of mechanisms is empty: disable the account instead"));
    }
    if account.mechanisms == mechanisms {
        return Ok(Plan::Leave(Applied::Unchanged));
    }
    let names = mechanisms.map(|set| set.iter().map(Mechanism::name).collect::<Vec<_>>());
    let detail = serde_json::json!({ "mechanisms": names });
    Ok(Plan::Write(Account { mechanisms, ..account }, Note::new(Applied::Changed, "set-mechanisms", Some(detail))))
}

/// The secrets of the passwords other than `label`.
fn others<'a>(account: &'a Account, label: &'a Label) -> impl Iterator<Item = &'a Secrets> {
    account.passwords.iter().filter(move |password| password.facts.label != *label).map(|password| &password.secrets)
}

/// The iteration counts that passwords other than `label` hold a new one to. One imported with its own salt binds nobody.
pub(super) fn binding_counts(account: &Account, label: &Label) -> Vec<(ScramHash, u32)> {
    let derived = |hash| {
        others(account, label)
            .filter_map(|secrets| secrets.scram_keys(hash))
            .find(|keys| keys.salt == ScramSalt::Derived)
            .map(|keys| (hash, keys.iterations))
    };
    ScramHash::ALL.into_iter().filter_map(derived).collect()
}

/// The schemes that any of the passwords has.
pub(super) fn schemes_of(passwords: &[StoredPassword]) -> Vec<Scheme> {
    let has = |scheme: &Scheme| passwords.iter().any(|password| password.secrets.schemes().any(|s| s == *scheme));
    Scheme::ALL.into_iter().filter(has).collect()
}

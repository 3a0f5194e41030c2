//! One password of an account.

use serde_json::json;

use crate::credential::{Account, Label, MAX_PASSWORDS, ScramSalt, Secrets, StoredPassword};
use crate::store::{StoreError, facts};
use crate::vocabulary::{Scheme, ScramHash};

use super::{Applied, Note, Plan};

/// Puts a password in the place of the one with its label, or beside the others. `is_first` says that the account is made with it.
pub(super) fn put(account: &mut Account, password: StoredPassword, is_first: bool) -> Result<Note, StoreError> {
    if password.secrets.schemes().next().is_none() {
        return Err(StoreError::Refused("a password needs at least one scheme"));
    }
    let schemes: Vec<&str> = password.secrets.schemes().map(Scheme::name).collect();
    let mut detail = json!({ "password": facts::to_json(&password.facts), "schemes": schemes });
    if let (true, Some(detail)) = (password.secrets.no_plaintext, detail.as_object_mut()) {
        detail.insert("no_plaintext".to_owned(), true.into());
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
    let (applied, action) = if is_first { (Applied::Created, "create") } else { (Applied::Changed, "set-password") };
    Ok(Note::new(applied, action, detail))
}

pub(super) fn add_secrets(mut account: Account, label: &Label, secrets: Secrets, expected: u64) -> Plan {
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
    let detail = json!({ "password": facts::to_json(&password.facts), "schemes": added });
    Plan::of(account, [Note::new(Applied::Changed, "add-secrets", detail)])
}

pub(super) fn remove_password(mut account: Account, label: &Label) -> Result<Plan, StoreError> {
    let Some(position) = account.passwords.iter().position(|password| password.facts.label == *label) else {
        return Ok(Plan::Leave(Applied::NotFound));
    };
    if account.passwords.len() == 1 {
        return Err(StoreError::Refused("it is the account's only password: remove the account instead"));
    }
    let removed = account.passwords.remove(position);
    let detail = json!({ "password": facts::to_json(&removed.facts) });
    Ok(Plan::of(account, [Note::new(Applied::Changed, "remove-password", detail)]))
}

/// The iteration counts that passwords other than `label` hold a new one to.
pub(in crate::store) fn bound_beside(account: &Account, label: &Label) -> Vec<(ScramHash, u32)> {
    binding_counts(account.passwords.iter().filter(|password| password.facts.label != *label))
}

/// The iteration counts that these passwords hold another one beside them to. One imported with its own salt binds nobody.
pub fn binding_counts<'a>(beside: impl Iterator<Item = &'a StoredPassword> + Clone) -> Vec<(ScramHash, u32)> {
    let derived = |hash| {
        let mut keys = beside.clone().filter_map(|password| password.secrets.scram_keys(hash));
        keys.find(|keys| keys.salt == ScramSalt::Derived).map(|keys| (hash, keys.iterations))
    };
    ScramHash::ALL.into_iter().filter_map(derived).collect()
}

//! Several things of one account, set together.

use serde_json::json;

use crate::credential::{Account, AccountState, StoredPassword};
use crate::identity::Identity;
use crate::runtime::UnixTime;
use crate::store::StoreError;
use crate::vocabulary::{Mechanism, MechanismSet};

use super::{Applied, Note, Plan, password};

/// An account as it should be, as far as it is said.
#[derive(Debug)]
pub struct Provision {
    /// Whose: the [`Basis`](crate::store::Basis)' identity. An account keeps the spelling that it was made with.
    pub identity: Identity,
    /// The passwords that are set, each with a label of its own, derived under the account's [`Basis`](crate::store::Basis) and
    /// one another's [`binding_counts`](crate::store::binding_counts). Others stay. A new account needs one.
    pub passwords: Vec<StoredPassword>,
    /// Whether it may log in; `None` stays as it is.
    pub state: Option<AccountState>,
    /// Its own list of mechanisms, or none; `None` stays as it is.
    pub mechanisms: Option<Option<MechanismSet>>,
    /// The revision at which all this was decided; `None` if there was no account.
    pub expected: Option<u64>,
}

impl Provision {
    /// One password and nothing else.
    #[must_use]
    pub fn password(identity: Identity, password: StoredPassword, expected: Option<u64>) -> Self {
        Self { identity, passwords: vec![password], state: None, mechanisms: None, expected }
    }
}

/// Sets all of it. Each thing is an entry of the audit, but for what a new account is made with besides its first password.
pub(super) fn provision(existing: Option<Account>, wanted: Provision, now: UnixTime) -> Result<Plan, StoreError> {
    if existing.as_ref().map(|account| account.revision) != wanted.expected {
        return Ok(Plan::Leave(Applied::Conflict));
    }
    let is_new = existing.is_none();
    if is_new && wanted.passwords.is_empty() {
        return Ok(Plan::Leave(Applied::NotFound));
    }
    let mut account = existing.unwrap_or_else(|| Account {
        identity: wanted.identity,
        state: AccountState::default(),
        revision: 0,
        created: now,
        changed: now,
        mechanisms: None,
        passwords: Vec::new(),
    });
    let sets_slow_one = wanted.passwords.iter().any(|password| password.secrets.needs_slow_hash());
    let mut notes = Vec::new();
    for password in wanted.passwords {
        notes.push(password::put(&mut account, password, is_new && notes.is_empty())?);
    }
    if sets_slow_one && slow_checks(&account) > 1 {
        return Err(StoreError::Refused(
            "another password of the account can be checked by a slow hash only, and two would take too long",
        ));
    }
    let rest = wanted.state.and_then(|wanted| state(&mut account, wanted)).into_iter();
    let rest = rest.chain(match wanted.mechanisms {
        Some(wanted) => mechanisms(&mut account, wanted)?,
        None => None,
    });
    match notes.first_mut().filter(|_| is_new) {
        Some(made) => rest.for_each(|note| made.detail.extend(note.detail)),
        None => notes.extend(rest),
    }
    Ok(Plan::of(account, notes))
}

/// How many of its passwords nothing but a slow hash can check.
pub(super) fn slow_checks(account: &Account) -> usize {
    account.passwords.iter().filter(|password| password.secrets.needs_slow_hash()).count()
}

/// Sets whether the account may log in; says what is noted, if that is something else.
pub(super) fn state(account: &mut Account, state: AccountState) -> Option<Note> {
    if account.state == state {
        return None;
    }
    account.state = state;
    let detail = json!({ "disabled": state.disabled, "expires": state.expires.map(|time| time.0) });
    Some(Note::new(Applied::Changed, "set-state", detail))
}

/// Sets the account's own list of mechanisms; says what is noted, if that is another one.
fn mechanisms(account: &mut Account, list: Option<MechanismSet>) -> Result<Option<Note>, StoreError> {
    if list.is_some_and(MechanismSet::is_empty) {
        return Err(StoreError::Refused("the list of mechanisms is empty: disable the account instead"));
    }
    if account.mechanisms == list {
        return Ok(None);
    }
    account.mechanisms = list;
    let names = list.map(|set| set.iter().map(Mechanism::name).collect::<Vec<_>>());
    Ok(Some(Note::new(Applied::Changed, "set-mechanisms", json!({ "mechanisms": names }))))
}

//! Writes down what a login taught.

use std::sync::Arc;

use crate::credential::{self, IterationCensus, Iterations, Lesson, Lookup, Recipe, Who, derive, verify};
use crate::identity::Realms;
use crate::runtime::UnixTime;
use crate::vocabulary::Scheme;

use super::{Actor, Applied, Change, CredentialAdmin, Receipt, StoreError};

/// On which terms something is made of a password: the settings.
#[derive(Debug, Clone, Copy)]
pub struct Terms<'t> {
    /// What may be made.
    pub schemes: &'t [Scheme],
    /// The realms whose names clients may give.
    pub realms: &'t Realms,
    /// The SCRAM iteration count of a new password.
    pub scram_iterations: u32,
}

/// What came of a lesson.
#[derive(Debug, PartialEq, Eq)]
#[must_use]
pub struct Learnt {
    /// What was made and written down; nothing unless the account was [`Applied::Changed`].
    pub schemes: Vec<Scheme>,
    /// What came of the change.
    pub receipt: Receipt,
}

/// Makes of the password in `lesson` the schemes that are lacking. Nobody is believed: the password is checked once more
/// against what is stored. Nothing is made if it is wrong ([`Applied::NotFound`]), if the account has changed since it was looked
/// up ([`Applied::Conflict`]), or if there is nothing to learn ([`Applied::Unchanged`]). Takes as long as the check of a
/// slow hash and the making of SCRAM keys, outside of any lock.
///
/// # Errors
/// See [`StoreError`]; nothing has changed then.
pub fn learn(
    store: &mut dyn CredentialAdmin,
    lesson: Lesson,
    terms: &Terms<'_>,
    actor: &Actor,
    now: UnixTime,
) -> Result<Learnt, StoreError> {
    let leave = |applied| Ok(Learnt { schemes: Vec::new(), receipt: Receipt { applied, audit: None } });
    let key = lesson.identity.key();
    let Some(account) = store.account(&key)? else { return leave(Applied::NotFound) };
    if account.revision != lesson.revision {
        return leave(Applied::Conflict);
    }
    let of_label = |stored: &credential::StoredPassword| stored.facts.label == lesson.label;
    let Some(position) = account.passwords.iter().position(of_label) else { return leave(Applied::NotFound) };
    let basis = store.basis(&account.identity, &lesson.label)?;
    let lookup = Lookup {
        known: true,
        account: Arc::new(account),
        who: Who::Account(key.clone()),
        salt_key: Arc::new(basis.salt_key),
        // Only for the challenges of SCRAM, of which there are none here.
        census: Arc::new(IterationCensus::new(terms.scram_iterations, Vec::new())),
    };
    if !verify::is_password(&lesson.password, &lookup, position) {
        return leave(Applied::NotFound);
    }
    let expected = lesson.revision;
    let Some(lesson) = Lesson::of(&lookup.account, position, lesson.password, terms.schemes) else {
        return leave(Applied::Unchanged);
    };
    let known = lookup.account.passwords.get(position).map(|stored| &stored.secrets);
    let schemes = known.map(|known| credential::lacking(known, terms.schemes)).unwrap_or_default();
    let recipe = Recipe {
        identity: &lookup.account.identity,
        realms: terms.realms,
        salt_key: &lookup.salt_key,
        schemes: &schemes,
        iterations: Iterations { usual: terms.scram_iterations, bound: &basis.iterations },
    };
    let secrets = derive(&lesson.password, &recipe);
    let receipt = store.apply(Change::AddSecrets { key, label: lesson.label, secrets, expected }, actor, now)?;
    Ok(Learnt { schemes: if receipt.applied == Applied::Changed { schemes } else { Vec::new() }, receipt })
}

//! What of an account outlives its name.

use crate::credential::{Account, Cost, ScramSalt, Secrets, Who};
use crate::identity::Identity;
use crate::store::{RENAME, StoreError};
use crate::vocabulary::Scheme;

use super::{Applied, Note, Plan, Surroundings};

/// Whether every password of the account is good for something without digest-md5, of which the name is a part.
///
/// # Errors
/// [`StoreError::Refused`] says what is in the way of another name.
pub fn renamable(account: &Account) -> Result<(), StoreError> {
    let is_digest = |scheme| scheme == Scheme::DigestMd5;
    let secrets = || account.passwords.iter().map(|password| &password.secrets);
    if secrets().any(|secrets| secrets.schemes().all(is_digest)) {
        return Err(StoreError::Refused(
            "a password of the account has only digest-md5, which holds the name: set it together with another scheme first",
        ));
    }
    let would_need_slow_hash = |secrets: &&Secrets| {
        secrets.hash.as_ref().is_some_and(|hash| hash.cost() == Cost::Slow) && secrets.scram.is_empty()
    };
    if secrets().filter(would_need_slow_hash).count() > 1 {
        return Err(StoreError::Refused(
            "without digest-md5, several passwords of the account can be checked by a slow hash only, which would take too long",
        ));
    }
    Ok(())
}

/// Gives `account` the name `to`.
pub(super) fn rename(account: Account, to: Identity, surroundings: &Surroundings) -> Result<Plan, StoreError> {
    if account.identity == to {
        return Ok(Plan::Leave(Applied::Unchanged));
    }
    let moves = account.identity.key() != to.key();
    if moves && surroundings.is_taken {
        return Err(StoreError::Refused("there is an account of that name already"));
    }
    renamable(&account)?;
    let Account { identity: from, mut passwords, .. } = account;
    let who = Who::Account(from.key());
    let mut dropped = Vec::new();
    for password in &mut passwords {
        let secrets = &mut password.secrets;
        // The name is hashed into each of them. One that stayed would be the cheapest to check PLAIN against, and fit nobody.
        if !secrets.digest_md5.is_empty() {
            secrets.digest_md5.clear();
            dropped.push(password.facts.label.as_str().to_owned());
        }
        if moves {
            keep_salts(secrets, &who, surroundings);
        }
    }
    let detail = serde_json::json!({ "from": from.to_string(), "digest_md5_dropped": dropped });
    Ok(Plan::of(Account { identity: to, passwords, ..account }, [Note::new(Applied::Changed, RENAME, detail)]))
}

/// The salt was made of the old name, and without the password no keys can be made for another one.
fn keep_salts(secrets: &mut Secrets, old: &Who, surroundings: &Surroundings) {
    for keys in &mut secrets.scram {
        if keys.salt == ScramSalt::Derived {
            keys.salt = ScramSalt::Imported(surroundings.salt_key.salt(keys.hash, old).to_vec());
        }
    }
}

//! One password's secrets sealed on their own, to be carried to another database that has the same key.

use zeroize::Zeroizing;

use crate::credential::{PasswordFacts, Secrets, StoredPassword, record};
use crate::identity::Identity;
use crate::runtime::Entropy;
use crate::store::{KeyFault, StoreError, facts};

use super::keyfile::Keys;
use super::seal::{Canonical, Key, KeyId};

/// Whose it is, and what its limits are: with others it does not open.
fn associated_data(identity: &Identity, password: &PasswordFacts) -> Vec<u8> {
    let mut buffer = Vec::new();
    let key = identity.key();
    let mut fields = Canonical::begin(&mut buffer, "sasldb-rs password 1");
    fields.text(Some(key.realm()));
    fields.text(Some(key.name()));
    fields.text(facts::write([password].into_iter()).as_deref());
    buffer
}

/// The id of `key`, then the sealed secrets.
pub(super) fn seal(
    key: &Key,
    identity: &Identity,
    password: &StoredPassword,
    entropy: &mut dyn Entropy,
) -> Result<Vec<u8>, StoreError> {
    let too_long = |_| StoreError::Refused("the account's secrets are too long");
    let record = record::encode([&password.secrets].into_iter()).map_err(too_long)?;
    let sealed = key.seal(&associated_data(identity, &password.facts), record.expose(), entropy)?;
    Ok([&key.id.0[..], &sealed].concat())
}

/// Opens what [`seal`] made.
pub(super) fn open(
    keys: &Keys,
    identity: &Identity,
    password: &PasswordFacts,
    sealed: &[u8],
) -> Result<Secrets, StoreError> {
    let damaged = |what: &str| StoreError::Damaged(format!("the sealed password of {identity}: {what}"));
    let (id, sealed) = sealed.split_first_chunk::<8>().ok_or_else(|| damaged("it is too short"))?;
    let key = keys.find(KeyId(*id)).map_err(|fault| match fault {
        StoreError::Key { fault: KeyFault::OtherKey, .. } => damaged("another key sealed it"),
        other => other,
    })?;
    let mut plain = Zeroizing::new(Vec::new());
    if !key.open(&associated_data(identity, password), sealed, &mut plain) {
        return Err(damaged("it was changed, or is of another account, or its limits are others"));
    }
    let passwords = record::decode(&plain, vec![password.clone()]).map_err(|fault| damaged(&fault.to_string()))?;
    passwords.into_iter().next().map(|password| password.secrets).ok_or_else(|| damaged("it is empty"))
}

//! The question that a mechanism asks, and its answer.

use std::sync::Arc;

use crate::identity::IdentityKey;
use crate::vocabulary::ScramHash;

use super::account::{Account, ScramKeys, ScramSalt};
use super::salt::{IterationCensus, SaltKey};

/// Whose account is asked for.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Who {
    /// The account with this key, if there is one.
    Account(IdentityKey),
    /// A name that no account can have, as it came over the wire. It is answered like an unknown one.
    Nobody(Vec<u8>),
}

/// The answer of a store. An unknown name gets a decoy account, which no password fits, so that every later step is the
/// same; only [`Self::known`] tells, and only the exchange looks at it.
#[derive(Debug, Clone)]
pub struct Lookup {
    /// Whether the account exists.
    pub known: bool,
    /// The account, or a decoy.
    pub account: Arc<Account>,
    /// Whose it is, as asked.
    pub who: Who,
    /// Makes the SCRAM salts, of accounts and decoys alike.
    pub salt_key: Arc<SaltKey>,
    /// The iteration counts in use, from which one is picked where there are no keys.
    pub census: Arc<IterationCensus>,
}

impl Lookup {
    /// What server-first-message tells about this name (RFC 5802, section 5.1): the account's or the decoy's own salt and count, or
    /// made up by the same function where it has no keys for `hash`. The first password with keys decides.
    #[must_use]
    pub fn scram_parameters(&self, hash: ScramHash) -> ScramParameters {
        let (origin, iterations) =
            match self.account.passwords.iter().find_map(|password| password.secrets.scram_keys(hash)) {
                Some(keys) => (keys.salt.clone(), keys.iterations),
                None => (ScramSalt::Derived, self.census.pick(hash, self.salt_key.fraction(hash, &self.who))),
            };
        ScramParameters { salt: self.salt_bytes(hash, &origin), origin, iterations }
    }

    /// The salt under which `keys` were derived.
    #[must_use]
    pub fn salt_of(&self, keys: &ScramKeys) -> Vec<u8> {
        self.salt_bytes(keys.hash, &keys.salt)
    }

    fn salt_bytes(&self, hash: ScramHash, origin: &ScramSalt) -> Vec<u8> {
        match origin {
            ScramSalt::Derived => self.salt_key.salt(hash, &self.who).to_vec(),
            ScramSalt::Imported(bytes) if self.known => bytes.clone(),
            // A decoy's is as long as those of the accounts that it looks like, and its own.
            ScramSalt::Imported(bytes) => self.salt_key.salt_of_length(hash, &self.who, bytes.len()),
        }
    }
}

/// Salt and iteration count of one challenge.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScramParameters {
    /// The salt, raw.
    pub salt: Vec<u8>,
    /// Where it comes from.
    pub origin: ScramSalt,
    /// The iteration count.
    pub iterations: u32,
}

impl ScramParameters {
    /// Whether a proof made for this challenge can be checked against `keys`. A password imported under another salt or
    /// count cannot share a challenge with the others.
    #[must_use]
    pub fn fit(&self, keys: &ScramKeys) -> bool {
        self.origin == keys.salt && self.iterations == keys.iterations
    }
}

//! An account with its passwords, each as the secrets derived from it.

use core::fmt;
use std::sync::Arc;

use crate::identity::Identity;
use crate::runtime::UnixTime;
use crate::secret::{SecretArray, SecretBytes};
use crate::vocabulary::{Mechanism, MechanismSet, Scheme, ScramHash};

use super::hash::{Cost, PasswordHash};
use super::limits::{Network, ServiceName};

/// The most passwords that one account may have.
pub const MAX_PASSWORDS: usize = 16;

/// An account as a login needs it.
#[derive(Debug)]
pub struct Account {
    /// Name and realm as spelled at creation.
    pub identity: Identity,
    /// Whether it may log in at all.
    pub state: AccountState,
    /// Counts the changes; a change is made only to the revision it was decided on.
    pub revision: u64,
    /// When it was made.
    pub created: UnixTime,
    /// When it was last changed.
    pub changed: UnixTime,
    /// A narrower list of mechanisms than the helper offers.
    pub mechanisms: Option<MechanismSet>,
    /// One or more, `main` first.
    pub passwords: Vec<StoredPassword>,
}

/// Whether an account may log in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct AccountState {
    /// Switched off by hand.
    pub disabled: bool,
    /// From this moment on it may not.
    pub expires: Option<UnixTime>,
}

/// One password of an account: what is known about it and what was derived from it.
#[derive(Debug)]
pub struct StoredPassword {
    /// Label and limits.
    pub facts: PasswordFacts,
    /// The derived secrets.
    pub secrets: Secrets,
}

/// What is known about a password. Kept in the clear, bound to the secrets by the seal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PasswordFacts {
    /// Unique in its account.
    pub label: Label,
    /// From this moment on it does not count.
    pub expires: Option<UnixTime>,
    /// The services it is good for; none named means all.
    pub services: Vec<ServiceName>,
    /// The networks it is good from; none named means all.
    pub networks: Vec<Network>,
}

impl PasswordFacts {
    /// A password without limits.
    #[must_use]
    pub fn unlimited(label: Label) -> Self {
        Self { label, expires: None, services: Vec::new(), networks: Vec::new() }
    }
}

/// The name of a password within its account: 1 to 64 bytes, no control characters.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Label(Arc<str>);

/// A text that cannot be a label.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a label has 1 to 64 bytes and no control characters")]
pub struct LabelError;

impl Label {
    /// Checks `text`.
    ///
    /// # Errors
    /// [`LabelError`].
    pub fn new(text: &str) -> Result<Self, LabelError> {
        let fits = (1..=64).contains(&text.len()) && !text.chars().any(crate::prep::is_invisible);
        if fits { Ok(Self(text.into())) } else { Err(LabelError) }
    }

    /// The label of a password that nobody named.
    #[must_use]
    pub fn main() -> Self {
        Self("main".into())
    }

    /// Its text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Label {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What is kept of one password, one form for each scheme.
#[derive(Debug, Default)]
pub struct Secrets {
    /// Whether PLAIN and LOGIN are refused for this password (`saslpasswd2 -n`).
    pub no_plaintext: bool,
    /// digest-md5: one hash for each spelling of the identity.
    pub digest_md5: Vec<DigestMd5Hash>,
    /// cram-md5.
    pub cram_md5: Option<CramMd5States>,
    /// scram-*: at most one for each hash.
    pub scram: Vec<ScramKeys>,
    /// hash: one that another program made.
    pub hash: Option<PasswordHash>,
}

impl Secrets {
    /// The keys for `hash`.
    #[must_use]
    pub fn scram_keys(&self, hash: ScramHash) -> Option<&ScramKeys> {
        self.scram.iter().find(|keys| keys.hash == hash)
    }

    /// Whether PLAIN and LOGIN can be checked by a slow hash only, so that each try takes up to half a second.
    #[must_use]
    pub fn needs_slow_hash(&self) -> bool {
        let slow = self.hash.as_ref().is_some_and(|hash| hash.cost() == Cost::Slow);
        slow && self.digest_md5.is_empty() && self.scram.is_empty()
    }

    /// Whether a password that has no others beside it logs in by `mechanism`. One that has shares with them the salt and count
    /// of one SCRAM challenge.
    #[must_use]
    pub fn serves(&self, mechanism: Mechanism) -> bool {
        match mechanism {
            Mechanism::DigestMd5 => !self.digest_md5.is_empty(),
            Mechanism::CramMd5 => self.cram_md5.is_some(),
            Mechanism::ScramSha1 | Mechanism::ScramSha256 | Mechanism::ScramSha512 => {
                mechanism.scram_hash().is_some_and(|hash| self.scram_keys(hash).is_some())
            }
            Mechanism::Plain | Mechanism::Login => !self.no_plaintext && self.schemes().next().is_some(),
            Mechanism::External => true,
        }
    }

    /// The schemes that are there.
    pub fn schemes(&self) -> impl Iterator<Item = Scheme> {
        let digest_md5 = (!self.digest_md5.is_empty()).then_some(Scheme::DigestMd5);
        let cram_md5 = self.cram_md5.as_ref().map(|_| Scheme::CramMd5);
        let hash = self.hash.as_ref().map(|_| Scheme::Hash);
        let scram = self.scram.iter().map(|keys| Scheme::Scram(keys.hash));
        digest_md5.into_iter().chain(cram_md5).chain(scram).chain(hash)
    }
}

/// MD5(username:realm:password) (RFC 2831, section 2.1.2.1, the inner hash of A1) for one spelling.
#[derive(Debug, Clone)]
pub struct DigestMd5Hash {
    /// Tells, most of the time, which (username, realm) the hash is for, so that a login need not try them all. Not a
    /// secret: computed from the spelling alone.
    pub tag: u8,
    /// The 16 bytes.
    pub hash: SecretArray<16>,
}

/// The MD5 states of HMAC-MD5(password) after the inner and the outer key block, each as four little-endian words:
/// what CRAM-MD5 needs, and no more.
#[derive(Debug, Clone)]
pub struct CramMd5States {
    /// After the block key XOR 0x36.
    pub inner: SecretArray<16>,
    /// After the block key XOR 0x5c.
    pub outer: SecretArray<16>,
}

/// StoredKey and ServerKey of RFC 5802, section 3, with what they were derived under.
#[derive(Debug)]
pub struct ScramKeys {
    /// The hash function.
    pub hash: ScramHash,
    /// The salt.
    pub salt: ScramSalt,
    /// The iteration count.
    pub iterations: u32,
    /// H(ClientKey); [`ScramHash::output_len`] bytes.
    pub stored_key: SecretBytes,
    /// HMAC(SaltedPassword, "Server Key"); [`ScramHash::output_len`] bytes.
    pub server_key: SecretBytes,
}

/// Where the salt of SCRAM keys comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ScramSalt {
    /// Computed from the identity, by the same function that answers unknown names.
    Derived,
    /// Kept as it came with an imported verifier.
    Imported(Vec<u8>),
}

/// A set of an account's passwords, by position.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct PasswordSet(u16);

impl PasswordSet {
    /// Adds the password at `position`; positions past [`MAX_PASSWORDS`] do not exist and are left out.
    pub fn insert(&mut self, position: usize) {
        if let Some(bit) = Self::bit(position) {
            self.0 |= bit;
        }
    }

    /// Whether the password at `position` is in the set.
    #[must_use]
    pub fn contains(self, position: usize) -> bool {
        Self::bit(position).is_some_and(|bit| self.0 & bit != 0)
    }

    /// The first password of the set.
    #[must_use]
    pub fn first(self) -> Option<usize> {
        (0..MAX_PASSWORDS).find(|&position| self.contains(position))
    }

    /// Those in both sets.
    #[must_use]
    pub const fn intersection(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// Those in either set.
    #[must_use]
    pub const fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether nothing is in it.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    fn bit(position: usize) -> Option<u16> {
        1u16.checked_shl(u32::try_from(position).ok()?)
    }
}

impl FromIterator<usize> for PasswordSet {
    fn from_iter<I: IntoIterator<Item = usize>>(positions: I) -> Self {
        let mut set = Self::default();
        positions.into_iter().for_each(|p| set.insert(p));
        set
    }
}

//! The account that answers for names that do not exist.

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::credential::{
    Account, AccountState, CramMd5States, DigestMd5Hash, Label, PasswordFacts, ScramKeys, ScramSalt, Secrets,
    StoredPassword, Who,
};
use crate::identity::{Identity, IdentityKey, Name, Realm, Realms};
use crate::runtime::{Entropy, NoEntropy, UnixTime};
use crate::secret::{SecretArray, SecretBytes};
use crate::vocabulary::{Scheme, ScramHash};

/// What a decoy account looks like: like a new account of this site.
#[derive(Debug, Clone)]
pub struct DecoyShape {
    /// The SCRAM iteration count of new passwords.
    pub usual_iterations: u32,
    /// The schemes of new passwords.
    pub schemes: Vec<Scheme>,
}

/// An account that no password fits, with as many secrets as a new one has: what they are does not matter, as long as nobody
/// can know them.
pub(super) fn account(shape: &DecoyShape, realms: &Realms, entropy: &mut dyn Entropy) -> Option<Account> {
    let identity = Identity::new(Name::new("decoy").ok()?, realms.default_realm().clone());
    let mut secrets = Secrets::default();
    for scheme in &shape.schemes {
        match scheme {
            Scheme::DigestMd5 => {
                for _ in realms.digest_spellings(&identity) {
                    let [tag] = array(entropy).ok()?;
                    secrets.digest_md5.push(DigestMd5Hash { tag, hash: SecretArray::new(array(entropy).ok()?) });
                }
            }
            Scheme::CramMd5 => {
                let mut state = || array(entropy).map(SecretArray::new).ok();
                secrets.cram_md5 = Some(CramMd5States { inner: state()?, outer: state()? });
            }
            Scheme::Scram(hash) => secrets.scram.push(scram_keys(*hash, shape.usual_iterations, entropy).ok()?),
            Scheme::Hash => {}
        }
    }
    Some(Account {
        identity,
        state: AccountState::default(),
        revision: 1,
        created: UnixTime(0),
        changed: UnixTime(0),
        mechanisms: None,
        passwords: vec![StoredPassword { facts: PasswordFacts::unlimited(Label::main()), secrets }],
    })
}

/// A decoy answers to the name that was asked for.
pub(super) fn in_the_name_of(decoy: Account, who: &Who) -> Account {
    let identity =
        |key: &IdentityKey| Some(Identity::new(Name::new(key.name()).ok()?, Realm::imported(key.realm()).ok()?));
    match who {
        Who::Account(key) => match identity(key) {
            Some(identity) => Account { identity, ..decoy },
            None => decoy,
        },
        Who::Nobody(_) => decoy,
    }
}

fn scram_keys(hash: ScramHash, iterations: u32, entropy: &mut dyn Entropy) -> Result<ScramKeys, NoEntropy> {
    let mut key = || {
        let mut bytes = vec![0; hash.output_len()];
        entropy.fill(&mut bytes)?;
        Ok(SecretBytes::new(bytes))
    };
    Ok(ScramKeys { hash, salt: ScramSalt::Derived, iterations, stored_key: key()?, server_key: key()? })
}

fn array<const N: usize>(entropy: &mut dyn Entropy) -> Result<[u8; N], NoEntropy> {
    let mut bytes = [0; N];
    entropy.fill(&mut bytes)?;
    Ok(bytes)
}

/// Bytes that follow from a secret: HMAC-SHA-256 of a counter. A reader has no other source of randomness, and needs none.
pub(super) struct Expanded<'a> {
    seed: &'a SecretArray<32>,
    counter: u64,
}

impl<'a> Expanded<'a> {
    pub(super) fn new(seed: &'a SecretArray<32>) -> Self {
        Self { seed, counter: 0 }
    }
}

impl Entropy for Expanded<'_> {
    fn fill(&mut self, buffer: &mut [u8]) -> Result<(), NoEntropy> {
        for chunk in buffer.chunks_mut(32) {
            self.counter = self.counter.checked_add(1).ok_or(NoEntropy)?;
            let mut mac = Hmac::<Sha256>::new_from_slice(self.seed.expose()).map_err(|_| NoEntropy)?;
            mac.update(&self.counter.to_be_bytes());
            chunk.iter_mut().zip(mac.finalize().into_bytes()).for_each(|(to, from)| *to = from);
        }
        Ok(())
    }
}

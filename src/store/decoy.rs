//! The account that answers for names that do not exist.

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::credential::{
    Account, AccountState, CramMd5States, DigestMd5Hash, Label, PasswordFacts, PasswordHash, ScramKeys, ScramSalt,
    SecretShape, Secrets, Shape, StoredPassword, Who,
};
use crate::identity::{Identity, IdentityKey, Name, Realm, Realms};
use crate::runtime::{Entropy, NoEntropy, UnixTime};
use crate::secret::{SecretArray, SecretBytes};
use crate::vocabulary::{Scheme, ScramHash};

/// What a new account of this site looks like, and so a decoy as long as there is no account.
#[derive(Debug, Clone)]
pub struct DecoyShape {
    /// The SCRAM iteration count of new passwords.
    pub usual_iterations: u32,
    /// The schemes of new passwords.
    pub schemes: Vec<Scheme>,
}

impl DecoyShape {
    /// The same as the shape of an account.
    pub(super) fn of_new(&self) -> Shape {
        Shape::of_new(&self.schemes, self.usual_iterations)
    }
}

/// Where a decoy's name belongs. It decides how many spellings a name has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Home {
    DefaultRealm,
    OtherRealm,
}

impl Home {
    pub(super) fn of(who: &Who, realms: &Realms) -> Self {
        match who {
            Who::Account(key) if !key.is_in(realms.default_realm()) => Self::OtherRealm,
            _ => Self::DefaultRealm,
        }
    }
}

/// An account that no password fits, of this shape: what its secrets are does not matter, as long as nobody can know them.
pub(super) fn account(shape: &Shape, home: Home, realms: &Realms, entropy: &mut dyn Entropy) -> Option<Account> {
    let realm = match home {
        Home::DefaultRealm => realms.default_realm().clone(),
        Home::OtherRealm => Realm::imported("decoy.invalid").ok()?,
    };
    let identity = Identity::new(Name::new("decoy").ok()?, realm);
    let spellings = realms.digest_spellings(&identity).len();
    let label = |place: usize| if place == 0 { Some(Label::main()) } else { Label::new(&place.to_string()).ok() };
    let mut passwords = Vec::new();
    for (place, shapes) in shape.passwords.iter().enumerate() {
        let secrets = secrets(shapes, spellings, entropy)?;
        passwords.push(StoredPassword { facts: PasswordFacts::unlimited(label(place)?), secrets });
    }
    Some(Account {
        identity,
        state: AccountState::default(),
        revision: 1,
        created: UnixTime(0),
        changed: UnixTime(0),
        mechanisms: None,
        passwords,
    })
}

fn secrets(shapes: &[SecretShape], spellings: usize, entropy: &mut dyn Entropy) -> Option<Secrets> {
    let mut secrets = Secrets::default();
    for shape in shapes {
        match shape {
            SecretShape::DigestMd5 => {
                for _ in 0..spellings {
                    let [tag] = array(entropy).ok()?;
                    secrets.digest_md5.push(DigestMd5Hash { tag, hash: SecretArray::new(array(entropy).ok()?) });
                }
            }
            SecretShape::CramMd5 => {
                let mut state = || array(entropy).map(SecretArray::new).ok();
                secrets.cram_md5 = Some(CramMd5States { inner: state()?, outer: state()? });
            }
            SecretShape::Scram { hash, iterations, imported_salt } => {
                let salt = imported_salt.map_or(ScramSalt::Derived, |length| ScramSalt::Imported(vec![0; length]));
                secrets.scram.push(scram_keys(*hash, *iterations, salt, entropy).ok()?);
            }
            SecretShape::Hash(blank) => secrets.hash = PasswordHash::parse(blank).ok(),
        }
    }
    Some(secrets)
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

fn scram_keys(
    hash: ScramHash,
    iterations: u32,
    salt: ScramSalt,
    entropy: &mut dyn Entropy,
) -> Result<ScramKeys, NoEntropy> {
    let mut key = || {
        let mut bytes = vec![0; hash.output_len()];
        entropy.fill(&mut bytes)?;
        Ok(SecretBytes::new(bytes))
    };
    Ok(ScramKeys { hash, salt, iterations, stored_key: key()?, server_key: key()? })
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_at_home_however_the_default_realm_is_spelled() {
        let realm = |text| Realm::new(text).unwrap();
        let realms = Realms::new(realm("Zu\u{308}rich.test"), []);
        let home = |text| Home::of(&Who::Account(Identity::new(Name::new("joe").unwrap(), realm(text)).key()), &realms);
        assert_eq!(home("z\u{FC}rich.test"), Home::DefaultRealm);
        assert_eq!(home("zurich.test"), Home::OtherRealm);
    }
}

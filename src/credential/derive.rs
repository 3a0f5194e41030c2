//! From a password to what is stored of it.

use crate::identity::{Identity, Realms};
use crate::prep;
use crate::secret::Password;
use crate::vocabulary::{Scheme, ScramHash};

use super::account::{CramMd5States, DigestMd5Hash, ScramKeys, ScramSalt, Secrets};
use super::lookup::Who;
use super::salt::SaltKey;
use super::scram::{Hi, ScramOutput, salted_password, two_salted_passwords};

/// What secrets are derived under, apart from the password.
#[derive(Debug, Clone, Copy)]
pub struct Recipe<'a> {
    /// Whose password it is, as spelled at creation: DIGEST-MD5 hashes the spelling.
    pub identity: &'a Identity,
    /// The realms whose names clients may give.
    pub realms: &'a Realms,
    /// Makes the SCRAM salts.
    pub salt_key: &'a SaltKey,
    /// The schemes to make. [`Scheme::Hash`] is never made and left out.
    pub schemes: &'a [Scheme],
    /// The SCRAM iteration counts.
    pub iterations: Iterations<'a>,
}

/// The SCRAM iteration count of each hash.
#[derive(Debug, Clone, Copy)]
pub struct Iterations<'a> {
    /// For a hash that nothing binds.
    pub usual: u32,
    /// Counts that the account's other passwords hold to: all of them have to fit one challenge.
    pub bound: &'a [(ScramHash, u32)],
}

impl Iterations<'_> {
    /// The count for `hash`.
    #[must_use]
    pub fn of(&self, hash: ScramHash) -> u32 {
        self.bound.iter().find(|(bound, _)| *bound == hash).map_or(self.usual, |(_, count)| *count)
    }
}

/// Derives the secrets of `password`, on this thread. Takes milliseconds where SCRAM is among the schemes.
#[must_use]
pub fn derive(password: &Password, recipe: &Recipe<'_>) -> Secrets {
    let bytes = password.expose();
    let wanted = |scheme| recipe.schemes.contains(&scheme);
    let scram_hashes: Vec<ScramHash> = ScramHash::ALL.into_iter().filter(|h| wanted(Scheme::Scram(*h))).collect();
    Secrets {
        no_plaintext: false,
        digest_md5: if wanted(Scheme::DigestMd5) {
            DigestMd5Hash::derive(bytes, recipe.identity, recipe.realms)
        } else {
            Vec::new()
        },
        cram_md5: wanted(Scheme::CramMd5).then(|| CramMd5States::derive(bytes)),
        scram: if scram_hashes.is_empty() { Vec::new() } else { scram_keys(&scram_hashes, bytes, recipe) },
        hash: None,
    }
}

/// The keys for each of the hashes.
fn scram_keys(hashes: &[ScramHash], password: &[u8], recipe: &Recipe<'_>) -> Vec<ScramKeys> {
    let prepared = prep::scram_password(password);
    let who = Who::Account(recipe.identity.key());
    let salts: Vec<_> = hashes.iter().map(|&hash| recipe.salt_key.salt(hash, &who)).collect();
    let parameters: Vec<_> = hashes
        .iter()
        .zip(&salts)
        .map(|(&hash, salt)| Hi { hash, salt, iterations: recipe.iterations.of(hash) })
        .collect();
    let salted = salted_passwords(prepared.as_ref(), &parameters);
    parameters.into_iter().zip(&salted).map(|(hi, salted)| ScramKeys::of(hi, ScramSalt::Derived, salted)).collect()
}

/// The SaltedPassword of each, two at once.
fn salted_passwords(password: &[u8], parameters: &[Hi<'_>]) -> Vec<ScramOutput> {
    let (pairs, last) = parameters.as_chunks();
    let pairs = pairs.iter().flat_map(|pair| two_salted_passwords(password, *pair));
    pairs.chain(last.iter().map(|hi| salted_password(hi.hash, password, hi.salt, hi.iterations))).collect()
}

/// Whether `secrets` are what [`derive()`] makes of `password`: the schemes, counts and salts of the recipe, and the cheapest of the
/// secrets. Takes microseconds where digest-md5 or cram-md5 is among the schemes, else milliseconds.
#[must_use]
pub fn is_derived(secrets: &Secrets, password: &Password, recipe: &Recipe<'_>) -> bool {
    let has = |scheme| recipe.schemes.contains(&scheme);
    let same_schemes = Scheme::DERIVED.into_iter().all(|scheme| secrets.schemes().any(|s| s == scheme) == has(scheme));
    let follows =
        |keys: &ScramKeys| keys.salt == ScramSalt::Derived && keys.iterations == recipe.iterations.of(keys.hash);
    if !same_schemes || secrets.hash.is_some() || !secrets.scram.iter().all(follows) {
        return false;
    }
    let bytes = password.expose();
    if !secrets.digest_md5.is_empty() {
        let made = DigestMd5Hash::derive(bytes, recipe.identity, recipe.realms);
        let same = |(a, b): (&DigestMd5Hash, &DigestMd5Hash)| a.tag == b.tag && a.hash.equals(b.hash.expose());
        return made.len() == secrets.digest_md5.len() && made.iter().zip(&secrets.digest_md5).all(same);
    }
    if let Some(states) = &secrets.cram_md5 {
        let made = CramMd5States::derive(bytes);
        return states.inner.equals(made.inner.expose()) && states.outer.equals(made.outer.expose());
    }
    secrets.scram.first().is_some_and(|keys| {
        let made = scram_keys(&[keys.hash], bytes, recipe);
        made.first().is_some_and(|made| keys.stored_key.equals(made.stored_key.expose()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::credential::scram;
    use crate::identity::{Name, Realm};

    fn secrets(password: &str, schemes: &[Scheme], bound: &[(ScramHash, u32)]) -> Secrets {
        let realm = Realm::new("example.org").unwrap();
        let recipe = Recipe {
            identity: &Identity::new(Name::new("joe").unwrap(), realm.clone()),
            realms: &Realms::new(realm, []),
            salt_key: &SaltKey::new([7; 32]),
            schemes,
            iterations: Iterations { usual: 4096, bound },
        };
        derive(&Password::new(password.as_bytes().to_vec()).unwrap(), &recipe)
    }

    #[test]
    fn only_the_schemes_asked_for_are_made_each_once() {
        let all = secrets("secret", &Scheme::DERIVED, &[]);
        assert_eq!(all.schemes().collect::<Vec<_>>(), Scheme::DERIVED);
        assert_eq!(all.digest_md5.len(), 4);
        for scheme in Scheme::DERIVED {
            let one = secrets("secret", &[scheme, Scheme::Hash, scheme], &[]);
            assert_eq!(one.schemes().collect::<Vec<_>>(), [scheme]);
        }
        assert_eq!(secrets("secret", &[], &[]).schemes().count(), 0);
    }

    #[test]
    fn what_was_derived_is_known_again() {
        let realm = Realm::new("example.org").unwrap();
        let identity = Identity::new(Name::new("joe").unwrap(), realm.clone());
        let (realms, salt_key) = (Realms::new(realm, []), SaltKey::new([7; 32]));
        let password = |text: &str| Password::new(text.as_bytes().to_vec()).unwrap();
        let schemes = |dropped: usize| Scheme::DERIVED.into_iter().skip(dropped).collect::<Vec<_>>();
        for dropped in 0..Scheme::DERIVED.len() {
            let schemes = schemes(dropped);
            let recipe = |usual| Recipe {
                identity: &identity,
                realms: &realms,
                salt_key: &salt_key,
                schemes: &schemes,
                iterations: Iterations { usual, bound: &[] },
            };
            let made = derive(&password("secret"), &recipe(4096));
            assert!(is_derived(&made, &password("secret"), &recipe(4096)), "without the first {dropped}");
            assert!(!is_derived(&made, &password("Secret"), &recipe(4096)), "without the first {dropped}");
            let has_scram = schemes.iter().any(|scheme| matches!(scheme, Scheme::Scram(_)));
            assert_eq!(is_derived(&made, &password("secret"), &recipe(4097)), !has_scram);
            let more = Scheme::DERIVED;
            let other = Recipe { schemes: &more, ..recipe(4096) };
            assert_eq!(is_derived(&made, &password("secret"), &other), dropped == 0);
        }
    }

    #[test]
    fn scram_uses_the_accounts_salt_and_the_counts_that_bind_it() {
        let made = secrets("secret", &Scheme::DERIVED, &[(ScramHash::Sha256, 5000)]);
        let who = Who::Account(Identity::new(Name::new("JOE").unwrap(), Realm::new("Example.org").unwrap()).key());
        for keys in &made.scram {
            let iterations = if keys.hash == ScramHash::Sha256 { 5000 } else { 4096 };
            assert_eq!((keys.iterations, &keys.salt), (iterations, &ScramSalt::Derived));
            let salt = SaltKey::new([7; 32]).salt(keys.hash, &who);
            let salted = scram::salted_password(keys.hash, b"secret", &salt, iterations);
            assert!(keys.stored_key.equals(scram::stored_key(keys.hash, &salted).expose()));
            assert!(keys.server_key.equals(scram::server_key(keys.hash, &salted).expose()));
        }
    }

    #[test]
    fn scram_prepares_the_password_and_the_others_take_its_bytes() {
        let (typed, prepared) = (secrets("I\u{AD}X", &Scheme::DERIVED, &[]), secrets("IX", &Scheme::DERIVED, &[]));
        for (a, b) in typed.scram.iter().zip(&prepared.scram) {
            assert!(a.stored_key.equals(b.stored_key.expose()));
        }
        let (a, b) = (typed.cram_md5.unwrap(), prepared.cram_md5.unwrap());
        assert!(!a.inner.equals(b.inner.expose()));
        assert!(!typed.digest_md5[0].hash.equals(prepared.digest_md5[0].hash.expose()));
    }
}

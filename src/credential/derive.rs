//! From a password to what is stored of it.

use std::thread;

use crate::identity::{Identity, Realms};
use crate::prep;
use crate::secret::Password;
use crate::vocabulary::{Scheme, ScramHash};

use super::account::{CramMd5States, DigestMd5Hash, ScramKeys, ScramSalt, Secrets};
use super::lookup::Who;
use super::salt::SaltKey;

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

/// Derives the secrets of `password`. Takes milliseconds where SCRAM is among the schemes; each of its hashes has a thread, since
/// somebody waits at a prompt.
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
        scram: derive_scram(bytes, recipe, &scram_hashes),
        hash: None,
    }
}

fn derive_scram(password: &[u8], recipe: &Recipe<'_>, hashes: &[ScramHash]) -> Vec<ScramKeys> {
    let password = prep::scram_password(password);
    let who = Who::Account(recipe.identity.key());
    let keys = |hash: ScramHash| {
        let salt = recipe.salt_key.salt(hash, &who);
        ScramKeys::derive(hash, password.as_ref(), &salt, ScramSalt::Derived, recipe.iterations.of(hash))
    };
    let Some((last, others)) = hashes.split_last() else { return Vec::new() };
    thread::scope(|scope| {
        let keys = &keys;
        let running: Vec<_> =
            others.iter().map(|&hash| (hash, thread::Builder::new().spawn_scoped(scope, move || keys(hash)))).collect();
        let last = keys(*last);
        // Where no thread is to be had, this one does the work.
        let made = running
            .into_iter()
            .map(|(hash, thread)| thread.ok().and_then(|thread| thread.join().ok()).unwrap_or_else(|| keys(hash)));
        made.chain(core::iter::once(last)).collect()
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

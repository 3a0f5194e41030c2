//! What a login by PLAIN or LOGIN teaches: the password itself, of which schemes can be made that are lacking.

use core::fmt;

use crate::identity::Identity;
use crate::secret::Password;
use crate::vocabulary::Scheme;

use super::account::{Account, Label, Secrets};
use super::verify;

/// A password that was right, of which something can be made. It holds for the account as it was looked up: whoever writes
/// must find the same revision.
#[derive(PartialEq, Eq)]
pub struct Lesson {
    /// Whose password it is, as spelled at creation.
    pub identity: Identity,
    /// Which of the account's.
    pub label: Label,
    /// The revision of the account that was looked up.
    pub revision: u64,
    /// The password.
    pub password: Password,
}

impl Lesson {
    /// What `password`, which fits the account's password at `position`, teaches of the schemes in `wanted`. None if all of
    /// them are there, or if another password may have been set that fits as well: what is learnt is asked first from then
    /// on, and the one that was set would be wrong.
    #[must_use]
    pub fn of(account: &Account, position: usize, password: Password, wanted: &[Scheme]) -> Option<Self> {
        if wanted.is_empty() {
            return None;
        }
        let stored = account.passwords.get(position)?;
        if lacking(&stored.secrets, wanted).is_empty() || !verify::settles(&password, &stored.secrets) {
            return None;
        }
        let (identity, label) = (account.identity.clone(), stored.facts.label.clone());
        Some(Self { identity, label, revision: account.revision, password })
    }
}

impl fmt::Debug for Lesson {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Lesson({}, {:?})", self.identity, self.label.as_str())
    }
}

/// The schemes among `wanted` that can be made of a password and are not among `secrets`.
#[must_use]
pub fn lacking(secrets: &Secrets, wanted: &[Scheme]) -> Vec<Scheme> {
    let lacking = |scheme: &Scheme| *scheme != Scheme::Hash && !secrets.schemes().any(|known| known == *scheme);
    wanted.iter().copied().filter(lacking).collect()
}

impl Secrets {
    /// Takes a scheme away; false if it is not there.
    pub fn remove(&mut self, scheme: Scheme) -> bool {
        let had = self.schemes().any(|known| known == scheme);
        match scheme {
            Scheme::DigestMd5 => self.digest_md5.clear(),
            Scheme::CramMd5 => self.cram_md5 = None,
            Scheme::Scram(hash) => self.scram.retain(|keys| keys.hash != hash),
            Scheme::Hash => self.hash = None,
        }
        had
    }

    /// Takes the schemes of `other` that are lacking here, and says which.
    pub fn add_lacking(&mut self, other: Self) -> Vec<Scheme> {
        let mut added = Vec::new();
        if self.digest_md5.is_empty() && !other.digest_md5.is_empty() {
            self.digest_md5 = other.digest_md5;
            added.push(Scheme::DigestMd5);
        }
        if let (None, Some(states)) = (&self.cram_md5, other.cram_md5) {
            self.cram_md5 = Some(states);
            added.push(Scheme::CramMd5);
        }
        for keys in other.scram {
            if self.scram_keys(keys.hash).is_none() {
                added.push(Scheme::Scram(keys.hash));
                self.scram.push(keys);
            }
        }
        added
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::credential::{
        AccountState, Iterations, PasswordFacts, PasswordHash, Recipe, SaltKey, StoredPassword, derive,
    };
    use crate::identity::{Name, Realm, Realms};
    use crate::runtime::UnixTime;
    use crate::vocabulary::ScramHash;

    const SCRAM: Scheme = Scheme::Scram(ScramHash::Sha256);
    const BCRYPT: &str = "$2b$05$xxP7Bjthpng0rJNKRf028eEEdU547EQelsDG2ZW60Hc8EiUusE5Aa";
    const DES: &str = "abxxB7HlIeckU";

    fn password(text: &[u8]) -> Password {
        Password::new(text.to_vec()).unwrap()
    }

    fn made(text: &[u8], schemes: &[Scheme]) -> Secrets {
        let realm = Realm::new("example.org").unwrap();
        let recipe = Recipe {
            identity: &Identity::new(Name::new("joe").unwrap(), realm.clone()),
            realms: &Realms::new(realm, []),
            salt_key: &SaltKey::new([7; 32]),
            schemes,
            iterations: Iterations { usual: 64, bound: &[] },
        };
        derive(&password(text), &recipe)
    }

    fn account(secrets: Secrets) -> Account {
        Account {
            identity: Identity::new(Name::new("joe").unwrap(), Realm::new("example.org").unwrap()),
            state: AccountState::default(),
            revision: 7,
            created: UnixTime(0),
            changed: UnixTime(0),
            mechanisms: None,
            passwords: vec![StoredPassword { facts: PasswordFacts::unlimited(Label::main()), secrets }],
        }
    }

    fn hashed(text: &str) -> Secrets {
        Secrets { hash: Some(PasswordHash::parse(text).unwrap()), ..Secrets::default() }
    }

    fn lesson(secrets: Secrets, typed: &[u8], wanted: &[Scheme]) -> Option<Lesson> {
        Lesson::of(&account(secrets), 0, password(typed), wanted)
    }

    #[test]
    fn what_is_wanted_and_lacking_is_learnt() {
        let wanted = [Scheme::DigestMd5, SCRAM, Scheme::Hash];
        let learnt = lesson(made(b"secret", &[Scheme::DigestMd5]), b"secret", &wanted).unwrap();
        assert_eq!(
            (learnt.revision, learnt.label.as_str(), learnt.password.expose()),
            (7, "main", b"secret".as_slice())
        );
        assert_eq!(format!("{learnt:?}"), "Lesson(joe@example.org, \"main\")");
        assert_eq!(lacking(&made(b"secret", &[Scheme::DigestMd5]), &wanted), [SCRAM]);
        assert_eq!(lacking(&hashed(BCRYPT), &wanted), [Scheme::DigestMd5, SCRAM]);
        assert!(lesson(made(b"secret", &[Scheme::DigestMd5, SCRAM]), b"secret", &wanted).is_none());
        assert!(lesson(hashed(BCRYPT), b"secret", &[]).is_none());
        assert!(lesson(hashed(BCRYPT), b"secret", &[Scheme::Hash]).is_none());
        assert!(Lesson::of(&account(hashed(BCRYPT)), 1, password(b"secret"), &wanted).is_none());
    }

    #[test]
    fn nothing_is_learnt_from_a_hash_that_others_may_fit_too() {
        for (hash, typed, certain) in [
            (DES, "1234567", false),
            (DES, "123456789", false),
            (BCRYPT, &"x".repeat(71), true),
            (BCRYPT, &"x".repeat(72), false),
            (BCRYPT, &"x".repeat(73), false),
        ] {
            assert_eq!(lesson(hashed(hash), typed.as_bytes(), &[SCRAM]).is_some(), certain, "{hash} {typed}");
        }
        // What is asked is then the digest, which is of the whole password.
        let both = Secrets { hash: hashed(DES).hash, ..made(b"123456789", &[Scheme::DigestMd5]) };
        assert!(lesson(both, b"123456789", &[SCRAM]).is_some());
    }

    #[test]
    fn nothing_is_learnt_where_another_form_may_have_been_set() {
        for (typed, certain) in [
            ("pässword".as_bytes(), true),
            ("pa\u{308}ss".as_bytes(), false),
            ("\u{2168}".as_bytes(), false),
            // Not UTF-8: no character set is certain, and it may be the hash of a long password, which HMAC takes for it.
            (b"p\xE4ss", false),
        ] {
            let learnt = lesson(made(typed, &[Scheme::CramMd5]), typed, &[SCRAM]);
            assert_eq!(learnt.is_some(), certain, "{}", typed.escape_ascii());
        }
    }

    #[test]
    fn a_scheme_is_taken_away_alone() {
        for scheme in Scheme::DERIVED {
            let mut secrets = made(b"secret", &Scheme::DERIVED);
            assert!(secrets.remove(scheme) && !secrets.remove(scheme));
            assert!(secrets.schemes().eq(Scheme::DERIVED.into_iter().filter(|other| *other != scheme)));
        }
        assert!(hashed(DES).remove(Scheme::Hash));
    }

    #[test]
    fn what_is_there_is_not_replaced() {
        let mut secrets = made(b"secret", &[Scheme::DigestMd5]);
        let kept = secrets.digest_md5[0].clone();
        assert_eq!(secrets.add_lacking(made(b"other", &Scheme::DERIVED)), Scheme::DERIVED[1..]);
        assert!(secrets.digest_md5[0].hash.equals(kept.hash.expose()));
        assert_eq!(secrets.add_lacking(made(b"other", &Scheme::DERIVED)), []);
    }
}

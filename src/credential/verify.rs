//! A password as PLAIN and LOGIN bring it, checked against the cheapest secret that is stored of each of the account's.
//!
//! A slow secret beside a fast one protects nothing, so the fast one is used. The fast checks come first; those that take
//! milliseconds are a step of their own, so that the caller can run it where blocking is allowed.

use subtle::{Choice, ConstantTimeEq};

use crate::identity::Identity;
use crate::prep;
use crate::secret::Password;
use crate::vocabulary::ScramHash;

use super::account::{Account, CramMd5States, DigestMd5Hash, PasswordSet, ScramKeys, ScramSalt, Secrets};
use super::lookup::Lookup;
use super::scram::{self, ScramOutput};

/// The secret against which a password is checked.
enum Cheapest<'a> {
    DigestMd5(&'a [DigestMd5Hash]),
    CramMd5(&'a CramMd5States),
    Scram(&'a ScramKeys),
}

impl<'a> Cheapest<'a> {
    /// HMAC-MD5 keys have twins (a key over 64 bytes and its hash are one), so those states come last. Imported hashes are not
    /// checked yet: their place is between SCRAM and CRAM-MD5, among the slow ones.
    fn of(secrets: &'a Secrets) -> Option<Self> {
        if !secrets.digest_md5.is_empty() {
            Some(Self::DigestMd5(&secrets.digest_md5))
        } else if let Some(keys) = secrets.scram.iter().min_by_key(|keys| cost(keys)) {
            Some(Self::Scram(keys))
        } else if secrets.hash.is_none() {
            secrets.cram_md5.as_ref().map(Self::CramMd5)
        } else {
            None
        }
    }
}

/// What PBKDF2 costs for these keys, in some unit: measured rounds of the three hashes compare as 9 to 10 to 49.
fn cost(keys: &ScramKeys) -> u64 {
    let round: u64 = match keys.hash {
        ScramHash::Sha1 => 9,
        ScramHash::Sha256 => 10,
        ScramHash::Sha512 => 49,
    };
    round.saturating_mul(u64::from(keys.iterations))
}

/// The passwords that `password` is, as far as checks of a microsecond can tell. The forms in which it may have been set are
/// tried until one of `wanted` fits; every password of the account is compared with each.
#[must_use]
pub fn check_fast(password: &Password, account: &Account, wanted: PasswordSet) -> PasswordSet {
    let other = prep::other_password_form(password.expose());
    let mut found = PasswordSet::default();
    for form in [Some(password.expose()), other.as_ref().map(|form| form.as_slice())].into_iter().flatten() {
        found = found.union(fitting_digest_md5(form, account, wanted)).union(fitting_cram_md5(form, account));
        if !found.intersection(wanted).is_empty() {
            break;
        }
    }
    found
}

/// Whether any password of the account can be checked by [`check_slowly`] only.
#[must_use]
pub fn needs_slow_check(account: &Account) -> bool {
    account.passwords.iter().any(|p| matches!(Cheapest::of(&p.secrets), Some(Cheapest::Scram(_))))
}

/// The passwords that `password` is, among those that [`check_fast`] leaves out. Takes milliseconds for each salt and count.
#[must_use]
pub fn check_slowly(password: &Password, lookup: &Lookup, wanted: PasswordSet) -> PasswordSet {
    let prepared = prep::scram_password(password.expose());
    // Other programs stored keys of passwords that they had not prepared.
    let raw = (prepared.as_slice() != password.expose()).then(|| password.expose());
    let mut found = PasswordSet::default();
    for form in [Some(prepared.as_slice()), raw].into_iter().flatten() {
        found = found.union(fitting_scram(form, lookup));
        if !found.intersection(wanted).is_empty() {
            break;
        }
    }
    found
}

/// The stored hash is of a spelling, and any that the account's own name gives may be there; one made here always has the
/// first. Every wrong password goes through all of them, whatever is stored.
fn fitting_digest_md5(password: &[u8], account: &Account, wanted: PasswordSet) -> PasswordSet {
    let Identity { name, realm } = &account.identity;
    let (name, own) = (name.as_str().as_bytes(), realm.as_str().as_bytes());
    let qualified: [&[u8]; 3] = [name, b"@", own];
    let bare: [&[u8]; 3] = [name, b"", b""];
    let mut found = PasswordSet::default();
    for (username, realm) in [(bare, own), (qualified, own), (qualified, b""), (bare, b"")] {
        let hash = DigestMd5Hash::hash(&username, realm, password);
        let fits = |secrets: &Secrets| match Cheapest::of(secrets) {
            // No early end: which of the hashes fits is nobody's business.
            Some(Cheapest::DigestMd5(all)) => {
                all.iter().fold(Choice::from(0), |found, stored| found | stored.is(&hash)).into()
            }
            _ => false,
        };
        found = found.union(fitting(account, fits));
        if !found.intersection(wanted).is_empty() {
            break;
        }
    }
    found
}

fn fitting_cram_md5(password: &[u8], account: &Account) -> PasswordSet {
    let mut made = None;
    fitting(account, |secrets| match Cheapest::of(secrets) {
        Some(Cheapest::CramMd5(states)) => {
            let ours = made.get_or_insert_with(|| CramMd5States::derive(password));
            states.inner.equals(ours.inner.expose()) & states.outer.equals(ours.outer.expose())
        }
        _ => false,
    })
}

fn fitting_scram(password: &[u8], lookup: &Lookup) -> PasswordSet {
    // Passwords of an account share salt and count as a rule, so one derivation serves them all.
    let mut made: Vec<(ScramHash, &ScramSalt, u32, ScramOutput)> = Vec::new();
    fitting(&lookup.account, |secrets| {
        let Some(Cheapest::Scram(keys)) = Cheapest::of(secrets) else { return false };
        let known = made.iter().find(|(hash, salt, iterations, _)| {
            (*hash, *salt, *iterations) == (keys.hash, &keys.salt, keys.iterations)
        });
        if let Some((.., ours)) = known {
            return ours.expose().ct_eq(keys.stored_key.expose()).into();
        }
        let salted = scram::salted_password(keys.hash, password, &lookup.salt_of(keys), keys.iterations);
        let ours = scram::stored_key(keys.hash, &salted);
        let fits = ours.expose().ct_eq(keys.stored_key.expose()).into();
        made.push((keys.hash, &keys.salt, keys.iterations, ours));
        fits
    })
}

fn fitting<'a>(account: &'a Account, mut fits: impl FnMut(&'a Secrets) -> bool) -> PasswordSet {
    let passwords = account.passwords.iter().enumerate();
    passwords.filter(|(_, p)| fits(&p.secrets)).map(|(position, _)| position).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secret::SecretBytes;

    fn keys(hash: ScramHash, iterations: u32) -> ScramKeys {
        let key = || SecretBytes::new(vec![0; hash.output_len()]);
        ScramKeys { hash, salt: ScramSalt::Derived, iterations, stored_key: key(), server_key: key() }
    }

    #[test]
    fn among_scram_keys_those_of_the_least_work_are_used() {
        for (scram, cheapest) in [
            (
                vec![keys(ScramHash::Sha512, 4096), keys(ScramHash::Sha256, 4096), keys(ScramHash::Sha1, 4096)],
                ScramHash::Sha1,
            ),
            (vec![keys(ScramHash::Sha1, 10_000), keys(ScramHash::Sha256, 4096)], ScramHash::Sha256),
            (vec![keys(ScramHash::Sha512, 4096), keys(ScramHash::Sha256, 100_000)], ScramHash::Sha512),
        ] {
            let secrets = Secrets { scram, ..Secrets::default() };
            match Cheapest::of(&secrets) {
                Some(Cheapest::Scram(keys)) => assert_eq!(keys.hash, cheapest),
                _ => panic!("no SCRAM keys"),
            }
        }
    }
}

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
use super::hash::{Cost, PasswordHash};
use super::lookup::Lookup;
use super::scram::{self, ScramOutput};

/// The secret against which a password is checked.
enum Cheapest<'a> {
    DigestMd5(&'a [DigestMd5Hash]),
    Hash(&'a PasswordHash),
    Scram(&'a ScramKeys),
    CramMd5(&'a CramMd5States),
}

impl<'a> Cheapest<'a> {
    /// Of the slow ones SCRAM comes first: some hashes look at a part of the password only. HMAC-MD5 keys have twins (a key
    /// over 64 bytes and its hash are one), so those states come last.
    fn of(secrets: &'a Secrets) -> Option<Self> {
        if !secrets.digest_md5.is_empty() {
            return Some(Self::DigestMd5(&secrets.digest_md5));
        }
        match (&secrets.hash, secrets.scram.iter().min_by_key(|keys| cost(keys))) {
            (Some(hash), _) if hash.cost() == Cost::Fast => Some(Self::Hash(hash)),
            (_, Some(keys)) => Some(Self::Scram(keys)),
            (Some(hash), None) => Some(Self::Hash(hash)),
            (None, None) => secrets.cram_md5.as_ref().map(Self::CramMd5),
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
    in_either(password.expose(), other.as_ref().map(|form| form.as_slice()), wanted, |form| {
        let digests = fitting_digest_md5(form, account, wanted).union(fitting_hash(form, account, Cost::Fast));
        if digests.intersection(wanted).is_empty() { digests.union(fitting_cram_md5(form, account)) } else { digests }
    })
}

/// Whether it is the password at `position`, by whatever it takes: up to half a second.
#[must_use]
pub fn is_password(password: &Password, lookup: &Lookup, position: usize) -> bool {
    let wanted = core::iter::once(position).collect();
    let found = || check_fast(password, &lookup.account, wanted);
    found().contains(position) || check_slowly(password, lookup, wanted).contains(position)
}

/// Whether `password`, which fits `secrets`, must be the one that was set, byte for byte. One that has another form may fit by that,
/// and one that is no text may be the hash of a long password, which HMAC takes for it.
#[must_use]
pub(super) fn settles(password: &Password, secrets: &Secrets) -> bool {
    let bytes = password.expose();
    let in_one_form = core::str::from_utf8(bytes).is_ok() && prep::other_password_form(bytes).is_none();
    let fits_no_other = match Cheapest::of(secrets) {
        Some(Cheapest::Hash(hash)) => !hash.fits_others_than(password),
        Some(Cheapest::DigestMd5(_) | Cheapest::Scram(_) | Cheapest::CramMd5(_)) => true,
        None => false,
    };
    in_one_form && fits_no_other
}

/// What `check` finds for the first form, and if nothing of that is wanted, for the second.
fn in_either(
    first: &[u8],
    second: Option<&[u8]>,
    wanted: PasswordSet,
    check: impl Fn(&[u8]) -> PasswordSet,
) -> PasswordSet {
    let found = check(first);
    match second {
        Some(second) if found.intersection(wanted).is_empty() => found.union(check(second)),
        _ => found,
    }
}

/// Whether any password of the account can be checked by [`check_slowly`] only.
#[must_use]
pub fn needs_slow_check(account: &Account) -> bool {
    account.passwords.iter().any(|password| match Cheapest::of(&password.secrets) {
        Some(Cheapest::Scram(_)) => true,
        Some(Cheapest::Hash(hash)) => hash.cost() == Cost::Slow,
        Some(Cheapest::DigestMd5(_) | Cheapest::CramMd5(_)) | None => false,
    })
}

/// The passwords that `password` is, among those that [`check_fast`] leaves out. Takes milliseconds for each salt and count, up to
/// half a second for a hash.
#[must_use]
pub fn check_slowly(password: &Password, lookup: &Lookup, wanted: PasswordSet) -> PasswordSet {
    let raw = password.expose();
    let prepared = prep::scram_password(raw);
    // Other programs stored keys of passwords that they had not prepared.
    let unprepared = (prepared.as_slice() != raw).then_some(raw);
    let found = in_either(&prepared, unprepared, wanted, |form| fitting_scram(form, lookup));
    if !found.intersection(wanted).is_empty() {
        return found;
    }
    let other = prep::other_password_form(raw);
    let hashes = in_either(raw, other.as_ref().map(|form| form.as_slice()), wanted, |form| {
        fitting_hash(form, &lookup.account, Cost::Slow)
    });
    found.union(hashes)
}

/// The spellings of which PLAIN and LOGIN compare the hash, the pair that one made here always has first.
fn spellings(identity: &Identity) -> [([&[u8]; 3], &[u8]); 4] {
    let (name, own) = (identity.name.as_str().as_bytes(), identity.realm.as_str().as_bytes());
    let qualified: [&[u8]; 3] = [name, b"@", own];
    let bare: [&[u8]; 3] = [name, b"", b""];
    [(bare, own), (qualified, own), (qualified, b""), (bare, b"")]
}

/// Whether PLAIN and LOGIN find a DIGEST-MD5 hash of `username` and `realm`, if it is the account's only one.
#[must_use]
pub fn finds_spelling(identity: &Identity, username: &str, realm: &str) -> bool {
    let is_it = |(name, own): ([&[u8]; 3], &[u8])| name.concat() == username.as_bytes() && own == realm.as_bytes();
    spellings(identity).into_iter().any(is_it)
}

/// The stored hash is of a spelling, and any that the account's own name gives may be there. Every wrong password goes through
/// all of them, whatever is stored.
fn fitting_digest_md5(password: &[u8], account: &Account, wanted: PasswordSet) -> PasswordSet {
    let mut found = PasswordSet::default();
    for (username, realm) in spellings(&account.identity) {
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

fn fitting_hash(password: &[u8], account: &Account, cost: Cost) -> PasswordSet {
    fitting(account, |secrets| match Cheapest::of(secrets) {
        Some(Cheapest::Hash(hash)) => hash.cost() == cost && hash.verify_bytes(password),
        _ => false,
    })
}

fn fitting_cram_md5(password: &[u8], account: &Account) -> PasswordSet {
    // Made whether anything is stored or not, so that a wrong password takes as long for either.
    let ours = CramMd5States::derive(password);
    fitting(account, |secrets| match Cheapest::of(secrets) {
        Some(Cheapest::CramMd5(states)) => {
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

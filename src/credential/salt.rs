//! SCRAM salts and iteration counts: one function for accounts and for names that do not exist.

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::secret::SecretArray;
use crate::vocabulary::ScramHash;

use super::lookup::Who;

/// Length of a derived salt in bytes.
pub const SALT_LEN: usize = 16;

/// The database's salt key: random, made once, never changed, because the salts of all accounts hang on it.
#[derive(Debug)]
pub struct SaltKey(SecretArray<32>);

impl SaltKey {
    /// Takes the key's bytes.
    #[must_use]
    pub fn new(bytes: [u8; 32]) -> Self {
        Self(SecretArray::new(bytes))
    }

    /// The key's bytes, for sealing.
    #[must_use]
    pub fn expose(&self) -> &[u8; 32] {
        self.0.expose()
    }

    /// The salt of this name: HMAC-SHA-256(salt key, purpose, scheme, name), cut to [`SALT_LEN`].
    #[must_use]
    pub fn salt(&self, hash: ScramHash, who: &Who) -> [u8; SALT_LEN] {
        let mac = self.mac(b"salt", hash.mechanism().name(), who);
        let mut salt = [0; SALT_LEN];
        salt.iter_mut().zip(mac).for_each(|(to, from)| *to = from);
        salt
    }

    /// A salt of this name as long as the imported ones that others have.
    #[must_use]
    pub fn salt_of_length(&self, hash: ScramHash, who: &Who, length: usize) -> Vec<u8> {
        let block = |purpose: &[u8]| self.mac(purpose, hash.mechanism().name(), who);
        let purposes: [&[u8]; 4] = [b"salt", b"salt, 2nd block", b"salt, 3rd block", b"salt, 4th block"];
        purposes.into_iter().take(length.div_ceil(32)).flat_map(block).cycle().take(length).collect()
    }

    /// A number that stays the same for this name, evenly spread: it picks an iteration count where there are no keys.
    #[must_use]
    pub fn fraction(&self, hash: ScramHash, who: &Who) -> u64 {
        number(&self.mac(b"count", hash.mechanism().name(), who))
    }

    /// Another such number: it picks a decoy's shape.
    #[must_use]
    pub fn place(&self, who: &Who) -> u64 {
        number(&self.mac(b"shape", "", who))
    }

    fn mac(&self, purpose: &[u8], scheme: &str, who: &Who) -> [u8; 32] {
        // HMAC takes keys of any length; the fallback never runs and would only make salts that fit nobody.
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(self.0.expose()) else { return [0; 32] };
        mac.update(purpose);
        mac.update(scheme.as_bytes());
        match who {
            Who::Account(key) => {
                mac.update(&[1]);
                mac.update(key.name().as_bytes());
                // No name holds an `@`, so name and realm cannot run into each other.
                mac.update(b"@");
                mac.update(key.realm().as_bytes());
            }
            Who::Nobody(bytes) => {
                mac.update(&[0]);
                mac.update(bytes);
            }
        }
        mac.finalize().into_bytes().into()
    }
}

/// The first eight bytes.
fn number(mac: &[u8; 32]) -> u64 {
    mac.iter().take(8).fold(0, |n, &byte| n.rotate_left(8) | u64::from(byte))
}

/// Which iteration counts are in use, for each hash, and by how many passwords.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IterationCensus {
    usual: u32,
    rows: Vec<(ScramHash, u32, u64)>,
}

impl IterationCensus {
    /// `rows` are (hash, iteration count, passwords) in a stable order; `usual` is the count of a new password, used where
    /// none is in use yet.
    #[must_use]
    pub fn new(usual: u32, rows: Vec<(ScramHash, u32, u64)>) -> Self {
        Self { usual, rows }
    }

    /// Picks a count as often as it is in use; `fraction` is the name's place in the range of all u64.
    #[must_use]
    pub fn pick(&self, hash: ScramHash, fraction: u64) -> u32 {
        let rows = self.rows.iter().filter(|(h, _, _)| *h == hash);
        pick(rows.map(|(_, iterations, passwords)| (*iterations, *passwords)), fraction).unwrap_or(self.usual)
    }
}

/// The row in whose share `fraction` falls; `rows` are what to pick and how many have it. None only where nobody has anything.
pub(super) fn pick<T>(mut rows: impl Iterator<Item = (T, u64)> + Clone, fraction: u64) -> Option<T> {
    let total = rows.clone().fold(0u64, |sum, (_, many)| sum.saturating_add(many));
    let place = u128::from(fraction).wrapping_mul(u128::from(total)).wrapping_shr(64);
    let mut seen = 0u128;
    let row = rows.find(|(_, many)| {
        seen = seen.saturating_add(u128::from(*many));
        place < seen
    });
    row.map(|(row, _)| row)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identity::{Identity, Name, Realm};

    fn who(name: &str) -> Who {
        Who::Account(Identity::new(Name::new(name).unwrap(), Realm::new("example.com").unwrap()).key())
    }

    #[test]
    fn salts_are_stable_and_differ_by_name_hash_and_key() {
        let key = SaltKey::new([7; 32]);
        let salt = key.salt(ScramHash::Sha256, &who("joe"));
        assert_eq!(salt, key.salt(ScramHash::Sha256, &who("JOE")));
        assert_ne!(salt, key.salt(ScramHash::Sha1, &who("joe")));
        assert_ne!(salt, key.salt(ScramHash::Sha256, &who("ann")));
        assert_ne!(salt, key.salt(ScramHash::Sha256, &Who::Nobody(b"joe@example.com".to_vec())));
        assert_ne!(salt, SaltKey::new([8; 32]).salt(ScramHash::Sha256, &who("joe")));
    }

    #[test]
    fn decoy_counts_follow_those_in_use() {
        let census = IterationCensus::new(
            10_000,
            vec![(ScramHash::Sha1, 9, 5), (ScramHash::Sha256, 4096, 1), (ScramHash::Sha256, 20_000, 3)],
        );
        assert_eq!(census.pick(ScramHash::Sha256, 0), 4096);
        assert_eq!(census.pick(ScramHash::Sha256, u64::MAX / 4 + 1), 20_000);
        assert_eq!(census.pick(ScramHash::Sha256, u64::MAX), 20_000);
        assert_eq!(census.pick(ScramHash::Sha512, 77), 10_000);
    }
}

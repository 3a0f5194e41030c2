//! `$5$` and `$6$`: SHA256-CRYPT and SHA512-CRYPT (Ulrich Drepper, 2007).

use crate::secret::SecretBytes;

use super::cost::{MAX_CRYPT_PASSWORD, MAX_SHA_ROUNDS, count, too_costly};
use super::{HashError, PasswordHash, crypt};

#[derive(Clone, Copy)]
pub(super) enum Flavour {
    Sha256,
    Sha512,
}

#[derive(Clone)]
pub(super) struct Method {
    flavour: Flavour,
    rounds: sha_crypt::Params,
    salt: String,
}

/// The place in the digest of each byte as it is written.
const ORDER_256: [u8; 32] = [
    20, 10, 0, 11, 1, 21, 2, 22, 12, 23, 13, 3, 14, 4, 24, 5, 25, 15, 26, 16, 6, 17, 7, 27, 8, 28, 18, 29, 19, 9, 30,
    31,
];
const ORDER_512: [u8; 64] = [
    42, 21, 0, 1, 43, 22, 23, 2, 44, 45, 24, 3, 4, 46, 25, 26, 5, 47, 48, 27, 6, 7, 49, 28, 29, 8, 50, 51, 30, 9, 10,
    52, 31, 32, 11, 53, 54, 33, 12, 13, 55, 34, 35, 14, 56, 57, 36, 15, 16, 58, 37, 38, 17, 59, 60, 39, 18, 19, 61, 40,
    41, 20, 62, 63,
];

impl Flavour {
    const fn name(self) -> &'static str {
        match self {
            Self::Sha256 => "SHA256-CRYPT",
            Self::Sha512 => "SHA512-CRYPT",
        }
    }

    const fn order(self) -> &'static [u8] {
        match self {
            Self::Sha256 => &ORDER_256,
            Self::Sha512 => &ORDER_512,
        }
    }
}

/// Reads `rest`, which follows the id in `text`.
pub(super) fn parse(flavour: Flavour, rest: &str, text: &str) -> Result<PasswordHash, HashError> {
    let malformed = HashError::Malformed(flavour.name());
    let (first, after) = rest.split_once('$').ok_or(malformed)?;
    let (rounds, salt, digest) = match first.strip_prefix("rounds=") {
        Some(rounds) => {
            let (salt, digest) = after.split_once('$').ok_or(malformed)?;
            (count(rounds).ok_or(malformed)?, salt, digest)
        }
        None => (sha_crypt::Params::RECOMMENDED_ROUNDS, first, after),
    };
    if rounds > MAX_SHA_ROUNDS {
        return Err(too_costly(flavour.name(), "1,000,000 rounds"));
    }
    if salt.len() > 16 || !crypt::is_salt(salt) {
        return Err(malformed);
    }
    let rounds = sha_crypt::Params::new(rounds).map_err(|_| malformed)?;
    let digest = crypt::decode(digest, flavour.order()).ok_or(malformed)?;
    let method = Method { flavour, rounds, salt: salt.to_owned() };
    Ok(PasswordHash::new(super::Method::ShaCrypt(method), digest, text.to_owned()))
}

impl Method {
    pub(super) const fn name(&self) -> &'static str {
        self.flavour.name()
    }

    /// The digest of `password`; none of one that crypt(3) does not take.
    pub(super) fn digest(&self, password: &[u8]) -> Option<SecretBytes> {
        if password.len() > MAX_CRYPT_PASSWORD {
            return None;
        }
        let salt = self.salt.as_bytes();
        Some(SecretBytes::new(match self.flavour {
            Flavour::Sha256 => sha_crypt::sha256_crypt(password, salt, self.rounds).to_vec(),
            Flavour::Sha512 => sha_crypt::sha512_crypt(password, salt, self.rounds).to_vec(),
        }))
    }
}

//! `$2a$`, `$2b$`, `$2y$`: bcrypt (Provos and Mazières, 1999), BLF-CRYPT.
//!
//! The three ids are one algorithm. libxcrypt computes `$2a$` otherwise for a few passwords with bytes 0xFF, on purpose;
//! those are in no character set, and fit nothing here.

use base64ct::{Base64Bcrypt, Encoding};
use zeroize::Zeroizing;

use crate::secret::SecretBytes;

use super::cost::{MAX_BCRYPT_COST, too_costly};
use super::{HashError, PasswordHash};

pub(super) const NAME: &str = "BLF-CRYPT";

/// bcrypt looks at so many bytes of a password, and ignores the rest.
pub(super) const MAX_PASSWORD: usize = 72;

/// The digest has 24 bytes, of which the last is not written.
const DIGEST: usize = 23;

#[derive(Clone)]
pub(super) struct Method {
    cost: u32,
    salt: [u8; 16],
}

/// Reads `rest`, which follows the id in `text`: two digits, `$`, 22 characters of salt and 31 of digest.
pub(super) fn parse(rest: &str, text: &str) -> Result<PasswordHash, HashError> {
    let malformed = HashError::Malformed(NAME);
    let (cost, rest) = rest.split_once('$').ok_or(malformed)?;
    let cost: u32 = match cost.as_bytes() {
        [b'0'..=b'3', b'0'..=b'9'] => cost.parse().map_err(|_| malformed)?,
        _ => return Err(malformed),
    };
    if !(4..=31).contains(&cost) {
        return Err(malformed);
    }
    if cost > MAX_BCRYPT_COST {
        return Err(too_costly(NAME, "cost 13"));
    }
    let (salt, digest) = rest.split_at_checked(22).ok_or(malformed)?;
    let salt = Base64Bcrypt::decode_vec(salt).ok().and_then(|salt| salt.try_into().ok()).ok_or(malformed)?;
    let digest = SecretBytes::new(Base64Bcrypt::decode_vec(digest).map_err(|_| malformed)?);
    if digest.expose().len() != DIGEST {
        return Err(malformed);
    }
    Ok(PasswordHash::new(super::Method::Bcrypt(Method { cost, salt }), digest, text.to_owned()))
}

impl Method {
    pub(super) fn digest(&self, password: &[u8]) -> SecretBytes {
        // The key is the password with its NUL, as far as there is room.
        let mut key = Zeroizing::new([0u8; MAX_PASSWORD]);
        key.iter_mut().zip(password).for_each(|(to, from)| *to = *from);
        let length = password.len().saturating_add(1).min(MAX_PASSWORD);
        let made = Zeroizing::new(bcrypt::bcrypt(self.cost, self.salt, key.get(..length).unwrap_or(key.as_slice())));
        SecretBytes::from(made.get(..DIGEST).unwrap_or_default())
    }
}

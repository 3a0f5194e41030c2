//! Dovecot's `{PBKDF2}`: `$1$salt$iterations$digest`, PBKDF2-HMAC-SHA-1 with the digest in hex. The text of the salt is the
//! salt.

use crate::credential::pbkdf2::pbkdf2;
use crate::secret::SecretBytes;
use crate::vocabulary::ScramHash;

use super::cost::{MAX_PBKDF2_ITERATIONS, too_costly};
use super::label::decode_hex;
use super::{HashError, PasswordHash};

pub(super) const NAME: &str = "PBKDF2";

const DIGEST: usize = 20;

#[derive(Clone)]
pub(super) struct Method {
    salt: String,
    iterations: u32,
}

/// Reads what follows the label.
pub(super) fn parse(text: &str) -> Result<PasswordHash, HashError> {
    let malformed = HashError::Malformed(NAME);
    let mut fields = text.strip_prefix("$1$").ok_or(malformed)?.split('$');
    let (Some(salt), Some(iterations), Some(hex), None) = (fields.next(), fields.next(), fields.next(), fields.next())
    else {
        return Err(malformed);
    };
    if salt.len() > 64 || !salt.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(malformed);
    }
    if iterations.is_empty() || iterations.starts_with('0') || !iterations.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(malformed);
    }
    let iterations = iterations.parse().unwrap_or(u32::MAX);
    if iterations > MAX_PBKDF2_ITERATIONS {
        return Err(too_costly(NAME, "4,000,000 iterations"));
    }
    let digest = SecretBytes::new(decode_hex(hex).ok_or(malformed)?);
    if digest.expose().len() != DIGEST {
        return Err(malformed);
    }
    let canonical = format!("{{PBKDF2}}$1${salt}${iterations}${}", hex.to_ascii_lowercase());
    let method = Method { salt: salt.to_owned(), iterations };
    Ok(PasswordHash::new(super::Method::Pbkdf2(method), digest, canonical))
}

impl Method {
    pub(super) fn digest(&self, password: &[u8]) -> SecretBytes {
        let mut made = vec![0; DIGEST];
        pbkdf2(ScramHash::Sha1, password, self.salt.as_bytes(), self.iterations, &mut made);
        SecretBytes::new(made)
    }
}

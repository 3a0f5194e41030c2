//! `$y$`, yescrypt (Debian's default since 11), and its ancestor `$7$`, scrypt (RFC 7914), in libxcrypt's forms.

use base64ct::{Base64ShaCrypt, Encoding};

use crate::secret::SecretBytes;

use super::cost::{MAX_CRYPT_PASSWORD, MAX_MEMORY, MAX_SCRYPT_WORK, too_costly};
use super::{HashError, PasswordHash, crypt};

pub(super) const NAME: &str = "yescrypt";
pub(super) const SCRYPT: &str = "scrypt";

const DIGEST: usize = 32;

#[derive(Clone)]
pub(super) struct Method {
    parameters: yescrypt::Params,
    salt: Vec<u8>,
}

/// Reads `rest`, which follows the id in `text`: parameters, salt and digest.
pub(super) fn parse(rest: &str, text: &str) -> Result<PasswordHash, HashError> {
    let malformed = HashError::Malformed(NAME);
    let (parameters, after) = rest.split_once('$').ok_or(malformed)?;
    let (salt, digest) = after.split_once('$').ok_or(malformed)?;
    let given: yescrypt::Params = parameters.parse().map_err(|_| malformed)?;
    if memory(given.n(), given.r()).is_none_or(|memory| memory > MAX_MEMORY) {
        return Err(too_costly(NAME, "256 MiB of memory"));
    }
    // libxcrypt chooses N and r, and leaves flavour, parallelism, time and upgrades at their defaults.
    let usual = yescrypt::Params::new(yescrypt::Mode::default(), given.n(), given.r(), 1).map_err(|_| malformed)?;
    if given.n() < 4 || usual.to_string() != parameters {
        return Err(malformed);
    }
    if salt.len() > 86 {
        return Err(malformed);
    }
    let salt = Base64ShaCrypt::decode_vec(salt).map_err(|_| malformed)?;
    let digest = read_digest(digest).ok_or(malformed)?;
    Ok(PasswordHash::new(super::Method::Yescrypt(Method { parameters: usual, salt }), digest, text.to_owned()))
}

/// N blocks of 128 r bytes.
fn memory(n: u64, r: u32) -> Option<u64> {
    n.checked_mul(u64::from(r))?.checked_mul(128)
}

fn read_digest(text: &str) -> Option<SecretBytes> {
    let digest = SecretBytes::new(Base64ShaCrypt::decode_vec(text).ok()?);
    (digest.expose().len() == DIGEST).then_some(digest)
}

impl Method {
    /// The digest of `password`; none of one that crypt(3) does not take.
    pub(super) fn digest(&self, password: &[u8]) -> Option<SecretBytes> {
        if password.len() > MAX_CRYPT_PASSWORD {
            return None;
        }
        let mut made = vec![0; DIGEST];
        yescrypt::yescrypt(password, &self.salt, &self.parameters, &mut made).ok()?;
        Some(SecretBytes::new(made))
    }
}

#[derive(Clone)]
pub(super) struct ScryptMethod {
    parameters: scrypt::Params,
    salt: String,
}

/// Reads `rest`, which follows the id in `text`: log2 N in one character, r and p in five each, the salt, and the digest.
pub(super) fn parse_scrypt(rest: &str, text: &str) -> Result<PasswordHash, HashError> {
    let malformed = HashError::Malformed(SCRYPT);
    let (setting, digest) = rest.split_once('$').ok_or(malformed)?;
    let (log_n, setting) = setting.split_at_checked(1).ok_or(malformed)?;
    let (r, setting) = setting.split_at_checked(5).ok_or(malformed)?;
    let (p, salt) = setting.split_at_checked(5).ok_or(malformed)?;
    let (log_n, r, p) = (number(log_n).ok_or(malformed)?, number(r).ok_or(malformed)?, number(p).ok_or(malformed)?);
    if log_n == 0 || r == 0 || p == 0 || salt.len() > 86 || !crypt::is_salt(salt) {
        return Err(malformed);
    }
    let memory = 1u64.checked_shl(log_n).and_then(|n| memory(n, r)).filter(|memory| *memory <= MAX_MEMORY);
    let work = memory.and_then(|memory| memory.checked_mul(u64::from(p)));
    if work.is_none_or(|work| work > MAX_SCRYPT_WORK) {
        return Err(too_costly(SCRYPT, "128 MiB of memory times parallelism"));
    }
    let log_n = u8::try_from(log_n).map_err(|_| malformed)?;
    let parameters = scrypt::Params::new(log_n, r, p).map_err(|_| malformed)?;
    let digest = read_digest(digest).ok_or(malformed)?;
    let method = ScryptMethod { parameters, salt: salt.to_owned() };
    Ok(PasswordHash::new(super::Method::Scrypt(method), digest, text.to_owned()))
}

/// A number in crypt's base64, least digit first.
fn number(text: &str) -> Option<u32> {
    text.bytes().rev().try_fold(0u32, |number, byte| Some(number.checked_mul(64)? | crypt::six_bits(byte)?))
}

impl ScryptMethod {
    /// The digest of `password`; none of one that crypt(3) does not take.
    pub(super) fn digest(&self, password: &[u8]) -> Option<SecretBytes> {
        if password.len() > MAX_CRYPT_PASSWORD {
            return None;
        }
        let mut made = vec![0; DIGEST];
        // The salt is used as it is written, not decoded.
        scrypt::scrypt(password, self.salt.as_bytes(), &self.parameters, &mut made).ok()?;
        Some(SecretBytes::new(made))
    }
}

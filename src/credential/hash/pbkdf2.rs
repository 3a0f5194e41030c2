//! PBKDF2 (RFC 8018), as two programs write it.
//!
//! Dovecot's `{PBKDF2}`: `$1$salt$iterations$digest`, with SHA-1 and the digest in hex; the text of the salt is the salt.
//! OpenLDAP's `{PBKDF2-SHA256}` and the like (contrib/slapd-modules/passwd/pbkdf2): `iterations$salt$digest`, both in base64 with `.`
//! in the place of `+`; its `{PBKDF2}` is with SHA-1.

use base64ct::{Base64Unpadded, Encoding as _};
use zeroize::Zeroizing;

use crate::credential::pbkdf2::pbkdf2;
use crate::secret::SecretBytes;
use crate::vocabulary::ScramHash;

use super::cost::{
    MAX_PBKDF2_ITERATIONS, MAX_PBKDF2_SHA256_ITERATIONS, MAX_PBKDF2_SHA512_ITERATIONS, count, too_costly,
};
use super::label::{Labelled, decode_hex};
use super::{HashError, PasswordHash};

#[derive(Clone, Copy)]
enum Flavour {
    Dovecot,
    Sha1,
    Sha256,
    Sha512,
}

#[derive(Clone)]
pub(super) struct Method {
    flavour: Flavour,
    salt: Vec<u8>,
    iterations: u32,
}

impl Flavour {
    const fn name(self) -> &'static str {
        match self {
            Self::Dovecot => "PBKDF2",
            Self::Sha1 => "PBKDF2-SHA1",
            Self::Sha256 => "PBKDF2-SHA256",
            Self::Sha512 => "PBKDF2-SHA512",
        }
    }

    const fn hash(self) -> ScramHash {
        match self {
            Self::Dovecot | Self::Sha1 => ScramHash::Sha1,
            Self::Sha256 => ScramHash::Sha256,
            Self::Sha512 => ScramHash::Sha512,
        }
    }

    /// Both programs take as many bytes as the hash has.
    const fn digest_len(self) -> usize {
        self.hash().output_len()
    }

    /// The number that `text` is, if so many iterations may be asked for.
    fn iterations(self, text: &str) -> Result<u32, HashError> {
        let iterations = count(text).ok_or(HashError::Malformed(self.name()))?;
        let (most, limit) = match self {
            Self::Dovecot | Self::Sha1 => (MAX_PBKDF2_ITERATIONS, "4,000,000 iterations"),
            Self::Sha256 => (MAX_PBKDF2_SHA256_ITERATIONS, "3,500,000 iterations"),
            Self::Sha512 => (MAX_PBKDF2_SHA512_ITERATIONS, "700,000 iterations"),
        };
        if iterations > most { Err(too_costly(self.name(), limit)) } else { Ok(iterations) }
    }
}

/// Reads what follows the label. None if `scheme` is not one of these.
pub(super) fn parse(scheme: &str, labelled: &Labelled<'_>) -> Option<Result<PasswordHash, HashError>> {
    let flavour = match scheme {
        "PBKDF2" | "PBKDF2-SHA1" => Flavour::Sha1,
        "PBKDF2-SHA256" => Flavour::Sha256,
        "PBKDF2-SHA512" => Flavour::Sha512,
        _ => return None,
    };
    Some(labelled.text().and_then(|text| match text.strip_prefix("$1$") {
        // The same label in both programs.
        Some(rest) if scheme == "PBKDF2" => of_dovecot(rest),
        _ => of_ldap(flavour, &text),
    }))
}

fn of_dovecot(rest: &str) -> Result<PasswordHash, HashError> {
    let flavour = Flavour::Dovecot;
    let malformed = HashError::Malformed(flavour.name());
    let [salt, iterations, hex] = fields(rest).ok_or(malformed)?;
    if salt.len() > 64 || !salt.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(malformed);
    }
    let iterations = flavour.iterations(iterations)?;
    let digest = SecretBytes::new(decode_hex(hex).ok_or(malformed)?);
    let canonical = format!("{{PBKDF2}}$1${salt}${iterations}${}", hex.to_ascii_lowercase());
    Method { flavour, salt: salt.as_bytes().to_vec(), iterations }.with(digest, canonical)
}

fn of_ldap(flavour: Flavour, text: &str) -> Result<PasswordHash, HashError> {
    let malformed = HashError::Malformed(flavour.name());
    let [iterations, salt, digest] = fields(text).ok_or(malformed)?;
    let canonical = format!("{{{}}}{text}", flavour.name());
    let iterations = flavour.iterations(iterations)?;
    let decode = |text: &str| {
        let text = Zeroizing::new(text.replace('.', "+"));
        Base64Unpadded::decode_vec(&text).map(SecretBytes::new).map_err(|_| malformed)
    };
    // One spelling for each hash.
    if text.contains('+') {
        return Err(malformed);
    }
    let (salt, digest) = (decode(salt)?, decode(digest)?);
    if salt.expose().len() > 64 {
        return Err(malformed);
    }
    Method { flavour, salt: salt.expose().to_vec(), iterations }.with(digest, canonical)
}

fn fields(text: &str) -> Option<[&str; 3]> {
    let fields: Vec<&str> = text.split('$').collect();
    fields.try_into().ok()
}

impl Method {
    pub(super) const fn name(&self) -> &'static str {
        self.flavour.name()
    }

    fn with(self, digest: SecretBytes, text: String) -> Result<PasswordHash, HashError> {
        if digest.expose().len() != self.flavour.digest_len() {
            return Err(HashError::Malformed(self.name()));
        }
        Ok(PasswordHash::new(super::Method::Pbkdf2(self), digest, text))
    }

    pub(super) fn digest(&self, password: &[u8]) -> SecretBytes {
        let mut made = vec![0; self.flavour.digest_len()];
        pbkdf2(self.flavour.hash(), password, &self.salt, self.iterations, &mut made);
        SecretBytes::new(made)
    }
}

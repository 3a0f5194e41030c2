//! Password hashes that other programs made: crypt(3) and its kin, argon2, LDAP's and Dovecot's labelled forms.
//!
//! A [`PasswordHash`] is parsed once, when it is imported or opened; from then on it can be checked, and a check is bounded
//! in time and memory. What looks like a hash but cannot be checked is refused with the reason.

mod argon2;
mod bcrypt;
mod blank;
mod cost;
mod crypt;
mod des_crypt;
mod digest;
mod label;
mod md5_crypt;
mod pbkdf2;
mod sha_crypt;
mod yescrypt;

use core::fmt;

use zeroize::Zeroizing;

use crate::secret::{Password, SecretBytes};

pub use cost::Cost;
pub use crypt::is_md5_of_postgresql;
pub(super) use label::{Encoding, Labelled};

/// The longest text that is read as a hash, in bytes. The longest honest one, SSHA-512 in hex with a long salt, is a third
/// of it.
const MAX_TEXT: usize = 1024;

/// A one-way hash of a password, well-formed and not too costly to check.
pub struct PasswordHash {
    method: Method,
    digest: SecretBytes,
    text: Zeroizing<String>,
}

/// Why a text is not taken as a password hash. Nothing of the text is repeated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum HashError {
    /// Neither a crypt(3) string nor one with a label that is known.
    #[error("not a known form of password hash")]
    Unknown,
    /// It belongs to a scheme that is no one-way hash of the password alone.
    #[error("{0} is not a password hash")]
    NotAHash(&'static str),
    /// The form is known, and refused.
    #[error("{scheme} is not supported: {reason}")]
    Unsupported {
        /// Its name.
        scheme: &'static str,
        /// Why.
        reason: &'static str,
    },
    /// The form is known, but this is not one of it.
    #[error("not a well-formed {0} hash")]
    Malformed(&'static str),
    /// A check would take too long or too much memory.
    #[error("{scheme} hash with a cost above the limit ({limit})")]
    TooCostly {
        /// Its name.
        scheme: &'static str,
        /// What is allowed.
        limit: &'static str,
    },
}

/// How the digest is made of a password: the algorithm with its cost and salt.
#[derive(Clone)]
enum Method {
    Md5Crypt(md5_crypt::Method),
    ShaCrypt(sha_crypt::Method),
    DesCrypt(des_crypt::Method),
    BigCrypt(des_crypt::BigMethod),
    Bcrypt(bcrypt::Method),
    Yescrypt(yescrypt::Method),
    Scrypt(yescrypt::ScryptMethod),
    Argon2(argon2::Method),
    Pbkdf2(pbkdf2::Method),
    Digest(digest::Method),
}

impl PasswordHash {
    /// Reads a crypt(3) string, a PHC string of argon2, or one of these or of LDAP's digests behind a `{SCHEME}` label as
    /// Dovecot and LDAP write it. A label's capitals do not matter, and `.b64`, `.base64` or `.hex` in it says how the rest
    /// is encoded (Dovecot 2.3).
    ///
    /// # Errors
    /// See [`HashError`].
    pub fn parse(text: &str) -> Result<Self, HashError> {
        if text.len() > MAX_TEXT {
            return Err(HashError::Unknown);
        }
        match Labelled::split(text) {
            Some(labelled) => Self::parse_labelled(&labelled),
            None => crypt::parse(text),
        }
    }

    pub(super) fn parse_labelled(labelled: &Labelled<'_>) -> Result<Self, HashError> {
        match labelled.scheme() {
            "CRYPT" | "MD5-CRYPT" | "SHA256-CRYPT" | "SHA512-CRYPT" | "DES-CRYPT" | "BLF-CRYPT" | "ARGON2"
            | "ARGON2I" | "ARGON2ID" => crypt::parse(&labelled.text()?),
            // Dovecot's word for MD5-CRYPT is LDAP's for a plain digest.
            "MD5" if labelled.holds_crypt() => crypt::parse(&labelled.text()?),
            "APR1" => md5_crypt::parse_ldap(md5_crypt::Flavour::Apache, labelled),
            "BSDMD5" => md5_crypt::parse_ldap(md5_crypt::Flavour::Crypt, labelled),
            other => digest::parse(other, labelled)
                .or_else(|| pbkdf2::parse(other, labelled))
                .unwrap_or_else(|| Err(refusal(other))),
        }
    }

    /// The text to store: what [`Self::parse`] read, with one spelling for each label and encoding.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// A hash as costly to check, with nothing left of salt and digest: of which password it is nobody knows.
    #[must_use]
    pub fn blank(&self) -> String {
        blank::blank(&self.text)
    }

    /// The name of the scheme, as Dovecot has it where it knows it.
    #[must_use]
    pub fn scheme(&self) -> &'static str {
        match &self.method {
            Method::Md5Crypt(method) => method.name(),
            Method::ShaCrypt(method) => method.name(),
            Method::DesCrypt(_) => des_crypt::NAME,
            Method::BigCrypt(_) => des_crypt::BIG_NAME,
            Method::Bcrypt(_) => bcrypt::NAME,
            Method::Yescrypt(_) => yescrypt::NAME,
            Method::Scrypt(_) => yescrypt::SCRYPT,
            Method::Argon2(method) => method.name(),
            Method::Pbkdf2(method) => method.name(),
            Method::Digest(method) => method.name(),
        }
    }

    /// Whether a check may be done where nothing must block.
    #[must_use]
    pub fn cost(&self) -> Cost {
        match self.method {
            Method::Digest(_) => Cost::Fast,
            _ => Cost::Slow,
        }
    }

    /// Whether other passwords than `password` fit whatever hash fits this one, because the algorithm looks at a part of it
    /// only. Nothing must then be concluded from a fit but that it fits.
    #[must_use]
    pub fn fits_others_than(&self, password: &Password) -> bool {
        match self.method {
            // Both look at seven bits of a byte.
            Method::DesCrypt(_) | Method::BigCrypt(_) => true,
            // One that just fits in may be the beginning of a longer one; a shorter one ends in a NUL that is seen.
            Method::Bcrypt(_) => password.expose().len() >= bcrypt::MAX_PASSWORD,
            _ => false,
        }
    }

    /// Whether the algorithm looks at so little that passwords in use are longer, so that others fit as well.
    #[must_use]
    pub fn is_loose(&self) -> bool {
        matches!(self.method, Method::DesCrypt(_))
    }

    /// Whether it is the hash of `password`. The comparison takes the same time wherever they differ; the rest takes what
    /// [`Self::cost`] says.
    #[must_use]
    pub fn verify(&self, password: &Password) -> bool {
        self.verify_bytes(password.expose())
    }

    pub(super) fn verify_bytes(&self, password: &[u8]) -> bool {
        let made = match &self.method {
            Method::Md5Crypt(method) => method.digest(password),
            Method::ShaCrypt(method) => method.digest(password),
            Method::DesCrypt(method) => Some(method.digest(password)),
            Method::BigCrypt(method) => method.digest(password),
            Method::Bcrypt(method) => Some(method.digest(password)),
            Method::Yescrypt(method) => method.digest(password),
            Method::Scrypt(method) => method.digest(password),
            Method::Argon2(method) => method.digest(password),
            Method::Pbkdf2(method) => Some(method.digest(password)),
            Method::Digest(method) => Some(method.digest(password)),
        };
        made.is_some_and(|made| self.digest.equals(made.expose()))
    }

    fn new(method: Method, digest: SecretBytes, text: String) -> Self {
        Self { method, digest, text: Zeroizing::new(text) }
    }
}

impl fmt::Debug for PasswordHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PasswordHash({})", self.scheme())
    }
}

/// Why a scheme with a label that [`PasswordHash`] does not read is refused.
fn refusal(scheme: &str) -> HashError {
    match scheme {
        "PLAIN" | "CLEAR" | "CLEARTEXT" => HashError::NotAHash("a password in the clear"),
        "PLAIN-TRUNC" => HashError::NotAHash("a part of a password in the clear"),
        "CRAM-MD5" | "HMAC-MD5" => HashError::NotAHash("a CRAM-MD5 secret"),
        "DIGEST-MD5" => HashError::NotAHash("a DIGEST-MD5 secret"),
        "SCRAM-SHA-1" | "SCRAM-SHA-256" | "SCRAM-SHA-512" => HashError::NotAHash("a SCRAM secret"),
        "OTP" | "SKEY" => HashError::NotAHash("a one-time password"),
        "RPA" => HashError::NotAHash("an RPA secret"),
        "SASL" | "KERBEROS" | "UNIX" => HashError::NotAHash("the name of who checks the password elsewhere"),
        "PLAIN-MD4" | "NTLM" => HashError::Unsupported { scheme: "MD4", reason: "its preimages are cheap to find" },
        "LANMAN" => HashError::Unsupported { scheme: "LANMAN", reason: "it is of a password without its case" },
        _ => HashError::Unknown,
    }
}

#[cfg(test)]
mod tests;

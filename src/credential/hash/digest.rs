//! One digest of password and salt: `{SSHA}` and its kin, and those without a salt (RFC 2307, Dovecot, OpenLDAP).

use base64ct::{Base64, Encoding as _};
use md5::Md5;
use sha1::Sha1;
use sha2::{Digest, Sha256, Sha384, Sha512};

use crate::secret::SecretBytes;

use super::label::{Encoding, Labelled};
use super::{HashError, PasswordHash};

/// The longest salt that is taken, in bytes; programs make 4 to 16.
const MAX_SALT: usize = 128;

#[derive(Clone, Copy)]
enum Algorithm {
    Md5,
    Sha1,
    Sha256,
    Sha384,
    Sha512,
}

#[derive(Clone)]
pub(super) struct Method {
    algorithm: Algorithm,
    /// None where the scheme has none.
    salt: Option<Vec<u8>>,
}

/// Reads what follows the label. None if `scheme` is not one of these.
pub(super) fn parse(scheme: &str, labelled: &Labelled<'_>) -> Option<Result<PasswordHash, HashError>> {
    let (algorithm, salted) = match scheme {
        "MD5" | "LDAP-MD5" | "PLAIN-MD5" => (Algorithm::Md5, false),
        "SHA" | "SHA1" => (Algorithm::Sha1, false),
        "SHA256" => (Algorithm::Sha256, false),
        "SHA384" => (Algorithm::Sha384, false),
        "SHA512" => (Algorithm::Sha512, false),
        "SMD5" => (Algorithm::Md5, true),
        "SSHA" => (Algorithm::Sha1, true),
        "SSHA256" => (Algorithm::Sha256, true),
        "SSHA384" => (Algorithm::Sha384, true),
        "SSHA512" => (Algorithm::Sha512, true),
        _ => return None,
    };
    let read = if salted { read_salted(algorithm, labelled) } else { read_bare(algorithm, labelled) };
    Some(read.ok_or_else(|| HashError::Malformed(name(algorithm, salted))))
}

fn read_bare(algorithm: Algorithm, labelled: &Labelled<'_>) -> Option<PasswordHash> {
    let digest = labelled.bytes(Encoding::Base64, Some(algorithm.length()))?;
    let method = Method { algorithm, salt: None };
    let text = method.text(digest.expose());
    Some(PasswordHash::new(super::Method::Digest(method), digest, text))
}

fn read_salted(algorithm: Algorithm, labelled: &Labelled<'_>) -> Option<PasswordHash> {
    let both = labelled.bytes(Encoding::Base64, None)?;
    let (digest, salt) = both.expose().split_at_checked(algorithm.length())?;
    if salt.len() > MAX_SALT {
        return None;
    }
    let method = Method { algorithm, salt: Some(salt.to_vec()) };
    let text = method.text(both.expose());
    Some(PasswordHash::new(super::Method::Digest(method), SecretBytes::from(digest), text))
}

impl Algorithm {
    const fn length(self) -> usize {
        match self {
            Self::Md5 => 16,
            Self::Sha1 => 20,
            Self::Sha256 => 32,
            Self::Sha384 => 48,
            Self::Sha512 => 64,
        }
    }
}

/// The name, which is also the label that is stored.
const fn name(algorithm: Algorithm, salted: bool) -> &'static str {
    match (algorithm, salted) {
        (Algorithm::Md5, false) => "LDAP-MD5",
        (Algorithm::Sha1, false) => "SHA",
        (Algorithm::Sha256, false) => "SHA256",
        (Algorithm::Sha384, false) => "SHA384",
        (Algorithm::Sha512, false) => "SHA512",
        (Algorithm::Md5, true) => "SMD5",
        (Algorithm::Sha1, true) => "SSHA",
        (Algorithm::Sha256, true) => "SSHA256",
        (Algorithm::Sha384, true) => "SSHA384",
        (Algorithm::Sha512, true) => "SSHA512",
    }
}

impl Method {
    pub(super) const fn name(&self) -> &'static str {
        name(self.algorithm, self.salt.is_some())
    }

    fn text(&self, bytes: &[u8]) -> String {
        format!("{{{}}}{}", self.name(), Base64::encode_string(bytes))
    }

    pub(super) fn digest(&self, password: &[u8]) -> SecretBytes {
        fn of<D: Digest>(password: &[u8], salt: &[u8]) -> SecretBytes {
            SecretBytes::new(D::new().chain_update(password).chain_update(salt).finalize().to_vec())
        }
        let salt = self.salt.as_deref().unwrap_or_default();
        match self.algorithm {
            Algorithm::Md5 => of::<Md5>(password, salt),
            Algorithm::Sha1 => of::<Sha1>(password, salt),
            Algorithm::Sha256 => of::<Sha256>(password, salt),
            Algorithm::Sha384 => of::<Sha384>(password, salt),
            Algorithm::Sha512 => of::<Sha512>(password, salt),
        }
    }
}

//! `$1$`, MD5-CRYPT, and `$apr1$`, Apache's: a thousand rounds of MD5 (FreeBSD's crypt of 1994).

use base64ct::{Base64ShaCrypt, Encoding as _};
use md5::{Digest, Md5};
use zeroize::Zeroizing;

use crate::secret::SecretBytes;

use super::cost::MAX_CRYPT_PASSWORD;
use super::label::{Encoding, Labelled};
use super::{HashError, PasswordHash, crypt};

/// Whose it is; the id goes into the hash.
#[derive(Clone, Copy)]
pub(super) enum Flavour {
    Crypt,
    Apache,
}

#[derive(Clone)]
pub(super) struct Method {
    flavour: Flavour,
    salt: String,
}

const ROUNDS: u32 = 1000;

/// The place in the digest of each byte as it is written.
const ORDER: [u8; 16] = [12, 6, 0, 13, 7, 1, 14, 8, 2, 15, 9, 3, 5, 10, 4, 11];

impl Flavour {
    const fn name(self) -> &'static str {
        match self {
            Self::Crypt => "MD5-CRYPT",
            Self::Apache => "apr1",
        }
    }

    const fn id(self) -> &'static [u8] {
        match self {
            Self::Crypt => b"$1$",
            Self::Apache => b"$apr1$",
        }
    }
}

/// Reads `rest`, which follows the id in `text`.
pub(super) fn parse(flavour: Flavour, rest: &str, text: &str) -> Result<PasswordHash, HashError> {
    let malformed = HashError::Malformed(flavour.name());
    let (salt, digest) = rest.split_once('$').ok_or(malformed)?;
    if salt.len() > 8 || !crypt::is_salt(salt) {
        return Err(malformed);
    }
    let digest = crypt::decode(digest, &ORDER).ok_or(malformed)?;
    let method = Method { flavour, salt: salt.to_owned() };
    Ok(PasswordHash::new(super::Method::Md5Crypt(method), digest, text.to_owned()))
}

/// Reads OpenLDAP's `{APR1}` and `{BSDMD5}` (contrib/slapd-modules/passwd/apr1.c): digest and salt, in base64. They become the
/// strings that the flavours have elsewhere.
pub(super) fn parse_ldap(flavour: Flavour, labelled: &Labelled<'_>) -> Result<PasswordHash, HashError> {
    let malformed = HashError::Malformed(flavour.name());
    let both = labelled.bytes(Encoding::Base64, None).ok_or(malformed)?;
    let (digest, salt) = both.expose().split_at_checked(ORDER.len()).ok_or(malformed)?;
    let salt = core::str::from_utf8(salt).map_err(|_| malformed)?;
    let written: Option<Vec<u8>> = ORDER.iter().map(|&place| digest.get(usize::from(place)).copied()).collect();
    let written = SecretBytes::new(written.ok_or(malformed)?);
    let rest = Zeroizing::new(format!("{salt}${}", Base64ShaCrypt::encode_string(written.expose())));
    let text = Zeroizing::new([str::from_utf8(flavour.id()).unwrap_or_default(), &rest].concat());
    parse(flavour, &rest, &text)
}

impl Method {
    pub(super) const fn name(&self) -> &'static str {
        self.flavour.name()
    }

    /// The digest of `password`; none of one that crypt(3) does not take.
    pub(super) fn digest(&self, password: &[u8]) -> Option<SecretBytes> {
        (password.len() <= MAX_CRYPT_PASSWORD).then(|| SecretBytes::from(self.rounds(password).as_slice()))
    }

    fn rounds(&self, password: &[u8]) -> Zeroizing<[u8; 16]> {
        let salt = self.salt.as_bytes();
        let mut digest = self.start(password);
        for round in 0..ROUNDS {
            let odd = round & 1 == 1;
            let mut md5 = Md5::new();
            md5.update(if odd { password } else { digest.as_slice() });
            if !round.is_multiple_of(3) {
                md5.update(salt);
            }
            if !round.is_multiple_of(7) {
                md5.update(password);
            }
            md5.update(if odd { digest.as_slice() } else { password });
            digest = Zeroizing::new(md5.finalize().into());
        }
        digest
    }

    fn start(&self, password: &[u8]) -> Zeroizing<[u8; 16]> {
        let salt = self.salt.as_bytes();
        let inner = Md5::new().chain_update(password).chain_update(salt).chain_update(password).finalize();
        let inner: Zeroizing<[u8; 16]> = Zeroizing::new(inner.into());

        let mut md5 = Md5::new().chain_update(password).chain_update(self.flavour.id()).chain_update(salt);
        for part in password.chunks(inner.len()) {
            md5.update(inner.get(..part.len()).unwrap_or(inner.as_slice()));
        }
        // The original meant to add bytes of the digest here, but had just set it to zero.
        let first = password.get(..1).unwrap_or_default();
        let mut bits = password.len();
        while bits > 0 {
            md5.update(if bits & 1 == 1 { &[0] } else { first });
            bits = bits.wrapping_shr(1);
        }
        Zeroizing::new(md5.finalize().into())
    }
}

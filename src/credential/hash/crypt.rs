//! crypt(3) strings: `$id$...`, and the thirteen characters of DES.

use base64ct::{Base64ShaCrypt, Encoding};

use crate::secret::SecretBytes;

use super::{HashError, PasswordHash, argon2, bcrypt, des_crypt, md5_crypt, sha_crypt, yescrypt};

pub(super) fn parse(text: &str) -> Result<PasswordHash, HashError> {
    // No crypt(3) string holds these, and a passwd-like file could not (crypt(5)).
    if text.bytes().any(|byte| !byte.is_ascii_graphic() || matches!(byte, b':' | b';' | b'*' | b'!' | b'\\')) {
        return Err(HashError::Unknown);
    }
    let Some((id, rest)) = text.strip_prefix('$').and_then(|text| text.split_once('$')) else {
        return match text.bytes().next() {
            Some(b'_') => Err(unsupported("BSDI extended DES", "it has died out")),
            _ if is_md5_of_postgresql(text.as_bytes()) => {
                Err(unsupported("PostgreSQL's md5", "it is made of the role's name and opens PostgreSQL as it stands"))
            }
            _ => des_crypt::parse(text),
        };
    };
    match id {
        "1" => md5_crypt::parse(md5_crypt::Flavour::Crypt, rest, text),
        "apr1" => md5_crypt::parse(md5_crypt::Flavour::Apache, rest, text),
        "5" => sha_crypt::parse(sha_crypt::Flavour::Sha256, rest, text),
        "6" => sha_crypt::parse(sha_crypt::Flavour::Sha512, rest, text),
        "7" => yescrypt::parse_scrypt(rest, text),
        "y" => yescrypt::parse(rest, text),
        "2a" | "2b" | "2y" => bcrypt::parse(rest, text),
        "2x" => {
            Err(unsupported("bcrypt of kind 2x", "a sign error in the program that made it lets other passwords fit"))
        }
        "argon2i" => argon2::parse(argon2::Flavour::I, rest, text),
        "argon2id" => argon2::parse(argon2::Flavour::Id, rest, text),
        "argon2d" => Err(unsupported("argon2d", "it is not made for passwords")),
        "gy" => Err(unsupported("gost-yescrypt", "its hash function is not built in")),
        "3" => Err(unsupported("the NT hash", "it is MD4, whose preimages are cheap to find")),
        "sha1" => Err(unsupported("the crypt of Solaris or NetBSD", "it has died out")),
        // With parameters behind a comma.
        _ if id.split(',').next() == Some("md5") => {
            Err(unsupported("the crypt of Solaris or NetBSD", "it has died out"))
        }
        _ => Err(HashError::Unknown),
    }
}

/// `md5` and 32 hexadecimal digits, which no crypt(3) string looks like.
#[must_use]
pub fn is_md5_of_postgresql(text: &[u8]) -> bool {
    text.strip_prefix(b"md5").is_some_and(|hex| hex.len() == 32 && hex.iter().all(u8::is_ascii_hexdigit))
}

const fn unsupported(scheme: &'static str, reason: &'static str) -> HashError {
    HashError::Unsupported { scheme, reason }
}

/// Whether `text` could be a salt: characters of crypt's alphabet only.
pub(super) fn is_salt(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'/'))
}

/// The value of a character of crypt's alphabet.
pub(super) fn six_bits(character: u8) -> Option<u32> {
    let zero = match character {
        b'.'..=b'9' => b'.',
        b'A'..=b'Z' => b'A' - 12,
        b'a'..=b'z' => b'a' - 38,
        _ => return None,
    };
    character.checked_sub(zero).map(u32::from)
}

/// Decodes crypt's base64 and puts the bytes into the order of the digest: `order` names, for each written byte, its place.
pub(super) fn decode(text: &str, order: &[u8]) -> Option<SecretBytes> {
    let written = SecretBytes::new(Base64ShaCrypt::decode_vec(text).ok()?);
    if written.expose().len() != order.len() {
        return None;
    }
    let mut digest = vec![0; order.len()];
    for (byte, &place) in written.expose().iter().zip(order) {
        *digest.get_mut(usize::from(place))? = *byte;
    }
    Some(SecretBytes::new(digest))
}

//! `{SCHEME.encoding}rest`: the label in front of a stored password (Dovecot's password schemes, LDAP's RFC 2307).

use base64ct::{Base64Unpadded, Encoding as _};
use zeroize::Zeroizing;

use crate::secret::SecretBytes;

use super::HashError;

/// A text with a label.
pub(in crate::credential) struct Labelled<'a> {
    scheme: String,
    encoding: Option<Encoding>,
    rest: &'a str,
}

/// How bytes are written.
#[derive(Clone, Copy)]
pub(in crate::credential) enum Encoding {
    Base64,
    Hex,
}

impl<'a> Labelled<'a> {
    /// Parts the label from the rest. None if there is no label.
    pub(in crate::credential) fn split(text: &'a str) -> Option<Self> {
        let (label, rest) = text.strip_prefix('{')?.split_once('}')?;
        let label = label.to_ascii_uppercase();
        let (scheme, encoding) = match label.rsplit_once('.') {
            Some((scheme, "B64" | "BASE64")) => (scheme.to_owned(), Some(Encoding::Base64)),
            Some((scheme, "HEX")) => (scheme.to_owned(), Some(Encoding::Hex)),
            _ => (label, None),
        };
        Some(Self { scheme, encoding, rest })
    }

    /// The scheme, in capitals.
    pub(in crate::credential) fn scheme(&self) -> &str {
        &self.scheme
    }

    /// Whether a crypt(3) string follows, as far as its first byte can tell.
    pub(super) fn holds_crypt(&self) -> bool {
        self.bytes_as_written().is_ok_and(|bytes| bytes.expose().first() == Some(&b'$'))
    }

    /// The rest, of a scheme that is a text of its own.
    pub(in crate::credential) fn text(&self) -> Result<Zeroizing<String>, HashError> {
        let bytes = self.bytes_as_written()?;
        str::from_utf8(bytes.expose()).map(|text| Zeroizing::new(text.to_owned())).map_err(|_| HashError::Unknown)
    }

    /// The rest as bytes, of a scheme that is not encoded unless the label says so.
    pub(in crate::credential) fn bytes_as_written(&self) -> Result<SecretBytes, HashError> {
        match self.encoding {
            Some(encoding) => decode(self.rest, encoding).ok_or(HashError::Unknown),
            None => Ok(SecretBytes::from(self.rest.as_bytes())),
        }
    }

    /// The rest, of a scheme that is bytes: exactly `length` of them, where that is fixed. Where neither label nor length
    /// tell how they are written, it is `usual`.
    pub(in crate::credential) fn bytes(&self, usual: Encoding, length: Option<usize>) -> Option<SecretBytes> {
        let hex_length = length.map(|length| length.saturating_mul(2));
        let encoding = match (self.encoding, hex_length) {
            (Some(encoding), _) => encoding,
            // Dovecot tells them apart in this way, so that `{SHA1}` may hold hex, and `{PLAIN-MD5}` base64.
            (None, Some(hex)) if self.rest.len() == hex => Encoding::Hex,
            (None, Some(_)) => Encoding::Base64,
            (None, None) => usual,
        };
        let bytes = decode(self.rest, encoding)?;
        length.is_none_or(|length| length == bytes.expose().len()).then_some(bytes)
    }
}

fn decode(text: &str, encoding: Encoding) -> Option<SecretBytes> {
    let bytes = match encoding {
        // Padding is left out by some programs.
        Encoding::Base64 => Base64Unpadded::decode_vec(unpadded(text)?).ok()?,
        Encoding::Hex => decode_hex(text)?,
    };
    Some(SecretBytes::new(bytes))
}

fn unpadded(text: &str) -> Option<&str> {
    let bare = text.trim_end_matches('=');
    let padding = text.len().saturating_sub(bare.len());
    (padding == 0 || (padding <= 2 && text.len().is_multiple_of(4))).then_some(bare)
}

/// The bytes written in hex, in either case.
pub(super) fn decode_hex(text: &str) -> Option<Vec<u8>> {
    let (pairs, rest) = text.as_bytes().as_chunks::<2>();
    if !rest.is_empty() {
        return None;
    }
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    pairs.iter().map(|[high, low]| Some(digit(*high)?.rotate_left(4) | digit(*low)?)).collect()
}

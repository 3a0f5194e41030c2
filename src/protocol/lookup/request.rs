//! What the plugin asks.

use super::bytes::{Reader, push_counted};
use super::{LookupFault, MAX_TEXT, VERSION};

/// Version, forms, and four counted texts.
const MAX_BODY: usize = 2 + 4 * (2 + MAX_TEXT);

/// A form in which a password is stored and libsasl2 can use it. Its number is what stands for it on the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// `cmusaslsecretDIGEST-MD5`: the 16 bytes MD5(username:realm:password).
    DigestMd5 = 1,
    /// `cmusaslsecretCRAM-MD5`: the two MD5 states of HMAC-MD5(password), inner first, as big-endian words, 32 bytes.
    CramMd5 = 2,
    /// `authPassword` (RFC 5803) for SCRAM-SHA-1, a text.
    ScramSha1 = 3,
    /// `authPassword` for SCRAM-SHA-256.
    ScramSha256 = 4,
    /// `authPassword` for SCRAM-SHA-512.
    ScramSha512 = 5,
}

impl Form {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::DigestMd5, Self::CramMd5, Self::ScramSha1, Self::ScramSha256, Self::ScramSha512];

    pub(super) fn from_number(number: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|form| *form as u8 == number)
    }
}

/// A set of forms; on the wire one byte, in which a form with number n is the bit of value 2^(n-1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Forms(u8);

impl Forms {
    /// No form.
    pub const NONE: Self = Self(0);

    /// The three of SCRAM. A look-up cannot tell which of its hashes is under way.
    pub const SCRAM: Self = Self(0b1_1100);

    const ALL: Self = Self(0b1_1111);

    /// The same set with `form` in it.
    #[must_use]
    pub const fn with(self, form: Form) -> Self {
        Self(self.0 | Self::bit(form))
    }

    /// Those in either set.
    #[must_use]
    pub const fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether `form` is in the set.
    #[must_use]
    pub const fn contains(self, form: Form) -> bool {
        self.0 & Self::bit(form) != 0
    }

    /// Whether nothing is in it.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    const fn bit(form: Form) -> u8 {
        1 << (form as u8).saturating_sub(1)
    }
}

/// A look-up of the one who is about to authenticate. Texts are bytes as the program has them, in whatever character set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Request<'a> {
    /// The forms that the mechanism can use; at least one.
    pub wanted: Forms,
    /// The name as the client gave it, not empty: without the realm that libsasl2 adds where the program has one.
    pub name: &'a [u8],
    /// The realm that the program gave to libsasl2; empty where it gave none.
    pub realm: &'a [u8],
    /// The name of the host, which DIGEST-MD5 offers as its realm where there is no other.
    pub host: &'a [u8],
    /// The service, such as `smtp`.
    pub service: &'a [u8],
}

impl<'a> Request<'a> {
    /// Writes it, frame and all.
    ///
    /// # Errors
    /// [`LookupFault::TooLong`] for a text above [`MAX_TEXT`]; no account has such a name.
    pub fn encode(&self) -> Result<Vec<u8>, LookupFault> {
        let mut body = vec![VERSION, self.wanted.0];
        for text in [self.name, self.realm, self.host, self.service] {
            push_counted(text, MAX_TEXT, &mut body)?;
        }
        let mut message = Vec::with_capacity(body.len().saturating_add(2));
        push_counted(&body, MAX_BODY, &mut message)?;
        Ok(message)
    }

    /// Reads what was received so far on a connection; `None` as long as some of the request is missing.
    ///
    /// # Errors
    /// See [`LookupFault`]: there is no request here, and there will be none.
    pub fn parse(received: &'a [u8]) -> Result<Option<Self>, LookupFault> {
        let Some(mut body) = Reader::of_message(received, MAX_BODY)? else { return Ok(None) };
        let wanted = Forms(body.byte()? & Forms::ALL.0);
        let mut text = || body.counted(MAX_TEXT);
        let request = Self { wanted, name: text()?, realm: text()?, host: text()?, service: text()? };
        if !body.is_at_end() || request.name.is_empty() || wanted.is_empty() {
            return Err(LookupFault::Malformed);
        }
        Ok(Some(request))
    }
}

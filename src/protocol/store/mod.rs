//! Our own protocol on the store socket, version 1: the libsasl2 plugin passes on what a program like saslpasswd2 wants changed.
//! One request and one answer for each connection; `docs/store-protocol.md` has every byte.
//!
//! The plugin compiles this file too: nothing of this library but the lookup protocol and `secret.rs` may be used here
//! (`docs/decisions/0017-the-plugin-is-a-guest.md`).

use super::lookup::bytes::{Reader, push_counted};
use super::lookup::{LookupFault, MAX_TEXT, VERSION};
use crate::secret::SecretBytes;

/// The longest password of a request, in bytes.
pub const MAX_PASSWORD: usize = 4096;

/// The longest reason of an answer, in bytes.
pub const MAX_REASON: usize = 512;

const SET: u8 = 1;
const REMOVE: u8 = 2;

/// What is to become of the account.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Wish<'a> {
    /// This is its password `main` from now on; an account that is missing is made.
    Set(&'a [u8]),
    /// It is gone, with all its passwords; it need not be there.
    Remove,
}

/// A change of one account. Texts are bytes as the program has them.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct StoreRequest<'a> {
    /// The name; a realm in it comes before `realm`.
    pub name: &'a [u8],
    /// The realm that the program gave to libsasl2; empty where it gave none.
    pub realm: &'a [u8],
    /// The change.
    pub wish: Wish<'a>,
}

impl<'a> StoreRequest<'a> {
    /// The longest request, frame and all, in bytes.
    pub const MAX: usize = 2 + Self::MAX_BODY;

    /// Version, kind, and three counted texts.
    const MAX_BODY: usize = 2 + 2 * (2 + MAX_TEXT) + 2 + MAX_PASSWORD;

    /// Writes it, frame and all.
    ///
    /// # Errors
    /// [`LookupFault::TooLong`] for a text that no account can have.
    pub fn encode(&self) -> Result<SecretBytes, LookupFault> {
        // As long as they get from the beginning: no copy of a password is left where one grew.
        let mut body = zeroize::Zeroizing::new(Vec::with_capacity(Self::MAX_BODY));
        body.push(VERSION);
        body.push(if matches!(self.wish, Wish::Set(_)) { SET } else { REMOVE });
        push_counted(self.name, MAX_TEXT, &mut body)?;
        push_counted(self.realm, MAX_TEXT, &mut body)?;
        if let Wish::Set(password) = self.wish {
            push_counted(password, MAX_PASSWORD, &mut body)?;
        }
        let mut message = Vec::with_capacity(Self::MAX);
        push_counted(&body, Self::MAX_BODY, &mut message)?;
        Ok(SecretBytes::new(message))
    }

    /// Reads what was received so far on a connection; `None` as long as some of the request is missing.
    ///
    /// # Errors
    /// See [`LookupFault`]: there is no request here, and there will be none.
    pub fn parse(received: &'a [u8]) -> Result<Option<Self>, LookupFault> {
        let Some(mut body) = Reader::of_message(received, Self::MAX_BODY)? else { return Ok(None) };
        let kind = body.byte()?;
        let (name, realm) = (body.counted(MAX_TEXT)?, body.counted(MAX_TEXT)?);
        let wish = match kind {
            SET => Wish::Set(body.counted(MAX_PASSWORD)?),
            REMOVE => Wish::Remove,
            _ => return Err(LookupFault::Malformed),
        };
        if body.is_at_end() { Ok(Some(Self { name, realm, wish })) } else { Err(LookupFault::Malformed) }
    }
}

/// What came of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StoreAnswer {
    /// It is as was wanted.
    Done,
    /// It will never be, for this reason: no account can have such a name or password.
    Refused(String),
    /// This peer may change nothing.
    NotPermitted,
    /// It is not now, for this reason.
    Unavailable(String),
}

impl StoreAnswer {
    /// The longest answer, frame and all, in bytes.
    pub const MAX: usize = 2 + Self::MAX_BODY;

    const MAX_BODY: usize = 2 + 2 + MAX_REASON;

    /// Writes it, frame and all. A reason that is too long is cut.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let (kind, reason) = match self {
            Self::Done => (1, ""),
            Self::Refused(reason) => (2, reason.as_str()),
            Self::NotPermitted => (3, ""),
            Self::Unavailable(reason) => (4, reason.as_str()),
        };
        let reason = reason.get(..reason.floor_char_boundary(MAX_REASON)).unwrap_or_default();
        let (mut body, mut message) = (vec![VERSION, kind], Vec::new());
        // Neither is longer than it may be.
        let _ = push_counted(reason.as_bytes(), MAX_REASON, &mut body);
        let _ = push_counted(&body, Self::MAX_BODY, &mut message);
        message
    }

    /// Reads what was received so far on a connection; `None` as long as some of the answer is missing.
    ///
    /// # Errors
    /// See [`LookupFault`].
    pub fn parse(received: &[u8]) -> Result<Option<Self>, LookupFault> {
        let Some(mut body) = Reader::of_message(received, Self::MAX_BODY)? else { return Ok(None) };
        let kind = body.byte()?;
        let reason = String::from_utf8_lossy(body.counted(MAX_REASON)?).into_owned();
        match (kind, body.is_at_end()) {
            (1, true) => Ok(Some(Self::Done)),
            (2, true) => Ok(Some(Self::Refused(reason))),
            (3, true) => Ok(Some(Self::NotPermitted)),
            (4, true) => Ok(Some(Self::Unavailable(reason))),
            _ => Err(LookupFault::Malformed),
        }
    }
}

#[cfg(test)]
mod tests;

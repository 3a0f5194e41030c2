//! What a name or a realm may hold, and when two spellings of it are the same.

use std::borrow::Cow;

use crate::prep;

/// The longest name or realm, in bytes of UTF-8.
pub const MAX_PART: usize = 255;

/// Why a text cannot be (part of) an identity.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum IdentityError {
    /// Nothing there.
    #[error("is empty")]
    Empty,
    /// More than [`MAX_PART`] bytes.
    #[error("is longer than {MAX_PART} bytes")]
    TooLong,
    /// Not valid UTF-8.
    #[error("is not valid UTF-8")]
    NotUtf8,
    /// A character that no name may hold: controls, bidirectional formatting, `@`, `:`, `"` and `\`.
    #[error("holds the character {0:?}, which no name may hold")]
    Forbidden(char),
}

/// Whether `text` may be a name or a realm, apart from being empty.
pub(super) fn check(text: &str) -> Result<(), IdentityError> {
    // Nearly every name of every login is plain: no need to look at it as characters.
    if text.len() <= MAX_PART && text.bytes().all(is_plain) {
        return Ok(());
    }
    if let Some(c) = text.chars().find(|&c| prep::is_invisible(c) || matches!(c, '@' | ':' | '"' | '\\')) {
        return Err(IdentityError::Forbidden(c));
    }
    // The folded form is what is stored as the key, and normalization can lengthen a text.
    if text.len() > MAX_PART || (!text.is_ascii() && fold(text).len() > MAX_PART) {
        return Err(IdentityError::TooLong);
    }
    Ok(())
}

/// Printable ASCII that any name may hold.
fn is_plain(byte: u8) -> bool {
    matches!(byte, b' '..=b'~') && !matches!(byte, b'@' | b':' | b'"' | b'\\')
}

/// The form in which two spellings are compared: NFC, ASCII in lower case, nothing else folded.
pub(super) fn fold(text: &str) -> Cow<'_, str> {
    if text.is_ascii() && !text.bytes().any(|byte| byte.is_ascii_uppercase()) {
        return Cow::Borrowed(text);
    }
    let mut folded = prep::nfc(text).into_owned();
    folded.make_ascii_lowercase();
    // Some letters compose with a mark in lower case only: H with a macron below stays two characters, h becomes one.
    let composed = match prep::nfc(&folded) {
        Cow::Owned(composed) => Some(composed),
        Cow::Borrowed(_) => None,
    };
    Cow::Owned(composed.unwrap_or(folded))
}

/// Whether both fold to the same, mostly without folding either.
pub(super) fn same(one: &str, other: &str) -> bool {
    match one.is_ascii() && other.is_ascii() {
        true => one.eq_ignore_ascii_case(other),
        false => fold(one) == fold(other),
    }
}

/// Parts name and realm at the first `@`, which neither may hold.
pub(super) fn split_name(text: &str) -> (&str, Option<&str>) {
    text.split_once('@').map_or((text, None), |(name, realm)| (name, Some(realm)))
}

/// Reads a name that came over the wire: UTF-8, and ISO 8859-1 where it is not. Text in ISO 8859-1 that is no plain ASCII is
/// hardly ever valid UTF-8.
#[must_use]
pub fn text_from_wire(bytes: &[u8]) -> Cow<'_, str> {
    match core::str::from_utf8(bytes) {
        Ok(text) => Cow::Borrowed(text),
        Err(_) => Cow::Owned(bytes.iter().copied().map(char::from).collect()),
    }
}

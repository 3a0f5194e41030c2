//! String preparation: the one place that chooses which profile serves what.

use std::borrow::Cow;

use unicode_normalization::{UnicodeNormalization, is_nfc};

/// Normalization form C, the form in which names are compared.
#[must_use]
pub fn nfc(text: &str) -> Cow<'_, str> {
    if is_nfc(text) { Cow::Borrowed(text) } else { Cow::Owned(text.nfc().collect()) }
}

/// SASLprep (RFC 4013) as a *stored string*; `None` where the profile prohibits the text.
///
/// SCRAM hashes this form of a password, and the raw bytes where there is none.
#[must_use]
pub fn saslprep(text: &str) -> Option<Cow<'_, str>> {
    stringprep::saslprep(text).ok()
}

/// Whether `c` may stand in no name: control characters and the bidirectional formatting characters, with which a
/// name can be made to look like another.
#[must_use]
pub fn is_invisible(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{061C}' | '\u{200E}' | '\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}')
}

//! String preparation: the one place that chooses which profile serves what.

use std::borrow::Cow;

use unicode_normalization::{UnicodeNormalization, is_nfc};
use zeroize::Zeroizing;

/// Normalization form C, the form in which names are compared.
#[must_use]
pub fn nfc(text: &str) -> Cow<'_, str> {
    if is_nfc(text) { Cow::Borrowed(text) } else { Cow::Owned(text.nfc().collect()) }
}

/// SASLprep (RFC 4013) as a *stored string*; `None` where the profile prohibits the text.
#[must_use]
pub fn saslprep(text: &str) -> Option<Cow<'_, str>> {
    stringprep::saslprep(text).ok()
}

/// The form of a password that SCRAM hashes (RFC 5802, section 2.2, Normalize): its SASLprep form, the bytes as they are where
/// there is none. Wiped on drop.
#[must_use]
pub fn scram_password(password: &[u8]) -> Zeroizing<Vec<u8>> {
    match core::str::from_utf8(password).ok().and_then(saslprep) {
        Some(prepared) => Zeroizing::new(prepared.into_owned().into_bytes()),
        None => Zeroizing::new(password.to_vec()),
    }
}

/// The other form in which somebody may have meant a password that arrived over the wire: its SASLprep form, or NFC where the
/// profile prohibits it. `None` where that is what arrived.
#[must_use]
pub fn other_password_form(password: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    if password.is_ascii() {
        return None;
    }
    let text = core::str::from_utf8(password).ok()?;
    let prepared = saslprep(text).unwrap_or_else(|| nfc(text));
    (prepared != text).then(|| Zeroizing::new(prepared.into_owned().into_bytes()))
}

/// Whether `c` may stand in no name: control characters and the bidirectional formatting characters, with which a
/// name can be made to look like another.
#[must_use]
pub fn is_invisible(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{061C}' | '\u{200E}' | '\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn saslprep_gives_the_examples_of_rfc_4013_section_3() {
        for (input, output) in [
            ("I\u{AD}X", Some("IX")),
            ("user", Some("user")),
            ("USER", Some("USER")),
            ("\u{AA}", Some("a")),
            ("\u{2168}", Some("IX")),
            ("\u{7}", None),
            ("\u{627}1", None),
        ] {
            assert_eq!(saslprep(input).as_deref(), output, "{input:?}");
        }
    }

    #[test]
    fn scram_hashes_the_prepared_form_or_else_the_bytes() {
        assert_eq!(*scram_password("I\u{AD}X".as_bytes()), b"IX");
        assert_eq!(*scram_password(b"a\x07b"), b"a\x07b");
        assert_eq!(*scram_password(b"p\xE4ss"), b"p\xE4ss");
    }

    #[test]
    fn a_password_over_the_wire_has_another_form_only_where_it_differs() {
        assert_eq!(other_password_form(b"secret"), None);
        assert_eq!(other_password_form(b"p\xE4ss"), None);
        assert_eq!(other_password_form("pässword".as_bytes()), None);
        assert_eq!(other_password_form("pa\u{308}ss".as_bytes()).unwrap().as_slice(), "päss".as_bytes());
        assert_eq!(other_password_form("\u{2168}".as_bytes()).unwrap().as_slice(), b"IX");
        // Prohibited (unassigned in Unicode 3.2), but it can be composed.
        assert_eq!(other_password_form("\u{1F600}a\u{308}".as_bytes()).unwrap().as_slice(), "\u{1F600}ä".as_bytes());
    }
}

//! Properties of libsasl2 and the forms behind them, and the name that a client gave.

use crate::lookup::{Form, Forms};

/// The forms that a property of this name (without its `*`) can hold; libsasl2 compares such names in any case.
pub(crate) fn forms_of(property: &[u8]) -> Forms {
    const KNOWN: [(&[u8], Forms); 3] = [
        (b"cmusaslsecretDIGEST-MD5", Forms::NONE.with(Form::DigestMd5)),
        (b"cmusaslsecretCRAM-MD5", Forms::NONE.with(Form::CramMd5)),
        (b"authPassword", Forms::SCRAM),
    ];
    KNOWN.iter().find(|(name, _)| name.eq_ignore_ascii_case(property)).map_or(Forms::NONE, |(_, forms)| *forms)
}

/// Takes off the realm that libsasl2 has added to a bare name where the program has a realm. Whether the client typed it cannot be
/// told, and hardly matters: it means the same account.
pub(crate) fn as_typed<'a>(user: &'a [u8], realm: &[u8]) -> &'a [u8] {
    let bare = user.strip_suffix(realm).and_then(|name| name.strip_suffix(b"@"));
    match bare {
        Some(name) if !realm.is_empty() && !name.is_empty() && !name.contains(&b'@') => name,
        _ => user,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn properties_are_known_by_name_in_any_case() {
        assert!(forms_of(b"cmusaslsecretDIGEST-MD5").contains(Form::DigestMd5));
        assert!(forms_of(b"CMUSASLSECRETcram-md5").contains(Form::CramMd5));
        assert_eq!(forms_of(b"authPassword"), Forms::SCRAM);
        for other in [b"userPassword".as_slice(), b"cmusaslsecretPLAIN", b"*authPassword", b""] {
            assert!(forms_of(other).is_empty());
        }
    }

    #[test]
    fn the_realm_of_the_program_is_taken_off_and_no_other() {
        for (user, realm, typed) in [
            ("alice@example.org", "example.org", "alice"),
            ("alice@example.org", "", "alice@example.org"),
            ("alice@example.org", "other.org", "alice@example.org"),
            ("alice@example.org", "org", "alice@example.org"),
            ("a@b@example.org", "example.org", "a@b@example.org"),
            ("alice@My Repository", "My Repository", "alice"),
            ("@example.org", "example.org", "@example.org"),
            ("alice", "example.org", "alice"),
            ("alice@", "", "alice@"),
        ] {
            assert_eq!(as_typed(user.as_bytes(), realm.as_bytes()), typed.as_bytes(), "{user} {realm}");
        }
    }
}

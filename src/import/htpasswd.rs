//! Apache's htpasswd: `user:hash`. nginx reads the same, and labels such as `{SSHA}` and `{PLAIN}` too.

use crate::identity::text_from_wire;

use super::colon;
use super::entry::{Entry, Fault, Format, Found, OtherFile, text};

/// Reads such a file.
#[derive(Debug, Default)]
pub struct Htpasswd;

impl Format for Htpasswd {
    fn line(&mut self, number: u64, line: &[u8], tell: &mut dyn FnMut(Found)) -> Result<(), OtherFile> {
        colon::line(number, line, "of the form USER:HASH", tell, entry);
        Ok(())
    }
}

fn entry(user: &[u8], rest: &[u8]) -> Result<Entry, Fault> {
    // A label may stand before a password that has colons; hashes have none, and what follows one is a note.
    let hash = if rest.first() == Some(&b'{') { rest } else { colon::split(rest).map_or(rest, |(hash, _)| hash) };
    if hash.is_empty() || matches!(hash.first(), Some(b'!' | b'*')) {
        return Err(Fault::NoPassword);
    }
    Entry::of(&text_from_wire(user), text(hash)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::import::entry::said::said;

    #[test]
    fn every_option_of_htpasswd_is_taken_but_the_one_for_no_hash() {
        assert_eq!(
            said(&mut Htpasswd, include_bytes!("../../tests/imports/htpasswd")),
            [
                "2 bcrypt: BLF-CRYPT",
                "3 md5: apr1",
                "4 sha: SHA",
                "5 crypt: DES-CRYPT",
                "6 plain: not a known form of password hash",
                "7 sha256: SHA256-CRYPT",
                "8 sha512: SHA512-CRYPT",
            ]
        );
    }

    #[test]
    fn lines_are_parted_as_apache_and_nginx_do() {
        for (line, expected) in [
            ("joe:mIyzuLLXdjrnM:a note\r", "1 joe: DES-CRYPT"),
            ("joe@example.com:{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ=", "1 joe@example.com: SHA"),
            ("joe:{PLAIN}a:b", "1 joe: password a:b"),
            ("joe:$2y$05$", "1 joe: not a well-formed BLF-CRYPT hash"),
            ("joe:", "1 joe: no password logs in to it"),
            ("joe:!", "1 joe: no password logs in to it"),
            ("joe", "1 -: the line is not of the form USER:HASH"),
            (":x", "1 : the name is empty"),
        ] {
            assert_eq!(said(&mut Htpasswd, line.as_bytes()), [expected], "{line}");
        }
        assert_eq!(said(&mut Htpasswd, b"\n#joe:x\n"), [""; 0]);
    }
}

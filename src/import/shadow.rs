//! The passwords of Unix: shadow(5), `name:hash:last change:min:max:warn:inactive:expire:`; also the lines that `chpasswd -e` takes.

use crate::identity::text_from_wire;
use crate::runtime::UnixTime;

use super::entry::{Entry, Fault, Format, Found, OtherFile, text};
use super::{colon, time};

/// Reads such a file.
#[derive(Debug, Default)]
pub struct Shadow;

impl Format for Shadow {
    fn line(&mut self, number: u64, line: &[u8], tell: &mut dyn FnMut(Found)) -> Result<(), OtherFile> {
        colon::line(number, line, "of the form NAME:HASH", tell, entry);
        Ok(())
    }
}

fn entry(name: &[u8], rest: &[u8]) -> Result<Entry, Fault> {
    let mut fields = rest.split(|&byte| byte == b':');
    let password = fields.next().unwrap_or_default();
    // passwd -l puts a mark before the hash, which no password fits then, and takes it away again.
    let unlocked = password.strip_prefix(b"!").unwrap_or(password);
    let hash = match unlocked {
        [] if password.is_empty() => return Err(Fault::Open),
        [] | [b'!' | b'*', ..] | b"x" => return Err(Fault::NoPassword),
        // What chpasswd was given with -e is not checked by it, and a label is nothing that crypt(3) knows.
        [b'{', ..] => return Err(Fault::Shape("of the form NAME:HASH, with a hash of crypt(3)")),
        hash => text(hash)?,
    };
    let mut entry = Entry::of(&text_from_wire(name), hash)?;
    entry.disabled = (unlocked.len() < password.len()).then_some("locked");
    entry.expires = expiry(fields.nth(5).unwrap_or_default())?;
    Ok(entry)
}

/// The day on which the account ends, in days since 1970.
fn expiry(days: &[u8]) -> Result<Option<UnixTime>, Fault> {
    if matches!(days, b"" | b"-1") {
        return Ok(None);
    }
    let at = time::day(days).filter(|at| at.0 >= 0);
    at.map(Some).ok_or(Fault::Part { part: "expiry date", why: "it is no number of days" })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::import::entry::said::said;

    #[test]
    fn accounts_of_debian_are_told_apart() {
        assert_eq!(
            said(&mut Shadow, include_bytes!("../../tests/imports/shadow")),
            [
                "1 root: no password logs in to it",
                "2 dovecot: no password logs in to it",
                "3 joe: yescrypt",
                "4 locked: SHA512-CRYPT disabled (locked)",
                "5 nopw: it logs in without a password",
                "6 expired: SHA256-CRYPT expires 1580428800",
                "7 des: DES-CRYPT",
                "8 bcr: BLF-CRYPT",
                "9 md5: MD5-CRYPT",
                "10 sha2: SHA512-CRYPT expires 4073500800",
            ]
        );
    }

    #[test]
    fn every_method_of_mkpasswd_is_taken_or_refused_with_a_reason() {
        let died_out = "has died out";
        for (line, expected) in include_str!("../../tests/imports/mkpasswd").lines().zip([
            "yescrypt",
            "gost-yescrypt is not supported: its hash function is not built in",
            "scrypt",
            "BLF-CRYPT",
            "BLF-CRYPT",
            "SHA512-CRYPT",
            "SHA256-CRYPT",
            died_out,
            "MD5-CRYPT",
            died_out,
            "DES-CRYPT",
            "the NT hash is not supported: it is MD4, whose preimages are cheap to find",
        ]) {
            let told = said(&mut Shadow, line.as_bytes()).concat();
            assert!(told.ends_with(expected), "{told}");
        }
    }

    #[test]
    fn other_lines_are_told_by_what_is_wrong() {
        for (line, expected) in [
            ("joe:Q/u3.RLFw0zbs", "1 joe: DES-CRYPT"),
            ("joe:Q/u3.RLFw0zbs::::::0:\r", "1 joe: DES-CRYPT expires 0"),
            ("joe:Q/u3.RLFw0zbs::::::-1:", "1 joe: DES-CRYPT"),
            ("joe:Q/u3.RLFw0zbs::::::soon:", "1 joe: expiry date: it is no number of days"),
            ("joe:Q/u3.RLFw0zbs::::::999999999999999999:", "1 joe: expiry date: it is no number of days"),
            ("joe:!!", "1 joe: no password logs in to it"),
            ("joe:!*", "1 joe: no password logs in to it"),
            ("joe:x", "1 joe: no password logs in to it"),
            ("joe:{PLAIN}x", "1 joe: the line is not of the form NAME:HASH, with a hash of crypt(3)"),
            ("joe:secret", "1 joe: not a known form of password hash"),
            ("joe", "1 -: the line is not of the form NAME:HASH"),
        ] {
            assert_eq!(said(&mut Shadow, line.as_bytes()), [expected], "{line}");
        }
    }
}

//! LDIF (RFC 2849), as slapcat and ldapsearch write it: the attribute `userPassword` (RFC 2307, section 5.3).

use base64ct::{Base64, Encoding as _};

use crate::credential::{DigestSpelling, Imported, Stored};
use crate::identity::{Authcid, text_from_wire};
use crate::runtime::UnixTime;
use crate::secret::{Password, PasswordError, SecretBytes};

use super::assembly::Assembly;
use super::entry::{Entry, Fault, Format, Found, OtherFile, shown, text, without_return};
use super::time;

/// The attribute that holds the account's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum NameAttribute {
    /// `uid`, a name without a realm as a rule.
    #[default]
    Uid,
    /// `mail`, a name with its realm.
    Mail,
}

/// Reads such a file.
#[derive(Debug)]
pub struct Ldif {
    name: NameAttribute,
    /// The line that is read, which may go on on the next one.
    line: Assembly,
    /// Where it begins; 0 where there is none.
    number: u64,
    record: Record,
}

/// What is known of the entry that is read.
#[derive(Debug, Default)]
struct Record {
    begins: u64,
    dn: Option<String>,
    name: Option<Vec<u8>>,
    is_change: bool,
    passwords: Vec<(u64, Result<SecretBytes, Fault>)>,
    disabled: Option<&'static str>,
    expires: Option<UnixTime>,
}

impl NameAttribute {
    const fn attribute(self) -> &'static str {
        match self {
            Self::Uid => "uid",
            Self::Mail => "mail",
        }
    }
}

impl Ldif {
    /// Accounts are named by `name`.
    #[must_use]
    pub fn new(name: NameAttribute) -> Self {
        Self { name, line: Assembly::new(), number: 0, record: Record::default() }
    }

    /// Takes the line that is complete, and tells if it is none of LDIF's.
    fn complete(&mut self, tell: &mut dyn FnMut(Found)) {
        let number = core::mem::take(&mut self.number);
        let line = self.line.bytes();
        if number == 0 || line.first() == Some(&b'#') {
            return;
        }
        let Some(colon) = memchr::memchr(b':', line) else {
            // What ends a part of a change.
            if line != b"-" {
                tell(Found { line: number, who: None, entry: Err(Fault::Shape("of the form ATTRIBUTE: VALUE")) });
            }
            return;
        };
        if self.record.begins == 0 {
            self.record.begins = number;
        }
        let (attribute, value) = line.split_at(colon);
        // Options follow the name: `userPassword;x-old`.
        let attribute = attribute.split(|&byte| byte == b';').next().unwrap_or_default().to_ascii_lowercase();
        let is_name = attribute == self.name.attribute().as_bytes();
        let is_wanted = matches!(
            attribute.as_slice(),
            b"dn" | b"changetype" | b"userpassword" | b"pwdaccountlockedtime" | b"nsaccountlock" | b"shadowexpire"
        );
        if is_name || is_wanted {
            let value = if self.line.overflows() { Err(Fault::TooLong) } else { decoded(value) };
            self.record.take(number, is_name, &attribute, value);
        }
    }

    fn end_of_record(&mut self, tell: &mut dyn FnMut(Found)) {
        let record = core::mem::take(&mut self.record);
        // Most entries of a directory are no accounts.
        if !record.passwords.is_empty() {
            record.tell(self.name, tell);
        }
    }
}

/// The value after the colon: as it stands, or in base64 after a second colon.
fn decoded(value: &[u8]) -> Result<SecretBytes, Fault> {
    let fault = |why| Fault::Part { part: "value", why };
    match value {
        [b':', b':', encoded @ ..] => {
            let encoded = core::str::from_utf8(encoded.trim_ascii()).map_err(|_| fault("it is not in base64"))?;
            Base64::decode_vec(encoded).map(SecretBytes::new).map_err(|_| fault("it is not in base64"))
        }
        [b':', b'<', ..] => Err(fault("it is in another file")),
        [b':', value @ ..] => Ok(SecretBytes::from(value.trim_ascii_start())),
        _ => Ok(SecretBytes::from(value)),
    }
}

impl Record {
    fn take(&mut self, number: u64, is_name: bool, attribute: &[u8], value: Result<SecretBytes, Fault>) {
        if attribute == b"userpassword" {
            self.passwords.push((number, value));
            return;
        }
        // What cannot be read must not make the entry looser than it is.
        let unreadable = value.is_err();
        let value = value.as_ref().map(SecretBytes::expose).unwrap_or_default();
        match attribute {
            // The first one is the name; others are more addresses.
            _ if is_name && !unreadable => {
                self.name.get_or_insert_with(|| value.to_vec());
            }
            b"dn" => self.dn = Some(shown(value)),
            b"changetype" => self.is_change = value != b"add",
            b"pwdaccountlockedtime" => self.disabled = Some("pwdAccountLockedTime"),
            b"nsaccountlock" if unreadable || value.eq_ignore_ascii_case(b"true") => {
                self.disabled = Some("nsAccountLock");
            }
            b"shadowexpire" => match time::day(value) {
                // -1 is never, as in shadow(5).
                Some(at) if at.0 >= 0 => self.expires = Some(at),
                Some(_) => {}
                None => self.disabled = Some("shadowExpire is no number"),
            },
            _ => {}
        }
    }

    /// Tells of one account, and of each password that cannot be a part of it.
    fn tell(self, attribute: NameAttribute, tell: &mut dyn FnMut(Found)) {
        let who = self.name.as_deref().map(shown).or(self.dn);
        let mut say = |line, entry| tell(Found { line, who: who.clone(), entry });
        let name = match &self.name {
            _ if self.is_change => {
                let why = "it changes an entry instead of being one";
                return say(self.begins, Err(Fault::Part { part: "changetype", why }));
            }
            None => {
                let why = "the entry has none";
                return say(self.begins, Err(Fault::Part { part: attribute.attribute(), why }));
            }
            Some(name) => text_from_wire(name),
        };
        let authcid = match Authcid::parse(&name) {
            Ok(authcid) => authcid,
            Err(fault) => return say(self.begins, Err(Fault::Name(fault))),
        };
        let spelling = DigestSpelling::of_dovecot(&name);
        let mut stored = None;
        for (line, value) in self.passwords {
            let imported = value.and_then(|value| read(value.expose()));
            let gathered = imported.and_then(|imported| Ok(Stored::gather(&mut stored, imported, &spelling)?));
            if let Err(fault) = gathered {
                say(line, Err(fault));
            }
        }
        if let Some(stored) = stored {
            let entry = Entry::with(authcid, stored, Some(spelling));
            say(self.begins, Ok(Entry { disabled: self.disabled, expires: self.expires, ..entry }));
        }
    }
}

/// A value of `userPassword`: with a label, or in the clear (RFC 4519, section 2.41).
fn read(value: &[u8]) -> Result<Imported, Fault> {
    let after_label = value.strip_prefix(b"{").and_then(|rest| {
        let end = memchr::memchr(b'}', rest)?;
        rest.get(end.saturating_add(1)..)
    });
    match after_label {
        None if value.is_empty() => Err(Fault::NoPassword),
        None => Ok(Imported::Plaintext(
            Password::new(value.to_vec()).map_err(|fault: PasswordError| Fault::Password(fault.into()))?,
        )),
        // How a hash is locked: crypt(3) makes none that begins so.
        Some([] | [b'!' | b'*', ..]) => Err(Fault::NoPassword),
        Some(_) => Ok(Imported::parse(text(value)?)?),
    }
}

impl Format for Ldif {
    fn line(&mut self, number: u64, line: &[u8], tell: &mut dyn FnMut(Found)) -> Result<(), OtherFile> {
        let line = without_return(line);
        match line {
            [b' ', rest @ ..] if self.number != 0 => self.line.push(rest),
            _ => {
                self.complete(tell);
                self.line.clear();
                if line.is_empty() {
                    self.end_of_record(tell);
                } else {
                    self.number = number;
                    self.line.push(line);
                }
            }
        }
        Ok(())
    }

    fn long_line(&mut self, number: u64, beginning: &[u8], tell: &mut dyn FnMut(Found)) {
        let _ = self.line(number, beginning, tell);
        self.line.cut();
    }

    fn end(&mut self, tell: &mut dyn FnMut(Found)) {
        self.complete(tell);
        self.end_of_record(tell);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::import::entry::said::said;

    fn read(name: NameAttribute, text: &str) -> Vec<String> {
        said(&mut Ldif::new(name), text.as_bytes())
    }

    #[test]
    fn every_scheme_of_slapd_is_taken_or_refused_with_a_reason() {
        let told = read(NameAttribute::Mail, include_str!("../../tests/imports/ldif"));
        let told: Vec<String> =
            told.iter().map(|line| line.split_once(' ').unwrap().1.replace("@example.com", "")).collect();
        assert_eq!(
            told,
            [
                "ssha: SSHA",
                "sha: SHA",
                "smd5: SMD5",
                "md5: LDAP-MD5",
                "argon2: ARGON2I",
                "ssha256: SSHA256",
                "ssha384: SSHA384",
                "ssha512: SSHA512",
                "sha256: SHA256",
                "sha384: SHA384",
                "sha512: SHA512",
                "pbkdf2: PBKDF2-SHA1",
                "pbkdf2-sha1: PBKDF2-SHA1",
                "pbkdf2-sha256: PBKDF2-SHA256",
                "pbkdf2-sha512: PBKDF2-SHA512",
                "apr1: apr1",
                "bsdmd5: MD5-CRYPT",
                "crypt: DES-CRYPT",
                "crypt6: SHA512-CRYPT",
                "crypty: yescrypt",
                "bigcrypt: bigcrypt",
                "plain: password secret pass",
                "sasl: the name of who checks the password elsewhere is not a password hash",
                "nopw: a form of the password is there twice",
                "nopw: SSHA",
                "both: cram-md5+SSHA",
            ]
        );
        let told = read(NameAttribute::Uid, include_str!("../../tests/imports/ldif"));
        assert_eq!(told[0], "5 ssha: SSHA");
    }

    const ENTRY: &str = "dn: uid=joe,dc=example\nuid: joe\nmail: joe@example.com\nmail: jb@example.com\n";

    #[test]
    fn values_are_read_as_they_may_be_written() {
        for (lines, expected) in [
            ("userPassword: secret", "1 joe: password secret"),
            ("userpassword:secret\r", "1 joe: password secret"),
            ("USERPASSWORD:: c2VjcmV0", "1 joe: password secret"),
            ("userPassword: sec\n ret\n  2", "1 joe: password secret 2"),
            ("userPassword;x-old: secret", "1 joe: password secret"),
            ("userPassword:: cMO k", "5 joe: value: it is not in base64"),
            ("userPassword:< file:///etc/passwd", "5 joe: value: it is in another file"),
            ("userPassword:", "5 joe: no password logs in to it"),
            ("userPassword: {CRYPT}*", "5 joe: no password logs in to it"),
            ("userPassword: {crypt}!$1$abc$uAXS.Zj1ZDNcW9iX1TVH2/", "5 joe: no password logs in to it"),
            ("userPassword: {NONSENSE}x", "5 joe: not a known form of password hash"),
            ("# userPassword: x\n y\nuserPassword: secret", "1 joe: password secret"),
            ("jpegPhoto:: AAAA\n AAAA\nuserPassword: secret", "1 joe: password secret"),
            ("userPassword: secret\nshadowExpire: 1", "1 joe: password secret expires 86400"),
            ("userPassword: secret\nshadowExpire: -1", "1 joe: password secret"),
            ("userPassword: secret\nshadowExpire: x", "1 joe: password secret disabled (shadowExpire is no number)"),
            ("userPassword: secret\nnsAccountLock: TRUE", "1 joe: password secret disabled (nsAccountLock)"),
            ("userPassword: secret\nnsAccountLock: false", "1 joe: password secret"),
            (
                "pwdAccountLockedTime: 000001010000Z\nuserPassword: secret",
                "1 joe: password secret disabled (pwdAccountLockedTime)",
            ),
            (
                "userPassword: secret\nuserPassword: {DIGEST-MD5}9e350098094efc4af26cd456adf29a60",
                "6 joe: a password in the clear needs no hash beside it1 joe: password secret",
            ),
            ("objectClass: x", ""),
        ] {
            assert_eq!(read(NameAttribute::Uid, &format!("{ENTRY}{lines}\n")).concat(), expected, "{lines}");
        }
    }

    #[test]
    fn the_name_is_the_first_of_its_attribute() {
        let text = format!("version: 1\n\n# people\n{ENTRY}userPassword: secret");
        assert_eq!(read(NameAttribute::Mail, &text), ["4 joe@example.com: password secret"]);
        let without = "dn: cn=x\nuserPassword: secret\n\nsearch: 2\nresult: 0 Success\n";
        assert_eq!(read(NameAttribute::Mail, without), ["1 cn=x: mail: the entry has none"]);
        assert_eq!(
            read(NameAttribute::Uid, "dn: x\nuid:: AA==\nuserPassword: x"),
            ["1 \\x00: the name holds the character '\\0', which no name may hold"]
        );
    }

    #[test]
    fn a_line_that_is_none_of_ldif_is_told() {
        let text = format!("joe\n{ENTRY}userPassword: secret\nuserPassword {{SSHA}}x\n\n*** end ***\n of file\n");
        let form = "the line is not of the form ATTRIBUTE: VALUE";
        assert_eq!(
            read(NameAttribute::Uid, &text),
            [&format!("1 -: {form}"), &format!("7 -: {form}"), "2 joe: password secret", &format!("9 -: {form}")]
        );
    }

    #[test]
    fn a_change_is_no_entry() {
        let change = "dn: uid=joe\nchangetype: modify\nreplace: userPassword\nuserPassword: x\n-\n";
        assert_eq!(
            read(NameAttribute::Uid, change),
            ["1 uid=joe: changetype: it changes an entry instead of being one"]
        );
        let added = "dn: uid=joe\nchangetype: add\nuid: joe\nuserPassword: x\n";
        assert_eq!(read(NameAttribute::Uid, added), ["1 joe: password x"]);
    }

    #[test]
    fn what_is_too_long_is_told_where_it_matters_only() {
        let long = "x".repeat(70_000);
        assert!(
            read(NameAttribute::Uid, &format!("{ENTRY}photo: {long}\nuserPassword: s"))
                .concat()
                .ends_with("password s")
        );
        let told = read(NameAttribute::Uid, &format!("{ENTRY}userPassword: {long}"));
        assert_eq!(told, ["5 joe: the line is too long"]);
        let mut format = Ldif::new(NameAttribute::Uid);
        let mut lines = Vec::new();
        let mut tell =
            |found: Found| lines.push((found.line, found.entry.map(|_| ()).map_err(|fault| fault.to_string())));
        for (number, line) in (1..).zip(ENTRY.lines()) {
            format.line(number, line.as_bytes(), &mut tell).unwrap();
        }
        format.long_line(5, b"jpegPhoto:: AAAA", &mut tell);
        format.line(6, b"userPassword: s", &mut tell).unwrap();
        format.long_line(7, b"userPassword: s", &mut tell);
        format.end(&mut tell);
        assert_eq!(lines, [(7, Err("the line is too long".to_owned())), (1, Ok(()))]);
    }
}

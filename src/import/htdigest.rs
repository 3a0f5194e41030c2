//! Apache's htdigest: `user:realm:MD5(user:realm:password)`, which is DIGEST-MD5's secret of that spelling.

use zeroize::Zeroizing;

use crate::credential::{DigestSpelling, Imported, Stored};
use crate::identity::text_from_wire;

use super::colon::{content, split};
use super::entry::{Entry, Fault, Format, Found, OtherFile, authcid, shown, text};

/// Reads such a file.
#[derive(Debug, Default)]
pub struct Htdigest;

impl Format for Htdigest {
    fn line(&mut self, number: u64, line: &[u8], tell: &mut dyn FnMut(Found)) -> Result<(), OtherFile> {
        let Some(line) = content(line) else { return Ok(()) };
        let parts = split(line).and_then(|(user, rest)| split(rest).map(|(realm, hash)| (user, realm, hash)));
        tell(match parts {
            None => Found { line: number, who: None, entry: Err(Fault::Shape("of the form USER:REALM:HASH")) },
            Some((user, realm, hash)) => {
                let who = [user, b" in realm ", realm].concat();
                Found { line: number, who: Some(shown(&who)), entry: entry(user, realm, hash) }
            }
        });
        Ok(())
    }
}

/// A user with an `@` has its realm there; the file's is then only what the password was hashed with.
fn entry(user: &[u8], realm: &[u8], hash: &[u8]) -> Result<Entry, Fault> {
    let (user, realm) = (text_from_wire(user), text_from_wire(realm));
    let authcid = authcid(&user, if user.contains('@') { "" } else { &realm })?;
    if hash.len() != 32 {
        return Err(Fault::Shape("of the form USER:REALM:HASH, the hash in 32 hexadecimal digits"));
    }
    let labelled = Zeroizing::new(format!("{{DIGEST-MD5.HEX}}{}", text(hash)?));
    let imported = Imported::parse(&labelled)?;
    let spelling = DigestSpelling { username: user.into_owned(), realm: realm.into_owned() };
    Ok(Entry::with(authcid, Stored::new(imported, &spelling), Some(spelling)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identity::Authcid;
    use crate::import::entry::said::said;

    #[test]
    fn a_line_of_htdigest_is_digest_md5s_secret_of_its_realm() {
        let told = said(&mut Htdigest, include_bytes!("../../tests/imports/htdigest"));
        assert_eq!(told, ["1 joe in realm example.com: digest-md5 of \"joe\" in \"example.com\""]);
    }

    #[test]
    fn the_account_is_of_the_realm_or_of_the_name_that_has_one() {
        const HASH: &str = "9e350098094efc4af26cd456adf29a60";
        let read = |user: &str, realm: &str, hash: &str| {
            let mut accounts = Vec::new();
            let line = format!("{user}:{realm}:{hash}");
            super::super::entry::read(&mut Htdigest, line.as_bytes(), &mut |found| {
                accounts.push(found.entry.map(|entry| (entry.authcid, entry.spelling)));
            })
            .unwrap();
            accounts.pop().unwrap()
        };
        for (user, realm, account) in [
            ("joe", "example.org", "joe@example.org"),
            ("joe", "", "joe"),
            ("joe@example.org", "The Trac", "joe@example.org"),
            ("joe", "The Trac", "joe@The Trac"),
        ] {
            let (authcid, spelling) = read(user, realm, HASH).unwrap();
            assert_eq!(authcid, Authcid::parse(account).unwrap());
            assert_eq!(spelling, Some(DigestSpelling { username: user.to_owned(), realm: realm.to_owned() }));
        }
        for (user, realm, hash, said) in [
            ("joe", "a@b", HASH, "the realm holds the character '@', which no name may hold"),
            ("", "a", HASH, "the name is empty"),
            ("joe", "a", &HASH[1..], "the line is not of the form USER:REALM:HASH, the hash in 32 hexadecimal digits"),
            ("joe", "a", "xe350098094efc4af26cd456adf29a60", "not a well-formed DIGEST-MD5 hash"),
        ] {
            assert_eq!(read(user, realm, hash).unwrap_err().to_string(), said);
        }
        assert_eq!(said(&mut Htdigest, b"joe:x"), ["1 -: the line is not of the form USER:REALM:HASH"]);
    }
}

//! The stored form of DIGEST-MD5: one hash for each spelling of a name, in each character set that clients use.

use md5::{Digest, Md5};
use subtle::{Choice, ConstantTimeEq};
use zeroize::Zeroizing;

use crate::identity::{Identity, Realms};
use crate::secret::SecretArray;

use super::account::DigestMd5Hash;

impl DigestMd5Hash {
    /// How many hashes of one spelling a password has at most.
    pub const FORMS: usize = 3;

    /// The tag of a spelling. Both parts count in UTF-8, whatever the hash itself was made of, because that is how they are
    /// compared when they come over the wire.
    #[must_use]
    pub fn tag(username: &str, realm: &str) -> u8 {
        let [tag, ..]: [u8; 16] =
            Md5::new().chain_update(username).chain_update(":").chain_update(realm).finalize().into();
        tag
    }

    /// MD5(username:realm:password) over the bytes as they are; the username is given in pieces.
    #[must_use]
    pub fn hash(username: &[&[u8]], realm: &[u8], password: &[u8]) -> SecretArray<16> {
        let mut md5 = Md5::new();
        username.iter().for_each(|piece| md5.update(piece));
        [b":", realm, b":", password].iter().for_each(|part| md5.update(part));
        SecretArray::new(md5.finalize().into())
    }

    /// Whether it is this hash, in constant time. As one number, since PLAIN compares all of an account's.
    #[must_use]
    pub fn is(&self, hash: &SecretArray<16>) -> Choice {
        u128::from_ne_bytes(*self.hash.expose()).ct_eq(&u128::from_ne_bytes(*hash.expose()))
    }

    /// The hashes of `password` for every spelling of `identity`, the plain pair of name and own realm first.
    ///
    /// Where name or password is not ASCII, clients differ in what they hash: both in UTF-8 (Perl, curl, Camel), both in ISO
    /// 8859-1 as far as they fit (libsasl2, after RFC 2831, section 2.1.2.1), or only the password in ISO 8859-1 (GNU SASL).
    /// No client converts the realm.
    #[must_use]
    pub fn derive(password: &[u8], identity: &Identity, realms: &Realms) -> Vec<Self> {
        // A password that is not UTF-8 is in ISO 8859-1 already, as far as anybody can tell.
        let password_latin1 = core::str::from_utf8(password).ok().and_then(latin1);
        let password_latin1 = password_latin1.as_ref().map_or(password, |bytes| bytes.as_slice());
        let spellings = realms.digest_spellings(identity);
        let mut hashes = Vec::with_capacity(spellings.len());
        for (username, realm) in &spellings {
            let tag = Self::tag(username, realm);
            let username_latin1 = latin1(username);
            let username_latin1 = username_latin1.as_ref().map_or(username.as_bytes(), |bytes| bytes.as_slice());
            let forms: [_; Self::FORMS] = [
                (username.as_bytes(), password),
                (username_latin1, password_latin1),
                (username.as_bytes(), password_latin1),
            ];
            for (position, (username, password)) in forms.iter().enumerate() {
                if !forms.iter().take(position).any(|form| form == &(*username, *password)) {
                    hashes.push(Self { tag, hash: Self::hash(&[username], realm.as_bytes(), password) });
                }
            }
        }
        hashes
    }

    /// Among the hashes of `identity`, the one that libsasl2 computes for this spelling: both in ISO 8859-1 as far as they fit.
    #[must_use]
    pub fn of_libsasl2<'a>(
        hashes: &'a [Self],
        identity: &Identity,
        realms: &Realms,
        username: &str,
        realm: &str,
    ) -> Option<&'a Self> {
        let spellings = realms.digest_spellings(identity);
        let tag = Self::tag(username, realm);
        let forms = match [false, true].into_iter().find_map(|converts| by_spelling(hashes, &spellings, converts)) {
            Some(parts) => {
                let place = spellings.iter().position(|(u, r)| (u.as_str(), r.as_str()) == (username, realm))?;
                parts.get(place).copied()?
            }
            // Aliases came or went since: where a spelling is, its tag alone tells, hardly ever wrongly.
            None => hashes.chunk_by(|one, next| one.tag == next.tag).find(|forms| is_tagged(forms, tag))?,
        };
        // The second form is in ISO 8859-1; where there is one only, it is the same in both.
        if is_tagged(forms, tag) { forms.get(1).or(forms.first()) } else { None }
    }
}

/// `hashes` in parts, one for each of `spellings`; none if they are of others. How many forms a spelling has follows from the
/// password too, which nobody knows any more: `password_converts` if it has characters of ISO 8859-1 beyond ASCII and no others.
/// The numbers of hashes with and without never agree.
fn by_spelling<'a>(
    hashes: &'a [DigestMd5Hash],
    spellings: &[(String, String)],
    password_converts: bool,
) -> Option<Vec<&'a [DigestMd5Hash]>> {
    let mut rest = hashes;
    let mut parts = Vec::with_capacity(spellings.len());
    for (username, _) in spellings {
        let number = 1usize.saturating_add(usize::from(password_converts));
        let number = number.saturating_add(usize::from(latin1(username).is_some()));
        let (forms, after) = rest.split_at_checked(number)?;
        parts.push(forms);
        rest = after;
    }
    rest.is_empty().then_some(parts)
}

fn is_tagged(forms: &[DigestMd5Hash], tag: u8) -> bool {
    forms.first().is_some_and(|hash| hash.tag == tag)
}

/// `text` in ISO 8859-1; `None` where it does not fit, and where that is what it is already.
fn latin1(text: &str) -> Option<Zeroizing<Vec<u8>>> {
    if text.is_ascii() {
        return None;
    }
    let mut bytes = Zeroizing::new(Vec::with_capacity(text.len()));
    for c in text.chars() {
        bytes.push(u8::try_from(u32::from(c)).ok()?);
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::credential::unhex as hex;
    use crate::identity::{Name, Realm};

    fn realm(text: &str) -> Realm {
        Realm::imported(text).unwrap()
    }

    fn hashes(password: &[u8], name: &str) -> Vec<DigestMd5Hash> {
        let identity = Identity::new(Name::new(name).unwrap(), realm("example.org"));
        DigestMd5Hash::derive(password, &identity, &Realms::new(realm("example.org"), []))
    }

    fn holds(hashes: &[DigestMd5Hash], tag: u8, hash: &SecretArray<16>) -> bool {
        hashes.iter().any(|h| h.tag == tag && h.hash.equals(hash.expose()))
    }

    #[test]
    fn hashes_are_those_of_doveadm_and_libsasl2() {
        for (username, realm, password, hash) in [
            ("joe", "example.org", "secret", "9e350098094efc4af26cd456adf29a60"),
            ("joe", "", "secret", "fb2441a715a5484c6fa16147c4a6b7a8"),
            ("joe@example.org", "", "secret", "3af07411297e0707597cbfad3ab9ce1a"),
            ("joe@example.org", "example.org", "secret", "ca32fe7992d3a4b6ea652be68adf03f6"),
            ("alice", "example.org", "s3cr3t pass", "04115808cd00c5137e5e1fcd448acd4c"),
        ] {
            let made = DigestMd5Hash::hash(&[username.as_bytes()], realm.as_bytes(), password.as_bytes());
            assert!(made.equals(&hex(hash)), "{username} {realm}");
            let all = hashes(password.as_bytes(), username.split('@').next().unwrap());
            assert!(holds(&all, DigestMd5Hash::tag(username, realm), &made), "{username} {realm}");
        }
    }

    #[test]
    fn the_plain_pair_comes_first_and_ascii_needs_one_hash_for_each_spelling() {
        let all = hashes(b"secret", "joe");
        assert_eq!(all.len(), 4);
        assert!(all[0].hash.equals(DigestMd5Hash::hash(&[b"joe"], b"example.org", b"secret").expose()));
    }

    #[test]
    fn the_hash_of_libsasl2_is_found_among_all_spellings_and_character_sets() {
        let realms = Realms::new(realm("example.org"), [realm("mx1"), realm("mx1.example.org")]);
        let names = ["joe", "Joe", "j\u{F6}rg", "\u{65E5}\u{672C}"];
        let passwords: [&[u8]; 5] =
            [b"secret", "p\u{E4}55".as_bytes(), "\u{65E5}".as_bytes(), "\u{E4}\u{65E5}".as_bytes(), b"p\xE455"];
        let in_latin1 =
            |text: &str| latin1(text).map_or_else(|| text.as_bytes().to_vec(), |bytes| bytes.as_slice().to_vec());
        for (name, password) in names.iter().flat_map(|name| passwords.map(|password| (*name, password))) {
            let identity = Identity::new(Name::new(name).unwrap(), realm("example.org"));
            let all = DigestMd5Hash::derive(password, &identity, &realms);
            let sent = core::str::from_utf8(password).map_or_else(|_| password.to_vec(), in_latin1);
            for (username, realm) in realms.digest_spellings(&identity) {
                let found = DigestMd5Hash::of_libsasl2(&all, &identity, &realms, &username, &realm).unwrap();
                let made = DigestMd5Hash::hash(&[&in_latin1(&username)], realm.as_bytes(), &sent);
                assert!(found.hash.equals(made.expose()), "{username} {realm} {password:?}");
            }
            let find = |username, realm| DigestMd5Hash::of_libsasl2(&all, &identity, &realms, username, realm);
            assert!(find("JOE", "example.org").is_none() && find(name, "other.org").is_none());
        }
    }

    #[test]
    fn hashes_of_other_realms_are_not_taken_for_these() {
        let identity = Identity::new(Name::new("joe").unwrap(), realm("example.org"));
        let then = Realms::new(realm("example.org"), [realm("mx1")]);
        let now = Realms::new(realm("example.org"), [realm("mx2")]);
        let all = DigestMd5Hash::derive(b"secret", &identity, &then);
        let find = |username, realm| DigestMd5Hash::of_libsasl2(&all, &identity, &now, username, realm);
        assert!(find("joe", "mx2").is_none());
        assert!(find("joe", "example.org").is_some());
        let fewer = Realms::new(realm("example.org"), []);
        let found = DigestMd5Hash::of_libsasl2(&all, &identity, &fewer, "joe", "example.org").unwrap();
        assert!(found.hash.equals(DigestMd5Hash::hash(&[b"joe"], b"example.org", b"secret").expose()));
    }

    #[test]
    fn other_characters_are_hashed_as_each_family_of_clients_does() {
        let (name, name_latin1) = ("j\u{F6}rg", b"j\xF6rg".as_slice());
        let (password, password_latin1) = ("p\u{E4}55", b"p\xE455".as_slice());
        let all = hashes(password.as_bytes(), name);
        assert_eq!(all.len(), 12);
        let tag = DigestMd5Hash::tag(name, "example.org");
        let has = |n: &[u8], p: &[u8]| holds(&all, tag, &DigestMd5Hash::hash(&[n], b"example.org", p));
        assert!(has(name.as_bytes(), password.as_bytes()));
        assert!(has(name_latin1, password_latin1));
        assert!(has(name.as_bytes(), password_latin1));
        assert!(!has(name_latin1, password.as_bytes()));

        assert_eq!(hashes(b"secret", name).len(), 8, "the password needs no third form");
        assert_eq!(hashes(password.as_bytes(), "joe").len(), 8);
        assert_eq!(hashes("\u{65E5}\u{672C}".as_bytes(), "joe").len(), 4, "what does not fit stays in UTF-8");
        assert_eq!(hashes("\u{65E5}".as_bytes(), name).len(), 8);
        assert_eq!(hashes(b"p\xE455", "joe").len(), 4, "bytes that are not UTF-8 stay as they are");
    }
}

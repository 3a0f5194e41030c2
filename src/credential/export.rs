//! Stored secrets as text, in the forms that Dovecot's passwd-file has: the way back from [`Imported`](super::Imported).
//!
//! Where there is no such form it is one of our own: `{DIGEST-MD5-SPELLINGS}`, then the tag and the hash of each spelling in hex.

use core::fmt::Write as _;

use base64ct::{Base64, Encoding as _};
use zeroize::Zeroizing;

use crate::identity::Identity;
use crate::secret::{SecretArray, SecretBytes};
use crate::vocabulary::ScramHash;

use super::account::{Account, CramMd5States, DigestMd5Hash, ScramKeys, ScramSalt, Secrets};
use super::hash::{Encoding, Labelled};
use super::lookup::Who;
use super::salt::SaltKey;

const SPELLINGS: &str = "DIGEST-MD5-SPELLINGS";

/// Tag and hash of one spelling.
const SPELLING: usize = 17;

/// More spellings than any name has, in every form.
const MAX_SPELLINGS: usize = 200;

impl Account {
    /// Keeps with all SCRAM keys the salts that are computed here, and elsewhere under another salt key.
    pub fn spell_out_salts(&mut self, salt_key: &SaltKey) {
        for password in &mut self.passwords {
            password.secrets.spell_out_salts(salt_key, &self.identity);
        }
    }
}

impl Secrets {
    /// All that is stored, one text for each scheme. The salts of SCRAM keys have to be spelled out: see
    /// [`Account::spell_out_salts`].
    #[must_use]
    pub fn texts(&self) -> Vec<Zeroizing<String>> {
        let digest_md5 = (!self.digest_md5.is_empty()).then(|| spellings(&self.digest_md5));
        let cram_md5 = self.cram_md5.as_ref().map(CramMd5States::text);
        let scram = self.scram.iter().filter_map(ScramKeys::text);
        let hash = self.hash.as_ref().map(|hash| Zeroizing::new(hash.as_str().to_owned()));
        digest_md5.into_iter().chain(cram_md5).chain(scram).chain(hash).collect()
    }

    fn spell_out_salts(&mut self, salt_key: &SaltKey, identity: &Identity) {
        let who = Who::Account(identity.key());
        for keys in self.scram.iter_mut().filter(|keys| keys.salt == ScramSalt::Derived) {
            keys.salt = ScramSalt::Imported(salt_key.salt(keys.hash, &who).to_vec());
        }
    }

    /// Forgets the salts that are computed here anyway: the opposite of [`Account::spell_out_salts`]. Keys with another count than other
    /// passwords hold to, `bound`, keep theirs.
    pub fn compute_salts(&mut self, salt_key: &SaltKey, identity: &Identity, bound: &[(ScramHash, u32)]) {
        let who = Who::Account(identity.key());
        let agrees =
            |keys: &&mut ScramKeys| bound.iter().all(|(hash, count)| *hash != keys.hash || *count == keys.iterations);
        for keys in self.scram.iter_mut().filter(agrees) {
            if matches!(&keys.salt, ScramSalt::Imported(salt) if *salt == salt_key.salt(keys.hash, &who)) {
                keys.salt = ScramSalt::Derived;
            }
        }
    }
}

impl CramMd5States {
    /// Dovecot's `{CRAM-MD5}`.
    #[must_use]
    pub fn text(&self) -> Zeroizing<String> {
        labelled("CRAM-MD5", self.to_dovecot().expose())
    }
}

impl ScramKeys {
    /// Dovecot's `{SCRAM-*}`; none while the salt is not spelled out.
    #[must_use]
    pub fn text(&self) -> Option<Zeroizing<String>> {
        let ScramSalt::Imported(salt) = &self.salt else { return None };
        let base64 = |bytes: &[u8]| Zeroizing::new(Base64::encode_string(bytes));
        let (stored, server) = (base64(self.stored_key.expose()), base64(self.server_key.expose()));
        let label = self.hash.mechanism().name();
        let text = format!("{{{label}}}{},{},{},{}", self.iterations, Base64::encode_string(salt), *stored, *server);
        Some(Zeroizing::new(text))
    }
}

impl DigestMd5Hash {
    /// Dovecot's `{DIGEST-MD5}`, if this is the hash of the parts of `name@realm`.
    #[must_use]
    pub fn text(&self, identity: &Identity) -> Option<Zeroizing<String>> {
        let own = Self::tag(identity.name.as_str(), identity.realm.as_str());
        (self.tag == own).then(|| labelled("DIGEST-MD5", self.hash.expose()))
    }

    /// Reads what [`Secrets::texts`] writes for all spellings. None if it is something else; `Some(None)` if it is malformed.
    #[must_use]
    pub fn parse_spellings(text: &str) -> Option<Option<Vec<Self>>> {
        let labelled = Labelled::split(text).filter(|labelled| labelled.scheme() == SPELLINGS)?;
        Some(labelled.bytes(Encoding::Hex, None).and_then(|bytes| {
            let (entries, rest) = bytes.expose().as_chunks::<SPELLING>();
            let read = |[tag, hash @ ..]: &[u8; SPELLING]| Self { tag: *tag, hash: SecretArray::new(*hash) };
            let fits = rest.is_empty() && (1..=MAX_SPELLINGS).contains(&entries.len());
            fits.then(|| entries.iter().map(read).collect())
        }))
    }
}

fn spellings(hashes: &[DigestMd5Hash]) -> Zeroizing<String> {
    let mut bytes = Vec::with_capacity(hashes.len().saturating_mul(SPELLING));
    for entry in hashes {
        bytes.push(entry.tag);
        bytes.extend_from_slice(entry.hash.expose());
    }
    labelled(SPELLINGS, SecretBytes::new(bytes).expose())
}

/// `{LABEL}` and the bytes in hex. Full-size from the start: a text that grows leaves copies behind.
fn labelled(label: &str, bytes: &[u8]) -> Zeroizing<String> {
    let room = bytes.len().saturating_mul(2).saturating_add(label.len()).saturating_add(2);
    let mut text = Zeroizing::new(String::with_capacity(room));
    let _ = write!(text, "{{{label}}}");
    bytes.iter().for_each(|byte| _ = write!(text, "{byte:02x}"));
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::credential::Imported;

    /// doveadm pw 2.3.19.1, password `secret`, DIGEST-MD5 for joe@example.org.
    const OF_DOVECOT: [&str; 3] = [
        "{CRAM-MD5}cd3ba7deaad6e5ca23448ba42e379747a9e0f7f1fbc00c8a81bbaac395731b56",
        "{DIGEST-MD5}9e350098094efc4af26cd456adf29a60",
        "{SCRAM-SHA-1}4096,zEM4yyfRd9L4nuOaSEOxrw==,QWBuXrmkVgJlkvCPPgEmJP9kHlE=,3oFtoiPoCeEI9JOMvHOP1BQ8aVo=",
    ];

    fn joe() -> Identity {
        use crate::identity::{Name, Realm};
        Identity::new(Name::new("joe").unwrap(), Realm::new("example.org").unwrap())
    }

    #[test]
    fn texts_are_those_that_dovecot_made() {
        for text in OF_DOVECOT {
            let written = match Imported::parse(text).unwrap() {
                Imported::CramMd5(states) => states.text(),
                Imported::DigestMd5(hash) => {
                    let tag = DigestMd5Hash::tag("joe", "example.org");
                    DigestMd5Hash { tag, hash }.text(&joe()).unwrap()
                }
                Imported::Scram(keys) => keys.text().unwrap(),
                other => panic!("{other:?}"),
            };
            assert_eq!(*written, text);
        }
    }

    #[test]
    fn spellings_are_read_as_they_are_written() {
        let hashes: Vec<_> = (1..4).map(|n| DigestMd5Hash { tag: n, hash: SecretArray::new([n; 16]) }).collect();
        let text = spellings(&hashes);
        let read = DigestMd5Hash::parse_spellings(&text).unwrap().unwrap();
        assert_eq!(*spellings(&read), *text);
        assert_eq!(hashes.len(), read.len());
        for malformed in ["", "0", "01", &text[22..text.len() - 2], &"01".repeat(SPELLING * (MAX_SPELLINGS + 1))] {
            let text = format!("{{{SPELLINGS}}}{malformed}");
            assert!(matches!(DigestMd5Hash::parse_spellings(&text), Some(None)), "{text}");
        }
        assert!(DigestMd5Hash::parse_spellings(OF_DOVECOT[1]).is_none());
    }

    #[test]
    fn salts_are_spelled_out_and_forgotten_again() {
        let (here, elsewhere) = (SaltKey::new([1; 32]), SaltKey::new([2; 32]));
        let keys = |salt| ScramKeys {
            hash: ScramHash::Sha256,
            salt,
            iterations: 4096,
            stored_key: SecretBytes::new(vec![3; 32]),
            server_key: SecretBytes::new(vec![4; 32]),
        };
        let mut secrets = Secrets { scram: vec![keys(ScramSalt::Derived)], ..Secrets::default() };
        assert!(secrets.texts().is_empty());
        secrets.spell_out_salts(&here, &joe());
        assert_eq!(secrets.texts().len(), 1);
        secrets.compute_salts(&elsewhere, &joe(), &[]);
        assert!(matches!(secrets.scram[0].salt, ScramSalt::Imported(_)));
        secrets.compute_salts(&here, &joe(), &[(ScramHash::Sha256, 5000)]);
        assert!(matches!(secrets.scram[0].salt, ScramSalt::Imported(_)));
        secrets.compute_salts(&here, &joe(), &[(ScramHash::Sha256, 4096), (ScramHash::Sha1, 5000)]);
        assert_eq!(secrets.scram[0].salt, ScramSalt::Derived);
    }
}

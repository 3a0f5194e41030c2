//! The seal over an account's secrets: AES-256-GCM-SIV under a key that is not in the database.

use aes_gcm_siv::aead::AeadInOut as _;
use aes_gcm_siv::{Aes256GcmSiv, KeyInit as _};
use hmac::{Hmac, Mac};
use sha2::Sha256;
use zeroize::{Zeroize, Zeroizing};

use crate::runtime::Entropy;
use crate::secret::SecretArray;
use crate::store::StoreError;

const NONCE: usize = 12;
const TAG: usize = 16;

/// Names a key; computed from it, so that a database can say which one it needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct KeyId(pub(super) [u8; 8]);

/// Makes the MACs of the audit's chain, and opens nothing.
pub(super) struct AuditKey(SecretArray<32>);

impl AuditKey {
    pub(super) const fn new(bytes: SecretArray<32>) -> Self {
        Self(bytes)
    }

    pub(super) fn mac(&self, parts: &[&[u8]]) -> [u8; 32] {
        mac(self.0.expose(), parts)
    }

    /// To be sealed under the key that comes after.
    pub(super) fn expose(&self) -> &[u8; 32] {
        self.0.expose()
    }
}

/// A key of the key file, with what follows from it. The file's own bytes are not kept.
pub(super) struct Key {
    pub(super) id: KeyId,
    seal: Aes256GcmSiv,
    pub(super) audit: AuditKey,
    decoy: SecretArray<32>,
}

impl Key {
    /// Derives what is used from the bytes of a key file.
    pub(super) fn new(master: &SecretArray<32>) -> Self {
        let derive = |purpose: &[u8]| Zeroizing::new(mac(master.expose(), &[b"sasldb-rs 1 ", purpose]));
        let mut id = [0; 8];
        id.iter_mut().zip(*derive(b"key id")).for_each(|(to, from)| *to = from);
        Self {
            id: KeyId(id),
            seal: Aes256GcmSiv::new((&*derive(b"seal")).into()),
            audit: AuditKey::new(SecretArray::new(*derive(b"audit"))),
            decoy: SecretArray::new(*derive(b"decoy")),
        }
    }

    /// Seals `plain`: nonce, then ciphertext, then tag. A nonce that comes twice costs no more, with this cipher, than to show
    /// that two equal records are equal.
    pub(super) fn seal(
        &self,
        associated: &[u8],
        plain: &[u8],
        entropy: &mut dyn Entropy,
    ) -> Result<Vec<u8>, StoreError> {
        let mut nonce = [0; NONCE];
        entropy.fill(&mut nonce).map_err(|_| StoreError::NoEntropy)?;
        self.seal_with(nonce, associated, plain)
    }

    pub(super) fn seal_with(&self, nonce: [u8; NONCE], associated: &[u8], plain: &[u8]) -> Result<Vec<u8>, StoreError> {
        let mut sealed = Vec::with_capacity(plain.len().saturating_add(NONCE + TAG));
        sealed.extend_from_slice(&nonce);
        sealed.extend_from_slice(plain);
        let (_, body) = sealed.split_at_mut(NONCE);
        let too_long = |_| StoreError::Refused("the secrets are too long to be sealed");
        let tag = self.seal.encrypt_inout_detached(&nonce.into(), associated, body.into()).map_err(too_long)?;
        sealed.extend_from_slice(&tag);
        Ok(sealed)
    }

    /// Opens what [`Self::seal`] made, into `plain`. False if a bit of it or of `associated` differs; `plain` is empty then.
    #[must_use]
    pub(super) fn open(&self, associated: &[u8], sealed: &[u8], plain: &mut Zeroizing<Vec<u8>>) -> bool {
        plain.zeroize();
        let Some((nonce, body)) = sealed.split_first_chunk::<NONCE>() else { return false };
        let Some((body, tag)) = body.split_last_chunk::<TAG>() else { return false };
        plain.extend_from_slice(body);
        let opened =
            self.seal.decrypt_inout_detached(&(*nonce).into(), associated, plain.as_mut_slice().into(), &(*tag).into());
        if opened.is_err() {
            plain.zeroize();
        }
        opened.is_ok()
    }

    /// What a decoy's secrets are made from.
    pub(super) fn decoy_seed(&self) -> &SecretArray<32> {
        &self.decoy
    }
}

fn mac(key: &[u8; 32], parts: &[&[u8]]) -> [u8; 32] {
    // HMAC takes keys of any length: the fallback never runs.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key) else { return [0; 32] };
    parts.iter().for_each(|part| mac.update(part));
    mac.finalize().into_bytes().into()
}

/// A text of fields that no two different lists of fields share: each is preceded by its length, an absent one by a mark.
pub(super) struct Canonical<'a>(&'a mut Vec<u8>);

impl<'a> Canonical<'a> {
    /// Starts over in `buffer`.
    pub(super) fn begin(buffer: &'a mut Vec<u8>, domain: &str) -> Self {
        buffer.clear();
        let mut fields = Self(buffer);
        fields.text(Some(domain));
        fields
    }

    pub(super) fn bytes(&mut self, bytes: &[u8]) {
        // No column is longer than SQLite's limit of 1,000,000,000 bytes.
        let length = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
        self.0.push(1);
        self.0.extend_from_slice(&length.to_be_bytes());
        self.0.extend_from_slice(bytes);
    }

    pub(super) fn text(&mut self, text: Option<&str>) {
        match text {
            Some(text) => self.bytes(text.as_bytes()),
            None => self.0.push(0),
        }
    }

    pub(super) fn number(&mut self, number: Option<i64>) {
        match number {
            Some(number) => self.bytes(&number.to_be_bytes()),
            None => self.0.push(0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::runtime::NoEntropy;

    struct Fixed;

    impl Entropy for Fixed {
        fn fill(&mut self, buffer: &mut [u8]) -> Result<(), NoEntropy> {
            buffer.fill(5);
            Ok(())
        }
    }

    fn key(byte: u8) -> Key {
        Key::new(&SecretArray::new([byte; 32]))
    }

    #[test]
    fn only_the_same_key_and_surroundings_open_a_seal() {
        let sealed = key(1).seal(b"around", b"secret", &mut Fixed).unwrap();
        assert_eq!(sealed.len(), 12 + 6 + 16);
        let mut plain = Zeroizing::new(Vec::new());
        assert!(key(1).open(b"around", &sealed, &mut plain));
        assert_eq!(*plain, b"secret");
        assert!(!key(2).open(b"around", &sealed, &mut plain));
        assert!(plain.is_empty());
        assert!(!key(1).open(b"aroumd", &sealed, &mut plain));
        for bit in 0..sealed.len() * 8 {
            let mut flipped = sealed.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert!(!key(1).open(b"around", &flipped, &mut plain), "bit {bit}");
        }
        for end in 0..sealed.len() {
            assert!(!key(1).open(b"around", &sealed[..end], &mut plain), "cut at {end}");
        }
    }

    /// They bind every database that exists and may never change. The values were computed with another implementation
    /// (pyca/cryptography).
    #[test]
    fn derivations_stay_as_they_are() {
        let hex = |bytes: &[u8]| bytes.iter().map(|b| format!("{b:02x}")).collect::<String>();
        assert_eq!(hex(&key(1).id.0), "f60b68c9373893bb");
        assert_eq!(
            hex(&key(1).seal(b"around", b"secret", &mut Fixed).unwrap()),
            "050505050505050505050505a05b9203b382387c081a25b09f77c33484736d32dd1b"
        );
        assert_eq!(
            hex(&key(1).audit.mac(&[b"a", b"b"])),
            "6482944c0a5433fbb54d178f611ab2c1763259bd216954b1821a514f8d729f89"
        );
    }

    #[test]
    fn different_fields_make_different_texts() {
        let text = |fields: &[Option<&str>]| {
            let mut buffer = Vec::new();
            let mut canonical = Canonical::begin(&mut buffer, "d");
            fields.iter().for_each(|f| canonical.text(*f));
            buffer
        };
        assert_ne!(text(&[Some("ab"), Some("c")]), text(&[Some("a"), Some("bc")]));
        assert_ne!(text(&[None, Some("")]), text(&[Some(""), None]));
        assert_ne!(text(&[Some("")]), text(&[None]));
    }
}

//! The secrets of an account as one run of bytes: what the seal closes over.
//!
//! ```text
//! record   = version(1) passwords(1) *password
//! password = length(2) *field              ; the length of its fields
//! field    = tag(1) length(2) value        ; tags ascend, each at most once
//! ```
//!
//! Numbers are big-endian. There is one way to write a record, and nothing else is read.

use crate::secret::{SecretArray, SecretBytes};
use crate::vocabulary::ScramHash;

use super::account::{
    CramMd5States, DigestMd5Hash, MAX_PASSWORDS, PasswordFacts, ScramKeys, ScramSalt, Secrets, StoredPassword,
};
use super::hash::PasswordHash;

const VERSION: u8 = 1;

/// What a field holds. A number that was given out keeps its meaning for ever.
mod tag {
    /// Spelling tag and hash, 17 bytes, once for each spelling.
    pub(super) const DIGEST_MD5: u8 = 1;
    /// Inner state, outer state.
    pub(super) const CRAM_MD5: u8 = 2;
    /// Iterations(4) StoredKey ServerKey, then nothing for a derived salt, or 1 and an imported one.
    pub(super) const SCRAM_SHA_1: u8 = 3;
    /// As SCRAM_SHA_1.
    pub(super) const SCRAM_SHA_256: u8 = 4;
    /// As SCRAM_SHA_1.
    pub(super) const SCRAM_SHA_512: u8 = 5;
    /// The text of a [`PasswordHash`](super::PasswordHash).
    pub(super) const HASH: u8 = 6;
    /// No value: PLAIN and LOGIN are refused.
    pub(super) const NO_PLAINTEXT: u8 = 7;
}

const DIGEST_ENTRY: usize = 17;
const IMPORTED_SALT: u8 = 1;

/// Why bytes are no record, or an account makes none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RecordError {
    /// Made by a later version of this program.
    #[error("its record has a later version")]
    Version,
    /// Not of the form above.
    #[error("its record is malformed")]
    Malformed,
    /// Another number of passwords than the account has.
    #[error("its record holds another number of passwords")]
    Passwords,
    /// More than a record can hold.
    #[error("its secrets are too long for a record")]
    TooLong,
}

/// Writes the secrets of an account's passwords, in their order.
///
/// # Errors
/// [`RecordError::TooLong`] for more than [`MAX_PASSWORDS`], or a secret of more than 65,535 bytes.
pub fn encode<'a>(passwords: impl ExactSizeIterator<Item = &'a Secrets>) -> Result<SecretBytes, RecordError> {
    let count = u8::try_from(passwords.len()).ok().filter(|&n| usize::from(n) <= MAX_PASSWORDS);
    // The first pass counts, so that the second never grows its buffer and leaves no copy behind.
    let passwords: Vec<&Secrets> = passwords.collect();
    let size = passwords.iter().fold(2usize, |sum, secrets| sum.saturating_add(encoded_len(secrets)));
    let mut out = Writer(zeroize::Zeroizing::new(Vec::with_capacity(size)));
    out.byte(VERSION);
    out.byte(count.ok_or(RecordError::TooLong)?);
    for secrets in passwords {
        out.length(encoded_len(secrets).saturating_sub(2))?;
        for (tag, parts) in fields(secrets) {
            out.byte(tag);
            out.length(parts.iter().fold(0, |sum, part| sum.saturating_add(part.len())))?;
            parts.iter().for_each(|part| out.bytes(part));
        }
    }
    Ok(SecretBytes::new(core::mem::take(&mut *out.0)))
}

/// One part of a field's value.
enum Part<'a> {
    Number(u32),
    Byte(u8),
    Bytes(&'a [u8]),
}

impl Part<'_> {
    fn len(&self) -> usize {
        match self {
            Self::Number(_) => 4,
            Self::Byte(_) => 1,
            Self::Bytes(bytes) => bytes.len(),
        }
    }
}

fn fields(secrets: &Secrets) -> Vec<(u8, Vec<Part<'_>>)> {
    let mut fields = Vec::new();
    if !secrets.digest_md5.is_empty() {
        let entries = secrets.digest_md5.iter().flat_map(|e| [Part::Byte(e.tag), Part::Bytes(e.hash.expose())]);
        fields.push((tag::DIGEST_MD5, entries.collect()));
    }
    if let Some(states) = &secrets.cram_md5 {
        fields.push((tag::CRAM_MD5, vec![Part::Bytes(states.inner.expose()), Part::Bytes(states.outer.expose())]));
    }
    for hash in ScramHash::ALL {
        let Some(keys) = secrets.scram_keys(hash) else { continue };
        let mut parts = vec![
            Part::Number(keys.iterations),
            Part::Bytes(keys.stored_key.expose()),
            Part::Bytes(keys.server_key.expose()),
        ];
        if let ScramSalt::Imported(salt) = &keys.salt {
            parts.extend([Part::Byte(IMPORTED_SALT), Part::Bytes(salt)]);
        }
        fields.push((scram_tag(hash), parts));
    }
    if let Some(hash) = &secrets.hash {
        fields.push((tag::HASH, vec![Part::Bytes(hash.as_str().as_bytes())]));
    }
    if secrets.no_plaintext {
        fields.push((tag::NO_PLAINTEXT, Vec::new()));
    }
    fields
}

fn encoded_len(secrets: &Secrets) -> usize {
    let parts =
        fields(secrets).into_iter().map(|(_, parts)| parts.iter().fold(3, |n: usize, p| n.saturating_add(p.len())));
    parts.fold(2, usize::saturating_add)
}

const fn scram_tag(hash: ScramHash) -> u8 {
    match hash {
        ScramHash::Sha1 => tag::SCRAM_SHA_1,
        ScramHash::Sha256 => tag::SCRAM_SHA_256,
        ScramHash::Sha512 => tag::SCRAM_SHA_512,
    }
}

struct Writer(zeroize::Zeroizing<Vec<u8>>);

impl Writer {
    fn byte(&mut self, byte: u8) {
        self.0.push(byte);
    }

    fn length(&mut self, length: usize) -> Result<(), RecordError> {
        let length = u16::try_from(length).map_err(|_| RecordError::TooLong)?;
        self.0.extend_from_slice(&length.to_be_bytes());
        Ok(())
    }

    fn bytes(&mut self, part: &Part<'_>) {
        match part {
            Part::Number(number) => self.0.extend_from_slice(&number.to_be_bytes()),
            Part::Byte(byte) => self.0.push(*byte),
            Part::Bytes(bytes) => self.0.extend_from_slice(bytes),
        }
    }
}

/// Reads a record and gives each password its secrets.
///
/// # Errors
/// See [`RecordError`].
pub fn decode(record: &[u8], facts: Vec<PasswordFacts>) -> Result<Vec<StoredPassword>, RecordError> {
    let mut reader = Reader(record);
    if reader.byte()? != VERSION {
        return Err(RecordError::Version);
    }
    if usize::from(reader.byte()?) != facts.len() {
        return Err(RecordError::Passwords);
    }
    let mut passwords = Vec::with_capacity(facts.len());
    for facts in facts {
        let secrets = decode_secrets(reader.counted()?)?;
        passwords.push(StoredPassword { facts, secrets });
    }
    if reader.0.is_empty() { Ok(passwords) } else { Err(RecordError::Malformed) }
}

fn decode_secrets(mut reader: Reader<'_>) -> Result<Secrets, RecordError> {
    let mut secrets = Secrets::default();
    let mut last = 0;
    while !reader.0.is_empty() {
        let tag = reader.byte()?;
        if tag <= last {
            return Err(RecordError::Malformed);
        }
        last = tag;
        let value = reader.counted()?;
        match tag {
            tag::DIGEST_MD5 => secrets.digest_md5 = digest_md5(value)?,
            tag::CRAM_MD5 => secrets.cram_md5 = Some(cram_md5(value)?),
            tag::SCRAM_SHA_1 => secrets.scram.push(scram(ScramHash::Sha1, value)?),
            tag::SCRAM_SHA_256 => secrets.scram.push(scram(ScramHash::Sha256, value)?),
            tag::SCRAM_SHA_512 => secrets.scram.push(scram(ScramHash::Sha512, value)?),
            tag::HASH => secrets.hash = Some(hash(value.0)?),
            tag::NO_PLAINTEXT if value.0.is_empty() => secrets.no_plaintext = true,
            _ => return Err(RecordError::Malformed),
        }
    }
    Ok(secrets)
}

fn digest_md5(value: Reader<'_>) -> Result<Vec<DigestMd5Hash>, RecordError> {
    let entries = value.0.chunks_exact(DIGEST_ENTRY);
    if value.0.is_empty() || !entries.remainder().is_empty() {
        return Err(RecordError::Malformed);
    }
    entries
        .map(|entry| {
            let mut entry = Reader(entry);
            Ok(DigestMd5Hash { tag: entry.byte()?, hash: SecretArray::new(entry.array()?) })
        })
        .collect()
}

fn cram_md5(mut value: Reader<'_>) -> Result<CramMd5States, RecordError> {
    let states = CramMd5States { inner: SecretArray::new(value.array()?), outer: SecretArray::new(value.array()?) };
    if value.0.is_empty() { Ok(states) } else { Err(RecordError::Malformed) }
}

fn scram(hash: ScramHash, mut value: Reader<'_>) -> Result<ScramKeys, RecordError> {
    let iterations = u32::from_be_bytes(value.array()?);
    let stored_key = SecretBytes::from(value.bytes(hash.output_len())?);
    let server_key = SecretBytes::from(value.bytes(hash.output_len())?);
    let salt = match value.0 {
        [] => ScramSalt::Derived,
        [IMPORTED_SALT, salt @ ..] => ScramSalt::Imported(salt.to_vec()),
        _ => return Err(RecordError::Malformed),
    };
    Ok(ScramKeys { hash, salt, iterations, stored_key, server_key })
}

/// What [`PasswordHash`] has taken once it has to take for ever: its limits may rise, but not fall.
fn hash(value: &[u8]) -> Result<PasswordHash, RecordError> {
    let text = str::from_utf8(value).map_err(|_| RecordError::Malformed)?;
    PasswordHash::parse(text).map_err(|_| RecordError::Malformed)
}

/// What is left to read.
#[derive(Clone, Copy)]
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn bytes(&mut self, count: usize) -> Result<&'a [u8], RecordError> {
        let (bytes, rest) = self.0.split_at_checked(count).ok_or(RecordError::Malformed)?;
        self.0 = rest;
        Ok(bytes)
    }

    fn byte(&mut self) -> Result<u8, RecordError> {
        let [byte] = self.array()?;
        Ok(byte)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], RecordError> {
        let (bytes, rest) = self.0.split_first_chunk().ok_or(RecordError::Malformed)?;
        self.0 = rest;
        Ok(*bytes)
    }

    /// A length and as many bytes.
    fn counted(&mut self) -> Result<Self, RecordError> {
        let length = u16::from_be_bytes(self.array()?);
        self.bytes(usize::from(length)).map(Self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::credential::Label;

    fn scram_keys(hash: ScramHash, salt: ScramSalt) -> ScramKeys {
        let key = |byte| SecretBytes::new(vec![byte; hash.output_len()]);
        ScramKeys { hash, salt, iterations: 4096, stored_key: key(0xaa), server_key: key(0xbb) }
    }

    fn everything() -> Secrets {
        Secrets {
            no_plaintext: true,
            digest_md5: vec![
                DigestMd5Hash { tag: 7, hash: SecretArray::new([1; 16]) },
                DigestMd5Hash { tag: 8, hash: SecretArray::new([2; 16]) },
            ],
            cram_md5: Some(CramMd5States { inner: SecretArray::new([3; 16]), outer: SecretArray::new([4; 16]) }),
            scram: vec![
                scram_keys(ScramHash::Sha256, ScramSalt::Imported(b"salt".to_vec())),
                scram_keys(ScramHash::Sha1, ScramSalt::Derived),
                scram_keys(ScramHash::Sha512, ScramSalt::Imported(Vec::new())),
            ],
            hash: Some(PasswordHash::parse("abxxB7HlIeckU").unwrap()),
        }
    }

    fn facts(count: usize) -> Vec<PasswordFacts> {
        (0..count).map(|n| PasswordFacts::unlimited(Label::new(&format!("p{n}")).unwrap())).collect()
    }

    #[test]
    fn golden_bytes() {
        let small = Secrets {
            cram_md5: Some(CramMd5States { inner: SecretArray::new([3; 16]), outer: SecretArray::new([4; 16]) }),
            ..Secrets::default()
        };
        let record = encode([&Secrets::default(), &small].into_iter()).unwrap();
        let mut expected = vec![1, 2, 0, 0, 0, 35, 2, 0, 32];
        expected.extend([3; 16]);
        expected.extend([4; 16]);
        assert_eq!(record.expose(), expected);

        let record = encode([&everything()].into_iter()).unwrap();
        let mut expected = vec![1, 1, 1, 101, 1, 0, 34, 7];
        expected.extend([1; 16]);
        expected.push(8);
        expected.extend([2; 16]);
        expected.extend([2, 0, 32]);
        expected.extend([3; 16]);
        expected.extend([4; 16]);
        for (tag, length, size, salt) in
            [(3, [0, 44], 20, &b""[..]), (4, [0, 73], 32, b"\x01salt"), (5, [0, 133], 64, b"\x01")]
        {
            expected.push(tag);
            expected.extend(length);
            expected.extend([0, 0, 0x10, 0]);
            expected.extend(vec![0xaa; size]);
            expected.extend(vec![0xbb; size]);
            expected.extend(salt);
        }
        expected.extend(*b"\x06\0\x14{CRYPT}abxxB7HlIeckU");
        expected.extend([7, 0, 0]);
        assert_eq!(record.expose(), expected);
    }

    #[test]
    fn what_was_written_is_read() {
        let record = encode([&everything(), &Secrets::default()].into_iter()).unwrap();
        let passwords = decode(record.expose(), facts(2)).unwrap();
        let again = encode(passwords.iter().map(|p| &p.secrets)).unwrap();
        assert_eq!(again.expose(), record.expose());
        let secrets = &passwords[0].secrets;
        assert!(secrets.no_plaintext);
        assert_eq!(secrets.digest_md5.len(), 2);
        assert_eq!(secrets.scram_keys(ScramHash::Sha256).unwrap().salt, ScramSalt::Imported(b"salt".to_vec()));
        assert_eq!(passwords[1].facts.label.as_str(), "p1");
        assert!(!passwords[1].secrets.no_plaintext);
    }

    #[test]
    fn nothing_else_is_a_record() {
        let record = encode([&everything()].into_iter()).unwrap();
        let bytes = record.expose();
        for end in 0..bytes.len() {
            assert!(decode(&bytes[..end], facts(1)).is_err(), "cut at {end}");
        }
        let mut longer = bytes.to_vec();
        longer.push(0);
        assert_eq!(decode(&longer, facts(1)).unwrap_err(), RecordError::Malformed);
        assert_eq!(decode(bytes, facts(2)).unwrap_err(), RecordError::Passwords);
        assert_eq!(decode(&[2, 0], Vec::new()).unwrap_err(), RecordError::Version);
        for wrong in [&[1, 1, 0, 3, 8, 0, 0][..], &[1, 1, 0, 6, 7, 0, 0, 7, 0, 0], &[1, 1, 0, 3, 1, 0, 0]] {
            assert_eq!(decode(wrong, facts(1)).unwrap_err(), RecordError::Malformed, "{wrong:?}");
        }
        let long = Secrets { digest_md5: vec![everything().digest_md5.remove(0); 4000], ..Secrets::default() };
        assert_eq!(encode([&long].into_iter()).unwrap_err(), RecordError::TooLong);
        for text in [&b"\x06\0\x06secret"[..], b"\x06\0\x01\xff"] {
            let record = [&[1, 1, 0, u8::try_from(text.len()).unwrap()], text].concat();
            assert_eq!(decode(&record, facts(1)).unwrap_err(), RecordError::Malformed);
        }
    }
}

//! The keys of SCRAM (RFC 5802, section 3): made from a password, and checked against a proof or a password.

use base64ct::{Base64, Encoding};
use hmac::{EagerHash, Hmac, KeyInit, Mac};
use sha1::Sha1;
use sha2::{Digest, Sha256, Sha512};
use subtle::ConstantTimeEq;
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use crate::secret::SecretBytes;
use crate::vocabulary::ScramHash;

use super::account::{ScramKeys, ScramSalt};
pub use super::pbkdf2::Hi;
use super::pbkdf2::{pbkdf2, pbkdf2_two};

/// The output of one of the hashes: a key, a signature or a proof. On the stack, wiped on drop.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct ScramOutput {
    bytes: [u8; 64],
    length: usize,
}

impl ScramOutput {
    fn empty(hash: ScramHash) -> Self {
        Self { bytes: [0; 64], length: hash.output_len() }
    }

    /// Takes bytes of the length that `hash` has; `None` for any other.
    #[must_use]
    pub fn from_slice(hash: ScramHash, bytes: &[u8]) -> Option<Self> {
        let mut output = Self::empty(hash);
        if bytes.len() != output.length {
            return None;
        }
        output.fill(bytes);
        Some(output)
    }

    /// The bytes.
    #[must_use]
    pub fn expose(&self) -> &[u8] {
        self.bytes.get(..self.length).unwrap_or(&self.bytes)
    }

    fn expose_mut(&mut self) -> &mut [u8] {
        let length = self.length.min(self.bytes.len());
        self.bytes.split_at_mut(length).0
    }

    fn fill(&mut self, from: &[u8]) {
        self.bytes.iter_mut().zip(from).for_each(|(to, from)| *to = *from);
    }

    /// The exclusive or of two outputs of the same hash.
    #[must_use]
    pub fn xor(&self, other: &Self) -> Self {
        let mut output = self.clone();
        output.bytes.iter_mut().zip(&other.bytes).for_each(|(to, with)| *to ^= *with);
        output
    }
}

impl core::fmt::Debug for ScramOutput {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("ScramOutput")
    }
}

/// AuthMessage: its three parts, which are joined by commas.
#[derive(Debug, Clone, Copy)]
pub struct AuthMessage<'a> {
    /// client-first-message-bare.
    pub client_first_bare: &'a [u8],
    /// server-first-message.
    pub server_first: &'a [u8],
    /// client-final-message-without-proof.
    pub client_final_without_proof: &'a [u8],
}

impl<'a> AuthMessage<'a> {
    fn parts(&self) -> [&'a [u8]; 5] {
        [self.client_first_bare, b",", self.server_first, b",", self.client_final_without_proof]
    }
}

/// HMAC(key, the parts in a row).
fn mac(hash: ScramHash, key: &[u8], parts: &[&[u8]]) -> ScramOutput {
    fn with<D: EagerHash>(key: &[u8], parts: &[&[u8]], output: &mut ScramOutput) {
        // HMAC takes keys of any length, so this never fails; were it to, the output would fit nothing that is stored.
        let Ok(mut mac) = Hmac::<D>::new_from_slice(key) else { return };
        parts.iter().for_each(|part| mac.update(part));
        output.fill(&mac.finalize().into_bytes());
    }
    let mut output = ScramOutput::empty(hash);
    match hash {
        ScramHash::Sha1 => with::<Sha1>(key, parts, &mut output),
        ScramHash::Sha256 => with::<Sha256>(key, parts, &mut output),
        ScramHash::Sha512 => with::<Sha512>(key, parts, &mut output),
    }
    output
}

/// H(input).
fn digest(hash: ScramHash, input: &ScramOutput) -> ScramOutput {
    let mut output = ScramOutput::empty(hash);
    match hash {
        ScramHash::Sha1 => output.fill(&Sha1::digest(input.expose())),
        ScramHash::Sha256 => output.fill(&Sha256::digest(input.expose())),
        ScramHash::Sha512 => output.fill(&Sha512::digest(input.expose())),
    }
    output
}

/// SaltedPassword: Hi(password, salt, iterations). `password` is in the form that [`crate::prep::scram_password`] gives.
/// Takes milliseconds at usual counts.
#[must_use]
pub fn salted_password(hash: ScramHash, password: &[u8], salt: &[u8], iterations: u32) -> ScramOutput {
    let mut output = ScramOutput::empty(hash);
    pbkdf2(hash, password, salt, iterations, output.expose_mut());
    output
}

/// As [`salted_password`], of the same password with two hashes: a fifth faster than one after the other.
#[must_use]
pub fn two_salted_passwords(password: &[u8], two: [Hi<'_>; 2]) -> [ScramOutput; 2] {
    let mut outputs = two.map(|hi| ScramOutput::empty(hi.hash));
    let [one, other] = &mut outputs;
    pbkdf2_two(password, two, [one.expose_mut(), other.expose_mut()]);
    outputs
}

/// StoredKey of a SaltedPassword.
#[must_use]
pub fn stored_key(hash: ScramHash, salted_password: &ScramOutput) -> ScramOutput {
    digest(hash, &mac(hash, salted_password.expose(), &[b"Client Key"]))
}

/// ServerKey of a SaltedPassword.
#[must_use]
pub fn server_key(hash: ScramHash, salted_password: &ScramOutput) -> ScramOutput {
    mac(hash, salted_password.expose(), &[b"Server Key"])
}

/// ClientProof, as a client makes it.
#[must_use]
pub fn client_proof(hash: ScramHash, salted_password: &ScramOutput, message: &AuthMessage<'_>) -> ScramOutput {
    let client_key = mac(hash, salted_password.expose(), &[b"Client Key"]);
    let signature = mac(hash, digest(hash, &client_key).expose(), &message.parts());
    client_key.xor(&signature)
}

/// ServerSignature.
#[must_use]
pub fn server_signature(hash: ScramHash, server_key: &[u8], message: &AuthMessage<'_>) -> ScramOutput {
    mac(hash, server_key, &message.parts())
}

/// Whether `proof` was made from the password behind `stored_key`. Takes the same time for any proof.
#[must_use]
pub fn proof_fits(hash: ScramHash, stored_key: &[u8], proof: &ScramOutput, message: &AuthMessage<'_>) -> bool {
    let signature = mac(hash, stored_key, &message.parts());
    let client_key = proof.xor(&signature);
    digest(hash, &client_key).expose().ct_eq(stored_key).into()
}

impl ScramKeys {
    /// Derives the keys. `password` is prepared; `salt` are the bytes that `origin` stands for.
    #[must_use]
    pub fn derive(hash: ScramHash, password: &[u8], salt: &[u8], origin: ScramSalt, iterations: u32) -> Self {
        Self::of(Hi { hash, salt, iterations }, origin, &salted_password(hash, password, salt, iterations))
    }

    /// The keys of the SaltedPassword that `hi` made.
    pub(super) fn of(hi: Hi<'_>, origin: ScramSalt, salted: &ScramOutput) -> Self {
        Self {
            hash: hi.hash,
            salt: origin,
            iterations: hi.iterations,
            stored_key: SecretBytes::from(stored_key(hi.hash, salted).expose()),
            server_key: SecretBytes::from(server_key(hi.hash, salted).expose()),
        }
    }
}

/// StoredKey and ServerKey as RFC 5803, section 3, writes them, the mechanism's name as scheme.
#[must_use]
pub fn auth_password(hash: ScramHash, iterations: u32, salt: &[u8], stored: &[u8], server: &[u8]) -> SecretBytes {
    let head = format!("{}${iterations}:", hash.mechanism().name());
    let [salt, stored, server] = [salt, stored, server].map(|bytes| Zeroizing::new(Base64::encode_string(bytes)));
    // Joined at once: a text that grew would leave copies behind.
    SecretBytes::new([&head, salt.as_str(), "$", &stored, ":", &server].concat().into_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Keys that other programs stored: hash, password, iterations, salt, StoredKey, ServerKey.
    const STORED: [(ScramHash, &str, u32, &str, &str, &str); 4] = [
        // doveadm pw 2.3.19.1
        (
            ScramHash::Sha1,
            "secret",
            4096,
            "lvt7b8Nd847BZEyegsDxVw==",
            "XQq1Dt1z2z2QYi3+mSf3DGcPqLo=",
            "BS48q9lqB5JWX4hq0bnZeWXoCS4=",
        ),
        (
            ScramHash::Sha256,
            "secret",
            4096,
            "stbLFRy8L1I3vx7/iYuVXw==",
            "7kGDaIC6LC2A83NAZtxAlmCDzuNA+7WIS5e7mKKGMww=",
            "vKE2+Oot/HckelgERvK3JLrd2oZ+L70sizQhEmYPdlg=",
        ),
        // libsasl2 2.1.28
        (
            ScramHash::Sha1,
            "s3cr3t pass",
            4096,
            "AQIDBAUGBwgJCgsMDQ4PEA==",
            "kOckcL7P1w6peXL4XKIOTCnKgWM=",
            "vwgKrAdUR4+GwTjl9I6YI2LVThs=",
        ),
        (
            ScramHash::Sha256,
            "s3cr3t pass",
            4096,
            "AQIDBAUGBwgJCgsMDQ4PEA==",
            "P5EdHCgQnnWVcjhJcUGa5xxOarGgs6M5rjzvtjoAsDg=",
            "xs/TbBGovEoytPAarTwzrf+rUULtGSyp8oF9QlrlTuc=",
        ),
    ];

    #[test]
    fn keys_are_those_that_other_programs_store() {
        for (hash, password, iterations, salt, stored_key, server_key) in STORED {
            let salt = Base64::decode_vec(salt).unwrap();
            let keys = ScramKeys::derive(hash, password.as_bytes(), &salt, ScramSalt::Derived, iterations);
            assert_eq!(Base64::encode_string(keys.stored_key.expose()), stored_key);
            assert_eq!(Base64::encode_string(keys.server_key.expose()), server_key);
        }
    }

    #[test]
    fn the_text_is_the_one_that_libsasl2_logs_in_with() {
        let (_, _, _, salt, stored, server) = STORED[3];
        let bytes = |text| Base64::decode_vec(text).unwrap();
        let text = auth_password(ScramHash::Sha256, 4096, &bytes(salt), &bytes(stored), &bytes(server));
        let expected = format!("SCRAM-SHA-256$4096:{salt}${stored}:{server}");
        assert_eq!(text.expose(), expected.as_bytes());
    }

    /// The examples of RFC 5802, section 5, and RFC 7677, section 3: user `user`, password `pencil`.
    #[test]
    fn proofs_and_signatures_are_those_of_the_rfcs() {
        for (hash, salt, client_nonce, nonce, proof, signature) in [
            (
                ScramHash::Sha1,
                "QSXCR+Q6sek8bf92",
                "fyko+d2lbbFgONRv9qkxdawL",
                "fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j",
                "v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=",
                "rmF9pqV8S7suAoZWja4dJRkFsKQ=",
            ),
            (
                ScramHash::Sha256,
                "W22ZaJ0SNY7soEsUEjb6gQ==",
                "rOprNGfwEbeRWgbNEkqO",
                "rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0",
                "dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=",
                "6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=",
            ),
        ] {
            let message = AuthMessage {
                client_first_bare: format!("n=user,r={client_nonce}").into_bytes().leak(),
                server_first: format!("r={nonce},s={salt},i=4096").into_bytes().leak(),
                client_final_without_proof: format!("c=biws,r={nonce}").into_bytes().leak(),
            };
            let salted = salted_password(hash, b"pencil", &Base64::decode_vec(salt).unwrap(), 4096);
            assert_eq!(Base64::encode_string(client_proof(hash, &salted, &message).expose()), proof);
            let server_key = server_key(hash, &salted);
            assert_eq!(
                Base64::encode_string(server_signature(hash, server_key.expose(), &message).expose()),
                signature
            );

            let stored = stored_key(hash, &salted);
            let mut proof = client_proof(hash, &salted, &message);
            assert!(proof_fits(hash, stored.expose(), &proof, &message));
            proof.expose_mut()[0] ^= 1;
            assert!(!proof_fits(hash, stored.expose(), &proof, &message));
        }
    }
}

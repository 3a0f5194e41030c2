//! SCRAM (RFC 5802), the client: what depends on the password and the salt alone is computed once.

use std::collections::HashMap;

use base64ct::{Base64, Encoding};
use hmac::{Hmac, KeyInit, Mac};
use sha1::Sha1;
use sha2::{Digest, Sha256, Sha512};

use crate::mechanisms::decode;

/// One hash function, in the three ways SCRAM uses it.
pub(crate) struct Hash {
    derive: fn(&[u8], &[u8], u32) -> Vec<u8>,
    hmac: fn(&[u8], &[u8]) -> Vec<u8>,
    hash: fn(&[u8]) -> Vec<u8>,
}

pub(crate) const SHA1: Hash = Hash { derive: derive_sha1, hmac: hmac::<Hmac<Sha1>>, hash: hash::<Sha1> };
pub(crate) const SHA256: Hash = Hash { derive: derive_sha256, hmac: hmac::<Hmac<Sha256>>, hash: hash::<Sha256> };
pub(crate) const SHA512: Hash = Hash { derive: derive_sha512, hmac: hmac::<Hmac<Sha512>>, hash: hash::<Sha512> };

fn derive_sha1(password: &[u8], salt: &[u8], count: u32) -> Vec<u8> {
    pbkdf2::pbkdf2_hmac_array::<Sha1, 20>(password, salt, count).to_vec()
}

fn derive_sha256(password: &[u8], salt: &[u8], count: u32) -> Vec<u8> {
    pbkdf2::pbkdf2_hmac_array::<Sha256, 32>(password, salt, count).to_vec()
}

fn derive_sha512(password: &[u8], salt: &[u8], count: u32) -> Vec<u8> {
    pbkdf2::pbkdf2_hmac_array::<Sha512, 64>(password, salt, count).to_vec()
}

fn hmac<M: Mac + KeyInit>(key: &[u8], message: &[u8]) -> Vec<u8> {
    let mut mac = <M as KeyInit>::new_from_slice(key).unwrap();
    mac.update(message);
    mac.finalize().into_bytes().to_vec()
}

fn hash<D: Digest>(message: &[u8]) -> Vec<u8> {
    D::digest(message).to_vec()
}

/// The keys of one password under one salt and count.
#[derive(Debug)]
pub(crate) struct Keys {
    client: Vec<u8>,
    stored: Vec<u8>,
    server: Vec<u8>,
}

impl Hash {
    pub(crate) fn keys(&self, password: &str, salt: &[u8], count: u32) -> Keys {
        let salted = (self.derive)(password.as_bytes(), salt, count);
        let client = (self.hmac)(&salted, b"Client Key");
        Keys { stored: (self.hash)(&client), client, server: (self.hmac)(&salted, b"Server Key") }
    }

    /// The stored form as Dovecot writes it after its scheme's name.
    pub(crate) fn dovecot_verifier(&self, password: &str, salt: &[u8], count: u32) -> String {
        let keys = self.keys(password, salt, count);
        let [salt, stored, server] = [salt, &keys.stored, &keys.server].map(Base64::encode_string);
        format!("{count},{salt},{stored},{server}")
    }

    /// client-final-message for a server-first-message. `known` remembers keys by salt and count. The server's last
    /// message is put into `expected` where it costs little: the first time that these keys are seen.
    pub(crate) fn client_final(
        &self,
        password: &str,
        known: &mut HashMap<Vec<u8>, Keys>,
        client_first: &[u8],
        server_first: &[u8],
        expected: &mut Vec<u8>,
    ) -> Result<Vec<u8>, String> {
        let wrong = || format!("not a server's first message: {}", String::from_utf8_lossy(server_first));
        // A nonce may hold anything but a comma; salt and count come after it.
        let mut fields = server_first.splitn(3, |&byte| byte == b',');
        let (nonce, salt, count) = (fields.next(), fields.next(), fields.next());
        let (Some(nonce), Some(salt), Some(count)) = (nonce, salt, count) else { return Err(wrong()) };
        let mut last = b"c=biws,".to_vec();
        last.extend_from_slice(nonce);
        let mut message = client_first.to_vec();
        for part in [b",", server_first, b",", &last] {
            message.extend_from_slice(part);
        }
        let source = &server_first[nonce.len()..];
        let first_time = !known.contains_key(source);
        if first_time {
            // A server that makes a new salt each time would fill the memory.
            known.clear();
            let salt = decode(salt.strip_prefix(b"s=").ok_or_else(wrong)?)?;
            let count = count.strip_prefix(b"i=").and_then(|count| std::str::from_utf8(count).ok()?.parse().ok());
            known.insert(source.to_vec(), self.keys(password, &salt, count.ok_or_else(wrong)?));
        }
        let keys = &known[source];
        let mut proof = (self.hmac)(&keys.stored, &message);
        proof.iter_mut().zip(&keys.client).for_each(|(byte, key)| *byte ^= key);
        last.extend_from_slice(b",p=");
        crate::mechanisms::encode(&proof, &mut last);
        if first_time {
            expected.extend_from_slice(b"v=");
            crate::mechanisms::encode(&(self.hmac)(&keys.server, &message), expected);
        }
        Ok(last)
    }
}

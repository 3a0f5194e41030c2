//! What the RFCs say, written down a second time and in another way: texts are put together and compared, HMAC and Hi are
//! spelled out. Only the bare hash functions are those of the program. Slow, and plain to read.

use md5::Md5;
use sha1::Sha1;
use sha2::{Digest, Sha256, Sha512};

use super::site::{self, Account};

/// Longer names and authorization identities are refused.
pub(crate) const MAX_NAME: usize = 1024;

/// base64 with padding (RFC 4648, section 4).
pub(crate) fn base64(data: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for chunk in data.chunks(3) {
        let bits = (0..3).fold(0u32, |bits, place| bits << 8 | u32::from(chunk.get(place).copied().unwrap_or(0)));
        for place in 0..4 {
            let digit = ALPHABET[(bits >> (18 - 6 * place)) as usize & 63];
            text.push(if place > chunk.len() { '=' } else { char::from(digit) });
        }
    }
    text
}

/// Undoes [`base64`], and reads nothing else.
pub(crate) fn unbase64(text: &[u8]) -> Option<Vec<u8>> {
    let value = |byte: u8| match byte {
        b'A'..=b'Z' => Some(u32::from(byte - b'A')),
        b'a'..=b'z' => Some(u32::from(byte - b'a') + 26),
        b'0'..=b'9' => Some(u32::from(byte - b'0') + 52),
        b'+' => Some(62),
        b'/' => Some(63),
        _ => None,
    };
    let mut data = Vec::new();
    for chunk in text.chunks(4) {
        let digits = chunk.iter().take_while(|byte| **byte != b'=').count();
        let mut bits = 0;
        for digit in &chunk[..digits] {
            bits = bits << 6 | value(*digit)?;
        }
        bits <<= 6 * (4 - digits);
        data.extend_from_slice(&bits.to_be_bytes()[1..digits.max(1)]);
    }
    (base64(&data).as_bytes() == text).then_some(data)
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A proof in hex of which the last digit is another one.
pub(crate) fn near(proof: &[u8]) -> Vec<u8> {
    let mut near = proof.to_vec();
    near.last_mut().into_iter().for_each(|digit| *digit = if *digit == b'0' { b'1' } else { b'0' });
    near
}

pub(crate) fn md5(parts: &[&[u8]]) -> Vec<u8> {
    Md5::digest(parts.concat()).to_vec()
}

/// The hash functions of the mechanisms.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Hash {
    Md5,
    Sha1,
    Sha256,
    Sha512,
}

impl Hash {
    pub(crate) fn of(self, data: &[u8]) -> Vec<u8> {
        match self {
            Self::Md5 => Md5::digest(data).to_vec(),
            Self::Sha1 => Sha1::digest(data).to_vec(),
            Self::Sha256 => Sha256::digest(data).to_vec(),
            Self::Sha512 => Sha512::digest(data).to_vec(),
        }
    }

    /// HMAC (RFC 2104, section 2).
    pub(crate) fn hmac(self, key: &[u8], text: &[u8]) -> Vec<u8> {
        let block = if self == Self::Sha512 { 128 } else { 64 };
        let mut key = if key.len() > block { self.of(key) } else { key.to_vec() };
        key.resize(block, 0);
        let padded = |pad: u8| key.iter().map(|byte| byte ^ pad).collect::<Vec<u8>>();
        let inner = self.of(&[padded(0x36), text.to_vec()].concat());
        self.of(&[padded(0x5c), inner].concat())
    }

    /// Hi (RFC 5802, section 2.2).
    pub(crate) fn hi(self, password: &[u8], salt: &[u8], iterations: u32) -> Vec<u8> {
        let mut u = self.hmac(password, &[salt, &[0, 0, 0, 1]].concat());
        let mut result = u.clone();
        for _ in 1..iterations {
            u = self.hmac(password, &u);
            result = xor(&result, &u);
        }
        result
    }
}

pub(crate) fn xor(left: &[u8], right: &[u8]) -> Vec<u8> {
    left.iter().zip(right).map(|(left, right)| left ^ right).collect()
}

/// ClientProof and ServerSignature (RFC 5802, section 3), for an AuthMessage as text.
pub(crate) fn scram_proofs(
    hash: Hash,
    password: &[u8],
    salt: &[u8],
    iterations: u32,
    message: &[u8],
) -> (Vec<u8>, Vec<u8>) {
    let salted = hash.hi(password, salt, iterations);
    let client_key = hash.hmac(&salted, b"Client Key");
    let client_signature = hash.hmac(&hash.of(&client_key), message);
    let server_signature = hash.hmac(&hash.hmac(&salted, b"Server Key"), message);
    (xor(&client_key, &client_signature), server_signature)
}

/// The values of a DIGEST-MD5 exchange that go into its proofs.
pub(crate) struct Digest5<'a> {
    pub(crate) username: &'a [u8],
    pub(crate) realm: &'a [u8],
    pub(crate) password: &'a [u8],
    pub(crate) nonce: &'a [u8],
    pub(crate) cnonce: &'a [u8],
    pub(crate) authzid: Option<&'a [u8]>,
    pub(crate) digest_uri: &'a [u8],
}

impl Digest5<'_> {
    /// `response` (RFC 2831, section 2.1.2.1), and with an empty `word` `rspauth` (section 2.1.3).
    pub(crate) fn proof(&self, word: &str) -> String {
        let secret = md5(&[self.username, b":", self.realm, b":", self.password]);
        let mut a1 = [&secret, b":".as_slice(), self.nonce, b":", self.cnonce].concat();
        if let Some(authzid) = self.authzid {
            a1 = [&a1, b":".as_slice(), authzid].concat();
        }
        let a1 = hex(&md5(&[&a1]));
        let a2 = hex(&md5(&[word.as_bytes(), b":", self.digest_uri]));
        let head = [a1.as_bytes(), b":", self.nonce, b":00000001:", self.cnonce].concat();
        hex(&md5(&[&head, b":auth:", a2.as_bytes()]))
    }
}

/// A list of directives (RFC 2831, section 7.1): names in lower case, values without their quotes.
pub(crate) fn directives(message: &[u8]) -> Option<Vec<(String, Vec<u8>)>> {
    let (mut elements, mut quoted, mut escaped) = (vec![Vec::new()], false, false);
    for &byte in message {
        match byte {
            b',' if !quoted => {
                elements.push(Vec::new());
                continue;
            }
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            _ => {}
        }
        elements.last_mut()?.push(byte);
    }
    let space = |byte: &u8| b" \t\r\n".contains(byte);
    let trimmed = |text: &[u8]| -> Vec<u8> {
        let start = text.iter().position(|byte| !space(byte)).unwrap_or(text.len());
        let end = text.iter().rposition(|byte| !space(byte)).map_or(start, |last| last + 1);
        text[start..end].to_vec()
    };
    let mut read = Vec::new();
    for element in elements.iter().map(|element| trimmed(element)).filter(|element| !element.is_empty()) {
        let equals = element.iter().position(|byte| *byte == b'=')?;
        let (name, value) = (trimmed(&element[..equals]), trimmed(&element[equals + 1..]));
        if name.is_empty() || !name.iter().all(|byte| byte.is_ascii_graphic() && *byte != b'"') {
            return None;
        }
        read.push((String::from_utf8(name).ok()?.to_ascii_lowercase(), directive_value(&value)?));
    }
    Some(read)
}

fn directive_value(written: &[u8]) -> Option<Vec<u8>> {
    let text = |byte: &u8| *byte == b'\t' || !byte.is_ascii_control();
    let Some((b'"', inside)) = written.split_first() else {
        let token = |byte: &u8| text(byte) && !b"\" \t".contains(byte);
        return (!written.is_empty() && written.iter().all(token)).then(|| written.to_vec());
    };
    let (mut value, mut bytes) = (Vec::new(), inside.iter());
    loop {
        match bytes.next()? {
            b'"' => break,
            b'\\' => value.push(*bytes.next()?),
            byte => value.push(*byte),
        }
    }
    (bytes.next().is_none() && value.iter().all(text)).then_some(value)
}

/// The account that a client means with a name, and in DIGEST-MD5 a realm: section 3 of the design, once more.
pub(crate) fn account(name: &[u8], realm: Option<&[u8]>) -> Option<&'static Account> {
    let (name, realm) = (text(name), realm.map(text));
    let (name, typed) = match name.split_once('@') {
        Some((name, realm)) => (name.to_owned(), Some(realm.to_owned())),
        None => (name, None),
    };
    let realm = match (typed, realm.filter(|realm| !realm.is_empty())) {
        (Some(typed), _) => typed,
        (None, Some(sent)) => sent,
        (None, None) => site::REALM.to_owned(),
    };
    let realm = realm.to_ascii_lowercase();
    let realm = if realm == site::ALIAS { site::REALM.to_owned() } else { realm };
    // All the normalization that the names of the site can need.
    let name = name.replace("o\u{308}", "\u{F6}").replace("O\u{308}", "\u{D6}").to_ascii_lowercase();
    site::ACCOUNTS.iter().find(|account| account.name == name && account.realm == realm)
}

/// Whether a hash is stored for this spelling: for each that a client forms of the account, and for no other.
pub(crate) fn has_digest(account: &Account, name: &str, realm: &[u8]) -> bool {
    let at_home = account.realm == site::REALM;
    let (bare, typed) = name.split_once('@').unwrap_or((name, account.realm));
    let is_spelled = bare == account.name && (typed == account.realm || (at_home && typed == site::ALIAS));
    let offered = [account.realm, "", site::REALM, site::ALIAS];
    is_spelled
        && if at_home || name.contains('@') {
            offered.iter().any(|offered| offered.as_bytes() == realm)
        } else {
            realm == account.realm.as_bytes()
        }
}

/// Whether `authzid`, where there is one, is the name of `account`, or what was typed as its name.
pub(crate) fn acts_for(authzid: Option<&[u8]>, typed: &[u8], realm: Option<&[u8]>, account: &'static Account) -> bool {
    let Some(authzid) = authzid.filter(|authzid| !authzid.is_empty()) else { return true };
    let is = |meant: Option<&'static Account>| meant.is_some_and(|meant| std::ptr::eq(meant, account));
    authzid == typed || is(self::account(authzid, None)) || is(self::account(authzid, realm))
}

/// A name in either of its character sets.
pub(crate) fn text(bytes: &[u8]) -> String {
    match std::str::from_utf8(bytes) {
        Ok(text) => text.to_owned(),
        Err(_) => bytes.iter().map(|byte| char::from(*byte)).collect(),
    }
}

/// `text` in ISO 8859-1, or in UTF-8 where it does not fit.
pub(crate) fn latin1(text: &str) -> Vec<u8> {
    let bytes: Option<Vec<u8>> = text.chars().map(|c| u8::try_from(u32::from(c)).ok()).collect();
    bytes.unwrap_or_else(|| text.as_bytes().to_vec())
}

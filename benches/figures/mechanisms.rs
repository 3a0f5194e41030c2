//! The client's half of each mechanism, with all that can be computed beforehand computed beforehand: what is measured
//! is the server.

use std::cell::RefCell;
use std::collections::HashMap;
use std::fmt;
use std::str::FromStr;

use base64ct::{Base64, Encoding};
use hmac::{Hmac, KeyInit, Mac};
use md5::{Digest, Md5};

use crate::scram::{Hash, Keys, SHA1, SHA256, SHA512};
use crate::users::{Draw, REALM, User};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Mechanism {
    Plain,
    Login,
    CramMd5,
    DigestMd5,
    ScramSha1,
    ScramSha256,
    ScramSha512,
}

impl Mechanism {
    pub(crate) const ALL: [Self; 7] = [
        Self::Plain,
        Self::Login,
        Self::CramMd5,
        Self::DigestMd5,
        Self::ScramSha1,
        Self::ScramSha256,
        Self::ScramSha512,
    ];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Plain => "PLAIN",
            Self::Login => "LOGIN",
            Self::CramMd5 => "CRAM-MD5",
            Self::DigestMd5 => "DIGEST-MD5",
            Self::ScramSha1 => "SCRAM-SHA-1",
            Self::ScramSha256 => "SCRAM-SHA-256",
            Self::ScramSha512 => "SCRAM-SHA-512",
        }
    }

    fn hash(self) -> &'static Hash {
        match self {
            Self::ScramSha1 => &SHA1,
            Self::ScramSha512 => &SHA512,
            _ => &SHA256,
        }
    }
}

impl fmt::Display for Mechanism {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

impl FromStr for Mechanism {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let found = Self::ALL.into_iter().find(|mechanism| mechanism.name().eq_ignore_ascii_case(text));
        found.ok_or_else(|| format!("no mechanism '{text}'; there are {}", Self::ALL.map(Self::name).join(", ")))
    }
}

/// What one account needs for one mechanism, ready to be sent or to be keyed with a challenge.
enum Secret {
    /// Messages that depend on nothing the server says, in base64: initial response (PLAIN) or the two answers (LOGIN).
    Said {
        first: Vec<u8>,
        second: Vec<u8>,
    },
    Cram {
        keyed: Hmac<Md5>,
        name: Vec<u8>,
    },
    Digest {
        user_hash: [u8; 16],
        local: String,
    },
    Scram {
        password: String,
        name: String,
        keys: RefCell<HashMap<Vec<u8>, Keys>>,
    },
}

/// One exchange in flight, as the client remembers it.
#[derive(Debug, Default)]
pub(crate) struct Exchange {
    step: u8,
    /// SCRAM: client-first-bare. DIGEST-MD5: nothing.
    first: Vec<u8>,
    /// SCRAM: the server's last message as it has to be.
    expected: Vec<u8>,
}

/// The client's side of one mechanism for all accounts.
pub(crate) struct Client {
    mechanism: Mechanism,
    right: Vec<Secret>,
    wrong: Vec<Secret>,
    /// MD5 of `AUTHENTICATE:` and the digest-uri, in hexadecimal.
    uri_hash: [u8; 32],
    draw: Draw,
    scratch: Vec<u8>,
}

const URI: &str = "smtp/mail.bench.example";

impl Client {
    pub(crate) fn new(mechanism: Mechanism, users: &[User]) -> Self {
        let prepare = |user: &User, password: &str| prepare(mechanism, user, password);
        Self {
            mechanism,
            right: users.iter().map(|user| prepare(user, &user.password)).collect(),
            wrong: users.iter().map(|user| prepare(user, "not the password")).collect(),
            uri_hash: hexadecimal(&Md5::digest(format!("AUTHENTICATE:{URI}"))),
            draw: Draw::new(7),
            scratch: Vec::new(),
        }
    }

    fn secret(&self, user: u32, right: bool) -> &Secret {
        let side = if right { &self.right } else { &self.wrong };
        &side[user as usize]
    }

    /// Writes the mechanism's initial response in base64, if it has one, into `out`, after `prefix`.
    pub(crate) fn begin(&mut self, user: u32, right: bool, exchange: &mut Exchange, prefix: &[u8], out: &mut Vec<u8>) {
        exchange.step = 0;
        exchange.expected.clear();
        match self.secret(user, right) {
            Secret::Said { first, .. } if self.mechanism == Mechanism::Plain => {
                out.extend_from_slice(prefix);
                out.extend_from_slice(first);
            }
            Secret::Scram { name, .. } => {
                exchange.first.clear();
                exchange.first.extend_from_slice(b"n=");
                exchange.first.extend_from_slice(name.as_bytes());
                exchange.first.extend_from_slice(b",r=");
                self.draw.noise(&mut exchange.first, 24);
                self.scratch.clear();
                self.scratch.extend_from_slice(b"n,,");
                self.scratch.extend_from_slice(&exchange.first);
                out.extend_from_slice(prefix);
                encode(&self.scratch, out);
            }
            _ => {}
        }
    }

    /// Answers a challenge (both in base64). `Err` says what was wrong with the challenge.
    pub(crate) fn answer(
        &mut self,
        user: u32,
        right: bool,
        exchange: &mut Exchange,
        challenge: &[u8],
        out: &mut Vec<u8>,
    ) -> Result<(), String> {
        exchange.step += 1;
        let secret = if right { &self.right[user as usize] } else { &self.wrong[user as usize] };
        match (secret, exchange.step) {
            (Secret::Said { first, .. }, 1) => out.extend_from_slice(first),
            (Secret::Said { second, .. }, 2) => out.extend_from_slice(second),
            (Secret::Cram { keyed, name }, 1) => {
                let challenge = decode(challenge)?;
                let proof = keyed.clone().chain_update(&challenge).finalize().into_bytes();
                self.scratch.clear();
                self.scratch.extend_from_slice(name);
                self.scratch.push(b' ');
                self.scratch.extend_from_slice(&hexadecimal(&proof));
                encode(&self.scratch, out);
            }
            (Secret::Digest { user_hash, local }, 1) => {
                let challenge = decode(challenge)?;
                let nonce = nonce(&challenge)?;
                let mut cnonce = Vec::with_capacity(16);
                self.draw.noise(&mut cnonce, 16);
                let response = digest_response(user_hash, nonce, &cnonce, &self.uri_hash);
                self.scratch.clear();
                self.scratch.extend_from_slice(b"charset=utf-8,username=\"");
                for part in [
                    local.as_bytes(),
                    b"\",realm=\"",
                    REALM.as_bytes(),
                    b"\",nonce=\"",
                    nonce,
                    b"\",nc=00000001,cnonce=\"",
                ] {
                    self.scratch.extend_from_slice(part);
                }
                for part in
                    [&cnonce, b"\",digest-uri=\"".as_slice(), URI.as_bytes(), b"\",qop=auth,response=", &response]
                {
                    self.scratch.extend_from_slice(part);
                }
                encode(&self.scratch, out);
            }
            (Secret::Scram { password, keys, .. }, 1) => {
                let challenge = decode(challenge)?;
                let hash = self.mechanism.hash();
                let last = hash.client_final(
                    password,
                    &mut keys.borrow_mut(),
                    &exchange.first,
                    &challenge,
                    &mut exchange.expected,
                )?;
                encode(&last, out);
            }
            // The server's last word; the client has nothing to add to it.
            (Secret::Digest { .. } | Secret::Scram { .. }, 2) => {
                if !exchange.expected.is_empty() && decode(challenge)? != exchange.expected {
                    return Err("the server's signature is wrong".to_owned());
                }
            }
            _ => return Err(format!("a challenge too many for {}", self.mechanism)),
        }
        Ok(())
    }
}

fn prepare(mechanism: Mechanism, user: &User, password: &str) -> Secret {
    let base64 = |text: &str| Base64::encode_string(text.as_bytes()).into_bytes();
    match mechanism {
        Mechanism::Plain => Secret::Said { first: base64(&format!("\0{}\0{password}", user.name)), second: Vec::new() },
        Mechanism::Login => Secret::Said { first: base64(&user.name), second: base64(password) },
        Mechanism::CramMd5 => Secret::Cram {
            keyed: Hmac::new_from_slice(password.as_bytes()).unwrap(),
            name: user.name.clone().into_bytes(),
        },
        Mechanism::DigestMd5 => Secret::Digest {
            user_hash: Md5::digest(format!("{}:{REALM}:{password}", user.local)).into(),
            local: user.local.clone(),
        },
        Mechanism::ScramSha1 | Mechanism::ScramSha256 | Mechanism::ScramSha512 => {
            Secret::Scram { password: password.to_owned(), name: user.name.clone(), keys: RefCell::default() }
        }
    }
}

/// RFC 2831, 2.1.2.1, with qop=auth and the first use of the nonce.
fn digest_response(user_hash: &[u8; 16], nonce: &[u8], cnonce: &[u8], uri_hash: &[u8; 32]) -> [u8; 32] {
    let session = Md5::new()
        .chain_update(user_hash)
        .chain_update(b":")
        .chain_update(nonce)
        .chain_update(b":")
        .chain_update(cnonce);
    let session = hexadecimal(&session.finalize());
    let response = Md5::new()
        .chain_update(session)
        .chain_update(b":")
        .chain_update(nonce)
        .chain_update(b":00000001:")
        .chain_update(cnonce)
        .chain_update(b":auth:")
        .chain_update(uri_hash);
    hexadecimal(&response.finalize())
}

fn nonce(challenge: &[u8]) -> Result<&[u8], String> {
    const KEY: &[u8] = b"nonce=\"";
    let start = challenge.windows(KEY.len()).position(|part| part == KEY).map(|at| at + KEY.len());
    let found = start.and_then(|start| challenge[start..].split(|&byte| byte == b'"').next());
    found.ok_or_else(|| format!("no nonce in {}", String::from_utf8_lossy(challenge)))
}

pub(crate) fn encode(plain: &[u8], out: &mut Vec<u8>) {
    let start = out.len();
    out.resize(start + Base64::encoded_len(plain), 0);
    Base64::encode(plain, &mut out[start..]).unwrap();
}

pub(crate) fn decode(text: &[u8]) -> Result<Vec<u8>, String> {
    let text = std::str::from_utf8(text).map_err(|error| error.to_string())?;
    Base64::decode_vec(text).map_err(|error| format!("{error} in '{text}'"))
}

fn hexadecimal(hash: &[u8]) -> [u8; 32] {
    let mut text = [0; 32];
    for (pair, byte) in text.chunks_exact_mut(2).zip(hash) {
        pair[0] = b"0123456789abcdef"[usize::from(byte >> 4)];
        pair[1] = b"0123456789abcdef"[usize::from(byte & 15)];
    }
    text
}

//! The values that prove a password in DIGEST-MD5 (RFC 2831, section 2.1.2.1), for both sides.

use md5::{Digest, Md5};
use zeroize::Zeroizing;

use crate::mechanism::hex;

/// nc-value of the first and only use of a nonce.
pub(in crate::mechanism) const NONCE_COUNT: &[u8] = b"00000001";

/// What goes into the proofs of one exchange apart from the password.
#[derive(Clone, Copy)]
pub(in crate::mechanism) struct Exchange<'a> {
    pub(in crate::mechanism) nonce: &'a [u8],
    pub(in crate::mechanism) cnonce: &'a [u8],
    /// As sent; part of A1 even where it is empty.
    pub(in crate::mechanism) authzid: Option<&'a [u8]>,
    pub(in crate::mechanism) digest_uri: &'a [u8],
}

/// Whose proof: A2 begins with a word for the client's and with nothing for the server's.
#[derive(Clone, Copy)]
pub(in crate::mechanism) enum Side {
    /// `response`.
    Client,
    /// `rspauth`.
    Server,
}

/// HEX(H(A1)).
pub(in crate::mechanism) type SessionKey = Zeroizing<[u8; 32]>;

/// HEX(H(A2)).
pub(in crate::mechanism) struct A2([u8; 32]);

impl Exchange<'_> {
    /// H(A1) for the stored hash of username, realm and password.
    pub(in crate::mechanism) fn session_key(&self, hash: &[u8; 16]) -> SessionKey {
        let mut a1 = Md5::new();
        [hash.as_slice(), b":", self.nonce, b":", self.cnonce].iter().for_each(|part| a1.update(part));
        if let Some(authzid) = self.authzid {
            a1.update(b":");
            a1.update(authzid);
        }
        let a1: Zeroizing<[u8; 16]> = Zeroizing::new(a1.finalize().into());
        Zeroizing::new(hex::encode(&a1))
    }

    pub(in crate::mechanism) fn a2(&self, side: Side) -> A2 {
        let word: &[u8] = match side {
            Side::Client => b"AUTHENTICATE:",
            Side::Server => b":",
        };
        A2(hex::encode(&Md5::new().chain_update(word).chain_update(self.digest_uri).finalize().into()))
    }

    /// The proof itself.
    pub(in crate::mechanism) fn value(&self, session_key: &SessionKey, a2: &A2) -> [u8; 16] {
        let mut value = Md5::new();
        let parts: [&[u8]; 11] = [
            session_key.as_slice(),
            b":",
            self.nonce,
            b":",
            NONCE_COUNT,
            b":",
            self.cnonce,
            b":",
            b"auth",
            b":",
            &a2.0,
        ];
        parts.iter().for_each(|part| value.update(part));
        value.finalize().into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 2831, section 4: IMAP, user `chris`, password `secret`; and ACAP with the same.
    #[test]
    fn values_are_those_of_rfc_2831_section_4() {
        let hash: [u8; 16] = Md5::digest("chris:elwood.innosoft.com:secret").into();
        for (nonce, cnonce, digest_uri, response, rspauth) in [
            (
                "OA6MG9tEQGm2hh",
                "OA6MHXh6VqTrRk",
                "imap/elwood.innosoft.com",
                "d388dad90d4bbd760a152321f2143af7",
                "ea40f60335c427b5527b84dbabcdfffd",
            ),
            (
                "OA9BSXrbuRhWay",
                "OA9BSuZWMSpW8m",
                "acap/elwood.innosoft.com",
                "6084c6db3fede7352c551284490fd0fc",
                "2f0b3d7c3c2e486600ef710726aa2eae",
            ),
        ] {
            let exchange = Exchange {
                nonce: nonce.as_bytes(),
                cnonce: cnonce.as_bytes(),
                authzid: None,
                digest_uri: digest_uri.as_bytes(),
            };
            let key = exchange.session_key(&hash);
            assert_eq!(hex::encode(&exchange.value(&key, &exchange.a2(Side::Client))), response.as_bytes());
            assert_eq!(hex::encode(&exchange.value(&key, &exchange.a2(Side::Server))), rspauth.as_bytes());
        }
    }
}

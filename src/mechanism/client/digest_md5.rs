//! DIGEST-MD5 (RFC 2831) as a client: name and password in UTF-8, as Perl, curl and Camel hash them.

use subtle::ConstantTimeEq;

use crate::credential::DigestMd5Hash;
use crate::mechanism::digest_md5::directives::Directives;
use crate::mechanism::digest_md5::proof::{Exchange, Side};
use crate::mechanism::hex;
use crate::secret::SecretBytes;

use super::{ClientError, ClientStart};

/// What we need of digest-challenge (section 2.1.1).
struct Challenge {
    realm: Option<Vec<u8>>,
    nonce: Vec<u8>,
    utf8: bool,
}

impl Challenge {
    fn parse(message: &[u8]) -> Result<Self, ClientError> {
        let (mut realm, mut nonce, mut utf8, mut md5_sess, mut auth) = (None, None, false, false, None);
        for directive in Directives::of(message) {
            let (name, value) = directive.map_err(|_| ClientError::Syntax)?;
            match name.to_ascii_lowercase().as_slice() {
                b"realm" => _ = realm.get_or_insert(value.into_owned()),
                b"nonce" if nonce.is_none() && !value.is_empty() => nonce = Some(value.into_owned()),
                b"nonce" => return Err(ClientError::Syntax),
                b"charset" => utf8 = value.eq_ignore_ascii_case(b"utf-8"),
                b"algorithm" => md5_sess = value.eq_ignore_ascii_case(b"md5-sess"),
                b"qop" => auth = Some(value.split(|&b| b == b',').any(|qop| qop.trim_ascii() == b"auth")),
                _ => {}
            }
        }
        // Without a qop it is `auth`; another algorithm than this one does not exist.
        if !md5_sess || auth == Some(false) {
            return Err(ClientError::NotSupported);
        }
        Ok(Self { realm, nonce: nonce.ok_or(ClientError::Syntax)?, utf8 })
    }
}

/// The response is out; the server owes us rspauth.
pub(super) struct AwaitingProof {
    rspauth: [u8; 32],
}

pub(super) fn respond(start: &ClientStart<'_>, challenge: &[u8]) -> Result<(SecretBytes, AwaitingProof), ClientError> {
    let challenge = Challenge::parse(challenge)?;
    let realm = start.realm.map(|realm| realm.as_bytes().to_vec()).or(challenge.realm);
    let digest_uri = format!("{}/{}", start.service, start.host);
    let exchange = Exchange {
        nonce: &challenge.nonce,
        cnonce: start.nonce.as_bytes(),
        authzid: start.authzid.map(str::as_bytes),
        digest_uri: digest_uri.as_bytes(),
    };
    let hash =
        DigestMd5Hash::hash(&[start.authcid.as_bytes()], realm.as_deref().unwrap_or_default(), start.password.expose());
    let session_key = exchange.session_key(hash.expose());
    let response = hex::encode(&exchange.value(&session_key, &exchange.a2(Side::Client)));
    let rspauth = hex::encode(&exchange.value(&session_key, &exchange.a2(Side::Server)));

    let mut message = Vec::new();
    quoted(&mut message, "username", start.authcid.as_bytes());
    if let Some(realm) = &realm {
        quoted(&mut message, "realm", realm);
    }
    quoted(&mut message, "nonce", exchange.nonce);
    quoted(&mut message, "cnonce", exchange.cnonce);
    message.extend_from_slice(b"nc=00000001,qop=auth,");
    quoted(&mut message, "digest-uri", exchange.digest_uri);
    message.extend_from_slice(b"response=");
    message.extend_from_slice(&response);
    if challenge.utf8 {
        message.extend_from_slice(b",charset=utf-8");
    }
    if let Some(authzid) = exchange.authzid {
        message.push(b',');
        quoted(&mut message, "authzid", authzid);
        message.pop();
    }
    Ok((SecretBytes::new(message), AwaitingProof { rspauth }))
}

/// Writes `name="value",`.
fn quoted(message: &mut Vec<u8>, name: &str, value: &[u8]) {
    message.extend_from_slice(name.as_bytes());
    message.extend_from_slice(b"=\"");
    for &byte in value {
        if matches!(byte, b'"' | b'\\') {
            message.push(b'\\');
        }
        message.push(byte);
    }
    message.extend_from_slice(b"\",");
}

impl AwaitingProof {
    pub(super) fn check(self, message: &[u8]) -> Result<(), ClientError> {
        let mut rspauth = None;
        for directive in Directives::of(message) {
            let (name, value) = directive.map_err(|_| ClientError::Syntax)?;
            if name.eq_ignore_ascii_case(b"rspauth") {
                rspauth.get_or_insert(value);
            }
        }
        let fits = bool::from(rspauth.ok_or(ClientError::Syntax)?.ct_eq(self.rspauth.as_slice()));
        if fits { Ok(()) } else { Err(ClientError::WrongProof) }
    }
}

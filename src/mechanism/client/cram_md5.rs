//! CRAM-MD5 (RFC 2195) as a client.

use crate::credential::CramMd5States;
use crate::mechanism::hex;
use crate::secret::SecretBytes;

use super::ClientStart;

pub(super) fn respond(start: &ClientStart<'_>, challenge: &[u8]) -> SecretBytes {
    let digest = CramMd5States::derive(start.password.expose()).mac(challenge);
    SecretBytes::new([start.authcid.as_bytes(), b" ", &hex::encode(&digest)].concat())
}

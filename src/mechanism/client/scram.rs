//! SCRAM (RFC 5802) as a client without channel binding.

use base64ct::{Base64, Encoding};
use subtle::ConstantTimeEq;

use crate::credential::scram::{AuthMessage, ScramOutput, client_proof, salted_password, server_key, server_signature};
use crate::prep;
use crate::secret::SecretBytes;
use crate::vocabulary::ScramHash;

use super::{ClientError, ClientStart};

/// A hundred times what servers use today: some seconds of work.
const MAX_ITERATIONS: u32 = 1_000_000;

pub(super) struct AwaitingServerFirst<'a> {
    start: ClientStart<'a>,
    hash: ScramHash,
    gs2_header: String,
    bare: String,
}

pub(super) struct AwaitingServerFinal {
    signature: ScramOutput,
}

/// client-first-message.
pub(super) fn begin(start: ClientStart<'_>, hash: ScramHash) -> (SecretBytes, AwaitingServerFirst<'_>) {
    let gs2_header = match start.authzid {
        Some(authzid) => format!("n,a={},", saslname(authzid)),
        None => "n,,".to_owned(),
    };
    let bare = format!("n={},r={}", saslname(start.authcid), start.nonce);
    let message = [gs2_header.as_str(), &bare].concat();
    (SecretBytes::new(message.into_bytes()), AwaitingServerFirst { start, hash, gs2_header, bare })
}

fn saslname(name: &str) -> String {
    name.replace('=', "=3D").replace(',', "=2C")
}

impl AwaitingServerFirst<'_> {
    pub(super) fn respond(self, server_first: &[u8]) -> Result<(SecretBytes, AwaitingServerFinal), ClientError> {
        let text = core::str::from_utf8(server_first).map_err(|_| ClientError::Syntax)?;
        let mut attributes = text.split(',');
        let mut value = |name: &str| attributes.next().and_then(|attribute| attribute.strip_prefix(name));
        let nonce = match value("r=") {
            Some(nonce) => nonce,
            None if text.starts_with("m=") => return Err(ClientError::NotSupported),
            None => return Err(ClientError::Syntax),
        };
        let salt = value("s=").and_then(|salt| Base64::decode_vec(salt).ok()).ok_or(ClientError::Syntax)?;
        let iterations = value("i=").ok_or(ClientError::Syntax)?;
        if salt.is_empty() || !iterations.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(ClientError::Syntax);
        }
        let iterations: u32 = iterations.parse().map_err(|_| ClientError::Iterations)?;
        if !(1..=MAX_ITERATIONS).contains(&iterations) {
            return Err(ClientError::Iterations);
        }
        // The server has to add something of its own, or an old exchange could be played back to us.
        if nonce.strip_prefix(self.start.nonce).is_none_or(str::is_empty) {
            return Err(ClientError::Nonce);
        }

        let channel_binding = Base64::encode_string(self.gs2_header.as_bytes());
        let without_proof = format!("c={channel_binding},r={nonce}");
        let message = AuthMessage {
            client_first_bare: self.bare.as_bytes(),
            server_first,
            client_final_without_proof: without_proof.as_bytes(),
        };
        let password = prep::scram_password(self.start.password.expose());
        let salted = salted_password(self.hash, &password, &salt, iterations);
        let proof = Base64::encode_string(client_proof(self.hash, &salted, &message).expose());
        let signature = server_signature(self.hash, server_key(self.hash, &salted).expose(), &message);
        let response = [without_proof.as_str(), ",p=", &proof].concat();
        Ok((SecretBytes::new(response.into_bytes()), AwaitingServerFinal { signature }))
    }
}

impl AwaitingServerFinal {
    pub(super) fn check(self, message: &[u8]) -> Result<(), ClientError> {
        // `e=` and anything else in place of a verifier is no proof.
        let verifier = message.strip_prefix(b"v=").ok_or(ClientError::WrongProof)?;
        let verifier = verifier.split(|&byte| byte == b',').next().unwrap_or_default();
        let expected = Base64::encode_string(self.signature.expose());
        let fits = bool::from(verifier.ct_eq(expected.as_bytes()));
        if fits { Ok(()) } else { Err(ClientError::WrongProof) }
    }
}

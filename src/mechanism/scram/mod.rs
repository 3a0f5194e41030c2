//! SCRAM (RFC 5802, RFC 7677) without channel binding, from stored keys. No error is ever told to the client (`e=`).

mod message;

use base64ct::{Base64, Encoding};

use crate::credential::scram::{AuthMessage, ScramOutput, proof_fits, server_signature};
use crate::credential::{Lookup, PasswordSet};
use crate::vocabulary::{InitialResponse, ScramHash};

use super::{Asker, Malformed, Question, Response, Start, Step, Suspended, judge, tries};

pub(super) struct AwaitingClientFirst {
    hash: ScramHash,
    server_nonce: String,
}

/// client-first-message has come, and the name in it is being looked up.
pub(super) struct ClientFirst {
    hash: ScramHash,
    /// What client-final-message has to give as its `c=`: gs2-header in base64.
    channel_binding: String,
    /// client-first-message-bare.
    bare: Vec<u8>,
    /// The client's nonce followed by ours.
    nonce: Vec<u8>,
}

/// server-first-message is out.
pub(super) struct AwaitingClientFinal {
    first: ClientFirst,
    server_first: Vec<u8>,
    lookup: Lookup,
    /// The passwords that the challenge fits.
    challenged: PasswordSet,
    usable: PasswordSet,
}

pub(super) fn begin(hash: ScramHash, start: &Start<'_>, initial: InitialResponse<'_>) -> Step {
    let state = AwaitingClientFirst { hash, server_nonce: start.nonce.to_owned() };
    match initial {
        InitialResponse::Absent => Step::challenge(Vec::new(), Response::ScramFirst(state)),
        InitialResponse::Present(message) => state.respond(message),
    }
}

impl AwaitingClientFirst {
    pub(super) fn respond(self, message: &[u8]) -> Step {
        let message = match message::ClientFirst::parse(message) {
            Ok(message) => message,
            Err(fault) => return Step::malformed(fault),
        };
        let question = Question {
            authcid: message.username.into_owned(),
            realm: None,
            authzid: message.authzid.map(|authzid| authzid.into_owned()),
        };
        let first = ClientFirst {
            hash: self.hash,
            channel_binding: Base64::encode_string(message.gs2_header),
            bare: message.bare.to_vec(),
            nonce: [message.nonce, self.server_nonce.as_bytes()].concat(),
        };
        Step::Need(Suspended { question, asker: Asker::Scram(first) })
    }
}

impl ClientFirst {
    pub(super) fn resume(self, lookup: Lookup, usable: PasswordSet) -> Step {
        let parameters = lookup.scram_parameters(self.hash);
        let challenged = lookup.account.passwords.iter().enumerate().filter_map(|(position, password)| {
            password.secrets.scram_keys(self.hash).is_some_and(|keys| parameters.fit(keys)).then_some(position)
        });
        let challenged = challenged.collect();
        let salt = Base64::encode_string(&parameters.salt);
        let iterations = parameters.iterations.to_string();
        let server_first =
            [b"r=", self.nonce.as_slice(), b",s=", salt.as_bytes(), b",i=", iterations.as_bytes()].concat();
        let data = server_first.clone();
        let next = AwaitingClientFinal { first: self, server_first, lookup, challenged, usable };
        Step::challenge(data, Response::ScramFinal(Box::new(next)))
    }
}

impl AwaitingClientFinal {
    pub(super) fn respond(self, message: &[u8]) -> Step {
        let message = match message::ClientFinal::parse(message) {
            Ok(message) => message,
            Err(fault) => return Step::malformed(fault),
        };
        if message.channel_binding != self.first.channel_binding.as_bytes() {
            return Step::malformed(Malformed::NotOffered);
        }
        if message.nonce != self.first.nonce {
            return Step::malformed(Malformed::Nonce);
        }
        let mut buffer = [0; 64];
        let proof = Base64::decode(message.proof, &mut buffer).ok();
        let Some(proof) = proof.and_then(|bytes| ScramOutput::from_slice(self.first.hash, bytes)) else {
            return Step::malformed(Malformed::Syntax);
        };
        let auth_message = AuthMessage {
            client_first_bare: &self.first.bare,
            server_first: &self.server_first,
            client_final_without_proof: message.without_proof,
        };
        let found = self.passwords_that_fit(&proof, &auth_message);
        Step::Done(judge(found, self.usable, |proven| self.server_final(proven, &auth_message)))
    }

    fn passwords_that_fit(&self, proof: &ScramOutput, message: &AuthMessage<'_>) -> PasswordSet {
        let hash = self.first.hash;
        let passwords = self.lookup.account.passwords.iter().enumerate();
        let stored = passwords.filter_map(|(position, password)| {
            let keys = password.secrets.scram_keys(hash).filter(|_| self.challenged.contains(position))?;
            Some((position, keys.stored_key.expose()))
        });
        tries::fitting(stored, self.usable, 1, proof.expose(), |key| proof_fits(hash, key, proof, message))
    }

    fn server_final(&self, proven: usize, message: &AuthMessage<'_>) -> Option<Vec<u8>> {
        let keys = self.lookup.account.passwords.get(proven)?.secrets.scram_keys(self.first.hash)?;
        let signature = server_signature(self.first.hash, keys.server_key.expose(), message);
        Some(["v=", &Base64::encode_string(signature.expose())].concat().into_bytes())
    }
}

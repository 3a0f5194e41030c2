//! PLAIN (RFC 4616): authzid, authcid and password in one message, parted by NULs.

use crate::vocabulary::InitialResponse;

use super::{Malformed, Response, Step, plaintext};

pub(super) struct AwaitingMessage;

pub(super) fn begin(initial: InitialResponse<'_>) -> Step {
    match initial {
        InitialResponse::Absent => Step::challenge(Vec::new(), Response::Plain(AwaitingMessage)),
        InitialResponse::Present(message) => AwaitingMessage.respond(message),
    }
}

impl AwaitingMessage {
    pub(super) fn respond(self, message: &[u8]) -> Step {
        let mut parts = message.split(|&byte| byte == 0);
        match (parts.next(), parts.next(), parts.next(), parts.next()) {
            (Some(authzid), Some(authcid), Some(password), None) if !authcid.is_empty() => {
                plaintext::ask(authcid, None, authzid, password)
            }
            _ => Step::malformed(Malformed::Syntax),
        }
    }
}

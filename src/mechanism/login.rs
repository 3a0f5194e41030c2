//! LOGIN (draft-murchison-sasl-login): name and password, each after a prompt.

use crate::vocabulary::InitialResponse;

use super::{MAX_IDENTITY, Malformed, Response, Step, plaintext};

pub(super) struct AwaitingUsername;

pub(super) struct AwaitingPassword {
    username: Vec<u8>,
}

/// An initial response is the name; an empty one counts as none, as with Dovecot.
pub(super) fn begin(initial: InitialResponse<'_>) -> Step {
    match initial {
        InitialResponse::Absent | InitialResponse::Present([]) => {
            Step::challenge(b"Username:".to_vec(), Response::LoginUsername(AwaitingUsername))
        }
        InitialResponse::Present(username) => AwaitingUsername.respond(username),
    }
}

impl AwaitingUsername {
    pub(super) fn respond(self, username: &[u8]) -> Step {
        if username.is_empty() || username.contains(&0) {
            return Step::malformed(Malformed::Syntax);
        }
        if username.len() > MAX_IDENTITY {
            return Step::malformed(Malformed::TooLong);
        }
        let next = AwaitingPassword { username: username.to_vec() };
        Step::challenge(b"Password:".to_vec(), Response::LoginPassword(next))
    }
}

impl AwaitingPassword {
    pub(super) fn respond(self, password: &[u8]) -> Step {
        plaintext::ask(&self.username, None, b"", password)
    }
}

//! The mechanisms as state machines: bytes in, a [`Step`] out. They read no clock, draw no randomness and know no store;
//! what they need to know about a name they ask for.

use crate::credential::{Lookup, PasswordSet};
use crate::vocabulary::{InitialResponse, Mechanism};

/// What a mechanism does next. Each state is consumed by the step taken from it, so that nothing can be answered twice.
#[derive(Debug)]
pub enum Step {
    /// Send `data` and wait for the response.
    Challenge {
        /// The challenge, raw.
        data: Vec<u8>,
        /// The state that takes the response.
        next: Awaiting,
    },
    /// Look this name up and resume with the answer.
    Need(Suspended),
    /// Do this slow computation where blocking is allowed.
    Compute(Computation),
    /// The verdict is in.
    Done(Verdict),
}

/// What the mechanism found. It speaks of proofs only; whether the account may log in is the exchange's to say.
#[derive(Debug, PartialEq, Eq)]
#[must_use]
pub enum Verdict {
    /// The proof fits a usable password.
    Proven {
        /// Its position in the account; none for EXTERNAL, which knows no password.
        password: Option<usize>,
        /// Additional data with success (RFC 4422, section 3.6).
        final_data: Option<Vec<u8>>,
    },
    /// The proof fits a password that is not good for this login; its position.
    Limited(usize),
    /// No password fits.
    Mismatch,
    /// The client broke the mechanism's rules.
    Malformed(Malformed),
}

/// How a client's message breaks the rules.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Malformed {
    /// It does not follow the mechanism's grammar.
    #[error("the message does not follow the mechanism's syntax")]
    Syntax,
    /// It is longer than any honest one.
    #[error("the message is too long")]
    TooLong,
    /// A nonce other than the one of this exchange, or a wrong nonce count.
    #[error("the nonce is not this exchange's")]
    Nonce,
    /// Something asked for that is not offered: channel binding, another qop, an extension.
    #[error("the message asks for what is not offered")]
    NotOffered,
}

/// What the mechanism asks: whose credential, and on whose behalf the client wants to act.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Question {
    /// The authentication identity as sent.
    pub authcid: Vec<u8>,
    /// The realm as sent; DIGEST-MD5 only.
    pub realm: Option<Vec<u8>>,
    /// The authorization identity as sent; absent and empty are the same (RFC 4422, section 3.4.1).
    pub authzid: Option<Vec<u8>>,
}

/// What a mechanism is begun with; everything that would make it impure.
#[derive(Debug, Clone, Copy)]
pub struct Start<'a> {
    /// Fresh for each exchange, unpredictable, printable ASCII without comma, quote or backslash.
    pub nonce: &'a str,
    /// Seconds since 1970, for the message-id of CRAM-MD5.
    pub timestamp: u64,
    /// This host, for the message-id of CRAM-MD5.
    pub hostname: &'a str,
    /// The realm that DIGEST-MD5 offers.
    pub realm: &'a str,
    /// The name in the client's verified certificate, for EXTERNAL; handed in only where EXTERNAL may be believed.
    pub certificate_name: Option<&'a [u8]>,
}

/// Waiting for the client's response to a challenge.
#[derive(Debug)]
pub enum Awaiting {}

impl Awaiting {
    /// Takes the response. A client that gives up instead is no business of the mechanism: drop the state.
    #[must_use]
    pub fn respond(self, _response: &[u8]) -> Step {
        match self {}
    }
}

/// Waiting for the answer to a [`Question`].
#[derive(Debug)]
pub enum Suspended {}

impl Suspended {
    /// What is asked.
    #[must_use]
    pub fn question(&self) -> &Question {
        match *self {}
    }

    /// Goes on with the answer. `usable` are the passwords of `lookup.account` that are good for this login: all are tried,
    /// only these can prove anything.
    #[must_use]
    pub fn resume(self, _lookup: Lookup, _usable: PasswordSet) -> Step {
        match self {}
    }
}

/// A check that takes milliseconds: a derivation or a slow hash.
#[derive(Debug)]
pub enum Computation {}

impl Computation {
    /// Does it, here and now.
    pub fn run(self) -> Verdict {
        match self {}
    }
}

/// Begins an exchange of `mechanism`.
#[must_use]
pub fn begin(_mechanism: Mechanism, _start: &Start<'_>, _initial: InitialResponse<'_>) -> Step {
    Step::Done(Verdict::Malformed(Malformed::NotOffered))
}

//! The mechanisms as state machines: bytes in, a [`Step`] out. They read no clock, draw no randomness and know no store;
//! what they need to know about a name they ask for.

pub mod client;
mod cram_md5;
mod digest_md5;
mod external;
mod hex;
mod login;
mod plain;
mod plaintext;
mod scram;
mod tries;

use core::fmt;

use crate::credential::{Lookup, PasswordSet};
use crate::secret::Password;
use crate::vocabulary::{InitialResponse, Mechanism, ScramHash};

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
        /// What the client presented, where that is the password itself.
        presented: Option<Password>,
    },
    /// The proof fits a password that is not good for this login; its position.
    Limited(usize),
    /// No password fits.
    Mismatch,
    /// The client broke the mechanism's rules.
    Malformed(Malformed),
}

impl Verdict {
    /// The same, reached by the password itself.
    fn by(self, presented: Password) -> Self {
        match self {
            Self::Proven { password, final_data, .. } => {
                Self::Proven { password, final_data, presented: Some(presented) }
            }
            other => other,
        }
    }
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
    /// The realm as sent, by DIGEST-MD5 or beside a password that is presented.
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
pub struct Awaiting(Response);

/// Whose response, and to which challenge.
enum Response {
    Plain(plain::AwaitingMessage),
    LoginUsername(login::AwaitingUsername),
    LoginPassword(login::AwaitingPassword),
    External(external::AwaitingAuthzid),
    CramMd5(cram_md5::AwaitingResponse),
    DigestMd5(digest_md5::AwaitingResponse),
    ScramFirst(scram::AwaitingClientFirst),
    ScramFinal(Box<scram::AwaitingClientFinal>),
}

impl Awaiting {
    /// Takes the response. A client that gives up instead is no business of the mechanism: drop the state.
    #[must_use]
    pub fn respond(self, response: &[u8]) -> Step {
        match self.0 {
            Response::Plain(state) => state.respond(response),
            Response::LoginUsername(state) => state.respond(response),
            Response::LoginPassword(state) => state.respond(response),
            Response::External(state) => state.respond(response),
            Response::CramMd5(state) => state.respond(response),
            Response::DigestMd5(state) => state.respond(response),
            Response::ScramFirst(state) => state.respond(response),
            Response::ScramFinal(state) => state.respond(response),
        }
    }
}

/// Waiting for the answer to a [`Question`].
pub struct Suspended {
    question: Question,
    asker: Asker,
}

/// What is done with the answer.
enum Asker {
    Plaintext(plaintext::Presented),
    External,
    CramMd5(cram_md5::Presented),
    DigestMd5(digest_md5::Presented),
    Scram(scram::ClientFirst),
}

impl Suspended {
    /// What is asked.
    #[must_use]
    pub fn question(&self) -> &Question {
        &self.question
    }

    /// Goes on with the answer. `usable` are the passwords of `lookup.account` that are good for this login: all are tried,
    /// only these can prove anything.
    #[must_use]
    pub fn resume(self, lookup: Lookup, usable: PasswordSet) -> Step {
        match self.asker {
            Asker::Plaintext(presented) => presented.resume(lookup, usable),
            Asker::External => external::resume(),
            Asker::CramMd5(presented) => presented.resume(&lookup, usable),
            Asker::DigestMd5(presented) => presented.resume(&self.question, &lookup, usable),
            Asker::Scram(first) => first.resume(lookup, usable),
        }
    }
}

/// A check that takes milliseconds: a derivation or a slow hash.
pub struct Computation(plaintext::SlowCheck);

impl Computation {
    /// Does it, here and now.
    pub fn run(self) -> Verdict {
        self.0.run()
    }
}

/// States hold passwords and proofs; nothing of them is for printing.
macro_rules! opaque {
    ($($state:ident),*) => {$(
        impl fmt::Debug for $state {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(stringify!($state))
            }
        }
    )*};
}
opaque!(Awaiting, Suspended, Computation);

/// Begins an exchange of `mechanism`.
#[must_use]
pub fn begin(mechanism: Mechanism, start: &Start<'_>, initial: InitialResponse<'_>) -> Step {
    match mechanism {
        Mechanism::Plain => plain::begin(initial),
        Mechanism::Login => login::begin(initial),
        Mechanism::External => external::begin(start, initial),
        // An initial response means nothing where the server speaks first.
        Mechanism::CramMd5 => cram_md5::begin(start),
        Mechanism::DigestMd5 => digest_md5::begin(start),
        Mechanism::ScramSha1 => scram::begin(ScramHash::Sha1, start, initial),
        Mechanism::ScramSha256 => scram::begin(ScramHash::Sha256, start, initial),
        Mechanism::ScramSha512 => scram::begin(ScramHash::Sha512, start, initial),
    }
}

/// Begins what PLAIN is after its one message (RFC 4616, section 2), for a protocol in which name, realm and password stand
/// apart. A realm in the name comes before `realm`.
#[must_use]
pub fn present(name: &[u8], realm: Option<&[u8]>, password: &[u8]) -> Step {
    plaintext::ask(name, realm, b"", password)
}

/// The longest authentication or authorization identity that is taken, in bytes: the longest account name twice over, for
/// those who type it in another character set.
const MAX_IDENTITY: usize = 1024;

impl Step {
    fn challenge(data: Vec<u8>, next: Response) -> Self {
        Self::Challenge { data, next: Awaiting(next) }
    }

    fn malformed(fault: Malformed) -> Self {
        Self::Done(Verdict::Malformed(fault))
    }
}

/// The verdict on an account of which the passwords in `found` fit.
fn judge(found: PasswordSet, usable: PasswordSet, final_data: impl FnOnce(usize) -> Option<Vec<u8>>) -> Verdict {
    match (found.intersection(usable).first(), found.first()) {
        (Some(proven), _) => {
            Verdict::Proven { password: Some(proven), final_data: final_data(proven), presented: None }
        }
        (None, Some(limited)) => Verdict::Limited(limited),
        (None, None) => Verdict::Mismatch,
    }
}

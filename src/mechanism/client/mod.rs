//! The client side of the mechanisms, for tests and for `sasldb-rs test`. A client is told one of three things: nothing yet
//! ([`begin`]), a challenge ([`Client::challenge`]), or that the server says it was a success ([`Client::success`]). So the end
//! of an exchange cannot be taken for a proof of the server: where the mechanism has one, `success` insists on it.

mod cram_md5;
mod digest_md5;
mod scram;

use crate::secret::{Password, SecretBytes};
use crate::vocabulary::{Mechanism, ScramHash};

/// Who wants to log in, where, and how.
#[derive(Debug, Clone, Copy)]
pub struct ClientStart<'a> {
    /// The mechanism.
    pub mechanism: Mechanism,
    /// The authentication identity, as typed. EXTERNAL does not send it.
    pub authcid: &'a str,
    /// The authorization identity, where it is another one or the client likes to repeat it.
    pub authzid: Option<&'a str>,
    /// The password. EXTERNAL does not use it.
    pub password: &'a Password,
    /// The realm of DIGEST-MD5; the first one offered where none is given.
    pub realm: Option<&'a str>,
    /// serv-type of DIGEST-MD5's digest-uri: `smtp`, `imap`.
    pub service: &'a str,
    /// The server's host name, for digest-uri.
    pub host: &'a str,
    /// Fresh for each exchange, unpredictable, printable ASCII without comma, quote or backslash.
    pub nonce: &'a str,
}

/// The first step of a client.
#[derive(Debug)]
pub struct Opening<'a> {
    /// The initial response of a mechanism in which the client speaks first. It goes out with the request, or in answer to an
    /// empty challenge.
    pub initial: Option<SecretBytes>,
    /// What comes then.
    pub next: Client<'a>,
}

/// A client in the midst of an exchange. Each state is consumed by the step taken from it.
pub struct Client<'a>(State<'a>);

enum State<'a> {
    LoginUsername(ClientStart<'a>),
    LoginPassword(ClientStart<'a>),
    CramMd5(ClientStart<'a>),
    DigestMd5(ClientStart<'a>),
    DigestMd5Proof(digest_md5::AwaitingProof),
    ScramFirst(scram::AwaitingServerFirst<'a>),
    ScramFinal(scram::AwaitingServerFinal),
    /// Everything is said, and the server had nothing to prove.
    Said,
    /// The server has proven that it knows the password.
    Proven,
}

/// What the client knows about the server after a success.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ServerProof {
    /// It has proven that it knows the password, or what is stored of it.
    Shown,
    /// The mechanism has no such proof.
    NotPartOfMechanism,
}

/// Why a client gives up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ClientError {
    /// A challenge after everything was said.
    #[error("the server sends a challenge where none belongs")]
    UnexpectedChallenge,
    /// A challenge that does not follow the mechanism's grammar.
    #[error("the server's challenge does not follow the mechanism's syntax")]
    Syntax,
    /// The server asks for, or leaves out, something without which we cannot go on.
    #[error("the server wants an extension, a quality of protection or an algorithm that is not supported")]
    NotSupported,
    /// The server's nonce does not begin with the client's.
    #[error("the server's nonce does not belong to this exchange")]
    Nonce,
    /// An iteration count of zero, or one that would keep the client busy for minutes.
    #[error("the server's iteration count is out of range")]
    Iterations,
    /// The server says success in the midst of the exchange.
    #[error("the server says success before the exchange is over")]
    TooEarly,
    /// The server says success and has not proven that it knows the password.
    #[error("the server says success but has not proven that it knows the password")]
    NoProof,
    /// The server's proof is wrong.
    #[error("the server's proof is wrong")]
    WrongProof,
}

/// Begins an exchange: nothing has come from the server yet.
#[must_use]
pub fn begin(start: ClientStart<'_>) -> Opening<'_> {
    let scram = |hash| {
        let (initial, next) = scram::begin(start, hash);
        (Some(initial), State::ScramFirst(next))
    };
    let (initial, next) = match start.mechanism {
        Mechanism::Plain => {
            let authzid = start.authzid.unwrap_or_default();
            let message = [authzid.as_bytes(), start.authcid.as_bytes(), start.password.expose()].join(&0);
            (Some(SecretBytes::new(message)), State::Said)
        }
        Mechanism::External => (Some(SecretBytes::from(start.authzid.unwrap_or_default().as_bytes())), State::Said),
        Mechanism::Login => (None, State::LoginUsername(start)),
        Mechanism::CramMd5 => (None, State::CramMd5(start)),
        Mechanism::DigestMd5 => (None, State::DigestMd5(start)),
        Mechanism::ScramSha1 => scram(ScramHash::Sha1),
        Mechanism::ScramSha256 => scram(ScramHash::Sha256),
        Mechanism::ScramSha512 => scram(ScramHash::Sha512),
    };
    Opening { initial, next: Client(next) }
}

impl<'a> Client<'a> {
    /// Takes a challenge and gives the response to it.
    ///
    /// # Errors
    /// See [`ClientError`]; the exchange is over then, whatever the server says.
    pub fn challenge(self, challenge: &[u8]) -> Result<(SecretBytes, Self), ClientError> {
        let (response, next) = match self.0 {
            // The prompts say nothing that could be relied on; their order does.
            State::LoginUsername(start) => (SecretBytes::from(start.authcid.as_bytes()), State::LoginPassword(start)),
            State::LoginPassword(start) => (SecretBytes::from(start.password.expose()), State::Said),
            State::CramMd5(start) => (cram_md5::respond(&start, challenge), State::Said),
            State::DigestMd5(start) => {
                let (response, next) = digest_md5::respond(&start, challenge)?;
                (response, State::DigestMd5Proof(next))
            }
            State::DigestMd5Proof(state) => {
                state.check(challenge)?;
                (SecretBytes::new(Vec::new()), State::Proven)
            }
            State::ScramFirst(state) => {
                let (response, next) = state.respond(challenge)?;
                (response, State::ScramFinal(next))
            }
            State::ScramFinal(state) => {
                state.check(challenge)?;
                (SecretBytes::new(Vec::new()), State::Proven)
            }
            State::Said | State::Proven => return Err(ClientError::UnexpectedChallenge),
        };
        Ok((response, Self(next)))
    }

    /// Takes the server's word that the exchange has ended well, with the additional data that came with it, if any.
    ///
    /// # Errors
    /// [`ClientError::TooEarly`], [`ClientError::NoProof`], [`ClientError::WrongProof`], [`ClientError::UnexpectedChallenge`]
    /// for additional data that no mechanism has.
    pub fn success(self, additional_data: Option<&[u8]>) -> Result<ServerProof, ClientError> {
        match (self.0, additional_data) {
            (State::DigestMd5Proof(state), Some(proof)) => state.check(proof).map(|()| ServerProof::Shown),
            (State::ScramFinal(state), Some(proof)) => state.check(proof).map(|()| ServerProof::Shown),
            (State::DigestMd5Proof(_) | State::ScramFinal(_), None) => Err(ClientError::NoProof),
            (State::Proven, None) => Ok(ServerProof::Shown),
            (State::Said, None) => Ok(ServerProof::NotPartOfMechanism),
            (State::Proven | State::Said, Some(_)) => Err(ClientError::UnexpectedChallenge),
            _ => Err(ClientError::TooEarly),
        }
    }
}

impl core::fmt::Debug for Client<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("Client")
    }
}

//! The protocol of Cyrus's `saslauthd`, spoken on its socket `mux`: one login and one reply for each connection. Written down
//! from what version 2.1.28 does; what we do in another way is said where we do it.

use zeroize::Zeroizing;

/// The longest name, service or realm, in bytes. Cyrus refuses more than 256.
pub const MAX_TEXT: usize = 1024;

/// The longest password, in bytes. Cyrus refuses more than 256; libsasl2 sends up to 8,192 for all four texts.
pub const MAX_PASSWORD: usize = 4096;

/// A password that somebody presented to the program that asks. Texts are bytes as that program has them, in whatever
/// character set.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Request<'a> {
    /// The name. libsasl2 cuts it at its last `@` and sends what follows as the realm; others send it as it was typed.
    pub login: &'a [u8],
    /// The password.
    pub password: &'a [u8],
    /// The service, such as `imap`; may be empty.
    pub service: &'a [u8],
    /// The realm; may be empty.
    pub realm: &'a [u8],
}

/// Why a request is none that can be looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RequestFault {
    /// A text above [`MAX_TEXT`] or [`MAX_PASSWORD`].
    #[error("longer than a name or a password can be")]
    TooLong,
    /// It names nobody.
    #[error("no name")]
    NoLogin,
    /// It presents nothing.
    #[error("no password")]
    NoPassword,
}

impl<'a> Request<'a> {
    /// The longest request, in bytes.
    pub const MAX: usize = 4 * 2 + 3 * MAX_TEXT + MAX_PASSWORD;

    /// Reads what was received so far on a connection; `None` as long as some of the request is missing. What follows it is
    /// ignored, as Cyrus does.
    ///
    /// # Errors
    /// See [`RequestFault`]: nothing that may follow makes it a request.
    pub fn parse(received: &'a [u8]) -> Result<Option<Self>, RequestFault> {
        let mut rest = received;
        let mut texts = [b"".as_slice(); 4];
        for (text, longest) in texts.iter_mut().zip([MAX_TEXT, MAX_PASSWORD, MAX_TEXT, MAX_TEXT]) {
            let Some((length, beyond)) = rest.split_first_chunk() else { return Ok(None) };
            let length = usize::from(u16::from_be_bytes(*length));
            if length > longest {
                return Err(RequestFault::TooLong);
            }
            let Some((found, beyond)) = beyond.split_at_checked(length) else { return Ok(None) };
            (*text, rest) = (found, beyond);
        }
        let [login, password, service, realm] = texts;
        if login.is_empty() {
            Err(RequestFault::NoLogin)
        } else if password.is_empty() {
            Err(RequestFault::NoPassword)
        } else {
            Ok(Some(Self { login, password, service, realm }))
        }
    }
}

/// A request on its way in. It may hold a password: its room never grows, so that no copy stays behind, and is wiped.
#[derive(Default)]
pub struct Received(Zeroizing<Vec<u8>>);

impl Received {
    /// Takes more of it; `None` as long as some is missing.
    ///
    /// # Errors
    /// Those of [`Request::parse`].
    pub fn take<'a>(&'a mut self, bytes: &'a [u8]) -> Result<Option<Request<'a>>, RequestFault> {
        if self.0.is_empty() {
            // Nearly always it comes in one piece, and no copy of its password is made.
            match Request::parse(bytes) {
                Ok(None) => self.0.reserve_exact(Request::MAX),
                whole => return whole,
            }
        }
        let room = Request::MAX.saturating_sub(self.0.len());
        self.0.extend_from_slice(bytes.get(..room).unwrap_or(bytes));
        Request::parse(&self.0)
    }
}

impl core::fmt::Debug for Received {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("Received")
    }
}

/// What the client is told. libsasl2 looks at the first two letters only.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reply {
    /// The login is good.
    Ok,
    /// It is not. A reason is never given.
    No,
    /// There was no request to look at.
    Refused(RequestFault),
    /// Nobody can tell. Cyrus has no such reply; to libsasl2, Exim and others a text that is too short for a verdict is a fault of
    /// the daemon. So is a connection that ends, but then libsasl2 2.1.28 forgets to close it, and its program runs out of files.
    Unavailable,
}

impl Reply {
    /// Writes it, in Cyrus's words.
    pub fn encode(self, to: &mut Vec<u8>) {
        let counted: &[u8] = match self {
            Self::Ok => b"\0\x02OK",
            Self::No => b"\0\x02NO",
            Self::Unavailable => b"\0\0",
            Self::Refused(RequestFault::TooLong) => b"\0\x03NO ",
            Self::Refused(RequestFault::NoLogin) => b"\0\x16NO NULL login received",
            Self::Refused(RequestFault::NoPassword) => b"\0\x19NO NULL password received",
        };
        to.extend_from_slice(counted);
    }
}

#[cfg(test)]
mod tests;

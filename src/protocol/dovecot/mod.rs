//! The Dovecot authentication protocol, version 1.2, as Dovecot 2.3's `auth` service speaks it: one line for each message,
//! fields separated by TAB. The server side feeds a [`CommandDecoder`] and encodes a [`Greeting`] and [`Reply`]s; the client
//! side, for tests and tools, encodes [`Command`]s and feeds a [`ReplyDecoder`].

mod base64;
mod command;
mod escape;
mod fault;
mod greeting;
mod line;
mod reply;
mod userdb;

pub use base64::{BadBase64, base64_of, decode_base64};
pub use command::{AuthRequest, Command, CommandDecoder, ResponseField};
pub use fault::{Breach, FrameError, RequestFault};
pub use greeting::{Cookie, Greeting};
pub use line::MAX_LINE;
pub use reply::{FailCode, Reply, ReplyDecoder, ServerLine, UnknownReply};
pub use userdb::{UserdbCommand, UserdbDecoder, UserdbReply, encode_userdb_greeting};

use core::fmt;

/// The version that a server announces. Radicale waits for ever at a minor of 3 or more with this greeting; Debian 12's
/// Dovecot says 1.2, which makes it the best tested value.
pub const VERSION: (u32, u32) = (1, 2);

/// The longest reply that Exim keeps, with its LF.
pub const MAX_REPLY: usize = 8191;

/// A client's number for one exchange, unique among those it has open on the connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RequestId(u32);

impl RequestId {
    /// Any number but 0.
    #[must_use]
    pub const fn new(id: u32) -> Option<Self> {
        if id == 0 { None } else { Some(Self(id)) }
    }

    fn parse(field: &[u8]) -> Option<Self> {
        number(field).and_then(Self::new)
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Reads a decimal number, digits only.
fn number(field: &[u8]) -> Option<u32> {
    if !field.iter().all(u8::is_ascii_digit) {
        return None;
    }
    core::str::from_utf8(field).ok()?.parse().ok()
}

/// Writes a message's word, which ends in a TAB, and the id after it.
fn push_head(word: &[u8], id: RequestId, out: &mut Vec<u8>) {
    out.extend_from_slice(word);
    push_number(id.0, out);
}

/// Writes VERSION, without its LF.
fn push_version((major, minor): (u32, u32), out: &mut Vec<u8>) {
    out.extend_from_slice(b"VERSION\t");
    push_number(major, out);
    out.push(b'\t');
    push_number(minor, out);
}

/// Writes a decimal number.
fn push_number(number: u32, out: &mut Vec<u8>) {
    let mut digits = [0; 10];
    let mut start = digits.len();
    let mut rest = number;
    for (place, digit) in digits.iter_mut().enumerate().rev() {
        *digit = u8::try_from(rest % 10).unwrap_or_default().saturating_add(b'0');
        start = place;
        rest /= 10;
        if rest == 0 {
            break;
        }
    }
    out.extend_from_slice(digits.get(start..).unwrap_or_default());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_digits_only() {
        for (text, value) in [("1", Some(1)), ("4294967295", Some(u32::MAX)), ("007", Some(7)), ("0", Some(0))] {
            assert_eq!(number(text.as_bytes()), value, "{text}");
        }
        for text in ["", "+1", "-1", " 1", "1 ", "4294967296", "x", "\u{661}"] {
            assert_eq!(number(text.as_bytes()), None, "{text:?}");
        }
        assert_eq!(RequestId::parse(b"0"), None);
        for value in [0, 7, 10, 4_294_967_295] {
            let mut out = Vec::new();
            push_number(value, &mut out);
            assert_eq!(out, value.to_string().as_bytes());
        }
    }
}

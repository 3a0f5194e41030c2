//! What servers say after their greeting.

use std::borrow::Cow;

use super::base64::{decode_base64, push_base64};
use super::escape::{escape, unescape};
use super::fault::Breach;
use super::line::Lines;
use super::{RequestId, push_head};

/// One reply to one request.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use = "a request is to be answered"]
pub enum Reply<'a> {
    /// A challenge.
    Continue {
        /// To which request.
        id: RequestId,
        /// The challenge, raw.
        data: Cow<'a, [u8]>,
    },
    /// Authenticated.
    Ok {
        /// Which request.
        id: RequestId,
        /// The account. Postfix and Exim need it.
        user: Cow<'a, [u8]>,
        /// The mechanism's last word, raw, for clients that said `final-resp-ok`.
        final_data: Option<Cow<'a, [u8]>>,
    },
    /// Not authenticated.
    Fail {
        /// Which request.
        id: RequestId,
        /// The name that was tried, if it was learnt.
        user: Option<Cow<'a, [u8]>>,
        /// Why, where a client may know.
        code: Option<FailCode>,
        /// Text that Postfix shows to the mail client.
        reason: Option<Cow<'a, [u8]>>,
    },
}

/// Why a request failed, as far as it is said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FailCode {
    /// Nobody can tell now. Postfix, Exim and chasquid take it for a wrong password all the same.
    TempFail,
    /// The client's base64 was none.
    InvalidBase64,
}

impl FailCode {
    const fn name(self) -> &'static str {
        match self {
            Self::TempFail => "temp_fail",
            Self::InvalidBase64 => "invalid_base64",
        }
    }
}

impl Reply<'_> {
    /// Appends the reply with its LF to `out`.
    pub fn encode(&self, out: &mut Vec<u8>) {
        match self {
            Self::Continue { id, data } => {
                push_head(b"CONT\t", *id, out);
                // Without this TAB Exim tells the mail client "334 NULL", and Postfix fails the login.
                out.push(b'\t');
                push_base64(data, out);
            }
            Self::Ok { id, user, final_data } => {
                push_head(b"OK\t", *id, out);
                out.extend_from_slice(b"\tuser=");
                escape(user, out);
                if let Some(data) = final_data {
                    out.extend_from_slice(b"\tresp=");
                    push_base64(data, out);
                }
            }
            Self::Fail { id, user, code, reason } => {
                push_head(b"FAIL\t", *id, out);
                if let Some(user) = user {
                    out.extend_from_slice(b"\tuser=");
                    escape(user, out);
                }
                if let Some(code) = code {
                    out.extend_from_slice(b"\tcode=");
                    out.extend_from_slice(code.name().as_bytes());
                    // What clients of protocol 1.1 look for, Prosody among them.
                    if *code == FailCode::TempFail {
                        out.extend_from_slice(b"\ttemp");
                    }
                }
                if let Some(reason) = reason {
                    out.extend_from_slice(b"\treason=");
                    escape(reason, out);
                }
            }
        }
        out.push(b'\n');
    }

    fn parse(word: &[u8], fields: &[&[u8]]) -> Option<Reply<'static>> {
        let (id, parameters) = fields.split_first()?;
        let id = RequestId::parse(id)?;
        let value_of = |name: &[u8]| {
            let value = parameters.iter().find_map(|field| field.strip_prefix(name)?.strip_prefix(b"="));
            value.map(|value| Cow::Owned(unescape(value).into_owned()))
        };
        match word {
            b"CONT" => Some(Reply::Continue { id, data: decoded(parameters.first()?)? }),
            b"OK" => {
                let final_data = match value_of(b"resp") {
                    Some(encoded) => Some(decoded(&encoded)?),
                    None => None,
                };
                Some(Reply::Ok { id, user: value_of(b"user").unwrap_or_default(), final_data })
            }
            b"FAIL" => {
                let is = |code: FailCode| value_of(b"code").is_some_and(|name| *name == *code.name().as_bytes());
                let temp = is(FailCode::TempFail) || parameters.contains(&&b"temp"[..]);
                let code = if temp { Some(FailCode::TempFail) } else { None };
                let code = code.or(is(FailCode::InvalidBase64).then_some(FailCode::InvalidBase64));
                Some(Reply::Fail { id, user: value_of(b"user"), code, reason: value_of(b"reason") })
            }
            _ => None,
        }
    }
}

fn decoded(encoded: &[u8]) -> Option<Cow<'static, [u8]>> {
    let mut data = Vec::new();
    decode_base64(encoded, &mut data).ok()?;
    Some(Cow::Owned(data))
}

/// One line from a server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ServerLine {
    /// A line of the greeting or another that is no reply, as its fields.
    Other(Vec<Vec<u8>>),
    /// A reply.
    Reply(Reply<'static>),
}

/// A line that a client cannot make sense of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the server's reply cannot be read")]
pub struct UnknownReply;

/// Bytes from a server in, lines out.
#[derive(Debug, Default)]
pub struct ReplyDecoder(Lines);

impl ReplyDecoder {
    /// Takes the next line off the front of `input`, if one is complete. Call until there is none; the beginning of an
    /// unfinished line is kept.
    pub fn take(&mut self, input: &mut &[u8]) -> Option<Result<ServerLine, UnknownReply>> {
        let line = self.0.take(input)?;
        Some(line.map_err(|_: Breach| UnknownReply).and_then(parse_line))
    }
}

fn parse_line(line: &[u8]) -> Result<ServerLine, UnknownReply> {
    let fields: Vec<&[u8]> = line.split(|&byte| byte == b'\t').collect();
    match fields.split_first() {
        Some((word @ (&b"CONT" | &b"OK" | &b"FAIL"), rest)) => {
            Reply::parse(word, rest).map(ServerLine::Reply).ok_or(UnknownReply)
        }
        _ => Ok(ServerLine::Other(fields.iter().map(|field| unescape(field).into_owned()).collect())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn encoded(reply: &Reply<'_>) -> String {
        let mut out = Vec::new();
        reply.encode(&mut out);
        String::from_utf8(out).unwrap()
    }

    fn id(number: u32) -> RequestId {
        RequestId::new(number).unwrap()
    }

    fn decode(bytes: &[u8]) -> Vec<Result<ServerLine, UnknownReply>> {
        let mut decoder = ReplyDecoder::default();
        let mut rest = bytes;
        core::iter::from_fn(|| decoder.take(&mut rest)).collect()
    }

    #[test]
    fn the_bytes_that_dovecot_sends() {
        let fail = |user: Option<&'static str>, code, reason: Option<&'static str>| Reply::Fail {
            id: id(1),
            user: user.map(|u| Cow::Borrowed(u.as_bytes())),
            code,
            reason: reason.map(|r| Cow::Borrowed(r.as_bytes())),
        };
        for (reply, line) in [
            (Reply::Continue { id: id(2), data: b""[..].into() }, "CONT\t2\t\n"),
            (Reply::Continue { id: id(5), data: b"Username:"[..].into() }, "CONT\t5\tVXNlcm5hbWU6\n"),
            (
                Reply::Ok { id: id(1), user: b"plain@example.org"[..].into(), final_data: None },
                "OK\t1\tuser=plain@example.org\n",
            ),
            (
                Reply::Ok { id: id(9), user: b"d@x"[..].into(), final_data: Some(b"rspauth="[..].into()) },
                "OK\t9\tuser=d@x\tresp=cnNwYXV0aD0=\n",
            ),
            (fail(None, None, None), "FAIL\t1\n"),
            (fail(Some("nobody@example.org"), None, None), "FAIL\t1\tuser=nobody@example.org\n"),
            (
                fail(None, Some(FailCode::InvalidBase64), Some("Invalid base64 data in initial response")),
                "FAIL\t1\tcode=invalid_base64\treason=Invalid base64 data in initial response\n",
            ),
            (fail(None, Some(FailCode::TempFail), None), "FAIL\t1\tcode=temp_fail\ttemp\n"),
        ] {
            assert_eq!(encoded(&reply), line);
            assert_eq!(decode(line.as_bytes()), [Ok(ServerLine::Reply(reply))]);
        }
    }

    #[test]
    fn a_user_cannot_forge_a_field_or_a_line() {
        let user = Cow::Borrowed(&b"a\tuser=root\nOK\t1"[..]);
        let reply = Reply::Fail { id: id(1), user: Some(user), code: None, reason: None };
        assert_eq!(encoded(&reply), "FAIL\t1\tuser=a\x01tuser=root\x01nOK\x01t1\n");
    }

    #[test]
    fn replies_of_other_servers_are_read_or_refused() {
        assert_eq!(decode(b"OK\t0\tuser=x\nCONT\t1\nCONT\t1\t*\nFAIL\n"), vec![Err(UnknownReply); 4]);
        let nologin = decode(b"OK\t34\tuser=n@x\tnologin\treason=Server_maintenance\n");
        let expected = Reply::Ok { id: id(34), user: b"n@x"[..].into(), final_data: None };
        assert_eq!(nologin, [Ok(ServerLine::Reply(expected))]);
    }

    proptest! {
        #[test]
        fn round_trip(number in 1u32.., user: Vec<u8>, data: Vec<u8>, reason: Option<Vec<u8>>) {
            let id = id(number);
            for reply in [
                Reply::Continue { id, data: data.clone().into() },
                Reply::Ok { id, user: user.clone().into(), final_data: Some(data.into()) },
                Reply::Fail { id, user: Some(user.into()), code: None, reason: reason.map(Cow::Owned) },
            ] {
                let mut out = Vec::new();
                reply.encode(&mut out);
                prop_assert_eq!(decode(&out), [Ok(ServerLine::Reply(reply))]);
            }
        }

        #[test]
        fn any_bytes_are_read_or_refused(bytes: Vec<u8>) {
            let _ = decode(&bytes);
        }
    }
}

//! The auth-userdb protocol beside it, as far as mail servers use it: whether an account exists. chasquid logs nobody in
//! unless it can ask here too.

use std::borrow::Cow;

use super::command::version;
use super::escape::{escape, unescape};
use super::fault::Breach;
use super::line::Lines;
use super::{RequestId, push_head, push_number, push_version};

/// The version that a server announces; clients of the auth protocol say 1.1 here as well.
const VERSION: (u32, u32) = (1, 1);

/// What a server says first. It holds nothing but version and process id: by what is missing clients tell this socket from one
/// that authenticates.
pub fn encode_userdb_greeting(server_pid: u32, out: &mut Vec<u8>) {
    push_version(VERSION, out);
    out.extend_from_slice(b"\nSPID\t");
    push_number(server_pid, out);
    out.push(b'\n');
}

/// One command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum UserdbCommand<'a> {
    /// The client's protocol version; the major number is ours.
    Version,
    /// Whether an account exists. What the client says about service and addresses does not matter.
    User {
        /// The number of the request.
        id: RequestId,
        /// The name, with or without a realm.
        name: Cow<'a, [u8]>,
    },
    /// Asks for the stored password, which nobody gets.
    Pass(RequestId),
    /// Asks for all names, which nobody gets.
    List(RequestId),
}

impl<'a> UserdbCommand<'a> {
    fn parse(line: &'a [u8]) -> Result<Self, Breach> {
        let mut fields = line.split(|&byte| byte == b'\t');
        let word = fields.next().unwrap_or_default();
        if word == b"VERSION" {
            return version(&mut fields).map(|_| Self::Version);
        }
        let mut id = || fields.next().and_then(RequestId::parse).ok_or(Breach::BadId);
        match word {
            b"USER" => {
                let id = id()?;
                let name = unescape(fields.next().filter(|name| !name.is_empty()).ok_or(Breach::FieldMissing)?);
                Ok(Self::User { id, name })
            }
            b"PASS" => Ok(Self::Pass(id()?)),
            b"LIST" => Ok(Self::List(id()?)),
            _ => Err(Breach::UnknownCommand),
        }
    }

    /// Appends the command with its LF to `out`.
    pub fn encode(&self, out: &mut Vec<u8>) {
        match self {
            Self::Version => push_version(VERSION, out),
            Self::User { id, name } => {
                push_head(b"USER\t", *id, out);
                out.push(b'\t');
                escape(name, out);
            }
            Self::Pass(id) => push_head(b"PASS\t", *id, out),
            Self::List(id) => push_head(b"LIST\t", *id, out),
        }
        out.push(b'\n');
    }
}

/// Bytes from a client in, commands out.
#[derive(Debug, Default)]
pub struct UserdbDecoder(Lines);

impl UserdbDecoder {
    /// Takes the next command off the front of `input`, if one is complete. Call until there is none; the beginning of an
    /// unfinished line is kept.
    pub fn take<'a, 'i: 'a>(&'a mut self, input: &mut &'i [u8]) -> Option<Result<UserdbCommand<'a>, Breach>> {
        let line = self.0.take(input)?;
        Some(line.and_then(UserdbCommand::parse))
    }
}

/// One reply to one request.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use = "a request is to be answered"]
pub enum UserdbReply<'a> {
    /// The account exists.
    User {
        /// Which request.
        id: RequestId,
        /// Its canonical name. No uid, gid or home: there are none.
        name: Cow<'a, [u8]>,
    },
    /// It does not.
    NotFound(RequestId),
    /// Nobody can tell, or nobody tells.
    Fail(RequestId),
    /// The end of a list that is not given.
    ListRefused(RequestId),
}

impl UserdbReply<'_> {
    /// Appends the reply with its LF to `out`.
    pub fn encode(&self, out: &mut Vec<u8>) {
        match self {
            Self::User { id, name } => {
                push_head(b"USER\t", *id, out);
                out.push(b'\t');
                escape(name, out);
            }
            Self::NotFound(id) => push_head(b"NOTFOUND\t", *id, out),
            Self::Fail(id) => push_head(b"FAIL\t", *id, out),
            Self::ListRefused(id) => {
                push_head(b"DONE\t", *id, out);
                out.extend_from_slice(b"\tfail");
            }
        }
        out.push(b'\n');
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(mut input: &[u8]) -> Vec<Result<Vec<u8>, Breach>> {
        let mut decoder = UserdbDecoder::default();
        let mut commands = Vec::new();
        while let Some(command) = decoder.take(&mut input) {
            commands.push(command.map(|command| {
                let mut out = Vec::new();
                command.encode(&mut out);
                out
            }));
        }
        commands
    }

    #[test]
    fn commands_as_chasquid_and_doveadm_write_them() {
        let ok = |text: &str| Ok(text.as_bytes().to_vec());
        assert_eq!(
            all(b"VERSION\t1\t1\nUSER\t1\tjoe@example.org\tservice=smtp\nPASS\t3\tjoe\nLIST\t4\tservice=x\n"),
            [ok("VERSION\t1\t1\n"), ok("USER\t1\tjoe@example.org\n"), ok("PASS\t3\n"), ok("LIST\t4\n")]
        );
        assert_eq!(all(b"USER\t7\ta\x01tb\n"), [ok("USER\t7\ta\x01tb\n")]);
    }

    #[test]
    fn what_is_no_command_ends_the_conversation() {
        for (line, breach) in [
            ("", Breach::UnknownCommand),
            ("AUTH\t1\tPLAIN\tservice=smtp", Breach::UnknownCommand),
            ("VERSION\t2\t0", Breach::Version),
            ("VERSION\t1", Breach::Version),
            ("USER", Breach::BadId),
            ("USER\t0\tjoe", Breach::BadId),
            ("USER\tx\tjoe", Breach::BadId),
            ("USER\t1", Breach::FieldMissing),
            ("USER\t1\t\tservice=smtp", Breach::FieldMissing),
            ("PASS\t", Breach::BadId),
        ] {
            assert_eq!(all(format!("{line}\n").as_bytes()), [Err(breach)], "{line}");
        }
    }

    #[test]
    fn greeting_and_replies_to_the_byte() {
        let id = RequestId::new(7).unwrap();
        let mut out = Vec::new();
        encode_userdb_greeting(11121, &mut out);
        UserdbReply::User { id, name: b"joe@example.org"[..].into() }.encode(&mut out);
        UserdbReply::User { id, name: b"a\tb"[..].into() }.encode(&mut out);
        UserdbReply::NotFound(id).encode(&mut out);
        UserdbReply::Fail(id).encode(&mut out);
        UserdbReply::ListRefused(id).encode(&mut out);
        assert_eq!(
            String::from_utf8(out).unwrap(),
            "VERSION\t1\t1\nSPID\t11121\nUSER\t7\tjoe@example.org\nUSER\t7\ta\x01tb\nNOTFOUND\t7\nFAIL\t7\nDONE\t7\tfail\n"
        );
    }
}

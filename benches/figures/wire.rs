//! What is said on the socket: the requests of one protocol, and what the replies mean.

use std::io::Write;

use crate::mechanisms::{Client, Exchange, Mechanism};
use crate::users::{REALM, User};

/// The three things that a socket under load may speak.
pub(crate) enum Wire {
    /// Dovecot's auth client protocol.
    Dovecot { mechanism: Mechanism, client: Client, parameters: Vec<Vec<u8>> },
    /// Cyrus saslauthd's: one request and one reply for each connection.
    Mux { right: Vec<Vec<u8>>, wrong: Vec<Vec<u8>> },
    /// Lines that come back as they are, as many and as long as those of an exchange.
    Echo { lines: Vec<Vec<u8>> },
}

/// What a reply asks of the client.
#[derive(Debug)]
pub(crate) enum Next {
    /// The answer is in the buffer.
    Sent,
    Authenticated,
    Denied,
}

/// One request in flight.
#[derive(Debug, Default)]
pub(crate) struct Request {
    pub(crate) user: u32,
    pub(crate) right: bool,
    exchange: Exchange,
    turn: usize,
}

impl Request {
    /// A login of `user` with the right password.
    pub(crate) fn right(user: usize) -> Self {
        Self { user: user as u32, right: true, ..Self::default() }
    }
}

impl Wire {
    /// `no_penalty`: failures of an address hold up nothing, as chasquid asks for.
    pub(crate) fn dovecot(mechanism: Mechanism, users: &[User], no_penalty: bool) -> Self {
        let last = if no_penalty { "\tno-penalty" } else { "" };
        let parameters = (0..users.len()).map(|number| {
            // As Postfix writes it under TLS. Every account has an address of its own.
            let [_, a, b, c] = (number as u32).to_be_bytes();
            format!("\tservice=smtp\tnologin\tlip=192.0.2.1\trip=10.{a}.{b}.{c}\tsecured{last}").into_bytes()
        });
        Self::Dovecot { mechanism, client: Client::new(mechanism, users), parameters: parameters.collect() }
    }

    pub(crate) fn mux(users: &[User]) -> Self {
        let request = |user: &User, password: &str| {
            let mut bytes = Vec::new();
            for part in [&user.local, password, "smtp", REALM] {
                bytes.extend_from_slice(&u16::try_from(part.len()).unwrap().to_be_bytes());
                bytes.extend_from_slice(part.as_bytes());
            }
            bytes
        };
        Self::Mux {
            right: users.iter().map(|user| request(user, &user.password)).collect(),
            wrong: users.iter().map(|user| request(user, "not the password")).collect(),
        }
    }

    /// Echoes with as many bytes as PLAIN (one round trip), CRAM-MD5 (two) and DIGEST-MD5 (three).
    pub(crate) fn echo(round_trips: usize) -> Self {
        let lengths: &[usize] = match round_trips {
            1 => &[150],
            2 => &[90, 100],
            _ => &[90, 320, 20],
        };
        Self::Echo { lines: lengths.iter().map(|&length| vec![b'.'; length - 16]).collect() }
    }

    /// Whether the server speaks first, up to a line `DONE`.
    pub(crate) fn has_greeting(&self) -> bool {
        matches!(self, Self::Dovecot { .. })
    }

    /// The reply is all that comes before the server closes.
    pub(crate) fn ends_with_reply(&self) -> bool {
        matches!(self, Self::Mux { .. })
    }

    pub(crate) fn introduce(&self, out: &mut Vec<u8>) {
        if self.has_greeting() {
            write!(out, "VERSION\t1\t0\nCPID\t{}\n", std::process::id()).unwrap();
        }
    }

    pub(crate) fn begin(&mut self, id: u32, request: &mut Request, out: &mut Vec<u8>) {
        let user = request.user;
        match self {
            Self::Dovecot { mechanism, client, parameters } => {
                write!(out, "AUTH\t{id}\t{}", mechanism.name()).unwrap();
                out.extend_from_slice(&parameters[user as usize]);
                client.begin(user, request.right, &mut request.exchange, b"\tresp=", out);
                out.push(b'\n');
            }
            Self::Mux { right, wrong } => {
                let side = if request.right { right } else { wrong };
                out.extend_from_slice(&side[user as usize]);
            }
            Self::Echo { lines } => {
                request.turn = 0;
                write!(out, "CONT\t{id}\t").unwrap();
                out.extend_from_slice(&lines[0]);
                out.push(b'\n');
            }
        }
    }

    /// The id that a reply line is about.
    pub(crate) fn id(line: &[u8]) -> Result<u32, String> {
        let field = line.split(|&byte| byte == b'\t').nth(1);
        let id = field.and_then(|field| std::str::from_utf8(field).ok()?.parse().ok());
        id.ok_or_else(|| format!("no id in '{}'", String::from_utf8_lossy(line)))
    }

    /// Goes on with `request`, which `line` is about.
    pub(crate) fn reply(
        &mut self,
        id: u32,
        request: &mut Request,
        line: &[u8],
        out: &mut Vec<u8>,
    ) -> Result<Next, String> {
        let mut fields = line.split(|&byte| byte == b'\t');
        match (self, fields.next()) {
            (Self::Dovecot { client, .. }, Some(b"CONT")) => {
                write!(out, "CONT\t{id}\t").unwrap();
                let challenge = fields.nth(1).ok_or("CONT without data")?;
                client.answer(request.user, request.right, &mut request.exchange, challenge, out)?;
                out.push(b'\n');
                Ok(Next::Sent)
            }
            (Self::Dovecot { .. }, Some(b"OK")) => Ok(Next::Authenticated),
            (Self::Dovecot { .. }, Some(b"FAIL")) if !line.windows(5).any(|part| part == b"code=") => Ok(Next::Denied),
            (Self::Echo { lines }, Some(b"CONT")) => {
                request.turn += 1;
                let Some(next) = lines.get(request.turn) else { return Ok(Next::Authenticated) };
                write!(out, "CONT\t{id}\t").unwrap();
                out.extend_from_slice(next);
                out.push(b'\n');
                Ok(Next::Sent)
            }
            (Self::Mux { .. }, _) if line == b"\0\x02OK" => Ok(Next::Authenticated),
            (Self::Mux { .. }, _) if line.get(2..4) == Some(b"NO") => Ok(Next::Denied),
            _ => Err(format!("unexpected reply '{}'", String::from_utf8_lossy(line))),
        }
    }
}

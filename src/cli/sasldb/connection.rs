//! The client's end of a Dovecot auth socket, as an MTA holds it: one request at a time.

use std::io::{ErrorKind, Read, Write};
use std::os::unix::net::UnixStream;
use std::time::Duration;

use crate::config::SocketPath;
use crate::protocol::dovecot::{Command, Reply, ReplyDecoder, ServerLine, VERSION};
use crate::vocabulary::{Mechanism, MechanismSet};

/// An honest helper answers within five seconds; a login is a few answers.
const PATIENCE: Duration = Duration::from_secs(15);

/// Why a login came to no verdict.
#[derive(Debug, thiserror::Error)]
pub(super) enum Lost {
    /// The server's way to say that nobody can tell now.
    #[error("the server closed the connection")]
    Closed,
    /// Nothing came for too long.
    #[error("the server did not answer within {} seconds", PATIENCE.as_secs())]
    Silent,
    /// Something came that is not of the protocol.
    #[error("the server does not speak the Dovecot auth protocol")]
    Garbled,
    /// The system failed.
    #[error("{0}")]
    System(std::io::Error),
}

/// A connection after its greeting.
pub(super) struct Connection {
    stream: UnixStream,
    decoder: ReplyDecoder,
    received: Vec<u8>,
    /// Those of the announced mechanisms that we know.
    pub(super) announced: MechanismSet,
}

impl Connection {
    /// Connects, says who we are and reads the greeting.
    pub(super) fn open(path: &SocketPath) -> Result<Self, Lost> {
        let stream = UnixStream::connect(path.as_path()).map_err(Lost::System)?;
        stream.set_read_timeout(Some(PATIENCE)).map_err(Lost::System)?;
        stream.set_write_timeout(Some(PATIENCE)).map_err(Lost::System)?;
        let announced = MechanismSet::default();
        let mut connection = Self { stream, decoder: ReplyDecoder::default(), received: Vec::new(), announced };
        connection.send(&[Command::Version { minor: VERSION.1 }, Command::ClientPid(std::process::id())])?;
        connection.read_greeting()?;
        Ok(connection)
    }

    /// The version comes first; something else speaks another protocol, and would perhaps never say DONE.
    fn read_greeting(&mut self) -> Result<(), Lost> {
        let mut has_version = false;
        loop {
            let ServerLine::Other(fields) = self.line()? else { return Err(Lost::Garbled) };
            let mut fields = fields.iter().map(Vec::as_slice);
            match (fields.next(), fields.next()) {
                (Some(b"VERSION"), Some(major)) if major == VERSION.0.to_string().as_bytes() => has_version = true,
                _ if !has_version => return Err(Lost::Garbled),
                (Some(b"DONE"), _) => return Ok(()),
                (Some(b"MECH"), Some(name)) => {
                    if let Some(mechanism) = Mechanism::from_name(name) {
                        self.announced = self.announced.with(mechanism);
                    }
                }
                _ => {}
            }
        }
    }

    /// Sends commands, in one write.
    pub(super) fn send(&mut self, commands: &[Command<'_>]) -> Result<(), Lost> {
        let mut bytes = zeroize::Zeroizing::new(Vec::new());
        commands.iter().for_each(|command| command.encode(&mut bytes));
        self.stream.write_all(&bytes).map_err(lost)
    }

    /// Waits for the reply to the request that is open.
    pub(super) fn reply(&mut self) -> Result<Reply<'static>, Lost> {
        loop {
            if let ServerLine::Reply(reply) = self.line()? {
                return Ok(reply);
            }
        }
    }

    fn line(&mut self) -> Result<ServerLine, Lost> {
        let mut chunk = [0; 4096];
        loop {
            let mut rest = self.received.as_slice();
            let line = self.decoder.take(&mut rest);
            self.received = rest.to_vec();
            if let Some(line) = line {
                return line.map_err(|_| Lost::Garbled);
            }
            match self.stream.read(&mut chunk) {
                Ok(0) => return Err(Lost::Closed),
                Ok(count) => self.received.extend_from_slice(chunk.get(..count).unwrap_or_default()),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(lost(error)),
            }
        }
    }
}

fn lost(error: std::io::Error) -> Lost {
    match error.kind() {
        ErrorKind::WouldBlock | ErrorKind::TimedOut => Lost::Silent,
        ErrorKind::BrokenPipe | ErrorKind::ConnectionReset | ErrorKind::UnexpectedEof => Lost::Closed,
        _ => Lost::System(error),
    }
}

//! A socket with its session.

use std::io::{ErrorKind, Read, Write};

use mio::net::UnixStream;
use mio::{Interest, Registry, Token};

use crate::runtime::Moment;

use super::conversation::Conversation;

/// A client that does not take its replies is not read from above this; Dovecot has the same limit.
const MAX_UNSENT: usize = 50 * 1024;

/// Names one connection for good; places in the table come again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Key {
    pub(super) place: usize,
    pub(super) number: u32,
}

/// One connection.
#[derive(Debug)]
pub(super) struct Connection {
    pub(super) key: Key,
    pub(super) session: Conversation,
    /// The deadline that is set for it.
    pub(super) deadline: Option<Moment>,
    /// The peer has closed its side; what it sent before can still be read.
    pub(super) hung_up: bool,
    stream: UnixStream,
    token: Token,
    unsent: Vec<u8>,
}

/// What a read came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reading {
    /// So many bytes; there may be more.
    More(usize),
    /// So many bytes, and no more for now.
    All(usize),
    /// Nothing, ever again.
    Closed,
    /// Not now: the client first has to take its replies.
    Held,
}

impl Connection {
    pub(super) fn new(key: Key, token: Token, stream: UnixStream, session: Conversation) -> Self {
        Self { key, session, deadline: None, hung_up: false, stream, token, unsent: Vec::new() }
    }

    /// Reads once. Less than there was room for means that there is no more, which saves a second call.
    pub(super) fn read(&mut self, buffer: &mut [u8]) -> Reading {
        if self.unsent.len() > MAX_UNSENT {
            return Reading::Held;
        }
        loop {
            return match self.stream.read(buffer) {
                Ok(0) => Reading::Closed,
                Ok(read) if read == buffer.len() || self.hung_up => Reading::More(read),
                Ok(read) => Reading::All(read),
                Err(fault) if fault.kind() == ErrorKind::Interrupted => continue,
                Err(fault) if fault.kind() == ErrorKind::WouldBlock => Reading::All(0),
                Err(_) => Reading::Closed,
            };
        }
    }

    /// Sends `bytes`, or keeps what the socket does not take now.
    pub(super) fn send(&mut self, bytes: &[u8], registry: &Registry) -> std::io::Result<()> {
        if !self.unsent.is_empty() {
            self.unsent.extend_from_slice(bytes);
            return Ok(());
        }
        let sent = self.write(bytes)?;
        let rest = bytes.get(sent..).unwrap_or_default();
        if !rest.is_empty() {
            self.unsent.extend_from_slice(rest);
            let both = Interest::READABLE | Interest::WRITABLE;
            registry.reregister(&mut self.stream, self.token, both)?;
        }
        Ok(())
    }

    /// Sends what was kept. Whether everything is out.
    pub(super) fn flush(&mut self, registry: &Registry) -> std::io::Result<bool> {
        if self.unsent.is_empty() {
            return Ok(true);
        }
        let unsent = core::mem::take(&mut self.unsent);
        let sent = self.write(&unsent)?;
        self.unsent.extend_from_slice(unsent.get(sent..).unwrap_or_default());
        if self.unsent.is_empty() {
            registry.reregister(&mut self.stream, self.token, Interest::READABLE)?;
        }
        Ok(self.unsent.is_empty())
    }

    /// Whether the socket has taken all that was said.
    pub(super) fn is_sent(&self) -> bool {
        self.unsent.is_empty()
    }

    fn write(&mut self, mut bytes: &[u8]) -> std::io::Result<usize> {
        let all = bytes.len();
        while !bytes.is_empty() {
            match self.stream.write(bytes) {
                Ok(0) => return Err(ErrorKind::WriteZero.into()),
                Ok(written) => bytes = bytes.get(written..).unwrap_or_default(),
                Err(fault) if fault.kind() == ErrorKind::Interrupted => {}
                Err(fault) if fault.kind() == ErrorKind::WouldBlock => break,
                Err(fault) => return Err(fault),
            }
        }
        Ok(all.saturating_sub(bytes.len()))
    }
}

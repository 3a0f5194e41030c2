//! The floor: the least that a server with one epoll loop can do on a Unix socket. What comes in goes out.

use std::io::{self, ErrorKind, Read, Write};
use std::path::Path;

use mio::net::{UnixListener, UnixStream};
use mio::{Events, Interest, Poll, Token};

const LISTENER: Token = Token(usize::MAX - 1);

/// Serves until it is killed.
pub(crate) fn serve(socket: &Path) -> io::Result<()> {
    let mut poll = Poll::new()?;
    let mut listener = UnixListener::bind(socket)?;
    poll.registry().register(&mut listener, LISTENER, Interest::READABLE)?;
    let mut connections: Vec<Option<UnixStream>> = Vec::new();
    let mut events = Events::with_capacity(1024);
    let mut buffer = vec![0; 1 << 16];
    loop {
        match poll.poll(&mut events, None) {
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            result => result?,
        }
        for event in &events {
            if event.token() == LISTENER {
                accept(&listener, &poll, &mut connections)?;
                continue;
            }
            let place = &mut connections[event.token().0];
            if place.as_mut().is_some_and(|stream| echo(stream, &mut buffer).is_err()) {
                *place = None;
            }
        }
    }
}

fn accept(listener: &UnixListener, poll: &Poll, connections: &mut Vec<Option<UnixStream>>) -> io::Result<()> {
    loop {
        match listener.accept() {
            Ok((mut stream, _)) => {
                let free = connections.iter().position(Option::is_none).unwrap_or_else(|| {
                    connections.push(None);
                    connections.len() - 1
                });
                poll.registry().register(&mut stream, Token(free), Interest::READABLE)?;
                connections[free] = Some(stream);
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
            Err(error) => return Err(error),
        }
    }
}

fn echo(stream: &mut UnixStream, buffer: &mut [u8]) -> io::Result<()> {
    loop {
        match stream.read(buffer) {
            Ok(0) => return Err(ErrorKind::UnexpectedEof.into()),
            Ok(count) => {
                stream.write_all(&buffer[..count])?;
                // A short read has emptied the socket.
                if count < buffer.len() {
                    return Ok(());
                }
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
            Err(error) => return Err(error),
        }
    }
}

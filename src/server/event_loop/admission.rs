//! Who comes in: connections are accepted at the doors, and turned away or given a session.

use std::io::{ErrorKind, Write};
use std::time::Duration;

use mio::net::{UnixListener, UnixStream};
use mio::{Interest, Registry, Token};
use nix::sys::socket::{getsockopt, sockopt::PeerCredentials};

use crate::config::Protocol;
use crate::event::Event;
use crate::protocol::saslauthd::Reply;
use crate::runtime::Moment;
use crate::server::connection::{Connection, Key};
use crate::server::conversation::{Conversation, Spoken};
use crate::server::listener::Door;
use crate::server::session::Origin;

use super::{FIRST_DOOR, Loop};

/// The most connections accepted at a door in a turn.
const MAX_ACCEPT: usize = 64;

/// When the system has no file left for a connection, it may have one after this.
const ACCEPT_AGAIN: Duration = Duration::from_millis(100);

/// The same complaint about connections is made once in this time.
const COMPLAIN_AGAIN: Duration = Duration::from_secs(10);

/// A door with its place in the loop.
pub(super) struct OpenDoor {
    pub(super) door: Door,
    listener: UnixListener,
    /// More connections may be waiting than were accepted; none are tried before this.
    pub(super) waiting: Option<Moment>,
}

impl OpenDoor {
    pub(super) fn open(door: Door, token: Token, registry: &Registry) -> std::io::Result<Self> {
        let listener = door.listener.try_clone()?;
        listener.set_nonblocking(true)?;
        let mut listener = UnixListener::from_std(listener);
        registry.register(&mut listener, token, Interest::READABLE)?;
        // Somebody may have been waiting since before there was a loop.
        Ok(Self { door, listener, waiting: Some(Moment::ZERO) })
    }
}

/// How many connections there may be.
pub(super) struct Room {
    limit: usize,
    /// Of those, how many may be logins by saslauthd's protocol. A failure holds its connection for the delay there, and there is no
    /// source to be limited: where there are other sockets, a quarter is kept for them.
    share: usize,
}

impl Room {
    pub(super) fn for_doors(limit: usize, doors: &[OpenDoor]) -> Self {
        let others = doors.iter().any(|open| open.door.protocol != Protocol::Saslauthd);
        Self { limit, share: if others { limit.saturating_sub(limit / 4) } else { limit } }
    }
}

impl Loop {
    /// Somebody wants to connect.
    pub(super) fn knock(&mut self, token: usize) {
        let number = token.saturating_sub(FIRST_DOOR);
        if let Some(door) = self.doors.get_mut(number) {
            door.waiting = Some(self.desk.moment);
        }
    }

    /// Lets in who waits at the doors.
    pub(super) fn accept(&mut self) {
        for number in 0..self.doors.len() {
            for _ in 0..MAX_ACCEPT {
                let Some(door) = self.doors.get_mut(number) else { break };
                if door.waiting.is_none_or(|from| from > self.desk.moment) {
                    break;
                }
                match door.listener.accept() {
                    Ok((stream, _)) => self.admit(number, stream),
                    Err(fault) if fault.kind() == ErrorKind::WouldBlock => door.waiting = None,
                    Err(fault) if matches!(fault.kind(), ErrorKind::Interrupted | ErrorKind::ConnectionAborted) => {}
                    Err(fault) => {
                        door.waiting = Some(self.desk.moment.saturating_add(ACCEPT_AGAIN));
                        self.complain(Event::AcceptFailed(fault.to_string()));
                    }
                }
            }
        }
    }

    /// Gives a connection its session, which greets, unless it has to be turned away.
    fn admit(&mut self, number: usize, mut stream: UnixStream) {
        let Some(OpenDoor { door, .. }) = self.doors.get(number) else { return };
        let protocol = door.protocol;
        let Some(spoken) = spoken(door, &stream) else {
            let (socket, uid) = (door.path().to_owned(), uid_of(&stream));
            turn_away(&mut stream, protocol);
            return self.desk.note(Event::PeerRefused { socket, uid });
        };
        let listed = !door.peers.is_empty();
        if let Some(full) = self.no_room(protocol) {
            turn_away(&mut stream, protocol);
            return self.complain(full);
        }
        let place = self.connections.next_place();
        let token = Token(self.first_connection.saturating_add(place));
        if let Err(fault) = self.poll.registry().register(&mut stream, token, Interest::READABLE) {
            return self.complain(Event::AcceptFailed(fault.to_string()));
        }
        self.last_number = self.last_number.wrapping_add(1);
        let key = Key { place, number: self.last_number };
        let origin = Origin { server_pid: self.server_pid, connection: key.number, listed };
        let session = Conversation::begin(spoken, origin, &mut self.desk.turn());
        self.connections.put(Connection::new(key, token, stream, session));
        self.settle(place);
    }

    /// Why there is no room for one more connection of this protocol, if there is none.
    fn no_room(&self, protocol: Protocol) -> Option<Event> {
        let Room { limit, share } = self.room;
        if self.connections.count() >= limit {
            Some(Event::TooManyConnections(limit))
        } else if protocol == Protocol::Saslauthd && self.connections.logins() >= share {
            Some(Event::TooManyLogins(share))
        } else {
            None
        }
    }

    fn complain(&mut self, event: Event) {
        let moment = self.desk.moment;
        if self.complained.is_none_or(|last| last.saturating_add(COMPLAIN_AGAIN) <= moment) {
            self.complained = Some(moment);
            self.desk.note(event);
        }
    }
}

/// What is spoken with a peer that has come in at this door; none if it may not speak. Who it is the system is asked only where that
/// matters.
fn spoken(door: &Door, stream: &UnixStream) -> Option<Spoken> {
    match door.protocol {
        _ if !door.peers.is_empty() && !door.peers.contains(&uid_of(stream)) => None,
        Protocol::Dovecot => Some(Spoken::Dovecot),
        Protocol::Userdb => Some(Spoken::Userdb),
        Protocol::Saslauthd => Some(Spoken::Saslauthd),
        Protocol::Lookup => door.askers.as_ref()?.asker(uid_of(stream)).map(Spoken::Lookup),
        // Another process has those.
        Protocol::Store => None,
    }
}

/// The user of the process at the other end; where the system does not tell, a number that no user has.
fn uid_of(stream: &UnixStream) -> u32 {
    getsockopt(stream, PeerCredentials).map_or(u32::MAX, |peer| peer.uid())
}

/// Where a connection that just ends does harm (see [`Reply::Unavailable`]), says the little that there is to say.
fn turn_away(stream: &mut UnixStream, protocol: Protocol) {
    if protocol == Protocol::Saslauthd {
        let mut reply = Vec::new();
        Reply::Unavailable.encode(&mut reply);
        let _ = stream.write(&reply);
    }
}

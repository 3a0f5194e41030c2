//! The loop: one thread that waits for sockets and does all that is fast, look-ups included. In each turn everything is
//! read before anything is looked up, so that one view of the store is new enough for all.

use std::io::{ErrorKind, Write};
use std::time::Duration;

use mio::net::{UnixListener, UnixStream};
use mio::{Events, Interest, Poll, Token};
use nix::sys::socket::{getsockopt, sockopt::PeerCredentials};
use zeroize::Zeroize;

use crate::config::Protocol;
use crate::event::Event;
use crate::protocol::saslauthd::Reply;
use crate::runtime::Moment;

use super::connection::{Connection, Key, Reading};
use super::conversation::{Conversation, Spoken};
use super::desk::Desk;
use super::listener::Door;
use super::session::Origin;
use super::signals::Signals;
use super::timers::Timers;

pub(super) const SIGNALS: Token = Token(0);
pub(super) const POOL: Token = Token(1);
pub(super) const LEARNER: Token = Token(2);
const FIRST_DOOR: usize = 3;

/// The most that is read from a connection before others have their turn: one line of the protocol always fits.
const MAX_READ: usize = 16 * 1024;

/// Room for what is read in a turn.
const INBOX: usize = 16 * MAX_READ;

/// The most connections accepted in a turn.
const MAX_ACCEPT: usize = 64;

/// When the system has no file left for a connection, it may have one after this.
const ACCEPT_AGAIN: Duration = Duration::from_millis(100);

/// The same complaint about connections is made once in this time.
const COMPLAIN_AGAIN: Duration = Duration::from_secs(10);

/// How long a stop waits for exchanges that are under way.
const LAST_ORDERS: Duration = Duration::from_secs(1);

pub(super) struct Loop {
    poll: Poll,
    signals: Signals,
    doors: Vec<OpenDoor>,
    connections: Vec<Option<Connection>>,
    free: Vec<usize>,
    limit: usize,
    /// Of those, how many may be logins by saslauthd's protocol, and how many are.
    share: usize,
    logins: usize,
    last_number: u32,
    /// Connections that have something to be read.
    ready: Vec<usize>,
    inbox: Box<[u8]>,
    deliveries: Vec<Delivery>,
    server_pid: u32,
    timers: Timers,
    desk: Desk,
    complained: Option<Moment>,
    stop_at: Option<Moment>,
}

struct OpenDoor {
    door: Door,
    listener: UnixListener,
    /// More connections may be waiting than were accepted; none are tried before this.
    waiting: Option<Moment>,
}

/// Something read from a connection.
struct Delivery {
    place: usize,
    start: usize,
    end: usize,
    closed: bool,
}

impl Loop {
    pub(super) fn new(
        poll: Poll,
        signals: Signals,
        doors: Vec<Door>,
        limit: usize,
        desk: Desk,
    ) -> std::io::Result<Self> {
        let share = share_of_saslauthd(limit, &doors);
        let mut open = Vec::with_capacity(doors.len());
        for (number, door) in doors.into_iter().enumerate() {
            let listener = door.listener.try_clone()?;
            listener.set_nonblocking(true)?;
            let mut listener = UnixListener::from_std(listener);
            let token = Token(FIRST_DOOR.saturating_add(number));
            poll.registry().register(&mut listener, token, Interest::READABLE)?;
            open.push(OpenDoor { door, listener, waiting: Some(Moment::ZERO) });
        }
        Ok(Self {
            poll,
            signals,
            doors: open,
            connections: Vec::new(),
            free: Vec::new(),
            limit,
            share,
            logins: 0,
            last_number: 0,
            ready: Vec::new(),
            inbox: vec![0; INBOX].into(),
            deliveries: Vec::new(),
            server_pid: std::process::id(),
            timers: Timers::default(),
            desk,
            complained: None,
            stop_at: None,
        })
    }

    /// Serves until a signal ends it.
    pub(super) fn run(mut self) -> std::io::Result<()> {
        for door in &self.doors {
            self.desk.note(Event::Listening(door.door.path().to_owned()));
        }
        let first_connection = FIRST_DOOR.saturating_add(self.doors.len());
        let mut events = Events::with_capacity(1024);
        loop {
            self.desk.end_turn();
            match self.poll.poll(&mut events, self.patience()) {
                Ok(()) => {}
                Err(fault) if fault.kind() == ErrorKind::Interrupted => continue,
                Err(fault) => return Err(fault),
            }
            self.desk.begin_turn();
            for event in &events {
                match event.token() {
                    SIGNALS => self.signals.drain(),
                    POOL => {}
                    LEARNER => self.desk.hear_learner(),
                    Token(token) => match token.checked_sub(first_connection) {
                        Some(place) => self.wake(place, event),
                        None => self.knock(token),
                    },
                }
            }
            self.heed_signals();
            self.accept(first_connection);
            self.serve();
            self.take_finished();
            self.heed_timers();
            if self.is_done() {
                return Ok(());
            }
        }
    }

    /// How long there is nothing to do unless something comes.
    fn patience(&self) -> Option<Duration> {
        if !self.ready.is_empty() {
            return Some(Duration::ZERO);
        }
        let doors = self.doors.iter().filter_map(|door| door.waiting);
        let others = [self.timers.next(), self.desk.deadline(), self.stop_at];
        let next = doors.chain(others.into_iter().flatten()).min()?;
        Some(next.saturating_sub(self.desk.moment))
    }

    /// Something has happened to a connection.
    fn wake(&mut self, place: usize, event: &mio::event::Event) {
        let Some(Some(connection)) = self.connections.get_mut(place) else { return };
        connection.hung_up |= event.is_read_closed() || event.is_error();
        if event.is_writable() && !connection.is_sent() {
            match connection.flush(self.poll.registry()) {
                // It may have been held while its replies were not taken.
                Ok(true) => self.ready.push(place),
                Ok(false) => {}
                Err(_) => return self.close(place),
            }
        }
        if event.is_readable() || event.is_read_closed() || event.is_error() {
            self.ready.push(place);
        }
    }

    /// Somebody wants to connect.
    fn knock(&mut self, token: usize) {
        let number = token.saturating_sub(FIRST_DOOR);
        if let Some(door) = self.doors.get_mut(number) {
            door.waiting = Some(self.desk.moment);
        }
    }

    fn accept(&mut self, first_connection: usize) {
        for number in 0..self.doors.len() {
            for _ in 0..MAX_ACCEPT {
                let Some(door) = self.doors.get_mut(number) else { break };
                if door.waiting.is_none_or(|from| from > self.desk.moment) {
                    break;
                }
                match door.listener.accept() {
                    Ok((stream, _)) => self.admit(number, stream, first_connection),
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

    /// Lets a connection in, greets it.
    fn admit(&mut self, number: usize, mut stream: UnixStream, first_connection: usize) {
        let Some(OpenDoor { door, .. }) = self.doors.get(number) else { return };
        let listed = !door.peers.is_empty();
        let uid = || getsockopt(&stream, PeerCredentials).map_or(u32::MAX, |peer| peer.uid());
        let spoken = match door.protocol {
            _ if listed && !door.peers.contains(&uid()) => None,
            Protocol::Dovecot => Some(Spoken::Dovecot),
            Protocol::Userdb => Some(Spoken::Userdb),
            Protocol::Saslauthd => Some(Spoken::Saslauthd),
            // Another process has those.
            Protocol::Store => None,
            Protocol::Lookup => door.askers.as_ref().and_then(|askers| askers.asker(uid())).map(Spoken::Lookup),
        };
        let Some(spoken) = spoken else {
            let (socket, uid) = (door.path().to_owned(), uid());
            turn_away(&mut stream, door.protocol);
            return self.desk.note(Event::PeerRefused { socket, uid });
        };
        let used = self.connections.len().saturating_sub(self.free.len());
        if used >= self.limit {
            turn_away(&mut stream, door.protocol);
            return self.complain(Event::TooManyConnections(self.limit));
        }
        let is_login = door.protocol == Protocol::Saslauthd;
        if is_login && self.logins >= self.share {
            turn_away(&mut stream, door.protocol);
            return self.complain(Event::TooManyLogins(self.share));
        }
        let place = self.free.pop().unwrap_or(self.connections.len());
        if place == self.connections.len() {
            self.connections.push(None);
        }
        let token = Token(first_connection.saturating_add(place));
        if let Err(fault) = self.poll.registry().register(&mut stream, token, Interest::READABLE) {
            self.free.push(place);
            return self.complain(Event::AcceptFailed(fault.to_string()));
        }
        self.last_number = self.last_number.wrapping_add(1);
        let key = Key { place, number: self.last_number };
        let origin = Origin { server_pid: self.server_pid, connection: key.number, listed };
        let session = Conversation::begin(spoken, origin, &mut self.desk.turn());
        if let Some(slot) = self.connections.get_mut(place) {
            *slot = Some(Connection::new(key, token, stream, session));
            self.logins = self.logins.saturating_add(usize::from(is_login));
        }
        self.settle(place);
    }

    fn complain(&mut self, event: Event) {
        let moment = self.desk.moment;
        if self.complained.is_none_or(|last| last.saturating_add(COMPLAIN_AGAIN) <= moment) {
            self.complained = Some(moment);
            self.desk.note(event);
        }
    }

    /// Reads from all that are ready, then answers all that was read.
    fn serve(&mut self) {
        if self.ready.is_empty() {
            return;
        }
        let mut ready = core::mem::take(&mut self.ready);
        let mut inbox = core::mem::take(&mut self.inbox);
        let mut deliveries = core::mem::take(&mut self.deliveries);
        let mut places = ready.drain(..).peekable();
        while places.peek().is_some() {
            self.read(&mut places, &mut inbox, &mut deliveries);
            self.desk.begin_requests();
            for Delivery { place, start, end, closed } in deliveries.drain(..) {
                let bytes = inbox.get_mut(start..end).unwrap_or_default();
                if let Some(Some(connection)) = self.connections.get_mut(place) {
                    connection.session.receive(bytes, &mut self.desk.turn());
                }
                bytes.zeroize();
                self.settle(place);
                if closed {
                    self.close(place);
                }
            }
        }
        drop(places);
        // What is ready again comes in the next turn; the buffers are kept.
        ready.append(&mut self.ready);
        (self.ready, self.inbox, self.deliveries) = (ready, inbox, deliveries);
    }

    /// Fills the inbox from one connection after the other.
    fn read(&mut self, places: &mut impl Iterator<Item = usize>, inbox: &mut [u8], deliveries: &mut Vec<Delivery>) {
        let mut start = 0usize;
        while let Some(room) = inbox.get_mut(start..start.saturating_add(MAX_READ)) {
            let Some(place) = places.next() else { break };
            let Some(Some(connection)) = self.connections.get_mut(place) else { continue };
            let (read, closed) = match connection.read(room) {
                Reading::More(read) => {
                    self.ready.push(place);
                    (read, false)
                }
                Reading::All(read) => (read, false),
                Reading::Closed => (0, true),
                Reading::Held => continue,
            };
            let end = start.saturating_add(read);
            deliveries.push(Delivery { place, start, end, closed });
            start = end;
        }
    }

    /// Does what a session has asked for, sends what it has said, and sets its next deadline.
    fn settle(&mut self, place: usize) {
        let Some(Some(connection)) = self.connections.get_mut(place) else { return };
        self.desk.carry_out(connection.key, &mut connection.session);
        let close = core::mem::take(&mut self.desk.actions.close);
        let sent = if self.desk.actions.send.is_empty() {
            Ok(())
        } else {
            connection.send(&self.desk.actions.send, self.poll.registry())
        };
        if connection.session.sends_secrets() {
            self.desk.actions.send.as_mut_slice().zeroize();
        }
        self.desk.actions.send.clear();
        let over = self.stop_at.is_some() && connection.session.is_idle() && connection.is_sent();
        if close || over || sent.is_err() {
            return self.close(place);
        }
        self.timers.set(place, &mut connection.deadline, connection.session.deadline());
    }

    fn close(&mut self, place: usize) {
        let Some(mut connection) = self.connections.get_mut(place).and_then(Option::take) else { return };
        self.timers.set(place, &mut connection.deadline, None);
        self.logins = self.logins.saturating_sub(usize::from(connection.session.is_saslauthds()));
        connection.session.close(&mut self.desk.turn());
        self.free.push(place);
    }

    /// Hands over what the pool has done.
    fn take_finished(&mut self) {
        while let Some(((key, serial), outcome)) = self.desk.finished() {
            if let Some(Some(connection)) = self.connections.get_mut(key.place).filter(|c| is(c.as_ref(), key)) {
                connection.session.conclude(serial, outcome, &mut self.desk.turn());
                self.settle(key.place);
            }
        }
    }

    fn heed_timers(&mut self) {
        while let Some(place) = self.timers.due(self.desk.moment) {
            let Some(Some(connection)) = self.connections.get_mut(place) else { return };
            connection.session.tick(&mut self.desk.turn());
            self.settle(place);
        }
    }

    fn heed_signals(&mut self) {
        if self.signals.take_reload() {
            self.desk.reload();
        }
        if self.signals.stop_asked() && self.stop_at.is_none() {
            self.stop();
        }
    }

    /// No more connections; those that are open end with their exchanges.
    fn stop(&mut self) {
        let _ = sd_notify::notify(&[sd_notify::NotifyState::Stopping]);
        self.desk.note(Event::Stopping);
        self.stop_at = Some(self.desk.moment.saturating_add(LAST_ORDERS));
        self.doors.clear();
        for place in 0..self.connections.len() {
            if let Some(Some(connection)) = self.connections.get_mut(place) {
                connection.session.hurry(&mut self.desk.turn());
                self.settle(place);
            }
        }
    }

    fn is_done(&mut self) -> bool {
        let Some(stop_at) = self.stop_at else { return false };
        let open = self.connections.len().saturating_sub(self.free.len());
        if open > 0 && self.desk.moment < stop_at {
            return false;
        }
        (0..self.connections.len()).for_each(|place| self.close(place));
        self.desk.end_turn();
        true
    }
}

/// How many of all connections may be logins by saslauthd's protocol. A failure holds its connection for the delay there, and there is
/// no source to be limited: where there are other sockets, a quarter is kept for them.
fn share_of_saslauthd(limit: usize, doors: &[Door]) -> usize {
    let others = doors.iter().any(|door| door.protocol != Protocol::Saslauthd);
    if others { limit.saturating_sub(limit / 4) } else { limit }
}

/// Where a connection that just ends does harm (see [`Reply::Unavailable`]), says the little that there is to say.
fn turn_away(stream: &mut UnixStream, protocol: Protocol) {
    if protocol == Protocol::Saslauthd {
        let mut reply = Vec::new();
        Reply::Unavailable.encode(&mut reply);
        let _ = stream.write(&reply);
    }
}

fn is(connection: Option<&Connection>, key: Key) -> bool {
    connection.is_some_and(|connection| connection.key == key)
}

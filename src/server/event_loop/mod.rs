//! The loop: one thread that waits for sockets and does all that is fast, look-ups included. In each turn everything is
//! read before anything is looked up, so that one view of the store is new enough for all.

mod admission;
mod connections;

use std::io::ErrorKind;
use std::time::Duration;

use mio::{Events, Poll, Token};
use zeroize::Zeroize;

use crate::event::Event;
use crate::runtime::Moment;

use super::connection::Reading;
use super::desk::Desk;
use super::listener::Door;
use super::signals::Signals;
use super::timers::Timers;
use admission::{OpenDoor, Room};
use connections::Connections;

pub(super) const SIGNALS: Token = Token(0);
pub(super) const POOL: Token = Token(1);
pub(super) const LEARNER: Token = Token(2);
const FIRST_DOOR: usize = 3;

/// The most that is read from a connection before others have their turn: one line of the protocol always fits.
const MAX_READ: usize = 16 * 1024;

/// Room for what is read in a turn.
const INBOX: usize = 16 * MAX_READ;

/// How long a stop waits for exchanges that are under way.
const LAST_ORDERS: Duration = Duration::from_secs(1);

pub(super) struct Loop {
    poll: Poll,
    signals: Signals,
    doors: Vec<OpenDoor>,
    /// The token of the connection at the first place; the others follow.
    first_connection: usize,
    connections: Connections,
    room: Room,
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
        let mut open = Vec::with_capacity(doors.len());
        for (number, door) in doors.into_iter().enumerate() {
            open.push(OpenDoor::open(door, Token(FIRST_DOOR.saturating_add(number)), poll.registry())?);
        }
        Ok(Self {
            poll,
            signals,
            first_connection: FIRST_DOOR.saturating_add(open.len()),
            room: Room::for_doors(limit, &open),
            doors: open,
            connections: Connections::default(),
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
                    Token(token) => match token.checked_sub(self.first_connection) {
                        Some(place) => self.wake(place, event),
                        None => self.knock(token),
                    },
                }
            }
            self.heed_signals();
            self.accept();
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
        let Some(connection) = self.connections.at(place) else { return };
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
                if let Some(connection) = self.connections.at(place) {
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
            let Some(connection) = self.connections.at(place) else { continue };
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
        let Some(connection) = self.connections.at(place) else { return };
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
        let Some(mut connection) = self.connections.take(place) else { return };
        self.timers.set(place, &mut connection.deadline, None);
        connection.session.close(&mut self.desk.turn());
    }

    /// Hands over what the pool has done.
    fn take_finished(&mut self) {
        while let Some(((key, serial), outcome)) = self.desk.finished() {
            if let Some(connection) = self.connections.of(key) {
                connection.session.conclude(serial, outcome, &mut self.desk.turn());
                self.settle(key.place);
            }
        }
    }

    fn heed_timers(&mut self) {
        while let Some(place) = self.timers.due(self.desk.moment) {
            let Some(connection) = self.connections.at(place) else { return };
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
        for place in self.connections.places() {
            if let Some(connection) = self.connections.at(place) {
                connection.session.hurry(&mut self.desk.turn());
                self.settle(place);
            }
        }
    }

    fn is_done(&mut self) -> bool {
        let Some(stop_at) = self.stop_at else { return false };
        if self.connections.count() > 0 && self.desk.moment < stop_at {
            return false;
        }
        self.connections.places().for_each(|place| self.close(place));
        self.desk.end_turn();
        true
    }
}

//! One thread, one epoll: connections that always have so many requests in flight.

use std::collections::VecDeque;
use std::io::{self, ErrorKind, Read, Write};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use mio::net::UnixStream;
use mio::{Events, Interest, Poll, Token};

use crate::wire::{Next, Request, Wire};

/// How to load a socket.
#[derive(Clone, Debug)]
pub(crate) struct Load {
    pub(crate) socket: PathBuf,
    pub(crate) connections: usize,
    /// Requests outstanding on each connection.
    pub(crate) in_flight: usize,
    /// A connection for each exchange, as Exim does and as the mux demands.
    pub(crate) fresh: bool,
    /// Logins begun each second, on connections that stay; `None`: as fast as they are answered.
    pub(crate) rate: Option<u32>,
    /// Percent of the logins that use a wrong password.
    pub(crate) wrong: u64,
    pub(crate) warm_up: Duration,
    /// Logins begun before the warm-up may end: where the client has to derive keys for each account.
    pub(crate) warm_up_logins: usize,
    pub(crate) duration: Duration,
}

/// What came of it, from the end of the warm-up on.
#[derive(Debug, Default)]
pub(crate) struct Outcome {
    pub(crate) authenticated: Vec<u64>,
    pub(crate) denied: Vec<u64>,
    /// Replies other than the one that was due, closed connections; the first of them in words.
    pub(crate) errors: u64,
    pub(crate) first_error: Option<String>,
    pub(crate) elapsed: Duration,
}

/// How long the last exchanges may take to end. A server may hold an abandoned login against its address, as Dovecot
/// does: the next measurement would pay for it.
const LAST_WORDS: Duration = Duration::from_secs(5);
/// A server that does not get there is measured all the same.
const WARM_ENOUGH: Duration = Duration::from_secs(60);
/// Every exchange that went wrong is counted, but nobody needs to see a million of them.
const TOO_MANY_ERRORS: u64 = 1000;

struct Connection {
    stream: UnixStream,
    input: Vec<u8>,
    output: Vec<u8>,
    greeted: bool,
    requests: Vec<(Request, Instant)>,
    sequence: u32,
    /// The socket is full: epoll says when it is not.
    blocked: bool,
}

pub(crate) struct Generator<'a> {
    load: &'a Load,
    wire: &'a mut Wire,
    order: &'a [u32],
    logins: usize,
    poll: Poll,
    outcome: Outcome,
    phase: Phase,
    outstanding: usize,
    /// Connections and slots whose next login is not due yet, and when the first of them is.
    idle: VecDeque<(usize, usize)>,
    due: Instant,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Phase {
    WarmUp,
    Measuring,
    /// Nothing new is begun.
    Ending,
}

impl<'a> Generator<'a> {
    pub(crate) fn new(load: &'a Load, wire: &'a mut Wire, order: &'a [u32]) -> io::Result<Self> {
        let (poll, outcome) = (Poll::new()?, Outcome::default());
        let (phase, idle, due) = (Phase::WarmUp, VecDeque::new(), Instant::now());
        Ok(Self { load, wire, order, logins: 0, poll, outcome, phase, outstanding: 0, idle, due })
    }

    /// Runs the load. `mark` is called when the measured time begins and when it ends.
    pub(crate) fn run(mut self, mut mark: impl FnMut()) -> io::Result<Outcome> {
        let mut connections =
            (0..self.load.connections).map(|place| self.open(place)).collect::<io::Result<Vec<_>>>()?;
        let mut events = Events::with_capacity(1024);
        let mut ready = VecDeque::new();
        let mut begun = Instant::now();
        loop {
            let now = Instant::now();
            let until = begun
                + match self.phase {
                    Phase::WarmUp => self.load.warm_up,
                    Phase::Measuring => self.load.duration,
                    Phase::Ending => LAST_WORDS,
                };
            let over = now >= until || self.outcome.errors > TOO_MANY_ERRORS;
            match self.phase {
                Phase::WarmUp if over && (self.logins >= self.load.warm_up_logins || now >= begun + WARM_ENOUGH) => {
                    self.phase = Phase::Measuring;
                    mark();
                    begun = Instant::now();
                    continue;
                }
                Phase::Measuring if over => {
                    self.phase = Phase::Ending;
                    mark();
                    self.outcome.elapsed = begun.elapsed();
                    begun = Instant::now();
                    continue;
                }
                Phase::Ending if over || self.outstanding == 0 => return Ok(self.outcome),
                _ => {}
            }
            self.begin_due(&mut connections, now)?;
            // The clock of epoll is too coarse for a pace: then this core spins.
            let patience = if self.load.rate.is_some() { Duration::ZERO } else { until.saturating_duration_since(now) };
            match self.poll.poll(&mut events, Some(patience)) {
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                result => result?,
            }
            ready.extend(events.iter().map(|event| event.token().0));
            while let Some(place) = ready.pop_front() {
                self.attend(&mut connections[place], place)?;
            }
        }
    }

    fn begin_due(&mut self, connections: &mut [Connection], now: Instant) -> io::Result<()> {
        let Some(rate) = self.load.rate else { return Ok(()) };
        while self.due <= now
            && let Some((place, slot)) = self.idle.pop_front()
        {
            self.due += Duration::from_secs(1) / rate;
            self.begin(&mut connections[place], slot, now);
            self.send(&mut connections[place], place)?;
        }
        Ok(())
    }

    fn open(&mut self, place: usize) -> io::Result<Connection> {
        let now = Instant::now();
        let stream = std::os::unix::net::UnixStream::connect(&self.load.socket)?;
        stream.set_nonblocking(true)?;
        let mut stream = UnixStream::from_std(stream);
        self.poll.registry().register(&mut stream, Token(place), Interest::READABLE)?;
        let mut connection = Connection {
            stream,
            input: Vec::with_capacity(1 << 14),
            output: Vec::with_capacity(1 << 14),
            greeted: !self.wire.has_greeting(),
            requests: (0..self.load.in_flight).map(|_| (Request::default(), now)).collect(),
            sequence: 0,
            blocked: false,
        };
        if connection.greeted {
            self.start(&mut connection, place, now);
            self.send(&mut connection, place)?;
        }
        Ok(connection)
    }

    /// Introduces itself and fills the connection with requests.
    fn start(&mut self, connection: &mut Connection, place: usize, now: Instant) {
        self.wire.introduce(&mut connection.output);
        for slot in 0..self.load.in_flight {
            // The time of a fresh connection began when it was opened.
            let since = if self.load.fresh { connection.requests[slot].1 } else { now };
            self.next(connection, place, slot, since);
        }
    }

    /// The next login of a slot: now, or when it is due.
    fn next(&mut self, connection: &mut Connection, place: usize, slot: usize, now: Instant) {
        if self.load.rate.is_some() {
            self.idle.push_back((place, slot));
        } else {
            self.begin(connection, slot, now);
        }
    }

    fn begin(&mut self, connection: &mut Connection, slot: usize, now: Instant) {
        if self.phase == Phase::Ending {
            return;
        }
        self.outstanding += 1;
        let (request, since) = &mut connection.requests[slot];
        request.user = self.order[self.logins % self.order.len()];
        request.right = self.load.wrong == 0 || (self.logins as u64).wrapping_mul(0x9e37_79b9) % 100 >= self.load.wrong;
        self.logins += 1;
        *since = now;
        // Ids count up, and say in which slot their request is.
        let in_flight = self.load.in_flight as u32;
        let id = (connection.sequence % (1 << 20)) * in_flight + slot as u32 + 1;
        connection.sequence += 1;
        self.wire.begin(id, request, &mut connection.output);
    }

    fn attend(&mut self, connection: &mut Connection, place: usize) -> io::Result<()> {
        match self.read(connection, place) {
            Ok(None) => self.send(connection, place),
            Ok(Some(())) => self.renew(connection, place),
            Err(trouble) => {
                self.outstanding = self.outstanding.saturating_sub(self.load.in_flight);
                self.outcome.errors += 1;
                self.outcome.first_error.get_or_insert(trouble);
                self.renew(connection, place)
            }
        }
    }

    fn renew(&mut self, connection: &mut Connection, place: usize) -> io::Result<()> {
        if self.phase == Phase::Ending {
            self.poll.registry().deregister(&mut connection.stream)?;
            return Ok(());
        }
        *connection = self.open(place)?;
        Ok(())
    }

    /// Takes all that is there. `Some` means that this connection has served its purpose.
    fn read(&mut self, connection: &mut Connection, place: usize) -> Result<Option<()>, String> {
        let mut buffer = [0; 1 << 15];
        let mut closed = false;
        loop {
            match connection.stream.read(&mut buffer) {
                Ok(0) => closed = true,
                Ok(count) => {
                    connection.input.extend_from_slice(&buffer[..count]);
                    // A short read has emptied the socket.
                    if count == buffer.len() {
                        continue;
                    }
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                Err(error) => return Err(error.to_string()),
            }
            break;
        }
        let now = Instant::now();
        if self.wire.ends_with_reply() {
            return self.whole_reply(connection, closed, now);
        }
        if !connection.greeted && connection.input.ends_with(b"\nDONE\n") {
            connection.greeted = true;
            connection.input.clear();
            self.start(connection, place, now);
        }
        let mut input = std::mem::take(&mut connection.input);
        let mut taken = 0;
        while connection.greeted
            && let Some(length) = input[taken..].iter().position(|&byte| byte == b'\n')
        {
            let line = &input[taken..taken + length];
            taken += length + 1;
            let id = Wire::id(line)?;
            let slot = (id as usize).wrapping_sub(1) % self.load.in_flight;
            let (request, since) = &mut connection.requests[slot];
            let next = self.wire.reply(id, request, line, &mut connection.output)?;
            if !self.note(&next, request.right, now - *since) {
                continue;
            }
            if self.load.fresh {
                return Ok(Some(()));
            }
            self.next(connection, place, slot, now);
        }
        input.drain(..taken);
        connection.input = input;
        if closed { Err("the server closed the connection".to_owned()) } else { Ok(None) }
    }

    fn whole_reply(&mut self, connection: &mut Connection, closed: bool, now: Instant) -> Result<Option<()>, String> {
        if !closed && connection.input.len() < 4 {
            return Ok(None);
        }
        let (request, since) = &mut connection.requests[0];
        let next = self.wire.reply(1, request, &connection.input, &mut connection.output)?;
        self.note(&next, request.right, now - *since);
        Ok(Some(()))
    }

    /// Whether the exchange is over.
    fn note(&mut self, next: &Next, right: bool, took: Duration) -> bool {
        let list = match next {
            Next::Sent => return false,
            _ if self.phase == Phase::Ending => {
                self.outstanding -= 1;
                return true;
            }
            Next::Authenticated if right => &mut self.outcome.authenticated,
            Next::Denied if !right => &mut self.outcome.denied,
            other => {
                self.outstanding -= 1;
                self.outcome.errors += 1;
                self.outcome
                    .first_error
                    .get_or_insert_with(|| format!("{other:?}, and the password was right: {right}"));
                return true;
            }
        };
        self.outstanding -= 1;
        if self.phase == Phase::Measuring {
            list.push(u64::try_from(took.as_nanos()).unwrap_or(u64::MAX));
        }
        true
    }

    fn send(&self, connection: &mut Connection, place: usize) -> io::Result<()> {
        while !connection.output.is_empty() {
            match connection.stream.write(&connection.output) {
                Ok(count) => drop(connection.output.drain(..count)),
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                // The server's reason, if it gave one, is in what it sent before.
                Err(error) if matches!(error.kind(), ErrorKind::BrokenPipe | ErrorKind::ConnectionReset) => break,
                Err(error) => return Err(error),
            }
        }
        let blocked = !connection.output.is_empty();
        if blocked != connection.blocked {
            connection.blocked = blocked;
            let interest = if blocked { Interest::READABLE | Interest::WRITABLE } else { Interest::READABLE };
            self.poll.registry().reregister(&mut connection.stream, Token(place), interest)?;
        }
        Ok(())
    }
}

//! One session, and what a loop would do for it.

use std::sync::Arc;
use std::time::Duration;

use sasldb::authenticator::Inquiry;
use sasldb::config::FailureLimits;
use sasldb::credential::Who;
use sasldb::exchange::Work;
use sasldb::runtime::{Entropy, Moment, NoEntropy};
use sasldb::server::limits::Limits;
use sasldb::server::session::{Actions, Origin, Serial, Session, Settings, Turn};
use sasldb::store::StoreError;

use super::super::site::{self, NOW, SITE};

pub(super) const DELAY: Duration = Duration::from_secs(2);

/// Each time it is asked it gives one byte more.
struct Counting(u8);

impl Entropy for Counting {
    fn fill(&mut self, buffer: &mut [u8]) -> Result<(), NoEntropy> {
        self.0 = self.0.wrapping_add(1);
        buffer.fill(self.0);
        Ok(())
    }
}

pub(super) struct Stage {
    session: Option<Session>,
    settings: Settings,
    entropy: Counting,
    limits: Limits,
    actions: Actions,
    inquiries: Vec<(Serial, Who, Inquiry)>,
    computations: Vec<(Serial, Work)>,
    pub(super) moment: Moment,
    /// Everything that was said after the greeting.
    pub(super) said: Vec<u8>,
    pub(super) log: Vec<String>,
    pub(super) closed: bool,
}

impl Stage {
    pub(super) fn new() -> Self {
        // Few failures are enough for a source to be refused.
        let limits = FailureLimits { burst: 3, ..FailureLimits::default() };
        let mut stage = Self {
            session: None,
            settings: Settings { policy: Arc::clone(&SITE.policy), failure_delay: DELAY, limits },
            entropy: Counting(0),
            limits: Limits::default(),
            actions: Actions::default(),
            inquiries: Vec::new(),
            computations: Vec::new(),
            moment: Moment::from_secs(1000),
            said: Vec::new(),
            log: Vec::new(),
            closed: false,
        };
        let origin = Origin { server_pid: 11121, connection: 1, listed: true };
        stage.on_session(|_, turn| Session::begin(origin, turn));
        assert!(stage.said.starts_with(b"VERSION\t") && stage.said.ends_with(b"\nDONE\n"));
        stage.said.clear();
        stage
    }

    /// Calls the session as long as the connection is open, and takes what it wants done.
    fn on_session(&mut self, call: impl FnOnce(Option<Session>, &mut Turn<'_>) -> Session) {
        if self.closed {
            return;
        }
        let Self { settings, entropy, limits, actions, moment, .. } = self;
        let mut turn = Turn { settings, now: NOW, moment: *moment, entropy, limits, actions };
        let session = call(self.session.take(), &mut turn);
        if turn.actions.close {
            session.close(&mut turn);
        } else {
            self.session = Some(session);
        }
        self.closed = self.actions.close;
        self.said.append(&mut self.actions.send);
        self.inquiries.append(&mut self.actions.inquiries);
        self.computations.append(&mut self.actions.computations);
        for event in self.actions.events.drain(..) {
            let line = event.line(true).to_string();
            assert!(line.len() < 1024 && line.bytes().all(|byte| matches!(byte, b' '..=b'~')), "{line:?}");
            self.log.push(line);
        }
        // A request that waits for us is in one of the two, and a session has no more than that.
        assert!(self.inquiries.len() + self.computations.len() <= 2048);
        if self.closed {
            self.inquiries.clear();
            self.computations.clear();
        }
    }

    fn with_session(&mut self, call: impl FnOnce(&mut Session, &mut Turn<'_>)) {
        self.on_session(|session, turn| {
            let mut session = session.unwrap();
            call(&mut session, turn);
            session
        });
    }

    pub(super) fn receive(&mut self, bytes: &[u8]) {
        self.with_session(|session, turn| session.receive(bytes, turn));
    }

    pub(super) fn is_asked(&self) -> bool {
        !self.inquiries.is_empty() || !self.computations.is_empty()
    }

    /// The store answers one of the look-ups, or cannot.
    pub(super) fn answer(&mut self, number: usize, found: bool) {
        if self.inquiries.is_empty() {
            return;
        }
        let (serial, who, inquiry) = self.inquiries.remove(number % self.inquiries.len());
        let Inquiry::Exchange(mut asked) = inquiry else { panic!("a login asks for nothing else: {inquiry:?}") };
        self.with_session(|session, turn| {
            session.judge(serial, &who, &mut asked, turn);
            let answer = if found { Ok(site::look_up(who)) } else { Err(StoreError::Busy) };
            session.go_on(serial, asked.answer(answer, NOW), turn);
        });
    }

    /// One of the computations ends, or never begins.
    pub(super) fn compute(&mut self, number: usize, done: bool) {
        if self.computations.is_empty() {
            return;
        }
        let (serial, work) = self.computations.remove(number % self.computations.len());
        let outcome = if done { work.run() } else { work.overflow() };
        self.with_session(|session, turn| session.conclude(serial, outcome, turn));
    }

    pub(super) fn deadline(&self) -> Option<Moment> {
        self.session.as_ref()?.deadline()
    }

    pub(super) fn tick(&mut self, moment: Moment) {
        self.moment = self.moment.max(moment);
        self.with_session(|session, turn| session.tick(turn));
        let late = self.deadline().is_some_and(|due| due <= self.moment);
        assert!(!late, "a deadline that has passed stays due");
    }

    pub(super) fn hurry(&mut self) {
        self.with_session(|session, turn| session.hurry(turn));
    }

    pub(super) fn is_idle(&self) -> bool {
        self.session.as_ref().is_some_and(Session::is_idle)
    }

    /// The client closes the connection.
    pub(super) fn close(&mut self) {
        self.with_session(|_, turn| turn.actions.close = true);
    }
}

//! A session in a fixed world, and the two ways to play a transcript against it.

#![allow(dead_code, reason = "each test takes what it needs")]

pub(crate) mod exact;
mod lines;
pub(crate) mod recorded;

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use sasldb::authenticator::Authenticator;
use sasldb::config::FailureLimits;
use sasldb::credential::SaltKey;
use sasldb::exchange::Policy;
use sasldb::identity::{Realm, Realms};
use sasldb::runtime::{Entropy, Moment, NoEntropy, UnixTime};
use sasldb::server::conversation::{Conversation, Spoken};
use sasldb::server::limits::Limits;
use sasldb::server::session::{Actions, Origin, Serial, Settings, Turn};
use sasldb::store::memory::{Answers, MemoryStore};
use sasldb::store::{Applied, Change, CredentialAdmin, DecoyShape, StoreError};
use sasldb::vocabulary::{Mechanism, MechanismSet, Scheme, ScramHash};

use crate::store;
pub(crate) use lines::{meant, shown};

const NOW: UnixTime = UnixTime(1_795_492_596);

pub(crate) const DELAY: Duration = Duration::from_secs(2);

/// Each time it is asked it gives one byte more, as often as is wanted: cookie 01…, first nonce 02….
struct Counting(u8);

impl Entropy for Counting {
    fn fill(&mut self, buffer: &mut [u8]) -> Result<(), NoEntropy> {
        self.0 = self.0.wrapping_add(1);
        buffer.fill(self.0);
        Ok(())
    }
}

/// One session with everything that it needs.
pub(crate) struct World {
    pub(crate) store: MemoryStore,
    settings: Settings,
    listed: bool,
    shows_unknown_names: bool,
    spoken: Spoken,
    session: Option<Conversation>,
    authenticator: Authenticator<Serial>,
    entropy: Counting,
    moment: Moment,
    actions: Actions,
    limits: Limits,
    said: VecDeque<u8>,
    pub(crate) log: VecDeque<String>,
    pub(crate) closed: bool,
}

impl World {
    pub(crate) fn new(realm: &str) -> Self {
        let realms = Realms::new(Realm::new(realm).unwrap(), []);
        let shape = DecoyShape { usual_iterations: store::ITERATIONS, schemes: store::SCHEMES.to_vec() };
        let memory = MemoryStore::new(realms.clone(), SaltKey::new([7; 32]), shape);
        let schemes =
            [Scheme::Scram(ScramHash::Sha256), Scheme::Scram(ScramHash::Sha1), Scheme::DigestMd5, Scheme::CramMd5];
        let mechanisms = schemes.iter().filter_map(|s| s.mechanism()).chain([Mechanism::Login, Mechanism::Plain]);
        let policy = Policy {
            mechanisms: mechanisms.collect(),
            plaintext_needs_tls: true,
            realms,
            hostname: "mail.example.org".to_owned(),
            learn: Vec::new(),
        };
        Self {
            store: memory.clone(),
            settings: Settings { policy: Arc::new(policy), failure_delay: DELAY, limits: FailureLimits::default() },
            listed: false,
            shows_unknown_names: false,
            spoken: Spoken::Dovecot,
            session: None,
            authenticator: Authenticator::new(Box::new(memory)),
            entropy: Counting(0),
            moment: Moment::from_secs(1000),
            actions: Actions::default(),
            limits: Limits::default(),
            said: VecDeque::new(),
            log: VecDeque::new(),
            closed: false,
        }
    }

    pub(crate) fn announce(&mut self, mechanisms: MechanismSet) {
        let mut policy = (*self.settings.policy).clone();
        policy.mechanisms = mechanisms;
        self.settings.policy = Arc::new(policy);
    }

    pub(crate) fn bar_after(&mut self, failures: u32) {
        self.settings.limits.burst = failures;
    }

    pub(crate) fn fail_after(&mut self, delay: Duration) {
        self.settings.failure_delay = delay;
    }

    /// From now on clients come to the userdb socket.
    pub(crate) fn ask_userdb(&mut self) {
        self.spoken = Spoken::Userdb;
    }

    pub(crate) fn believe_peer(&mut self) {
        self.listed = true;
    }

    pub(crate) fn show_unknown_names(&mut self) {
        self.shows_unknown_names = true;
    }

    /// Makes an account in the default realm unless `user` names another.
    pub(crate) fn add(&mut self, user: &str, password: &str) {
        let identity = self.identity(user);
        store::put(&mut self.store, &identity, password);
    }

    pub(crate) fn disable(&mut self, user: &str) {
        let change = Change::SetDisabled { key: self.identity(user).key(), disabled: true };
        let receipt = self.store.apply(change, &store::actor(), store::NOW).unwrap();
        assert_eq!(receipt.applied, Applied::Changed);
    }

    fn identity(&self, user: &str) -> sasldb::identity::Identity {
        let default = self.settings.policy.realms.default_realm().as_str();
        let (name, realm) = user.split_once('@').unwrap_or((user, default));
        store::identity(name, realm)
    }

    pub(crate) fn answer(&mut self, how: &str) {
        self.store.answer(match how {
            "up" => Answers::Now,
            "later" => Answers::Later,
            _ => Answers::Fail(StoreError::Busy),
        });
    }

    /// The client connects.
    pub(crate) fn connect(&mut self) {
        let origin = Origin { server_pid: 11121, connection: 1, listed: self.listed };
        let spoken = self.spoken.clone();
        self.on_session(|_, turn| Conversation::begin(spoken, origin, turn));
    }

    /// The client closes the connection.
    pub(crate) fn hang_up(&mut self) {
        if let Some(session) = self.session.take() {
            let Self { settings, entropy, actions, moment, limits, .. } = self;
            session.close(&mut Turn { settings, now: NOW, moment: *moment, entropy, limits, actions });
            self.log_events();
        }
    }

    pub(crate) fn is_connected(&self) -> bool {
        self.session.is_some() || self.closed
    }

    pub(crate) fn is_idle(&self) -> bool {
        self.session.as_ref().is_some_and(Conversation::is_idle)
    }

    pub(crate) fn receive(&mut self, bytes: &[u8]) {
        self.on_session(|session, turn| {
            let mut session = session.unwrap();
            session.receive(bytes, turn);
            session
        });
    }

    /// Lets time pass; the session is called at each of its deadlines, as the loop does.
    pub(crate) fn advance(&mut self, time: Duration) {
        let end = self.moment + time;
        while let Some(due) = self.session.as_ref().and_then(Conversation::deadline).filter(|due| *due <= end) {
            self.moment = self.moment.max(due);
            self.on_session(|session, turn| {
                let mut session = session.unwrap();
                session.tick(turn);
                session
            });
        }
        self.moment = end;
    }

    /// Delivers what the store kept for later.
    pub(crate) fn deliver(&mut self) {
        while let Some((serial, answered)) = self.authenticator.completed(store::NOW) {
            self.on_session(|session, turn| {
                let mut session = session.unwrap();
                session.answer(serial, answered, turn);
                session
            });
        }
    }

    fn on_session(&mut self, call: impl FnOnce(Option<Conversation>, &mut Turn<'_>) -> Conversation) {
        if self.closed {
            return;
        }
        let Self { settings, entropy, actions, moment, limits, .. } = self;
        let now = NOW;
        let mut turn = Turn { settings, now, moment: *moment, entropy, limits, actions };
        let mut session = call(self.session.take(), &mut turn);
        while !turn.actions.close && turn.actions.wants_anything() {
            for (serial, who, mut inquiry) in std::mem::take(&mut turn.actions.inquiries) {
                session.judge(serial, &who, &mut inquiry, &mut turn);
                if let Some((serial, answered)) = self.authenticator.ask(who, inquiry, serial, now) {
                    session.answer(serial, answered, &mut turn);
                }
            }
            for (serial, work) in std::mem::take(&mut turn.actions.computations) {
                session.conclude(serial, work.run(), &mut turn);
            }
        }
        self.authenticator.end_turn();
        if turn.actions.close {
            session.close(&mut turn);
        } else {
            self.session = Some(session);
        }
        self.said.extend(self.actions.send.drain(..));
        self.log_events();
        self.closed = std::mem::take(&mut self.actions.close);
    }

    fn log_events(&mut self) {
        let shown = self.shows_unknown_names;
        self.log.extend(self.actions.events.drain(..).map(|event| event.line(shown)));
    }

    /// The next line that the server has said.
    pub(crate) fn next_line(&mut self) -> Option<Vec<u8>> {
        let end = self.said.iter().position(|&byte| byte == b'\n')?;
        let line = self.said.drain(..=end).take(end).collect();
        Some(line)
    }
}

//! The order of slow checks. Places are given and freed only when the loop calls, so that what runs can be read without a clock.

use super::*;
use crate::authenticator::{Answered, Authenticator, Inquiry};
use crate::credential::{Label, PasswordFacts, PasswordHash, SaltKey, Secrets, StoredPassword};
use crate::exchange::{self, Context, Fault, Policy, Progress};
use crate::identity::{Identity, Name, Realm, Realms};
use crate::runtime::UnixTime;
use crate::store::memory::MemoryStore;
use crate::store::{Actor, CredentialAdmin as _, DecoyShape, Provision};
use crate::vocabulary::{InitialResponse, Mechanism};

const START: Moment = Moment::from_secs(1000);

/// How long a test waits for a check to end before it gives up.
const PATIENCE: Duration = Duration::from_secs(60);

/// md5crypt: slow by its class, and over in no time.
const SLOW: &str = "$1$saltsalt$qjXMvbEw8oaL.CzflDtaK/";

fn realms() -> Realms {
    Realms::new(Realm::new("example.com").unwrap(), [])
}

/// A wrong password for `name`, as far as the pool.
fn check(name: &str, source: Option<&str>) -> Work {
    let shape = DecoyShape { usual_iterations: 2, schemes: Vec::new() };
    let mut store = MemoryStore::new(realms(), SaltKey::new([1; 32]), shape);
    let identity = Identity::new(Name::new(name).unwrap(), Realm::new("example.com").unwrap());
    let secrets = Secrets { hash: PasswordHash::parse(SLOW).ok(), ..Secrets::default() };
    let password = StoredPassword { facts: PasswordFacts::unlimited(Label::main()), secrets };
    let actor = Actor { uid: 0, program: "test".to_owned() };
    let _ = store.apply(Provision::password(identity, password, None).into(), &actor, UnixTime(1)).unwrap();
    let policy = Policy {
        mechanisms: Mechanism::ALL.into_iter().collect(),
        plaintext_needs_tls: false,
        realms: realms(),
        hostname: "mx1".to_owned(),
        learn: Vec::new(),
    };
    let context = Context { remote: source.map(|text| text.parse().unwrap()), ..Context::default() };
    let message = format!("\0{name}\0wrong");
    let initial = InitialResponse::Present(message.as_bytes());
    let begun = exchange::begin(&Arc::new(policy), context, Mechanism::Plain, initial, "nonce", UnixTime(1));
    let Progress::LookUp { who, next } = begun else { panic!("{begun:?}") };
    match Authenticator::new(Box::new(store)).ask(who, Inquiry::Exchange(next), (), UnixTime(1)) {
        Some(((), Answered::Exchange(Progress::Compute(work)))) => work,
        other => panic!("{other:?}"),
    }
}

struct Loop {
    pool: Pool<u32>,
    poll: mio::Poll,
}

impl Loop {
    fn with_threads(threads: usize) -> Self {
        let poll = mio::Poll::new().unwrap();
        let waker = Arc::new(Waker::new(poll.registry(), mio::Token(0)).unwrap());
        Self { pool: Pool::new(NonZeroUsize::new(threads).unwrap(), waker), poll }
    }

    fn submit(&mut self, number: u32, name: &str, source: Option<&str>) -> Option<(u32, Outcome)> {
        self.pool.submit(number, check(name, source), START)
    }

    /// Whose checks run.
    fn running(&self) -> Vec<String> {
        let name = |place: &Place| match &place.who {
            Who::Account(key) => key.name().to_owned(),
            Who::Nobody(_) => String::new(),
        };
        self.pool.running.iter().map(name).collect()
    }

    /// Waits for a check to end, and calls `after` when its place has been given on.
    fn next(&mut self) -> (u32, Outcome) {
        let mut events = mio::Events::with_capacity(8);
        loop {
            if let Some(finished) = self.pool.finished(START) {
                return finished;
            }
            self.poll.poll(&mut events, Some(PATIENCE)).unwrap();
            assert!(!events.is_empty(), "no check ended");
        }
    }
}

#[test]
fn a_source_is_an_address_or_a_network_of_ipv6() {
    let source = |text: &str| source_of(text.parse().unwrap()).to_string();
    assert_eq!(source("192.0.2.7"), "192.0.2.7");
    assert_eq!(source("2001:db8:1:2:3:4:5:6"), "2001:db8:1:2::");
}

#[test]
fn one_check_at_a_time_runs_for_an_account_and_others_pass_by() {
    let mut pool = Loop::with_threads(4);
    for (number, name) in [(1, "joe"), (2, "joe"), (3, "joe"), (4, "ann")] {
        assert!(pool.submit(number, name, None).is_none());
    }
    assert_eq!(pool.running(), ["joe", "ann"]);
    let mut ended = Vec::new();
    for _ in 0..4 {
        let (number, outcome) = pool.next();
        assert!(matches!(outcome, Outcome::Denied(_)), "{outcome:?}");
        ended.push(number);
        assert!(pool.running().iter().filter(|name| *name == "joe").count() <= 1);
    }
    ended.retain(|number| *number != 4);
    assert_eq!(ended, [1, 2, 3], "in the order in which they came");
    assert!(pool.running().is_empty());
}

#[test]
fn a_check_that_panics_is_unavailable_and_the_next_one_runs() {
    let mut pool = Loop::with_threads(1);
    pool.pool.check = |work| match work.who() {
        Who::Account(key) if key.name() == "joe" => panic!("as the test wants it"),
        _ => work.run(),
    };
    for (number, name) in [(1, "joe"), (2, "joe"), (3, "ann")] {
        assert!(pool.submit(number, name, None).is_none());
    }
    for wanted in [1, 2] {
        let (number, outcome) = pool.next();
        let Outcome::Unavailable(unavailable) = outcome else { panic!("{outcome:?}") };
        assert_eq!((number, unavailable.fault()), (wanted, &Fault::BrokenOff));
    }
    let (number, outcome) = pool.next();
    assert!(number == 3 && matches!(outcome, Outcome::Denied(_)), "{outcome:?}");
    assert!(pool.running().is_empty() && pool.pool.started == 1);
}

#[test]
fn half_of_the_threads_stay_free_for_other_sources() {
    let mut pool = Loop::with_threads(4);
    for (number, name) in ["a", "b", "c", "d"].into_iter().enumerate() {
        // All of one customer's network.
        assert!(pool.submit(0, name, Some(&format!("2001:db8::{number}"))).is_none());
    }
    assert_eq!(pool.running(), ["a", "b"]);
    assert!(pool.submit(5, "e", Some("192.0.2.1")).is_none());
    assert_eq!(pool.running(), ["a", "b", "e"]);
    assert!(pool.submit(6, "f", None).is_none());
    assert_eq!(pool.running(), ["a", "b", "e", "f"]);
    for _ in 0..6 {
        let _ = pool.next();
        let of_source = pool.running().iter().filter(|name| ["a", "b", "c", "d"].contains(&name.as_str())).count();
        assert!(of_source <= 2);
    }
}

#[test]
fn what_finds_no_room_is_unavailable_and_never_denied() {
    let mut pool = Loop::with_threads(1);
    let source = Some("192.0.2.1");
    for number in 0..=32 {
        assert!(pool.submit(number, "joe", source).is_none(), "one runs, 32 wait");
    }
    let refused = pool.submit(33, "joe", source);
    assert!(matches!(refused, Some((33, Outcome::Unavailable(_)))), "{refused:?}");
    assert!(pool.submit(34, "joe", Some("192.0.2.2")).is_none(), "another source has its own share");

    // Nothing has ended yet as far as the pool knows, and all that wait have waited too long.
    pool.pool.done = Channel::new();
    let late = START.saturating_add(MAX_WAIT);
    assert_eq!(pool.pool.deadline(), Some(late));
    for number in (1..=32).chain([34]) {
        let given_back = pool.pool.finished(late);
        assert!(matches!(&given_back, Some((n, Outcome::Unavailable(_))) if *n == number), "{given_back:?}");
    }
    assert!(pool.pool.finished(late).is_none());
    assert_eq!(pool.pool.deadline(), None);
}

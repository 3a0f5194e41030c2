//! What holds for every conversation: a request gets one ending, any bytes get a reply or a closed connection, and nothing
//! is left behind.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "a test may fail"
)]

mod store;
mod transcript;

use std::collections::BTreeMap;
use std::time::Duration;

use base64ct::{Base64, Encoding};
use proptest::collection::vec;
use proptest::prelude::*;
use sasldb::config::MAX_FAILURE_DELAY;
use sasldb::protocol::dovecot::MAX_REPLY;
use transcript::World;

#[derive(Debug, Clone)]
enum Act {
    Auth { id: u32, mechanism: &'static str, response: &'static str, flags: &'static str },
    Continue { id: u32, data: &'static str },
    Cancel { id: u32 },
    Store(&'static str),
    Answers,
    Advance(u64),
}

fn acts() -> impl Strategy<Value = Act> {
    let id = || 1u32..5;
    let mechanism = prop_oneof![
        Just("PLAIN"),
        Just("login"),
        Just("CRAM-MD5"),
        Just("DIGEST-MD5"),
        Just("SCRAM-SHA-1"),
        Just("SCRAM-SHA-256"),
        Just("SCRAM-SHA-512"),
        Just("EXTERNAL"),
        Just("NONE"),
    ];
    // Nothing, right, wrong, unknown, malformed, a client-first-message, no base64.
    let data = || {
        prop_oneof![
            Just(""),
            Just("AGpvZQBzZWNyZXQ="),
            Just("AGpvZQB3cm9uZw=="),
            Just("AG5vYm9keQBzZWNyZXQ="),
            Just("am9l"),
            Just("c2VjcmV0"),
            Just("biwsbj1qb2Uscj1meWtv"),
            Just("*"),
            Just("="),
        ]
    };
    let flags = prop_oneof![Just(""), Just("\tsecured"), Just("\tsecured\tnologin"), Just("\tsecured\tfinal-resp-ok")];
    prop_oneof![
        4 => (id(), mechanism, data(), flags)
            .prop_map(|(id, mechanism, response, flags)| Act::Auth { id, mechanism, response, flags }),
        4 => (id(), data()).prop_map(|(id, data)| Act::Continue { id, data }),
        1 => id().prop_map(|id| Act::Cancel { id }),
        1 => prop_oneof![Just("up"), Just("down"), Just("later")].prop_map(Act::Store),
        1 => Just(Act::Answers),
        1 => (0u64..3000).prop_map(Act::Advance),
    ]
}

/// What the client knows of its open requests: whether the last that it heard was a challenge.
#[derive(Debug, Default)]
struct Client {
    open: BTreeMap<u32, bool>,
}

impl Client {
    /// Holds a line of the server against what is open. `unknown` is the request that may be told it does not exist.
    fn hear(&mut self, line: &str, unknown: Option<u32>) -> Result<(), TestCaseError> {
        let fields: Vec<&str> = line.split('\t').collect();
        let id: u32 = fields[1].parse().unwrap();
        match fields[0] {
            "CONT" => {
                let challenged = self.open.get_mut(&id);
                prop_assert!(challenged.is_some(), "{line} for a request that is not open");
                *challenged.unwrap() = true;
            }
            "OK" | "FAIL" => {
                let was_open = self.open.remove(&id).is_some();
                let of_nothing = unknown == Some(id) && line.ends_with("reason=Authentication request timed out");
                prop_assert!(was_open != of_nothing, "{line}: open {was_open}");
            }
            other => prop_assert!(false, "{other}"),
        }
        Ok(())
    }

    /// Plays all of it; false if the connection was closed.
    fn play(&mut self, acts: Vec<Act>, world: &mut World) -> Result<bool, TestCaseError> {
        for act in acts {
            let mut unknown = None;
            match act {
                Act::Auth { id, mechanism, response, flags } => {
                    let again = self.open.insert(id, false).is_some();
                    world
                        .receive(format!("AUTH\t{id}\t{mechanism}\tservice=smtp{flags}\tresp={response}\n").as_bytes());
                    prop_assert!(!again || world.closed, "an id in use has to close the connection");
                }
                Act::Continue { id, data } => {
                    let known = self.open.get_mut(&id).map(|challenged| *challenged = false).is_some();
                    unknown = (!known).then_some(id);
                    world.receive(format!("CONT\t{id}\t{data}\n").as_bytes());
                }
                Act::Cancel { id } => {
                    self.open.remove(&id);
                    world.receive(format!("CANCEL\t{id}\n").as_bytes());
                }
                Act::Store(how) => world.answer(how),
                Act::Answers => world.deliver(),
                Act::Advance(milliseconds) => world.advance(Duration::from_millis(milliseconds)),
            }
            self.hear_all(world, unknown)?;
            if world.closed {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn hear_all(&mut self, world: &mut World, unknown: Option<u32>) -> Result<(), TestCaseError> {
        while let Some(line) = world.next_line() {
            self.hear(std::str::from_utf8(&line).unwrap(), unknown)?;
        }
        Ok(())
    }
}

fn world() -> World {
    let mut world = World::new("example.org");
    world.add("joe", "secret");
    world.connect();
    while world.next_line().is_some() {}
    world.receive(b"VERSION\t1\t2\nCPID\t7\n");
    world
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn a_request_gets_one_ending(acts in vec(acts(), 1..25)) {
        let mut world = world();
        let mut client = Client::default();
        if !client.play(acts, &mut world)? {
            return Ok(());
        }
        world.deliver();
        world.advance(transcript::DELAY);
        client.hear_all(&mut world, None)?;
        prop_assert!(world.closed || client.open.values().all(|challenged| *challenged), "no answer to {client:?}");
        // What its client does not carry on is forgotten, without a word.
        world.advance(sasldb::server::session::PATIENCE);
        prop_assert_eq!(world.next_line(), None);
        prop_assert!(world.closed || world.is_idle());
    }

    #[test]
    fn an_answer_comes_within_five_seconds_whatever_the_store_does(acts in vec(acts(), 1..25)) {
        let mut world = world();
        // The longest that the settings can say.
        world.fail_after(MAX_FAILURE_DELAY - Duration::from_millis(1));
        let mut client = Client::default();
        if client.play(acts, &mut world)? {
            world.advance(MAX_FAILURE_DELAY);
            client.hear_all(&mut world, None)?;
            prop_assert!(world.closed || client.open.values().all(|challenged| *challenged), "no answer to {client:?}");
        }
    }

    #[test]
    fn any_bytes_do_no_harm(pieces in vec(vec(any::<u8>(), 0..200), 0..10), greeted: bool) {
        let mut world = World::new("example.org");
        world.connect();
        if greeted {
            world.receive(b"VERSION\t1\t2\nCPID\t7\n");
        }
        for piece in pieces {
            world.receive(&piece);
        }
        // Whatever came before, an empty line ends it.
        world.receive(b"\n\n");
        prop_assert!(world.closed);
    }

    #[test]
    fn a_conversation_does_not_depend_on_how_it_is_cut(cut in 0usize..400) {
        let text = b"AUTH\t1\tPLAIN\tservice=smtp\tsecured\tresp=AGpvZQBzZWNyZXQ=\r\nAUTH\t2\tLOGIN\tservice=smtp\tsecured\n\
            CONT\t2\tam9l\nCONT\t2\tc2VjcmV0\nAUTH\t3\tPLAIN\tservice=smtp\tsecured\tresp=AGpvZQB3cm9uZw==\nCANCEL\t3\n\
            CONT\t9\t\n";
        let mut world = world();
        let (first, second) = text.split_at(cut.min(text.len()));
        world.receive(first);
        world.receive(second);
        let mut said: Vec<String> =
            std::iter::from_fn(|| world.next_line()).map(|line| String::from_utf8(line).unwrap()).collect();

        said.sort();
        prop_assert_eq!(said, [
            "CONT\t2\tUGFzc3dvcmQ6",
            "CONT\t2\tVXNlcm5hbWU6",
            "FAIL\t9\treason=Authentication request timed out",
            "OK\t1\tuser=joe@example.org",
            "OK\t2\tuser=joe@example.org",
        ]);
    }
}

#[test]
fn requests_left_open_are_bounded() {
    let mut world = world();
    for id in 1..=3000 {
        world.receive(format!("AUTH\t{id}\tLOGIN\tservice=smtp\tsecured\n").as_bytes());
        assert!(world.next_line().unwrap().starts_with(b"CONT"));
    }
    let crowded = world.log.iter().filter(|line| line.contains("too many left open")).count();
    assert_eq!(crowded, 3000 - 1024);
    // The latest are those that still count.
    world.receive(b"CONT\t3000\tam9l\nCONT\t1\tam9l\n");
    assert_eq!(transcript::shown(&world.next_line().unwrap()), "CONT<T>3000<T>UGFzc3dvcmQ6");
    assert!(world.next_line().unwrap().ends_with(b"timed out"));
}

#[test]
fn requests_that_wait_for_us_are_bounded() {
    let mut world = world();
    world.answer("later");
    for id in 1..=1024 {
        world.receive(format!("AUTH\t{id}\tPLAIN\tservice=smtp\tsecured\tresp=AGpvZQBzZWNyZXQ=\n").as_bytes());
    }
    assert_eq!(world.next_line(), None);
    world.receive(b"AUTH\t2000\tPLAIN\tservice=smtp\tsecured\tresp=AGpvZQBzZWNyZXQ=\n");
    assert_eq!(transcript::shown(&world.next_line().unwrap()), "FAIL<T>2000<T>code=temp_fail<T>temp");
    world.deliver();
    assert_eq!(std::iter::from_fn(|| world.next_line()).filter(|line| line.starts_with(b"OK")).count(), 1024);
}

#[test]
fn failures_that_wait_for_their_time_are_bounded() {
    let mut world = world();
    for id in 1..=3000 {
        world.receive(format!("AUTH\t{id}\tNONE\tservice=smtp\tsecured\n").as_bytes());
    }
    let at_once = std::iter::from_fn(|| world.next_line()).count();
    world.advance(transcript::DELAY);
    let late = std::iter::from_fn(|| world.next_line()).count();
    assert_eq!((at_once, late), (3000 - 1024, 1024));
}

/// Exim cuts longer ones.
#[test]
fn the_longest_replies_are_short_enough_for_exim() {
    let (name, realm, nonce) = ("n".repeat(255), "r".repeat(255), "c".repeat(512));
    let mut world = world();
    world.add(&format!("{name}@{realm}"), "secret");
    let opening = Base64::encode_string(format!("n,,n={name}@{realm},r={nonce}").as_bytes());
    let plain = |password: &str| Base64::encode_string(format!("\0{name}@{realm}\0{password}").as_bytes());
    let (right, wrong) = (plain("secret"), plain("wrong"));
    let mut id = 0;
    for (mechanism, response) in [("SCRAM-SHA-512", &opening), ("PLAIN", &right), ("PLAIN", &wrong)] {
        id += 1;
        world.receive(format!("AUTH\t{id}\t{mechanism}\tservice=smtp\tsecured\tresp={response}\n").as_bytes());
    }
    world.advance(transcript::DELAY);
    for word in ["CONT\t1", "OK\t2", "FAIL\t3"] {
        let line = String::from_utf8(world.next_line().unwrap()).unwrap();
        assert!(line.starts_with(word) && line.len() > 500, "{line}");
        assert!(line.len() < MAX_REPLY, "{} bytes", line.len());
    }
}

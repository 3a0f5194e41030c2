//! saslauthd's protocol: one connection of it. The input is what the client sends, as it is, or after a `!` as lines: name, password,
//! service and realm, each sent with its length before it, and then what is sent as it is. There is one reply, and it is the one that
//! a second reading of the request gives, however it was cut into reads.

use std::sync::Arc;
use std::time::Duration;

use sasldb::authenticator::Inquiry;
use sasldb::config::FailureLimits;
use sasldb::exchange::Progress;
use sasldb::identity::Realm;
use sasldb::protocol::saslauthd::{MAX_PASSWORD, MAX_TEXT};
use sasldb::runtime::{Entropy, Moment, NoEntropy};
use sasldb::server::limits::Limits;
use sasldb::server::mux::MuxSession;
use sasldb::server::session::{Actions, Settings, Turn};

use super::plain;
use super::random::Random;
use super::site::{self, NOW, SITE};

const DELAY: Duration = Duration::from_secs(2);

pub fn target(data: &[u8]) {
    let sent = match data.split_first() {
        Some((b'!', lines)) => framed(lines),
        _ => data.to_vec(),
    };
    let expected = expected(&sent);
    let mut cuts = Random::of(data);
    for pieces in [vec![sent.as_slice()], cuts.pieces(&sent)] {
        assert_eq!(said(&pieces), expected, "{}", sent.escape_ascii());
    }
}

fn framed(lines: &[u8]) -> Vec<u8> {
    let mut lines = lines.splitn(5, |byte| *byte == b'\n');
    let mut message = Vec::new();
    for text in lines.by_ref().take(4) {
        message.extend_from_slice(&u16::try_from(text.len()).unwrap_or(u16::MAX).to_be_bytes());
        message.extend_from_slice(text);
    }
    message.extend_from_slice(lines.next().unwrap_or_default());
    message
}

/// What is said, and whether at once; nothing where the rest of the request is waited for.
type Said = Option<(Vec<u8>, bool)>;

fn expected(sent: &[u8]) -> Said {
    let mut at = 0;
    let mut texts = Vec::new();
    for longest in [MAX_TEXT, MAX_PASSWORD, MAX_TEXT, MAX_TEXT] {
        let length = usize::from(*sent.get(at)?) << 8 | usize::from(*sent.get(at + 1)?);
        if length > longest {
            return Some((b"\0\x03NO ".to_vec(), true));
        }
        texts.push(sent.get(at + 2..at + 2 + length)?);
        at += 2 + length;
    }
    let [name, password, _service, realm] = texts[..] else { unreachable!() };
    if name.is_empty() {
        return Some((b"\0\x16NO NULL login received".to_vec(), true));
    }
    if password.is_empty() {
        return Some((b"\0\x19NO NULL password received".to_vec(), true));
    }
    // What cannot be a realm makes no login, even where the name has one of its own.
    let account = Realm::from_wire(realm).ok().and_then(|_| plain::login(None, name, Some(realm), password));
    Some(if account.is_some() { (b"\0\x02OK".to_vec(), true) } else { (b"\0\x02NO".to_vec(), false) })
}

/// Nothing here needs to be random.
struct NoRandomness;

impl Entropy for NoRandomness {
    fn fill(&mut self, _: &mut [u8]) -> Result<(), NoEntropy> {
        panic!("randomness for a password that was shown")
    }
}

/// One connection, and what a loop would do for it.
struct Stage {
    session: MuxSession,
    settings: Settings,
    limits: Limits,
    actions: Actions,
    moment: Moment,
}

impl Stage {
    fn new() -> Self {
        let settings =
            Settings { policy: Arc::clone(&SITE.policy), failure_delay: DELAY, limits: FailureLimits::default() };
        let (mut limits, mut actions, moment) = (Limits::default(), Actions::default(), Moment::from_secs(1000));
        let turn = Turn {
            settings: &settings,
            now: NOW,
            moment,
            entropy: &mut NoRandomness,
            limits: &mut limits,
            actions: &mut actions,
        };
        let session = MuxSession::begin(&turn);
        Self { session, settings, limits, actions, moment }
    }

    fn call(&mut self, call: impl FnOnce(&mut MuxSession, &mut Turn<'_>)) {
        let Self { session, settings, limits, actions, moment } = self;
        call(session, &mut Turn { settings, now: NOW, moment: *moment, entropy: &mut NoRandomness, limits, actions });
    }

    /// Hands over a piece, answers what is asked, and says whether anything was.
    fn receive(&mut self, piece: &[u8]) -> bool {
        self.call(|session, turn| session.receive(piece, turn));
        let Some((_, who, Inquiry::Exchange(asked))) = self.actions.inquiries.pop() else { return false };
        let mut progress = asked.answer(Ok(site::look_up(who)), NOW);
        if let Progress::Compute(work) = progress {
            progress = Progress::Done(work.run());
        }
        self.call(|session, turn| session.go_on(progress, turn));
        true
    }
}

/// Plays one connection to its end.
fn said(pieces: &[&[u8]]) -> Said {
    let mut stage = Stage::new();
    let mut look_ups = 0;
    for piece in pieces {
        if !stage.actions.close {
            look_ups += usize::from(stage.receive(piece));
        }
    }
    let (at_once, ended) = (stage.actions.close, !stage.actions.events.is_empty());
    if !at_once {
        stage.moment = stage.session.deadline();
        stage.call(|session, turn| session.tick(turn));
    }
    assert!(stage.actions.close && stage.actions.inquiries.is_empty(), "every connection ends");
    let Actions { send, events, .. } = stage.actions;
    assert!(look_ups <= 1 && events.len() == usize::from(!send.is_empty()), "one login and its line");
    assert_eq!(ended, !send.is_empty(), "the line is there at once");
    for event in events {
        let line = event.line(true);
        assert!(line.len() < 1024 && line.bytes().all(|byte| matches!(byte, b' '..=b'~')), "{line:?}");
    }
    (!send.is_empty()).then_some((send, at_once))
}

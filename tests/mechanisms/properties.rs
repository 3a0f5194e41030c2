//! What holds for every mechanism, whatever arrives.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use proptest::collection::vec;
use proptest::prelude::*;
use sasldb::mechanism::client::ClientStart;
use sasldb::secret::Password;
use sasldb::vocabulary::{Initiative, Mechanism, Scheme};

use crate::site::{Ending, Shape, Site, password, start};

static SITE: LazyLock<Site> = LazyLock::new(|| Site::with("joe@example.org", b"secret"));
static SECRET: LazyLock<Password> = LazyLock::new(|| password(b"secret"));

/// The messages of an honest client that is let in. Server nonce and time stand still, so they are good again each time.
static HONEST: LazyLock<BTreeMap<&'static str, Vec<Vec<u8>>>> = LazyLock::new(|| {
    Mechanism::ALL
        .into_iter()
        .map(|mechanism| {
            let login = SITE.log_in(start(mechanism, "joe", &SECRET));
            assert!(login.is_accepted(), "{mechanism}: {login:?}");
            (mechanism.name(), login.messages)
        })
        .collect()
});

fn honest(mechanism: Mechanism) -> Vec<Vec<u8>> {
    HONEST[mechanism.name()].clone()
}

#[test]
fn the_first_step_follows_from_who_speaks_first() {
    for mechanism in Mechanism::ALL {
        let absent = SITE.begin(mechanism, None);
        assert_eq!(absent.challenge().is_empty(), mechanism.initiative() == Initiative::ClientFirst, "{mechanism}");
        if mechanism.initiative() == Initiative::ClientFirst {
            // The first response is the same as an initial one.
            let messages = honest(mechanism);
            let mut late = absent.respond(&messages[0]);
            for message in &messages[1..] {
                late = late.respond(message);
            }
            assert!(late.ending().is_authenticated(), "{mechanism}");
        } else if mechanism != Mechanism::Login {
            let challenge = SITE.begin(mechanism, Some(b"whatever")).challenge().to_vec();
            assert_eq!(challenge, absent.challenge(), "{mechanism} takes no initial response");
        }
    }
}

#[test]
fn login_takes_the_name_as_initial_response_and_an_empty_one_for_none() {
    assert_eq!(SITE.begin(Mechanism::Login, Some(b"")).challenge(), b"Username:");
    let named = SITE.begin(Mechanism::Login, Some(b"joe"));
    assert_eq!(named.challenge(), b"Password:");
    assert!(named.respond(b"secret").ending().is_authenticated());
}

#[test]
fn present_and_empty_is_no_name() {
    for mechanism in [Mechanism::Plain, Mechanism::ScramSha1, Mechanism::ScramSha256, Mechanism::ScramSha512] {
        assert!(matches!(SITE.begin(mechanism, Some(b"")).ending(), Ending::Denied(_)), "{mechanism}");
    }
}

#[test]
fn external_goes_by_the_certificate_alone() {
    for (certificate, authzid, accepted) in [
        (Some("joe"), "", true),
        (Some("joe@example.org"), "joe", true),
        (Some("joe"), "ann", false),
        (Some("ann"), "joe", false),
        (Some("ann"), "", false),
        (Some(""), "", false),
        (None, "", false),
        (None, "joe", false),
    ] {
        let mut site = Site::with("joe@example.org", b"secret");
        site.context.certificate_name = certificate.map(|name| name.as_bytes().to_vec());
        let ending = site.begin(Mechanism::External, Some(authzid.as_bytes())).ending();
        assert_eq!(ending.is_authenticated(), accepted, "{certificate:?} {authzid}");
    }
}

/// Every spelling of the design's table, and others where the mechanism does not hash the name.
#[test]
fn a_name_is_found_in_each_of_its_spellings() {
    for typed in ["joe", "joe@example.org", "joe@mx1", "joe@mx1.example.org"] {
        for mechanism in Mechanism::ALL {
            assert!(SITE.log_in(start(mechanism, typed, &SECRET)).is_accepted(), "{mechanism} {typed}");
        }
        for realm in ["", "example.org", "mx1", "mx1.example.org"] {
            let start = ClientStart { realm: Some(realm), ..start(Mechanism::DigestMd5, typed, &SECRET) };
            assert!(SITE.log_in(start).is_accepted(), "{typed} {realm}");
        }
    }
    for mechanism in Mechanism::ALL.into_iter().filter(|m| *m != Mechanism::DigestMd5) {
        assert!(SITE.log_in(start(mechanism, "JOE@Example.ORG", &SECRET)).is_accepted(), "{mechanism}");
    }
    let elsewhere = ClientStart { realm: Some("other.test"), ..start(Mechanism::DigestMd5, "joe", &SECRET) };
    assert!(!SITE.log_in(elsewhere).is_accepted());
}

/// Same steps, challenges of the same length, same refusal: nothing tells who exists.
#[test]
fn an_unknown_name_takes_the_steps_of_a_wrong_password() {
    let wrong = password(b"Secret");
    for schemes in [&Scheme::DERIVED[..], &Scheme::DERIVED[..1], &Scheme::DERIVED[3..4]] {
        let joe = crate::site::identity("joe@example.org");
        let secrets = crate::site::secrets(&joe, b"secret", schemes);
        let joe = crate::site::account(joe, vec![crate::site::stored("main", secrets)]);
        let site = Site::new(schemes, [joe]);
        for mechanism in Mechanism::ALL.into_iter().filter(|m| *m != Mechanism::External) {
            let known = site.log_in(start(mechanism, "joe", &wrong));
            for name in ["ann", "eve@other.test", "a\"b", "a:b", "j\u{202E}oe"] {
                let unknown = site.log_in(start(mechanism, name, &wrong));
                assert!(!unknown.is_accepted());
                assert_eq!(unknown.shape.len(), known.shape.len(), "{mechanism} {name}");
                if name.len() == 3 {
                    assert_eq!(unknown.shape, known.shape, "{mechanism} {name}");
                }
            }
            assert_eq!(known.shape.last(), Some(&Shape::Denied));
        }
    }
}

/// A decoy is an account like any other, but not even its own password makes it one.
#[test]
fn a_decoy_never_logs_in() {
    let decoys = password(b"\xffnobody knows");
    for mechanism in Mechanism::ALL.into_iter().filter(|m| *m != Mechanism::External) {
        for name in ["decoy", "ann"] {
            let login = SITE.log_in(start(mechanism, name, &decoys));
            assert!(matches!(login.ending, Some(Ending::Denied(_)) | None), "{mechanism} {name}: {login:?}");
        }
    }
}

#[test]
fn the_salt_of_a_name_stays_the_same() {
    for name in ["joe", "ann", "eve@other.test"] {
        for mechanism in [Mechanism::ScramSha1, Mechanism::ScramSha256, Mechanism::ScramSha512] {
            let first = format!("n,,n={name},r=abc");
            let challenge = || SITE.begin(mechanism, Some(first.as_bytes())).challenge().to_vec();
            assert_eq!(challenge(), challenge());
        }
    }
}

fn any_mechanism() -> impl Strategy<Value = Mechanism> {
    prop::sample::select(Mechanism::ALL.to_vec())
}

/// What somebody in the middle may do to the messages of an honest client.
#[derive(Debug, Clone)]
enum Meddling {
    Cut { message: usize, at: usize },
    Flip { message: usize, at: usize, bits: u8 },
    Insert { message: usize, at: usize, byte: u8 },
    Remove { message: usize, at: usize },
    Replace { message: usize, with: Vec<u8> },
    Repeat { message: usize },
    Drop { message: usize },
    Swap { message: usize, other: usize },
}

fn meddling() -> impl Strategy<Value = Meddling> {
    let number = || 0..4usize;
    let place = || 0..400usize;
    prop_oneof![
        (number(), place()).prop_map(|(message, at)| Meddling::Cut { message, at }),
        (number(), place(), 1..=255u8).prop_map(|(message, at, bits)| Meddling::Flip { message, at, bits }),
        (number(), place(), any::<u8>()).prop_map(|(message, at, byte)| Meddling::Insert { message, at, byte }),
        (number(), place()).prop_map(|(message, at)| Meddling::Remove { message, at }),
        (number(), vec(any::<u8>(), 0..60)).prop_map(|(message, with)| Meddling::Replace { message, with }),
        number().prop_map(|message| Meddling::Repeat { message }),
        number().prop_map(|message| Meddling::Drop { message }),
        (number(), number()).prop_map(|(message, other)| Meddling::Swap { message, other }),
    ]
}

impl Meddling {
    fn apply(&self, messages: &mut Vec<Vec<u8>>) {
        if messages.is_empty() {
            return;
        }
        let count = messages.len();
        let within = |message: &[u8], at: usize| at % (message.len() + 1);
        match *self {
            Self::Cut { message, at } => {
                let message = &mut messages[message % count];
                message.truncate(within(message, at));
            }
            Self::Flip { message, at, bits } => {
                let message = &mut messages[message % count];
                let at = within(message, at);
                if let Some(byte) = message.get_mut(at) {
                    *byte ^= bits;
                }
            }
            Self::Insert { message, at, byte } => {
                let message = &mut messages[message % count];
                let at = within(message, at);
                message.insert(at, byte);
            }
            Self::Remove { message, at } => {
                let message = &mut messages[message % count];
                let at = within(message, at);
                if at < message.len() {
                    message.remove(at);
                }
            }
            Self::Replace { message, ref with } => messages[message % count].clone_from(with),
            Self::Repeat { message } => {
                let message = message % count;
                messages.insert(message, messages[message].clone());
            }
            Self::Drop { message } => {
                messages.remove(message % count);
            }
            Self::Swap { message, other } => messages.swap(message % count, other % count),
        }
    }
}

/// Whether two client messages say the same, judged by eyes of their own: the names of an account may differ in case, hex
/// digits too, and DIGEST-MD5 may order, quote and space its directives as it likes and add what means nothing.
fn says_the_same(mechanism: Mechanism, one: &[u8], other: &[u8]) -> bool {
    match mechanism {
        Mechanism::CramMd5 => one.eq_ignore_ascii_case(other),
        Mechanism::Plain => {
            let split = |message: &[u8]| {
                let mut parts: Vec<Vec<u8>> = message.splitn(3, |b| *b == 0).map(<[u8]>::to_vec).collect();
                parts.iter_mut().take(2).for_each(|name| name.make_ascii_lowercase());
                parts
            };
            split(one) == split(other)
        }
        Mechanism::Login | Mechanism::External => one == other || (one != b"secret" && one.eq_ignore_ascii_case(other)),
        Mechanism::DigestMd5 => digest_meaning(one) == digest_meaning(other),
        _ => one == other,
    }
}

/// What a digest-response proves.
fn digest_meaning(message: &[u8]) -> BTreeMap<String, String> {
    let text: String = message.iter().map(|byte| char::from(*byte)).collect();
    let mut quoted = false;
    let fields = text.split(|c| {
        quoted ^= c == '"';
        c == ',' && !quoted
    });
    let mut meaning = BTreeMap::new();
    for field in fields {
        let (name, value) = field.split_once('=').unwrap_or((field, ""));
        let name = name.trim().to_lowercase();
        let value = value.trim().trim_matches('"').replace('\\', "");
        let value = if name == "response" { value.to_lowercase() } else { value };
        if ["username", "realm", "nonce", "cnonce", "digest-uri", "response", "authzid"].contains(&name.as_str()) {
            meaning.insert(name, value);
        }
    }
    meaning
}

/// Every byte of every honest message counts, or is one of those that mean the same in another shape.
#[test]
fn no_byte_can_be_changed_or_left_out() {
    for mechanism in Mechanism::ALL {
        let honest = honest(mechanism);
        for message in 0..honest.len() {
            for at in 0..honest[message].len() {
                let removed = Meddling::Remove { message, at };
                let flipped = [0x01, 0x20, 0x80].map(|bits| Meddling::Flip { message, at, bits });
                for step in flipped.into_iter().chain([removed, Meddling::Cut { message, at }]) {
                    let mut messages = honest.clone();
                    step.apply(&mut messages);
                    let (ending, _) = SITE.play(mechanism, &messages);
                    let same = says_the_same(mechanism, &messages[message], &honest[message]);
                    let accepted = ending.is_some_and(|ending| ending.is_authenticated());
                    assert!(!accepted || same, "{mechanism}: {}", messages[message].escape_ascii());
                }
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4096, failure_persistence: None, ..ProptestConfig::default() })]

    /// No stray, repeated, truncated, reordered or early-ended input ends in success, unless it says what the honest
    /// client said.
    #[test]
    fn meddled_messages_never_log_in(mechanism in any_mechanism(), steps in vec(meddling(), 1..4)) {
        let honest = honest(mechanism);
        let mut messages = honest.clone();
        steps.iter().for_each(|step| step.apply(&mut messages));
        let (ending, taken) = SITE.play(mechanism, &messages);
        if ending.is_some_and(|ending| ending.is_authenticated()) {
            prop_assert_eq!(taken, honest.len());
            for (sent, meant) in messages.iter().zip(&honest) {
                let same = says_the_same(mechanism, sent, meant);
                prop_assert!(same, "{}: {}", mechanism, sent.escape_ascii());
            }
        }
    }

    #[test]
    fn noise_never_logs_in(mechanism in any_mechanism(), messages in vec(vec(any::<u8>(), 0..300), 0..5)) {
        // An empty message is all that EXTERNAL's client has to say: the certificate speaks for it.
        prop_assume!(mechanism != Mechanism::External);
        let (ending, _) = SITE.play(mechanism, &messages);
        prop_assert!(!ending.is_some_and(|ending| ending.is_authenticated()));
    }

    /// Any password at all: itself logs in, another one does not.
    #[test]
    fn the_right_password_logs_in_and_another_does_not(
        right in vec(1..=255u8, 1..80),
        wrong in vec(1..=255u8, 1..80),
    ) {
        prop_assume!(right != wrong);
        let site = Site::with("joe@example.org", &right);
        for mechanism in Mechanism::ALL.into_iter().filter(|m| *m != Mechanism::External) {
            let right = site.log_in(start(mechanism, "joe", &password(&right)));
            prop_assert!(right.is_accepted(), "{}: {:?}", mechanism, right);
            let wrong = site.log_in(start(mechanism, "joe", &password(&wrong)));
            prop_assert!(!wrong.is_accepted(), "{}", mechanism);
        }
    }

    /// Whatever comes, what goes out stays small: no client makes us grow.
    #[test]
    fn challenges_are_bounded(mechanism in any_mechanism(), fill in any::<u8>(), length in 0..70_000usize) {
        let honest = honest(mechanism);
        for position in 0..honest.len().max(1) {
            let mut messages = honest.clone();
            if let Some(message) = messages.get_mut(position) {
                message.extend(std::iter::repeat_n(fill, length));
            }
            let first = mechanism.initiative() == Initiative::ClientFirst;
            let mut rest = messages.iter();
            let mut serving = SITE.begin(mechanism, if first { rest.next().map(Vec::as_slice) } else { None });
            while let crate::site::Turn::Challenge(data, _) = &serving.turn {
                prop_assert!(data.len() < 2048, "{} sends {} bytes", mechanism, data.len());
                let Some(message) = rest.next() else { break };
                serving = serving.respond(message);
            }
        }
    }
}

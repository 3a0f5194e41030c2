//! Unknown, disabled, expired and wrong: the same conversation to the byte, but for the name and the salt that belongs to it, and each
//! line at the same time. What the time of the work itself tells is in docs/indistinguishable.md.

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

use std::time::Duration;

use base64ct::{Base64, Encoding};
use sasldb::credential::{Label, PasswordFacts, PasswordHash, Secrets, StoredPassword};
use sasldb::mechanism::client::{self, ClientStart};
use sasldb::runtime::UnixTime;
use sasldb::secret::Password;
use sasldb::store::{Change, CredentialAdmin, Provision};
use sasldb::vocabulary::Mechanism;
use transcript::{DELAY, World, shown};

const RIGHT: &str = "secret";

/// Names of one length: (name, what is tried, what becomes of the account).
const FAILURES: [(&str, &str, State); 6] = [
    ("wrong1", "terces", State::Active),
    ("nobody", RIGHT, State::None),
    ("disab1", RIGHT, State::Disabled),
    ("disab2", "terces", State::Disabled),
    ("expir1", RIGHT, State::Expired),
    ("expir2", "terces", State::Expired),
];

#[derive(Clone, Copy, PartialEq)]
enum State {
    None,
    Active,
    Disabled,
    Expired,
}

/// All in which there is a secret.
fn mechanisms() -> Vec<Mechanism> {
    Mechanism::ALL.into_iter().filter(|m| *m != Mechanism::External).collect()
}

/// How the accounts of a site came about.
type Put = fn(&mut World, &str);

fn with_password(world: &mut World, name: &str) {
    world.add(name, RIGHT);
}

fn with_imported_hash(world: &mut World, name: &str) {
    let hash = PasswordHash::parse("$1$saltsalt$qjXMvbEw8oaL.CzflDtaK/").unwrap();
    let change = Provision::password(
        store::identity(name, "example.com"),
        StoredPassword {
            facts: PasswordFacts::unlimited(Label::main()),
            secrets: Secrets { hash: Some(hash), ..Secrets::default() },
        },
        None,
    )
    .into();
    let _ = world.store.apply(change, &store::actor(), store::NOW).unwrap();
}

fn world(put: Put) -> World {
    let mut world = World::new("example.com");
    world.announce(mechanisms().into_iter().collect());
    for (name, _, state) in FAILURES {
        if state == State::None {
            continue;
        }
        put(&mut world, name);
        let key = store::identity(name, "example.com").key();
        let change = match state {
            State::Disabled => Change::SetDisabled { key, disabled: true },
            State::Expired => Change::SetExpiry { key, expires: Some(UnixTime(1)) },
            State::None | State::Active => continue,
        };
        let _ = world.store.apply(change, &store::actor(), store::NOW).unwrap();
    }
    put(&mut world, "right1");
    world
}

/// All that the server says to `name` with `password`, with the time of each line, and with `NAME` and the length of the salt
/// in the place of what has to differ.
fn conversation(put: Put, mechanism: Mechanism, name: &str, password: &str) -> Vec<String> {
    let mut world = world(put);
    world.connect();
    while world.next_line().is_some() {}
    world.receive(b"VERSION\t1\t2\nCPID\t7\n");
    let password = Password::new(password.as_bytes().to_vec()).unwrap();
    let start = ClientStart {
        mechanism,
        authcid: name,
        authzid: None,
        password: &password,
        realm: None,
        service: "smtp",
        host: "mail.example.com",
        nonce: "uUfRHQ5icFttMVUeZMyo9g==",
    };
    let opening = client::begin(start);
    let initial = opening.initial.map(|initial| format!("\tresp={}", Base64::encode_string(initial.expose())));
    let request = format!("AUTH\t1\t{}\tservice=smtp\tsecured{}\n", mechanism.name(), initial.unwrap_or_default());
    world.receive(request.as_bytes());

    let mut client = opening.next;
    let mut heard = Vec::new();
    loop {
        let (when, line) = next(&mut world);
        let line = shown(&line);
        heard.push(format!("{when:?} {}", shape(&line.replace(name, "NAME"))));
        let Some(challenge) = line.strip_prefix("CONT<T>1<T>") else { return heard };
        let Ok((response, next)) = client.challenge(&Base64::decode_vec(challenge).unwrap()) else { return heard };
        client = next;
        let response = Base64::encode_string(response.expose());
        world.receive(format!("CONT\t1\t{response}\n").as_bytes());
    }
}

/// The next line, and how long it takes to come.
fn next(world: &mut World) -> (Duration, Vec<u8>) {
    const STEP: Duration = Duration::from_millis(100);
    let mut waited = Duration::ZERO;
    loop {
        if let Some(line) = world.next_line() {
            return (waited, line);
        }
        assert!(!world.closed && waited <= DELAY * 2, "nothing comes");
        world.advance(STEP);
        waited += STEP;
    }
}

/// server-first-message with its salt as a length; other lines as they are. Nonces are counted in this world, so they are the same.
fn shape(line: &str) -> String {
    let challenge = line.strip_prefix("CONT<T>1<T>").and_then(|data| Base64::decode_vec(data).ok());
    let Some(challenge) = challenge.and_then(|bytes| String::from_utf8(bytes).ok()) else { return line.to_owned() };
    let fields = challenge.split(',').map(|field| match field.strip_prefix("s=") {
        Some(salt) => format!("s of {} bytes", Base64::decode_vec(salt).unwrap().len()),
        None => field.to_owned(),
    });
    fields.collect::<Vec<_>>().join(",")
}

fn all_failures_look_alike(put: Put) {
    for mechanism in mechanisms() {
        let [first, rest @ ..] = FAILURES.map(|(name, tried, _)| (name, conversation(put, mechanism, name, tried)));
        let (_, model) = first;
        let last = model.last().unwrap();
        assert_eq!(last, "2s FAIL<T>1<T>user=NAME@example.com", "{}: {model:?}", mechanism.name());
        for (name, heard) in rest {
            assert_eq!(heard, model, "{} of {name}", mechanism.name());
        }
    }
}

#[test]
fn every_failure_is_the_same_conversation_in_every_mechanism() {
    assert_eq!(mechanisms().len(), 7);
    all_failures_look_alike(with_password);
    for mechanism in mechanisms() {
        let heard = conversation(with_password, mechanism, "right1", RIGHT);
        let right = heard.last().unwrap();
        let scram_512 = mechanism == Mechanism::ScramSha512;
        assert_eq!(right.contains(" OK<T>1<T>user=NAME"), !scram_512, "{} would do: {heard:?}", mechanism.name());
    }
}

/// Challenge mechanisms included, which these accounts cannot use at all.
#[test]
fn so_it_is_where_accounts_have_nothing_but_imported_hashes() {
    all_failures_look_alike(with_imported_hash);
}

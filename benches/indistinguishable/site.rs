//! A site with accounts of each kind, and one login that fails.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use sasldb::credential::{Iterations, Label, PasswordFacts, Recipe, StoredPassword, derive};
use sasldb::exchange::{self, Asked, Context, Outcome, Policy, Progress};
use sasldb::identity::{Identity, Name, Realm, Realms};
use sasldb::mechanism::client::{self, ClientStart};
use sasldb::runtime::{SystemEntropy, UnixTime};
use sasldb::secret::Password;
use sasldb::store::sqlite::{Creation, Reader, Writer};
use sasldb::store::{Actor, Answer, Change, CredentialAdmin, CredentialLookup, DecoyShape, Place, Provision, Ticket};
use sasldb::vocabulary::{InitialResponse, Mechanism, Scheme, ScramHash};

/// SCRAM-SHA-512 is no default scheme: there are no keys for it.
pub(crate) const MECHANISMS: [Mechanism; 7] = [
    Mechanism::ScramSha512,
    Mechanism::ScramSha256,
    Mechanism::ScramSha1,
    Mechanism::DigestMd5,
    Mechanism::CramMd5,
    Mechanism::Login,
    Mechanism::Plain,
];

const SCHEMES: [Scheme; 4] =
    [Scheme::DigestMd5, Scheme::CramMd5, Scheme::Scram(ScramHash::Sha1), Scheme::Scram(ScramHash::Sha256)];

/// Few, as neither side of the measurement derives anything.
const ITERATIONS: u32 = 2;

const NOW: UnixTime = UnixTime(1_800_000_000);

const RIGHT: &str = "secret";

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Case {
    Wrong,
    Unknown,
    Disabled,
    Expired,
}

impl Case {
    pub(crate) const ALL: [Self; 4] = [Self::Wrong, Self::Unknown, Self::Disabled, Self::Expired];

    /// A name, and the right password but where the account could log in with it: that is harder to hide.
    pub(crate) fn credentials(self, number: usize) -> (String, Password) {
        let password = if self == Self::Wrong { "terces" } else { RIGHT };
        (self.name(number), Password::new(password.into()).unwrap())
    }

    /// All names are of one length.
    fn name(self, number: usize) -> String {
        let kind = match self {
            Self::Wrong => "wro",
            Self::Unknown => "unk",
            Self::Disabled => "dis",
            Self::Expired => "exp",
        };
        // Spread over the table: neighbours are not of one kind.
        format!("{:08x}{kind}", (number as u32).wrapping_mul(2_654_435_769))
    }
}

/// Nanoseconds from each message to what comes of it.
pub(crate) type Moments = Vec<f64>;

pub(crate) fn message_name(mechanism: Mechanism, message: usize) -> &'static str {
    match (mechanism.scram_hash(), message) {
        (Some(_), 0) => "first message",
        (Some(_), _) => "proof",
        (None, _) => "last message",
    }
}

pub(crate) struct Site {
    place: Place,
    policy: Arc<Policy>,
    folder: tempfile::TempDir,
}

impl Site {
    /// `accounts` of each kind, in memory: what a disk does is no matter of who exists.
    pub(crate) fn new(accounts: usize) -> Self {
        let folder = tempfile::tempdir_in("/dev/shm").unwrap();
        let place = Place::at(folder.path().join("accounts.db"), None);
        let realms = Realms::new(Realm::new("example.com").unwrap(), [Realm::new("mx1").unwrap()]);
        let actor = Actor { uid: 0, program: "bench".to_owned() };
        let creation = Creation { realms: realms.clone(), actor: actor.clone(), now: NOW };
        let mut writer = Writer::open(&place, &creation, Box::new(SystemEntropy)).unwrap();
        for number in 0..accounts {
            for case in [Case::Wrong, Case::Disabled, Case::Expired] {
                put(&mut writer, case, number, &actor);
            }
        }
        let mechanisms = Mechanism::ALL.into_iter().collect();
        let policy = Policy {
            mechanisms,
            plaintext_needs_tls: true,
            realms,
            hostname: "mx1.example.com".to_owned(),
            learn: Vec::new(),
        };
        Self { place, policy: Arc::new(policy), folder }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn database(&self) -> &Path {
        &self.place.database
    }

    pub(crate) fn reader(&self) -> Reader {
        let shape = DecoyShape { usual_iterations: ITERATIONS, schemes: SCHEMES.to_vec() };
        Reader::open(&self.place, shape).unwrap()
    }

    /// One failed login, and how long the server's side of each message took from the look-up on.
    pub(crate) fn fail(&self, reader: &mut Reader, mechanism: Mechanism, case: Case, number: usize) -> Moments {
        let (name, password) = case.credentials(number);
        let opening = client::begin(start(mechanism, &name, &password));
        let mut client = opening.next;
        let initial = match &opening.initial {
            Some(initial) => InitialResponse::Present(initial.expose()),
            None => InitialResponse::Absent,
        };
        let context = Context { service: "smtp".into(), secured: true, ..Context::default() };
        let mut moments = Moments::new();
        let mut answer = |next: Asked, who| {
            reader.begin_turn();
            let Answer::Now(found) = reader.look_up(who, Ticket(1)) else { panic!("SQLite answers at once") };
            let progress = next.answer(found, NOW);
            reader.end_turn();
            progress
        };
        let mut began = Instant::now();
        let mut progress = exchange::begin(&self.policy, context, mechanism, initial, "a+nonce+of+24+characters", NOW);
        loop {
            if let Progress::LookUp { who, next } = progress {
                progress = answer(next, who);
                moments.push(began.elapsed().as_nanos() as f64);
            } else if !moments.is_empty() && moments.len() < 2 {
                moments.push(began.elapsed().as_nanos() as f64);
            }
            progress = match progress {
                Progress::Challenge { data, next } => {
                    let (response, after) = client.challenge(&data).unwrap();
                    client = after;
                    began = Instant::now();
                    next.respond(response.expose())
                }
                Progress::Done(Outcome::Denied(_)) => return moments,
                other => panic!("{other:?}"),
            };
        }
    }
}

/// What a client of `mechanism` begins with.
pub(crate) fn start<'a>(mechanism: Mechanism, authcid: &'a str, password: &'a Password) -> ClientStart<'a> {
    ClientStart {
        mechanism,
        authcid,
        authzid: None,
        password,
        realm: None,
        service: "smtp",
        host: "mx1.example.com",
        nonce: "uUfRHQ5icFttMVUeZMyo9g==",
    }
}

fn put(writer: &mut Writer, case: Case, number: usize, actor: &Actor) {
    let identity = Identity::new(Name::new(&case.name(number)).unwrap(), Realm::new("example.com").unwrap());
    let basis = writer.basis(&identity, &Label::main()).unwrap();
    let recipe = Recipe {
        identity: &identity,
        realms: &basis.realms,
        salt_key: &basis.salt_key,
        schemes: &SCHEMES,
        iterations: Iterations { usual: ITERATIONS, bound: &[] },
    };
    let secrets = derive(&Password::new(RIGHT.into()).unwrap(), &recipe);
    let facts = PasswordFacts::unlimited(Label::main());
    let key = identity.key();
    let _ = writer
        .apply(Provision::password(identity, StoredPassword { facts, secrets }, None).into(), actor, NOW)
        .unwrap();
    let change = match case {
        Case::Disabled => Change::SetDisabled { key, disabled: true },
        Case::Expired => Change::SetExpiry { key, expires: Some(UnixTime(1)) },
        Case::Wrong | Case::Unknown => return,
    };
    let _ = writer.apply(change, actor, NOW).unwrap();
}

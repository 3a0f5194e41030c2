//! A site with a few accounts and no socket: exchanges are run to their end here, message by message.

use std::collections::BTreeMap;
use std::sync::Arc;

use sasldb::credential::{
    Account, AccountState, IterationCensus, Iterations, Label, Lookup, PasswordFacts, Recipe, SaltKey, Secrets,
    StoredPassword, Who, derive,
};
use sasldb::exchange::{self, Context, Outcome, Policy, Progress, Waiting};
use sasldb::identity::{Authcid, Identity, IdentityKey, Realm, Realms};
use sasldb::mechanism::client::{self, ClientError, ClientStart, ServerProof};
use sasldb::runtime::UnixTime;
use sasldb::secret::Password;
use sasldb::vocabulary::{InitialResponse, Mechanism, Scheme};

pub(crate) const ITERATIONS: u32 = 64;
pub(crate) const NOW: UnixTime = UnixTime(1_795_492_596);
pub(crate) const NONCE: &str = "c2VydmVyIG5vbmNlIG9mIDE4IGI";

pub(crate) fn password(text: &[u8]) -> Password {
    Password::new(text.to_vec()).unwrap()
}

pub(crate) fn realm(text: &str) -> Realm {
    Realm::new(text).unwrap()
}

/// `name@realm`.
pub(crate) fn identity(text: &str) -> Identity {
    realms().resolve(&Authcid::parse(text).unwrap(), None)
}

pub(crate) fn realms() -> Realms {
    Realms::new(realm("example.org"), [realm("mx1"), realm("mx1.example.org")])
}

pub(crate) fn salt_key() -> SaltKey {
    SaltKey::new([7; 32])
}

pub(crate) fn secrets(of: &Identity, text: &[u8], schemes: &[Scheme]) -> Secrets {
    let recipe = Recipe {
        identity: of,
        realms: &realms(),
        salt_key: &salt_key(),
        schemes,
        iterations: Iterations { usual: ITERATIONS, bound: &[] },
    };
    derive(&password(text), &recipe)
}

pub(crate) fn stored(label: &str, secrets: Secrets) -> StoredPassword {
    StoredPassword { facts: PasswordFacts::unlimited(Label::new(label).unwrap()), secrets }
}

pub(crate) fn account(identity: Identity, passwords: Vec<StoredPassword>) -> Account {
    Account {
        identity,
        state: AccountState::default(),
        revision: 1,
        created: UnixTime(0),
        changed: UnixTime(0),
        mechanisms: None,
        passwords,
    }
}

/// How an exchange went, without what only the log may know.
#[derive(Debug)]
pub(crate) enum Ending {
    /// Label of the password; final data.
    Authenticated(Option<String>, Option<Vec<u8>>),
    Denied(String),
    Unavailable,
}

impl Ending {
    pub(crate) fn is_authenticated(&self) -> bool {
        matches!(self, Self::Authenticated(..))
    }
}

pub(crate) struct Site {
    pub(crate) policy: Arc<Policy>,
    pub(crate) context: Context,
    accounts: BTreeMap<IdentityKey, Arc<Account>>,
    decoy: Arc<Account>,
}

impl Site {
    /// Unknown names are answered with a decoy that has one password in these schemes.
    pub(crate) fn new(schemes: &[Scheme], accounts: impl IntoIterator<Item = Account>) -> Self {
        let policy = Policy {
            mechanisms: Mechanism::ALL.into_iter().collect(),
            plaintext_needs_tls: true,
            realms: realms(),
            hostname: "mx1.example.org".to_owned(),
            learn: Vec::new(),
        };
        let context = Context {
            service: "smtp".into(),
            secured: true,
            certificate_name: Some(b"joe".to_vec()),
            ..Context::default()
        };
        let decoy = identity("decoy@example.org");
        let secrets = secrets(&decoy, b"\xffnobody knows", schemes);
        Self {
            policy: Arc::new(policy),
            context,
            accounts: accounts.into_iter().map(|a| (a.identity.key(), Arc::new(a))).collect(),
            decoy: Arc::new(account(decoy, vec![stored("main", secrets)])),
        }
    }

    /// An account `name` with one password in every scheme.
    pub(crate) fn with(name: &str, password: &[u8]) -> Self {
        let identity = identity(name);
        let secrets = secrets(&identity, password, &Scheme::DERIVED);
        Self::new(&Scheme::DERIVED, [account(identity, vec![stored("main", secrets)])])
    }

    pub(crate) fn lookup(&self, who: Who) -> Lookup {
        let account = match &who {
            Who::Account(key) => self.accounts.get(key),
            Who::Nobody(_) => None,
        };
        Lookup {
            known: account.is_some(),
            account: Arc::clone(account.unwrap_or(&self.decoy)),
            who,
            salt_key: Arc::new(salt_key()),
            census: Arc::new(IterationCensus::new(ITERATIONS, Vec::new())),
        }
    }

    pub(crate) fn begin<'a>(&'a self, mechanism: Mechanism, initial: Option<&[u8]>) -> Serving<'a> {
        self.begin_with_nonce(mechanism, initial, NONCE)
    }

    pub(crate) fn begin_with_nonce<'a>(
        &'a self,
        mechanism: Mechanism,
        initial: Option<&[u8]>,
        nonce: &str,
    ) -> Serving<'a> {
        let initial = initial.map_or(InitialResponse::Absent, InitialResponse::Present);
        let progress = exchange::begin(&self.policy, self.context.clone(), mechanism, initial, nonce, NOW);
        Serving { site: self, shape: Vec::new(), turn: Turn::Ended(Ending::Unavailable) }.settle(progress)
    }

    /// Gives `messages` one after the other, the first as initial response where the client speaks first, until the exchange
    /// ends; `None` if it has not ended when they are used up. Also how many were taken.
    pub(crate) fn play(&self, mechanism: Mechanism, messages: &[Vec<u8>]) -> (Option<Ending>, usize) {
        let first = matches!(mechanism.initiative(), sasldb::vocabulary::Initiative::ClientFirst);
        let mut taken = usize::from(first && !messages.is_empty());
        let mut serving = self.begin(mechanism, messages.first().filter(|_| first).map(Vec::as_slice));
        loop {
            match serving.turn {
                Turn::Ended(ending) => return (Some(ending), taken),
                Turn::Challenge(..) if taken == messages.len() => return (None, taken),
                Turn::Challenge(..) => {
                    serving = serving.respond(&messages[taken]);
                    taken += 1;
                }
            }
        }
    }

    /// Runs our own client against the site. Gives the ending, what the client makes of it, and its messages.
    pub(crate) fn log_in(&self, start: ClientStart<'_>) -> Login {
        let opening = client::begin(start);
        let mut messages: Vec<Vec<u8>> = opening.initial.iter().map(|m| m.expose().to_vec()).collect();
        let mut serving = self.begin(start.mechanism, messages.first().map(Vec::as_slice));
        let mut next = opening.next;
        loop {
            match serving.turn {
                Turn::Challenge(ref challenge, _) => match next.challenge(challenge) {
                    Ok((response, then)) => {
                        messages.push(response.expose().to_vec());
                        serving = serving.respond(response.expose());
                        next = then;
                    }
                    Err(error) => {
                        return Login { ending: None, proof: Err(error), messages, shape: serving.shape };
                    }
                },
                Turn::Ended(ending) => {
                    let final_data = match &ending {
                        Ending::Authenticated(_, data) => data.clone(),
                        _ => None,
                    };
                    let proof = next.success(final_data.as_deref());
                    return Login { ending: Some(ending), proof, messages, shape: serving.shape };
                }
            }
        }
    }
}

#[derive(Debug)]
pub(crate) struct Login {
    pub(crate) ending: Option<Ending>,
    pub(crate) proof: Result<ServerProof, ClientError>,
    pub(crate) messages: Vec<Vec<u8>>,
    pub(crate) shape: Vec<Shape>,
}

impl Login {
    pub(crate) fn is_accepted(&self) -> bool {
        self.ending.as_ref().is_some_and(Ending::is_authenticated) && self.proof.is_ok()
    }

    pub(crate) fn label(&self) -> Option<&str> {
        match &self.ending {
            Some(Ending::Authenticated(label, _)) => label.as_deref(),
            _ => None,
        }
    }
}

/// What somebody sees who watches the server work.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Shape {
    Challenge { length: usize },
    LookUp,
    Compute,
    Denied,
    Authenticated,
}

#[allow(clippy::large_enum_variant, reason = "one of them at a time")]
pub(crate) enum Turn {
    Challenge(Vec<u8>, Waiting),
    Ended(Ending),
}

/// An exchange that waits for the client, or has ended.
pub(crate) struct Serving<'a> {
    site: &'a Site,
    pub(crate) shape: Vec<Shape>,
    pub(crate) turn: Turn,
}

impl Serving<'_> {
    pub(crate) fn challenge(&self) -> &[u8] {
        match &self.turn {
            Turn::Challenge(data, _) => data,
            Turn::Ended(ending) => panic!("{ending:?}"),
        }
    }

    pub(crate) fn ending(self) -> Ending {
        match self.turn {
            Turn::Ended(ending) => ending,
            Turn::Challenge(data, _) => panic!("{}", data.escape_ascii()),
        }
    }

    pub(crate) fn respond(self, message: &[u8]) -> Self {
        match self.turn {
            Turn::Challenge(_, waiting) => {
                let progress = waiting.respond(message);
                Self { turn: Turn::Ended(Ending::Unavailable), ..self }.settle(progress)
            }
            Turn::Ended(ending) => panic!("{ending:?}"),
        }
    }

    fn settle(mut self, mut progress: Progress) -> Self {
        loop {
            progress = match progress {
                Progress::Challenge { data, next } => {
                    self.shape.push(Shape::Challenge { length: data.len() });
                    self.turn = Turn::Challenge(data, next);
                    return self;
                }
                Progress::LookUp { who, next } => {
                    self.shape.push(Shape::LookUp);
                    next.answer(Ok(self.site.lookup(who)), NOW)
                }
                Progress::Compute(work) => {
                    self.shape.push(Shape::Compute);
                    Progress::Done(work.run())
                }
                Progress::Done(outcome) => {
                    let ending = match outcome {
                        Outcome::Authenticated(mut success) => {
                            let label = success.label().map(|label| label.as_str().to_owned());
                            Ending::Authenticated(label, success.take_final_data())
                        }
                        Outcome::Denied(denied) => Ending::Denied(denied.reason().to_string()),
                        Outcome::Unavailable(_) => Ending::Unavailable,
                    };
                    let success = ending.is_authenticated();
                    self.shape.push(if success { Shape::Authenticated } else { Shape::Denied });
                    self.turn = Turn::Ended(ending);
                    return self;
                }
            };
        }
    }
}

/// A client of `mechanism` that is not particular about anything.
pub(crate) fn start<'a>(mechanism: Mechanism, authcid: &'a str, password: &'a Password) -> ClientStart<'a> {
    ClientStart {
        mechanism,
        authcid,
        authzid: None,
        password,
        realm: None,
        service: "smtp",
        host: "mx1.example.org",
        nonce: "Y2xpZW50IG5vbmNl",
    }
}

//! A site with a few accounts, and exchanges that run against it message by message.

use std::sync::{Arc, LazyLock};

use sasldb::credential::{Iterations, Label, Lookup, PasswordFacts, Recipe, SaltKey, StoredPassword, Who, derive};
use sasldb::exchange::{self, Context, Outcome, Policy, Progress, Waiting};
use sasldb::identity::{Identity, Name, Realm, Realms};
use sasldb::runtime::UnixTime;
use sasldb::secret::Password;
use sasldb::store::memory::MemoryStore;
use sasldb::store::{Actor, Answer, Change, CredentialAdmin, CredentialLookup, DecoyShape, Provision, Ticket};
use sasldb::vocabulary::{InitialResponse, Mechanism, Scheme, ScramHash};

pub(crate) const REALM: &str = "example.org";
pub(crate) const ALIAS: &str = "mx1";
pub(crate) const NOW: UnixTime = UnixTime(1_795_492_596);
/// The server's nonce in each exchange.
pub(crate) const NONCE: &str = "c2VydmVyIG5vbmNlIG9mIDE4IGI";

/// An account as the oracles know it.
#[derive(Debug)]
pub(crate) struct Account {
    pub(crate) name: &'static str,
    pub(crate) realm: &'static str,
    pub(crate) passwords: &'static [&'static str],
    pub(crate) disabled: bool,
    /// Whether it has nothing but SCRAM-SHA-256, so that PLAIN takes a slow check.
    pub(crate) scram_only: bool,
}

/// All of them. Names and realms are in lower case and composed.
pub(crate) const ACCOUNTS: [Account; 5] = [
    Account { name: "joe", realm: REALM, passwords: &["secret", "other"], disabled: false, scram_only: false },
    Account { name: "jörg", realm: REALM, passwords: &["pä55"], disabled: false, scram_only: false },
    Account { name: "ann", realm: "other.test", passwords: &["secret"], disabled: false, scram_only: false },
    Account { name: "off", realm: REALM, passwords: &["secret"], disabled: true, scram_only: false },
    Account { name: "slow", realm: REALM, passwords: &["secret"], disabled: false, scram_only: true },
];

impl Account {
    pub(crate) fn identity(&self) -> Identity {
        Identity::new(Name::new(self.name).unwrap(), Realm::new(self.realm).unwrap())
    }
}

/// Few iterations: it is not the hashing that is on trial.
pub(crate) const ITERATIONS: u32 = 2;

pub(crate) struct Site {
    pub(crate) policy: Arc<Policy>,
    store: MemoryStore,
}

/// The one site of all targets; nothing that they do changes it.
pub(crate) static SITE: LazyLock<Site> = LazyLock::new(|| {
    let realms = Realms::new(Realm::new(REALM).unwrap(), [Realm::new(ALIAS).unwrap()]);
    let shape = DecoyShape { usual_iterations: ITERATIONS, schemes: Scheme::DERIVED.to_vec() };
    let mut store = MemoryStore::new(realms.clone(), SaltKey::new([7; 32]), shape);
    for account in &ACCOUNTS {
        for (position, password) in account.passwords.iter().enumerate() {
            let label = if position == 0 { Label::main() } else { Label::new(&format!("label-{position}")).unwrap() };
            set_password(&mut store, account, &label, password);
        }
        if account.disabled {
            let change = Change::SetDisabled { key: account.identity().key(), disabled: true };
            let _ = store.apply(change, &actor(), NOW).unwrap();
        }
    }
    let policy = Policy {
        mechanisms: Mechanism::ALL.into_iter().collect(),
        plaintext_needs_tls: true,
        realms,
        hostname: "mail.example.org".to_owned(),
        learn: Vec::new(),
    };
    Site { policy: Arc::new(policy), store }
});

fn actor() -> Actor {
    Actor { uid: 0, program: "fuzz".to_owned() }
}

fn set_password(store: &mut MemoryStore, account: &Account, label: &Label, text: &str) {
    let basis = store.basis(&account.identity(), label).unwrap();
    let all = Scheme::DERIVED;
    let recipe = Recipe {
        identity: &basis.identity,
        realms: &basis.realms,
        salt_key: &basis.salt_key,
        schemes: if account.scram_only { &[Scheme::Scram(ScramHash::Sha256)] } else { &all },
        iterations: Iterations { usual: ITERATIONS, bound: &basis.iterations },
    };
    let secrets = derive(&password(text), &recipe);
    let facts = PasswordFacts::unlimited(label.clone());
    let change = Provision::password(basis.identity.clone(), StoredPassword { facts, secrets }, basis.revision).into();
    let _ = store.apply(change, &actor(), NOW).unwrap();
}

pub(crate) fn password(text: &str) -> Password {
    Password::new(text.as_bytes().to_vec()).unwrap()
}

/// What the store says of `who`.
pub(crate) fn look_up(who: Who) -> Lookup {
    match SITE.store.clone().look_up(who, Ticket(0)) {
        Answer::Now(answer) => answer.unwrap(),
        Answer::Later => panic!("the store was told to answer at once"),
    }
}

/// How an exchange ended.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    Authenticated { user: String, final_data: Option<Vec<u8>> },
    Denied,
}

/// Whose turn it is.
#[allow(clippy::large_enum_variant, reason = "one of them at a time")]
pub(crate) enum State {
    Challenge(Vec<u8>, Waiting),
    Ended(Ending),
}

/// Begins an exchange over a protected transport.
pub(crate) fn begin(mechanism: Mechanism, certificate_name: Option<&[u8]>, initial: Option<&[u8]>) -> State {
    let context = Context {
        secured: true,
        service: "smtp".into(),
        certificate_name: certificate_name.map(<[u8]>::to_vec),
        ..Context::default()
    };
    let initial = initial.map_or(InitialResponse::Absent, InitialResponse::Present);
    settle(exchange::begin(&SITE.policy, context, mechanism, initial, NONCE, NOW))
}

impl State {
    /// Gives the client's response, if one is waited for.
    pub(crate) fn respond(self, message: &[u8]) -> Self {
        match self {
            Self::Challenge(_, waiting) => settle(waiting.respond(message)),
            ended @ Self::Ended(_) => ended,
        }
    }

    pub(crate) fn challenge(&self) -> Option<&[u8]> {
        match self {
            Self::Challenge(data, _) => Some(data),
            Self::Ended(_) => None,
        }
    }

    /// The ending; a client that has nothing more to say has not logged in.
    pub(crate) fn ending(self) -> Ending {
        match self {
            Self::Challenge(..) => Ending::Denied,
            Self::Ended(ending) => ending,
        }
    }
}

fn settle(mut progress: Progress) -> State {
    let mut asked = false;
    loop {
        progress = match progress {
            Progress::Challenge { data, next } => return State::Challenge(data, next),
            Progress::LookUp { who, next } => {
                assert!(!asked, "a mechanism asks once");
                asked = true;
                next.answer(Ok(look_up(who)), NOW)
            }
            Progress::Compute(work) => Progress::Done(work.run()),
            Progress::Done(Outcome::Authenticated(mut success)) => {
                let user = success.identity().to_string();
                return State::Ended(Ending::Authenticated { user, final_data: success.take_final_data() });
            }
            Progress::Done(Outcome::Denied(_)) => return State::Ended(Ending::Denied),
            Progress::Done(Outcome::Unavailable(failure)) => panic!("{failure:?}"),
        };
    }
}

/// Compares an ending with the account that the oracle lets in, if any.
pub(crate) fn check(ending: &Ending, expected: Option<&Account>) {
    match (ending, expected) {
        (Ending::Authenticated { user, .. }, Some(account)) => assert_eq!(*user, account.identity().to_string()),
        (Ending::Denied, None) => {}
        (Ending::Denied, Some(account)) => panic!("denied, and should be let in as {account:?}"),
        (Ending::Authenticated { user, .. }, None) => panic!("let in as {user}, and should be denied"),
    }
}

/// Replaces each `<word>` in a message by what stands for it.
pub(crate) fn filled(template: &[u8], words: &[(&str, &[u8])]) -> Vec<u8> {
    let mut made = template.to_vec();
    for (word, value) in words {
        let word = format!("<{word}>").into_bytes();
        let mut from = 0;
        while let Some(at) = made.get(from..).and_then(|rest| rest.windows(word.len()).position(|w| w == word)) {
            made.splice(from + at..from + at + word.len(), value.iter().copied());
            from += at + value.len();
        }
    }
    made
}

/// What `<secret>` stands for in a file: a password that nothing that is said repeats.
pub(crate) const SECRET: &str = "v0m-Berg-geholt";

/// Replaces each `<secret>` of a file.
pub(crate) fn with_secret(file: &[u8]) -> Vec<u8> {
    filled(file, &[("secret", SECRET.as_bytes())])
}

/// Whether it can be shown as it is.
pub(crate) fn is_one_line(said: &str) -> bool {
    !said.chars().any(char::is_control)
}

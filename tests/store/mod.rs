//! What the tests of the store share: a place to put it, accounts to put in it.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "a test may fail"
)]
#![allow(dead_code, unreachable_pub, missing_docs, reason = "each test takes what it needs")]

use std::path::Path;
use std::sync::Arc;

use sasldb::credential::{
    AccountState, Iterations, Label, PasswordFacts, Recipe, Secrets, StoredPassword, Who, derive,
};
use sasldb::identity::{Identity, Name, Realm, Realms};
use sasldb::runtime::{SystemEntropy, UnixTime};
use sasldb::secret::Password;
use sasldb::store::sqlite::{Creation, Reader, Watch, Writer};
use sasldb::store::{
    Actor, Answer, Applied, Change, CredentialAdmin, CredentialLookup, DecoyShape, Place, Provision, StoreError, Ticket,
};
use sasldb::vocabulary::{MechanismSet, Scheme, ScramHash};

pub const NOW: UnixTime = UnixTime(1_800_000_000);

pub const SCHEMES: [Scheme; 4] =
    [Scheme::DigestMd5, Scheme::CramMd5, Scheme::Scram(ScramHash::Sha1), Scheme::Scram(ScramHash::Sha256)];

/// Few, so that the tests are about the store and not about hashing.
pub const ITERATIONS: u32 = 2;

pub fn identity(name: &str, realm: &str) -> Identity {
    Identity::new(Name::new(name).unwrap(), Realm::imported(realm).unwrap())
}

pub fn who(identity: &Identity) -> Who {
    Who::Account(identity.key())
}

pub fn realms() -> Realms {
    let realm = |text| Realm::new(text).unwrap();
    Realms::new(realm("example.com"), [realm("mx1"), realm("mx1.example.com")])
}

pub fn actor() -> Actor {
    Actor { uid: 1000, program: "test".to_owned() }
}

pub fn shape() -> DecoyShape {
    DecoyShape { usual_iterations: ITERATIONS, schemes: SCHEMES.to_vec() }
}

pub fn creation() -> Creation {
    Creation { realms: realms(), actor: actor(), now: NOW }
}

pub fn place(folder: &Path) -> Place {
    Place::at(folder.join("accounts.db"), None)
}

pub fn writer(place: &Place) -> Writer {
    Writer::open(place, &creation(), Box::new(SystemEntropy)).unwrap()
}

pub fn reader(place: &Place) -> Reader {
    Reader::open(place, shape()).unwrap()
}

/// For long work that is to come to its end.
pub fn unwatched() -> Watch {
    Arc::new(|_| true)
}

/// Brings what is in the write-ahead log into the database's own file.
pub fn checkpoint(place: &Place) {
    let connection = rusqlite::Connection::open(&place.database).unwrap();
    connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", (), |_| Ok(())).unwrap();
}

pub fn password(text: &str) -> Password {
    Password::new(text.as_bytes().to_vec()).unwrap()
}

/// Derives under `basis` as the programs do.
pub fn secrets(text: &str, basis: &sasldb::store::Basis, iterations: u32) -> Secrets {
    let recipe = Recipe {
        identity: &basis.identity,
        realms: &basis.realms,
        salt_key: &basis.salt_key,
        schemes: &SCHEMES,
        iterations: Iterations { usual: iterations, bound: &basis.iterations },
    };
    derive(&password(text), &recipe)
}

pub fn set(store: &mut dyn CredentialAdmin, identity: &Identity, label: &Label, text: &str) -> Applied {
    set_facts(store, identity, PasswordFacts::unlimited(label.clone()), text)
}

pub fn set_facts(store: &mut dyn CredentialAdmin, identity: &Identity, facts: PasswordFacts, text: &str) -> Applied {
    let basis = store.basis(identity, &facts.label).unwrap();
    let secrets = secrets(text, &basis, ITERATIONS);
    let wanted = Provision::password(basis.identity, StoredPassword { facts, secrets }, basis.revision);
    store.apply(wanted.into(), &actor(), NOW).unwrap().applied
}

/// Sets state and list of mechanisms of an account as it is now, where they are given.
pub fn provision(
    store: &mut dyn CredentialAdmin,
    identity: &Identity,
    state: Option<AccountState>,
    mechanisms: Option<Option<MechanismSet>>,
) -> Change {
    let expected = store.basis(identity, &Label::main()).unwrap().revision;
    Provision { identity: identity.clone(), passwords: Vec::new(), state, mechanisms, expected }.into()
}

pub fn set_main(store: &mut dyn CredentialAdmin, identity: &Identity, text: &str) -> Applied {
    set(store, identity, &Label::main(), text)
}

/// Sets the password `main` where it does not matter what came of it.
pub fn put(store: &mut dyn CredentialAdmin, identity: &Identity, text: &str) {
    let applied = set_main(store, identity, text);
    assert!(matches!(applied, Applied::Created | Applied::Changed));
}

/// Looks up in a store that answers at once.
pub fn look_up(store: &mut dyn CredentialLookup, who: Who) -> Result<sasldb::credential::Lookup, StoreError> {
    match store.look_up(who, Ticket(1)) {
        Answer::Now(answer) => answer,
        Answer::Later => panic!("this store answers at once"),
    }
}

/// Whether the account is there and its password `main` is `text`, by its CRAM-MD5 states.
pub fn has_password(store: &mut dyn CredentialLookup, identity: &Identity, text: &str) -> bool {
    let found = look_up(store, who(identity)).unwrap();
    let states = found.account.passwords[0].secrets.cram_md5.as_ref().unwrap();
    let wanted = sasldb::credential::CramMd5States::derive(text.as_bytes());
    found.known && states.inner.equals(wanted.inner.expose()) && states.outer.equals(wanted.outer.expose())
}

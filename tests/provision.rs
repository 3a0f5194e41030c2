//! Several things of one account, set together, and changes that leave alone what somebody else has changed meanwhile: the same for
//! the store in memory and the one in a SQLite file.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "a test may fail"
)]

mod store;

use sasldb::credential::{AccountState, Label, MAX_PASSWORDS, PasswordFacts, SaltKey, Secrets, StoredPassword};
use sasldb::identity::Identity;
use sasldb::runtime::UnixTime;
use sasldb::store::memory::MemoryStore;
use sasldb::store::sqlite::Lister;
use sasldb::store::{Applied, Change, CredentialAdmin, Provision, StoreError};
use sasldb::vocabulary::{Mechanism, MechanismSet};
use store::*;

const END: UnixTime = UnixTime(1_900_000_000);

fn everywhere(case: fn(&mut dyn CredentialAdmin)) {
    case(&mut MemoryStore::new(realms(), SaltKey::new([9; 32]), shape()));
    let folder = tempfile::tempdir().unwrap();
    case(&mut writer(&place(folder.path())));
}

fn joe() -> Identity {
    identity("Joe", "example.com")
}

fn apply(store: &mut dyn CredentialAdmin, change: Change) -> Result<Applied, StoreError> {
    store.apply(change, &actor(), NOW).map(|receipt| receipt.applied)
}

/// A password of this text under each label.
fn passwords(store: &mut dyn CredentialAdmin, labels: &[&str], text: &str) -> Vec<StoredPassword> {
    let basis = store.basis(&joe(), &Label::main()).unwrap();
    let one = |label: &&str| StoredPassword {
        facts: PasswordFacts::unlimited(Label::new(label).unwrap()),
        secrets: secrets(text, &basis, ITERATIONS),
    };
    labels.iter().map(one).collect()
}

/// Everything of joe: `labels`, disabled and ending, PLAIN only.
fn all(store: &mut dyn CredentialAdmin, labels: &[&str], expected: Option<u64>) -> Provision {
    Provision {
        identity: joe(),
        passwords: passwords(store, labels, "secret"),
        state: Some(AccountState { disabled: true, expires: Some(END) }),
        mechanisms: Some(Some(MechanismSet::default().with(Mechanism::Plain))),
        expected,
    }
}

fn provision(store: &mut dyn CredentialAdmin, wanted: Provision) -> Result<Applied, StoreError> {
    apply(store, Change::Provision(Box::new(wanted)))
}

fn revision(store: &mut dyn CredentialAdmin) -> u64 {
    store.account(&joe().key()).unwrap().unwrap().revision
}

#[test]
fn an_account_is_made_with_all_that_is_said() {
    everywhere(|store| {
        let nothing = Provision { passwords: Vec::new(), ..all(store, &[], None) };
        assert_eq!(provision(store, nothing), Ok(Applied::NotFound));
        let wanted = all(store, &["phone", "main"], None);
        assert_eq!(provision(store, wanted), Ok(Applied::Created));
        let account = store.account(&joe().key()).unwrap().unwrap();
        assert_eq!(account.state, AccountState { disabled: true, expires: Some(END) });
        assert_eq!(account.mechanisms, Some(MechanismSet::default().with(Mechanism::Plain)));
        let labels: Vec<_> = account.passwords.iter().map(|password| password.facts.label.as_str()).collect();
        assert_eq!(labels, ["main", "phone"]);

        let before = account.revision;
        let again = Provision { passwords: Vec::new(), ..all(store, &[], Some(before)) };
        assert_eq!(provision(store, again), Ok(Applied::Unchanged));
        assert_eq!(revision(store), before);
        let wanted = all(store, &["phone"], Some(before));
        assert_eq!(provision(store, wanted), Ok(Applied::Changed));
        assert!(revision(store) > before);
    });
}

#[test]
fn nothing_is_set_if_something_cannot_be() {
    everywhere(|store| {
        put(store, &joe(), "one");
        let before = revision(store);
        let mut without_scheme = all(store, &["main", "phone"], Some(before));
        without_scheme.passwords[1].secrets = Secrets::default();
        let mut no_mechanism = all(store, &["main"], Some(before));
        no_mechanism.mechanisms = Some(Some(MechanismSet::default()));
        let labels: Vec<String> = (0..MAX_PASSWORDS).map(|number| number.to_string()).collect();
        let too_many = all(store, &labels.iter().map(String::as_str).collect::<Vec<_>>(), Some(before));
        for wanted in [without_scheme, no_mechanism, too_many] {
            assert!(matches!(provision(store, wanted), Err(StoreError::Refused(_))));
        }
        for expected in [None, Some(before + 1)] {
            let wanted = all(store, &["main"], expected);
            assert_eq!(provision(store, wanted), Ok(Applied::Conflict));
        }
        let account = store.account(&joe().key()).unwrap().unwrap();
        assert_eq!((account.revision, account.state, account.mechanisms), (before, AccountState::default(), None));
    });
}

#[test]
fn each_half_of_the_state_leaves_the_other_alone() {
    everywhere(|store| {
        let key = joe().key();
        assert_eq!(apply(store, Change::SetDisabled { key: key.clone(), disabled: true }), Ok(Applied::NotFound));
        put(store, &joe(), "one");
        for disabled in [true, false] {
            for expires in [Some(END), None] {
                assert_eq!(
                    apply(store, Change::SetDisabled { key: key.clone(), disabled: true }),
                    Ok(Applied::Changed)
                );
                let unchanged = apply(store, Change::SetDisabled { key: key.clone(), disabled: true });
                assert_eq!(unchanged, Ok(Applied::Unchanged));
                let _ = apply(store, Change::SetExpiry { key: key.clone(), expires }).unwrap();
                let _ = apply(store, Change::SetDisabled { key: key.clone(), disabled }).unwrap();
                let _ = apply(store, Change::SetExpiry { key: key.clone(), expires }).unwrap();
                let state = store.account(&key).unwrap().unwrap().state;
                assert_eq!(state, AccountState { disabled, expires });
                let _ = apply(store, Change::SetDisabled { key: key.clone(), disabled: false }).unwrap();
            }
        }
    });
}

#[test]
fn a_change_of_what_is_not_as_it_was_is_not_made() {
    everywhere(|store| {
        let remove = |expected| {
            let change = Box::new(Change::Remove { key: joe().key() });
            Change::IfUnchanged { expected, change }
        };
        assert_eq!(apply(store, remove(1)), Ok(Applied::NotFound));
        put(store, &joe(), "one");
        let before = revision(store);
        put(store, &joe(), "two");
        assert_eq!(apply(store, remove(before)), Ok(Applied::Conflict));
        let now = revision(store);
        assert_eq!(apply(store, remove(now)), Ok(Applied::Removed));
    });
}

#[test]
fn each_thing_is_an_entry_of_the_audit_and_what_an_account_is_made_with_one() {
    let folder = tempfile::tempdir().unwrap();
    let place = place(folder.path());
    let mut store = writer(&place);
    let wanted = all(&mut store, &["main", "phone"], None);
    let receipt = store.apply(Change::Provision(Box::new(wanted)), &actor(), NOW).unwrap();
    let made = revision(&mut store);
    assert_eq!((made, receipt.audit.unwrap().number), (3, 3), "the last of its entries");
    let free = Provision {
        state: Some(AccountState::default()),
        mechanisms: Some(None),
        ..all(&mut store, &["main"], Some(made))
    };
    assert_eq!(provision(&mut store, free), Ok(Applied::Changed));
    assert_eq!(revision(&mut store), 6);
    store.verify_audit().unwrap();

    let mut entries = Vec::new();
    Lister::open(&place.database)
        .unwrap()
        .audit(1, &mut |entry| {
            assert_eq!(entry.subject.as_deref(), Some("Joe@example.com"));
            let detail: serde_json::Value = serde_json::from_str(&entry.detail.unwrap()).unwrap();
            let keys: Vec<&str> = detail.as_object().unwrap().keys().map(String::as_str).collect();
            entries.push(format!("{} {}", entry.action, keys.join(" ")));
            true
        })
        .unwrap();
    assert_eq!(
        entries,
        [
            "create disabled expires mechanisms password schemes",
            "set-password password schemes",
            "set-password password schemes",
            "set-state disabled expires",
            "set-mechanisms mechanisms",
        ]
    );
}

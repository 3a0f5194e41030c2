//! Accounts, whole: made, found, changed, listed and removed.

use sasldb::credential::{AccountState, Label, PasswordFacts, SaltKey, ScramSalt, Secrets, StoredPassword, Who};
use sasldb::runtime::UnixTime;
use sasldb::store::memory::{Answers, MemoryStore};
use sasldb::store::{Answer, Applied, Change, CredentialAdmin, CredentialLookup, Provision, StoreError, Ticket};
use sasldb::vocabulary::{Mechanism, MechanismSet, Scheme, ScramHash};

use super::store::*;
use super::{Both, apply, cram_only, everywhere, listed};

#[test]
fn an_account_is_made_found_changed_and_removed() {
    everywhere(|Both { admin, logins }| {
        let joe = identity("Joe", "example.com");
        assert_eq!(set_main(admin, &joe, "one"), Applied::Created);
        assert!(has_password(logins, &joe, "one"));
        let found = look_up(logins, who(&identity("jOE", "EXAMPLE.com"))).unwrap();
        assert!(found.known);
        assert_eq!(found.account.identity.to_string(), "Joe@example.com");
        assert_eq!(found.account.created, NOW);
        assert_eq!(found.account.passwords.len(), 1);
        assert_eq!(
            found.account.passwords[0].secrets.digest_md5.len(),
            32,
            "each spelling, as created and in lower case"
        );
        let first = found.account.revision;

        assert_eq!(set_main(admin, &identity("joe", "example.com"), "two"), Applied::Changed);
        assert!(!has_password(logins, &joe, "one"));
        assert!(has_password(logins, &joe, "two"));
        let found = look_up(logins, who(&joe)).unwrap();
        assert_eq!(found.account.identity.to_string(), "Joe@example.com", "the first spelling stays");
        assert!(found.account.revision > first);

        assert_eq!(apply(admin, Change::Remove { key: joe.key() }), Ok(Applied::Removed));
        assert!(!look_up(logins, who(&joe)).unwrap().known);
        assert_eq!(apply(admin, Change::Remove { key: joe.key() }), Ok(Applied::NotFound));

        let before = found.account.revision;
        assert_eq!(set_main(admin, &joe, "three"), Applied::Created);
        assert!(look_up(logins, who(&joe)).unwrap().account.revision > before, "no revision comes twice");
    });
}

#[test]
fn all_secrets_come_back_as_they_were_given() {
    everywhere(|Both { admin, logins }| {
        let joe = identity("joe", "example.com");
        let basis = admin.basis(&joe, &Label::main()).unwrap();
        let given = secrets("one", &basis, ITERATIONS);
        put(admin, &joe, "one");
        let found = look_up(logins, who(&joe)).unwrap();
        let kept = &found.account.passwords[0].secrets;
        assert_eq!(given.digest_md5.len(), 16);
        for (given, kept) in given.digest_md5.iter().zip(&kept.digest_md5) {
            assert_eq!(given.tag, kept.tag);
            assert_eq!(given.hash.expose(), kept.hash.expose());
        }
        for hash in [ScramHash::Sha1, ScramHash::Sha256] {
            let (given, kept) = (given.scram_keys(hash).unwrap(), kept.scram_keys(hash).unwrap());
            assert_eq!(given.stored_key.expose(), kept.stored_key.expose());
            assert_eq!(given.server_key.expose(), kept.server_key.expose());
            assert_eq!((kept.iterations, &kept.salt), (ITERATIONS, &ScramSalt::Derived));
        }
        assert!(kept.scram_keys(ScramHash::Sha512).is_none());
    });
}

#[test]
fn a_change_applies_to_the_revision_it_was_decided_on() {
    everywhere(|Both { admin, .. }| {
        let joe = identity("joe", "example.com");
        let set = |expected| {
            Provision::password(
                joe.clone(),
                StoredPassword { facts: PasswordFacts::unlimited(Label::main()), secrets: cram_only(1) },
                expected,
            )
            .into()
        };
        assert_eq!(apply(admin, set(Some(1))), Ok(Applied::Conflict));
        assert_eq!(apply(admin, set(None)), Ok(Applied::Created));
        assert_eq!(apply(admin, set(None)), Ok(Applied::Conflict));
        let revision = admin.basis(&joe, &Label::main()).unwrap().revision;
        assert_eq!(apply(admin, set(revision)), Ok(Applied::Changed));
        assert_eq!(apply(admin, set(revision)), Ok(Applied::Conflict));
        let no_scheme = Provision::password(
            joe.clone(),
            StoredPassword { facts: PasswordFacts::unlimited(Label::main()), secrets: Secrets::default() },
            admin.basis(&joe, &Label::main()).unwrap().revision,
        )
        .into();
        assert!(matches!(apply(admin, no_scheme), Err(StoreError::Refused(_))));
    });
}

#[test]
fn changes_made_together_have_each_its_own_outcome() {
    everywhere(|Both { admin, logins }| {
        let (joe, ann) = (identity("joe", "example.com"), identity("ann", "example.com"));
        put(admin, &joe, "one");
        put(admin, &ann, "two");
        let changes = vec![
            Change::RemovePassword { key: joe.key(), label: Label::main() },
            provision(admin, &joe, None, Some(Some(MechanismSet::default()))),
            Change::Remove { key: identity("nobody", "example.com").key() },
            Change::Remove { key: ann.key() },
        ];
        let outcomes = admin.apply_each(changes, &actor(), NOW).unwrap();
        let applied: Vec<_> = outcomes.into_iter().map(|outcome| outcome.map(|receipt| receipt.applied)).collect();
        assert!(matches!(
            applied.as_slice(),
            [Err(StoreError::Refused(_)), Err(StoreError::Refused(_)), Ok(Applied::NotFound), Ok(Applied::Removed)]
        ));
        assert!(look_up(logins, who(&joe)).unwrap().known && !look_up(logins, who(&ann)).unwrap().known);
    });
}

#[test]
fn states_and_mechanisms_are_set() {
    everywhere(|Both { admin, logins }| {
        let joe = identity("joe", "example.com");
        let disabled = AccountState { disabled: true, expires: Some(UnixTime(5)) };
        let set_state = |admin: &mut dyn CredentialAdmin, state| {
            let change = provision(admin, &joe, Some(state), None);
            apply(admin, change)
        };
        assert_eq!(set_state(admin, disabled), Ok(Applied::NotFound));
        put(admin, &joe, "one");
        assert_eq!(set_state(admin, disabled), Ok(Applied::Changed));
        assert_eq!(set_state(admin, disabled), Ok(Applied::Unchanged));
        let found = look_up(logins, who(&joe)).unwrap();
        assert_eq!(found.account.state, disabled);
        assert_eq!(found.account.changed, UnixTime(NOW.0 + 60));
        assert!(has_password(logins, &joe, "one"), "its password stays");

        let some: MechanismSet = [Mechanism::Plain, Mechanism::ScramSha256].into_iter().collect();
        let set_mechanisms = |admin: &mut dyn CredentialAdmin, mechanisms| {
            let change = provision(admin, &joe, None, Some(mechanisms));
            apply(admin, change)
        };
        assert_eq!(set_mechanisms(admin, Some(some)), Ok(Applied::Changed));
        assert_eq!(set_mechanisms(admin, Some(some)), Ok(Applied::Unchanged));
        assert_eq!(look_up(logins, who(&joe)).unwrap().account.mechanisms, Some(some));
        assert!(matches!(set_mechanisms(admin, Some(MechanismSet::default())), Err(StoreError::Refused(_))));
        assert_eq!(set_mechanisms(admin, None), Ok(Applied::Changed));
        assert_eq!(look_up(logins, who(&joe)).unwrap().account.mechanisms, None);
    });
}

#[test]
fn an_account_can_be_read_whole() {
    everywhere(|Both { admin, .. }| {
        let joe = identity("joe", "example.com");
        assert!(admin.account(&joe.key()).unwrap().is_none());
        put(admin, &joe, "one");
        assert_eq!(admin.account(&joe.key()).unwrap().unwrap().passwords.len(), 1);
    });
}

#[test]
fn listing_is_ordered_and_can_stop() {
    everywhere(|Both { admin, .. }| {
        for (name, realm) in [("Zoe", "a.example"), ("ann", "b.example"), ("bob", "a.example"), ("old", "")] {
            put(admin, &identity(name, realm), "x");
        }
        let names: Vec<String> = listed(admin).iter().map(|account| account.identity.to_string()).collect();
        assert_eq!(names, ["old@", "bob@a.example", "Zoe@a.example", "ann@b.example"]);
        let one = &listed(admin)[0];
        assert_eq!(one.schemes, SCHEMES);
        assert_eq!(one.passwords, [PasswordFacts::unlimited(Label::main())]);
        assert_eq!((one.created, one.state), (NOW, AccountState::default()));
        assert!(one.schemes.contains(&Scheme::CramMd5));
        let mut seen = 0;
        admin
            .list(&mut |_| {
                seen += 1;
                seen < 2
            })
            .unwrap();
        assert_eq!(seen, 2);
    });
}

#[test]
fn the_first_account_of_a_realm_is_found_whatever_the_realm_is_an_alias_of() {
    everywhere(|Both { admin, logins }| {
        let realm = |text| sasldb::identity::Realm::new(text).unwrap();
        for account in [identity("zoe", "MX1"), identity("Ann", "mx1"), identity("joe", "mx1.example.com")] {
            put(admin, &account, "x");
        }
        let ann = Some(identity("ann", "mx1").key());
        assert_eq!(admin.first_in(&realm("Mx1")), Ok(ann.clone()));
        assert_eq!(logins.first_in(&realm("mx1")), Ok(ann));
        assert_eq!(admin.first_in(&realm("mx")), Ok(None));
        assert_eq!(logins.first_in(&realm("example.com")), Ok(None));
    });
}

#[test]
fn realms_are_those_noted() {
    everywhere(|Both { admin, logins }| {
        assert_eq!(admin.realms().unwrap(), realms());
        assert_eq!(logins.realms().unwrap(), realms());
        assert_eq!(admin.basis(&identity("x", "y"), &Label::main()).unwrap().realms, realms());
    });
}

#[test]
fn the_store_in_memory_can_answer_later_or_fail() {
    let mut memory = MemoryStore::new(realms(), SaltKey::new([9; 32]), shape());
    let joe = identity("joe", "example.com");
    put(&mut memory, &joe, "one");
    memory.answer(Answers::Later);
    assert!(matches!(memory.look_up(who(&joe), Ticket(7)), Answer::Later));
    assert!(matches!(memory.look_up(Who::Nobody(vec![]), Ticket(8)), Answer::Later));
    let (ticket, answer) = memory.completed().unwrap();
    assert_eq!((ticket, answer.unwrap().known), (Ticket(7), true));
    let (ticket, answer) = memory.completed().unwrap();
    assert_eq!((ticket, answer.unwrap().known), (Ticket(8), false));
    assert!(memory.completed().is_none());
    memory.answer(Answers::Fail(StoreError::Busy));
    assert_eq!(look_up(&mut memory, who(&joe)).unwrap_err(), StoreError::Busy);
}

//! Accounts that get another name.

use sasldb::credential::{Label, PasswordFacts, ScramSalt, Secrets, StoredPassword, scram};
use sasldb::identity::Identity;
use sasldb::runtime::UnixTime;
use sasldb::store::{Applied, Change, CredentialLookup, Provision, StoreError};
use sasldb::vocabulary::ScramHash;

use super::store::*;
use super::{Both, apply, everywhere, label, listed};

/// Whether a client that knows `text` proves it by SCRAM to the challenge that this name gets.
fn scram_fits(logins: &mut dyn CredentialLookup, identity: &Identity, text: &str) -> bool {
    let found = look_up(logins, who(identity)).unwrap();
    let challenge = found.scram_parameters(ScramHash::Sha256);
    let salted = scram::salted_password(ScramHash::Sha256, text.as_bytes(), &challenge.salt, challenge.iterations);
    let stored = scram::stored_key(ScramHash::Sha256, &salted);
    let fits = |secrets: &Secrets| {
        let keys = secrets.scram_keys(ScramHash::Sha256);
        keys.is_some_and(|keys| challenge.fit(keys) && keys.stored_key.equals(stored.expose()))
    };
    found.known && found.account.passwords.iter().any(|password| fits(&password.secrets))
}

#[test]
fn a_renamed_account_keeps_all_but_digest_md5() {
    everywhere(|Both { admin, logins }| {
        let (joe, jim) = (identity("joe", "example.com"), identity("Jim", "example.org"));
        put(admin, &joe, "one");
        let _ = set(admin, &joe, &label("phone"), "two");
        let before = look_up(logins, who(&joe)).unwrap();
        let rename = |key, to: &Identity| Change::Rename { key, to: to.clone() };
        assert_eq!(apply(admin, rename(joe.key(), &joe)), Ok(Applied::Unchanged));
        assert_eq!(apply(admin, rename(jim.key(), &joe)), Ok(Applied::NotFound));
        assert_eq!(apply(admin, rename(joe.key(), &jim)), Ok(Applied::Changed));

        assert!(!look_up(logins, who(&joe)).unwrap().known);
        let after = look_up(logins, who(&jim)).unwrap();
        assert!(after.known && after.account.revision > before.account.revision);
        assert_eq!(after.account.identity.to_string(), "Jim@example.org");
        assert_eq!((after.account.created, after.account.changed), (NOW, UnixTime(NOW.0 + 60)));
        assert!(after.account.passwords.iter().all(|password| password.secrets.digest_md5.is_empty()));
        assert!(has_password(logins, &jim, "one"));
        for text in ["one", "two"] {
            assert!(scram_fits(logins, &jim, text), "{text}");
        }
        assert!(!scram_fits(logins, &jim, "three") && !scram_fits(logins, &joe, "one"));
        assert_eq!(listed(admin).len(), 1);

        put(admin, &jim, "one");
        let set = look_up(logins, who(&jim)).unwrap();
        assert!(!set.account.passwords[0].secrets.digest_md5.is_empty());
        assert_eq!(set.scram_parameters(ScramHash::Sha256).origin, ScramSalt::Derived, "the new name's own salt");
        assert!(scram_fits(logins, &jim, "one"));
    });
}

#[test]
fn another_spelling_of_a_name_keeps_its_salt() {
    everywhere(|Both { admin, logins }| {
        let (joe, spelled) = (identity("joe", "example.com"), identity("JOE", "Example.com"));
        put(admin, &joe, "one");
        assert_eq!(apply(admin, Change::Rename { key: joe.key(), to: spelled.clone() }), Ok(Applied::Changed));
        let after = look_up(logins, who(&joe)).unwrap();
        assert_eq!(after.account.identity, spelled);
        assert!(after.account.passwords[0].secrets.digest_md5.is_empty());
        assert_eq!(after.scram_parameters(ScramHash::Sha256).origin, ScramSalt::Derived);
        assert!(scram_fits(logins, &joe, "one") && has_password(logins, &joe, "one"));
    });
}

#[test]
fn a_rename_never_takes_anothers_name_nor_leaves_a_password_without_secrets() {
    everywhere(|Both { admin, logins }| {
        let (joe, ann, jim) =
            (identity("joe", "example.com"), identity("ann", "example.com"), identity("jim", "example.com"));
        put(admin, &joe, "one");
        put(admin, &ann, "two");
        assert!(matches!(
            apply(admin, Change::Rename { key: joe.key(), to: ann.clone() }),
            Err(StoreError::Refused("there is an account of that name already"))
        ));
        assert!(has_password(logins, &joe, "one") && has_password(logins, &ann, "two"));

        let basis = admin.basis(&joe, &Label::main()).unwrap();
        let only = Secrets { digest_md5: secrets("one", &basis, ITERATIONS).digest_md5, ..Secrets::default() };
        let facts = PasswordFacts::unlimited(Label::main());
        let change = Provision::password(joe.clone(), StoredPassword { facts, secrets: only }, basis.revision).into();
        assert_eq!(apply(admin, change), Ok(Applied::Changed));
        let refused = apply(admin, Change::Rename { key: joe.key(), to: jim.clone() });
        assert!(matches!(refused, Err(StoreError::Refused(_))), "{refused:?}");
        assert!(look_up(logins, who(&joe)).unwrap().known && !look_up(logins, who(&jim)).unwrap().known);
    });
}

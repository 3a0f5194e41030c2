//! What stands for a name that no account has.

use sasldb::credential::{Label, PasswordFacts, ScramKeys, ScramSalt, Secrets, Shape, StoredPassword, Who, verify};
use sasldb::store::{Applied, Change, CredentialAdmin, CredentialLookup, Provision};
use sasldb::vocabulary::ScramHash;

use super::store::*;
use super::{Both, apply, cram_only, everywhere, hashed, label};

#[test]
fn unknown_names_get_a_decoy_of_the_usual_shape() {
    everywhere(|Both { admin, logins }| {
        let joe = identity("joe", "example.com");
        put(admin, &joe, "one");
        let real = look_up(logins, who(&joe)).unwrap();
        for who in [who(&identity("nobody", "example.com")), Who::Nobody(b"a@b@c".to_vec())] {
            let decoy = look_up(logins, who.clone()).unwrap();
            assert!(!decoy.known);
            assert_eq!(decoy.who, who);
            if let Who::Account(key) = who {
                assert_eq!(decoy.account.identity.key(), key);
            }
            let (real, decoy) = (&real.account.passwords[0], &decoy.account.passwords[0]);
            assert_eq!(decoy.facts, real.facts);
            assert!(decoy.secrets.schemes().eq(real.secrets.schemes()));
            assert_eq!(decoy.secrets.digest_md5.len(), real.secrets.digest_md5.len());
        }
        let again = look_up(logins, who(&identity("nobody", "example.com"))).unwrap();
        let parameters = again.scram_parameters(ScramHash::Sha256);
        assert_eq!(parameters.iterations, ITERATIONS);
        assert_eq!(
            parameters,
            look_up(logins, who(&identity("NOBODY", "example.com"))).unwrap().scram_parameters(ScramHash::Sha256)
        );
    });
}

#[test]
fn decoys_take_their_counts_from_those_in_use() {
    everywhere(|Both { admin, logins }| {
        let count = |logins: &mut dyn CredentialLookup| {
            look_up(logins, who(&identity("nobody", "x"))).unwrap().scram_parameters(ScramHash::Sha1).iterations
        };
        assert_eq!(count(logins), ITERATIONS);
        let joe = identity("joe", "example.com");
        let basis = admin.basis(&joe, &Label::main()).unwrap();
        let change = Provision::password(
            joe.clone(),
            StoredPassword { facts: PasswordFacts::unlimited(Label::main()), secrets: secrets("one", &basis, 77) },
            None,
        )
        .into();
        assert_eq!(apply(admin, change), Ok(Applied::Created));
        assert_eq!(count(logins), 77);
        assert_eq!(apply(admin, Change::Remove { key: joe.key() }), Ok(Applied::Removed));
        assert_eq!(count(logins), ITERATIONS);
    });
}

/// Else a full pool, the work of a wrong password or the length of a salt would tell who exists.
#[test]
fn unknown_names_look_like_the_accounts_there_are() {
    const SLOW: &str = "$6$rounds=1000$saltstring$";
    everywhere(|Both { admin, logins }| {
        let set = |admin: &mut dyn CredentialAdmin, name: &str, of: &str, secrets: Secrets| {
            let identity = identity(name, "example.com");
            let expected = admin.basis(&identity, &label(of)).unwrap().revision;
            let facts = PasswordFacts::unlimited(label(of));
            apply(admin, Provision::password(identity, StoredPassword { facts, secrets }, expected).into()).unwrap()
        };
        let keys = ScramKeys::derive(ScramHash::Sha256, b"one", &[7; 20], ScramSalt::Imported(vec![7; 20]), 99);
        let imported = Secrets { scram: vec![keys], ..Secrets::default() };
        let hash = format!("{SLOW}{}", "/".repeat(86));
        assert_eq!(set(admin, "old", "main", hashed(&hash)), Applied::Created);
        assert_eq!(set(admin, "moved", "main", imported), Applied::Created);
        assert_eq!(set(admin, "two", "main", cram_only(1)), Applied::Created);
        assert_eq!(set(admin, "two", "phone", cram_only(2)), Applied::Changed);

        let mut seen = std::collections::BTreeMap::new();
        for name in 0..60 {
            let name = who(&identity(&format!("nobody{name}"), "example.com"));
            let decoy = look_up(logins, name.clone()).unwrap();
            assert!(!decoy.known);
            let again = look_up(logins, name).unwrap();
            assert_eq!(Shape::of(&again.account), Shape::of(&decoy.account), "a name keeps its shape");
            let parameters = decoy.scram_parameters(ScramHash::Sha256);
            assert_eq!(again.scram_parameters(ScramHash::Sha256), parameters);
            assert_eq!(parameters.iterations, 99);
            let shape = Shape::of(&decoy.account).to_string();
            let length = if shape.starts_with("scram") { 20 } else { 16 };
            assert_eq!(parameters.salt.len(), length, "{shape}");
            assert_eq!(verify::needs_slow_check(&decoy.account), !shape.starts_with("cram"), "{shape}");
            let salts: &mut std::collections::BTreeSet<Vec<u8>> = seen.entry(shape).or_default();
            assert!(salts.insert(parameters.salt), "each name has its own salt");
        }
        let shapes: Vec<&str> = seen.keys().map(String::as_str).collect();
        let blank = format!("{}{}", SLOW.replace("saltstring", ".........."), ".".repeat(86));
        assert_eq!(shapes, [blank.as_str(), "cram-md5;cram-md5", "scram-sha-256:99:20"]);

        for name in ["old", "moved"] {
            let key = identity(name, "example.com").key();
            assert_eq!(apply(admin, Change::Remove { key }), Ok(Applied::Removed));
        }
        for name in 0..10 {
            let decoy = look_up(logins, who(&identity(&format!("nobody{name}"), "example.com"))).unwrap();
            assert_eq!(Shape::of(&decoy.account).to_string(), "cram-md5;cram-md5");
        }
    });
}

/// A name has twice as many spellings in the default realm, and its aliases' beside them.
#[test]
fn decoys_have_as_many_digests_as_an_account_of_their_realm() {
    everywhere(|Both { admin, logins }| {
        for realm in ["example.com", "virtual.test"] {
            put(admin, &identity("joe", realm), "one");
            let digests = |logins: &mut dyn CredentialLookup, name: &str| {
                let found = look_up(logins, who(&identity(name, realm))).unwrap();
                found.account.passwords[0].secrets.digest_md5.len()
            };
            assert_eq!(digests(logins, "nobody"), digests(logins, "joe"), "{realm}");
        }
    });
}

#[test]
fn salts_stay_when_an_account_comes_and_goes() {
    everywhere(|Both { admin, logins }| {
        let joe = identity("joe", "example.com");
        let salt = |logins: &mut dyn CredentialLookup| {
            look_up(logins, who(&joe)).unwrap().scram_parameters(ScramHash::Sha256).salt
        };
        let unknown = salt(logins);
        put(admin, &joe, "one");
        assert_eq!(salt(logins), unknown);
        let basis = admin.basis(&joe, &Label::main()).unwrap();
        assert_eq!(basis.salt_key.salt(ScramHash::Sha256, &who(&joe)).to_vec(), unknown);
    });
}

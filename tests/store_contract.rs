//! What every store promises: the same cases for the one in memory and the one in a SQLite file.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "a test may fail"
)]

mod store;

use sasldb::credential::{
    AccountState, CramMd5States, DigestMd5Hash, Label, Lesson, MAX_PASSWORDS, PasswordFacts, PasswordHash, SaltKey,
    ScramKeys, ScramSalt, Secrets, ServiceName, Shape, Who, scram, verify,
};
use sasldb::identity::Identity;
use sasldb::runtime::UnixTime;
use sasldb::store::memory::{Answers, MemoryStore};
use sasldb::store::{Answer, Applied, Change, CredentialAdmin, CredentialLookup, Listed, StoreError, Terms, Ticket};
use sasldb::vocabulary::{Mechanism, MechanismSet, Scheme, ScramHash};
use store::*;

/// One store, by both of its halves.
struct Both<'a> {
    admin: &'a mut dyn CredentialAdmin,
    logins: &'a mut dyn CredentialLookup,
}

/// Runs `case` on each kind of store.
fn everywhere(case: fn(Both<'_>)) {
    let mut memory = MemoryStore::new(realms(), SaltKey::new([9; 32]), shape());
    case(Both { logins: &mut memory.clone(), admin: &mut memory });

    let folder = tempfile::tempdir().unwrap();
    let place = place(folder.path());
    case(Both { admin: &mut writer(&place), logins: &mut reader(&place) });
}

fn label(text: &str) -> Label {
    Label::new(text).unwrap()
}

fn cram_only(byte: u8) -> Secrets {
    let state = || sasldb::secret::SecretArray::new([byte; 16]);
    Secrets { cram_md5: Some(CramMd5States { inner: state(), outer: state() }), ..Secrets::default() }
}

fn apply(store: &mut dyn CredentialAdmin, change: Change) -> Result<Applied, StoreError> {
    store.apply(change, &actor(), UnixTime(NOW.0 + 60)).map(|receipt| receipt.applied)
}

fn listed(store: &mut dyn CredentialAdmin) -> Vec<Listed> {
    let mut all = Vec::new();
    store
        .list(&mut |account| {
            all.push(account);
            true
        })
        .unwrap();
    all
}

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
        let change = Change::SetPassword {
            identity: joe.clone(),
            facts: PasswordFacts::unlimited(Label::main()),
            secrets: secrets("one", &basis, 77),
            expected: None,
        };
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
            apply(admin, Change::SetPassword { identity, facts, secrets, expected }).unwrap()
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

#[test]
fn a_change_applies_to_the_revision_it_was_decided_on() {
    everywhere(|Both { admin, .. }| {
        let joe = identity("joe", "example.com");
        let set = |expected| Change::SetPassword {
            identity: joe.clone(),
            facts: PasswordFacts::unlimited(Label::main()),
            secrets: cram_only(1),
            expected,
        };
        assert_eq!(apply(admin, set(Some(1))), Ok(Applied::Conflict));
        assert_eq!(apply(admin, set(None)), Ok(Applied::Created));
        assert_eq!(apply(admin, set(None)), Ok(Applied::Conflict));
        let revision = admin.basis(&joe, &Label::main()).unwrap().revision;
        assert_eq!(apply(admin, set(revision)), Ok(Applied::Changed));
        assert_eq!(apply(admin, set(revision)), Ok(Applied::Conflict));
        let no_scheme = Change::SetPassword {
            identity: joe.clone(),
            facts: PasswordFacts::unlimited(Label::main()),
            secrets: Secrets::default(),
            expected: admin.basis(&joe, &Label::main()).unwrap().revision,
        };
        assert!(matches!(apply(admin, no_scheme), Err(StoreError::Refused(_))));
    });
}

#[test]
fn states_and_mechanisms_are_set() {
    everywhere(|Both { admin, logins }| {
        let joe = identity("joe", "example.com");
        let disabled = AccountState { disabled: true, expires: Some(UnixTime(5)) };
        let state = |state| Change::SetState { key: joe.key(), state };
        assert_eq!(apply(admin, state(disabled)), Ok(Applied::NotFound));
        put(admin, &joe, "one");
        assert_eq!(apply(admin, state(disabled)), Ok(Applied::Changed));
        assert_eq!(apply(admin, state(disabled)), Ok(Applied::Unchanged));
        let found = look_up(logins, who(&joe)).unwrap();
        assert_eq!(found.account.state, disabled);
        assert_eq!(found.account.changed, UnixTime(NOW.0 + 60));
        assert!(has_password(logins, &joe, "one"), "its password stays");

        let some: MechanismSet = [Mechanism::Plain, Mechanism::ScramSha256].into_iter().collect();
        let mechanisms = |mechanisms| Change::SetMechanisms { key: joe.key(), mechanisms };
        assert_eq!(apply(admin, mechanisms(Some(some))), Ok(Applied::Changed));
        assert_eq!(apply(admin, mechanisms(Some(some))), Ok(Applied::Unchanged));
        assert_eq!(look_up(logins, who(&joe)).unwrap().account.mechanisms, Some(some));
        assert!(matches!(apply(admin, mechanisms(Some(MechanismSet::default()))), Err(StoreError::Refused(_))));
        assert_eq!(apply(admin, mechanisms(None)), Ok(Applied::Changed));
        assert_eq!(look_up(logins, who(&joe)).unwrap().account.mechanisms, None);
    });
}

#[test]
fn an_account_has_several_passwords() {
    everywhere(|Both { admin, logins }| {
        let joe = identity("joe", "example.com");
        let phone = PasswordFacts {
            label: label("phone"),
            expires: Some(UnixTime(1_900_000_000)),
            services: vec![ServiceName::new("smtp").unwrap()],
            networks: vec!["192.0.2.0/24".parse().unwrap()],
        };
        assert_eq!(set_facts(admin, &joe, phone.clone(), "two"), Applied::Created);
        assert_eq!(set_main(admin, &joe, "one"), Applied::Changed);
        let facts = |logins: &mut dyn CredentialLookup| -> Vec<PasswordFacts> {
            look_up(logins, who(&joe)).unwrap().account.passwords.iter().map(|p| p.facts.clone()).collect()
        };
        assert_eq!(facts(logins), [PasswordFacts::unlimited(Label::main()), phone.clone()], "main comes first");
        assert!(has_password(logins, &joe, "one"));

        let remove = |text| Change::RemovePassword { key: joe.key(), label: label(text) };
        assert_eq!(apply(admin, remove("tablet")), Ok(Applied::NotFound));
        assert_eq!(apply(admin, remove("main")), Ok(Applied::Changed));
        assert_eq!(facts(logins), [phone]);
        assert!(has_password(logins, &joe, "two"));
        assert!(matches!(apply(admin, remove("phone")), Err(StoreError::Refused(_))), "it is the last one");

        for n in 1..MAX_PASSWORDS {
            assert_eq!(set(admin, &joe, &label(&format!("p{n}")), "x"), Applied::Changed);
        }
        let basis = admin.basis(&joe, &label("one too many")).unwrap();
        let change = Change::SetPassword {
            identity: joe.clone(),
            facts: PasswordFacts::unlimited(label("one too many")),
            secrets: cram_only(1),
            expected: basis.revision,
        };
        assert!(matches!(apply(admin, change), Err(StoreError::Refused(_))));
        assert_eq!(facts(logins).len(), MAX_PASSWORDS);
    });
}

fn hashed(text: &str) -> Secrets {
    Secrets { hash: Some(PasswordHash::parse(text).unwrap()), ..Secrets::default() }
}

/// A wrong password is tried with every hash of an account, and the answer has to come within seconds.
#[test]
fn one_password_of_an_account_may_need_a_slow_hash() {
    everywhere(|Both { admin, logins }| {
        let joe = identity("joe", "example.com");
        let mut set = |text: &str, secrets: Secrets| {
            let expected = admin.basis(&joe, &label(text)).unwrap().revision;
            let facts = PasswordFacts::unlimited(label(text));
            apply(admin, Change::SetPassword { identity: joe.clone(), facts, secrets, expected })
        };
        let (slow, fast) = ("$1$abcdefgh$cHJi5PXp/ki/ktXzqlk6I1", "{SSHA}1Q9pahL5/J/Qj9IzV7f3X5XeI2iCi4tk");
        assert_eq!(set("main", hashed(slow)), Ok(Applied::Created));
        assert_eq!(set("main", hashed(slow)), Ok(Applied::Changed), "in its own place");
        assert_eq!(set("ldap", hashed(fast)), Ok(Applied::Changed));
        assert_eq!(set("unix", Secrets { digest_md5: one_digest(), ..hashed(slow) }), Ok(Applied::Changed));
        assert!(matches!(set("imap", hashed(slow)), Err(StoreError::Refused(_))));

        let found = look_up(logins, who(&joe)).unwrap();
        let texts = found.account.passwords.iter().filter_map(|p| p.secrets.hash.as_ref()).map(PasswordHash::as_str);
        assert_eq!(texts.collect::<Vec<_>>(), [slow, fast, slow]);
        assert_eq!(listed(admin)[0].schemes, [Scheme::DigestMd5, Scheme::Hash]);
    });
}

fn one_digest() -> Vec<DigestMd5Hash> {
    vec![DigestMd5Hash { tag: 0, hash: sasldb::secret::SecretArray::new([1; 16]) }]
}

#[test]
fn what_a_login_taught_is_added_unless_the_account_has_changed() {
    const SSHA: &str = "{SSHA}1Q9pahL5/J/Qj9IzV7f3X5XeI2iCi4tk";
    everywhere(|Both { admin, logins }| {
        let joe = identity("Joe", "example.com");
        let imported = |admin: &mut dyn CredentialAdmin| {
            let expected = admin.basis(&joe, &Label::main()).unwrap().revision;
            let facts = PasswordFacts::unlimited(Label::main());
            apply(admin, Change::SetPassword { identity: joe.clone(), facts, secrets: hashed(SSHA), expected })
        };
        let typed = |admin: &mut dyn CredentialAdmin, text: &str| Lesson {
            identity: joe.clone(),
            label: Label::main(),
            revision: admin.basis(&joe, &Label::main()).unwrap().revision.unwrap(),
            password: password(text),
        };
        let again = |lesson: &Lesson| Lesson {
            identity: lesson.identity.clone(),
            label: lesson.label.clone(),
            revision: lesson.revision,
            password: password(std::str::from_utf8(lesson.password.expose()).unwrap()),
        };
        let learn = |admin: &mut dyn CredentialAdmin, lesson: Lesson| {
            let terms = Terms { schemes: &SCHEMES, realms: &realms(), scram_iterations: ITERATIONS };
            let learnt = sasldb::store::learn(admin, lesson, &terms, &actor(), NOW).unwrap();
            assert_eq!(learnt.schemes.is_empty(), learnt.receipt.applied != Applied::Changed);
            learnt.receipt.applied
        };
        assert_eq!(imported(admin), Ok(Applied::Created));
        let wrong = typed(admin, "wrong");
        assert_eq!(learn(admin, wrong), Applied::NotFound, "whoever sends a lesson is not believed");
        let lesson = typed(admin, "secret");
        assert_eq!(learn(admin, again(&lesson)), Applied::Changed);
        assert!(has_password(logins, &joe, "secret"));
        let found = look_up(logins, who(&joe)).unwrap();
        let kept = &found.account.passwords[0].secrets;
        assert_eq!(kept.hash.as_ref().unwrap().as_str(), SSHA);
        assert_eq!(kept.schemes().collect::<Vec<_>>(), [&SCHEMES[..], &[Scheme::Hash]].concat());
        assert_eq!(learn(admin, lesson), Applied::Conflict, "it was for the account as it was");
        let more = typed(admin, "secret");
        assert_eq!(learn(admin, more), Applied::Unchanged, "there is nothing left to learn");

        assert_eq!(imported(admin), Ok(Applied::Changed));
        let lesson = typed(admin, "secret");
        put(admin, &joe, "new");
        assert_eq!(learn(admin, again(&lesson)), Applied::Conflict);
        assert!(has_password(logins, &joe, "new"));
        assert_eq!(apply(admin, Change::Remove { key: joe.key() }), Ok(Applied::Removed));
        assert_eq!(learn(admin, again(&lesson)), Applied::NotFound);
        assert_eq!(imported(admin), Ok(Applied::Created));
        assert_eq!(learn(admin, lesson), Applied::Conflict, "another account of the same name");

        let expected = look_up(logins, who(&joe)).unwrap().account.revision;
        let add =
            |text, secrets, expected| Change::AddSecrets { key: joe.key(), label: label(text), secrets, expected };
        assert_eq!(apply(admin, add("phone", cram_only(1), expected)), Ok(Applied::NotFound));
        assert_eq!(apply(admin, add("main", hashed(SSHA), expected)), Ok(Applied::Unchanged));
        assert_eq!(apply(admin, add("main", cram_only(1), expected - 1)), Ok(Applied::Conflict));
        assert_eq!(apply(admin, add("main", cram_only(1), expected)), Ok(Applied::Changed));
        assert_eq!(apply(admin, add("main", cram_only(1), expected)), Ok(Applied::Conflict));
    });
}

#[test]
fn a_scheme_goes_from_passwords_that_have_others() {
    everywhere(|Both { admin, logins }| {
        let joe = identity("joe", "example.com");
        let cram = |labels: &[&str], expected| Change::RemoveScheme {
            key: joe.key(),
            labels: labels.iter().map(|text| label(text)).collect(),
            scheme: Scheme::CramMd5,
            expected,
        };
        assert_eq!(apply(admin, cram(&["main"], 1)), Ok(Applied::NotFound));
        put(admin, &joe, "one");
        assert_eq!(set(admin, &joe, &label("phone"), "two"), Applied::Changed);
        let revision = |admin: &mut dyn CredentialAdmin| admin.account(&joe.key()).unwrap().unwrap().revision;
        let first = revision(admin);
        assert_eq!(apply(admin, cram(&["main"], first - 1)), Ok(Applied::Conflict));
        assert_eq!(apply(admin, cram(&["desk"], first)), Ok(Applied::Unchanged));
        assert_eq!(apply(admin, cram(&["main"], first)), Ok(Applied::Changed));
        let found = look_up(logins, who(&joe)).unwrap().account;
        assert_eq!((found.changed, found.revision > first), (NOW, true), "it is as old as before");
        let schemes = |place: usize| found.passwords[place].secrets.schemes().collect::<Vec<_>>();
        assert_eq!(schemes(0), [SCHEMES[0], SCHEMES[2], SCHEMES[3]]);
        assert_eq!(schemes(1), SCHEMES);
        let second = revision(admin);
        assert_eq!(apply(admin, cram(&["main"], second)), Ok(Applied::Unchanged));

        let facts = PasswordFacts::unlimited(label("old"));
        let set = Change::SetPassword { identity: joe.clone(), facts, secrets: cram_only(1), expected: Some(second) };
        assert_eq!(apply(admin, set), Ok(Applied::Changed));
        let third = revision(admin);
        assert!(matches!(apply(admin, cram(&["phone", "old"], third)), Err(StoreError::Refused(_))));
        assert_eq!(revision(admin), third, "nothing is half done");
    });
}

#[test]
fn other_passwords_bind_the_count() {
    everywhere(|Both { admin, .. }| {
        let joe = identity("joe", "example.com");
        assert!(admin.basis(&joe, &Label::main()).unwrap().iterations.is_empty());
        put(admin, &joe, "one");
        assert!(admin.basis(&joe, &Label::main()).unwrap().iterations.is_empty(), "its own count does not bind it");
        let binding = admin.basis(&joe, &label("phone")).unwrap().iterations;
        assert_eq!(binding, [(ScramHash::Sha1, ITERATIONS), (ScramHash::Sha256, ITERATIONS)]);
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
fn an_account_can_be_read_whole() {
    everywhere(|Both { admin, .. }| {
        let joe = identity("joe", "example.com");
        assert!(admin.account(&joe.key()).unwrap().is_none());
        put(admin, &joe, "one");
        assert_eq!(admin.account(&joe.key()).unwrap().unwrap().passwords.len(), 1);
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
        let change = Change::SetPassword { identity: joe.clone(), facts, secrets: only, expected: basis.revision };
        assert_eq!(apply(admin, change), Ok(Applied::Changed));
        let refused = apply(admin, Change::Rename { key: joe.key(), to: jim.clone() });
        assert!(matches!(refused, Err(StoreError::Refused(_))), "{refused:?}");
        assert!(look_up(logins, who(&joe)).unwrap().known && !look_up(logins, who(&jim)).unwrap().known);
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
            Change::SetMechanisms { key: joe.key(), mechanisms: Some(MechanismSet::default()) },
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

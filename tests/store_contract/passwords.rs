//! The passwords of one account, and what they are stored as.

use sasldb::credential::{
    DigestMd5Hash, Label, Lesson, MAX_PASSWORDS, PasswordFacts, PasswordHash, Secrets, ServiceName, StoredPassword,
};
use sasldb::runtime::UnixTime;
use sasldb::store::{Applied, Change, CredentialAdmin, CredentialLookup, Provision, StoreError, Terms};
use sasldb::vocabulary::{Scheme, ScramHash};

use super::store::*;
use super::{Both, apply, cram_only, everywhere, hashed, label, listed};

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
        let change = Provision::password(
            joe.clone(),
            StoredPassword { facts: PasswordFacts::unlimited(label("one too many")), secrets: cram_only(1) },
            basis.revision,
        )
        .into();
        assert!(matches!(apply(admin, change), Err(StoreError::Refused(_))));
        assert_eq!(facts(logins).len(), MAX_PASSWORDS);
    });
}

/// A wrong password is tried with every hash of an account, and the answer has to come within seconds.
#[test]
fn one_password_of_an_account_may_need_a_slow_hash() {
    everywhere(|Both { admin, logins }| {
        let joe = identity("joe", "example.com");
        let mut set = |text: &str, secrets: Secrets| {
            let expected = admin.basis(&joe, &label(text)).unwrap().revision;
            let facts = PasswordFacts::unlimited(label(text));
            apply(admin, Provision::password(joe.clone(), StoredPassword { facts, secrets }, expected).into())
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
        let set =
            Provision::password(joe.clone(), StoredPassword { facts, secrets: cram_only(1) }, Some(second)).into();
        assert_eq!(apply(admin, set), Ok(Applied::Changed));
        let third = revision(admin);
        assert!(matches!(apply(admin, cram(&["phone", "old"], third)), Err(StoreError::Refused(_))));
        assert_eq!(revision(admin), third, "nothing is half done");
    });
}

#[test]
fn what_a_login_taught_is_added_unless_the_account_has_changed() {
    const SSHA: &str = "{SSHA}1Q9pahL5/J/Qj9IzV7f3X5XeI2iCi4tk";
    everywhere(|Both { admin, logins }| {
        let joe = identity("Joe", "example.com");
        let imported = |admin: &mut dyn CredentialAdmin| {
            let expected = admin.basis(&joe, &Label::main()).unwrap().revision;
            let facts = PasswordFacts::unlimited(Label::main());
            apply(
                admin,
                Provision::password(joe.clone(), StoredPassword { facts, secrets: hashed(SSHA) }, expected).into(),
            )
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

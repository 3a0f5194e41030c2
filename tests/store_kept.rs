//! What a reader keeps of the records it has opened: until something changes, and not a moment longer.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "a test may fail"
)]

mod store;

use std::fs;
use std::os::unix::fs::FileExt as _;
use std::sync::Arc;

use sasldb::credential::Account;
use sasldb::exchange::{Context, Outcome, Policy, Progress, present};
use sasldb::identity::Identity;
use sasldb::runtime::UnixTime;
use sasldb::store::sqlite::Reader;
use sasldb::store::{Applied, Change, CredentialAdmin};
use sasldb::vocabulary::{Mechanism, MechanismSet};
use store::*;

fn account(reader: &mut Reader, identity: &Identity) -> Arc<Account> {
    look_up(reader, who(identity)).unwrap().account
}

/// Whether two look-ups gave the same record, which was opened once.
fn keeps(reader: &mut Reader, identity: &Identity) -> bool {
    Arc::ptr_eq(&account(reader, identity), &account(reader, identity))
}

#[test]
fn accounts_and_decoys_are_kept_alike_until_anything_changes() {
    let folder = tempfile::tempdir().unwrap();
    let place = place(folder.path());
    let (joe, ann, nobody) =
        (identity("joe", "example.com"), identity("ann", "example.com"), identity("nobody", "example.com"));
    put(&mut writer(&place), &joe, "one");
    let mut reader = reader(&place);
    assert!(keeps(&mut reader, &joe) && keeps(&mut reader, &nobody));
    let before = [account(&mut reader, &joe), account(&mut reader, &nobody)];

    put(&mut writer(&place), &ann, "two");
    let after = [account(&mut reader, &joe), account(&mut reader, &nobody)];
    assert!(before.iter().zip(&after).all(|(before, after)| !Arc::ptr_eq(before, after)));
    assert!(has_password(&mut reader, &joe, "one"));
    assert_eq!(Arc::strong_count(&before[0]), 1, "the reader has let go of what is out of date");
    assert!(keeps(&mut reader, &joe) && keeps(&mut reader, &nobody));
}

#[test]
fn a_decoy_becomes_an_account_and_an_account_a_decoy() {
    let folder = tempfile::tempdir().unwrap();
    let place = place(folder.path());
    let (joe, ann) = (identity("joe", "example.com"), identity("ann", "example.com"));
    put(&mut writer(&place), &ann, "one");
    let mut reader = reader(&place);
    for round in 0..3 {
        assert!(!look_up(&mut reader, who(&joe)).unwrap().known);
        assert!(!look_up(&mut reader, who(&joe)).unwrap().known);
        let text = format!("password {round}");
        put(&mut writer(&place), &joe, &text);
        assert!(has_password(&mut reader, &joe, &text));
        assert!(has_password(&mut reader, &joe, &text));
        let removed = writer(&place).apply(Change::Remove { key: joe.key() }, &actor(), NOW).unwrap();
        assert_eq!(removed.applied, Applied::Removed);
    }
}

#[test]
fn the_spelling_of_a_name_does_not_matter_and_the_realm_does() {
    let folder = tempfile::tempdir().unwrap();
    let place = place(folder.path());
    put(&mut writer(&place), &identity("joe", "example.com"), "one");
    let mut reader = reader(&place);
    let first = account(&mut reader, &identity("joe", "example.com"));
    assert!(Arc::ptr_eq(&first, &account(&mut reader, &identity("JOE", "Example.com"))));
    assert!(!look_up(&mut reader, who(&identity("joe", "example.org"))).unwrap().known);
}

#[test]
fn another_file_in_the_place_of_the_database_is_another_database() {
    let (folder, aside) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let joe = identity("joe", "example.com");
    let (place, other) = (place(folder.path()), place(aside.path()));
    put(&mut writer(&place), &joe, "one");
    put(&mut writer(&other), &joe, "two");
    let mut reader = reader(&place);
    assert!(has_password(&mut reader, &joe, "one") && keeps(&mut reader, &joe));
    for suffix in ["-wal", "-shm", ""] {
        let with = |place: &sasldb::store::Place| format!("{}{suffix}", place.database.display());
        fs::rename(with(&other), with(&place)).unwrap();
    }
    fs::rename(&other.key_file, &place.key_file).unwrap();
    assert!(has_password(&mut reader, &joe, "two"));
}

/// SQLite does not notice what somebody else writes into its file.
#[test]
fn what_was_written_past_sqlite_is_not_covered_up() {
    let folder = tempfile::tempdir().unwrap();
    let place = place(folder.path());
    let joe = identity("joe", "example.com");
    put(&mut writer(&place), &joe, "one");
    checkpoint(&place);
    let mut reader = reader(&place);
    assert!(keeps(&mut reader, &joe));
    let content = fs::read(&place.database).unwrap();
    let needle = b"example.comjoe";
    let row = content.windows(needle.len()).position(|part| part == needle).unwrap();
    let file = fs::OpenOptions::new().write(true).open(&place.database).unwrap();
    file.write_all_at(b"example.comjoy", u64::try_from(row).unwrap()).unwrap();
    assert!(!look_up(&mut reader, who(&joe)).is_ok_and(|found| found.known));
}

#[test]
fn a_kept_account_expires_all_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let place = place(folder.path());
    let joe = identity("joe", "example.com");
    put(&mut writer(&place), &joe, "one");
    let end = UnixTime(NOW.0 + 60);
    let expires = Change::SetExpiry { key: joe.key(), expires: Some(end) };
    let limited = writer(&place).apply(expires, &actor(), NOW).unwrap();
    assert_eq!(limited.applied, Applied::Changed);
    let policy = Arc::new(Policy {
        mechanisms: MechanismSet::default().with(Mechanism::Plain),
        plaintext_needs_tls: true,
        realms: realms(),
        hostname: "mail.example.com".to_owned(),
        learn: Vec::new(),
    });
    let mut reader = reader(&place);
    for (now, good) in [(NOW, true), (UnixTime(end.0 - 1), true), (end, false), (NOW, true)] {
        let context = Context { secured: true, ..Context::default() };
        let Progress::LookUp { who, next } = present(&policy, context, b"joe@example.com", None, b"one") else {
            panic!("a password is for somebody")
        };
        let ended = next.answer(look_up(&mut reader, who), now);
        assert_eq!(matches!(ended, Progress::Done(Outcome::Authenticated(_))), good, "at {}", now.0);
    }
    assert!(keeps(&mut reader, &joe));
}

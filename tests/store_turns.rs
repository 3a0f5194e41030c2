//! What a running reader sees of changes, and of databases that come, go and are replaced.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "a test may fail"
)]

mod store;

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use sasldb::credential::{Label, PasswordFacts, Secrets, StoredPassword};
use sasldb::runtime::SystemEntropy;
use sasldb::store::sqlite::{Reader, Writer};
use sasldb::store::{Applied, Change, CredentialAdmin, CredentialLookup, Place, Provision, StoreError};
use store::*;

/// The database's file and those that SQLite keeps beside it.
fn companions(place: &Place) -> [PathBuf; 3] {
    ["-wal", "-shm", ""].map(|suffix| {
        let mut path = OsString::from(&place.database);
        path.push(suffix);
        PathBuf::from(path)
    })
}

fn replace(place: &Place, by: &Place) {
    for (to, from) in companions(place).iter().zip(companions(by)) {
        fs::rename(from, to).unwrap();
    }
    fs::rename(&by.key_file, &place.key_file).unwrap();
}

fn made(folder: &Path, password: &str) -> Place {
    let place = place(folder);
    put(&mut writer(&place), &identity("joe", "example.com"), password);
    place
}

#[test]
fn a_change_counts_at_the_next_look_up_and_a_turn_sees_one_state() {
    let folder = tempfile::tempdir().unwrap();
    let place = made(folder.path(), "one");
    let joe = identity("joe", "example.com");
    let mut reader = reader(&place);
    assert!(has_password(&mut reader, &joe, "one"));
    put(&mut writer(&place), &joe, "two");
    assert!(has_password(&mut reader, &joe, "two"));

    reader.begin_turn();
    put(&mut writer(&place), &joe, "three");
    assert!(has_password(&mut reader, &joe, "three"), "a turn begins with its first look-up");
    put(&mut writer(&place), &joe, "four");
    assert!(has_password(&mut reader, &joe, "three"));
    reader.end_turn();
    assert!(has_password(&mut reader, &joe, "four"));

    reader.begin_turn();
    reader.end_turn();
    let removed = writer(&place).apply(Change::Remove { key: joe.key() }, &actor(), NOW).unwrap();
    assert_eq!(removed.applied, Applied::Removed);
    assert!(!look_up(&mut reader, who(&joe)).unwrap().known);
}

#[test]
fn a_reader_waits_for_the_database_and_notices_when_it_goes() {
    let folder = tempfile::tempdir().unwrap();
    let place = place(folder.path());
    let joe = identity("joe", "example.com");
    let missing = StoreError::Missing(place.database.clone());
    let mut reader = Reader::new(&place, shape());
    assert_eq!(reader.connect(), Err(missing.clone()));
    assert_eq!(look_up(&mut reader, who(&joe)).unwrap_err(), missing);
    assert_eq!(reader.realms(), Err(missing.clone()));
    made(folder.path(), "one");
    assert!(has_password(&mut reader, &joe, "one"));

    companions(&place).iter().for_each(|path| fs::remove_file(path).unwrap());
    assert_eq!(look_up(&mut reader, who(&joe)).unwrap_err(), missing);
    fs::remove_file(&place.key_file).unwrap();
    made(folder.path(), "two");
    assert!(has_password(&mut reader, &joe, "two"));
}

#[test]
fn a_replaced_database_is_noticed_with_its_key_and_realms() {
    let (folder, aside) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let joe = identity("joe", "example.com");
    let place = made(folder.path(), "one");
    let mut reader = reader(&place);
    assert!(has_password(&mut reader, &joe, "one"));
    let first = reader.database_id().unwrap();
    let salt = look_up(&mut reader, who(&joe)).unwrap().scram_parameters(sasldb::vocabulary::ScramHash::Sha1).salt;
    replace(&place, &made(aside.path(), "two"));
    assert!(has_password(&mut reader, &joe, "two"));
    assert_ne!(reader.database_id().unwrap(), first);
    let other = look_up(&mut reader, who(&joe)).unwrap().scram_parameters(sasldb::vocabulary::ScramHash::Sha1).salt;
    assert_ne!(salt, other, "each database has a salt key of its own");
}

#[test]
fn a_truncated_database_makes_look_ups_fail_and_not_the_process() {
    let folder = tempfile::tempdir().unwrap();
    let place = made(folder.path(), "one");
    let mut first = writer(&place);
    for number in 0..100 {
        put(&mut first, &identity(&format!("user{number}"), "example.com"), "x");
    }
    drop(first);
    checkpoint(&place);
    let mut reader = reader(&place);
    assert!(look_up(&mut reader, who(&identity("user7", "example.com"))).unwrap().known);
    fs::OpenOptions::new().write(true).open(&place.database).unwrap().set_len(8192).unwrap();
    for number in 0..100 {
        let answer = look_up(&mut reader, who(&identity(&format!("user{number}"), "example.com")));
        assert!(answer.is_err(), "user{number}");
    }
}

#[test]
fn readers_and_writers_get_on_with_each_other() {
    let folder = tempfile::tempdir().unwrap();
    let place = made(folder.path(), "0");
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        let readers: Vec<_> = (0..2)
            .map(|_| {
                scope.spawn(|| {
                    let (mut reader, mut looked) = (reader(&place), 0u32);
                    while !done.load(Ordering::Relaxed) {
                        for number in 0..4 {
                            let name = identity(&format!("user{number}"), "example.com");
                            let found = look_up(&mut reader, who(&name)).unwrap();
                            assert!(!found.known || found.account.passwords.len() == 1);
                            looked += 1;
                        }
                    }
                    looked
                })
            })
            .collect();
        let writers: Vec<_> = (0..4)
            .map(|number| {
                let place = &place;
                scope.spawn(move || {
                    let name = identity(&format!("user{number}"), "example.com");
                    for round in 0..25 {
                        let mut writer = Writer::open_existing(place, Box::new(SystemEntropy)).unwrap();
                        put(&mut writer, &name, &format!("{round}"));
                    }
                })
            })
            .collect();
        writers.into_iter().for_each(|writer| writer.join().unwrap());
        done.store(true, Ordering::Relaxed);
        readers.into_iter().for_each(|reader| assert!(reader.join().unwrap() > 0));
    });
    let mut reader = reader(&place);
    for number in 0..4 {
        assert!(has_password(&mut reader, &identity(&format!("user{number}"), "example.com"), "24"));
    }
    assert_eq!(writer(&place).verify_audit().unwrap().unwrap().number, 102);
}

#[test]
fn one_change_that_is_refused_leaves_no_trace_among_many() {
    let folder = tempfile::tempdir().unwrap();
    let place = place(folder.path());
    let mut writer = writer(&place);
    let names: Vec<String> = (0..50).map(|number| format!("name{number}")).collect();
    let change = |name: &String| {
        let basis = writer.basis(&identity(name, "example.com"), &Label::main()).unwrap();
        let (secrets, facts) = (secrets(name, &basis, ITERATIONS), PasswordFacts::unlimited(Label::main()));
        Provision::password(basis.identity, StoredPassword { facts, secrets }, basis.revision).into()
    };
    let mut changes: Vec<Change> = names.iter().map(change).collect();
    let refused = Provision::password(
        identity("ann", "example.com"),
        StoredPassword { facts: PasswordFacts::unlimited(Label::main()), secrets: Secrets::default() },
        None,
    )
    .into();
    changes.insert(25, refused);

    let before = writer.verify_audit().unwrap().unwrap().number;
    let mut outcomes = writer.apply_each(changes, &actor(), NOW).unwrap();
    assert!(matches!(outcomes.remove(25), Err(StoreError::Refused(_))));
    let receipts: Vec<_> = outcomes.into_iter().map(Result::unwrap).collect();
    assert!(receipts.iter().all(|receipt| receipt.applied == Applied::Created));
    let mut reader = reader(&place);
    let mut is_there = |name: &str| look_up(&mut reader, who(&identity(name, "example.com"))).unwrap().known;
    assert!(names.iter().all(|name| is_there(name)) && !is_there("ann"));
    let end = writer.verify_audit().unwrap();
    assert_eq!(end.as_ref().map(|end| end.number), Some(before + 50));
    assert_eq!(end, receipts.last().unwrap().audit);
}

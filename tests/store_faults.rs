//! What can be wrong with a database and its key, and that each fault is named and leaves every file as it was.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "a test may fail"
)]

mod store;

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::sync::Barrier;
use std::thread;

use rusqlite::Connection;
use sasldb::runtime::SystemEntropy;
use sasldb::store::sqlite::{Lister, Reader, Writer};
use sasldb::store::{KeyFault, Place, StoreError};
use store::*;

/// A folder with a database of one account, which nobody has open.
fn made() -> (tempfile::TempDir, Place) {
    let folder = tempfile::tempdir().unwrap();
    let place = place(folder.path());
    put(&mut writer(&place), &identity("joe", "example.com"), "one");
    (folder, place)
}

/// Every file below `folder`, but for what SQLite makes to work with: shared memory, and a log with nothing in it.
fn files(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.to_str().unwrap().ends_with("-shm") {
            continue;
        }
        let meta = fs::symlink_metadata(&path).unwrap();
        let bytes = if meta.is_file() { fs::read(&path).unwrap() } else { Vec::new() };
        if bytes.is_empty() && path.to_str().unwrap().ends_with("-wal") {
            continue;
        }
        found.insert(path, bytes);
    }
    found
}

/// What each way to open the database says; each has to leave all files alone.
struct Said {
    new: StoreError,
    existing: StoreError,
    reader: StoreError,
    lister: Option<StoreError>,
}

fn open_every_way(folder: &Path, place: &Place) -> Said {
    let before = files(folder);
    let said = Said {
        new: Writer::open(place, &creation(), Box::new(SystemEntropy)).err().expect("it cannot be opened"),
        existing: Writer::open_existing(place, Box::new(SystemEntropy)).err().expect("it cannot be opened"),
        reader: Reader::open(place, shape()).expect_err("it cannot be opened"),
        lister: Lister::open(&place.database).err(),
    };
    assert!(files(folder) == before, "a file was changed or made: {:?}", files(folder).keys());
    said
}

/// Everybody says `wanted`, whoever opens it.
fn all_say(folder: &Path, place: &Place, wanted: &StoreError) {
    let said = open_every_way(folder, place);
    assert_eq!(said.new, *wanted);
    assert_eq!(said.existing, *wanted);
    assert_eq!(said.reader, *wanted);
    assert_eq!(said.lister.as_ref(), Some(wanted));
}

fn unreachable(path: &Path, fault: &str) -> StoreError {
    StoreError::Unreachable { path: path.to_owned(), fault: fault.to_owned() }
}

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

#[test]
fn what_is_no_file_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let here = place(folder.path());
    fs::create_dir(&here.database).unwrap();
    all_say(folder.path(), &here, &unreachable(&here.database, "is a folder"));

    let nowhere = place(&folder.path().join("none"));
    all_say(folder.path(), &nowhere, &unreachable(&folder.path().join("none"), "the folder does not exist"));

    let (other, target) = made();
    let linked = Place::at(folder.path().join("link.db"), Some(target.key_file));
    symlink(&target.database, &linked.database).unwrap();
    all_say(folder.path(), &linked, &unreachable(&linked.database, "is a symbolic link; name the file itself"));
    symlink(other.path(), folder.path().join("link")).unwrap();
    let through_folder = Place::at(folder.path().join("link/accounts.db"), None);
    assert!(has_password(&mut reader(&through_folder), &identity("joe", "example.com"), "one"), "folders may be links");

    let dangling = Place::at(folder.path().join("dangling.db"), None);
    symlink(folder.path().join("victim"), &dangling.database).unwrap();
    assert!(Writer::open(&dangling, &creation(), Box::new(SystemEntropy)).is_err());
    assert!(!folder.path().join("victim").exists(), "no file is made through a link");
}

#[test]
fn other_files_are_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let place = place(folder.path());
    for bytes in [&b"x"[..], &[0; 4096], b"root:x:0:0:root:/root:/bin/sh\n", &[b'a'; 100_000]] {
        fs::write(&place.database, bytes).unwrap();
        all_say(folder.path(), &place, &StoreError::NotOurs(place.database.clone()));
    }
    fs::remove_file(&place.database).unwrap();
    let connection = Connection::open(&place.database).unwrap();
    connection.execute_batch("CREATE TABLE recipes (name TEXT)").unwrap();
    drop(connection);
    all_say(folder.path(), &place, &StoreError::NotOurs(place.database.clone()));
}

#[test]
fn databases_of_other_programs_and_versions_are_told_apart() {
    for (pragma, wanted) in
        [("application_id = 7", None), ("user_version = 0", None), ("user_version = 9999", Some(9999))]
    {
        let (folder, place) = made();
        let connection = Connection::open(&place.database).unwrap();
        connection.execute_batch(&format!("PRAGMA {pragma}; PRAGMA wal_checkpoint(TRUNCATE)")).unwrap();
        drop(connection);
        let path = place.database.canonicalize().unwrap();
        let said = open_every_way(folder.path(), &place);
        match (wanted, said.new) {
            (None, StoreError::NotOurs(named)) => assert_eq!(named, path),
            (Some(version), StoreError::TooNew { path: named, found, known }) => {
                assert_eq!((named, found), (path, version));
                assert!(known < version);
            }
            (_, said) => panic!("{pragma}: {said}"),
        }
        assert!(said.reader.is_lasting(), "a helper refuses to start");
    }
}

#[test]
fn a_database_can_be_made_in_an_empty_file_or_a_new_one() {
    let folder = tempfile::tempdir().unwrap();
    let place = place(folder.path());
    let missing = StoreError::Missing(place.database.clone());
    assert_eq!(Writer::open_existing(&place, Box::new(SystemEntropy)).err(), Some(missing.clone()));
    fs::write(&place.database, b"").unwrap();
    set_mode(&place.database, 0o604);
    assert_eq!(Writer::open_existing(&place, Box::new(SystemEntropy)).err(), Some(missing.clone()));
    assert_eq!(Reader::open(&place, shape()).unwrap_err(), missing);
    assert_eq!(Lister::open(&place.database).err(), Some(missing.clone()));
    assert!(!missing.is_lasting(), "a helper waits for it");
    let made = writer(&place);
    assert!(made.is_new());
    assert!(!writer(&place).is_new());
    assert_eq!(fs::metadata(&place.database).unwrap().mode() & 0o777, 0o604, "its mode is kept");
    // SQLite has made its header, and the process died.
    let early = Place::at(folder.path().join("early.db"), None);
    Connection::open(&early.database).unwrap().pragma_update(None, "journal_mode", "WAL").unwrap();
    assert_eq!(Reader::open(&early, shape()).unwrap_err(), StoreError::Missing(early.database.clone()));
    assert!(writer(&early).is_new());
}

#[test]
fn the_key_has_to_be_there_and_the_right_one() {
    let key = |place: &Place, fault| StoreError::Key { path: place.key_file.clone(), fault };
    let all_but_the_lister_say = |folder: &Path, place: &Place, fault| {
        let said = open_every_way(folder, place);
        let wanted = key(place, fault);
        assert!(wanted.is_lasting());
        assert_eq!((said.new, said.existing, said.reader, said.lister), (wanted.clone(), wanted.clone(), wanted, None));
    };
    let (folder, place) = made();
    let right = fs::read(&place.key_file).unwrap();

    fs::remove_file(&place.key_file).unwrap();
    all_but_the_lister_say(folder.path(), &place, KeyFault::Missing);

    let (_elsewhere, other) = made();
    fs::copy(&other.key_file, &place.key_file).unwrap();
    all_but_the_lister_say(folder.path(), &place, KeyFault::OtherKey);

    let text = String::from_utf8(right.clone()).unwrap();
    let line = text.lines().find(|line| line.starts_with("key ")).unwrap();
    for wrong in [
        String::new(),
        text.replacen('1', "2", 1),
        text.replace("key ", "kee "),
        text.replace(line, &line[..line.len() - 1]),
        text.replace(line, &format!("{line}0")),
        text.replace(line, &line.replacen(|c: char| c.is_ascii_digit(), "g", 1)),
        format!("{text}{line}\n{line}\n"),
        text.replace(line, "key \u{e9}\u{e9}"),
    ] {
        fs::write(&place.key_file, &wrong).unwrap();
        all_but_the_lister_say(folder.path(), &place, KeyFault::Malformed);
    }
    fs::remove_file(&place.key_file).unwrap();
    fs::create_dir(&place.key_file).unwrap();
    set_mode(&place.key_file, 0o700);
    all_but_the_lister_say(folder.path(), &place, KeyFault::Malformed);
    fs::remove_dir(&place.key_file).unwrap();

    fs::write(&place.key_file, &right).unwrap();
    for mode in [0o644, 0o660, 0o602, 0o620] {
        set_mode(&place.key_file, mode);
        all_but_the_lister_say(folder.path(), &place, KeyFault::OpenToAll);
    }
    for mode in [0o600, 0o640, 0o400] {
        set_mode(&place.key_file, mode);
        assert!(has_password(&mut reader(&place), &identity("joe", "example.com"), "one"));
    }

    // The file may hold two: the database's own need not be the first.
    let other_text = fs::read_to_string(&other.key_file).unwrap();
    let other_line = other_text.lines().find(|line| line.starts_with("key ")).unwrap();
    set_mode(&place.key_file, 0o600);
    fs::write(&place.key_file, text.replace(line, &format!("{other_line}\n{line}"))).unwrap();
    assert!(has_password(&mut reader(&place), &identity("joe", "example.com"), "one"));
    put(&mut writer(&place), &identity("ann", "example.com"), "two");
    assert!(has_password(&mut reader(&place), &identity("ann", "example.com"), "two"));
    assert!(writer(&place).verify_audit().is_ok());
}

#[test]
fn a_key_is_made_with_a_database_only_and_one_that_is_there_is_used() {
    let (_folder, other) = made();
    let folder = tempfile::tempdir().unwrap();
    let place = place(folder.path());
    let place = Place { key_file: other.key_file.clone(), ..place };
    let before = fs::read(&other.key_file).unwrap();
    put(&mut writer(&place), &identity("joe", "example.com"), "one");
    assert_eq!(fs::read(&other.key_file).unwrap(), before);
    assert!(has_password(&mut reader(&place), &identity("joe", "example.com"), "one"));

    let nowhere = Place::at(folder.path().join("b.db"), Some(folder.path().join("none/b.key")));
    let before = files(folder.path());
    assert!(matches!(
        Writer::open(&nowhere, &creation(), Box::new(SystemEntropy)).err(),
        Some(StoreError::Unreachable { .. })
    ));
    assert!(files(folder.path()) == before, "no database without a key");
}

#[test]
fn modes_follow_the_folder() {
    let mode = |path: &Path| fs::metadata(path).unwrap().mode() & 0o7777;
    let (folder, place) = made();
    assert_eq!(mode(&place.key_file), 0o600, "nobody chose this folder's group");
    assert_eq!(mode(&place.database) & !0o640, 0);
    assert_eq!(files(folder.path()).len(), 3, "nothing is left lying beside database, log and key");

    let folder = tempfile::tempdir().unwrap();
    set_mode(folder.path(), 0o2750);
    let place = store::place(folder.path());
    drop(writer(&place));
    assert_eq!(mode(&place.key_file) & !0o640, 0);
    assert_eq!(mode(&place.key_file), mode(&place.database), "both as the umask permits");
}

#[test]
fn many_may_make_it_at_once_and_one_does() {
    let folder = tempfile::tempdir().unwrap();
    let place = place(folder.path());
    let barrier = Barrier::new(8);
    let made = thread::scope(|scope| {
        let one = |number: usize| {
            let (place, barrier) = (&place, &barrier);
            scope.spawn(move || {
                barrier.wait();
                let mut writer = writer(place);
                put(&mut writer, &identity(&format!("user{number}"), "example.com"), "one");
                writer.is_new()
            })
        };
        let all: Vec<_> = (0..8).map(one).collect();
        all.into_iter().filter_map(|thread| thread.join().unwrap().then_some(())).count()
    });
    assert_eq!(made, 1);
    let mut reader = reader(&place);
    for number in 0..8 {
        assert!(has_password(&mut reader, &identity(&format!("user{number}"), "example.com"), "one"));
    }
    let head = writer(&place).verify_audit().unwrap().unwrap();
    assert_eq!(head.number, 9, "one entry for the database, one for each account");
}

#[test]
fn a_damaged_database_is_said_to_be() {
    let (folder, place) = made();
    let mut first = writer(&place);
    for number in 0..200 {
        put(&mut first, &identity(&format!("user{number}"), "example.com"), "x");
    }
    drop(first);
    checkpoint(&place);
    let mut bytes = fs::read(&place.database).unwrap();
    let end = bytes.len();
    bytes[8192..end].fill(0xA5);
    fs::write(&place.database, &bytes).unwrap();
    let said = open_every_way(folder.path(), &place);
    for error in [said.new, said.existing, said.reader, said.lister.unwrap()] {
        assert!(matches!(error, StoreError::Damaged(_)), "{error}");
        assert!(!error.is_lasting(), "a helper stays and says unavailable");
    }
}

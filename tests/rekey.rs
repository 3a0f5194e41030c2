//! Another key for a database in use: nobody notices, a kill at any moment is mended by running it again, and the old key is gone.

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
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use rusqlite::Connection;
use sasldb::credential::Lookup;
use sasldb::identity::Identity;
use sasldb::runtime::SystemEntropy;
use sasldb::store::sqlite::{Inspector, Rekeyed, Writer, backup, rekey};
use sasldb::store::{KeyFault, Place, StoreError};
use sasldb::vocabulary::ScramHash;
use store::*;

fn user(number: usize) -> Identity {
    identity(&format!("user{number}"), "example.com")
}

fn made(folder: &Path, accounts: usize) -> (Place, Writer) {
    let place = place(folder);
    let mut writer = writer(&place);
    (0..accounts).for_each(|number| put(&mut writer, &user(number), "secret"));
    (place, writer)
}

fn run(place: &Place) -> Result<Rekeyed, StoreError> {
    rekey(place, &actor(), NOW, &mut SystemEntropy, &mut |_| true)
}

fn keys(place: &Place) -> Vec<String> {
    let text = fs::read_to_string(&place.key_file).unwrap();
    text.lines().filter(|line| line.starts_with("key ")).map(str::to_owned).collect()
}

/// That all is as it should be under one key.
fn check(place: &Place, accounts: usize) {
    let connection = Connection::open(&place.database).unwrap();
    let ids: i64 = connection
        .query_row("SELECT count(*) FROM (SELECT key_id FROM accounts UNION SELECT key_id FROM meta)", (), |row| {
            row.get(0)
        })
        .unwrap();
    assert_eq!((ids, keys(place).len()), (1, 1));
    let inspector = Inspector::open(place).unwrap();
    inspector.verify_audit(&mut |_| ()).unwrap();
    let mut found = 0;
    inspector
        .accounts(&mut |account| {
            account.unwrap();
            found += 1;
            true
        })
        .unwrap();
    assert_eq!(found, accounts);
}

#[test]
fn nobody_notices_and_the_old_key_opens_nothing_any_more() {
    let folder = tempfile::tempdir().unwrap();
    let (place, mut before) = made(folder.path(), 30);
    let mut logins = reader(&place);
    assert!(has_password(&mut logins, &user(3), "secret"));
    let unknown = look_up(&mut logins, who(&identity("nobody", "example.com"))).unwrap();
    fs::set_permissions(&place.key_file, fs::Permissions::from_mode(0o640)).unwrap();
    let (old, meta) = (fs::read(&place.key_file).unwrap(), fs::metadata(&place.key_file).unwrap());

    for round in 1..=3 {
        let had = keys(&place);
        let done = run(&place).unwrap();
        assert_eq!(done.accounts, if round == 1 { 30 } else { 31 });
        assert_eq!(done.head.unwrap().number, 31 + round * 2 - 1);
        assert_ne!(keys(&place), had);
        // With the database open since before: the helper, and a tool that makes many changes.
        assert!(has_password(&mut logins, &user(3), "secret"));
        put(&mut before, &user(100), &format!("round {round}"));
        assert!(has_password(&mut logins, &user(100), &format!("round {round}")));
        check(&place, 31);
    }
    let now = fs::metadata(&place.key_file).unwrap();
    assert_eq!((now.mode(), now.uid(), now.gid()), (meta.mode(), meta.uid(), meta.gid()));
    // Neither salts nor decoys show that there was another key.
    let still = look_up(&mut logins, who(&identity("nobody", "example.com"))).unwrap();
    let salt = |found: &Lookup| found.scram_parameters(ScramHash::Sha256).salt;
    assert_eq!(salt(&still), salt(&unknown));

    let copy = folder.path().join("copy.db");
    backup(&place.database, &copy, &unwatched()).unwrap();
    fs::write(&place.key_file, old).unwrap();
    let fault = StoreError::Key { path: place.key_file.clone(), fault: KeyFault::OtherKey };
    assert_eq!(Inspector::open(&Place { database: copy, key_file: place.key_file.clone() }).err(), Some(fault));
}

#[test]
fn what_cannot_be_opened_keeps_the_old_key() {
    let folder = tempfile::tempdir().unwrap();
    let (place, writer) = made(folder.path(), 5);
    drop(writer);
    let connection = Connection::open(&place.database).unwrap();
    connection.execute("UPDATE accounts SET disabled = 1 WHERE name_key = 'user2'", ()).unwrap();
    let Err(StoreError::Damaged(what)) = run(&place) else { panic!("it was not noticed") };
    assert_eq!(what, "1 accounts cannot be opened, so the earlier key stays in the key file");
    assert_eq!(keys(&place).len(), 2);
    let mut logins = reader(&place);
    assert!(has_password(&mut logins, &user(1), "secret"));
    // Mended, it ends.
    connection.execute("UPDATE accounts SET disabled = 0 WHERE name_key = 'user2'", ()).unwrap();
    assert_eq!(run(&place).unwrap().accounts, 1);
    assert!(has_password(&mut logins, &user(2), "secret"));
    check(&place, 5);
}

#[test]
fn who_writes_meanwhile_loses_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let (place, writer) = made(folder.path(), 300);
    drop(writer);
    let ended = AtomicBool::new(false);
    thread::scope(|scope| {
        let writing = scope.spawn(|| {
            let mut writer = Writer::open_existing(&place, Box::new(SystemEntropy)).unwrap();
            let mut number = 0;
            while !ended.load(Ordering::Relaxed) {
                put(&mut writer, &user(number % 300), "changed");
                number += 1;
            }
            number
        });
        for _ in 0..5 {
            run(&place).unwrap();
            check(&place, 300);
        }
        ended.store(true, Ordering::Relaxed);
        let mut logins = reader(&place);
        for number in 0..writing.join().unwrap().min(300) {
            assert!(has_password(&mut logins, &user(number), "changed"));
        }
    });
}

fn start(place: &Place) -> Child {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sasldb-rs"));
    command.args(["--config", "/dev/null", "rekey", "-f"]).arg(&place.database);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

#[test]
fn a_kill_at_any_moment_is_mended_by_running_it_again() {
    let folder = tempfile::tempdir().unwrap();
    let (place, writer) = made(folder.path(), 2500);
    drop(writer);
    let mut logins = reader(&place);
    let mut interrupted = 0;
    for kill in 0..80u64 {
        let mut child = start(&place);
        thread::sleep(Duration::from_micros(700 * kill));
        child.kill().unwrap();
        child.wait().unwrap();
        interrupted += usize::from(keys(&place).len() == 2);
        assert!(has_password(&mut logins, &user(7), "secret"));
        assert!(has_password(&mut logins, &user(2499), "secret"));
        check_readable(&place);
    }
    assert!(interrupted > 0, "no kill hit it at work");
    let said = start(&place).wait_with_output().unwrap();
    assert!(said.status.success(), "{}", String::from_utf8_lossy(&said.stderr));
    check(&place, 2500);
    // No copy of a key is left behind.
    assert!(!fs::exists(folder.path().join("accounts.db.key.rekey")).unwrap());
}

/// Whatever the keys, each account opens.
fn check_readable(place: &Place) {
    let inspector = Inspector::open(place).unwrap();
    inspector.verify_audit(&mut |_| ()).unwrap();
    inspector
        .accounts(&mut |account| {
            account.unwrap();
            true
        })
        .unwrap();
}

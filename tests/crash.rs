//! What a crash may leave behind: the old account or the new one, whole, and a database that SQLite finds nothing wrong with.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "a test may fail"
)]

#[path = "store/mod.rs"]
mod store;

use std::collections::BTreeMap;
use std::fs;
use std::hash::{BuildHasher, RandomState};
use std::io::Write;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};
use sasldb::credential::{Account, CramMd5States, Iterations, Recipe, derive};
use sasldb::identity::Identity;
use sasldb::runtime::SystemEntropy;
use sasldb::store::sqlite::Writer;
use sasldb::store::{Basis, CredentialAdmin, Place};
use store::*;

const KILLS: usize = 500;
const WORKERS: usize = 4;

/// Cheap keys: the kills are to hit the store, not the derivation.
const COUNT: u32 = 4096;

fn config(folder: &Path) -> String {
    let path = folder.join("config.toml");
    fs::write(&path, format!("scram_iterations = {COUNT}\nrealm = \"example.com\"\n")).unwrap();
    path.to_str().unwrap().to_owned()
}

fn run(program: &str, arguments: &[&str], password: &str) -> Child {
    let mut child = Command::new(program)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(password.as_bytes()).unwrap();
    child
}

fn set(config: &str, place: &Place, user: &str, password: &str) -> Child {
    let database = place.database.to_str().unwrap();
    run(env!("CARGO_BIN_EXE_saslpasswd-rs"), &["--config", config, "-p", "-c", "-f", database, user], password)
}

fn verifies(config: &str, place: &Place, user: &str, password: &str) -> bool {
    let database = place.database.to_str().unwrap();
    let said = run(env!("CARGO_BIN_EXE_sasldb-rs"), &["verify", "--config", config, "-f", database, user], password)
        .wait_with_output()
        .unwrap();
    match said.status.code() {
        Some(0) => true,
        Some(1) => false,
        _ => panic!("{user}: {}", String::from_utf8_lossy(&said.stderr)),
    }
}

fn below(limit: u64) -> u64 {
    RandomState::new().hash_one(0) % limit
}

fn check_integrity(place: &Place) {
    let connection = Connection::open_with_flags(&place.database, OpenFlags::SQLITE_OPEN_READ_ONLY).unwrap();
    let verdict: String = connection.query_row("PRAGMA integrity_check", (), |row| row.get(0)).unwrap();
    assert_eq!(verdict, "ok");
}

/// Whether every secret of the account was made of `password`: a half-written account would mix two.
fn is_whole(account: &Account, basis: &Basis, password: &str) -> bool {
    let recipe = Recipe {
        identity: &basis.identity,
        realms: &basis.realms,
        salt_key: &basis.salt_key,
        schemes: &SCHEMES,
        iterations: Iterations { usual: COUNT, bound: &[] },
    };
    let wanted = derive(&store::password(password), &recipe);
    let [stored] = account.passwords.as_slice() else { return false };
    let states = |states: &CramMd5States| (*states.inner.expose(), *states.outer.expose());
    let hashes = |hashes: &[sasldb::credential::DigestMd5Hash]| -> Vec<_> {
        hashes.iter().map(|h| (h.tag, *h.hash.expose())).collect()
    };
    let keys = |keys: &[sasldb::credential::ScramKeys]| -> Vec<_> {
        keys.iter().map(|k| (k.hash, k.stored_key.expose().to_vec(), k.server_key.expose().to_vec())).collect()
    };
    stored.secrets.cram_md5.as_ref().map(states) == wanted.cram_md5.as_ref().map(states)
        && hashes(&stored.secrets.digest_md5) == hashes(&wanted.digest_md5)
        && keys(&stored.secrets.scram) == keys(&wanted.scram)
}

/// The one of `candidates` that the account was wholly made of.
fn password_of<'c>(writer: &mut Writer, identity: &Identity, candidates: &'c [String]) -> Option<&'c String> {
    let account = writer.account(&identity.key()).unwrap()?;
    let basis = writer.basis(identity, &sasldb::credential::Label::main()).unwrap();
    let found = candidates.iter().find(|candidate| is_whole(&account, &basis, candidate));
    assert!(found.is_some(), "{identity} is none of the accounts that were set");
    found
}

#[test]
fn five_hundred_kills_leave_whole_accounts() {
    let folder = tempfile::tempdir().unwrap();
    let (place, config) = (place(folder.path()), config(folder.path()));
    assert!(set(&config, &place, "witness", "untouched").wait().unwrap().success());
    // For each account the passwords that it may have: the last that was certainly set, and all tried since.
    let worker = |number: usize| {
        let user = format!("user{number}");
        let mut candidates: Vec<String> = Vec::new();
        let mut killed = 0;
        for round in 0.. {
            let password = format!("password {number} {round}");
            let mut child = set(&config, &place, &user, &password);
            thread::sleep(Duration::from_micros(below(30_000)));
            child.kill().unwrap();
            candidates.push(password);
            if child.wait().unwrap().success() {
                candidates.drain(..candidates.len() - 1);
            } else {
                killed += 1;
            }
            if killed == KILLS / WORKERS {
                return (user, candidates);
            }
        }
        unreachable!()
    };
    let accounts: BTreeMap<String, Vec<String>> = thread::scope(|scope| {
        let running: Vec<_> = (0..WORKERS).map(|number| scope.spawn(move || worker(number))).collect();
        running.into_iter().map(|worker| worker.join().unwrap()).collect()
    });

    check_integrity(&place);
    let mut writer = Writer::open_existing(&place, Box::new(SystemEntropy)).unwrap();
    writer.verify_audit().unwrap();
    for (user, candidates) in &accounts {
        if let Some(password) = password_of(&mut writer, &identity(user, "example.com"), candidates) {
            assert!(verifies(&config, &place, user, password));
            assert!(!verifies(&config, &place, user, "another"));
        }
    }
    assert!(verifies(&config, &place, "witness", "untouched"));
}

#[test]
fn a_kill_while_the_database_is_made_hinders_nobody_after_it() {
    for _ in 0..40 {
        let folder = tempfile::tempdir().unwrap();
        let (place, config) = (place(folder.path()), config(folder.path()));
        for _ in 0..3 {
            let mut child = set(&config, &place, "mailman", "first");
            thread::sleep(Duration::from_micros(below(20_000)));
            child.kill().unwrap();
            child.wait().unwrap();
        }
        let said = set(&config, &place, "mailman", "second").wait_with_output().unwrap();
        assert!(said.status.success(), "{}", String::from_utf8_lossy(&said.stderr));
        assert!(verifies(&config, &place, "mailman", "second"));
        check_integrity(&place);
    }
}

/// Somebody has the database open all the while, as the helper has.
#[test]
fn a_kill_while_a_backup_is_put_back_leaves_the_one_or_the_other() {
    let folder = tempfile::tempdir().unwrap();
    let (place, config) = (place(folder.path()), config(folder.path()));
    let mailman = identity("mailman", "example.com");
    let mut store = writer(&place);
    put(&mut store, &mailman, "old");
    for number in 0..200 {
        put(&mut store, &identity(&format!("user{number}"), "example.com"), "some");
    }
    let copy = folder.path().join("copy.db");
    let copied = sasldb::store::sqlite::backup(&place.database, &copy, &unwatched()).unwrap();
    assert_eq!(copied.map(|copied| copied.accounts), Some(201));
    let mut logins = reader(&place);
    for _ in 0..60 {
        put(&mut store, &mailman, "new");
        assert!(has_password(&mut logins, &mailman, "new"));
        let database = place.database.to_str().unwrap();
        let arguments = ["--config", &config, "restore", "-f", database, "--replace", copy.to_str().unwrap()];
        let mut child = run(env!("CARGO_BIN_EXE_sasldb-rs"), &arguments, "");
        thread::sleep(Duration::from_micros(below(30_000)));
        child.kill().unwrap();
        child.wait().unwrap();
        let [old, new] = ["old", "new"].map(|password| has_password(&mut logins, &mailman, password));
        assert!(old != new, "{old} {new}");
        check_integrity(&place);
        store.verify_audit().unwrap();
    }
    let said = run(
        env!("CARGO_BIN_EXE_sasldb-rs"),
        &["--config", &config, "restore", "-f", place.database.to_str().unwrap(), "--replace", copy.to_str().unwrap()],
        "",
    );
    assert!(said.wait_with_output().unwrap().status.success());
    assert!(has_password(&mut logins, &mailman, "old"));
}

/// A database with one account, set to `old` and then to `new`: the files before the second change reached the database
/// file. What a power cut leaves of them is a beginning of the log, or a log with holes.
fn old_and_new(folder: &Path) -> (Place, Vec<u8>) {
    let place = place(folder);
    let mut first = writer(&place);
    put(&mut first, &identity("mailman", "example.com"), "old");
    drop(first);
    checkpoint(&place);
    let mut second = Writer::open_existing(&place, Box::new(SystemEntropy)).unwrap();
    put(&mut second, &identity("mailman", "example.com"), "new");
    let log = fs::read(log_of(&place)).unwrap();
    assert!(log.len() > 8192, "the second change is in the log");
    (place, log)
}

fn log_of(place: &Place) -> std::path::PathBuf {
    let mut log = place.database.clone().into_os_string();
    log.push("-wal");
    log.into()
}

/// Opens what a power cut left and says which password the account has.
fn after_power_cut(from: &Place, log: &[u8]) -> &'static str {
    let folder = tempfile::tempdir().unwrap();
    let place = place(folder.path());
    fs::copy(&from.database, &place.database).unwrap();
    fs::copy(&from.key_file, &place.key_file).unwrap();
    fs::write(log_of(&place), log).unwrap();
    let mut writer = Writer::open_existing(&place, Box::new(SystemEntropy)).unwrap();
    writer.verify_audit().unwrap();
    check_integrity(&place);
    let mut reader = reader(&place);
    let mailman = identity("mailman", "example.com");
    match (has_password(&mut reader, &mailman, "old"), has_password(&mut reader, &mailman, "new")) {
        (true, false) => "old",
        (false, true) => "new",
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_power_cut_leaves_the_old_account_or_the_new_one() {
    let folder = tempfile::tempdir().unwrap();
    let (place, log) = old_and_new(folder.path());
    assert_eq!(after_power_cut(&place, &log), "new");
    assert_eq!(after_power_cut(&place, &[]), "old");
    for cut in (0..log.len()).step_by(1021) {
        assert_eq!(after_power_cut(&place, &log[..cut]), "old", "cut at {cut} of {}", log.len());
    }
    // A disk may write its sectors in any order, and lose any of them. The last frames may hold nothing new.
    for sector in 0..log.len() / 512 {
        let mut holed = log.clone();
        holed[sector * 512..(sector + 1) * 512].fill(0);
        after_power_cut(&place, &holed);
    }
}

/// Runs `script` as root of a private namespace, where it may fill file systems of its own.
fn in_private(script: &str, folder: &Path) -> String {
    let output = Command::new(concat!(env!("CARGO_MANIFEST_DIR"), "/scripts/private"))
        .args(["sh", "-euc", script, "sh"])
        .args([env!("CARGO_BIN_EXE_saslpasswd-rs"), env!("CARGO_BIN_EXE_sasldb-rs")])
        .arg(folder)
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn a_full_disk_is_said_and_loses_nothing() {
    let folder = tempfile::tempdir().unwrap();
    config(folder.path());
    let script = r#"
        set_password=$1 verify=$2 folder=$3
        mkdir "$folder/disk"
        mount -t tmpfs -o size=400k disk "$folder/disk"
        made=0
        while printf "password $made" | "$set_password" --config "$folder/config.toml" -p -c -f "$folder/disk/a.db" "user$made" 2>"$folder/said"
        do made=$((made + 1)); done
        grep -q 'no space left' "$folder/said" || { cat "$folder/said" >&2; exit 1; }
        printf changed | "$set_password" --config "$folder/config.toml" -p -c -f "$folder/disk/a.db" user0 2>/dev/null && exit 3
        number=0
        while [ $number -lt $made ]; do
            printf "password $number" | "$verify" verify --config "$folder/config.toml" -f "$folder/disk/a.db" "user$number" >/dev/null
            number=$((number + 1))
        done
        printf 'password %s' "$made" | "$verify" verify --config "$folder/config.toml" -f "$folder/disk/a.db" "user$made" >/dev/null 2>&1 && exit 4
        mount -o remount,size=2m "$folder/disk"
        printf after | "$set_password" --config "$folder/config.toml" -p -c -f "$folder/disk/a.db" user0
        printf after | "$verify" verify --config "$folder/config.toml" -f "$folder/disk/a.db" user0 >/dev/null
        echo "$made"
    "#;
    let made: usize = in_private(script, folder.path()).trim().parse().unwrap();
    assert!(made > 0, "the disk was full at once");
}

#[test]
fn a_file_that_may_not_grow_loses_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let (place, config) = (place(folder.path()), config(folder.path()));
    assert!(set(&config, &place, "mailman", "old").wait().unwrap().success());
    let mut refused = 0;
    for (blocks, signal) in (0..200).step_by(8).flat_map(|blocks| [(blocks, "trap '' XFSZ;"), (blocks, "")]) {
        let script = format!("{signal} ulimit -f {blocks}; exec \"$@\"");
        let database = place.database.to_str().unwrap();
        let program = env!("CARGO_BIN_EXE_saslpasswd-rs");
        let arguments = ["-c", &script, "sh", program, "--config", &config, "-p", "-c", "-f", database, "mailman"];
        let password = format!("new {blocks}{}", signal.len());
        let ended = run("sh", &arguments, &password).wait().unwrap();
        let expected = if ended.success() { password.as_str() } else { "old" };
        refused += usize::from(!ended.success());
        assert!(verifies(&config, &place, "mailman", expected), "{blocks} blocks, {ended}");
        assert!(set(&config, &place, "mailman", "old").wait().unwrap().success());
    }
    assert!(refused > 0, "no limit bit");
}

#[test]
fn the_log_does_not_grow_with_the_number_of_changes() {
    let folder = tempfile::tempdir().unwrap();
    let place = place(folder.path());
    for round in 0..300 {
        put(&mut writer(&place), &identity("mailman", "example.com"), &format!("password {round}"));
        let length = fs::metadata(log_of(&place)).unwrap().len();
        assert!(length < 1 << 20, "round {round}");
        assert!(length > 0, "round {round}: from an empty log a reader learns of no change");
    }
}

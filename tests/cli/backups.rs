//! `sasldb-rs backup` and `restore`.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use rusqlite::Connection;

use crate::shell::{Ran, SASLDB, Shell};

fn sasldb(shell: &Shell, arguments: &[&str]) -> Ran {
    shell.run(SASLDB, arguments, b"")
}

/// Columns of the one line that was printed.
fn line(ran: &Ran) -> Vec<String> {
    assert_eq!((ran.status, ran.err.as_str(), ran.out.lines().count()), (Some(0), "", 1), "{ran:?}");
    ran.out.trim_end().split('\t').map(str::to_owned).collect()
}

fn backed_up() -> Shell {
    let shell = Shell::new();
    shell.make_mailman();
    shell.saslpasswd(&["-c", "joe"], b"secret\n").quiet();
    let told = line(&sasldb(&shell, &["backup", "copy.db"]));
    assert_eq!(told[..3], ["copy.db", "2", "3"]);
    shell
}

#[test]
fn a_copy_is_one_file_that_its_owner_reads_and_opens_nothing_without_the_key() {
    let shell = backed_up();
    let copy = shell.path("copy.db");
    assert_eq!(fs::metadata(&copy).unwrap().permissions().mode() & 0o7777, 0o600);
    let names: Vec<_> = shell.contents().into_keys().map(|path| path.file_name().unwrap().to_owned()).collect();
    assert!(!names.iter().any(|name| name.to_string_lossy().contains("partial")), "{names:?}");
    assert!(!shell.path("copy.db-wal").exists());
    let key = fs::read_to_string(shell.key()).unwrap();
    let secret = key.lines().find_map(|line| line.strip_prefix("key ")).unwrap();
    let bytes = fs::read(&copy).unwrap();
    assert!(!bytes.windows(secret.len()).any(|window| window == secret.as_bytes()));

    // Elsewhere, without the key: accounts are listed, none opens.
    let elsewhere = Shell::new();
    let ran = sasldb(&elsewhere, &["restore", copy.to_str().unwrap()]);
    assert_eq!((ran.status, ran.out.as_str()), (Some(75), ""), "{ran:?}");
    assert!(ran.err.contains("key file"), "{ran:?}");
    assert!(!elsewhere.database().exists());
    fs::write(elsewhere.key(), key.replace(secret, &"00".repeat(32))).unwrap();
    fs::set_permissions(elsewhere.key(), fs::Permissions::from_mode(0o600)).unwrap();
    let ran = sasldb(&elsewhere, &["restore", copy.to_str().unwrap()]);
    assert_eq!(ran.status, Some(75), "{ran:?}");
    assert!(ran.err.contains("does not hold the key of this database"), "{ran:?}");
    assert!(!elsewhere.database().exists());
}

#[test]
fn a_copy_and_its_key_are_the_database_elsewhere() {
    let shell = backed_up();
    let copy = shell.path("copy.db");
    let elsewhere = Shell::new();
    fs::copy(shell.key(), elsewhere.key()).unwrap();
    let told = line(&sasldb(&elsewhere, &["restore", copy.to_str().unwrap()]));
    assert_eq!(told[1..3], ["2", "3"]);
    assert_eq!(elsewhere.verify("mailman", b"secret"), Some(0));
    assert_eq!(elsewhere.verify("mailman", b"wrong"), Some(1));
    assert_eq!(sasldb(&elsewhere, &["log", "verify"]).status, Some(0));
    elsewhere.saslpasswd(&["mailman"], b"next\n").quiet();
    assert_eq!(elsewhere.verify("mailman", b"next"), Some(0));
    assert_eq!(shell.verify("mailman", b"secret"), Some(0));
}

#[test]
fn what_is_there_is_replaced_only_when_asked_and_the_audit_says_so() {
    let shell = backed_up();
    shell.saslpasswd(&["mailman"], b"later\n").quiet();
    shell.saslpasswd(&["-d", "joe"], b"").quiet();
    let before = shell.files();
    let ran = sasldb(&shell, &["restore", "copy.db"]);
    assert_eq!(ran.status, Some(1), "{ran:?}");
    assert!(ran.err.contains("there is a database at"), "{ran:?}");
    line(&sasldb(&shell, &["restore", "--replace", "--dry-run", "copy.db"]));
    assert_eq!(shell.files(), before);

    line(&sasldb(&shell, &["restore", "--replace", "copy.db"]));
    assert_eq!(shell.accounts(), ["joe@example.com", "mailman@example.com"]);
    assert_eq!((shell.verify("mailman", b"secret"), shell.verify("mailman", b"later")), (Some(0), Some(1)));
    let log = sasldb(&shell, &["log", "--json", "--action", "restore"]);
    let entry: serde_json::Value = serde_json::from_str(&log.out).unwrap();
    assert_eq!((&entry["number"], &entry["detail"]["replaced"]["number"]), (&4.into(), &5.into()));
    assert_eq!(sasldb(&shell, &["log", "verify"]).status, Some(0));
}

#[test]
fn nothing_is_written_over_and_a_bad_copy_is_refused() {
    let shell = backed_up();
    let ran = sasldb(&shell, &["backup", "copy.db"]);
    assert_eq!((ran.status, ran.out.as_str()), (Some(75), ""), "{ran:?}");
    assert!(ran.err.contains("exists already") && ran.err.contains("hint: name a file that is not there"), "{ran:?}");
    let ran = sasldb(&shell, &["backup", "missing/copy.db"]);
    assert!(ran.err.contains("hint: make it, or name a file in another folder"), "{ran:?}");
    for (name, sql, told) in [
        ("seal.db", "UPDATE accounts SET disabled = 1 WHERE name_key = 'joe'", "joe@example.com"),
        ("audit.db", "DELETE FROM audit WHERE number = 2", "audit entry 2"),
    ] {
        fs::copy(shell.path("copy.db"), shell.path(name)).unwrap();
        Connection::open(shell.path(name)).unwrap().execute(sql, ()).unwrap();
        let before = shell.files();
        let ran = sasldb(&shell, &["restore", "--replace", name]);
        assert_eq!((ran.status, ran.out.as_str()), (Some(1), ""), "{ran:?}");
        assert!(ran.err.contains("damaged") && ran.err.contains(told), "{ran:?}");
        assert_eq!(shell.files(), before);
    }
    for (name, bytes, hint) in [
        ("cut.db", fs::read(shell.path("copy.db")).unwrap()[..9000].to_vec(), "hint: take another one"),
        ("text.db", b"x".repeat(500), "hint: name a file that sasldb-rs backup made"),
    ] {
        fs::write(shell.path(name), bytes).unwrap();
        let before = shell.files();
        let ran = sasldb(&shell, &["restore", "--replace", name]);
        assert!(ran.status != Some(0) && ran.out.is_empty() && ran.err.contains(hint), "{ran:?}");
        assert_eq!(shell.files(), before);
    }
    assert_eq!(sasldb(&shell, &["restore", "--replace", "missing.db"]).status, Some(1));
    assert_eq!(shell.verify("joe", b"secret"), Some(0));
}

#[test]
fn a_damaged_database_is_moved_away_and_its_backup_put_back() {
    let shell = backed_up();
    fs::write(shell.database(), b"damaged".repeat(4000)).unwrap();
    // With its log SQLite would not need the file at all.
    fs::write(shell.path("accounts.db-wal"), b"").unwrap();
    let ran = sasldb(&shell, &["restore", "--replace", "copy.db"]);
    assert_eq!(ran.status, Some(1), "{ran:?}");
    assert!(ran.err.contains("move "), "{ran:?}");
    for suffix in ["", "-wal", "-shm"] {
        let _ = fs::remove_file(shell.path(&format!("accounts.db{suffix}")));
    }
    line(&sasldb(&shell, &["restore", "copy.db"]));
    assert_eq!(shell.verify("joe", b"secret"), Some(0));
}

/// Makes of a database what it was before the schema's second version.
fn age(database: &Path) {
    let connection = Connection::open(database).unwrap();
    connection.execute_batch("DROP TABLE audit_keys; PRAGMA user_version = 1").unwrap();
    let first = Connection::open_in_memory().unwrap();
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/migrations/0001_initial.sql");
    first.execute_batch(&fs::read_to_string(file).unwrap()).unwrap();
    assert_eq!(tables(&connection), tables(&first));
}

fn tables(database: &Connection) -> Vec<String> {
    let mut tables = database.prepare("SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY name").unwrap();
    tables.query_map((), |row| row.get(0)).unwrap().map(Result::unwrap).collect()
}

fn version(database: &Path) -> i64 {
    let connection = Connection::open(database).unwrap();
    connection.pragma_query_value(None, "user_version", |row| row.get(0)).unwrap()
}

#[test]
fn a_copy_of_an_earlier_version_is_brought_up_to_date_on_its_way_back() {
    let shell = backed_up();
    let now = version(&shell.database());
    age(&shell.path("copy.db"));
    let before = fs::read(shell.path("copy.db")).unwrap();

    let looked_at = line(&sasldb(&shell, &["restore", "--dry-run", "--replace", "copy.db"]));
    assert_eq!(looked_at[1..3], ["2", "3"]);
    line(&sasldb(&shell, &["restore", "--replace", "copy.db"]));
    let elsewhere = Shell::new();
    fs::copy(shell.key(), elsewhere.key()).unwrap();
    line(&sasldb(&elsewhere, &["restore", shell.path("copy.db").to_str().unwrap()]));
    for shell in [&shell, &elsewhere] {
        assert_eq!(version(&shell.database()), now);
        assert_eq!(shell.verify("mailman", b"secret"), Some(0));
        assert_eq!(sasldb(shell, &["log", "verify"]).status, Some(0));
        assert_eq!(sasldb(shell, &["rekey"]).status, Some(0));
    }
    assert_eq!(fs::read(shell.path("copy.db")).unwrap(), before, "the copy itself stays");

    // A damaged one is as damaged.
    let shell = backed_up();
    age(&shell.path("copy.db"));
    let connection = Connection::open(shell.path("copy.db")).unwrap();
    connection.execute("UPDATE accounts SET disabled = 1 WHERE name_key = 'joe'", ()).unwrap();
    let ran = sasldb(&shell, &["restore", "--replace", "copy.db"]);
    assert_eq!((ran.status, ran.err.contains("damaged: ")), (Some(1), true), "{ran:?}");
}

#[test]
fn a_database_of_an_earlier_version_is_copied_before_anything_changes_it() {
    let shell = backed_up();
    age(&shell.database());
    line(&sasldb(&shell, &["backup", "old.db"]));
    assert_eq!((version(&shell.database()), version(&shell.path("old.db"))), (1, 1));
    let elsewhere = Shell::new();
    fs::copy(shell.key(), elsewhere.key()).unwrap();
    line(&sasldb(&elsewhere, &["restore", shell.path("old.db").to_str().unwrap()]));
    assert_eq!(elsewhere.verify("joe", b"secret"), Some(0));
}

//! `sasldb-rs check`: each thing that can be wrong is found, and nothing is found where nothing is. What it finds about mechanisms
//! is in `check_mechanisms`.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use crate::shell::{Ran, SASLDB, Shell};

/// A database with `mailman` and `joe@other.test`, its key in another folder.
pub(crate) fn clean() -> Shell {
    let shell = Shell::new();
    fs::create_dir(shell.path("keys")).unwrap();
    configure(&shell, "realm = \"example.com\"\nrealm_aliases = [\"mx1\"]");
    shell.make_mailman();
    shell.saslpasswd(&["-c", "joe@other.test"], b"secret").quiet();
    shell
}

pub(crate) fn configure(shell: &Shell, settings: &str) {
    shell.configure(&format!("key_file = {:?}\n{settings}", shell.path("keys/accounts.key")));
}

pub(crate) fn check(shell: &Shell, arguments: &[&str]) -> Ran {
    shell.run(SASLDB, &[&["check"], arguments].concat(), b"")
}

/// The findings, without the folder's name.
pub(crate) fn findings(shell: &Shell, arguments: &[&str]) -> Vec<String> {
    let ran = check(shell, arguments);
    assert_eq!((ran.status, ran.err.as_str()), (Some(i32::from(!ran.out.is_empty())), ""), "{ran:?}");
    let folder = shell.database().parent().unwrap().canonicalize().unwrap();
    let shown = folder.to_str().unwrap();
    ran.out.lines().map(|line| line.replace(&format!("{shown}/"), "").replace(shown, ".")).collect()
}

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

/// Changes the database as somebody with an editor would.
fn by_hand(shell: &Shell, sql: &str) {
    let connection = rusqlite::Connection::open(shell.database()).unwrap();
    assert!(connection.execute(sql, ()).unwrap() > 0);
}

#[test]
fn nothing_is_found_where_nothing_is_wrong_and_nothing_is_changed() {
    let shell = clean();
    let before = shell.files();
    check(&shell, &[]).quiet();
    check(&shell, &["--realm", "example.com", "--realm-alias", "MX1"]).quiet();
    let json = check(&shell, &["--json"]);
    assert_eq!((json.status, json.out.as_str(), json.err.as_str()), (Some(0), "[]\n", ""));
    assert_eq!(shell.files(), before);
}

#[test]
fn a_change_of_realm_says_whom_it_cuts_off_and_by_which_mechanism() {
    let shell = clean();
    let every = "SCRAM-SHA-256, SCRAM-SHA-1, DIGEST-MD5, CRAM-MD5, LOGIN, PLAIN";
    let offered = "DIGEST-MD5 of clients that take the realm offered";
    let mailman = format!(
        "cut-off\tmailman@example.com\tis cut off: as \"mailman\" by {every}; as \"mailman@example.com\" by {offered}; \
         as \"mailman@mx1\" by {every}"
    );
    let joe = format!("cut-off\tjoe@other.test\tis cut off: as \"joe@other.test\" by {offered}");
    let lost = findings(&shell, &["--realm", "new.test", "--realm-alias", "mx2"]);
    assert_eq!(lost, [mailman.as_str(), joe.as_str()]);
    // An alias that goes takes its names along; DIGEST-MD5 offers the same realm as before.
    let lost = findings(&shell, &["--realm", "example.com", "--realm-alias", "mx2"]);
    assert_eq!(lost, [format!("cut-off\tmailman@example.com\tis cut off: as \"mailman@mx1\" by {every}")]);
    // The same realm; but clients hash the spelling that is offered.
    let lost = findings(&shell, &["--realm", "Example.com", "--realm-alias", "mx1"]);
    assert_eq!(lost[1], joe);
    assert!(lost[0].contains(&format!("as \"mailman\" by {offered}")), "{lost:?}");
    // Here an account means what it always meant, and there is no hash for clients that send the new name.
    let lost = findings(&shell, &["--realm", "mx1", "--realm-alias", "example.com"]);
    assert_eq!(
        lost[0],
        "alias\tmailman@example.com\tis an account, but example.com is also an alias of the default realm mx1"
    );
    assert!(lost[1].contains("as \"mailman@example.com\" by SCRAM-SHA-256"), "{lost:?}");
    // The realm in which joe is becomes the default: his bare name begins to work, nothing of his stops.
    let lost = findings(&shell, &["--realm", "other.test"]);
    assert!(
        lost.iter().any(|line| line.contains("mailman@example.com\tis cut off: as \"mailman\" by SCRAM")),
        "{lost:?}"
    );
}

#[test]
fn a_change_that_was_made_is_found_until_the_passwords_are_set_anew() {
    let shell = clean();
    configure(&shell, "realm = \"new.test\"");
    let lost = findings(&shell, &[]);
    assert_eq!(lost.len(), 2, "{lost:?}");
    assert!(lost[0].starts_with("cut-off\tmailman@example.com\t") && lost[1].starts_with("cut-off\tjoe@other.test\t"));
    shell.saslpasswd(&["joe@other.test"], b"secret").quiet();
    let lost = findings(&shell, &[]);
    assert_eq!(lost.len(), 1, "{lost:?}");
    assert!(lost[0].starts_with("cut-off\tmailman@example.com\t"));
    // Back to the realm that was noted: now joe's hashes are for the wrong one.
    configure(&shell, "realm = \"example.com\"\nrealm_aliases = [\"mx1\"]");
    let lost = findings(&shell, &[]);
    assert_eq!(lost.len(), 1, "{lost:?}");
    assert!(lost[0].starts_with("cut-off\tjoe@other.test\t"));
    assert_eq!(findings(&shell, &["--realm", "example.com", "--realm-alias", "mx1"]), [""; 0], "it fails already");
}

#[test]
fn settings_can_be_asked_about_before_they_are_made() {
    let shell = clean();
    // The present realm is not the one that the database noted, and accounts were made under it.
    configure(&shell, "realm = \"present.test\"");
    shell.saslpasswd(&["-c", "ann"], b"secret").quiet();
    let new = shell.path("new.toml");
    let ask = |settings: &str| {
        fs::write(&new, settings).unwrap();
        let findings = findings(&shell, &["--new-config", new.to_str().unwrap()]);
        findings.into_iter().filter(|line| line.contains("\tann@present.test\t")).collect::<Vec<_>>()
    };
    assert_eq!(ask("realm = \"present.test\"\nscram_iterations = 5000"), [""; 0]);
    let every = "SCRAM-SHA-256, SCRAM-SHA-1, DIGEST-MD5, CRAM-MD5, LOGIN, PLAIN";
    let lost = format!(
        "cut-off\tann@present.test\tis cut off: as \"ann\" by {every}; as \"ann@present.test\" by DIGEST-MD5 of clients \
         that take the realm offered"
    );
    assert_eq!(ask("realm = \"new.test\""), [lost.as_str()]);
    // What the new settings announce is what counts.
    let announced = "realm = \"new.test\"\nmechanisms = [\"PLAIN\", \"SCRAM-SHA-512\"]";
    let missing = "mechanism\tann@present.test\thas no password for SCRAM-SHA-512, which the helper announces";
    let lost = "cut-off\tann@present.test\tis cut off: as \"ann\" by SCRAM-SHA-512, PLAIN";
    assert_eq!(ask(announced), [missing, lost]);
    let path = new.to_str().unwrap();
    fs::write(&new, "nonsense = 1").unwrap();
    assert_eq!(check(&shell, &["--new-config", path]).status, Some(78));
    assert_eq!(check(&shell, &["--new-config", path, "--realm", "new.test"]).status, Some(2));
}

/// As `setfacl -m u:1:r` writes it: the version, then tag, rights and id of each entry.
fn let_daemon_read(path: &Path) {
    let entries: [(u16, u16, u32); 5] =
        [(1, 6, u32::MAX), (2, 4, 1), (4, 0, u32::MAX), (0x10, 4, u32::MAX), (0x20, 0, u32::MAX)];
    let mut list = 2u32.to_le_bytes().to_vec();
    for (tag, rights, id) in entries {
        list.extend([&tag.to_le_bytes()[..], &rights.to_le_bytes(), &id.to_le_bytes()].concat());
    }
    rustix::fs::setxattr(path, "system.posix_acl_access", &list, rustix::fs::XattrFlags::empty()).unwrap();
}

#[test]
fn an_access_list_is_found_whatever_the_mode_says() {
    let shell = clean();
    let_daemon_read(&shell.path("keys/accounts.key"));
    let what = "has an access list, which may let in anybody: setfacl -b takes it away";
    assert_eq!(findings(&shell, &[]), [format!("permissions\tkeys/accounts.key\t{what}")]);
}

#[test]
fn files_and_folders_open_to_others_are_found() {
    let shell = clean();
    for (path, mode, lines) in [
        ("accounts.db", 0o644, &["permissions\taccounts.db\tmay be read or written by everybody (mode 0644)"][..]),
        ("accounts.db-wal", 0o602, &["permissions\taccounts.db-wal\tmay be read or written by everybody"]),
        ("accounts.db-shm", 0o660, &["permissions\taccounts.db-shm\tmay be written by group "]),
        ("keys", 0o777, &["permissions\tkeys\tmay be written by everybody"]),
        ("keys", 0o1777, &["permissions\tkeys\tmay be written by everybody"]),
        ("", 0o757, &["permissions\t.\tmay be written by everybody"]),
    ] {
        let path = shell.path(path);
        let before = fs::metadata(&path).unwrap().permissions().mode();
        set_mode(&path, mode);
        let found = findings(&shell, &[]);
        set_mode(&path, before & 0o7777);
        assert!(found.len() >= lines.len(), "{found:?}");
        for (found, line) in found.iter().zip(lines) {
            let found = found.replace("permissions\t./", "permissions\t");
            assert!(found.starts_with(line), "{found} is not {line}");
        }
    }
    check(&shell, &[]).quiet();
}

#[test]
fn a_key_that_others_read_is_told_and_keeps_us_from_the_accounts() {
    let shell = clean();
    set_mode(&shell.path("keys/accounts.key"), 0o644);
    let ran = check(&shell, &[]);
    assert_eq!(ran.status, Some(75), "{ran:?}");
    assert!(ran.out.contains("accounts.key\tmay be read or written by everybody (mode 0644)"), "{ran:?}");
    assert!(ran.err.contains("may be read by others"), "{ran:?}");
}

#[test]
fn a_key_beside_the_database_is_warned_about() {
    let shell = Shell::new();
    shell.make_mailman();
    let what = "lies beside the database: a copy of the folder takes both";
    assert_eq!(findings(&shell, &[]), [format!("key-place\taccounts.db.key\t{what}")]);
    let ran = check(&shell, &["--json"]);
    let json: serde_json::Value = serde_json::from_str(&ran.out).unwrap();
    let expected = serde_json::json!([
        { "kind": "key-place", "subject": shell.key(), "what": what, "mechanisms": [] },
    ]);
    assert_eq!((ran.status, json), (Some(1), expected));
}

#[test]
fn rows_changed_by_hand_are_found_each_by_itself() {
    let shell = clean();
    by_hand(&shell, "UPDATE accounts SET disabled = 1");
    by_hand(&shell, "UPDATE audit SET uid = uid + 1 WHERE number = 2");
    let found = findings(&shell, &[]);
    assert_eq!(found.len(), 3, "{found:?}");
    assert!(found[0].starts_with("audit\t") && found[0].ends_with("audit entry 2 or what comes before it was changed"));
    assert!(found[1].starts_with("seal\t") && found[1].contains("account mailman@example.com: its seal is broken"));
    assert!(found[2].contains("account joe@other.test: its seal is broken"));
}

/// All logins are unavailable where a shape cannot be read; and a row that is gone is missed nowhere else.
#[test]
fn shapes_that_are_not_those_of_the_accounts_are_found() {
    for sql in [
        "UPDATE shapes SET shape = replace(shape, 'scram-sha-256', 'scram-sha-257')",
        "UPDATE shapes SET shape = replace(shape, ':', ':1')",
        "UPDATE shapes SET accounts = 3",
        "DELETE FROM shapes",
        "DELETE FROM accounts WHERE name_key = 'joe'",
    ] {
        let shell = clean();
        let copy = shell.path("copy.db");
        by_hand(&shell, sql);
        let found = "integrity\taccounts.db\tthe shapes of accounts that it counts, by which unknown names are answered, \
                     are not those that there are";
        assert_eq!(findings(&shell, &[]), [found], "{sql}");
        let copy = copy.to_str().unwrap();
        assert_eq!(shell.run(SASLDB, &["backup", copy], b"").status, Some(0), "{sql}");
        let ran = shell.run(SASLDB, &["restore", "--replace", copy], b"");
        assert_eq!(ran.status, Some(1), "{sql}: {ran:?}");
        assert!(ran.err.contains("the shapes of accounts"), "{sql}: {ran:?}");
    }
}

/// A trigger does what it likes at the next change that root makes.
#[test]
fn a_schema_that_is_not_ours_is_found() {
    for sql in [
        "CREATE TRIGGER t AFTER INSERT ON accounts BEGIN DELETE FROM shapes; END",
        "CREATE INDEX i ON accounts (created)",
        "ALTER TABLE meta ADD COLUMN more TEXT",
        "DROP TABLE audit_keys",
    ] {
        let shell = clean();
        rusqlite::Connection::open(shell.database()).unwrap().execute_batch(sql).unwrap();
        let ran = check(&shell, &[]).out;
        assert!(ran.contains("accounts.db\tits tables are not those that this program makes"), "{sql}: {ran}");
    }
    let shell = clean();
    rusqlite::Connection::open(shell.database()).unwrap().execute_batch("ANALYZE").unwrap();
    assert_eq!(findings(&shell, &[]), [""; 0], "what SQLite makes for itself");
}

/// SQLite tells of several faults in one text.
#[test]
fn each_finding_is_one_line() {
    let shell = clean();
    by_hand(&shell, "UPDATE accounts SET name_key = 'j' || char(10) || 'oe' WHERE name_key = 'joe'");
    let json: serde_json::Value = serde_json::from_str(&check(&shell, &["--json"]).out).unwrap();
    assert!(json[0]["what"].as_str().unwrap().contains("j\noe@other.test"), "{json}");
    let found = findings(&shell, &[]);
    assert!(
        found.len() == 1
            && found[0].starts_with("seal\taccounts.db\tthe database is damaged: account j\\noe@other.test: "),
        "{found:?}"
    );

    let shell = clean();
    let connection = rusqlite::Connection::open(shell.database()).unwrap();
    connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", (), |_| Ok(())).unwrap();
    drop(connection);
    let mut bytes = fs::read(shell.database()).unwrap();
    let page = usize::from(u16::from_be_bytes([bytes[16], bytes[17]]));
    // How much of the page lies between its cells.
    bytes[2 * page + 7] = 60;
    fs::write(shell.database(), bytes).unwrap();
    let found = findings(&shell, &[]);
    assert!(found.len() == 1 && found[0].starts_with("integrity\taccounts.db\tFragmentation of "), "{found:?}");
}

/// What is stored of the secrets of an account.
fn sealed(shell: &Shell, name: &str) -> Vec<u8> {
    let connection = rusqlite::Connection::open(shell.database()).unwrap();
    connection.query_row("SELECT sealed FROM accounts WHERE name_key = ?1", [name], |row| row.get(0)).unwrap()
}

fn store_sealed(shell: &Shell, name: &str, sealed: &[u8]) {
    let connection = rusqlite::Connection::open(shell.database()).unwrap();
    let stored =
        connection.execute("UPDATE accounts SET sealed = ?1 WHERE name_key = ?2", rusqlite::params![sealed, name]);
    assert_eq!(stored, Ok(1));
}

fn broken_seal(account: &str) -> String {
    format!("seal\taccounts.db\tthe database is damaged: account {account}: its seal is broken")
}

#[test]
fn a_flipped_bit_of_a_secret_is_found_wherever_it_is() {
    let shell = clean();
    let whole = sealed(&shell, "mailman");
    let last = whole.len() - 1;
    for at in [0, 1, 12, last / 4, last / 2, last - 15, last] {
        let mut flipped = whole.clone();
        flipped[at] ^= 1 << (at % 8);
        store_sealed(&shell, "mailman", &flipped);
        assert_eq!(findings(&shell, &[]), [broken_seal("mailman@example.com")], "byte {at} of {last}");
        assert_ne!(shell.verify("mailman", b"secret"), Some(0));
        assert_eq!(shell.verify("joe@other.test", b"secret"), Some(0));
    }
    store_sealed(&shell, "mailman", &whole);
    check(&shell, &[]).quiet();
}

#[test]
fn secrets_that_were_swapped_are_found_for_both_accounts() {
    let shell = clean();
    let [mailman, joe] = ["mailman", "joe"].map(|name| sealed(&shell, name));
    store_sealed(&shell, "mailman", &joe);
    store_sealed(&shell, "joe", &mailman);
    let both = [broken_seal("mailman@example.com"), broken_seal("joe@other.test")];
    assert_eq!(findings(&shell, &[]), both);
    store_sealed(&shell, "mailman", &mailman);
    store_sealed(&shell, "joe", &joe);
    check(&shell, &[]).quiet();
    // Whole rows, but for the name that an account is found by.
    for (from, to) in [("mailman", "nobody"), ("joe", "mailman"), ("nobody", "joe")] {
        let keys = format!("name_key = '{to}', realm_key = '{to}'");
        by_hand(&shell, &format!("UPDATE accounts SET {keys} WHERE name_key = '{from}'"));
    }
    assert_eq!(findings(&shell, &[]).len(), 2);
}

#[test]
fn a_removed_line_of_the_audit_is_found_by_its_number() {
    let shell = clean();
    shell.saslpasswd(&["--disable", "mailman"], b"").quiet();
    shell.saslpasswd(&["--enable", "mailman"], b"").quiet();
    by_hand(&shell, "DELETE FROM audit WHERE number = 4");
    let found = findings(&shell, &[]);
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(found[0].starts_with("audit\t") && found[0].contains("audit entry 4 "), "{found:?}");
}

#[test]
fn another_databases_key_is_named_and_nothing_is_said_of_accounts() {
    let (shell, other) = (clean(), clean());
    fs::copy(other.path("keys/accounts.key"), shell.path("keys/accounts.key")).unwrap();
    let ran = check(&shell, &[]);
    assert_eq!((ran.status, ran.out.as_str()), (Some(75), ""), "{ran:?}");
    assert!(ran.err.contains("keys/accounts.key: does not hold the key of this database"), "{ran:?}");
}

#[test]
fn what_cannot_be_looked_at_has_its_status() {
    let shell = Shell::new();
    let ran = check(&shell, &[]);
    assert_eq!((ran.status, ran.out.as_str()), (Some(75), ""), "{ran:?}");
    assert!(ran.err.contains("there is no database at"), "{ran:?}");
    shell.configure("no_such_setting = 1");
    assert_eq!(check(&shell, &[]).status, Some(78));
    assert_eq!(check(&shell, &["--realm-alias", "mx1"]).status, Some(2));
}

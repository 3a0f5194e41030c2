//! A database changed by hand: what was changed is damaged, and so unavailable; it never becomes looser.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "a test may fail"
)]

mod store;

use rusqlite::Connection;
use sasldb::credential::{AccountState, Label, PasswordFacts};
use sasldb::runtime::{SystemEntropy, UnixTime};
use sasldb::store::sqlite::{Lister, Reader, Writer};
use sasldb::store::{Applied, Change, CredentialAdmin, Place, StoreError};
use sasldb::vocabulary::{Mechanism, MechanismSet};
use store::*;

/// Two accounts: `Joe` with limits of every kind, and `ann` without any.
fn made() -> (tempfile::TempDir, Place) {
    let folder = tempfile::tempdir().unwrap();
    let place = place(folder.path());
    let mut writer = writer(&place);
    let joe = identity("Joe", "Example.com");
    put(&mut writer, &joe, "one");
    let phone = PasswordFacts {
        label: Label::new("phone").unwrap(),
        expires: Some(UnixTime(1_900_000_000)),
        services: Vec::new(),
        networks: vec!["192.0.2.0/24".parse().unwrap()],
    };
    assert_eq!(set_facts(&mut writer, &joe, phone, "two"), Applied::Changed);
    let state = AccountState { disabled: true, expires: Some(UnixTime(1_900_000_000)) };
    let mechanisms: MechanismSet = [Mechanism::ScramSha256].into_iter().collect();
    let change = provision(&mut writer, &joe, Some(state), Some(Some(mechanisms)));
    assert_eq!(writer.apply(change, &actor(), NOW).unwrap().applied, Applied::Changed);
    put(&mut writer, &identity("ann", "example.com"), "one");
    (folder, place)
}

/// Changes the database behind the store's back.
fn by_hand(place: &Place, sql: &str) {
    let connection = Connection::open(&place.database).unwrap();
    let changed = connection.execute(sql, ()).unwrap();
    assert!(changed > 0, "{sql} changed nothing");
}

fn damaged<T>(answer: Result<T, StoreError>) -> String {
    match answer {
        Err(StoreError::Damaged(what)) => what,
        Err(other) => panic!("{other}"),
        Ok(_) => panic!("it was not noticed"),
    }
}

#[test]
fn an_account_changed_by_hand_is_damaged_and_nobody_else() {
    for set in [
        "disabled = 0",
        "expires = NULL",
        "expires = expires + 1",
        "mechanisms = NULL",
        "mechanisms = 'PLAIN'",
        "mechanisms = 'SCRAM-SHA-256 PLAIN'",
        "passwords = NULL",
        "passwords = replace(passwords, '192.0.2.0/24', '0.0.0.0/0')",
        "passwords = replace(passwords, '1900000000', '2900000000')",
        "passwords = replace(passwords, 'phone', 'fon')",
        "passwords = '[{\"label\":\"main\"},{\"label\":\"phone\"}]'",
        "name = 'JOE'",
        "realm = NULL",
        "revision = revision + 1",
        "created = created - 1",
        "changed = changed - 1",
        "schemes = 2",
        "sealed = zeroblob(500)",
        "sealed = substr(sealed, 1, length(sealed) - 1)",
        "sealed = CAST(sealed || x'00' AS BLOB)",
        "sealed = x''",
    ] {
        let (_folder, place) = made();
        let mut reader = reader(&place);
        let joe = identity("joe", "example.com");
        assert!(look_up(&mut reader, who(&joe)).unwrap().known);
        by_hand(&place, &format!("UPDATE accounts SET {set} WHERE name_key = 'joe'"));
        let what = damaged(look_up(&mut reader, who(&joe)));
        assert!(what.contains("joe@example.com"), "{set}: {what}");
        assert!(
            has_password(&mut reader, &identity("ann", "example.com"), "one"),
            "{set}: the others are not concerned"
        );
        damaged(writer(&place).account(&joe.key()));
    }
}

#[test]
fn a_record_opens_in_its_own_row_and_database_only() {
    let (_folder, place) = made();
    let mut reader = reader(&place);
    by_hand(
        &place,
        "UPDATE accounts SET sealed = (SELECT sealed FROM accounts WHERE name_key = 'joe') WHERE name_key = 'ann'",
    );
    damaged(look_up(&mut reader, who(&identity("ann", "example.com"))));

    let (_folder, place) = made();
    by_hand(&place, "UPDATE accounts SET name_key = 'eve' WHERE name_key = 'ann'");
    assert!(!look_up(&mut self::reader(&place), who(&identity("ann", "example.com"))).unwrap().known);
    damaged(look_up(&mut self::reader(&place), who(&identity("eve", "example.com"))));

    // The same key file, another database.
    let other =
        Place { key_file: place.key_file.clone(), ..store::place(tempfile::tempdir().unwrap().keep().as_path()) };
    drop(writer(&other));
    let connection = Connection::open(&other.database).unwrap();
    connection.execute("ATTACH ?1 AS old", [place.database.to_str().unwrap()]).unwrap();
    connection.execute("INSERT INTO accounts SELECT * FROM old.accounts WHERE name_key = 'joe'", ()).unwrap();
    drop(connection);
    damaged(look_up(&mut self::reader(&other), who(&identity("joe", "example.com"))));
    std::fs::remove_dir_all(other.database.parent().unwrap()).unwrap();
}

#[test]
fn a_damaged_account_can_be_removed_and_made_anew() {
    let (_folder, place) = made();
    let joe = identity("joe", "example.com");
    by_hand(&place, "UPDATE accounts SET disabled = 0 WHERE name_key = 'joe'");
    let mut writer = writer(&place);
    damaged(writer.basis(&joe, &Label::main()));
    damaged(writer.apply(Change::SetDisabled { key: joe.key(), disabled: false }, &actor(), NOW));
    let removed = writer.apply(Change::Remove { key: joe.key() }, &actor(), NOW).unwrap();
    assert_eq!(removed.applied, Applied::Removed);
    put(&mut writer, &joe, "three");
    assert!(has_password(&mut reader(&place), &joe, "three"));
    assert!(writer.verify_audit().is_ok());
}

#[test]
fn what_the_database_says_of_itself_is_sealed_too() {
    for set in [
        "default_realm = 'evil.example'",
        "aliases = '[\"evil.example\"]'",
        "database_id = randomblob(16)",
        "created = 0",
        "salt_key = zeroblob(60)",
    ] {
        let (_folder, place) = made();
        let mut running = reader(&place);
        assert!(has_password(&mut running, &identity("ann", "example.com"), "one"));
        by_hand(&place, &format!("UPDATE meta SET {set}"));
        damaged(look_up(&mut running, who(&identity("ann", "example.com"))));
        damaged(Reader::open(&place, shape()));
        damaged(Writer::open(&place, &creation(), Box::new(SystemEntropy)));
        damaged(Writer::open_existing(&place, Box::new(SystemEntropy)));
    }
    let (_folder, place) = made();
    by_hand(&place, "DELETE FROM meta");
    assert_eq!(Reader::open(&place, shape()).unwrap_err(), StoreError::Missing(place.database.clone()));
    damaged(Writer::open(&place, &creation(), Box::new(SystemEntropy)));
}

#[test]
fn a_listing_stops_at_what_it_cannot_read() {
    let (_folder, place) = made();
    by_hand(&place, "UPDATE accounts SET passwords = 'x' WHERE name_key = 'joe'");
    let mut seen = Vec::new();
    let listed = Lister::open(&place.database).unwrap().list(&mut |account| {
        seen.push(account.identity.to_string());
        true
    });
    assert!(damaged(listed).contains("joe@example.com"));
    assert_eq!(seen, ["ann@example.com"]);
}

#[test]
fn the_audit_shows_where_it_was_changed() {
    let (_folder, place) = made();
    let head = writer(&place).verify_audit().unwrap().unwrap();
    assert_eq!(head.number, 6, "the database, four changes of Joe, one account more");
    for (sql, entry) in [
        ("UPDATE audit SET at = at + 1 WHERE number = 3", 3),
        ("UPDATE audit SET uid = 0 WHERE number = 2", 2),
        ("UPDATE audit SET program = 'other' WHERE number = 2", 2),
        ("UPDATE audit SET action = 'set-password' WHERE number = 2", 2),
        ("UPDATE audit SET subject = 'ann@example.com' WHERE number = 2", 2),
        ("UPDATE audit SET subject = NULL WHERE number = 2", 2),
        ("UPDATE audit SET detail = NULL WHERE number = 4", 4),
        ("UPDATE audit SET mac = zeroblob(32) WHERE number = 5", 5),
        ("DELETE FROM audit WHERE number = 1", 1),
        ("DELETE FROM audit WHERE number = 4", 4),
        (
            "INSERT INTO audit SELECT 7, at, uid, program, action, subject, detail, key_id, mac FROM audit WHERE number = 6",
            7,
        ),
    ] {
        let (_folder, place) = made();
        by_hand(&place, sql);
        let what = damaged(writer(&place).verify_audit());
        assert!(what.contains(&format!("audit entry {entry} ")), "{sql}: {what}");
    }
    let (_folder, place) = made();
    let before = writer(&place).verify_audit().unwrap().unwrap();
    by_hand(&place, "DELETE FROM audit WHERE number = 6");
    let after = writer(&place).verify_audit().unwrap().unwrap();
    assert_ne!(before.number, after.number, "a cut end shows against a head kept elsewhere");
}

#[test]
fn the_audit_says_what_was_done() {
    let (_folder, place) = made();
    let connection = Connection::open(&place.database).unwrap();
    let mut entries =
        connection.prepare("SELECT uid, program, action, subject, detail FROM audit ORDER BY number").unwrap();
    type Entry = (u32, String, String, Option<String>, Option<String>);
    let entries: Vec<Entry> = entries
        .query_map((), |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?)))
        .unwrap()
        .collect::<Result<_, _>>()
        .unwrap();
    let lines: Vec<String> = entries
        .iter()
        .map(|(uid, program, action, subject, detail)| {
            assert_eq!((*uid, program.as_str()), (1000, "test"));
            format!("{action} {} {}", subject.as_deref().unwrap_or("-"), detail.as_deref().unwrap_or("-"))
        })
        .collect();
    let schemes = r#""schemes":["digest-md5","cram-md5","scram-sha-1","scram-sha-256"]"#;
    assert_eq!(
        lines,
        [
            "create-database - -".to_owned(),
            format!(r#"create Joe@Example.com {{"password":{{"label":"main"}},{schemes}}}"#),
            format!(
                r#"set-password Joe@Example.com {{"password":{{"expires":1900000000,"label":"phone","networks":["192.0.2.0/24"]}},{schemes}}}"#
            ),
            r#"set-state Joe@Example.com {"disabled":true,"expires":1900000000}"#.to_owned(),
            r#"set-mechanisms Joe@Example.com {"mechanisms":["SCRAM-SHA-256"]}"#.to_owned(),
            format!(r#"create ann@example.com {{"password":{{"label":"main"}},{schemes}}}"#),
        ]
    );
}

#[test]
fn a_receipt_gives_the_end_of_the_audit_and_a_row_the_number_of_its_entry() {
    let (_folder, place) = made();
    let mut writer = writer(&place);
    let ann = identity("ann", "example.com");
    let disable = || Change::SetDisabled { key: ann.key(), disabled: true };
    let receipt = writer.apply(disable(), &actor(), NOW).unwrap();
    assert_eq!(receipt.audit, writer.verify_audit().unwrap());
    assert_eq!(writer.account(&ann.key()).unwrap().unwrap().revision, receipt.audit.unwrap().number);
    let receipt = writer.apply(disable(), &actor(), NOW).unwrap();
    assert_eq!((receipt.applied, receipt.audit), (Applied::Unchanged, None));
}

#[test]
fn a_rename_is_noted_under_the_new_name_also_if_it_depends_on_a_revision() {
    let (_folder, place) = made();
    let mut writer = writer(&place);
    let (ann, eve) = (identity("ann", "example.com"), identity("Eve", "example.com"));
    let expected = writer.account(&ann.key()).unwrap().unwrap().revision;
    let change = Box::new(Change::Rename { key: ann.key(), to: eve.clone() });
    let receipt = writer.apply(Change::IfUnchanged { expected, change }, &actor(), NOW).unwrap();
    let _ = writer.apply(Change::Remove { key: eve.key() }, &actor(), NOW).unwrap();
    let connection = Connection::open(&place.database).unwrap();
    let mut subjects = connection.prepare("SELECT subject FROM audit WHERE number >= ?1 ORDER BY number").unwrap();
    let first = receipt.audit.unwrap().number;
    let subjects: Vec<String> =
        subjects.query_map((first,), |row| row.get(0)).unwrap().collect::<Result<_, _>>().unwrap();
    assert_eq!(subjects, ["Eve@example.com", "Eve@example.com"]);
}

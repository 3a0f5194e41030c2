//! `sasldb-rs import`: accounts of other programs log in afterwards, and nothing of their passwords stays.

use std::fs;
use std::path::Path;

use crate::shell::{Ran, SASLDB, Shell};

fn fixture(name: &str) -> String {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/sasldb2").join(name).to_str().unwrap().to_owned()
}

fn import(shell: &Shell, arguments: &[&str]) -> Ran {
    shell.run(SASLDB, &[&["import", "--from", "sasldb2"], arguments].concat(), b"")
}

#[test]
fn a_sasldb2_is_taken_over_and_its_users_log_in() {
    let shell = Shell::new();
    let ran = import(&shell, &[&fixture("le512.db")]);
    assert_eq!(ran.status, Some(1), "some could not be taken");
    assert_eq!(ran.err, "45 taken, 0 kept, 10 skipped\n");
    let lines: Vec<&str> = ran.out.lines().collect();
    assert!(lines.contains(&"taken\tjoe@example.com\tas joe@example.com"), "{}", ran.out);
    assert!(lines.contains(&"skipped\ttoolong@example.com\tthe password is longer than 4096 bytes"), "{}", ran.out);
    assert!(lines.iter().any(|line| line.starts_with("not-needed\tjoe@example.com cmusaslsecretDIGEST-MD5\t")));
    for (user, password) in [
        ("joe", b"secret".to_vec()),
        ("nowhere@", b"no realm".to_vec()),
        ("jörg", "pässwörd".into()),
        ("müller", b"schl\xFCssel".to_vec()),
        ("long", vec![b'x'; 2000]),
        ("user40@lists.example.com", b"password 40".to_vec()),
    ] {
        assert_eq!(shell.verify(user, &password), Some(0), "{user}");
        assert_eq!(shell.verify(user, b"wrong"), Some(1), "{user}");
    }
    for file in [shell.database(), shell.path("accounts.db-wal")] {
        let bytes = fs::read(file).unwrap();
        for password in ["pässwörd", "password 40", "no realm"] {
            assert!(!bytes.windows(password.len()).any(|part| part == password.as_bytes()));
        }
    }
}

#[test]
fn a_second_run_changes_nothing_and_a_dry_run_makes_not_even_a_database() {
    let shell = Shell::new();
    let dry = import(&shell, &["--dry-run", &fixture("db.hex")]);
    assert_eq!(dry.err, "45 would be taken, 0 would be kept, 10 would be skipped\n");
    assert!(!shell.database().exists() && !shell.key().exists());
    import(&shell, &[&fixture("db.hex")]);
    let before = fs::read(shell.database()).unwrap();
    let again = import(&shell, &[&fixture("be4096.db")]);
    assert_eq!(again.err, "0 taken, 45 kept, 10 skipped\n");
    assert_eq!(fs::read(shell.database()).unwrap(), before);
}

#[test]
fn only_with_replace_is_an_account_given_the_password_of_the_file() {
    let shell = Shell::new();
    shell.saslpasswd(&["-p", "-c", "joe"], b"own").quiet();
    import(&shell, &[&fixture("gdbm.dump")]);
    assert_eq!((shell.verify("joe", b"own"), shell.verify("joe", b"secret")), (Some(0), Some(1)));
    import(&shell, &["--replace", &fixture("gdbm.dump")]);
    assert_eq!((shell.verify("joe", b"own"), shell.verify("joe", b"secret")), (Some(1), Some(0)));
}

#[test]
fn a_realm_that_is_an_alias_means_the_default_realm() {
    let shell = Shell::new();
    shell.configure("realm = \"example.com\"\nrealm_aliases = [\"lists.example.com\"]");
    let ran = import(&shell, &["--json", &fixture("le4096.db")]);
    let entries: Vec<serde_json::Value> = ran.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let expected = serde_json::json!({
        "fate": "taken", "entry": "user7@lists.example.com", "why": "as user7@example.com",
    });
    assert!(entries.contains(&expected), "{}", ran.out);
    assert_eq!(shell.verify("user7", b"password 7"), Some(0));
}

#[test]
fn a_file_that_is_no_sasldb2_changes_nothing() {
    let shell = Shell::new();
    let cut = shell.path("cut.db");
    fs::write(&cut, &fs::read(fixture("le4096.db")).unwrap()[..20_000]).unwrap();
    for (file, said, hint) in [
        (cut.to_str().unwrap(), "cannot be imported: it is cut: 20000 bytes where it speaks of 24576", "db5.3_verify"),
        (&fixture("btree.db"), "cannot be imported: it is no sasldb2", "/etc/sasldb2"),
        (&fixture("mdb.print"), "mdb_dump -p does not tell a backslash from an escape", "make the dump anew"),
        ("missing", "cannot read missing: No such file", ""),
        (".", "cannot read .: Is a directory", ""),
    ] {
        let ran = import(&shell, &[file]);
        assert_eq!((ran.status, ran.out.as_str()), (Some(1), ""), "{file}");
        assert!(ran.err.contains(said) && ran.err.contains(hint), "{}", ran.err);
    }
    assert!(!shell.database().exists());
}

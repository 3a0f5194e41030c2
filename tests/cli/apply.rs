//! `sasldb-rs apply`: a file, a second run, and what stops one half-way.

use std::fs;
use std::io::Write as _;
use std::process::Stdio;
use std::time::Duration;

use crate::shell::{Ran, SASLDB, Shell};

const TOML: &str = r#"
[[account]]
name = "joe"
password = "secret"

[[account]]
name = "ann@example.org"
disabled = true
expires = "2999-01-01"
mechanisms = ["SCRAM-SHA-256", "PLAIN"]
password_hash = "{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ="

[[account.passwords]]
label = "phone"
password = "second"
services = ["smtp"]
networks = ["192.0.2.0/24"]

[[account.passwords]]
label = "desk"
password = "third"
plaintext = false
"#;

fn apply(shell: &Shell, arguments: &[&str], stdin: &str) -> Ran {
    shell.run(SASLDB, &[&["apply"], arguments].concat(), stdin.as_bytes())
}

fn sorted(ran: &Ran) -> Vec<&str> {
    let mut lines: Vec<&str> = ran.out.lines().collect();
    lines.sort_unstable();
    lines
}

fn said(ran: &Ran, status: i32, sum: &str) {
    assert_eq!(ran.status, Some(status), "{ran:?}");
    assert!(ran.err.ends_with(&format!("{sum}\n")), "{ran:?}");
}

#[test]
fn a_file_is_applied_once() {
    let shell = Shell::new();
    let created = [
        "created\tann@example.org\tpassword main, password phone, password desk, disabled, expires, mechanisms",
        "created\tjoe@example.com\tpassword main",
    ];
    let ran = apply(&shell, &["--dry-run", "-"], TOML);
    said(&ran, 3, "2 would be created, 0 would be changed, 0 would be removed, 0 unchanged, 0 wrong");
    assert_eq!(sorted(&ran), created);
    assert!(!shell.database().exists());

    let ran = apply(&shell, &["-"], TOML);
    said(&ran, 3, "2 created, 0 changed, 0 removed, 0 unchanged, 0 wrong");
    assert_eq!(sorted(&ran), created);
    assert_eq!(shell.verify("joe", b"secret"), Some(0));
    let listed = shell.run(SASLDB, &["account", "list", "ann*"], b"").out;
    assert!(listed.starts_with("ann@example.org\tdisabled\t2999-01-01T00:00:00Z\tmain,phone,desk\t"), "{listed}");
    let passwords = shell.run(SASLDB, &["password", "list", "--json", "ann@example.org"], b"").out;
    let passwords: serde_json::Value = serde_json::from_str(&passwords).unwrap();
    assert_eq!(passwords["passwords"][0]["schemes"], serde_json::json!(["hash"]));
    assert_eq!(passwords["passwords"][1]["networks"], serde_json::json!(["192.0.2.0/24"]));
    assert_eq!(passwords["passwords"][2]["plaintext"], serde_json::json!(false));

    let before = shell.files();
    for arguments in [&["-"][..], &["--dry-run", "-"]] {
        let ran = apply(&shell, arguments, TOML);
        assert_eq!((ran.status, ran.out.as_str()), (Some(0), ""), "{ran:?}");
        assert_eq!(shell.files(), before);
    }
}

/// Some programs write one before UTF-8.
#[test]
fn a_byte_order_mark_is_no_part_of_the_file() {
    let shell = Shell::new();
    said(
        &apply(&shell, &["-"], &format!("\u{FEFF}{TOML}")),
        3,
        "2 created, 0 changed, 0 removed, 0 unchanged, 0 wrong",
    );
    let json = "\u{FEFF}\r\n{\"name\":\"bob\",\"password\":\"secret\"}\r\n{\"name\":\"\"}";
    let ran = apply(&shell, &["-"], json);
    said(&ran, 1, "1 created, 0 changed, 0 removed, 0 unchanged, 1 wrong");
    assert!(ran.err.contains("entry 3: "), "{ran:?}");
    assert_eq!(shell.accounts(), ["bob@example.com", "joe@example.com", "ann@example.org"]);
}

#[test]
fn what_differs_is_changed_and_what_is_not_said_stays() {
    let shell = Shell::new();
    said(&apply(&shell, &["-"], TOML), 3, "2 created, 0 changed, 0 removed, 0 unchanged, 0 wrong");
    let lines = r#"
{"name": "joe", "password": "other"}
{"name": "ann", "realm": "example.org", "disabled": false, "expires": "never", "mechanisms": []}
"#;
    let ran = apply(&shell, &["--json", "-"], lines);
    said(&ran, 3, "0 created, 2 changed, 0 removed, 0 unchanged, 0 wrong");
    assert_eq!(
        sorted(&ran),
        [
            r#"{"done":"changed","account":"ann@example.org","differences":["enabled","expires","mechanisms"]}"#,
            r#"{"done":"changed","account":"joe@example.com","differences":["password main"]}"#,
        ]
    );
    assert_eq!((shell.verify("joe", b"other"), shell.verify("joe", b"secret")), (Some(0), Some(1)));
    assert_eq!(shell.verify("ann@example.org", b"secret"), Some(0));
    assert_eq!(apply(&shell, &["-"], lines).status, Some(0));

    let ran = apply(&shell, &["-"], r#"{"name": "joe", "absent": true}{"#);
    assert_eq!(ran.status, Some(1), "{ran:?}");
    let ran = apply(&shell, &["-"], r#"{"name": "joe", "absent": true}"#);
    said(&ran, 3, "0 created, 0 changed, 1 removed, 0 unchanged, 0 wrong");
    assert_eq!(apply(&shell, &["-"], r#"{"name": "joe", "absent": true}"#).status, Some(0));
    assert_eq!(shell.accounts(), ["ann@example.org"]);
}

#[test]
fn other_settings_make_other_secrets() {
    let shell = Shell::new();
    let joe = r#"{"name": "joe", "password": "secret"}"#;
    assert_eq!(apply(&shell, &["-"], joe).status, Some(3));
    for settings in ["schemes = [\"scram-sha-256\"]", "schemes = [\"cram-md5\"]"] {
        shell.configure(&format!("realm = \"example.com\"\n{settings}"));
        assert_eq!(apply(&shell, &["-"], joe).status, Some(3), "{settings}");
        assert_eq!(apply(&shell, &["-"], joe).status, Some(0), "{settings}");
        assert_eq!(shell.verify("joe", b"secret"), Some(0));
    }
}

#[test]
fn passwords_come_from_files_of_their_own() {
    let shell = Shell::new();
    fs::write(shell.path("joe"), "secret\n").unwrap();
    let line = format!("{{\"name\": \"joe\", \"password_file\": {:?}}}", shell.path("joe"));
    assert_eq!(apply(&shell, &["-"], &line).status, Some(3));
    assert_eq!(apply(&shell, &["-"], &line).status, Some(0));
    assert_eq!(shell.verify("joe", b"secret"), Some(0));
    fs::write(shell.path("joe"), "other").unwrap();
    assert_eq!(apply(&shell, &["-"], &line).status, Some(3));
    assert_eq!(shell.verify("joe", b"other"), Some(0));
}

#[test]
fn others_are_removed_only_within_bounds_and_from_a_whole_file() {
    let shell = Shell::new();
    for user in ["joe", "ann", "bob"] {
        shell.saslpasswd(&["-c", user], b"secret").quiet();
    }
    let joe = "{\"name\": \"joe\", \"password\": \"secret\"}\n";
    assert_eq!(apply(&shell, &["--prune", "-"], joe).status, Some(2));
    for (arguments, lines, part) in [
        (
            ["--prune", "--max-removals", "1", "-"],
            joe.to_owned(),
            "accounts that the file does not name: 2; --max-removals is 1",
        ),
        (["--prune", "--max-removals", "9", "-"], format!("{joe}{{\"nam\": 1}}\n"), "no account is removed"),
        (["--prune", "--max-removals", "9", "-"], format!("{joe}{joe}"), "joe@example.com is named before"),
        (["--prune", "--max-removals", "2", "-"], String::new(), "accounts that the file does not name: 3"),
    ] {
        let ran = apply(&shell, &arguments, &lines);
        assert_eq!(ran.status, Some(1), "{arguments:?}: {ran:?}");
        assert!(ran.err.contains(part), "{arguments:?}: {ran:?}");
        assert_eq!(shell.accounts().len(), 3);
    }
    let ran = apply(&shell, &["--prune", "--max-removals", "2", "--dry-run", "-"], joe);
    assert_eq!(
        sorted(&ran),
        ["removed\tann@example.com\tnot in the file", "removed\tbob@example.com\tnot in the file"]
    );
    assert_eq!(shell.accounts().len(), 3);
    said(
        &apply(&shell, &["--prune", "--max-removals", "2", "-"], joe),
        3,
        "0 created, 0 changed, 2 removed, 1 unchanged, 0 wrong",
    );
    assert_eq!(shell.accounts(), ["joe@example.com"]);
}

#[test]
fn of_several_entries_for_one_account_the_first_counts() {
    let shell = Shell::new();
    let lines = r#"
{"name": "joe", "password": "first"}
{"name": "ann", "password": "secret"}
{"name": "JOE@example.com", "password": "second"}
{"name": "joe", "absent": true}
"#;
    for (status, sum) in [
        (1, "2 created, 0 changed, 0 removed, 0 unchanged, 2 wrong"),
        (1, "0 created, 0 changed, 0 removed, 2 unchanged, 2 wrong"),
    ] {
        let ran = apply(&shell, &["-"], lines);
        said(&ran, status, sum);
        assert!(ran.err.contains("entry 4: JOE@example.com is named before, by entry 2\n"), "{ran:?}");
        assert!(ran.err.contains("entry 5: joe@example.com is named before, by entry 2\n"), "{ran:?}");
        assert_eq!(shell.verify("joe", b"first"), Some(0));
    }
}

#[test]
fn all_of_an_account_is_changed_or_nothing() {
    let shell = Shell::new();
    shell.saslpasswd(&["-c", "joe"], b"secret").quiet();
    let slow = "{SHA512-CRYPT}$6$rounds=5000$abcdefgh$PjIfZhFVnJVBAPNhVTCaxfhVbxYgHYEgZWjSiaPx6F9YRQTBVWtkBTKJY9E3xxVGkOtAzfHq5kFMzyvDUFuzM0";
    let line = |passwords: &str| {
        format!(r#"{{"name": "joe", "password": "other", "disabled": true, "passwords": [{passwords}]}}"#)
    };
    let one = |label: &str| format!(r#"{{"label": "{label}", "password_hash": "{slow}"}}"#);
    let ran = apply(&shell, &["-"], &line(&[one("a"), one("b")].join(",")));
    said(&ran, 1, "0 created, 0 changed, 0 removed, 0 unchanged, 1 wrong");
    assert!(ran.err.contains("entry 1: another password of the account"), "{ran:?}");
    assert_eq!(shell.verify("joe", b"secret"), Some(0));

    said(&apply(&shell, &["-"], &line(&one("a"))), 3, "0 created, 1 changed, 0 removed, 0 unchanged, 0 wrong");
    let log = shell.run(SASLDB, &["log", "--account", "joe"], b"").out;
    let actions: Vec<&str> = log.lines().map(|line| line.split('\t').nth(4).unwrap()).collect();
    assert_eq!(actions, ["create", "set-password", "set-password", "set-state"]);
    assert_eq!(shell.run(SASLDB, &["log", "verify"], b"").status, Some(0));
    assert_eq!(shell.verify("joe", b"other"), Some(1), "it is disabled");
    said(&apply(&shell, &["-"], &line(&one("a"))), 0, "0 created, 0 changed, 0 removed, 1 unchanged, 0 wrong");
}

/// Passwords of one account share the count of one SCRAM challenge, whatever the settings are by now.
#[test]
fn passwords_that_are_set_together_go_together() {
    let shell = Shell::new();
    let schemes = "realm = \"example.com\"\nschemes = [\"scram-sha-256\"]";
    shell.configure(schemes);
    shell.saslpasswd(&["-c", "joe"], b"secret").quiet();
    let text = fs::read_to_string(shell.config()).unwrap().replace("4096", "5000");
    fs::write(shell.config(), text).unwrap();
    let line = r#"{"name": "joe", "password": "other", "passwords": [{"label": "phone", "password": "third"}]}"#;
    assert_eq!(apply(&shell, &["-"], line).status, Some(3));
    let revealed = shell.run(SASLDB, &["export", "--to", "sasldb-rs", "--reveal-secrets"], b"").out;
    assert_eq!(revealed.matches("}5000,").count(), 2, "{revealed}");
    assert_eq!(apply(&shell, &["-"], line).status, Some(0));
}

#[test]
fn wrong_entries_are_told_by_their_place_and_the_others_applied() {
    let shell = Shell::new();
    let right = "{\"name\": \"joe\", \"password\": \"s3cret\"}";
    for (wrong, part) in [
        ("{\"name\": \"ann\"}", "a new one needs a password"),
        ("{\"name\": \"a:n\", \"password\": \"s3cret\"}", "holds the character ':'"),
        ("{\"name\": \"ann\", \"passwort\": \"s3cret\"}", "unknown field `passwort`"),
        ("{\"name\": \"ann\", \"password\": [\"s3cret\"]}", "a value of another kind"),
        ("{\"name\": \"ann\", \"disabled\": \"s3cret\"}", "a value of another kind"),
        ("{\"name\": \"ann\", \"password\": \"\"}", "the password is empty"),
        ("{\"name\": \"ann\", \"password\": \"s3cret\", \"password_hash\": \"{SHA}x\"}", "a password has one"),
        ("{\"name\": \"ann\", \"password_hash\": \"s3cret\"}", "not a known form of password hash"),
        ("{\"name\": \"ann\", \"password_file\": \"/no/such/file\"}", "cannot read /no/such/file"),
        ("{\"name\": \"ann\", \"password_file\": \"file\"}", "an absolute path"),
        ("{\"name\": \"ann\", \"password\": \"s3cret\", \"expires\": \"30d\"}", "neither a date"),
        ("{\"name\": \"ann\", \"password\": \"s3cret\", \"mechanisms\": [\"NTLM\"]}", "there is no mechanism"),
        ("s3cret", "not JSON, at column 1"),
    ] {
        let ran = apply(&shell, &["-"], &format!("{right}\n\n{wrong}\n"));
        assert_eq!(ran.status, Some(1), "{wrong}: {ran:?}");
        assert!(ran.err.contains("entry 3: ") && ran.err.contains(part), "{wrong}: {ran:?}");
        assert!(!ran.err.contains("s3cret") && !ran.out.contains("s3cret"), "{wrong}: {ran:?}");
        assert_eq!(shell.accounts(), ["joe@example.com"]);
    }
    for (value, part) in [
        ("7712", "a value of another kind"),
        ("[\"7712\"]", "a value of another kind"),
        ("\"7712", "line 3"),
        ("7712x", "line 3"),
        ("'7712'\npassword_hash = 7712", "line 4: a value of another kind"),
        ("'7712'\n7712 = 1", "line 4: unknown field"),
    ] {
        let ran = apply(&shell, &["-"], &format!("[[account]]\nname = \"ann\"\npassword = {value}\n"));
        assert_eq!(ran.status, Some(1), "{ran:?}");
        assert!(ran.err.contains("stdin, line ") && ran.err.contains(part), "{ran:?}");
        assert!(!ran.err.contains("7712") || part.contains("unknown"), "{ran:?}");
    }
    let ran = apply(&shell, &["no-such-file"], "");
    assert_eq!(ran.status, Some(1), "{ran:?}");
}

#[test]
fn a_run_that_is_killed_is_ended_by_the_next_one() {
    const MANY: usize = 3000;
    let shell = Shell::new();
    let lines: String =
        (0..MANY).map(|n| format!("{{\"name\": \"user{n}\", \"password\": \"secret{n}\"}}\n")).collect();
    let mut child = shell.command(SASLDB, &["apply", "-"]);
    let mut child = child.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    // The rest is never sent, so the process is surely not done when it is killed.
    let (first, _) = lines.split_at(lines.len() / 2);
    stdin.write_all(first.as_bytes()).unwrap();
    let partly =
        || shell.database().exists() && shell.run(crate::shell::LISTUSERS, &[] as &[&str], b"").out.lines().count() > 0;
    while !partly() {
        std::thread::sleep(Duration::from_millis(20));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    let made = shell.accounts().len();
    assert!((1..MANY).contains(&made), "{made}");
    said(
        &apply(&shell, &["-"], &lines),
        3,
        &format!("{} created, 0 changed, 0 removed, {made} unchanged, 0 wrong", MANY - made),
    );
    assert_eq!(apply(&shell, &["-"], &lines).status, Some(0));
    assert_eq!(shell.verify("user2999", b"secret2999"), Some(0));
}

/// The refusal of an unknown field names all that are known.
#[test]
fn the_schema_names_every_field() {
    let shell = Shell::new();
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/apply.schema.json");
    let schema: serde_json::Value = serde_json::from_str(&fs::read_to_string(file).unwrap()).unwrap();
    let known = |line: &str| {
        let said = apply(&shell, &["-"], line).err;
        let known = said.lines().next().unwrap().split("expected one of").nth(1).unwrap();
        known.split('`').skip(1).step_by(2).map(str::to_owned).collect::<std::collections::BTreeSet<_>>()
    };
    let described = |pointer: &str| {
        schema.pointer(pointer).unwrap().as_object().unwrap().keys().cloned().collect::<std::collections::BTreeSet<_>>()
    };
    assert_eq!(described("/$defs/account/properties"), known("{\"x\": 1}"));
    assert_eq!(described("/$defs/password/properties"), known("{\"name\": \"a\", \"passwords\": [{\"x\": 1}]}"));
}

//! `sasldb-rs report`: what it counts, and in which forms.

use std::fs;

use sasldb::vocabulary::Mechanism::{CramMd5, DigestMd5, Plain, ScramSha256};

use crate::past::{self, DAY};
use crate::shell::{Ran, SASLDB, Shell};

const LOG: &str = r#"listening on /run/sasldb-rs/auth
authenticated 192.0.2.1 secured SCRAM-SHA-256 password="main" user="ann@example.com" service="smtp"
denied 192.0.2.66 secured PLAIN reason="wrong password" user="joe@example.com" service="smtp"
denied 192.0.2.66 open CRAM-MD5 reason="wrong password" user="joe@example.com" service="smtp"
denied 2001:db8::66 open CRAM-MD5 reason="wrong password" user="dan@example.com" service="smtp"
denied 192.0.2.66 open CRAM-MD5 reason="no such account" user="hunter2@example.com" service="smtp"
denied - secured - reason="no name" service="imap"
"#;

/// joe, ann, bob, eve and dan, made 400 days ago; activity that reaches back 300.
fn shell_with_past() -> Shell {
    let shell = Shell::new();
    for user in ["joe", "ann", "bob", "eve", "dan"] {
        shell.run(SASLDB, &["account", "add", user], b"secret\n").quiet();
    }
    past::age_accounts(&shell, 400 * DAY);
    let logins = [
        ("joe", "main", CramMd5, 2 * DAY),
        ("ann", "main", CramMd5, 3 * DAY),
        ("ann", "main", ScramSha256, 3600),
        ("bob", "main", Plain, 200 * DAY),
        // A password that is gone, and an account of the name before this one.
        ("eve", "phone", DigestMd5, DAY),
        ("eve", "main", DigestMd5, 500 * DAY),
    ];
    past::activity(
        &shell,
        300 * DAY,
        &logins,
        &[("dan", "main", CramMd5, 5 * DAY), ("dan", "main", DigestMd5, 5 * DAY)],
    );
    shell
}

fn report(shell: &Shell, arguments: &[&str], log: &str) -> Ran {
    shell.run(SASLDB, &[&["report"], arguments].concat(), log.as_bytes())
}

fn json(shell: &Shell, arguments: &[&str], log: &str) -> serde_json::Value {
    let ran = report(shell, &[&["--json"], arguments].concat(), log);
    assert_eq!((ran.status, ran.err.as_str()), (Some(0), ""), "{ran:?}");
    serde_json::from_str(&ran.out).unwrap()
}

/// The rows that begin with this word.
fn rows<'a>(ran: &'a Ran, word: &str) -> Vec<&'a str> {
    assert_eq!((ran.status, ran.err.as_str()), (Some(0), ""), "{ran:?}");
    ran.out.lines().filter_map(|line| line.strip_prefix(word)?.strip_prefix('\t')).collect()
}

#[test]
fn accounts_are_counted_by_use_mechanism_and_scheme() {
    let shell = shell_with_past();
    fs::remove_file(shell.key()).unwrap();
    let ran = report(&shell, &[], "");
    assert_eq!(rows(&ran, "accounts"), ["5\t5\t0\t0"]);
    assert_eq!(rows(&ran, "usage"), ["3\t2\t0\t0"]);
    assert_eq!(
        rows(&ran, "last-use"),
        [
            "1d\t1\tSCRAM-SHA-256=1",
            "7d\t2\tCRAM-MD5=1,DIGEST-MD5=1",
            "30d\t0\t-",
            "90d\t0\t-",
            "180d\t0\t-",
            "365d\t1\tPLAIN=1",
            "older\t0\t-",
            "none-known\t1\t-",
        ]
    );
    let by_it: Vec<&str> = rows(&ran, "mechanism").into_iter().filter(|row| !row.ends_with("\t0\t0")).collect();
    assert_eq!(by_it, ["SCRAM-SHA-256\t1\t0", "DIGEST-MD5\t0\t1", "CRAM-MD5\t2\t1"]);
    assert_eq!(rows(&ran, "scheme")[..4], ["digest-md5\t5", "cram-md5\t5", "scram-sha-1\t5", "scram-sha-256\t5"]);
    assert!(rows(&ran, "log").is_empty());
}

#[test]
fn who_still_needs_a_mechanism_is_named() {
    let shell = shell_with_past();
    let ran = report(&shell, &[], "");
    assert_eq!(rows(&ran, "needs"), ["DIGEST-MD5\t1\t0", "CRAM-MD5\t1\t2"]);
    let named: Vec<String> =
        rows(&ran, "needs-account").iter().map(|row| row.split('\t').take(3).collect::<Vec<_>>().join(" ")).collect();
    assert_eq!(named, ["DIGEST-MD5 dan@example.com main", "CRAM-MD5 joe@example.com main"]);
    let ran = report(&shell, &["--accounts"], "");
    let columns: Vec<Vec<&str>> = ran.out.lines().map(|line| line.split('\t').collect()).collect();
    let of = |place: usize| -> Vec<&str> {
        assert!(columns.iter().all(|row| row.len() == 6), "{ran:?}");
        columns.iter().map(|row| row[place]).collect()
    };
    assert_eq!(of(0), ["ann", "bob", "dan", "eve", "joe"].map(|name| format!("{name}@example.com")));
    assert_eq!(of(2), ["used", "unused", "used", "unused", "used"]);
    assert_eq!(of(4), ["SCRAM-SHA-256", "PLAIN", "DIGEST-MD5", "-", "CRAM-MD5"]);
    assert_eq!(of(5), ["-", "-", "DIGEST-MD5", "-", "CRAM-MD5"]);
    let each = json(&shell, &["--accounts"], "");
    assert_eq!((each.as_array().unwrap().len(), &each[0]["uses"][0]["mechanism"]), (5, &"CRAM-MD5".into()));
}

#[test]
fn unused_is_only_whom_activity_can_vouch_for() {
    let shell = shell_with_past();
    let ran = report(&shell, &[], "");
    let unused: Vec<&str> = rows(&ran, "unused").iter().map(|row| row.split('\t').next().unwrap()).collect();
    assert_eq!(unused, ["eve@example.com", "bob@example.com"]);
    assert_eq!(rows(&report(&shell, &["--top", "1"], ""), "unused").len(), 1);
    // Before activity began anything may have happened.
    let ran = report(&shell, &["--unused-for", "301d"], "");
    assert_eq!((rows(&ran, "usage"), rows(&ran, "unused")), (vec!["4\t0\t0\t1"], vec![]));
    // They were changed since.
    let ran = report(&shell, &["--unused-for", "299d"], "");
    assert_eq!(rows(&ran, "usage"), ["4\t1\t0\t0"]);
    assert_eq!(shell.run(SASLDB, &["account", "disable", "eve"], b"").status, Some(0));
    assert_eq!(rows(&report(&shell, &[], ""), "usage"), ["3\t1\t1\t0"]);
    fs::remove_dir_all(shell.path("accounts.db.activity")).unwrap();
    let ran = report(&shell, &[], "");
    assert_eq!((rows(&ran, "usage"), rows(&ran, "activity-since")), (vec!["0\t0\t1\t4"], vec!["-"]));
}

#[test]
fn denied_logins_are_counted_and_names_of_no_account_are_not_shown() {
    let shell = shell_with_past();
    let ran = report(&shell, &["--log", "-"], LOG);
    assert_eq!(rows(&ran, "log"), ["6\t1\t0\t0"]);
    assert_eq!(rows(&ran, "logins"), ["1\t5\t0\t0"]);
    assert_eq!(rows(&ran, "denied"), ["1\t1\t1"]);
    assert_eq!(rows(&ran, "reason"), ["3\twrong password", "1\tno name", "1\tno such account"]);
    assert_eq!(rows(&ran, "denied-from"), ["3\t192.0.2.66", "1\t2001:db8::/64"]);
    assert_eq!(rows(&ran, "denied-account"), ["2\tjoe@example.com", "1\tdan@example.com"]);
    assert!(!ran.out.contains("hunter2"), "{ran:?}");
    let ran = report(&shell, &["--log", "-"], "Nov 24 16:00:00 mail sshd[1]: nothing\n");
    assert_eq!(ran.status, Some(0), "{ran:?}");
    assert!(ran.err.contains("no line of - tells of a login"), "{ran:?}");
    let ran = report(&shell, &["--log", "missing"], "");
    assert_eq!((ran.status, ran.out.as_str()), (Some(1), ""), "{ran:?}");
}

#[test]
fn its_json_has_the_documented_shape() {
    let shell = shell_with_past();
    let page = include_str!("../../docs/report.md");
    let said = json(&shell, &["--log", "-"], LOG);
    let each = json(&shell, &["--accounts"], "");
    let mut names = Vec::new();
    names_in("", &said, &mut names);
    names_in("", &each, &mut names);
    assert!(names.len() > 50, "{names:?}");
    let missing: Vec<&String> = names.iter().filter(|name| !page.contains(&format!("`{name}`"))).collect();
    assert!(missing.is_empty(), "not in docs/report.md: {missing:?}");
    assert_eq!(said["unused"][1]["account"], "bob@example.com");
    assert_eq!(said["last_use"][0]["by"]["SCRAM-SHA-256"], 1);
    assert_eq!(json(&shell, &[], "")["failures"], serde_json::Value::Null);
}

#[test]
fn its_page_is_written_whole_and_alone() {
    let shell = shell_with_past();
    let ran = report(&shell, &["--html", "page.html", "--log", "-"], LOG);
    ran.quiet();
    let page = fs::read_to_string(shell.path("page.html")).unwrap();
    assert!(page.starts_with("<!doctype html>") && page.ends_with("</html>\n"), "{page}");
    assert!(page.contains("bob@example.com") && !page.contains("hunter2"), "{page}");
    assert_eq!(json(&shell, &["--html", "page.html"], "")["accounts"]["total"], 5);
    assert!(fs::read_to_string(shell.path("page.html")).unwrap().contains("made without"));
    assert_eq!(report(&shell, &["--html", "none/page.html"], "").status, Some(1));
}

/// The names of all members, `outer.inner`; those of `by` are mechanisms.
fn names_in(path: &str, value: &serde_json::Value, names: &mut Vec<String>) {
    match value {
        serde_json::Value::Object(members) if !path.ends_with(".by") => {
            for (name, value) in members {
                let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
                names.push(path.clone());
                names_in(&path, value, names);
            }
        }
        serde_json::Value::Array(all) => all.iter().for_each(|value| names_in(path, value, names)),
        _ => {}
    }
    names.sort();
    names.dedup();
}

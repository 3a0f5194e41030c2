//! `sasldb-rs retire`: whose secrets go, whose stay, and why.

use std::fs;

use sasldb::vocabulary::Mechanism::{CramMd5, Plain, ScramSha256};

use crate::past::{self, DAY};
use crate::shell::{Ran, SASLDB, Shell};

/// ann, bob, dan, eve, joe and new, all but the last made 400 days ago; joe with a second password.
fn shell_with_past() -> Shell {
    let shell = Shell::new();
    for user in ["joe", "ann", "bob", "dan", "eve"] {
        shell.run(SASLDB, &["account", "add", user], b"secret\n").quiet();
    }
    shell.run(SASLDB, &["password", "add", "joe", "--label", "phone"], b"second\n").quiet();
    shell.configure("realm = \"example.com\"\nschemes = [\"cram-md5\"]");
    shell.run(SASLDB, &["password", "set", "eve"], b"secret\n").quiet();
    shell.configure("realm = \"example.com\"\nschemes = [\"scram-sha-256\"]");
    past::age_accounts(&shell, 400 * DAY);
    shell.configure("realm = \"example.com\"");
    shell.run(SASLDB, &["account", "add", "new"], b"secret\n").quiet();
    shell.configure("realm = \"example.com\"\nschemes = [\"scram-sha-256\"]");
    shell
}

fn with_activity(shell: &Shell, begun: i64) {
    let logins = [
        ("joe", "phone", CramMd5, 2 * DAY),
        ("joe", "main", ScramSha256, DAY),
        ("ann", "main", CramMd5, 100 * DAY),
        ("bob", "main", Plain, DAY),
    ];
    past::activity(shell, begun, &logins, &[("dan", "main", CramMd5, 5 * DAY)]);
}

fn retire(shell: &Shell, arguments: &[&str]) -> Ran {
    shell.run(SASLDB, &[&["retire"], arguments].concat(), b"")
}

/// The rows without their times.
fn rows(ran: &Ran) -> Vec<String> {
    assert_eq!(ran.status, Some(0), "{ran:?}");
    let columns = |line: &str| line.split('\t').take(4).collect::<Vec<_>>().join(" ").replace("@example.com", "");
    ran.out.lines().map(columns).collect()
}

fn schemes(shell: &Shell, user: &str) -> Vec<String> {
    let listed = shell.run(SASLDB, &["password", "list", user], b"").out;
    listed.lines().map(|line| line.split('\t').nth(5).unwrap().to_owned()).collect()
}

#[test]
fn what_nobody_used_goes_and_the_rest_stays_with_its_reason() {
    let shell = shell_with_past();
    with_activity(&shell, 300 * DAY);
    let before = shell.files();
    let expected = [
        "removed ann main -",
        "removed bob main -",
        "kept dan main used",
        "kept eve main last-scheme",
        "removed joe main -",
        "kept joe phone used",
        "kept new main too-new",
    ];
    let ran = retire(&shell, &["cram-md5", "--unused-for", "90d", "--dry-run"]);
    assert_eq!(rows(&ran), expected);
    assert_eq!(ran.err, "cram-md5: would be removed from 3 passwords, kept by 4\nnothing has changed: --dry-run\n");
    assert_eq!(shell.files(), before);

    let ran = retire(&shell, &["cram-md5", "--unused-for", "90d"]);
    assert_eq!(rows(&ran), expected);
    assert_eq!(ran.err, "cram-md5: removed from 3 passwords, kept by 4\n");
    let all = "digest-md5,cram-md5,scram-sha-1,scram-sha-256";
    let less = "digest-md5,scram-sha-1,scram-sha-256";
    assert_eq!(schemes(&shell, "ann"), [less]);
    assert_eq!(schemes(&shell, "joe"), [less, all]);
    assert_eq!((schemes(&shell, "dan"), schemes(&shell, "eve")), (vec![all.to_owned()], vec!["cram-md5".to_owned()]));
    // PLAIN goes on with what is left.
    for (user, password) in [("ann", "secret"), ("bob", "secret"), ("joe", "secret"), ("joe", "second")] {
        assert_eq!(shell.verify(user, password.as_bytes()), Some(0), "{user}");
    }
    let log = shell.run(SASLDB, &["log", "--action", "remove-scheme"], b"").out;
    assert_eq!(log.lines().count(), 3, "a line for each account: {log}");
    assert!(log.contains("ann@example.com\t{\"passwords\":[{\"label\":\"main\"}],\"scheme\":\"cram-md5\"}"), "{log}");
    assert!(rows(&retire(&shell, &["cram-md5", "--unused-for", "90d"])).iter().all(|row| row.starts_with("kept")));
    // The accounts are as old as before: what is next can go at once.
    let ran = retire(&shell, &["digest-md5", "--unused-for", "90d"]);
    assert!(ran.err.starts_with("digest-md5: removed from 5 passwords, kept by 1\n"), "{ran:?}");
    assert_eq!(shell.run(SASLDB, &["check"], b"").out.matches("seal").count(), 0);
}

#[test]
fn nothing_goes_where_activity_cannot_vouch_for_it() {
    let shell = shell_with_past();
    let before = shell.contents();
    let refused = |part: &str| {
        let ran = retire(&shell, &["cram-md5", "--unused-for", "90d"]);
        assert_eq!((ran.status, ran.out.as_str()), (Some(75), ""), "{ran:?}");
        assert!(ran.err.contains("nobody can tell who used CRAM-MD5 since 20"), "{ran:?}");
        assert!(ran.err.contains(part) && ran.err.contains("nothing has changed"), "{ran:?}");
        assert!(before.iter().all(|(path, bytes)| shell.contents().get(path) == Some(bytes)));
    };
    refused("no helper has recorded any");
    // That of another database, which happens to have the same names.
    past::of_database(&shell, [7; 16], 300 * DAY, &[("joe", "main", CramMd5, DAY)], &[]);
    refused("no helper has recorded any for this database");
    with_activity(&shell, 80 * DAY);
    refused("it is without a gap only since 20");
    refused("it reaches back that far from 20");
    fs::remove_dir_all(shell.path("accounts.db.activity")).unwrap();
    with_activity(&shell, 91 * DAY);
    assert_eq!(rows(&retire(&shell, &["cram-md5", "--unused-for", "90d"])).len(), 7);
}

#[test]
fn its_json_and_its_warnings() {
    let shell = shell_with_past();
    with_activity(&shell, 300 * DAY);
    shell.configure("realm = \"example.com\"\nlearn = [\"cram-md5\"]");
    let ran = retire(&shell, &["cram-md5", "--unused-for", "90d", "--json", "--dry-run"]);
    let lines: serde_json::Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!(
        lines[0],
        serde_json::json!({
            "done": "removed", "account": "ann@example.com", "password": "main", "why": null, "last": null,
        })
    );
    assert_eq!((&lines[5]["password"], &lines[5]["why"]), (&"phone".into(), &"used".into()));
    assert!(lines[5]["last"].as_str().unwrap().ends_with('Z'));
    for setting in ["schemes", "learn"] {
        assert!(ran.err.contains(&format!("warning: the setting `{setting}` makes cram-md5")), "{ran:?}");
    }
    for arguments in [&["cram-md5"][..], &["md5", "--unused-for", "90d"], &["--unused-for", "90d"]] {
        assert_eq!(retire(&shell, arguments).status, Some(2));
    }
}

/// More than one transaction holds, with some between them that have no such scheme.
#[test]
fn many_accounts_are_settled_in_turn() {
    let shell = Shell::new();
    let line = |number: u32| format!("{{\"name\": \"u{number}\", \"password_hash\": [\"{CRAM}\", \"{BCRYPT}\"]}}\n");
    let accounts: String = (0..2100).map(line).collect();
    let ran = shell.run(SASLDB, &["apply", "-"], accounts.as_bytes());
    assert_eq!(ran.status, Some(3), "{}", ran.err);
    past::age_accounts(&shell, 400 * DAY);
    past::activity(&shell, 300 * DAY, &[("u1500", "main", CramMd5, DAY)], &[]);
    shell.configure("realm = \"example.com\"\nschemes = [\"scram-sha-256\"]");
    let ran = retire(&shell, &["cram-md5", "--unused-for", "90d"]);
    assert_eq!(ran.err, "cram-md5: removed from 2099 passwords, kept by 1\n");
    assert_eq!(rows(&ran).len(), 2100);
    let left = shell.run(SASLDB, &["account", "list"], b"").out;
    assert_eq!(left.lines().filter(|line| line.contains("cram-md5")).count(), 1);
    assert_eq!(shell.run(SASLDB, &["log", "verify"], b"").status, Some(0));
}

const CRAM: &str = "{CRAM-MD5}e02d374fde0dc75a17a557039a3a5338c7743304777dccd376f332bee68d2cf6";
const BCRYPT: &str = "$2b$05$xxP7Bjthpng0rJNKRf028eEEdU547EQelsDG2ZW60Hc8EiUusE5Aa";

//! `sasldb-rs log` and `log verify`.

use std::fs;
use std::io::{BufRead, BufReader};
use std::process::Stdio;

use rusqlite::Connection;
use sasldb::store::ACTIONS;

use crate::shell::{Ran, SASLDB, Shell};

/// A database with four changes: made, two accounts, one of them with another password.
fn changed() -> Shell {
    let shell = Shell::new();
    shell.make_mailman();
    shell.saslpasswd(&["-c", "-u", "other.test", "joe"], b"secret\n").quiet();
    shell.saslpasswd(&["mailman"], b"another\n").quiet();
    shell
}

fn log(shell: &Shell, arguments: &[&str]) -> Ran {
    shell.run(SASLDB, &[&["log"], arguments].concat(), b"")
}

/// The columns that do not depend on when and by whom the test is run.
fn shown(shell: &Shell, arguments: &[&str]) -> Vec<String> {
    let ran = log(shell, arguments);
    assert_eq!((ran.status, ran.err.as_str()), (Some(0), ""), "{ran:?}");
    let fixed = |line: &str| {
        let columns: Vec<&str> = line.split('\t').collect();
        assert_eq!(columns.len(), 7, "{line}");
        [columns[0], columns[3], columns[4], columns[5]].join(" ")
    };
    ran.out.lines().map(fixed).collect()
}

fn by_hand(shell: &Shell, sql: &str) {
    assert!(Connection::open(shell.database()).unwrap().execute(sql, ()).unwrap() > 0, "{sql}");
}

/// What the system's log would hold of the changes until now.
fn system_log(shell: &Shell) -> String {
    let entry = |line: &str| {
        let entry: serde_json::Value = serde_json::from_str(line).unwrap();
        let (number, head) = (&entry["number"], entry["head"].as_str().unwrap());
        format!("Nov 24 10:00:00 mx1 saslpasswd-rs[7]: account=\"a\" uid=0 audit={number} head={head}\n")
    };
    log(shell, &["--json"]).out.lines().map(entry).collect()
}

/// A mistyped action would be shown as one that was never done.
#[test]
fn actions_are_those_of_the_man_page() {
    let shell = changed();
    let page = include_str!("../../man/sasldb-rs.8");
    for action in ACTIONS {
        assert_eq!(log(&shell, &["--action", action]).status, Some(0), "{action}");
        assert!(page.contains(&format!("\n.It Cm {action}\n")), "{action}");
    }
    let ran = log(&shell, &["--action", "set_password"]);
    assert_eq!((ran.status, ran.out.as_str()), (Some(2), ""), "{ran:?}");
    for json in log(&shell, &["--json"]).out.lines() {
        let entry: serde_json::Value = serde_json::from_str(json).unwrap();
        assert!(ACTIONS.contains(&entry["action"].as_str().unwrap()), "{entry}");
    }
}

#[test]
fn a_new_name_is_found_by_the_one_before() {
    let shell = changed();
    shell.run(SASLDB, &["account", "rename", "joe@other.test", "jim@new.test"], b"");
    let renamed = "5 sasldb-rs rename jim@new.test";
    assert_eq!(shown(&shell, &["--account", "joe"]), ["3 saslpasswd-rs create joe@other.test", renamed]);
    assert_eq!(shown(&shell, &["--account", "jim"]), [renamed]);
}

#[test]
fn every_change_is_shown_and_filters_pick() {
    let shell = changed();
    let all = [
        "1 saslpasswd-rs create-database -",
        "2 saslpasswd-rs create mailman@example.com",
        "3 saslpasswd-rs create joe@other.test",
        "4 saslpasswd-rs set-password mailman@example.com",
    ];
    assert_eq!(shown(&shell, &[]), all);
    assert_eq!(shown(&shell, &["--account", "*@other.test"]), all[2..3]);
    assert_eq!(shown(&shell, &["--account", "MAIL*"]), [all[1], all[3]]);
    assert_eq!(shown(&shell, &["--action", "set-password", "--account", "mailman"]), all[3..]);
    assert_eq!(shown(&shell, &["--since", "1h"]), all);
    assert_eq!(shown(&shell, &["--since", "2199-01-01"]), [] as [&str; 0]);
    // No key is needed.
    fs::remove_file(shell.key()).unwrap();
    assert_eq!(shown(&shell, &[]), all);
    let ran = log(&shell, &["--json", "--account", "joe"]);
    let entry: serde_json::Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!((&entry["number"], &entry["account"]), (&3.into(), &"joe@other.test".into()));
    assert_eq!(entry["detail"]["password"]["label"], "main", "{entry}");
}

#[test]
fn what_is_changed_meanwhile_is_followed() {
    let shell = changed();
    let mut child =
        shell.command(SASLDB, &["log", "--follow", "--account", "joe"]).stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    assert!(lines.next().unwrap().unwrap().starts_with("3\t"));
    shell.saslpasswd(&["mailman"], b"third\n").quiet();
    shell.saslpasswd(&["-d", "-u", "other.test", "joe"], b"").quiet();
    assert!(lines.next().unwrap().unwrap().starts_with("6\t"));
    child.kill().unwrap();
    child.wait().unwrap();
}

#[test]
fn a_whole_chain_is_proven_and_the_systems_log_confirms_it() {
    let shell = changed();
    let known = system_log(&shell);
    shell.saslpasswd(&["mailman"], b"third\n").quiet();
    let ran = log(&shell, &["verify"]);
    assert_eq!((ran.status, ran.err.as_str(), ran.out.lines().count()), (Some(0), "", 1), "{ran:?}");
    assert!(ran.out.starts_with("whole\t5\t"), "{ran:?}");
    let ran = shell.run(SASLDB, &["log", "verify", "--against", "-"], known.as_bytes());
    assert_eq!(ran.status, Some(0), "{ran:?}");
    assert!(ran.out.ends_with("\nconfirmed\t4\n"), "{ran:?}");
    // Nothing to compare with proves nothing.
    let ran = shell.run(SASLDB, &["log", "verify", "--against", "-"], b"nothing\n");
    assert_eq!((ran.status, ran.out.as_str()), (Some(1), ""));
    assert!(ran.err.contains("no line of - has a head"), "{ran:?}");
}

#[test]
fn what_was_changed_removed_or_cut_is_named() {
    for (sql, whole, told) in [
        (
            "UPDATE audit SET uid = uid + 1 WHERE number = 3",
            2,
            "broken\taudit entry 3 or what comes before it was changed",
        ),
        (
            "UPDATE audit SET detail = NULL WHERE number = 2",
            1,
            "broken\taudit entry 2 or what comes before it was changed",
        ),
        ("DELETE FROM audit WHERE number = 3", 2, "broken\taudit entry 3 is missing"),
        ("DELETE FROM audit WHERE number = 4", 3, "cut\t4\tthe system's log knows it, the audit does not"),
    ] {
        let shell = changed();
        let known = shell.path("known");
        fs::write(&known, system_log(&shell)).unwrap();
        by_hand(&shell, sql);
        let ran = log(&shell, &["verify", "--against", known.to_str().unwrap()]);
        assert_eq!(ran.status, Some(1), "{sql}: {ran:?}");
        let lines: Vec<&str> = ran.out.lines().collect();
        assert!(lines[0].starts_with(&format!("whole\t{whole}\t")), "{sql}: {ran:?}");
        assert_eq!(lines[1], told, "{sql}");
        let ran = log(&shell, &["verify", "--json", "--against", known.to_str().unwrap()]);
        let found: serde_json::Value = serde_json::from_str(&ran.out).unwrap();
        assert_eq!((&found["entries"], ran.status), (&whole.into(), Some(1)), "{found}");
    }
}

/// Whoever has the key can write a chain that is whole; it is not the one that the system's log knows.
#[test]
fn a_chain_written_anew_differs_from_the_systems_log() {
    let shell = changed();
    let known = system_log(&shell);
    by_hand(&shell, "DELETE FROM audit WHERE number = 4");
    shell.saslpasswd(&["-d", "-u", "other.test", "joe"], b"").quiet();
    assert_eq!(log(&shell, &["verify"]).status, Some(0));
    let ran = shell.run(SASLDB, &["log", "verify", "--against", "-"], known.as_bytes());
    assert_eq!(ran.status, Some(1));
    assert!(ran.out.contains("\ndiffers\t4\t"), "{ran:?}");
}

#[test]
fn without_the_key_nothing_is_proven() {
    let shell = changed();
    fs::remove_file(shell.key()).unwrap();
    let ran = log(&shell, &["verify"]);
    assert_eq!((ran.status, ran.out.as_str()), (Some(75), ""), "{ran:?}");
}

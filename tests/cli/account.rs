//! `sasldb-rs account` and `password set`: what they print, refuse and change.

use std::fs;
use std::process::{Child, Stdio};
use std::time::Duration;

use rusqlite::Connection;
use sasldb::vocabulary::Mechanism;

use crate::past::{self, DAY};
use crate::shell::{Ran, SASLDB, Shell};

fn account(shell: &Shell, arguments: &[&str]) -> Ran {
    shell.run(SASLDB, &[&["account"], arguments].concat(), b"")
}

/// joe, ann and bob of example.com, joe of example.org.
fn shell_with_four() -> Shell {
    let shell = Shell::new();
    for user in ["joe", "ann", "bob", "joe@example.org"] {
        shell.run(SASLDB, &["account", "add", user], b"secret\n").quiet();
    }
    shell
}

fn done(ran: &Ran) -> &str {
    assert_eq!(ran.status, Some(0), "{ran:?}");
    ran.out.trim_end()
}

#[test]
fn an_account_is_added_once() {
    let shell = shell_with_four();
    assert_eq!(shell.verify("ann", b"secret"), Some(0));
    let ran = shell.run(SASLDB, &["account", "add", "ANN"], b"other\n");
    assert_eq!(ran.status, Some(1), "{ran:?}");
    assert!(ran.err.contains("there is an account ann@example.com already"), "{ran:?}");
    assert_eq!(shell.verify("ann", b"secret"), Some(0));

    let ran = account(&shell, &["add", "--generate", "--expires", "2999-01-01", "eve"]);
    assert_eq!(shell.verify("eve", done(&ran).as_bytes()), Some(0));
    assert!(account(&shell, &["list", "eve"]).out.contains("eve@example.com\tactive\t2999-01-01T00:00:00Z\tmain\t"));
}

/// In one change: whatever stops the command, it never leaves an account that does not end.
#[test]
fn an_account_that_ends_is_made_with_its_end() {
    let shell = Shell::new();
    shell.run(SASLDB, &["account", "add", "--expires", "2999-01-01", "joe"], b"secret\n").quiet();
    let log = shell.run(SASLDB, &["log", "--json", "--account", "joe"], b"").out;
    let entry: serde_json::Value = serde_json::from_str(&log).unwrap();
    assert_eq!((&entry["action"], &entry["detail"]["password"]["label"]), (&"create".into(), &"main".into()));
    assert_eq!(
        (&entry["detail"]["disabled"], &entry["detail"]["expires"]),
        (&false.into(), &32_472_144_000_i64.into())
    );
    assert_eq!(shell.run(SASLDB, &["log", "verify"], b"").status, Some(0));
}

#[test]
fn accounts_are_listed_by_patterns_in_the_form_of_list() {
    let shell = shell_with_four();
    let listed = account(&shell, &["list"]);
    assert_eq!(listed, shell.saslpasswd(&["--list"], b""));
    assert_eq!(listed.out.lines().count(), 4);
    assert_eq!(account(&shell, &["list", "joe*", "b?b"]).out.lines().count(), 3);
    let json: serde_json::Value =
        serde_json::from_str(&account(&shell, &["list", "--json", "*@example.org"]).out).unwrap();
    assert_eq!(json[0]["account"], "joe@example.org");
}

#[test]
fn show_has_the_documented_shape() {
    let shell = shell_with_four();
    let shown: serde_json::Value = serde_json::from_str(&account(&shell, &["show", "--json", "joe"]).out).unwrap();
    let keys: Vec<&str> = shown.as_object().unwrap().keys().map(String::as_str).collect();
    let mut expected = [
        "account",
        "name",
        "realm",
        "state",
        "expires",
        "created",
        "changed",
        "revision",
        "mechanisms",
        "passwords",
        "activity_since",
        "uses",
    ];
    expected.sort_unstable();
    assert_eq!(keys, expected);
    assert_eq!((&shown["account"], &shown["state"]), (&"joe@example.com".into(), &"active".into()));
    let lines = account(&shell, &["show", "joe"]).out;
    let firsts: Vec<&str> = lines.lines().map(|line| line.split('\t').next().unwrap()).collect();
    assert_eq!(
        firsts,
        ["account", "state", "expires", "mechanisms", "created", "changed", "password", "activity-since"]
    );
    assert_eq!(account(&shell, &["show", "nobody"]).status, Some(20));
}

#[test]
fn names_are_changed_at_once_and_a_second_time_nothing() {
    let shell = shell_with_four();
    assert_eq!(
        done(&account(&shell, &["disable", "joe", "ann"])),
        "disabled\tann@example.com\ndisabled\tjoe@example.com"
    );
    assert_eq!(shell.verify("joe", b"secret"), Some(1));
    assert_eq!(shell.verify("joe@example.org", b"secret"), Some(0));
    assert_eq!(done(&account(&shell, &["disable", "joe", "JOE@example.com", "joe"])), "unchanged\tjoe@example.com");
    assert_eq!(
        done(&account(&shell, &["enable", "--json", "joe"])),
        r#"{"done":"enabled","account":"joe@example.com"}"#
    );
    assert_eq!(shell.verify("joe", b"secret"), Some(0));
    assert_eq!(done(&account(&shell, &["expire", "--at", "2999-01-01", "joe"])), "expires\tjoe@example.com");
    assert_eq!(done(&account(&shell, &["expire", "--never", "joe"])), "does-not-expire\tjoe@example.com");
    assert_eq!(account(&shell, &["expire", "joe"]).status, Some(2));
    assert_eq!(account(&shell, &["expire", "--at", "2020-01-01", "joe"]).status, Some(7));
    assert_eq!(done(&account(&shell, &["remove", "joe"])), "removed\tjoe@example.com");
    assert_eq!(shell.accounts(), ["ann@example.com", "bob@example.com", "joe@example.org"]);
}

#[test]
fn many_are_never_changed_by_a_slip() {
    let shell = shell_with_four();
    let before = shell.files();
    for (arguments, status, part) in [
        (&["remove", "*"][..], 1, "this would remove accounts: 4"),
        (&["disable", "joe", "b*"], 1, "this would disable accounts: 2"),
        (&["remove", "joe", "nobody"], 20, "there is no account nobody@example.com"),
        (&["remove", "--yes", "joe", "x*"], 20, "no account fits x*"),
        (&["remove"], 2, "required"),
        (&["remove", "--unused-for", "1d", "--yes"], 75, "nobody can tell which accounts are unused"),
        (&["list", "--unused-for", "1d"], 75, "nobody can tell which accounts are unused"),
    ] {
        let ran = account(&shell, arguments);
        assert_eq!((ran.status, ran.out.as_str()), (Some(status), ""), "{arguments:?}: {ran:?}");
        assert!(ran.err.contains(part), "{arguments:?}: {ran:?}");
        assert_eq!(shell.files(), before, "{arguments:?}");
    }
    let ran = account(&shell, &["remove", "--dry-run", "*@example.com"]);
    assert_eq!(done(&ran).lines().count(), 3);
    assert!(ran.err.contains("nothing has changed"), "{ran:?}");
    assert_eq!(shell.files(), before);
    assert_eq!(done(&account(&shell, &["remove", "--yes", "*@example.com"])).lines().count(), 3);
    assert_eq!(shell.accounts(), ["joe@example.org"]);
}

#[test]
fn on_a_terminal_many_are_changed_after_yes_only() {
    let shell = shell_with_four();
    for (answer, left) in [("y", 4), ("yes", 1)] {
        let command = shell.command(SASLDB, &["account", "remove", "*@example.com"]);
        let mut session = rexpect::session::spawn_command(command, Some(30_000)).unwrap();
        session.exp_string("Accounts: 3. remove them? Type yes: ").unwrap();
        session.send_line(answer).unwrap();
        session.exp_eof().unwrap();
        assert_eq!(shell.accounts().len(), left, "{answer}");
    }
}

#[test]
fn unused_is_who_was_there_long_enough_and_not_seen() {
    let shell = shell_with_four();
    past::activity(&shell, 10 * DAY, &[("joe", "main", Mechanism::Plain, 5 * DAY)], &[]);
    assert_eq!(done(&account(&shell, &["list", "--unused-for", "1d"])), "", "they were made today");
    assert!(account(&shell, &["show", "joe"]).out.contains("\nuse\tmain\tPLAIN\t"));

    past::age_accounts(&shell, 20 * DAY);
    let names = |time: &str| {
        let ran = account(&shell, &["list", "--unused-for", time]);
        done(&ran).lines().map(|line| line.split('\t').next().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let others = ["ann@example.com", "bob@example.com", "joe@example.org"];
    assert_eq!(names("6d"), others);
    assert_eq!(names("4d"), ["ann@example.com", "bob@example.com", "joe@example.com", "joe@example.org"]);
    assert_eq!(account(&shell, &["list", "--unused-for", "11d"]).status, Some(75), "it does not reach back that far");
}

/// Whether the process has the database open.
fn has_the_database(process: &Child) -> bool {
    let files = fs::read_dir(format!("/proc/{}/fd", process.id())).unwrap();
    files.filter_map(|file| fs::read_link(file.unwrap().path()).ok()).any(|file| file.ends_with("accounts.db-wal"))
}

#[test]
fn what_another_process_changes_at_the_same_time_stays() {
    let shell = shell_with_four();
    let lock = Connection::open(shell.database()).unwrap();
    lock.execute_batch("BEGIN IMMEDIATE").unwrap();
    let start = |arguments: &[&str]| {
        let mut command = shell.command(SASLDB, arguments);
        command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    };
    fs::write(shell.path("ann"), r#"{"name": "ann", "disabled": true}"#).unwrap();
    let all = [
        start(&["account", "disable", "joe"]),
        start(&["account", "expire", "--at", "2999-01-01", "joe", "ann"]),
        start(&["apply", "ann"]),
    ];
    while !all.iter().all(has_the_database) {
        std::thread::sleep(Duration::from_millis(10));
    }
    // What one of them reads before it writes, it has read by then. That it has not could only hide a fault.
    std::thread::sleep(Duration::from_millis(700));
    drop(lock);
    for child in all {
        let output = child.wait_with_output().unwrap();
        assert!(matches!(output.status.code(), Some(0 | 3)), "{output:?}");
    }
    for name in ["ann@example.com", "joe@example.com"] {
        let listed = account(&shell, &["list", name]).out;
        assert!(listed.starts_with(&format!("{name}\tdisabled\t2999-01-01T00:00:00Z\t")), "{listed}");
    }
}

#[test]
fn who_is_given_a_password_while_the_question_is_open_is_not_unused_any_more() {
    let shell = shell_with_four();
    past::activity(&shell, 10 * DAY, &[], &[]);
    past::age_accounts(&shell, 20 * DAY);
    let command = shell.command(SASLDB, &["account", "remove", "--unused-for", "5d"]);
    let mut session = rexpect::session::spawn_command(command, Some(30_000)).unwrap();
    session.exp_string("Accounts: 4. remove them? Type yes: ").unwrap();
    shell.saslpasswd(&["joe"], b"second\n").quiet();
    session.send_line("yes").unwrap();
    let said = session.exp_eof().unwrap();
    assert!(said.contains("changed-meanwhile\tjoe@example.com"), "{said}");
    assert_eq!(shell.accounts(), ["joe@example.com"]);
}

#[test]
fn a_renamed_account_logs_in_by_its_new_name() {
    let shell = shell_with_four();
    let before = shell.files();
    let ran = account(&shell, &["rename", "--dry-run", "joe", "Jim"]);
    assert_eq!(done(&ran), "renamed\tjoe@example.com\tJim@example.com");
    assert!(ran.err.contains("digest-md5") && ran.err.contains("nothing has changed"), "{ran:?}");
    assert_eq!(shell.files(), before);

    let ran = account(&shell, &["rename", "--json", "joe", "Jim"]);
    let json: serde_json::Value = serde_json::from_str(done(&ran)).unwrap();
    assert_eq!(
        json,
        serde_json::json!({
            "done": "renamed", "account": "Jim@example.com", "from": "joe@example.com", "dropped": ["digest-md5"],
        })
    );
    assert_eq!((shell.verify("jim", b"secret"), shell.verify("joe", b"secret")), (Some(0), Some(1)));
    assert!(!account(&shell, &["list", "jim"]).out.contains("digest-md5"));
    for (arguments, status, part) in [
        (["rename", "jim", "ann"], 1, "there is an account of that name already"),
        (["rename", "nobody", "eve"], 20, "there is no account nobody@example.com"),
        (["rename", "jim", "a:b"], 7, "holds the character ':'"),
    ] {
        let ran = account(&shell, &arguments);
        assert_eq!(ran.status, Some(status), "{ran:?}");
        assert!(ran.err.contains(part), "{ran:?}");
    }
    shell.run(SASLDB, &["password", "set", "jim"], b"second\n").quiet();
    assert!(account(&shell, &["list", "jim"]).out.contains("digest-md5"));
    assert_eq!((shell.verify("jim", b"second"), shell.verify("jim", b"secret")), (Some(0), Some(1)));
}

#[test]
fn a_dry_run_refuses_what_a_rename_refuses() {
    let shell = Shell::new();
    shell.configure("realm = \"example.com\"\nschemes = [\"digest-md5\"]");
    shell.make_mailman();
    let [dry, wet] = [&["rename", "--dry-run", "mailman", "other"][..], &["rename", "mailman", "other"]];
    let (dry, wet) = (account(&shell, dry), account(&shell, wet));
    assert!(wet.err.contains("has only digest-md5"), "{wet:?}");
    assert_eq!((dry.status, dry.out, dry.err), (wet.status, wet.out, wet.err));
}

#[test]
fn a_password_set_anew_keeps_its_limits() {
    let shell = shell_with_four();
    let add = ["password", "add", "joe", "--label", "phone", "--service", "smtp"];
    shell.run(SASLDB, &add, b"second\n").quiet();
    shell.run(SASLDB, &["password", "set", "joe", "--label", "phone"], b"third\n").quiet();
    let listed = shell.run(SASLDB, &["password", "list", "joe"], b"").out;
    assert!(listed.lines().nth(1).unwrap().starts_with("phone\tactive\t-\tsmtp\t-\t"), "{listed}");
    for (arguments, part) in [
        (["password", "set", "joe", "--label", "desk"], "has no password with the label \"desk\""),
        (["password", "set", "nobody", "--label", "main"], "there is no account"),
    ] {
        let ran = shell.run(SASLDB, &arguments, b"fourth\n");
        assert_eq!(ran.status, Some(20), "{ran:?}");
        assert!(ran.err.contains(part), "{ran:?}");
    }
    shell.saslpasswd(&["-c", "-n", "ann"], b"secret\n").quiet();
    shell.run(SASLDB, &["password", "set", "ann"], b"second\n").quiet();
    assert!(shell.run(SASLDB, &["password", "list", "--json", "ann"], b"").out.contains("\"plaintext\": false"));
}

#[test]
fn weak_passwords_are_warned_about_or_refused() {
    let shell = Shell::new();
    let settings = |value: &str| {
        let text =
            format!("database = {:?}\nscram_iterations = 4096\nrealm = \"example.com\"\n{value}", shell.database());
        fs::write(shell.config(), text).unwrap();
    };
    settings("");
    let ran = shell.run(SASLDB, &["account", "add", "joe"], b"joe2026\n");
    assert_eq!((ran.status, ran.out.as_str()), (Some(0), ""), "{ran:?}");
    assert!(ran.err.contains("warning: the password of joe@example.com is weak") && !ran.err.contains("joe2026"));
    shell.run(SASLDB, &["account", "add", "ann"], b"kT7#qv!x0Lw\n").quiet();
    shell.saslpasswd(&["-c", "bob"], b"secret\n").quiet();

    settings("weak_passwords = \"refuse\"");
    for (program, arguments) in [
        (SASLDB, &["account", "add", "eve"][..]),
        (SASLDB, &["password", "set", "joe"]),
        (SASLDB, &["password", "add", "joe", "--label", "phone"]),
        (crate::shell::SASLPASSWD, &["-c", "joe"]),
    ] {
        let ran = shell.run(program, arguments, b"secret\n");
        assert_eq!(ran.status, Some(7), "{ran:?}");
        assert!(ran.err.contains("is weak") && !ran.err.contains("secret"), "{ran:?}");
    }
    assert_eq!(shell.verify("joe", b"joe2026"), Some(0));
}

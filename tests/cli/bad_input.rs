//! Bad input gets a clear error and a fixed exit status, and changes not a byte.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;

use crate::shell::{LISTUSERS, Ran, SASLDB, SASLPASSWD, Shell, run};

/// The status, the first line of stderr and a part of the rest.
struct Told(i32, &'static str, &'static str);

fn assert_told(ran: &Ran, told: &Told, of: &str) {
    assert_eq!(ran.status, Some(told.0), "{of}: {ran:?}");
    assert_eq!(ran.out, "", "{of}");
    let (first, rest) = ran.err.split_once('\n').unwrap_or((&ran.err, ""));
    assert_eq!(first, told.1, "{of}: {ran:?}");
    assert!(rest.contains(told.2), "{of}: {rest:?} has no {:?}", told.2);
}

const PARAMETER: &str = "saslpasswd-rs: invalid parameter supplied";
const GENERIC: &str = "saslpasswd-rs: generic failure";

#[test]
fn names_realms_and_passwords() {
    let shell = Shell::new();
    shell.make_mailman();
    let before = shell.files();
    let (long, too_long) = ("x".repeat(256), "y".repeat(4097));
    let usage = "usage: saslpasswd-rs [-v]";
    for (arguments, stdin, told) in [
        (&["-x", "mailman"][..], &b"x"[..], Told(1, "saslpasswd-rs: invalid option -- 'x'", usage)),
        (&["--colour", "mailman"], b"x", Told(1, "saslpasswd-rs: unrecognized option '--colour'", "hint: ")),
        (
            &["-c", "-d", "mailman"],
            b"x",
            Told(
                1,
                "saslpasswd-rs: usage: saslpasswd-rs [-v] [-c [-p] [-n]] [-d] [-a appname] [-f sasldb] [-u DOM] userid",
                "",
            ),
        ),
        (&["-a", "a/b", "mailman"], b"x", Told(1, "appname must not contain /", "")),
        (&["", "-p"], b"x", Told(7, PARAMETER, "the user name is empty")),
        (&["@example.com"], b"x", Told(7, PARAMETER, "the user name is empty")),
        (&[&long], b"x", Told(7, PARAMETER, "the user name is longer than 255 bytes")),
        (&["-u", &long, "mailman"], b"x", Told(7, PARAMETER, "the realm is longer than 255 bytes")),
        (&["mailman@"], b"x", Told(7, PARAMETER, "the realm is empty")),
        (&["mailman@a@b"], b"x", Told(7, PARAMETER, "the realm holds the character '@'")),
        (&["-u", "a@b", "mailman"], b"x", Told(7, PARAMETER, "the realm holds the character '@'")),
        (&["mail\nman"], b"x", Told(7, PARAMETER, "the user name holds the character '\\n'")),
        (&["mail\u{1b}[2Jman"], b"x", Told(7, PARAMETER, "the user name holds the character '\\u{1b}'")),
        (&["mail\u{202e}man"], b"x", Told(7, PARAMETER, "the user name holds the character '\\u{202e}'")),
        (&["-u", "a\tb", "mailman"], b"x", Told(7, PARAMETER, "the realm holds the character '\\t'")),
        (&["mail:man"], b"x", Told(7, PARAMETER, "holds the character ':'")),
        (&["mailman"], b"", Told(7, PARAMETER, "the password is empty")),
        (&["mailman"], b"\n", Told(7, PARAMETER, "the password is empty")),
        (&["mailman"], b"a\0b\n", Told(7, PARAMETER, "the password holds a NUL byte")),
        (&["mailman"], b"\0\n", Told(7, PARAMETER, "the password holds a NUL byte")),
        (&["mailman"], too_long.as_bytes(), Told(7, PARAMETER, "the password is longer than 4096 bytes")),
        (
            &["--json", "mailman"],
            b"",
            Told(
                1,
                "saslpasswd-rs: usage: saslpasswd-rs [-v] [-c [-p] [-n]] [-d] [-a appname] [-f sasldb] [-u DOM] userid",
                "",
            ),
        ),
        (
            &["--disable", "--enable", "mailman"],
            b"",
            Told(
                1,
                "saslpasswd-rs: usage: saslpasswd-rs [-v] [-c [-p] [-n]] [-d] [-a appname] [-f sasldb] [-u DOM] userid",
                "",
            ),
        ),
        (&["-d", "mail:man"], b"", Told(7, PARAMETER, "holds the character ':'")),
    ] {
        let mut command = std::process::Command::new(SASLPASSWD);
        // By name, as a shell would: messages begin with the program as it was called.
        command.arg0("saslpasswd-rs").arg("--config").arg(shell.config()).args(arguments);
        assert_told(&run(command, stdin), &told, &format!("{arguments:?}"));
        assert_eq!(shell.files(), before, "{arguments:?}");
    }
}

/// Something is wrong with the database or its key: `spoil` makes it so, and both writing and reading programs say it.
fn spoilt(name: &str, spoil: impl Fn(&Shell), part: &'static str, lists: bool) {
    let shell = Shell::new();
    shell.make_mailman();
    spoil(&shell);
    let before = shell.files();
    let ran = |program: &str, arguments: &[&str], stdin: &[u8]| {
        let mut command = shell.command(program, arguments);
        if program == SASLPASSWD {
            command.arg0("saslpasswd-rs");
        }
        run(command, stdin)
    };
    assert_told(&ran(SASLPASSWD, &["mailman"], b"new"), &Told(1, GENERIC, part), name);
    assert_told(&ran(SASLPASSWD, &["-d", "mailman"], b""), &Told(1, GENERIC, part), name);
    let verified = ran(SASLDB, &["verify", "mailman"], b"secret");
    assert_eq!(verified.status, Some(75), "{name}: {verified:?}");
    assert!(verified.err.contains(part), "{name}: {verified:?}");
    let listed = ran(LISTUSERS, &[], b"");
    if lists {
        assert_eq!(listed.out, "mailman@example.com: userPassword\n", "{name}: the key is not needed");
    } else {
        assert_told(&listed, &Told(1, "listusers failed", part), name);
    }
    assert_eq!(shell.files(), before, "{name}");
}

fn sql(shell: &Shell, statements: &str) {
    rusqlite::Connection::open(shell.database()).unwrap().execute_batch(statements).unwrap();
}

/// Everything is in the database's own file afterwards, so that damage to it is damage to the accounts.
fn fold_the_log_in(shell: &Shell) {
    sql(shell, "PRAGMA wal_checkpoint(TRUNCATE)");
}

fn replace(shell: &Shell, content: &[u8]) {
    for file in ["accounts.db", "accounts.db-wal", "accounts.db-shm"] {
        let _ = fs::remove_file(shell.path(file));
    }
    fs::write(shell.database(), content).unwrap();
}

#[test]
fn a_database_that_is_a_directory() {
    spoilt(
        "directory",
        |shell| {
            replace(shell, b"");
            fs::remove_file(shell.database()).unwrap();
            fs::create_dir(shell.database()).unwrap();
        },
        "accounts.db",
        false,
    );
}

#[test]
fn a_database_that_is_not_sqlite() {
    let text = b"not a database at all, but long enough to be looked at as one. ".repeat(100);
    spoilt("text", |shell| replace(shell, &text), "is not a saslpasswd-rs database", false);
    spoilt("short", |shell| replace(shell, b"x"), "is not a saslpasswd-rs database", false);
}

#[test]
fn a_database_of_another_program() {
    let other = |shell: &Shell| {
        replace(shell, b"");
        sql(shell, "CREATE TABLE t (x); PRAGMA application_id = 7");
    };
    spoilt("another program's", other, "is not a saslpasswd-rs database", false);
}

#[test]
fn a_database_that_is_too_new() {
    spoilt("too new", |shell| sql(shell, "PRAGMA user_version = 9999"), "schema version 9999", false);
}

#[test]
fn a_database_that_is_cut() {
    let cut = |shell: &Shell| {
        fold_the_log_in(shell);
        let bytes = fs::read(shell.database()).unwrap();
        replace(shell, &bytes[..bytes.len() / 2]);
    };
    spoilt("cut", cut, "damaged", false);
}

#[test]
fn a_key_file_that_is_missing_wrong_or_open_to_all() {
    spoilt("missing", |shell| fs::remove_file(shell.key()).unwrap(), "does not exist", true);
    spoilt("no key", |shell| fs::write(shell.key(), b"hello\n").unwrap(), "is not a key file", true);
    let other = Shell::new();
    other.make_mailman();
    let wrong = |shell: &Shell| fs::write(shell.key(), fs::read(other.key()).unwrap()).map(drop).unwrap();
    spoilt("another's", wrong, "does not hold the key of this database", true);
    let open = |shell: &Shell| fs::set_permissions(shell.key(), fs::Permissions::from_mode(0o644)).unwrap();
    spoilt("open to all", open, "may be read by others", true);
}

#[test]
fn a_database_that_may_not_be_read() {
    let shell = Shell::new();
    shell.make_mailman();
    let before = shell.files();
    fs::set_permissions(shell.path(""), fs::Permissions::from_mode(0o755)).unwrap();
    fs::set_permissions(shell.config(), fs::Permissions::from_mode(0o644)).unwrap();
    let as_somebody_else = |program: &str, arguments: &[&str], stdin: &[u8]| {
        // The test's own binaries may lie where nobody else can go.
        let copy = shell.path("program");
        // Copied by a process of its own: a child of another test would inherit our open copy, which is busy then.
        assert!(std::process::Command::new("cp").arg(program).arg(&copy).status().unwrap().success());
        let mut command = shell.command(copy.to_str().unwrap(), arguments);
        command.arg0("saslpasswd-rs");
        if nix::unistd::getuid().is_root() {
            command.uid(65_534).gid(65_534);
        } else {
            fs::set_permissions(shell.database(), fs::Permissions::from_mode(0o000)).unwrap();
        }
        let ran = run(command, stdin);
        fs::remove_file(copy).unwrap();
        ran
    };
    let denied = Told(1, GENERIC, "ermission denied");
    assert_told(&as_somebody_else(SASLPASSWD, &["mailman"], b"new"), &denied, "write");
    assert_eq!(as_somebody_else(SASLDB, &["verify", "mailman"], b"secret").status, Some(75));
    assert_told(&as_somebody_else(LISTUSERS, &[], b""), &Told(1, "listusers failed", "ermission denied"), "list");
    if !nix::unistd::getuid().is_root() {
        fs::set_permissions(shell.database(), fs::Permissions::from_mode(0o600)).unwrap();
    }
    assert_eq!(shell.files(), before);
}

#[test]
fn a_database_that_is_not_there() {
    let shell = Shell::new();
    let before = shell.files();
    let listed = shell.run(LISTUSERS, &[] as &[&str], b"");
    assert_told(&listed, &Told(1, "listusers failed", "there is no database at"), "list");
    for arguments in [&["--list"][..], &["--disable", "mailman"]] {
        let ran = shell.saslpasswd(arguments, b"");
        assert_eq!(ran.status, Some(1), "{arguments:?}");
        assert!(ran.err.contains("there is no database at"), "{arguments:?}: {}", ran.err);
    }
    assert_eq!(shell.verify("mailman", b"secret"), Some(75));
    let ran = shell.saslpasswd(&["-f", "no/such/folder/accounts.db", "mailman"], b"x");
    assert_eq!(ran.status, Some(1), "{ran:?}");
    assert_eq!(shell.files(), before, "nothing was made");
}

#[test]
fn a_configuration_that_is_wrong() {
    let shell = Shell::new();
    shell.make_mailman();
    shell.configure("realms = \"example.com\"");
    let before = shell.files();
    let ran = shell.saslpasswd(&["mailman"], b"new");
    assert_eq!(ran.status, Some(1));
    assert!(ran.err.contains("config.toml, line 4, realms: unknown field `realms`, expected one of"), "{}", ran.err);
    let ran = shell.run(SASLDB, &["verify", "mailman"], b"secret");
    assert_eq!(ran.status, Some(78), "{ran:?}");
    assert_eq!(shell.files(), before);
}

#[test]
fn a_socket_that_cannot_be_one() {
    let shell = Shell::new();
    let long = format!("/tmp/{}", "x".repeat(120));
    for (socket, status, part) in [
        (long.as_str(), 2, "is longer than 107 bytes"),
        ("no/such/folder/auth", 75, "no/such/folder/auth"),
        ("", 2, "names no file"),
    ] {
        let ran = shell.run(SASLDB, &["test", "--dovecot", socket, "mailman"], b"secret");
        assert_eq!(ran.status, Some(status), "{socket:?}: {ran:?}");
        assert!(ran.err.contains(part), "{socket:?}: {ran:?}");
    }
}

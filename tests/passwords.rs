//! Several passwords for an account, from the command that adds them to the helper that takes them.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    missing_docs,
    reason = "a test may fail"
)]

#[path = "helper/process.rs"]
mod process;
#[path = "cli/shell.rs"]
mod shell;
mod store;

use process::{Helper, Site, wait_until};
use sasldb::store::activity::ActivityReader;
use sasldb::store::sqlite::Reader;
use shell::{Ran, SASLDB, SASLPASSWD, run};

const CHALLENGES: [&str; 4] = ["SCRAM-SHA-256", "SCRAM-SHA-1", "DIGEST-MD5", "CRAM-MD5"];
const ALL: [&str; 6] = ["SCRAM-SHA-256", "SCRAM-SHA-1", "DIGEST-MD5", "CRAM-MD5", "LOGIN", "PLAIN"];

/// A site with the account joe, whose password `main` is `secret`, and a helper.
struct World {
    site: Site,
    helper: Helper,
}

impl World {
    fn new() -> Self {
        Self::with("")
    }

    fn with(settings: &str) -> Self {
        let site = Site::empty();
        site.configure(&format!(
            "realm = \"example.com\"\nscram_iterations = 4096\nweak_passwords = \"allow\"\n{settings}\n"
        ));
        let world = Self { helper: site.start(&[]), site };
        world.run(SASLPASSWD, &["-c", "-p", "joe"], b"secret").quiet();
        world
    }

    fn run(&self, program: &str, arguments: &[&str], stdin: &[u8]) -> Ran {
        let mut command = std::process::Command::new(program);
        command.args(self.site.common()).args(arguments);
        run(command, stdin)
    }

    fn add(&self, arguments: &[&str], password: &str) {
        let all = [&["password", "add", "joe", "--label"], arguments].concat();
        self.run(SASLDB, &all, password.as_bytes()).quiet();
    }

    /// The mechanisms by which `password` of joe logs in.
    fn accepted(&self, options: &[&str], password: &str) -> Vec<String> {
        self.accepted_as("joe", options, password)
    }

    fn accepted_as(&self, user: &str, options: &[&str], password: &str) -> Vec<String> {
        let socket = self.site.socket();
        let all = [&["test", "--dovecot", socket.to_str().unwrap(), "--secured"], options, &[user]].concat();
        self.run(SASLDB, &all, password.as_bytes()).accepted()
    }
}

#[test]
fn any_of_the_passwords_logs_in_by_every_mechanism_and_the_log_says_which() {
    let world = World::new();
    world.add(&["phone"], "second");
    // A count of its own would not fit the one challenge.
    world.site.configure("realm = \"example.com\"\nscram_iterations = 5000\nweak_passwords = \"allow\"\n");
    world.add(&["tablet", "--expires", "30d"], "third");
    for (password, label) in [("secret", "main"), ("second", "phone"), ("third", "tablet")] {
        assert_eq!(world.accepted(&[], password), ALL, "{label}");
        let named = format!("password=\"{label}\"");
        wait_until("each login has its line", || world.helper.log().matches(&named).count() == ALL.len());
    }
    assert_eq!(world.accepted(&[], "fourth"), [""; 0]);

    world.run(SASLDB, &["password", "remove", "joe", "--label", "phone"], b"").quiet();
    assert_eq!(world.accepted(&["--mechanism", "PLAIN"], "second"), [""; 0]);
    assert_eq!(world.accepted(&[], "third"), ALL);
}

/// Label, mechanism and address of each login, in the log and in activity.
#[test]
fn log_and_activity_say_which_password_by_which_mechanism_and_from_where() {
    let every = "schemes = [\"digest-md5\", \"cram-md5\", \"scram-sha-1\", \"scram-sha-256\", \"scram-sha-512\"]";
    let mut world = World::with(every);
    world.add(&["phone"], "second");
    let mechanisms: Vec<&str> = ["SCRAM-SHA-512"].into_iter().chain(ALL).collect();
    let logins = [("main", "secret", "192.0.2.7"), ("phone", "second", "2001:db8::7")];
    for (label, password, remote) in logins {
        assert_eq!(world.accepted(&["--remote", remote], password), mechanisms, "{label}");
        assert_eq!(world.accepted(&["--remote", remote], "wrong"), [""; 0]);
    }
    world.helper.signal(nix::sys::signal::Signal::SIGTERM);
    assert!(world.helper.wait().success());
    let log = world.helper.log();
    let mut expected = Vec::new();
    for (label, _, remote) in logins {
        for mechanism in &mechanisms {
            let line = format!(
                "authenticated {remote} secured {mechanism} password=\"{label}\" user=\"joe@example.com\" service=\"smtp\""
            );
            assert_eq!(log.lines().filter(|written| **written == line).count(), 1, "{line}: {log}");
            expected.push((label.to_owned(), (*mechanism).to_owned(), remote.to_owned()));
        }
    }
    assert_eq!(log.matches("authenticated ").count(), expected.len());

    let id = Reader::new(&world.site.place(), store::shape()).database_id().unwrap();
    let activity = ActivityReader::open(&world.site.path("accounts.db.activity"), id).unwrap();
    let uses = activity.last_uses(&store::identity("joe", "example.com").key()).unwrap();
    let mut recorded: Vec<_> = uses
        .into_iter()
        .map(|used| (used.label, used.mechanism.name().to_owned(), used.last.unwrap().remote.unwrap().to_string()))
        .collect();
    recorded.sort();
    expected.sort();
    assert_eq!(recorded, expected);
}

#[test]
fn limits_by_service_and_network_hold_for_every_mechanism() {
    let world = World::new();
    world.add(&["phone", "--service", "smtp", "--service", "imap"], "second");
    world.add(&["office", "--network", "192.0.2.0/24", "--network", "2001:db8::/32"], "third");
    for (options, password, good) in [
        (&["--service", "IMAP"][..], "second", true),
        (&["--service", "smtp"], "second", true),
        (&["--service", "pop3"], "second", false),
        (&["--service", "pop3"], "secret", true),
        (&["--remote", "192.0.2.7"], "third", true),
        (&["--remote", "2001:db8::7"], "third", true),
        (&["--remote", "198.51.100.7"], "third", false),
        (&[], "third", false),
        (&["--remote", "198.51.100.7"], "secret", true),
    ] {
        let expected: &[&str] = if good { &ALL } else { &[] };
        assert_eq!(world.accepted(options, password), expected, "{password} {options:?}");
    }
    wait_until("the log says which password was not good", || {
        let log = world.helper.log();
        log.lines().any(|line| line.contains("office") && line.contains("is not good for this time"))
    });
}

#[test]
fn a_generated_password_is_all_that_is_printed_and_logs_in() {
    let world = World::new();
    let ran = world.run(SASLDB, &["password", "add", "joe", "--label", "phone", "--generate"], b"ignored");
    assert_eq!((ran.status, ran.err.as_str()), (Some(0), ""));
    let password = ran.out.strip_suffix('\n').unwrap();
    assert_eq!((password.len(), password.split('-').count()), (34, 7), "{password:?}");
    for mechanism in CHALLENGES {
        assert_eq!(world.accepted(&["--mechanism", mechanism], password), [mechanism]);
    }
    let other = world.run(SASLDB, &["password", "add", "joe", "--label", "tablet", "--generate"], b"");
    assert_ne!(other.out, ran.out);
}

/// What `sasldb-rs check --realm` says beforehand, and what the helper then does.
#[test]
fn whom_a_change_of_realm_cuts_off_is_what_check_said() {
    let world = World::new();
    world.site.configure(
        "realm = \"example.com\"\nrealm_aliases = [\"mx1\"]\nscram_iterations = 4096\nweak_passwords = \"allow\"\n",
    );
    for user in ["joe", "ann@other.test"] {
        world.run(SASLPASSWD, &["-p", user], b"secret").quiet();
    }
    world.helper.signal(nix::sys::signal::Signal::SIGHUP);
    world.helper.wait_for_log("settings");
    let logins = ["joe", "joe@example.com", "joe@mx1", "ann@other.test"];
    for login in logins {
        assert_eq!(world.accepted_as(login, &[], "secret"), ALL, "{login}");
    }

    let said = world.run(SASLDB, &["check", "--realm", "new.test"], b"").out;
    let cut_off = |login: &str| -> Vec<&str> {
        let after = said.split(&format!("as \"{login}\" by ")).nth(1).unwrap_or_default();
        let mechanisms = after.split([';', '\n']).next().unwrap().split(" of clients").next().unwrap();
        mechanisms.split(", ").filter(|name| !name.is_empty()).collect()
    };
    assert_eq!(cut_off("ann@other.test"), ["DIGEST-MD5"], "{said}");
    world.site.configure("realm = \"new.test\"\nscram_iterations = 4096\nweak_passwords = \"allow\"\n");
    world.helper.signal(nix::sys::signal::Signal::SIGHUP);
    wait_until("the settings are read again", || world.helper.log().matches("settings").count() >= 2);
    for login in logins {
        let cut_off = cut_off(login);
        let left: Vec<&str> = ALL.into_iter().filter(|name| !cut_off.contains(name)).collect();
        assert_eq!(world.accepted_as(login, &[], "secret"), left, "{login}: {said}");
    }
}

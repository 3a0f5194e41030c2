//! Ctrl-C and SIGTERM during long work, on a real terminal: it ends with the database whole, and the next run goes on.

use std::fs::{self, File, OpenOptions};
use std::io::Write as _;
use std::ops::Range;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use nix::fcntl::{Flock, FlockArg};
use nix::sys::stat::Mode;
use rexpect::process::Signal;
use rexpect::process::WaitStatus;
use rexpect::session::{PtySession, spawn_command};
use rusqlite::Connection;

use crate::shell::{Ran, SASLDB, Shell};

const PATIENCE: Duration = Duration::from_secs(30);

fn sasldb(shell: &Shell, arguments: &[&str]) -> Ran {
    shell.run(SASLDB, arguments, b"")
}

/// On a terminal that echoes, as a person's does.
fn start(shell: &Shell, arguments: &[&str]) -> Running {
    begin(shell, arguments, "stty echo; echo process $$.; exec \"$@\"")
}

/// As [`start`], on a terminal that takes no output: it gets as far as the first thing that it shows of its progress. Ctrl-C and
/// Ctrl-Q let the output go on.
fn start_held(shell: &Shell, arguments: &[&str]) -> Running {
    let mut running = begin(shell, arguments, "stty echo ixon; echo process $$.; read line; exec \"$@\"");
    running.session.send_control('s').unwrap();
    running.session.send_line("").unwrap();
    running
}

/// The terminal is as `script` sets it up.
fn begin(shell: &Shell, arguments: &[&str], script: &str) -> Running {
    let plain = shell.command(SASLDB, arguments);
    let mut command = Command::new("sh");
    command.current_dir(shell.path("")).args(["-c", script, "sh", SASLDB]).args(plain.get_args());
    let mut session = spawn_command(command, u64::try_from(PATIENCE.as_millis()).ok()).unwrap();
    session.exp_string("process ").unwrap();
    let process = session.exp_string(".").unwrap();
    Running { session, process }
}

struct Running {
    session: PtySession,
    /// Its number.
    process: String,
}

fn wait_until(what: &str, mut ready: impl FnMut() -> bool) {
    let start = Instant::now();
    while !ready() {
        assert!(start.elapsed() < PATIENCE, "waited in vain until {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

impl Running {
    /// Presses it, and waits for the echo, which comes when the signal is on its way, and until it is there: the next one would be lost
    /// in one that is pending.
    fn press_ctrl_c(&mut self) {
        self.session.send_control('c').unwrap();
        self.session.exp_string("^C").unwrap();
        wait_until("the signal is there", || {
            let status = fs::read_to_string(format!("/proc/{}/status", self.process)).unwrap_or_default();
            let pending = status.lines().find_map(|line| line.strip_prefix("ShdPnd:"));
            pending.is_none_or(|signals| signals.trim().bytes().all(|digit| digit == b'0'))
        });
    }

    /// All that it says until it ends with this status.
    fn said_with(mut self, status: i32) -> String {
        let rest = self.session.exp_eof().unwrap();
        match self.session.process().wait().unwrap() {
            WaitStatus::Exited(_, found) => assert_eq!(found, status, "{rest}"),
            other => panic!("{other:?}: {rest}"),
        }
        rest
    }

    fn assert_interrupted(self) {
        let rest = self.said_with(130);
        assert!(rest.contains("sasldb-rs: interrupted"), "{rest}");
        assert!(rest.contains("hint: "), "{rest}");
    }
}

/// Keeps others from writing.
fn locked(shell: &Shell) -> Connection {
    let connection = Connection::open(shell.database()).unwrap();
    connection.execute_batch("BEGIN IMMEDIATE").unwrap();
    connection
}

fn assert_whole(shell: &Shell) {
    let check = sasldb(shell, &["check", "--json"]);
    for kind in ["integrity", "audit", "seal"] {
        assert!(!check.out.contains(&format!("\"{kind}\"")), "{check:?}");
    }
}

#[test]
fn apply_ends_with_what_it_has_and_the_next_run_goes_on() {
    for signal in [Signal::SIGINT, Signal::SIGTERM] {
        let shell = Shell::new();
        let entry = |name: &str| format!("{{\"name\": \"{name}\", \"password\": \"secret\"}}\n");
        nix::unistd::mkfifo(&shell.path("pipe"), Mode::from_bits_truncate(0o600)).unwrap();
        let mut running = start(&shell, &["apply", "pipe"]);
        let mut pipe = OpenOptions::new().write(true).open(shell.path("pipe")).unwrap();
        pipe.write_all((entry("ann") + &entry("bob")).as_bytes()).unwrap();
        wait_until("both are there", || {
            shell.database().exists() && sasldb(&shell, &["account", "list"]).out.lines().count() == 2
        });
        // There may be more to come: it waits for the pipe.
        match signal {
            Signal::SIGINT => running.press_ctrl_c(),
            other => running.session.process_mut().signal(other).unwrap(),
        }
        running.assert_interrupted();
        assert_whole(&shell);

        fs::write(shell.path("all"), entry("ann") + &entry("bob") + &entry("eve")).unwrap();
        let next = sasldb(&shell, &["apply", "all"]);
        assert_eq!(next.out.lines().count(), 1, "{next:?}");
        assert_eq!((next.status, sasldb(&shell, &["apply", "all"]).status), (Some(3), Some(0)));
    }
}

#[test]
fn import_ends_with_what_it_has_and_the_next_run_goes_on() {
    let shell = Shell::new();
    shell.make_mailman();
    let lines = |numbers: Range<u32>| {
        numbers.map(|number| format!("user{number}:{{SHA}}5en6G6MezRroT3XKqkdPOmY/BfQ=\n")).collect::<String>()
    };
    nix::unistd::mkfifo(&shell.path("pipe"), Mode::from_bits_truncate(0o600)).unwrap();
    let mut running = start(&shell, &["import", "--from", "htpasswd", "pipe"]);
    let mut pipe = OpenOptions::new().write(true).open(shell.path("pipe")).unwrap();
    // As many as go into one transaction; a slow machine does not wait for all of them.
    pipe.write_all(lines(0..10_000).as_bytes()).unwrap();
    wait_until("some are there", || shell.accounts().len() > 1);
    running.press_ctrl_c();
    // It may wait for one more line, or be gone already.
    let _ = pipe.write_all(lines(10_000..10_001).as_bytes());
    running.assert_interrupted();
    assert_whole(&shell);

    let kept = shell.accounts().len() - 1;
    assert_eq!(kept % 1000, 0);
    fs::write(shell.path("all"), lines(0..10_500)).unwrap();
    let next = sasldb(&shell, &["import", "--from", "htpasswd", "all"]);
    assert_eq!(next.err, format!("{} taken, {kept} kept, 0 skipped\n", 10_500 - kept));
}

#[test]
fn rekey_ends_between_two_transactions_and_the_next_run_goes_on() {
    let shell = Shell::new();
    shell.make_mailman();
    let keys = || fs::read_to_string(shell.key()).unwrap().lines().filter(|line| line.starts_with("key ")).count();
    let lock = locked(&shell);
    let mut running = start(&shell, &["rekey"]);
    // A person sees how far it is.
    running.session.exp_string("0 accounts").unwrap();
    running.press_ctrl_c();
    drop(lock);
    running.assert_interrupted();
    assert_eq!(keys(), 2);
    assert_whole(&shell);
    assert_eq!(shell.verify("mailman", b"secret"), Some(0));

    let next = sasldb(&shell, &["rekey"]);
    assert_eq!((next.status, next.err.as_str(), keys()), (Some(0), "", 1), "{next:?}");
    assert_eq!(shell.verify("mailman", b"secret"), Some(0));
}

#[test]
fn the_second_time_it_ends_at_once() {
    let shell = Shell::new();
    shell.make_mailman();
    let lock = locked(&shell);
    let mut running = start(&shell, &["rekey"]);
    running.session.exp_string("0 accounts").unwrap();
    running.press_ctrl_c();
    running.press_ctrl_c();
    let rest = running.said_with(130);
    assert!(!rest.contains("interrupted"), "{rest}");
    drop(lock);
    assert_eq!(sasldb(&shell, &["rekey"]).status, Some(0));
    assert_eq!(shell.verify("mailman", b"secret"), Some(0));
}

/// As much as hundreds of thousands of accounts, which would take minutes to make.
fn enlarge(database: &Path) {
    let connection = Connection::open(database).unwrap();
    let rows = "WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < 40000)";
    connection
        .execute_batch(&format!(
            "CREATE TABLE much (b BLOB); {rows} INSERT INTO much SELECT zeroblob(4000) FROM numbers"
        ))
        .unwrap();
}

/// The files there are, without log and index, which may come and go.
fn names(shell: &Shell) -> Vec<String> {
    let names = shell.contents().into_keys().map(|path| path.file_name().unwrap().to_str().unwrap().to_owned());
    names.filter(|name| !name.ends_with("-wal")).collect()
}

#[test]
fn backup_leaves_no_copy_and_nothing_of_one() {
    let shell = Shell::new();
    shell.make_mailman();
    enlarge(&shell.database());
    let before = names(&shell);
    for signal in [Signal::SIGINT, Signal::SIGTERM] {
        let mut running = start_held(&shell, &["backup", "copy.db"]);
        wait_until("it is in the middle of it", || names(&shell) != before);
        match signal {
            Signal::SIGINT => running.press_ctrl_c(),
            other => {
                running.session.process_mut().signal(other).unwrap();
                running.session.send_control('q').unwrap();
            }
        }
        running.assert_interrupted();
        assert_eq!(names(&shell), before);
    }
    // A person sees how far it is, a pipe does not.
    let rest = start(&shell, &["backup", "seen.db"]).said_with(0);
    assert!(rest.contains(" accounts") && rest.contains("seen.db\t1\t2\t"), "{rest}");
    let copied = sasldb(&shell, &["backup", "copy.db"]);
    assert_eq!((copied.status, copied.err.as_str()), (Some(0), ""), "{copied:?}");
}

#[test]
fn the_next_backup_clears_what_a_killed_one_left_and_not_what_another_one_writes() {
    let shell = Shell::new();
    shell.make_mailman();
    enlarge(&shell.database());
    let partial = || names(&shell).into_iter().filter(|name| name.starts_with("copy.db.partial-")).collect::<Vec<_>>();
    // Each has a journal of SQLite's beside it.
    let mut other = start_held(&shell, &["backup", "copy.db"]);
    wait_until("the first is in the middle of it", || partial().len() == 2);
    let of_other = partial();
    let mut killed = start_held(&shell, &["backup", "copy.db"]);
    wait_until("the second is in the middle of it", || partial().len() == 4);
    killed.session.process_mut().kill(Signal::SIGKILL).unwrap();
    assert_eq!(partial().len(), 4, "a killed process cannot clear up");

    let copied = sasldb(&shell, &["backup", "copy.db"]);
    assert_eq!((copied.status, copied.err.as_str()), (Some(0), ""), "{copied:?}");
    assert_eq!(partial(), of_other);
    other.press_ctrl_c();
    other.assert_interrupted();
    assert!(partial().is_empty());
}

#[test]
fn restore_leaves_what_was_there() {
    let shell = Shell::new();
    shell.make_mailman();
    enlarge(&shell.database());
    assert_eq!(sasldb(&shell, &["backup", "copy.db"]).status, Some(0));
    shell.saslpasswd(&["mailman"], b"later\n").quiet();
    let before = names(&shell);
    // It has looked through the copy, and cannot write yet: when it can, it has been told to stop.
    let lock = locked(&shell);
    let mut running = start(&shell, &["restore", "--replace", "copy.db"]);
    running.session.exp_string("1 accounts").unwrap();
    running.press_ctrl_c();
    drop(lock);
    running.assert_interrupted();
    assert_eq!(names(&shell), before);
    assert!(fs::metadata(shell.path("accounts.db-wal")).unwrap().len() < 1 << 20, "what was written is gone again");
    assert_whole(&shell);
    assert_eq!((shell.verify("mailman", b"later"), shell.verify("mailman", b"secret")), (Some(0), Some(1)));
}

#[test]
fn restore_makes_no_database_that_is_not_whole() {
    let shell = Shell::new();
    shell.make_mailman();
    enlarge(&shell.database());
    assert_eq!(sasldb(&shell, &["backup", "copy.db"]).status, Some(0));
    let (elsewhere, copy) = (Shell::new(), shell.path("copy.db"));
    fs::copy(shell.key(), elsewhere.key()).unwrap();
    let before = elsewhere.files();
    for signal in [Signal::SIGINT, Signal::SIGTERM] {
        // As another program that makes a database.
        let folder = Flock::lock(File::open(elsewhere.path("")).unwrap(), FlockArg::LockExclusive).unwrap();
        let mut running = start(&elsewhere, &["restore", copy.to_str().unwrap()]);
        running.session.exp_string("1 accounts").unwrap();
        match signal {
            Signal::SIGINT => running.press_ctrl_c(),
            other => running.session.process_mut().signal(other).unwrap(),
        }
        drop(folder);
        running.assert_interrupted();
        assert_eq!(elsewhere.files(), before);
    }
    let restored = sasldb(&elsewhere, &["restore", copy.to_str().unwrap()]);
    assert_eq!((restored.status, restored.err.as_str()), (Some(0), ""), "{restored:?}");
    assert_eq!(elsewhere.verify("mailman", b"secret"), Some(0));
}

//! What real logins leave behind: the lines of the helper's log are read back word for word and `sasldb-rs report` counts them; by
//! the activity `sasldb-rs retire` knows whose secrets may go.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::expect_used,
    clippy::arithmetic_side_effects,
    reason = "a test may fail"
)]

#[path = "helper/process.rs"]
mod process;
#[path = "store/mod.rs"]
mod store;

use std::fs;
use std::io::Write as _;
use std::process::{Command, Output, Stdio};

use nix::sys::signal::Signal;
use process::{GOOD, Helper, Site, message, plain, wrong};
use sasldb::credential::{Label, PasswordFacts, StoredPassword};
use sasldb::event::{Logged, User, Verdict};
use sasldb::runtime::UnixTime;
use sasldb::store::{Applied, CredentialAdmin as _, Provision};

/// Makes the helper write a line of each kind that one connection can bring about.
fn provoke(helper: &Helper) {
    let mut client = helper.greeted();
    let mut asked = 0u32;
    let mut ask = |line: &str| {
        asked += 1;
        client.send(&line.replace("ID", &asked.to_string()));
        client.until(|reply| !reply.starts_with("CONT"));
    };
    for (message, from) in [
        (GOOD, "192.0.2.7"),
        (&*wrong(), "192.0.2.7"),
        (&*wrong(), "2001:db8::7"),
        (&*message("nobody", "secret"), "192.0.2.8"),
        (&*message("j\u{f6}e\"\\\n", "secret"), "::ffff:192.0.2.8"),
        (&*message(&"a".repeat(300), "secret"), "192.0.2.8"),
        ("AAAA", "192.0.2.8"),
        ("*", "192.0.2.8"),
    ] {
        ask(&plain(0, message).replace("AUTH\t0", "AUTH\tID").replace("192.0.2.7", from));
    }
    ask(&format!("AUTH\tID\tPLAIN\tservice=smtp\tresp={GOOD}\n"));
    ask("AUTH\tID\tGSSAPI\u{e9}\tservice=x\u{1}n\"\\\tresp=AAAA\n");
    // Left behind.
    client.send("AUTH\t99\tCRAM-MD5\tservice=smtp\n");
    client.until(|reply| reply.starts_with("CONT"));
}

#[test]
fn real_logins_are_read_back_and_counted() {
    let site = Site::with_account();
    site.configure("log_unknown_names = true\n");
    let helper = site.start(&[]);
    provoke(&helper);
    helper.wait_for_log("abandoned");
    let log = helper.log();
    let (mut verdicts, mut named) = (Vec::new(), Vec::new());
    for line in log.lines().filter(|line| !line.starts_with("listening")) {
        let logged = Logged::read(line).unwrap_or_else(|| panic!("{line}"));
        assert_eq!(logged.to_string(), line);
        let Logged::Login(login) = logged else { panic!("{line}") };
        verdicts.push(login.verdict);
        if let User::Named(name) = login.user {
            named.push(name.text());
        }
    }
    let count = |wanted: Verdict| verdicts.iter().filter(|verdict| **verdict == wanted).count();
    assert_eq!((count(Verdict::Authenticated), count(Verdict::Denied), count(Verdict::Abandoned)), (1, 9, 1), "{log}");
    assert!(named.iter().any(|name| name == "joe@example.com"), "{named:?}");

    let output = Command::new(env!("CARGO_BIN_EXE_sasldb-rs"))
        .args(["report", "--json", "--log"])
        .arg(site.path("log"))
        .arg("-f")
        .arg(site.place().database)
        .output()
        .unwrap();
    assert!(output.status.success() && output.stderr.is_empty(), "{output:?}");
    let said: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let failures = &said["failures"];
    assert_eq!((&failures["logins"], &failures["denied"]), (&11.into(), &9.into()), "{failures}");
    assert_eq!(failures["accounts"][0]["account"], "joe@example.com", "{failures}");
    assert_eq!(failures["sources"][0]["source"], "192.0.2.8", "{failures}");
}

const DAY: i64 = 86_400;

fn sasldb(site: &Site, arguments: &[&str], input: &str) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sasldb-rs"));
    command.args(arguments).args(site.common()).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    child.wait_with_output().unwrap()
}

/// Makes an account long ago.
fn make(site: &Site, name: &str) {
    let identity = store::identity(name, "example.com");
    let mut writer = store::writer(&site.place());
    let basis = writer.basis(&identity, &Label::main()).unwrap();
    let secrets = store::secrets("secret", &basis, store::ITERATIONS);
    let facts = PasswordFacts::unlimited(Label::main());
    let change = Provision::password(identity, StoredPassword { facts, secrets }, None).into();
    let made = writer.apply(change, &store::actor(), UnixTime(1_600_000_000)).unwrap();
    assert_eq!(made.applied, Applied::Created);
}

/// Whether a login by this mechanism is accepted.
fn logs_in(site: &Site, user: &str, mechanism: &str) -> bool {
    let socket = site.socket();
    let test = ["test", "--secured", "--mechanism", mechanism, "--dovecot", socket.to_str().unwrap(), user];
    sasldb(site, &test, "secret").status.success()
}

#[test]
fn what_nobody_logs_in_by_is_retired() {
    let site = Site::empty();
    ["ann", "joe"].iter().for_each(|name| make(&site, name));
    fs::create_dir(site.path("accounts.db.activity")).unwrap();
    let retire = ["retire", "cram-md5", "--unused-for", "90d"];

    let mut helper = site.start(&[]);
    assert!(logs_in(&site, "joe", "CRAM-MD5") && logs_in(&site, "ann", "SCRAM-SHA-256"));
    helper.signal(Signal::SIGTERM);
    assert!(helper.wait().success());
    let refused = sasldb(&site, &retire, "");
    assert_eq!((refused.status.code(), refused.stdout.as_slice()), (Some(75), b"".as_slice()), "{refused:?}");

    // Had the helper been at work for so long:
    let activity = rusqlite::Connection::open(site.path("accounts.db.activity/activity.db")).unwrap();
    assert_eq!(activity.execute("UPDATE periods SET since = since - ?1", [100 * DAY]).unwrap(), 1);
    let mut helper = site.start(&[]);
    let done = sasldb(&site, &retire, "");
    let said = String::from_utf8(done.stdout).unwrap();
    let lines: Vec<&str> = said.lines().collect();
    assert_eq!((done.status.code(), lines[0]), (Some(0), "removed\tann@example.com\tmain\t-\t-"), "{said}");
    assert!(lines[1].starts_with("kept\tjoe@example.com\tmain\tused\t20"), "{said}");
    // The helper knows at once; who does not need it does not notice.
    assert!(logs_in(&site, "joe", "CRAM-MD5") && !logs_in(&site, "ann", "CRAM-MD5"));
    assert!(["PLAIN", "LOGIN", "SCRAM-SHA-256", "DIGEST-MD5"].iter().all(|mechanism| logs_in(&site, "ann", mechanism)));
    helper.signal(Signal::SIGTERM);
    assert!(helper.wait().success());
}

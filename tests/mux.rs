//! The socket of saslauthd's protocol, on a running helper: who is let in, what is said to others, and when nothing is.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "a test may fail"
)]

#[path = "helper/process.rs"]
mod process;
mod store;

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::time::Duration;

use process::{Helper, Site, wait_until};
use sasldb::credential::{Label, PasswordFacts, ServiceName};
use sasldb::runtime::UnixTime;
use sasldb::store::activity::ActivityReader;
use sasldb::store::{Applied, Change, CredentialAdmin};
use sasldb::vocabulary::Mechanism;

const OK: &[u8] = b"\0\x02OK";
const NO: &[u8] = b"\0\x02NO";
const UNAVAILABLE: &[u8] = b"\0\0";
const CLOSED: &[u8] = b"";

fn start(site: &Site, settings: &str) -> Helper {
    site.configure(settings);
    site.start(&["--saslauthd", site.path("mux").to_str().unwrap()])
}

fn connect(site: &Site) -> UnixStream {
    let stream = UnixStream::connect(site.path("mux")).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    stream
}

/// What is said to these bytes; nothing if the helper closes without a word.
fn said(site: &Site, sent: &[u8]) -> Vec<u8> {
    let mut stream = connect(site);
    let _ = stream.write_all(sent);
    rest(&mut stream)
}

fn rest(stream: &mut UnixStream) -> Vec<u8> {
    let mut reply = Vec::new();
    let _ = stream.read_to_end(&mut reply);
    reply
}

fn request(texts: [&[u8]; 4]) -> Vec<u8> {
    let counted = |text: &[u8]| [&u16::try_from(text.len()).unwrap().to_be_bytes(), text].concat();
    texts.into_iter().flat_map(counted).collect()
}

fn log_in(site: &Site, [login, password, service, realm]: [&str; 4]) -> Vec<u8> {
    said(site, &request([login.as_bytes(), password.as_bytes(), service.as_bytes(), realm.as_bytes()]))
}

fn joe() -> sasldb::identity::Identity {
    store::identity("joe", "example.com")
}

fn change(site: &Site, change: Change) {
    let receipt = store::writer(&site.place()).apply(change, &store::actor(), store::NOW).unwrap();
    assert_eq!(receipt.applied, Applied::Changed);
}

#[test]
fn names_and_realms_mean_what_they_mean_elsewhere() {
    let site = Site::with_account();
    store::put(&mut store::writer(&site.place()), &store::identity("ann", "other.example"), "secret");
    let helper = start(&site, "");
    for (login, realm, reply) in [
        ("joe", "", OK),
        ("joe", "example.com", OK),
        ("JOE", "EXAMPLE.com", OK),
        ("joe", "mx1", OK),
        ("joe@example.com", "", OK),
        ("joe@mx1.example.com", "example.com", OK),
        ("ann", "other.example", OK),
        ("ann@other.example", "", OK),
        // The realm in the name comes first, as it does with DIGEST-MD5.
        ("ann@other.example", "example.com", OK),
        ("ann", "", NO),
        ("ann@example.com", "other.example", NO),
        ("joe", "other.example", NO),
        ("joe@example.com@example.com", "", NO),
        ("joe\0", "", NO),
        ("\0joe", "", NO),
        ("nobody", "", NO),
    ] {
        assert_eq!(log_in(&site, [login, "secret", "imap", realm]), reply, "{login:?} {realm:?}");
        assert_eq!(log_in(&site, [login, "wrong", "imap", realm]), NO, "{login:?} {realm:?}");
    }
    helper.wait_for_log("authenticated - secured PLAIN password=\"main\" user=\"ann@other.example\" service=\"imap\"");
    helper.wait_for_log("denied - secured PLAIN reason=\"wrong password\" user=\"joe@example.com\" service=\"imap\"");
    helper.wait_for_log("denied - secured PLAIN reason=\"no such account\" user=- service=\"imap\"");
}

#[test]
fn passwords_are_whole_or_wrong() {
    let site = Site::with_account();
    let long = "x".repeat(2000);
    store::put(&mut store::writer(&site.place()), &store::identity("ann", "example.com"), &long);
    let _helper = start(&site, "");
    for (login, password, reply) in [
        ("ann", long.as_str(), OK),
        ("ann", &long[1..], NO),
        ("joe", "secret\0zz", NO),
        ("joe", "secret\n", NO),
        ("joe", "secre", NO),
    ] {
        assert_eq!(log_in(&site, [login, password, "", ""]), reply, "{login} {}", password.len());
    }
}

#[test]
fn what_is_no_login_is_told_so_at_once() {
    let site = Site::with_account();
    let helper = start(&site, "failure_delay = \"4s\"");
    for (sent, reply) in [
        (request([b"", b"secret", b"imap", b""]), b"\0\x16NO NULL login received".as_slice()),
        (request([b"joe", b"", b"imap", b""]), b"\0\x19NO NULL password received"),
        (request([&[b'x'; 1025], b"secret", b"", b""]), b"\0\x03NO "),
        (b"\xff\xff".to_vec(), b"\0\x03NO "),
        (vec![b'x'; 100_000], b"\0\x03NO "),
        (b"VERSION\t1\t2\nCPID\t7\n".to_vec(), b"\0\x03NO "),
    ] {
        assert_eq!(said(&site, &sent), reply, "{}", sent.escape_ascii());
    }
    for line in ["no name", "no password", "longer than a name or a password can be"] {
        helper.wait_for_log(&format!("denied - secured - reason=\"{line}\" service=\"\""));
    }
    assert_eq!(log_in(&site, ["joe", "secret", "", ""]), OK, "the helper goes on");
}

#[test]
fn a_request_may_come_byte_by_byte_and_what_follows_it_is_ignored() {
    let site = Site::with_account();
    let _helper = start(&site, "");
    let mut stream = connect(&site);
    for byte in request([b"joe", b"secret", b"imap", b"example.com"]) {
        stream.write_all(&[byte]).unwrap();
    }
    assert_eq!(rest(&mut stream), OK);
    let more = [request([b"joe", b"secret", b"imap", b""]), b"more".to_vec()].concat();
    assert_eq!(said(&site, &more), OK);
    let half = request([b"joe", b"secret", b"imap", b""]);
    let mut stream = connect(&site);
    stream.write_all(&half[..9]).unwrap();
    stream.shutdown(std::net::Shutdown::Write).unwrap();
    assert_eq!(rest(&mut stream), CLOSED);
}

#[test]
fn policy_counts_as_for_plain() {
    let limited = |facts: PasswordFacts| {
        let site = Site::empty();
        let applied = store::set_facts(&mut store::writer(&site.place()), &joe(), facts, "secret");
        assert_eq!(applied, Applied::Created);
        let helper = start(&site, "");
        (site, helper)
    };
    let unlimited = || PasswordFacts::unlimited(Label::main());
    let (site, helper) = limited(PasswordFacts { services: vec![ServiceName::new("imap").unwrap()], ..unlimited() });
    assert_eq!(log_in(&site, ["joe", "secret", "IMAP", ""]), OK);
    assert_eq!(log_in(&site, ["joe", "secret", "smtp", ""]), NO);
    helper.wait_for_log("is not good for this time, service or network");
    let mechanisms = Some([Mechanism::Login].into_iter().collect());
    change(&site, store::provision(&mut store::writer(&site.place()), &joe(), None, Some(mechanisms)));
    assert_eq!(log_in(&site, ["joe", "secret", "imap", ""]), NO);
    helper.wait_for_log("reason=\"mechanism not permitted for the account\"");
    change(&site, Change::SetDisabled { key: joe().key(), disabled: true });
    assert_eq!(log_in(&site, ["joe", "secret", "imap", ""]), NO);
    helper.wait_for_log("reason=\"account disabled\"");

    let (site, _helper) = limited(PasswordFacts { networks: vec!["0.0.0.0/0".parse().unwrap()], ..unlimited() });
    assert_eq!(log_in(&site, ["joe", "secret", "imap", ""]), NO, "nobody says from where");
    let (site, _helper) = limited(PasswordFacts { expires: Some(UnixTime(1_000)), ..unlimited() });
    assert_eq!(log_in(&site, ["joe", "secret", "imap", ""]), NO);

    let site = Site::with_account();
    let helper = start(&site, "mechanisms = [\"SCRAM-SHA-256\", \"LOGIN\"]");
    assert_eq!(log_in(&site, ["joe", "secret", "imap", ""]), NO);
    helper.wait_for_log("reason=\"mechanism not offered\"");
}

#[test]
fn slow_checks_are_made_elsewhere_and_nobody_waits_for_them() {
    let site = Site::with_account();
    site.add_slow("ann", "secret", 200_000);
    let _helper = start(&site, "hash_threads = 1");
    let mut slow = connect(&site);
    slow.write_all(&request([b"ann", b"secret", b"imap", b""])).unwrap();
    assert_eq!(log_in(&site, ["joe", "secret", "imap", ""]), OK);
    assert_eq!(rest(&mut slow), OK);
    assert_eq!(log_in(&site, ["ann", "wrong", "imap", ""]), NO);
}

#[test]
fn without_a_verdict_the_reply_is_empty() {
    let site = Site::empty();
    let helper = start(&site, "");
    assert_eq!(log_in(&site, ["joe", "secret", "imap", ""]), UNAVAILABLE);
    helper.wait_for_log("unavailable - secured PLAIN reason=");
    site.set_password("secret");
    wait_until("the database is found", || log_in(&site, ["joe", "secret", "imap", ""]) == OK);
}

#[test]
fn a_failure_is_held_back_and_a_stop_sends_it() {
    let site = Site::with_account();
    let mut helper = start(&site, "failure_delay = \"4999ms\"");
    let mut failing = connect(&site);
    failing.write_all(&request([b"joe", b"wrong", b"imap", b""])).unwrap();
    helper.wait_for_log("denied - secured PLAIN reason=\"wrong password\"");
    failing.set_nonblocking(true).unwrap();
    let fault = failing.read(&mut [0; 8]).unwrap_err();
    assert_eq!(fault.kind(), std::io::ErrorKind::WouldBlock, "nothing has been said yet");
    failing.set_nonblocking(false).unwrap();
    // Others do not wait for it.
    assert_eq!(log_in(&site, ["joe", "secret", "imap", ""]), OK);
    helper.signal(nix::sys::signal::Signal::SIGTERM);
    assert_eq!(rest(&mut failing), NO);
    assert!(helper.wait().success());
}

#[test]
fn a_login_is_activity_by_plain() {
    let site = Site::with_account();
    let database = store::reader(&site.place()).database_id().unwrap();
    let mut helper = start(&site, "");
    assert_eq!(log_in(&site, ["joe", "secret", "imap", ""]), OK);
    helper.signal(nix::sys::signal::Signal::SIGTERM);
    assert!(helper.wait().success());
    let reader = ActivityReader::open(&site.path("accounts.db.activity"), database).unwrap();
    let uses = reader.last_uses(&joe().key()).unwrap();
    assert_eq!(uses.len(), 1);
    assert_eq!((uses[0].label.as_str(), uses[0].mechanism), ("main", Mechanism::Plain));
    assert!(uses[0].last.is_some());
}

#[test]
fn only_peers_that_are_listed_may_ask() {
    let site = Site::with_account();
    let (path, own) = (site.path("mux"), nix::unistd::getuid().as_raw());
    for (peer, reply) in [(own, OK), (own + 1, UNAVAILABLE)] {
        let (auth, path) = (site.socket(), path.display());
        site.configure(&format!(
            "[[dovecot]]\npath = \"{}\"\n[[saslauthd]]\npath = \"{path}\"\npeers = [{peer}]\n",
            auth.display()
        ));
        let _helper = site.start_with(&site.common());
        assert_eq!(log_in(&site, ["joe", "secret", "imap", ""]), reply);
    }
}

/// As `saslauthd -m` does.
#[test]
fn a_folder_means_the_socket_mux_in_it() {
    let site = Site::with_account();
    let folder = site.path("folder");
    std::fs::create_dir(&folder).unwrap();
    for named in [folder.clone(), folder.join("")] {
        let _helper = site.start(&["--saslauthd", named.to_str().unwrap()]);
        let mut stream = UnixStream::connect(folder.join("mux")).unwrap();
        stream.write_all(&request([b"joe", b"secret", b"imap", b""])).unwrap();
        assert_eq!(rest(&mut stream), OK);
    }
}

/// A failure holds its connection for the delay, and nothing says whose it is.
#[test]
fn failures_here_leave_room_on_the_other_sockets() {
    let site = Site::with_account();
    let helper = start(&site, "connections = 8\nfailure_delay = \"4900ms\"");
    let wrong = request([b"joe", b"wrong", b"smtp", b""]);
    let mut guessers: Vec<UnixStream> = Vec::new();
    for _ in 0..6 {
        let mut guesser = connect(&site);
        guesser.write_all(&wrong).unwrap();
        guessers.push(guesser);
    }
    assert_eq!(log_in(&site, ["joe", "secret", "smtp", ""]), UNAVAILABLE);
    helper.wait_for_log("saslauthd's sockets use all 6 connections that they may have; raise `connections`");
    let _two_places = [helper.greeted(), helper.greeted()];
    assert!(guessers.iter_mut().all(|guesser| rest(guesser) == NO));
    assert_eq!(log_in(&site, ["joe", "secret", "smtp", ""]), OK);
}

#[test]
fn one_connection_too_many_gets_an_empty_reply() {
    let site = Site::with_account();
    let helper = start(&site, "connections = 2");
    let _others = [connect(&site), connect(&site)];
    wait_until("both are let in", || log_in(&site, ["joe", "secret", "imap", ""]) == UNAVAILABLE);
    helper.wait_for_log("all 2 connections are in use");
}

//! The store socket of a running helper: who may change accounts there, what becomes of it, and that it ends with the helper.

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

use nix::sys::signal::Signal;
use process::{Helper, Site, message, plain, wait_until};
use sasldb::protocol::store::{StoreAnswer, StoreRequest, Wish};

fn own_uid() -> u32 {
    nix::unistd::getuid().as_raw()
}

/// A helper on whose store socket processes of this user may change accounts.
fn start(site: &Site) -> Helper {
    start_with(site, "")
}

fn start_with(site: &Site, settings: &str) -> Helper {
    let path = site.path("store");
    let socket = format!("[[store]]\npath = {path:?}\npeers = [{}]\n", own_uid());
    site.configure(&format!("realm = \"example.com\"\n{settings}{socket}"));
    let helper = site.start(&["--store", path.to_str().unwrap()]);
    helper.wait_for_log(&format!("listening on {}", path.display()));
    helper
}

fn said(site: &Site, sent: &[u8]) -> Vec<u8> {
    let mut stream = UnixStream::connect(site.path("store")).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    let _ = stream.write_all(sent);
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    answer
}

fn ask(site: &Site, name: &str, realm: &str, wish: Wish<'_>) -> StoreAnswer {
    let request = StoreRequest { name: name.as_bytes(), realm: realm.as_bytes(), wish };
    StoreAnswer::parse(&said(site, request.encode().unwrap().expose())).unwrap().expect("an answer")
}

fn logs_in(helper: &Helper, name: &str, password: &str) -> bool {
    let mut client = helper.greeted();
    client.send(&plain(1, &message(name, password)));
    client.line().starts_with("OK\t")
}

#[test]
fn accounts_are_made_changed_and_deleted_and_the_next_login_knows() {
    let site = Site::empty();
    let mut helper = start(&site);
    let set = |name, realm, password: &'static str| ask(&site, name, realm, Wish::Set(password.as_bytes()));
    assert_eq!(set("joe", "", "secret"), StoreAnswer::Done);
    wait_until("the database is found", || logs_in(&helper, "joe", "secret"));
    assert_eq!(set("JOE@example.com", "elsewhere.example", "other"), StoreAnswer::Done);
    assert!(logs_in(&helper, "joe", "other") && !logs_in(&helper, "joe", "secret"));
    assert_eq!(set("joe", "elsewhere.example", "third"), StoreAnswer::Done);
    assert!(logs_in(&helper, "joe@elsewhere.example", "third") && logs_in(&helper, "joe", "other"));
    for _ in 0..2 {
        assert_eq!(ask(&site, "joe", "", Wish::Remove), StoreAnswer::Done, "it need not be there");
        assert!(!logs_in(&helper, "joe", "other"));
    }
    assert!(logs_in(&helper, "joe@elsewhere.example", "third"));
    helper.wait_for_log(&format!("changed by user {}: deleted user=\"joe@example.com\"", own_uid()));
    assert!(!helper.log().contains("secret") && !helper.log().contains("third"), "{}", helper.log());

    helper.signal(Signal::SIGTERM);
    assert!(helper.wait().success());
    assert!(!site.path("store").exists());
}

#[test]
fn what_no_account_can_be_called_is_refused_in_words() {
    let site = Site::with_account();
    let helper = start(&site);
    for (name, password, why) in [
        ("", "secret", "the user name is empty"),
        ("a:b", "secret", "the user name"),
        ("a@b@c", "secret", "the realm"),
        ("ann", "", "the password is empty"),
        ("ann", "a\0b", "the password holds a NUL byte"),
    ] {
        let answer = ask(&site, name, "", Wish::Set(password.as_bytes()));
        assert!(matches!(&answer, StoreAnswer::Refused(reason) if reason.contains(why)), "{name:?}: {answer:?}");
    }
    helper.wait_for_log(&format!("not changed for user {} reason=\"the password is empty\"", own_uid()));
    assert!(logs_in(&helper, "joe", "secret"));
}

#[test]
fn a_weak_password_is_refused_where_the_settings_say_so() {
    let site = Site::with_account();
    let helper = start_with(&site, "weak_passwords = \"refuse\"\n");
    for (name, password) in [("joe", "qwertyuiop"), ("joe.bloggs", "joe.bloggs1")] {
        let answer = ask(&site, name, "", Wish::Set(password.as_bytes()));
        let StoreAnswer::Refused(reason) = &answer else { panic!("{answer:?}") };
        assert!(reason.starts_with(&format!("the password of {name}@example.com is weak")), "{reason}");
        assert!(!logs_in(&helper, name, password));
    }
    assert!(logs_in(&helper, "joe", "secret"), "it is as it was");
    helper
        .wait_for_log(&format!("not changed for user {} reason=\"the password of joe@example.com is weak", own_uid()));
    assert!(!helper.log().contains("qwertyuiop"), "{}", helper.log());
    assert_eq!(ask(&site, "joe", "", Wish::Set(b"abcd-efgh-ijkm-npqr")), StoreAnswer::Done);
    assert!(logs_in(&helper, "joe", "abcd-efgh-ijkm-npqr"));
}

#[test]
fn without_the_key_nothing_can_be_changed_now() {
    let site = Site::with_account();
    let _helper = start(&site);
    std::fs::rename(site.place().key_file, site.path("elsewhere")).unwrap();
    let answer = ask(&site, "joe", "", Wish::Set(b"other"));
    assert!(matches!(&answer, StoreAnswer::Unavailable(_)), "{answer:?}");
    std::fs::rename(site.path("elsewhere"), site.place().key_file).unwrap();
    assert_eq!(ask(&site, "joe", "", Wish::Set(b"other")), StoreAnswer::Done);
}

/// Tests that run as root cannot be strangers; those with the real saslpasswd2 can.
#[test]
fn who_is_neither_root_nor_listed_changes_nothing() {
    let site = Site::with_account();
    let path = site.path("store");
    let helper = site.start(&["--store", path.to_str().unwrap()]);
    helper.wait_for_log(&format!("listening on {}", path.display()));
    let expected = if own_uid() == 0 { StoreAnswer::Done } else { StoreAnswer::NotPermitted };
    assert_eq!(ask(&site, "joe", "", Wish::Set(b"other")), expected);
    assert_eq!(logs_in(&helper, "joe", "other"), own_uid() == 0);
}

#[test]
fn what_is_no_request_ends_its_connection_and_nobody_waits_long_for_one() {
    let site = Site::with_account();
    let helper = start(&site);
    let _silent = UnixStream::connect(site.path("store")).unwrap();
    let request = StoreRequest { name: b"joe", realm: b"", wish: Wish::Set(b"other") }.encode().unwrap();
    let request = request.expose();
    for junk in [b"VERSION\t1\t2\n".as_slice(), &[0; 20_000], &request[..9], &[request, b"x"].concat()] {
        assert_eq!(said_and_closed(&site, junk), b"");
    }
    helper.wait_for_log(&format!("connection of user {} closed: not a message of the protocol", own_uid()));
    assert!(logs_in(&helper, "joe", "secret"));
    let mut stream = UnixStream::connect(site.path("store")).unwrap();
    for byte in request {
        stream.write_all(&[*byte]).unwrap();
    }
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    assert_eq!(StoreAnswer::parse(&answer), Ok(Some(StoreAnswer::Done)));
    assert!(logs_in(&helper, "joe", "other"));
}

/// As [`said`], by somebody who says nothing more.
fn said_and_closed(site: &Site, sent: &[u8]) -> Vec<u8> {
    let mut stream = UnixStream::connect(site.path("store")).unwrap();
    let _ = stream.write_all(sent);
    let _ = stream.shutdown(std::net::Shutdown::Write);
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    answer
}

#[test]
fn it_ends_with_a_helper_that_is_killed() {
    let site = Site::with_account();
    let mut helper = start(&site);
    helper.signal(Signal::SIGKILL);
    helper.wait();
    wait_until("nobody answers", || UnixStream::connect(site.path("store")).is_err());
    let helper = start(&site);
    assert!(logs_in(&helper, "joe", "secret"));
}

/// It has a process of its own, with nothing of a client's in it.
#[test]
fn logins_go_on_when_it_dies_and_the_log_says_so() {
    let site = Site::with_account();
    let helper = start(&site);
    let keeper = helper.children();
    assert_eq!(keeper.len(), 1);
    nix::sys::signal::kill(nix::unistd::Pid::from_raw(keeper[0]), Signal::SIGKILL).unwrap();
    helper.wait_for_log("is dead until the helper starts anew: its process has ended");
    wait_until("nobody answers", || UnixStream::connect(site.path("store")).is_err());
    assert!(logs_in(&helper, "joe", "secret"));
}

#[test]
fn a_helper_that_became_another_user_leaves_the_right_to_write_to_its_storekeeper() {
    if own_uid() != 0 {
        // Nobody else can become another user.
        return;
    }
    let site = Site::with_account();
    let nobody = nix::unistd::User::from_name("nobody").unwrap().unwrap();
    site.give_to_group(nobody.gid);
    let path = site.path("store");
    site.configure(&format!("user = \"nobody\"\n[[store]]\npath = {path:?}\n"));
    let helper = site.start(&["--store", path.to_str().unwrap()]);
    helper.wait_for_log(&format!("listening on {}", path.display()));
    // Who greets has become its user.
    helper.greeted();
    assert!(helper.status("Uid:").ends_with(&nobody.uid.to_string()));
    assert_eq!(ask(&site, "joe", "", Wish::Set(b"other")), StoreAnswer::Done);
    assert!(logs_in(&helper, "joe", "other"));
}

//! The lookup socket of a running helper: what whom is handed out, and what not.

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
use sasldb::credential::{CramMd5States, DigestMd5Hash, Label, PasswordFacts, ServiceName};
use sasldb::protocol::lookup::{Answer, Form, Forms, Request};
use sasldb::runtime::UnixTime;
use sasldb::store::activity::ActivityReader;
use sasldb::store::{Applied, Change, CredentialAdmin};
use sasldb::vocabulary::Mechanism;

const ALL: Forms = Forms::SCRAM.with(Form::DigestMd5).with(Form::CramMd5);

fn own_uid() -> u32 {
    nix::unistd::getuid().as_raw()
}

/// Settings with a lookup socket of which `peers` get something.
fn settings(site: &Site, peers: &str, more: &str) -> String {
    let path = site.path("lookup");
    format!("{more}\n[[lookup]]\npath = \"{}\"\npeers = [{peers}]\n", path.to_str().unwrap())
}

/// A helper of which this user gets everything.
fn open(site: &Site) -> Helper {
    listed(site, &format!("{{ user = {} }}", own_uid()), "")
}

fn listed(site: &Site, peers: &str, more: &str) -> Helper {
    site.configure(&settings(site, peers, more));
    site.start(&["--lookup", site.path("lookup").to_str().unwrap()])
}

fn request(name: &'static str) -> Request<'static> {
    Request { wanted: ALL, name: name.as_bytes(), realm: b"", host: b"example.com", service: b"smtp" }
}

/// The whole answer; nothing if the helper says nothing.
fn said(site: &Site, sent: &[u8]) -> Vec<u8> {
    let mut stream = UnixStream::connect(site.path("lookup")).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    // A peer that is refused may find the connection closed already.
    let _ = stream.write_all(sent);
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    answer
}

fn ask(site: &Site, request: &Request<'_>) -> Answer {
    Answer::parse(&said(site, &request.encode().unwrap())).unwrap().expect("an answer")
}

/// The forms of an answer, by name, with their values.
fn found(answer: &Answer) -> Vec<(Form, Vec<u8>)> {
    match answer {
        Answer::Found(properties) => properties.iter().map(|p| (p.form(), p.value().expose().to_vec())).collect(),
        Answer::None => Vec::new(),
        Answer::Unavailable => panic!("unavailable"),
    }
}

fn forms(answer: &Answer) -> Vec<Form> {
    found(answer).into_iter().map(|(form, _)| form).collect()
}

/// Whether it has what CRAM-MD5 checks the password of every account here with.
fn gives(answer: &Answer) -> bool {
    found(answer).contains(&(Form::CramMd5, CramMd5States::derive(b"secret").to_cyrus().expose().to_vec()))
}

/// Salt and count, and StoredKey and ServerKey.
fn scram(answer: &Answer, form: Form) -> (String, String) {
    let (_, text) = found(answer).into_iter().find(|(found, _)| *found == form).expect("keys");
    let text = String::from_utf8(text).unwrap();
    let (_, rest) = text.split_once('$').unwrap();
    let (parameters, keys) = rest.split_once('$').unwrap();
    (parameters.to_owned(), keys.to_owned())
}

#[test]
fn what_libsasl2_needs_is_given_for_each_spelling() {
    let site = Site::with_account();
    let helper = open(&site);
    // The name as typed, the program's realm, the host; then what DIGEST-MD5 hashes, where there is such a hash.
    for (name, realm, host, hashed) in [
        ("joe", "", "example.com", Some(("joe", "example.com"))),
        ("joe", "", "mx1", Some(("joe", "mx1"))),
        ("joe", "mx1.example.com", "example.com", Some(("joe", "mx1.example.com"))),
        ("joe@example.com", "", "mx1", Some(("joe@example.com", "mx1"))),
        ("joe@mx1", "example.com", "", Some(("joe@mx1", "example.com"))),
        ("joe@EXAMPLE.com", "", "example.com", None),
        // The host is no realm: were it one, a bare name could be one account here and another one by CRAM-MD5.
        ("joe", "", "elsewhere.example", None),
    ] {
        let (realm, host) = (realm.as_bytes(), host.as_bytes());
        let answer = ask(&site, &Request { realm, host, ..request(name) });
        let digest = found(&answer).into_iter().find(|(form, _)| *form == Form::DigestMd5).map(|(_, value)| value);
        assert!(gives(&answer), "{name}");
        let again = found(&ask(&site, &Request { realm, host, ..request(name) })).swap_remove(0).1;
        match hashed.map(|(user, realm)| DigestMd5Hash::hash(&[user.as_bytes()], realm.as_bytes(), b"secret")) {
            Some(hash) => assert_eq!(digest.unwrap(), hash.expose(), "{name}"),
            None => assert_ne!(digest.unwrap(), again, "{name}: nobody's"),
        }
    }
    let elsewhere = Request { realm: b"elsewhere.example", ..request("joe") };
    assert!(!gives(&ask(&site, &elsewhere)), "another account");
    helper.wait_for_log(&format!(
        "handed out to user {} DIGEST-MD5 CRAM-MD5 SCRAM-SHA-1 SCRAM-SHA-256 user=\"joe@example.com\" service=\"smtp\"",
        own_uid()
    ));
}

#[test]
fn only_what_is_wanted_is_given() {
    let site = Site::with_account();
    let _helper = open(&site);
    for form in Form::ALL {
        let answer = ask(&site, &Request { wanted: Forms::NONE.with(form), ..request("joe") });
        // The site makes no secrets for SCRAM-SHA-512, and offers it to nobody.
        let expected = if form == Form::ScramSha512 { vec![] } else { vec![form] };
        assert_eq!(forms(&answer), expected);
    }
}

/// What DIGEST-MD5 and CRAM-MD5 check with, whether it is the account's or nobody's.
fn md5(answer: &Answer) -> [Vec<u8>; 2] {
    [Form::DigestMd5, Form::CramMd5]
        .map(|form| found(answer).into_iter().find(|(found, _)| *found == form).expect("a secret").1)
}

const FORMS: [Form; 4] = [Form::DigestMd5, Form::CramMd5, Form::ScramSha1, Form::ScramSha256];

#[test]
fn an_unknown_name_has_a_salt_for_ever_and_secrets_that_nothing_fits() {
    let site = Site::with_account();
    let helper = open(&site);
    for name in ["nobody", "nobody@example.com", "no@such@name", "nobody@elsewhere.example"] {
        let (first, second) = (ask(&site, &request(name)), ask(&site, &request(name)));
        assert_eq!(forms(&first), FORMS, "{name}");
        for form in [Form::ScramSha1, Form::ScramSha256] {
            let ((salt, keys), (again, other_keys)) = (scram(&first, form), scram(&second, form));
            assert_eq!(salt, again, "{name}");
            assert_ne!(keys, other_keys, "keys that nothing was derived from");
        }
        let ([digest, cram], [other_digest, other_cram]) = (md5(&first), md5(&second));
        assert_eq!([digest.len(), cram.len()], [16, 32]);
        assert!(
            digest != other_digest && cram != other_cram && !cram.starts_with(&digest),
            "drawn anew, each by itself"
        );
    }
    helper.wait_for_log("withheld from user");
    assert!(helper.log().contains("reason=\"no such account\" user=- service=\"smtp\""), "{}", helper.log());
    assert!(!helper.log().contains("nobody"), "people type passwords as names");
}

fn change(site: &Site, change: Change) {
    let receipt = store::writer(&site.place()).apply(change, &store::actor(), store::NOW).unwrap();
    assert_eq!(receipt.applied, Applied::Changed);
}

fn joe() -> sasldb::identity::Identity {
    store::identity("joe", "example.com")
}

#[test]
fn an_account_that_may_not_log_in_looks_like_no_account() {
    for (hindrance, reason) in [
        (Change::SetDisabled { key: joe().key(), disabled: true }, "account disabled"),
        (Change::SetExpiry { key: joe().key(), expires: Some(UnixTime(1_000)) }, "account expired"),
    ] {
        let site = Site::with_account();
        let helper = open(&site);
        let (salt, keys) = scram(&ask(&site, &request("joe")), Form::ScramSha256);
        change(&site, hindrance);
        let answer = ask(&site, &request("joe"));
        assert_eq!(forms(&answer), FORMS);
        assert!(!gives(&answer));
        let (same_salt, other_keys) = scram(&answer, Form::ScramSha256);
        assert_eq!(salt, same_salt);
        assert_ne!(keys, other_keys);
        helper.wait_for_log(&format!("reason=\"{reason}\" user=\"joe@example.com\""));
    }
}

#[test]
fn a_mechanism_that_an_account_may_not_use_is_withheld() {
    let site = Site::with_account();
    let _helper = open(&site);
    let mechanisms = [Mechanism::ScramSha256, Mechanism::Plain].into_iter().collect();
    change(&site, store::provision(&mut store::writer(&site.place()), &joe(), None, Some(Some(mechanisms))));
    let answer = ask(&site, &request("joe"));
    assert_eq!(forms(&answer), FORMS);
    assert!(!gives(&answer));
    let (_, real) = scram(&answer, Form::ScramSha256);
    let (_, decoy) = scram(&answer, Form::ScramSha1);
    let again = ask(&site, &request("joe"));
    assert_eq!(scram(&again, Form::ScramSha256).1, real);
    assert_ne!(scram(&again, Form::ScramSha1).1, decoy);
}

#[test]
fn passwords_with_limits_that_cannot_be_checked_are_withheld_and_only_main_counts() {
    let unlimited = || PasswordFacts::unlimited(Label::main());
    let services = |name| vec![ServiceName::new(name).unwrap()];
    for (facts, given) in [
        (PasswordFacts { services: services("smtp"), ..unlimited() }, true),
        (PasswordFacts { services: services("imap"), ..unlimited() }, false),
        (PasswordFacts { networks: vec!["0.0.0.0/0".parse().unwrap()], ..unlimited() }, false),
        (PasswordFacts { expires: Some(UnixTime(1_000)), ..unlimited() }, false),
        (PasswordFacts::unlimited(Label::new("phone").unwrap()), false),
    ] {
        let site = Site::empty();
        let applied = store::set_facts(&mut store::writer(&site.place()), &joe(), facts.clone(), "secret");
        assert_eq!(applied, Applied::Created);
        let _helper = open(&site);
        let answer = ask(&site, &request("joe"));
        assert_eq!(gives(&answer), given, "{facts:?}");
        assert_eq!(forms(&answer), FORMS, "{facts:?}");
    }
}

#[test]
fn strangers_get_nothing() {
    let site = Site::with_account();
    let stranger = own_uid().wrapping_add(1);
    let helper = listed(&site, &format!("{{ user = {stranger} }}"), "");
    assert_eq!(said(&site, &request("joe").encode().unwrap()), b"");
    let socket = site.path("lookup");
    helper.wait_for_log(&format!("user {} is not among the peers of {}", own_uid(), socket.display()));
}

#[test]
fn a_socket_without_peers_is_for_root() {
    let site = Site::with_account();
    let _helper = site.start(&["--lookup", site.path("lookup").to_str().unwrap()]);
    let answer = said(&site, &request("joe").encode().unwrap());
    assert_eq!(answer.is_empty(), own_uid() != 0);
}

#[test]
fn peers_by_group_are_those_whom_the_system_counts_to_it() {
    let site = Site::with_account();
    let gid = nix::unistd::getgid().as_raw();
    {
        let _helper = listed(&site, &format!("{{ group = {gid} }}"), "");
        assert!(gives(&ask(&site, &request("joe"))));
    }
    let _helper = listed(&site, "{ group = 4000000000 }", "");
    assert_eq!(said(&site, &request("joe").encode().unwrap()), b"");
}

#[test]
fn a_peer_gets_its_realms_and_schemes() {
    let site = Site::with_account();
    store::put(&mut store::writer(&site.place()), &store::identity("ann", "other.example"), "secret");
    let peers = format!("{{ user = {}, realms = [\"other.example\"], schemes = [\"cram-md5\"] }}", own_uid());
    let helper = listed(&site, &peers, "");
    let (ann, joe) = (ask(&site, &request("ann@other.example")), ask(&site, &request("joe")));
    assert_eq!([forms(&ann), forms(&joe)], [[Form::CramMd5], [Form::CramMd5]]);
    assert!(gives(&ann) && !gives(&joe));
    helper.wait_for_log("reason=\"realm not for this peer\" user=\"joe@example.com\"");
    let scram = Request { wanted: Forms::SCRAM, ..request("ann@other.example") };
    assert!(matches!(ask(&site, &scram), Answer::None));
    helper.wait_for_log("reason=\"mechanism not for this peer\" user=\"ann@other.example\"");
}

#[test]
fn a_peer_gets_so_many_accounts_in_a_minute() {
    let site = Site::with_account();
    for name in ["ann", "bob"] {
        store::put(&mut store::writer(&site.place()), &store::identity(name, "example.com"), "secret");
    }
    let peers = format!("{{ user = {} }}]\naccounts_per_minute = 2\n# [", own_uid());
    let helper = listed(&site, &peers, "");
    for name in ["joe", "ann", "joe", "JOE@example.com"] {
        assert!(gives(&ask(&site, &request(name))), "{name}");
    }
    for name in ["bob", "nobody"] {
        assert!(matches!(ask(&site, &request(name)), Answer::Unavailable), "{name}");
    }
    assert!(gives(&ask(&site, &request("joe"))), "one that it has got already");
    helper.wait_for_log("reason=\"more accounts in a minute than this peer may get\"");
}

#[test]
fn without_a_database_nobody_can_tell() {
    let site = Site::empty();
    let _helper = open(&site);
    assert!(matches!(ask(&site, &request("joe")), Answer::Unavailable));
    site.set_password("secret");
    wait_until("the database is found", || !matches!(ask(&site, &request("joe")), Answer::Unavailable));
}

#[test]
fn requests_come_in_any_pieces_and_what_is_none_ends_the_connection() {
    let site = Site::with_account();
    let helper = open(&site);
    let mut stream = UnixStream::connect(site.path("lookup")).unwrap();
    for byte in request("joe").encode().unwrap() {
        stream.write_all(&[byte]).unwrap();
    }
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    assert!(matches!(Answer::parse(&answer), Ok(Some(Answer::Found(_)))));

    for junk in [b"VERSION\t1\t2\n".as_slice(), b"\x00\x03\x02\x01\x00", &[0; 20_000]] {
        assert_eq!(said(&site, junk), b"");
    }
    helper.wait_for_log(&format!("connection of user {} closed: version 2 of the protocol", own_uid()));
    assert!(gives(&ask(&site, &request("joe"))), "the helper goes on");
}

#[test]
fn what_was_handed_out_is_activity_of_its_own() {
    let site = Site::with_account();
    let database = store::reader(&site.place()).database_id().unwrap();
    let mut helper = open(&site);
    for _ in 0..3 {
        ask(&site, &Request { wanted: Forms::NONE.with(Form::CramMd5), ..request("joe") });
    }
    helper.signal(nix::sys::signal::Signal::SIGTERM);
    assert!(helper.wait().success());
    let reader = ActivityReader::open(&site.path("accounts.db.activity"), database).unwrap();
    let uses = reader.last_uses(&joe().key()).unwrap();
    assert_eq!(uses.len(), 1);
    assert_eq!((uses[0].label.as_str(), uses[0].mechanism, uses[0].last), ("main", Mechanism::CramMd5, None));
    assert_eq!(uses[0].handed_out.unwrap().times, 3);
}

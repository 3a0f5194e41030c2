//! Many wrong passwords, and right ones beside them.

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
#[path = "cli/shell.rs"]
mod shell;
mod store;

use std::process::Command;

use process::{Client, GOOD, HANDSHAKE, Helper, Site, wait_until};

const GUESSERS: u32 = 200;

/// PLAIN as an MTA sends it; an empty address is how Postfix says that it has none.
fn plain(id: u32, rip: &str, name: &str, password: &str) -> String {
    let message = process::message(name, password);
    format!("AUTH\t{id}\tPLAIN\tservice=smtp\tnologin\tsecured\trip={rip}\tresp={message}\n")
}

/// As many connections as there are guessers, each with a wrong password under way.
fn guess(helper: &Helper, rip: impl Fn(u32) -> String) -> Vec<Client> {
    let connect = |number| {
        let mut client = helper.connect();
        client.send(&format!("{HANDSHAKE}{}", plain(1, &rip(number), "joe", &format!("guess {number}"))));
        client
    };
    (0..GUESSERS).map(connect).collect()
}

fn all_fail(clients: &mut [Client]) {
    for client in clients {
        assert_eq!(client.line(), "FAIL\t1\tuser=joe@example.com");
    }
}

/// A right login right behind a wrong one: it is answered first, so it has not waited for the other's delay.
fn logs_in_without_delay(helper: &Helper, rip: &str, name: &str) {
    let mut client = helper.greeted();
    client.send(&format!("{}{}", plain(1, rip, name, "wrong"), plain(2, rip, name, "secret")));
    assert_eq!(client.line(), format!("OK\t2\tuser={name}@example.com"));
    assert_eq!(client.line(), format!("FAIL\t1\tuser={name}@example.com"));
}

#[test]
fn right_logins_beside_two_hundred_wrong_ones_do_not_wait() {
    let site = Site::with_account();
    for name in ["ann", "eve"] {
        store::put(&mut store::writer(&site.place()), &store::identity(name, "example.com"), "secret");
    }
    for rip in ["192.0.2.66", ""] {
        let helper = site.start(&[]);
        // Ann has logged in from there before.
        let mut ann = helper.greeted();
        ann.send(&plain(1, rip, "ann", "secret"));
        assert_eq!(ann.line(), "OK\t1\tuser=ann@example.com");

        let mut guessers = guess(&helper, |_| rip.to_owned());
        logs_in_without_delay(&helper, "192.0.2.1", "joe");
        logs_in_without_delay(&helper, "", "joe");
        logs_in_without_delay(&helper, rip, "ann");
        all_fail(&mut guessers);
        logs_in_without_delay(&helper, "192.0.2.2", "joe");
        logs_in_without_delay(&helper, "", "joe");
        logs_in_without_delay(&helper, rip, "ann");

        let mut eve = helper.greeted();
        eve.send(&plain(1, rip, "eve", "secret"));
        if rip.is_empty() {
            assert_eq!(eve.line(), "OK\t1\tuser=eve@example.com", "nobody is refused where there is no address");
            assert!(!helper.log().contains("too many failures"), "{}", helper.log());
        } else {
            assert_eq!(eve.line(), "FAIL\t1\tuser=eve@example.com");
            let denied = format!("denied {rip} secured PLAIN reason=\"too many failures from this source\" user=");
            helper.wait_for_log(&format!("{denied}\"eve@example.com\""));
            wait_until("what was beyond the limit is in the log", || {
                helper.log().matches(&format!("{denied}\"joe@example.com\"")).count() == 160
            });
        }
    }
}

/// Logs in by each of four mechanisms, as clients do that take the next one when one fails; which were accepted.
fn try_all(site: &Site, password: &str) -> Vec<bool> {
    let mut command = Command::new(shell::SASLDB);
    command.args(["test", "--secured", "--remote", "192.0.2.7", "--realm", "example.com", "--dovecot"]);
    command.arg(site.socket());
    for mechanism in ["SCRAM-SHA-256", "DIGEST-MD5", "CRAM-MD5", "PLAIN"] {
        command.args(["--mechanism", mechanism]);
    }
    command.arg("joe");
    let ran = shell::run(command, password.as_bytes());
    let verdicts: Vec<bool> = ran.out.lines().map(|line| line.contains("accepted")).collect();
    assert_eq!(verdicts.len(), 4, "{ran:?}");
    verdicts
}

#[test]
fn one_mistyped_password_by_four_mechanisms_does_not_bite() {
    let site = Site::with_account();
    // The lowest limit that there is.
    site.configure("limits.burst = 8\n");
    let helper = site.start(&[]);
    assert_eq!(try_all(&site, "Secret"), [false; 4]);
    assert_eq!(try_all(&site, "secret"), [true; 4], "{}", helper.log());
    // From where joe has logged in, not all that was tried before counts either.
    assert_eq!(try_all(&site, "Secret"), [false; 4]);
    assert_eq!(try_all(&site, "secret"), [true; 4], "{}", helper.log());
    assert_eq!((try_all(&site, "Secret"), try_all(&site, "SECRET")), (vec![false; 4], vec![false; 4]));
    assert_eq!(try_all(&site, "secret"), [false; 4], "{}", helper.log());
}

#[test]
fn an_address_mapped_into_ipv6_is_the_ipv4_address() {
    let site = Site::with_account();
    site.configure("limits.burst = 8\n");
    let helper = site.start(&[]);
    let mut client = helper.greeted();
    for (id, rip) in (1..=8).zip(["::ffff:192.0.2.9", "192.0.2.9", "::ffff:c000:209", "192.0.2.9"].iter().cycle()) {
        client.send(&plain(id, rip, "joe", "wrong"));
        assert_eq!(client.line(), format!("FAIL\t{id}\tuser=joe@example.com"));
    }
    for (id, rip) in [(9, "192.0.2.9"), (10, "::ffff:192.0.2.9")] {
        client.send(&plain(id, rip, "joe", "secret"));
        assert_eq!(client.line(), format!("FAIL\t{id}\tuser=joe@example.com"));
    }
    client.send(&plain(11, "::ffff:192.0.2.10", "joe", "secret"));
    assert_eq!(client.line(), "OK\t11\tuser=joe@example.com");
    helper.wait_for_log("authenticated 192.0.2.10 ");
    assert!(!helper.log().contains("ffff"), "{}", helper.log());
}

#[test]
fn networks_are_exempt_and_limits_are_off_by_setting() {
    let site = Site::with_account();
    let helper = site.start(&[]);
    for (settings, refused) in [
        ("[limits]\nburst = 8\n", true),
        ("[limits]\nexempt = [\"192.0.2.0/24\"]\n", false),
        ("limits.burst = 0\n", false),
    ] {
        site.configure(settings);
        let reloaded = helper.log().matches("settings read again").count();
        helper.signal(nix::sys::signal::Signal::SIGHUP);
        wait_until("the settings are read", || helper.log().matches("settings read again").count() > reloaded);
        let mut client = helper.greeted();
        let wrong: String = (1..=50).map(|id| plain(id, "192.0.2.9", "joe", "wrong")).collect();
        client.send(&wrong);
        (1..=50).for_each(|id| assert_eq!(client.line(), format!("FAIL\t{id}\tuser=joe@example.com")));
        client.send(&plain(51, "192.0.2.9", "joe", "secret"));
        assert_eq!(client.line().starts_with("FAIL"), refused, "{settings}");
    }
}

#[test]
fn a_flood_leaves_no_memory_behind() {
    let site = Site::with_account();
    let helper = site.start(&[]);
    // What is made at the first use of it is there before the flood.
    logs_in_without_delay(&helper, "192.0.2.1", "joe");
    let before = helper.resident_kib();
    let mut after_round = Vec::new();
    for round in 0..8u32 {
        let mut guessers = guess(&helper, |number| match number % 3 {
            0 => format!("2001:db8:{round}:{number}::1"),
            1 => format!("10.0.{round}.{number}"),
            _ => String::new(),
        });
        all_fail(&mut guessers);
        // An exchange that is left behind has a line in the log when its connection is gone.
        guessers.iter_mut().for_each(|client| client.send("AUTH\t2\tLOGIN\tservice=smtp\tsecured\n"));
        guessers.iter_mut().for_each(|client| assert!(client.line().starts_with("CONT\t2\t")));
        drop(guessers);
        let gone = (round as usize + 1) * GUESSERS as usize;
        wait_until("all are gone", || helper.log().matches("connection closed").count() == gone);
        after_round.push(helper.resident_kib());
    }
    // What 200 connections took goes back to the allocator, which keeps some of it; the counters of 1,200 sources take a
    // few dozen KiB. No round needs more than the one before it.
    assert!(after_round[7] < before + 2048, "{before} KiB, then {after_round:?}");
    assert!(after_round[7] < after_round[1] + 512, "{before} KiB, then {after_round:?}");
    let mut client = helper.greeted();
    client.send(&process::plain(1, GOOD));
    assert_eq!(client.line(), "OK\t1\tuser=joe@example.com");
}

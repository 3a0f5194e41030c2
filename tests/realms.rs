//! Many realms behind one helper, the default one and its aliases among them.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "a test may fail")]

#[path = "helper/process.rs"]
mod process;
mod store;

use nix::sys::signal::Signal;
use process::{GOOD, Site, message, plain};
use sasldb::store::{Applied, Change, CredentialAdmin};

#[test]
fn thousands_of_realms_have_each_its_own_accounts() {
    const REALMS: usize = 2000;
    let site = Site::with_account();
    {
        let mut writer = store::writer(&site.place());
        for number in 0..REALMS {
            let (realm, password) = (format!("r{number}.test"), format!("password {number}"));
            store::put(&mut writer, &store::identity("joe", &realm), &password);
        }
    }
    let helper = site.start(&[]);
    let mut client = helper.greeted();
    for number in 0..REALMS {
        let right = message(&format!("Joe@R{number}.test"), &format!("password {number}"));
        client.send(&plain(1, &right));
        assert_eq!(client.line(), format!("OK\t1\tuser=joe@r{number}.test"));
    }
    for number in [0, 1, REALMS / 2, REALMS - 1] {
        client.send(&plain(2, &message(&format!("joe@r{number}.test"), "secret")));
        assert_eq!(client.line(), format!("FAIL\t2\tuser=joe@r{number}.test"), "the default realm's password");
    }
    client.send(&plain(3, &message("joe@r2000.test", "password 0")));
    assert_eq!(client.line(), "FAIL\t3\tuser=joe@r2000.test", "a realm that has no account");
    for user in ["joe", "JOE@EXAMPLE.COM", "joe@mx1", "joe@mx1.example.com"] {
        client.send(&plain(4, &message(user, "secret")));
        assert_eq!(client.line(), "OK\t4\tuser=joe@example.com", "{user}");
    }
}

#[test]
fn a_helper_does_not_start_where_an_alias_has_accounts_of_its_own() {
    let site = Site::with_account();
    store::put(&mut store::writer(&site.place()), &store::identity("ann", "mx9"), "secret");
    site.configure("realm_aliases = [\"mx9\"]\n");
    let (status, said) = site.refused(&[]);
    assert_eq!(status, Some(78), "{said}");
    assert!(
        said.contains("ann@mx9 is an account, but mx9 is also an alias of the default realm example.com"),
        "{said}"
    );
    assert!(!site.socket().exists());
}

/// What keeps a helper from starting keeps one that is at work from changing its settings.
#[test]
fn an_alias_that_has_accounts_of_its_own_is_not_taken_on_sighup_either() {
    let site = Site::with_account();
    store::put(&mut store::writer(&site.place()), &store::identity("ann", "mx9"), "secret");
    let helper = site.start(&[]);
    let clash = "ann@mx9 is an account, but mx9 is also an alias of the default realm example.com";
    site.configure("realm_aliases = [\"mx9\"]\nplaintext_without_tls = true\n");
    helper.signal(Signal::SIGHUP);
    helper.wait_for_log(&format!("settings not changed: {clash}"));
    let mut client = helper.greeted();
    client.send(&plain(1, &message("ann@mx9", "secret")));
    assert_eq!(client.line(), "OK\t1\tuser=ann@mx9");
    client.send(&plain(2, GOOD).replace("\tsecured", ""));
    assert_eq!(client.line(), "FAIL\t2\tuser=joe@example.com", "nothing of it holds");
    // The account is gone; the same settings are as good as any.
    let gone = Change::Remove { key: store::identity("ann", "mx9").key() };
    let receipt = store::writer(&site.place()).apply(gone, &store::actor(), store::NOW).unwrap();
    assert_eq!(receipt.applied, Applied::Removed);
    helper.signal(Signal::SIGHUP);
    helper.wait_for_log("settings read again");
    client.send(&plain(3, &message("joe@mx9", "secret")));
    assert_eq!(client.line(), "OK\t3\tuser=joe@example.com");
}

/// A database that comes later finds the helper at work: it says what is wrong, and serves the others.
#[test]
fn a_database_that_comes_later_is_told_of_when_an_alias_has_accounts() {
    let site = Site::empty();
    site.configure("realm = \"example.com\"\nrealm_aliases = [\"mx9\"]\n");
    let helper = site.start(&[]);
    site.set_password("secret");
    store::put(&mut store::writer(&site.place()), &store::identity("ann", "mx9"), "secret");
    let mut client = helper.greeted();
    client.send(&plain(1, GOOD));
    assert_eq!(client.line(), "OK\t1\tuser=joe@example.com");
    helper.wait_for_log("accounts that nobody can log in to: ann@mx9 is an account");
}

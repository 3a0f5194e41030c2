//! OpenSMTPD, which reads what `sasldb-rs export` writes for it, set up by the page on that.

use crate::clients::{Client, Login};
use crate::exports::{accounts_with, exported};
use crate::helper::{Ours, REALM};
use crate::machine::Machine;
use crate::pages::block;
use crate::servers::Server;
use crate::site::{CERTIFICATE, Site};
use crate::syslog;

const PAGE: &str = "docs/export.md";
const HEADING: &str = "## OpenSMTPD";

/// With a next hop and a certificate, and so far with nobody who could log in.
pub(crate) fn set_up(machine: &Machine) {
    syslog::keep(machine);
    let certificate = format!(
        "pki mail.example.com cert \"{CERTIFICATE}\"\npki mail.example.com key \"/etc/ssl/private/mail.key\"\n"
    );
    let lines = block(PAGE, HEADING, "auth-optional");
    let relay = lines.replace("action \"out\" relay", "action \"out\" relay host smtp://127.0.0.1:2525");
    assert_ne!(relay, lines);
    machine.write("/etc/smtpd.conf", &[certificate, relay].concat());
    machine.write("/etc/smtpd-openssl.cnf", &block(PAGE, HEADING, "pkcs11"));
    let of_file = block(PAGE, HEADING, "chmod");
    let (_export, owner_and_mode) = of_file.split_once('\n').unwrap();
    machine.shell(&format!("install -m 600 /dev/null /etc/smtpd.credentials\n{owner_and_mode}"));
}

pub(crate) fn start() -> String {
    block(PAGE, HEADING, "OPENSSL_CONF=")
}

/// What Debian's crypt(3) makes of the password of every test.
const HASHES: [&str; 4] = [
    "openssl passwd -6 secret",
    "openssl passwd -5 secret",
    "openssl passwd -1 secret",
    r#"perl -e 'print crypt("secret", "\$y\$j9T\$saltsaltsaltsalt")'"#,
];

#[test]
fn opensmtpd_relays_for_those_who_log_in_by_exported_credentials() {
    let site = Site::of(Server::OpenSmtpd);
    let ours = Ours::beside(&site.machine);
    accounts_with(&ours, &HASHES.map(|command| site.machine.shell(command).trim().to_owned()));
    let credentials = exported(&ours, &["--to", "opensmtpd"]);
    // All but `mailman`, of whom nothing is stored that it could check.
    assert_eq!(credentials.lines().count(), HASHES.len(), "{credentials}");
    site.start();
    site.turns_a_stranger_away();
    site.refuses(Client::Msmtp, &Login::right("PLAIN").user(&format!("user0@{REALM}")));
    site.machine.write("/etc/smtpd.credentials", &credentials);
    site.machine.shell(&block(PAGE, HEADING, "smtpctl"));
    for number in 0..HASHES.len() {
        let user = format!("user{number}@{REALM}");
        for mechanism in Server::OpenSmtpd.mechanisms() {
            let right = Login::right(mechanism).user(&user);
            site.relays(Client::Msmtp, &right);
            let reply = site.refuses(Client::Msmtp, &right.password("wrong"));
            assert!(reply.starts_with("535 "), "{right:?}: {reply}");
        }
        let log = site.log();
        assert_eq!(log.matches(&format!("authentication user={user} result=ok")).count(), 2, "{log}");
    }
    assert_eq!(site.arrived().len(), HASHES.len() * 2);
}

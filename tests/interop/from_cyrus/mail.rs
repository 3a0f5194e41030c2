//! Mail servers on the move: a login counts when the message is at the next hop.

use crate::clients::{Client, Login};
use crate::machine::{Machine, wait_for};
use crate::pages::contrib;
use crate::sasl::sendmail;
use crate::servers::{self, exim_with, set_up_postfix};
use crate::site::Site;

use super::{Move, OLD_FILE, Server, prepare, run, script, start_saslauthd};

impl Server for Site {
    fn heading(&self) -> &'static str {
        match self.server {
            servers::Server::Sendmail => "### sendmail",
            servers::Server::SaslExim => "### Exim",
            _ => "### Postfix",
        }
    }

    fn machine(&self) -> &Machine {
        &self.machine
    }

    fn relays_mail(&self) -> bool {
        true
    }

    fn lets_in(&self, mechanism: &str, user: &str, password: &str) -> bool {
        self.wait_for_banner();
        let login = Login::right(mechanism).user(user).password(password);
        let report = self.send(Client::Msmtp, &login);
        let is_in = report.text.contains("235 ");
        if is_in {
            wait_for("the message", || self.arrived().iter().any(|it| it.contains(&report.token)).then_some(()));
        } else {
            assert!(report.refusal().is_some(), "{login:?}: {}", report.text);
        }
        is_in
    }

    fn turns_a_stranger_away(&self) {
        Self::turns_a_stranger_away(self);
    }
}

fn before(server: servers::Server, roots: &[&str]) -> Site {
    let site = Site::before_set_up(Machine::over(roots), server);
    prepare(&site.machine);
    site
}

fn from_sendmail() -> Move<Site> {
    let site = before(servers::Server::Sendmail, &["sendmail", "mail"]);
    sendmail::relay(&site.machine);
    sendmail::add(&site.machine, "define(`confDONT_BLAME_SENDMAIL', `GroupReadableSASLDBFile')dnl\n");
    site.machine.shell("mkdir -p /etc/sasl2");
    site.machine.write("/etc/sasl2/Sendmail.conf", OLD_FILE);
    start_saslauthd(&site.machine, "");
    site.start();
    Move { server: site }
}

fn from_postfix() -> Move<Site> {
    let site = before(servers::Server::SaslPostfix, &["postfix", "mail"]);
    set_up_postfix(&site.machine);
    start_saslauthd(&site.machine, "/var/spool/postfix");
    run(&site.machine, &script("postfix.sh"));
    Move { server: site }
}

fn from_exim() -> Move<Site> {
    let site = before(servers::Server::SaslExim, &["exim", "mail", "sasl"]);
    exim_with(&site.machine, &contrib("exim/authenticators.libsasl2"));
    site.machine.shell("usermod -a -G sasl Debian-exim; chgrp sasl /etc/sasldb2; mkdir -p /etc/sasl2");
    site.machine.write("/etc/sasl2/exim.conf", OLD_FILE);
    start_saslauthd(&site.machine, "");
    site.start();
    Move { server: site }
}

#[test]
fn sendmail_moves_and_goes_back_to_the_old_file() {
    let sendmail = from_sendmail();
    sendmail.moves();
    // Debian's scripts around Sendmail know saslpasswd2.
    sendmail.machine().shell("service sendmail restart </dev/null >/var/log/start.log 2>&1");
    assert!(!sendmail.machine().has("/etc/sasldb2"));
    sendmail.lets_in(&[("mailman", "secret")]);
    let said = sendmail.follow("## The way back");
    assert!(said.contains("newcomer@mail.example.com"), "{said}");
    sendmail.follow("### With the old file");
    sendmail.returns();
    sendmail.lets_in(&[("newcomer", "secret")]);
}

#[test]
fn postfix_moves_and_goes_back_when_the_old_file_is_gone() {
    let postfix = from_postfix();
    run(postfix.machine(), &script("archive.sh"));
    postfix.moves();
    postfix.follow("## 9. When you are sure");
    assert!(
        !postfix.machine().has("/root/before-sasldb-rs/sasldb2") && !postfix.machine().has("/usr/sbin/saslpasswd2")
    );
    postfix.works();
    postfix.follow("### Without it");
    start_saslauthd(postfix.machine(), "/var/spool/postfix");
    postfix.machine().shell("install -D -o postfix -m 600 /etc/sasldb2 /var/spool/postfix/etc/sasldb2");
    postfix.returns();
}

#[test]
fn exim_moves_and_goes_back_to_the_old_file() {
    let exim = from_exim();
    exim.moves();
    exim.follow("### With the old file");
    exim.returns();
}

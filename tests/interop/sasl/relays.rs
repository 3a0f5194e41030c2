//! Mail servers that ask libsasl2: who logs in may send.

use crate::clients::{Client, Login};
use crate::helper::{Ours, REALM};
use crate::machine::Machine;
use crate::pages::{block, blocks, contrib};
use crate::place::{Helper, Place};
use crate::servers::{Server, exim_with, set_up_postfix};
use crate::site::Site;

use super::site::{PAGE, from_outside, install_plugin, sasl_file, sockets};
use super::walk::{ACCOUNT, Answer, OF_GNU_SASL, Program, walk};

/// The lines of the page for a Postfix that runs.
pub(crate) fn postfix() -> String {
    block(PAGE, "## Postfix", "postconf")
}

pub(crate) fn set_up_sasl_postfix(machine: &Machine) {
    set_up_postfix(machine);
    use_libsasl2(machine, "/etc/postfix/sasl/smtpd.conf", &block(PAGE, "## Postfix", "pwcheck_method"));
    machine.shell("for socket in mux lookup; do ln -s sasldb-rs/$socket /var/spool/postfix/private/$socket; done");
}

pub(crate) fn set_up_sasl_exim(machine: &Machine) {
    let all = contrib("exim/authenticators.libsasl2");
    let shown = blocks(PAGE, "## Exim").remove(0);
    assert!(all.contains(&shown), "the page shows another block than contrib/exim/authenticators.libsasl2");
    exim_with(machine, &all);
    use_libsasl2(machine, "/etc/sasl2/exim.conf", &sasl_file());
}

fn use_libsasl2(machine: &Machine, file: &str, settings: &str) {
    install_plugin(machine);
    machine.write(file, settings);
    machine.shell("rm -f /etc/sasldb2");
}

/// The helper's part.
pub(crate) fn settings(server: Server, machine: &Machine) -> String {
    let sockets = match server {
        Server::Sendmail => from_outside(machine, &block("README.md", "## sendmail", "[[lookup]]"), "root"),
        Server::SaslPostfix => from_outside(machine, &block(PAGE, "## Postfix", "[[lookup]]"), "postfix"),
        _ => sockets(machine, "Debian-exim"),
    };
    with_realms(&sockets)
}

/// The sockets, and what else a helper beside a machine is told.
pub(crate) fn with_realms(sockets: &str) -> String {
    // What is wrong by PLAIN and LOGIN need not wait for its answer here.
    let schemes = "schemes = [\"digest-md5\", \"cram-md5\", \"scram-sha-1\", \"scram-sha-256\", \"scram-sha-512\"]\n";
    format!(
        "{schemes}realm = \"{REALM}\"\nrealm_aliases = [\"mail\", \"mail.example.com\"]\nfailure_delay = \"1ms\"\n{sockets}"
    )
}

impl Program for Place {
    fn name(&self) -> &'static str {
        self.site.server.name()
    }

    fn package(&self) -> &'static str {
        self.site.server.package()
    }

    fn mechanisms(&self) -> &'static [&'static str] {
        OF_GNU_SASL
    }

    fn machine(&self) -> &Machine {
        &self.site.machine
    }

    fn helper(&mut self) -> &mut Ours {
        self.ours.as_mut().unwrap()
    }

    /// Accepted is who has sent a message through the server.
    fn log_in(&self, mechanism: &str, user: &str, password: &str) -> Answer {
        let login = Login::right(mechanism).user(user).password(password);
        let report = self.site.send(Client::Msmtp, &login);
        if report.text.contains("235 ") {
            self.site.arrives(Client::Msmtp, &login, &report);
            return Answer::Accepted;
        }
        let refusal = report.refusal().unwrap_or_else(|| panic!("{}\n{}", report.text, self.log()));
        Answer::Refused(refusal.split(' ').take(1).collect())
    }

    fn log(&self) -> String {
        self.site.log()
    }
}

fn relays_for_those_who_log_in_only(server: Server) {
    let mut place = Place::furnish(Site::of(server), Helper::Ours, &[ACCOUNT]);
    let offered = place.site.dialogue().offered();
    assert!(offered.contains("DIGEST-MD5"), "{offered}");
    assert!(!offered.contains("PLAIN") && !offered.contains("LOGIN"), "without TLS: {offered}");
    place.site.turns_a_stranger_away();
    walk(&mut place);
    assert!(!place.site.arrived().iter().any(|message| message.contains("from-a-stranger")));
}

#[test]
fn postfix_relays_by_libsasl2() {
    relays_for_those_who_log_in_only(Server::SaslPostfix);
}

#[test]
fn exim_relays_by_libsasl2() {
    relays_for_those_who_log_in_only(Server::SaslExim);
}

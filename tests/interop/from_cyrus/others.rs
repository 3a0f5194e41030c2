//! Programs on the move that are no mail servers.

use crate::machine::Machine;
use crate::sasl::served::{IMAP_ALONE, bind, imap, start, wait_for_port};
use crate::sasl::walk::Answer;

use super::{Move, OLD_FILE, Server, prepare, start_saslauthd};

struct Other {
    machine: Machine,
    heading: &'static str,
    port: u16,
    log_in: fn(&Machine, &str, &str, &str) -> Answer,
}

impl Server for Other {
    fn heading(&self) -> &'static str {
        self.heading
    }

    fn machine(&self) -> &Machine {
        &self.machine
    }

    fn relays_mail(&self) -> bool {
        false
    }

    fn lets_in(&self, mechanism: &str, user: &str, password: &str) -> bool {
        wait_for_port(&self.machine, self.port);
        (self.log_in)(&self.machine, mechanism, user, password) == Answer::Accepted
    }

    fn turns_a_stranger_away(&self) {
        assert!(!self.lets_in("DIGEST-MD5", "nobody", "secret"));
    }
}

/// The mechanisms that sasldb2 and saslauthd serve.
const MECH_LIST: &str = "mech_list: DIGEST-MD5 CRAM-MD5 LOGIN PLAIN\n";

fn from_cyrus_imap() -> Move<Other> {
    let machine = Machine::over(&["cyrus", "mail", "sasl"]);
    prepare(&machine);
    machine.write("/etc/cyrus.conf", IMAP_ALONE);
    let lines = format!("{OLD_FILE}{MECH_LIST}").lines().map(|line| format!("sasl_{line}\n")).collect::<String>();
    machine.write("/root/lines", &format!("{lines}failedloginpause: 0\n"));
    machine.shell("sed -i '/^sasl_pwcheck_method/d' /etc/imapd.conf; cat /root/lines >>/etc/imapd.conf");
    start_saslauthd(&machine, "");
    start(&machine, "cyrus-imapd");
    Move { server: Other { machine, heading: "### Cyrus IMAP", port: 143, log_in: imap } }
}

/// slapd has its mechanisms and libsasl2's plugin in the directory itself.
const OF_SLAPD: &str = "\
dn: cn=config
changetype: modify
replace: olcSaslAuxprops
olcSaslAuxprops: sasldb
-
replace: olcSaslHost
olcSaslHost: mail.example.com
-
replace: olcSaslSecProps
olcSaslSecProps: noanonymous
";

fn from_openldap() -> Move<Other> {
    let machine = Machine::over(&["slapd", "sasl"]);
    prepare(&machine);
    machine.shell("usermod -a -G sasl openldap; chgrp sasl /etc/sasldb2; mkdir -p /etc/ldap/sasl2");
    machine.write(
        "/etc/ldap/sasl2/slapd.conf",
        &format!("{OLD_FILE}{}", MECH_LIST.replace("mech_list:", "mech_list: EXTERNAL")),
    );
    start_saslauthd(&machine, "");
    start(&machine, "slapd");
    wait_for_port(&machine, 389);
    machine.write("/root/old.ldif", OF_SLAPD);
    machine.shell("ldapmodify -Q -Y EXTERNAL -H ldapi:/// -f /root/old.ldif; service slapd stop");
    start(&machine, "slapd");
    Move { server: Other { machine, heading: "### OpenLDAP", port: 389, log_in: bind } }
}

fn moves_and_goes_back(program: &Move<Other>) {
    program.moves();
    program.follow("### With the old file");
    program.returns();
}

#[test]
fn cyrus_imap_moves_and_goes_back_to_the_old_file() {
    moves_and_goes_back(&from_cyrus_imap());
}

#[test]
fn openldap_moves_and_goes_back_to_the_old_file() {
    moves_and_goes_back(&from_openldap());
}

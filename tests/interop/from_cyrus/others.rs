//! Programs on the move that are no mail servers.

use crate::machine::Machine;
use crate::pages::block;
use crate::sasl::served::{IMAP_ALONE, bind, imap, look_into_at, start, wait_for_port};
use crate::sasl::walk::Answer;

use super::{Move, OLD_FILE, Server, prepare, start_saslauthd};

/// How these programs are told of libsasl2.
const LIBSASL2: &str = "docs/libsasl2.md";

struct Other {
    machine: Machine,
    heading: &'static str,
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
    let log_in = |machine: &Machine, mechanism: &str, user: &str, password: &str| {
        wait_for_port(machine, 143);
        imap(machine, mechanism, user, password)
    };
    Move { server: Other { machine, heading: "### Cyrus IMAP", log_in } }
}

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
    // The directory itself has the name of the plugin.
    let ours = block(LIBSASL2, "## OpenLDAP", "olcSaslAuxprops");
    machine.write("/root/old.ldif", &ours.replace("sasldb_rs", "sasldb"));
    machine.shell("ldapmodify -Q -Y EXTERNAL -H ldapi:/// -f /root/old.ldif; service slapd stop");
    start(&machine, "slapd");
    let log_in = |machine: &Machine, mechanism: &str, user: &str, password: &str| {
        wait_for_port(machine, 389);
        bind(machine, mechanism, user, password)
    };
    Move { server: Other { machine, heading: "### OpenLDAP", log_in } }
}

/// Serves one client, to whom it offers this mechanism only: svn takes the one that it holds for the best.
const SVNSERVE_ONCE: &str = "
mkdir -p /etc/sasl2-now
sed 's/^mech_list:.*/mech_list: MECHANISM/' /etc/sasl2/svn.conf >/etc/sasl2-now/svn.conf
SASL_CONF_PATH=/etc/sasl2-now setpriv --reuid svn --regid svn --init-groups \
    svnserve --listen-once --root /srv </dev/null >/var/log/svnserve 2>&1 &
until grep -q ':0E6A .* 0A ' /proc/net/tcp /proc/net/tcp6; do sleep 0.05; done
";

fn from_subversion() -> Move<Other> {
    let machine = Machine::over(&["sasl"]);
    prepare(&machine);
    machine.shell(
        "useradd --system --user-group --groups sasl svn; chgrp sasl /etc/sasldb2; mkdir -p /etc/sasl2; svnadmin create /srv/repository",
    );
    let settings = block(LIBSASL2, "## Subversion", "use-sasl");
    machine.write("/srv/repository/conf/svnserve.conf", &settings.replace("example.com", "mail.example.com"));
    machine.shell("chown -R svn:svn /srv/repository");
    machine.write("/etc/sasl2/svn.conf", &format!("{OLD_FILE}{MECH_LIST}"));
    start_saslauthd(&machine, "");
    let log_in = |machine: &Machine, mechanism: &str, user: &str, password: &str| {
        machine.shell(&SVNSERVE_ONCE.replace("MECHANISM", mechanism));
        look_into_at(machine, 3690, user, password)
    };
    Move { server: Other { machine, heading: "### Subversion", log_in } }
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

#[test]
fn subversion_moves_and_goes_back_to_the_old_file() {
    moves_and_goes_back(&from_subversion());
}

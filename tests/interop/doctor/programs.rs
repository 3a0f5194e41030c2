//! Programs other than mail servers, set up by `sasldb-rs setup`, and what goes wrong with them.

use crate::installed::{follow, install, start_helper};
use crate::machine::{Machine, wait_for};
use crate::sasl::served::{IMAP_ALONE, ask_memcached, bind, imap, wait_for_port};
use crate::sasl::walk::Answer;
use crate::syslog;

use super::{Case, case, findings, is_found_and_mended};

/// A program beside ours, and how somebody logs in to it.
struct Served {
    machine: Machine,
    port: u16,
    log_in: fn(&Machine, &str, &str, &str) -> Answer,
    /// Starts it again where a remedy cannot.
    again: &'static str,
}

impl Served {
    /// Set up by what `setup` says; what is to be run is given to `start`.
    fn set_up(
        roots: &[&str],
        program: &str,
        port: u16,
        log_in: fn(&Machine, &str, &str, &str) -> Answer,
        start: impl FnOnce(&Machine, &str),
    ) -> Self {
        let machine = Machine::over(roots);
        syslog::keep(&machine);
        machine.shell("rm -f /etc/sasldb2");
        install(&machine);
        let commands = follow(&machine, program);
        start_helper(&machine);
        start(&machine, &commands);
        Self { machine, port, log_in, again: "" }
    }

    #[track_caller]
    fn lets_in(&self) {
        wait_for_port(&self.machine, self.port);
        for mechanism in ["SCRAM-SHA-256", "DIGEST-MD5", "PLAIN"] {
            wait_for(mechanism, || {
                ((self.log_in)(&self.machine, mechanism, "mailman", "secret") == Answer::Accepted).then_some(())
            });
            let wrong = (self.log_in)(&self.machine, mechanism, "mailman", "wrong");
            assert_ne!(wrong, Answer::Accepted, "{mechanism}");
        }
    }

    fn each_is_found_and_mended(&self, cases: &[Case]) {
        wait_for_port(&self.machine, self.port);
        assert_eq!(findings(&self.machine), [] as [serde_json::Value; 0], "all is as setup says");
        self.lets_in();
        for case in cases {
            is_found_and_mended(&self.machine, case);
            self.machine.shell(&format!("{{ {}\n:; }} </dev/null >/var/log/again.log 2>&1", self.again));
            self.lets_in();
        }
    }
}

pub(super) const CYRUS: &[Case] = &[
    case(
        "sasl-verifier",
        "sasl_pwcheck_method: saslauthd",
        "sed -i 's/^sasl_pwcheck_method.*/sasl_pwcheck_method: auxprop/' /etc/imapd.conf",
    ),
    case("sasl-mux", "sasl_saslauthd_path: /run/sasldb-rs/mux", "sed -i '/^sasl_saslauthd_path/d' /etc/imapd.conf"),
    case("sasl-realm", "servername: example.com", "echo 'servername: elsewhere.example' >>/etc/imapd.conf"),
    case("sasl-mechanisms", "sasl_mech_list: SCRAM-SHA-256", "sed -i '/^sasl_mech_list/d' /etc/imapd.conf"),
    case(
        "not-a-peer",
        "{ user = \"cyrus\" }",
        "stop; sed -i 's/{ user = \"cyrus\" }/{ user = \"daemon\" }/' $config; start",
    ),
];

#[test]
fn cyrus_imap_is_set_up_and_mended() {
    let cyrus = Served::set_up(&["cyrus", "mail"], "cyrus-imap", 143, imap, |machine, commands| {
        machine.write("/etc/cyrus.conf", IMAP_ALONE);
        machine.shell(&format!(
            "echo 'failedloginpause: 0' >>/etc/imapd.conf; {{ {commands}\n}} </dev/null >/var/log/start.log 2>&1"
        ));
    });
    cyrus.each_is_found_and_mended(CYRUS);
}

/// Changes cn=config of slapd.
macro_rules! directory {
    ($($line:literal)*) => {
        concat!(
            "printf '%s\\n' 'dn: cn=config' 'changetype: modify'",
            $(" '", $line, "'",)*
            " | ldapmodify -Q -Y EXTERNAL -H ldapi:/// >/var/log/ldap.log"
        )
    };
}

pub(super) const SLAPD: &[Case] = &[
    case("sasl-plugin", "olcSaslAuxprops: sasldb_rs", directory!("delete: olcSaslAuxprops")),
    case("sasl-realm", "olcSaslHost: example.com", directory!("replace: olcSaslHost" "olcSaslHost: elsewhere.example")),
    case(
        "sasl-realm",
        "olcSaslRealm: example.com",
        directory!("replace: olcSaslRealm" "olcSaslRealm: elsewhere.example"),
    ),
    case(
        "sasl-lookup",
        "sasldb_rs_socket: /run/sasldb-rs/lookup",
        "echo 'sasldb_rs_socket: /run/other' >>/etc/ldap/sasl2/slapd.conf",
    ),
];

#[test]
fn openldap_is_set_up_and_mended() {
    let slapd = Served::set_up(&["slapd", "sasl"], "openldap", 389, bind, |machine, commands| {
        machine.shell("/etc/init.d/slapd start </dev/null >/var/log/start.log 2>&1");
        wait_for_port(machine, 389);
        machine.shell(&format!(
            "{{ {commands}\n}} </dev/null >/var/log/start.log 2>&1 || {{ cat /var/log/start.log; exit 1; }}"
        ));
    });
    slapd.each_is_found_and_mended(SLAPD);
}

pub(super) const MEMCACHED: &[Case] = &[
    case(
        "sasl-plugin",
        "auxprop_plugin: sasldb_rs",
        "sed -i 's/^auxprop_plugin: .*/auxprop_plugin: sasldb/' /etc/sasl2/memcached.conf",
    ),
    case("plugin-missing", "install -m 644", "rm /usr/lib/*/sasl2/libsasldb_rs.so"),
];

#[test]
fn memcached_is_set_up_and_mended() {
    // What Debian's script does, which needs more of a machine.
    const START: &str = "kill $(pidof memcached) 2>/dev/null || true; while pidof memcached; do sleep 0.1; done
        memcached -d $(grep '^-[Slu]' /etc/memcached.conf)";
    let mut memcached = Served::set_up(&["sasl", "clients"], "memcached", 11211, ask_memcached, |machine, _| {
        machine.write("/root/client.py", include_str!("../programs/memcached.py"));
        machine.shell(&format!("rm -f /etc/init.d/memcached; {{ {START}\n}} >/var/log/start.log 2>&1"));
    });
    memcached.again = START;
    memcached.each_is_found_and_mended(MEMCACHED);
}

pub(super) const SVNSERVE: &[Case] = &[
    case("sasl-file-writable", "chmod o-w /etc/sasl2/svn.conf", "chmod o+w /etc/sasl2/svn.conf"),
    case("folder-closed", "chmod o+x", "chmod 700 /run/sasldb-rs"),
];

/// Its client takes the mechanism that is best.
fn look_into(machine: &Machine, _mechanism: &str, user: &str, password: &str) -> Answer {
    let login = ["--username", user, "--password", password, "--no-auth-cache", "--non-interactive"];
    let ran = machine.run("svn", &[&["info", "svn://127.0.0.1/repository"][..], &login].concat());
    if ran.status == 0 { Answer::Accepted } else { Answer::Refused(ran.text) }
}

#[test]
fn subversion_is_set_up_and_mended() {
    const START: &str = "kill $(pidof svnserve) 2>/dev/null || true; while pidof svnserve; do sleep 0.1; done
        setpriv --reuid daemon --regid daemon --clear-groups svnserve --daemon --root /srv";
    let machine = Machine::over(&["sasl"]);
    syslog::keep(&machine);
    machine.shell("rm -f /etc/sasldb2; svnadmin create /srv/repository; chown -R daemon /srv/repository; ln -s /srv/repository/conf /conf");
    install(&machine);
    // As whom it runs is told by the process.
    machine.shell(&format!("{{ {START}\n}} >/var/log/start.log 2>&1"));
    follow(&machine, "svnserve");
    start_helper(&machine);
    machine.shell(&format!("{{ {START}\n}} >/var/log/start.log 2>&1"));
    let svnserve = Served { machine, port: 3690, log_in: look_into, again: START };
    svnserve.each_is_found_and_mended(SVNSERVE);
}

pub(super) const SASLPASSWD2: &[Case] = &[
    case("sasl-store", "[[store]]", "stop; sed -i '/^\\[\\[store/,$d' $config; start"),
    case(
        "sasl-store",
        "sasldb_rs_store: /run/sasldb-rs/store",
        "echo 'sasldb_rs_store: /run/other' >>/etc/sasl2/saslpasswd.conf",
    ),
];

#[test]
fn saslpasswd2_is_set_up_and_mended() {
    let machine = Machine::over(&["sasl"]);
    machine.shell("rm -f /etc/sasldb2");
    install(&machine);
    follow(&machine, "saslpasswd2");
    start_helper(&machine);
    let makes = |name: &str| {
        let ran = machine.run_with("saslpasswd2", &["-p", "-c", name], "secret");
        assert_eq!(ran.status, 0, "{}", ran.text);
        assert_eq!(machine.run_with("sasldb-rs", &["verify", name], "secret").status, 0);
    };
    makes("anna");
    for (case, name) in SASLPASSWD2.iter().zip(["berta", "clara"]) {
        is_found_and_mended(&machine, case);
        makes(name);
    }
}

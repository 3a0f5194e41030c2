//! Servers of Debian that are no mail servers, each in a machine of its own, with a client for every mechanism.

use crate::helper::Ours;
use crate::machine::{Machine, wait_for};
use crate::pages::block;
use crate::syslog;

use super::relays::with_realms;
use super::site::{PAGE, install_plugin, sasl_file, sockets};
use super::walk::{ACCOUNT, Answer, MECHANISMS, OF_GNU_SASL, Program, walk};

struct Served {
    name: &'static str,
    package: &'static str,
    mechanisms: &'static [&'static str],
    log_in: fn(&Machine, &str, &str, &str) -> Answer,
    /// It goes before the machine, whose folder has its log.
    helper: Ours,
    machine: Machine,
}

impl Served {
    /// Not set up yet, but its helper runs, and gives something to this user of the machine.
    fn over(roots: &[&str], user: &str, (name, package): (&'static str, &'static str)) -> Self {
        let machine = Machine::over(roots);
        syslog::keep(&machine);
        install_plugin(&machine);
        machine.shell("rm -f /etc/sasldb2");
        let mut helper = Ours::beside(&machine);
        helper.configure(&with_realms(&sockets(&machine, user)));
        helper.saslpasswd(&["-p", "-c"], ACCOUNT.0, ACCOUNT.1);
        helper.start();
        Self { name, package, mechanisms: &MECHANISMS, log_in: |_, _, _, _| Answer::Accepted, helper, machine }
    }
}

impl Program for Served {
    fn name(&self) -> &'static str {
        self.name
    }

    fn package(&self) -> &'static str {
        self.package
    }

    fn mechanisms(&self) -> &'static [&'static str] {
        self.mechanisms
    }

    fn machine(&self) -> &Machine {
        &self.machine
    }

    fn helper(&mut self) -> &mut Ours {
        &mut self.helper
    }

    fn log_in(&self, mechanism: &str, user: &str, password: &str) -> Answer {
        (self.log_in)(&self.machine, mechanism, user, password)
    }

    fn log(&self) -> String {
        self.machine.run("tail", &["-n", "60", "/var/log/mail.log"]).text
    }
}

/// The file that the page shows, with the mechanism that is not there by default.
fn every_mechanism() -> String {
    sasl_file().replace("mech_list:", "mech_list: SCRAM-SHA-512")
}

pub(crate) fn wait_for_port(machine: &Machine, port: u16) {
    let knock = format!("</dev/tcp/127.0.0.1/{port}");
    wait_for(&format!("port {port}"), || (machine.run("bash", &["-c", &knock]).status == 0).then_some(()));
}

/// Runs a service of the machine, which may take a while to listen.
pub(crate) fn start(machine: &Machine, service: &str) {
    machine.shell(&format!("service {service} start </dev/null >/var/log/start.log 2>&1"));
}

/// Debian's file names services of other packages, which have to be there too.
pub(crate) const IMAP_ALONE: &str = r#"
START {
  recover cmd="/usr/sbin/cyrus ctl_cyrusdb -r"
}
SERVICES {
  imap cmd="imapd -U 30" listen="imap" prefork=0
}
"#;

#[test]
fn cyrus_imap_lets_in_by_every_mechanism() {
    let mut cyrus = Served::over(&["cyrus", "mail"], "cyrus", ("Cyrus IMAP", "cyrus-imapd"));
    let machine = &cyrus.machine;
    machine.write("/etc/cyrus.conf", IMAP_ALONE);
    let lines = block(PAGE, "## Cyrus IMAP", "sasl_auxprop_plugin");
    machine.write("/root/lines", &format!("{lines}failedloginpause: 0\n"));
    machine.shell("sed -i '/^sasl_pwcheck_method/d' /etc/imapd.conf; cat /root/lines >>/etc/imapd.conf");
    start(machine, "cyrus-imapd");
    wait_for_port(machine, 143);
    (cyrus.log_in, cyrus.mechanisms) = (imap, OF_GNU_SASL);
    walk(&mut cyrus);
}

/// Says no reason but what the server sends: `NO`, and a code where there is one.
pub(crate) fn imap(machine: &Machine, mechanism: &str, user: &str, password: &str) -> Answer {
    let arguments = ["-i0", "gsasl", "--imap", "--connect", "mail.example.com:143", "--hostname", "mail.example.com"];
    let login = ["--no-starttls", "--mechanism", mechanism, "--authentication-id", user, "--password", password];
    // Asked for a quality of protection and a realm it gets none: its own choice counts.
    let ran = machine.run_with("stdbuf", &[&arguments[..], &login].concat(), "\n\n");
    if ran.text.contains(". OK [CAPABILITY") && ran.text.contains("Client authentication finished") {
        return Answer::Accepted;
    }
    let refusal = ran.text.lines().rfind(|line| line.starts_with(". NO ") || line.starts_with("* BYE "));
    Answer::Refused(refusal.map(|line| line[2..].to_owned()).unwrap_or_else(|| panic!("{}", ran.text)))
}

#[test]
fn openldap_binds_by_every_mechanism() {
    let mut slapd = Served::over(&["slapd", "sasl"], "openldap", ("OpenLDAP", "slapd"));
    let machine = &slapd.machine;
    let file = every_mechanism().replace("mech_list:", "mech_list: EXTERNAL");
    machine.write("/etc/ldap/sasl2/slapd.conf", &file);
    machine.write("/etc/ldap/sasl.ldif", &block(PAGE, "## OpenLDAP", "olcSaslAuxprops"));
    start(machine, "slapd");
    wait_for_port(machine, 389);
    let lines = block(PAGE, "## OpenLDAP", "ldapmodify");
    machine.shell(&format!(
        "{{ {lines}\n}} </dev/null >>/var/log/start.log 2>&1 || {{ cat /var/log/start.log; exit 1; }}"
    ));
    wait_for_port(machine, 389);
    slapd.log_in = bind;
    walk(&mut slapd);
}

pub(crate) fn bind(machine: &Machine, mechanism: &str, user: &str, password: &str) -> Answer {
    let arguments = ["-H", "ldap://mail.example.com", "-O", "none", "-Y", mechanism, "-U", user, "-w", password];
    let ran = machine.run("ldapwhoami", &arguments);
    if ran.status == 0 {
        assert!(ran.text.contains(&format!("dn:uid={user}")), "{}", ran.text);
        return Answer::Accepted;
    }
    let refusal = ran.text.lines().find_map(|line| line.strip_prefix("ldap_sasl_interactive_bind: "));
    Answer::Refused(refusal.unwrap_or_else(|| panic!("{}", ran.text)).to_owned())
}

/// It has no way to offer one mechanism to one client, so there is one server for each.
const SVNSERVE: &str = "
mkdir /etc/sasl2-MECHANISM
sed 's/^mech_list:.*/mech_list: MECHANISM/' /etc/sasl2/svn.conf >/etc/sasl2-MECHANISM/svn.conf
SASL_CONF_PATH=/etc/sasl2-MECHANISM setpriv --reuid 1000 --regid 1000 --clear-groups \
    svnserve --daemon --root /srv --listen-port PORT
";

fn svn_port(mechanism: &str) -> u16 {
    (3690_u16..).zip(MECHANISMS).find(|(_, of)| *of == mechanism).unwrap().0
}

#[test]
fn subversion_lets_in_by_every_mechanism() {
    let mut svn = Served::over(&["sasl"], "1000", ("svnserve", "subversion"));
    let machine = &svn.machine;
    machine.write("/etc/sasl2/svn.conf", &every_mechanism());
    machine.shell("svnadmin create /srv/repository");
    machine.write("/srv/repository/conf/svnserve.conf", &block(PAGE, "## Subversion", "use-sasl"));
    machine.shell("chown -R 1000:1000 /srv/repository");
    for mechanism in MECHANISMS {
        let port = svn_port(mechanism);
        machine.shell(&SVNSERVE.replace("MECHANISM", mechanism).replace("PORT", &port.to_string()));
        wait_for_port(machine, port);
    }
    svn.log_in = look_into;
    walk(&mut svn);
}

fn look_into(machine: &Machine, mechanism: &str, user: &str, password: &str) -> Answer {
    look_into_at(machine, svn_port(mechanism), user, password)
}

pub(crate) fn look_into_at(machine: &Machine, port: u16, user: &str, password: &str) -> Answer {
    let place = format!("svn://127.0.0.1:{port}/repository");
    let login = ["--username", user, "--password", password, "--no-auth-cache", "--non-interactive"];
    let ran = machine.run("svn", &[&["info", "--show-item", "revision", &place][..], &login].concat());
    if ran.status == 0 {
        return Answer::Accepted;
    }
    // libsasl2's number and text; what the mechanism has to say of it comes behind.
    let reason = ran.text.split_once("SASL(").map(|(_, reason)| reason.split(": ").take(2).collect::<Vec<_>>());
    let reason = reason.unwrap_or_else(|| panic!("{}", ran.text));
    Answer::Refused(format!("SASL({}", reason.join(": ").trim_end()))
}

#[test]
fn memcached_lets_in_by_every_mechanism() {
    let mut memcached = Served::over(&["sasl", "clients"], "memcache", ("memcached", "memcached"));
    let machine = &memcached.machine;
    machine.write("/etc/sasl2/memcached.conf", &every_mechanism());
    machine.write("/root/client.py", include_str!("../programs/memcached.py"));
    machine.shell("memcached -S -d -u memcache -l 127.0.0.1 >/var/log/start.log 2>&1");
    wait_for_port(machine, 11211);
    memcached.log_in = ask_memcached;
    walk(&mut memcached);
}

pub(crate) fn ask_memcached(machine: &Machine, mechanism: &str, user: &str, password: &str) -> Answer {
    let ran = machine.run("python3", &["/root/client.py", mechanism, user, password]);
    assert_eq!(ran.status, 0, "{}", ran.text);
    match ran.text.trim() {
        "0x00" => Answer::Accepted,
        status => Answer::Refused(status.to_owned()),
    }
}

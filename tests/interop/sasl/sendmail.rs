//! Sendmail, with the lines of the README.

use crate::clients::{Client, Login};
use crate::machine::Machine;
use crate::pages::block;
use crate::place::{Helper, Place};
use crate::servers::Server;
use crate::site::{CERTIFICATE, Site};
use crate::syslog;

use super::site::install_plugin;
use super::walk::{ACCOUNT, walk};

const HEADING: &str = "## sendmail";

/// Debian's settings for one machine that has no network, for this one: the clients come from an address that is none of
/// Sendmail's own, at any rate, and however busy the machine is with others.
const PRIVATE_NETWORK: &str = r"
ip address add 198.51.100.7/32 dev lo
ip route replace local 192.0.2.1 dev lo table local src 198.51.100.7
echo 198.51.100.7 client.example.org >>/etc/hosts
cp /etc/mail/service.switch-nodns /etc/mail/service.switch
sed -i -e 's/, Addr=127.0.0.1//' -e '/CONNECTION_RATE/d' \
    -e '/^FEATURE(`\(greet_pause\|conncontrol\|ratecontrol\)/d' /etc/mail/sendmail.mc
";

const NEXT_HOP: &str = "
define(`confDOMAIN_NAME', `mail.example.com')dnl
define(`confDONT_PROBE_INTERFACES', `true')dnl
define(`confQUEUE_LA', `9999')dnl
define(`confREFUSE_LA', `9999')dnl
define(`SMART_HOST', `relay:[127.0.0.1]')dnl
define(`RELAY_MAILER_ARGS', `TCP $h 2525')dnl
define(`confSERVER_CERT', `CERTIFICATE')dnl
define(`confSERVER_KEY', `/etc/ssl/private/mail.key')dnl
define(`confCACERT', `CERTIFICATE')dnl
define(`confCACERT_PATH', `/etc/ssl/certs')dnl
";

/// The mechanisms of the README's lines, and with those that may be added.
const MECHANISMS: &str = "EXTERNAL DIGEST-MD5";
const WITH_SCRAM: &str = "EXTERNAL SCRAM-SHA-256 SCRAM-SHA-1 DIGEST-MD5";

/// Debian's Sendmail, with what a private network needs.
pub(crate) fn prepare(machine: &Machine) {
    syslog::keep(machine);
    machine.shell(PRIVATE_NETWORK);
    add(machine, &NEXT_HOP.replace("CERTIFICATE", CERTIFICATE));
}

pub(crate) fn set_up(machine: &Machine) {
    relay(machine);
    install_plugin(machine);
    // With it, the first start of Debian's Sendmail makes an empty /etc/sasldb2.
    machine.shell("dpkg --purge sasl2-bin >/var/log/purge.log 2>&1");
    machine.write("/etc/sasl2/Sendmail.conf", &block("README.md", HEADING, "auxprop_plugin"));
}

/// Makes it relay to the next hop for those who log in, by whatever libsasl2 is told to ask.
pub(crate) fn relay(machine: &Machine) {
    prepare(machine);
    add(machine, &block("README.md", HEADING, "TRUST_AUTH_MECH"));
}

/// Adds lines to sendmail.mc, in the place that the README names.
pub(crate) fn add(machine: &Machine, lines: &str) {
    let settings = machine.shell("cat /etc/mail/sendmail.mc");
    let (before, mailers) = settings.split_once("MAILER_DEFINITIONS\n").unwrap();
    machine.write("/etc/mail/sendmail.mc", &[before, lines, "MAILER_DEFINITIONS\n", mailers].concat());
}

pub(crate) fn start() -> String {
    block("README.md", HEADING, "m4 ")
}

/// The same process has logged the login and the message.
pub(crate) fn login_of(log: &str, message: &str) -> Option<(String, String)> {
    let line = log.lines().find(|line| line.contains(&format!("{message}: from=")))?;
    let process = line.split_whitespace().find(|word| word.starts_with("sm-mta["))?;
    let login = log.lines().rfind(|line| line.contains(&format!("{process} AUTH=server")))?;
    let (user, rest) = login.split_once("authid=")?.1.split_once(", mech=")?;
    Some((rest.split(',').next()?.to_owned(), user.to_owned()))
}

#[test]
fn sendmail_relays_for_those_who_log_in_only() {
    let mut place = Place::furnish(Site::of(Server::Sendmail), Helper::Ours, &[ACCOUNT]);
    let site = &place.site;
    assert_eq!(site.dialogue().offered(), "250-AUTH DIGEST-MD5 CRAM-MD5", "readable passwords under TLS only");
    site.turns_a_stranger_away();
    relays_by(site, &["DIGEST-MD5", "CRAM-MD5", "LOGIN", "PLAIN"]);
    relays_by_certificate(site);

    site.machine.shell(&format!("sed -i 's/{MECHANISMS}/{WITH_SCRAM}/' /etc/mail/sendmail.mc"));
    add(&site.machine, &block("README.md", HEADING, "LOG_LEVEL"));
    site.start();
    walk(&mut place);
    let log = place.site.log();
    assert!(log.contains(&format!("allowed mech={WITH_SCRAM}")), "{log}");
    assert!(log.contains("sasldb_rs: cannot connect to /run/sasldb-rs/lookup"), "{log}");
    assert!(!place.site.arrived().iter().any(|message| message.contains("from-a-stranger")));
}

fn relays_by(site: &Site, mechanisms: &[&str]) {
    for mechanism in mechanisms {
        let login = Login::right(mechanism);
        let reply = site.refuses(Client::Msmtp, &login.password("wrong"));
        assert!(reply.starts_with("535 "), "{mechanism}: {reply}");
        for user in ["mailman", "mailman@example.com"] {
            site.relays(Client::Msmtp, &login.user(user));
        }
    }
}

/// Sendmail checks the certificate, here its own, and neither libsasl2 nor the helper has a part in it.
fn relays_by_certificate(site: &Site) {
    let server = ["--debug", "--host=mail.example.com", "--auth=external", "--user=mailman", "--tls=on"];
    let key = [&format!("--tls-trust-file={CERTIFICATE}"), "--tls-key-file=/etc/ssl/private/mail.key"];
    let mail = [&format!("--tls-cert-file={CERTIFICATE}"), "--from=mailman@example.com", "friend@elsewhere.example"];
    let text = "Subject: by certificate\n\nHello.\n";
    let ran = site.machine.run_with("msmtp", &[&server[..], &key, &mail].concat(), text);
    assert!(ran.status == 0 && ran.text.contains("235 "), "{}\n{}", ran.text, site.log());
    assert!(site.log().contains("mech=EXTERNAL"), "{}", site.log());
}

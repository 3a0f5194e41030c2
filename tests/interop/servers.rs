//! The mail servers: how each is set up, started, and asked who logged in.

use crate::clients::SERVER;
use crate::machine::Machine;
use crate::opensmtpd;
use crate::pages::{blocks, contrib};
use crate::sasl::{relays, sendmail};
use crate::site::CERTIFICATE;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Server {
    Postfix,
    Exim,
    Chasquid,
    Sendmail,
    /// As it is where libsasl2 is asked instead of the dovecot socket.
    SaslPostfix,
    SaslExim,
    /// It asks nobody: the accounts have to be exported for it.
    OpenSmtpd,
}

/// Challenge mechanisms for which each server has a port that offers nothing else, for clients that take what is best.
const ALONE: [&str; 4] = ["DIGEST-MD5", "CRAM-MD5", "SCRAM-SHA-1", "SCRAM-SHA-256"];

/// The port on which a server offers this mechanism, perhaps alone.
pub(crate) fn port_of(mechanism: &str) -> usize {
    ALONE.iter().position(|alone| *alone == mechanism).map_or(25, |position| 1001 + position)
}

impl Server {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Postfix => "Postfix",
            Self::Exim => "Exim",
            Self::Chasquid => "chasquid",
            Self::Sendmail => "Sendmail",
            Self::SaslPostfix => "Postfix (cyrus)",
            Self::SaslExim => "Exim (cyrus_sasl)",
            Self::OpenSmtpd => "OpenSMTPD",
        }
    }

    /// The roots that a machine needs for this server and every client; where libsasl2 is asked, for those of `mail`.
    pub(crate) fn roots(self) -> &'static [&'static str] {
        match self {
            Self::Postfix => &["mail", "clients"],
            Self::Exim => &["exim", "clients", "mail"],
            Self::Chasquid => &["chasquid", "clients", "mail"],
            Self::Sendmail => &["sendmail", "mail"],
            Self::SaslPostfix => &["mail", "sasl"],
            Self::SaslExim => &["exim", "mail", "sasl"],
            Self::OpenSmtpd => &["opensmtpd", "mail"],
        }
    }

    pub(crate) fn mechanisms(self) -> &'static [&'static str] {
        match self {
            Self::Postfix | Self::Exim | Self::SaslPostfix | Self::SaslExim => {
                &["SCRAM-SHA-256", "SCRAM-SHA-1", "DIGEST-MD5", "CRAM-MD5", "LOGIN", "PLAIN"]
            }
            Self::Chasquid => &["PLAIN"],
            Self::OpenSmtpd => &["LOGIN", "PLAIN"],
            Self::Sendmail => &["DIGEST-MD5", "CRAM-MD5", "LOGIN", "PLAIN"],
        }
    }

    /// What it tells a stranger whose mail goes elsewhere.
    pub(crate) fn refusal(self) -> &'static str {
        match self {
            Self::Postfix | Self::SaslPostfix => "554 5.7.1 <friend@elsewhere.example>: Relay access denied",
            Self::Exim | Self::SaslExim => "550 relay not permitted",
            Self::Chasquid => "550 5.7.9 Mail to submission port must be authenticated",
            Self::Sendmail => {
                "550 5.7.1 <friend@elsewhere.example>... Relaying denied. Proper authentication required."
            }
            Self::OpenSmtpd => "550 Invalid recipient: <friend@elsewhere.example>",
        }
    }

    /// Installs the server so that it relays to the next hop for those who log in, which nobody can yet.
    pub(crate) fn prepare(self, machine: &Machine) {
        match self {
            Self::Postfix | Self::SaslPostfix => prepare_postfix(machine),
            Self::Exim | Self::SaslExim => exim_with(machine, ""),
            Self::Chasquid => prepare_chasquid(machine),
            Self::Sendmail => sendmail::prepare(machine),
            Self::OpenSmtpd => opensmtpd::set_up(machine),
        }
    }

    /// Makes the server relay to the next hop for those who log in. Its helper need not be there yet.
    pub(crate) fn set_up(self, machine: &Machine) {
        match self {
            Self::Postfix => set_up_postfix(machine),
            Self::Exim => set_up_exim(machine),
            Self::Chasquid => set_up_chasquid(machine),
            Self::Sendmail => sendmail::set_up(machine),
            Self::SaslPostfix => relays::set_up_sasl_postfix(machine),
            Self::SaslExim => relays::set_up_sasl_exim(machine),
            Self::OpenSmtpd => opensmtpd::set_up(machine),
        }
    }

    pub(crate) fn start(self, machine: &Machine) {
        self.start_with(
            machine,
            &match self {
                Self::SaslPostfix => relays::postfix(),
                Self::Postfix => block_of_the_readme("## Postfix"),
                Self::Sendmail => sendmail::start(),
                Self::OpenSmtpd => opensmtpd::start(),
                Self::Exim | Self::SaslExim | Self::Chasquid => String::new(),
            },
        );
    }

    /// Starts it, and gives it the lines for a server that runs.
    pub(crate) fn start_with(self, machine: &Machine, lines: &str) {
        // Where the machine is busy, Postfix runs a moment after its start.
        let running = "postfix start\nuntil postfix status; do sleep 0.1; done\n";
        let postfix = [running, lines].concat();
        let commands = match self {
            Self::Postfix | Self::SaslPostfix => &postfix,
            Self::Sendmail | Self::OpenSmtpd => lines,
            Self::Exim | Self::SaslExim => "exim4 -bd -q1h",
            Self::Chasquid => {
                "setpriv --reuid chasquid --regid chasquid --clear-groups --inh-caps +net_bind_service \
                 --ambient-caps +net_bind_service chasquid -testing__outgoing_smtp_port 2525 &"
            }
        };
        // Postfix tells its log, not its starter, why it did not start.
        let why = "trap 'cat $log; tail -n 12 /var/log/mail.log 2>/dev/null || true' EXIT; log=/var/log/start.log";
        machine.shell(&format!("{why}; {{ {commands}\n}} </dev/null >$log 2>&1"));
    }

    pub(crate) fn log(self, machine: &Machine) -> String {
        machine.shell(self.log_command())
    }

    /// Prints its log.
    pub(crate) fn log_command(self) -> &'static str {
        match self {
            Self::Postfix | Self::SaslPostfix | Self::Sendmail | Self::OpenSmtpd => "cat /var/log/mail.log",
            Self::Exim | Self::SaslExim => "cat /var/log/exim4/mainlog",
            Self::Chasquid => "cat /var/log/start.log /var/log/chasquid/mail.log",
        }
    }

    /// The package it comes in.
    pub(crate) fn package(self) -> &'static str {
        match self {
            Self::Postfix | Self::SaslPostfix => "postfix",
            Self::Exim | Self::SaslExim => "exim4-daemon-heavy",
            Self::Chasquid => "chasquid",
            Self::Sendmail => "sendmail-bin",
            Self::OpenSmtpd => "opensmtpd",
        }
    }

    /// What the server's log says of the login that `arrived`, a message at the next hop, came in with: mechanism and
    /// user. None where the log can't tell.
    pub(crate) fn login_of(self, log: &str, arrived: &str) -> Option<(String, String)> {
        let id = match self {
            Self::Postfix | Self::SaslPostfix | Self::Sendmail => {
                arrived.split(" id ").nth(2)?.split_whitespace().next()?
            }
            Self::Exim | Self::SaslExim => arrived.split("\tid ").nth(1)?.split_whitespace().next()?,
            Self::Chasquid | Self::OpenSmtpd => return None,
        };
        let line = |start: &str| log.lines().find(|line| line.contains(start));
        match self {
            Self::Postfix | Self::SaslPostfix => {
                let (_, login) = line(&format!("{id}: client="))?.split_once("sasl_method=")?;
                let (mechanism, user) = login.split_once(", sasl_username=")?;
                Some((mechanism.to_owned(), user.to_owned()))
            }
            Self::Exim | Self::SaslExim => {
                let (_, login) = line(&format!("{id} <= "))?.split_once(" A=")?;
                let (authenticator, user) = login.split_whitespace().next()?.split_once(':')?;
                let authenticator = authenticator.rsplit_once('_')?.0;
                Some((authenticator.replace('_', "-").to_uppercase(), user.to_owned()))
            }
            Self::Sendmail => sendmail::login_of(log, id),
            Self::Chasquid | Self::OpenSmtpd => None,
        }
    }

    /// The user that the server's log names when `typed`, the account of every test, has logged in.
    pub(crate) fn knows(self, typed: &str) -> &str {
        match self {
            Self::Postfix | Self::Exim | Self::Chasquid => "mailman@example.com",
            // It has been told nothing else.
            Self::Sendmail | Self::SaslPostfix | Self::SaslExim | Self::OpenSmtpd => typed,
        }
    }
}

/// The first lines of code below this heading of the README.
fn block_of_the_readme(heading: &str) -> String {
    blocks("README.md", heading).remove(0)
}

/// With the socket of a helper outside of the machine; the README's lines follow when it runs.
pub(crate) fn set_up_postfix(machine: &Machine) {
    prepare_postfix(machine);
    machine.shell("ln -s sasldb-rs/auth /var/spool/postfix/private/auth");
}

/// Debian's Postfix as it is installed, with what a private network needs. The client comes from 192.0.2.1, which is none of Postfix's own
/// networks: a stranger.
fn prepare_postfix(machine: &Machine) {
    machine.shell(&format!(
        "postconf -e myhostname={SERVER} 'mynetworks = 127.0.0.0/8' inet_protocols=ipv4 \
         maillog_file=/var/log/mail.log 'relayhost = [127.0.0.1]:2525' disable_dns_lookups=yes \
         smtp_tls_security_level=none smtpd_tls_security_level=may smtpd_tls_cert_file={CERTIFICATE} \
         smtpd_tls_key_file=/etc/ssl/private/mail.key"
    ));
    for mechanism in ALONE {
        let port = port_of(mechanism);
        machine.shell(&format!(
            "postconf -Me '{port}/inet = {port} inet n - y - - smtpd -o smtpd_sasl_mechanism_filter={mechanism}'"
        ));
    }
}

/// A configuration of the least that relays, around the recipe's authenticators.
fn set_up_exim(machine: &Machine) {
    exim_with(machine, &exim_authenticators());
}

pub(crate) fn exim_with(machine: &Machine, authenticators: &str) {
    machine.write("/etc/exim4/exim4.conf", &EXIM.replace("AUTHENTICATORS", authenticators));
    machine.shell("chgrp -R Debian-exim /etc/ssl/private; chmod 750 /etc/ssl/private; chmod 640 /etc/ssl/private/*");
}

/// The recipe's, each offered on its own port too, and on no other's.
fn exim_authenticators() -> String {
    let all = contrib("exim/authenticators");
    let shown = block_of_the_readme("## Exim");
    let first = shown.strip_prefix("begin authenticators\n").unwrap();
    assert!(all.contains(&format!("\n{first}\n")), "the README shows another block than contrib/exim/authenticators");
    let mut lines = Vec::new();
    for line in all.lines() {
        lines.push(line.to_owned());
        let mechanism = line.strip_prefix("  public_name = ").unwrap_or_default();
        if ALONE.contains(&mechanism) {
            let port = port_of(mechanism);
            lines.push(format!("  server_advertise_condition = ${{if inlist{{$received_port}}{{25:{port}}}}}"));
        }
    }
    lines.join("\n")
}

const EXIM: &str = "\
primary_hostname = mail.example.com
daemon_smtp_ports = 25 : 1001 : 1002 : 1003 : 1004
disable_ipv6
keep_environment =
tls_advertise_hosts = *
tls_certificate = /etc/ssl/certs/mail.example.com.pem
tls_privatekey = /etc/ssl/private/mail.key
smtp_accept_max = 0
host_lookup =
rfc1413_hosts =
acl_smtp_rcpt = check_rcpt
begin acl
check_rcpt:
  accept authenticated = *
  deny message = relay not permitted
begin routers
next_hop:
  driver = manualroute
  transport = remote_smtp
  route_list = * 127.0.0.1::2525
  self = send
begin transports
remote_smtp:
  driver = smtp
begin authenticators
AUTHENTICATORS
";

fn set_up_chasquid(machine: &Machine) {
    prepare_chasquid(machine);
    machine.write("/root/lines", &block_of_the_readme("## chasquid"));
    machine.shell("cat /root/lines >>/etc/chasquid/chasquid.conf");
}

/// chasquid has no relay host: it asks the DNS, here one that knows no name, and then takes the address of the domain.
fn prepare_chasquid(machine: &Machine) {
    machine.shell(
        "getent passwd chasquid >/dev/null || adduser --quiet --system --group --no-create-home chasquid
         mkdir -p /etc/chasquid/domains/example.com /etc/chasquid/certs/mail.example.com /var/lib/chasquid \
            /var/log/chasquid
         cp /etc/ssl/certs/mail.example.com.pem /etc/chasquid/certs/mail.example.com/fullchain.pem
         cp /etc/ssl/private/mail.key /etc/chasquid/certs/mail.example.com/privkey.pem
         chown -R chasquid /etc/chasquid/certs /var/lib/chasquid /var/log/chasquid
         echo nameserver 127.0.0.1 >/etc/resolv.conf
         echo 127.0.0.1 elsewhere.example >>/etc/hosts",
    );
    let settings = "hostname: \"mail.example.com\"\nsubmission_address: \":25\"\nsmtp_address: \"127.0.0.1:2626\"\n\
                    submission_over_tls_address: \"127.0.0.1:2465\"\nmail_log_path: \"/var/log/chasquid/mail.log\"\n";
    machine.write("/etc/chasquid/chasquid.conf", settings);
    machine.write("/srv/no-names.py", NO_NAMES);
    machine.shell("python3 /srv/no-names.py </dev/null >/dev/null 2>&1 &");
}

const NO_NAMES: &str = r#"
import socket

server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
server.bind(("127.0.0.1", 53))
while True:
    query, client = server.recvfrom(4096)
    server.sendto(query[:2] + b"\x81\x83" + query[4:6] + bytes(6) + query[12:], client)
"#;

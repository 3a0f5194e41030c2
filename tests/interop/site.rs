//! A mail server that relays for those who log in, and the next hop that its mail goes to.

use std::sync::atomic::{AtomicUsize, Ordering};

use crate::clients::{Client, Login, Report};
use crate::dialogue::Dialogue;
use crate::machine::{Machine, PATIENCE, project, wait_for};

/// Where the certificate of the server lies in the machine; it is its own authority.
pub(crate) const CERTIFICATE: &str = "/etc/ssl/certs/mail.example.com.pem";

/// Debian's Postfix as it is installed, with the lines that the quickstart shows and what a private network needs.
/// The client comes from 192.0.2.1, which is none of Postfix's own networks: a stranger.
const SET_UP: &str = r#"
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=mail.example.com \
    -addext subjectAltName=DNS:mail.example.com -keyout /etc/ssl/private/mail.key -out CERTIFICATE 2>/dev/null
postconf -e myhostname=mail.example.com 'mynetworks = 127.0.0.0/8' inet_protocols=ipv4 maillog_file=/var/log/mail.log \
    'relayhost = [127.0.0.1]:2525' disable_dns_lookups=yes smtp_tls_security_level=none smtpd_tls_security_level=may \
    smtpd_tls_cert_file=CERTIFICATE smtpd_tls_key_file=/etc/ssl/private/mail.key
ln -s sasldb-rs/auth /var/spool/postfix/private/auth
mkdir --mode=777 /srv/next-hop
"#;

pub(crate) struct Site {
    pub(crate) machine: Machine,
}

impl Site {
    /// Sets the server up, without starting it: its helper has to be there first.
    pub(crate) fn new() -> Self {
        let machine = Machine::start();
        machine.shell(&SET_UP.replace("CERTIFICATE", CERTIFICATE));
        machine.shell(&std::fs::read_to_string(project().join("contrib/postfix/setup.sh")).unwrap());
        machine.shell("smtp-sink -u nobody -d /srv/next-hop/%s. 127.0.0.1:2525 100 </dev/null >/dev/null 2>&1 &");
        Self { machine }
    }

    pub(crate) fn start(&self) {
        self.machine.shell("postfix start </dev/null >/var/log/start.log 2>&1");
        self.wait_for_banner();
    }

    pub(crate) fn wait_for_banner(&self) {
        wait_for("Postfix and the next hop", || {
            let script =
                "for port in 25 2525; do read -r line </dev/tcp/127.0.0.1/$port; [ \"${line%% *}\" = 220 ]; done";
            (self.machine.run("bash", &["-ec", script]).status == 0).then_some(())
        });
    }

    pub(crate) fn send(&self, client: Client, login: &Login<'_>) -> Report {
        client.send(&self.machine, login, &token())
    }

    pub(crate) fn dialogue(&self) -> Dialogue {
        Dialogue::open(&self.machine)
    }

    /// Sends a message that must come through, and gives it as the next hop received it.
    #[track_caller]
    pub(crate) fn relays(&self, client: Client, login: &Login<'_>) -> String {
        let report = self.send(client, login);
        assert!(report.text.contains("235 2.7.0"), "{client:?} {login:?} did not log in:\n{}", self.account(&report));
        assert_eq!(report.status, 0, "{client:?} {login:?}:\n{}", self.account(&report));
        let queue_id = report.queue_id().unwrap_or_else(|| panic!("{client:?} {login:?}:\n{}", self.account(&report)));
        let arrived = wait_for(&format!("{queue_id} at the next hop ({client:?} {login:?})"), || {
            self.arrived().into_iter().find(|message| message.contains(&report.token))
        });
        assert!(arrived.contains("X-Rcpt-Args: <friend@elsewhere.example>"), "{arrived}");
        // The server's own word on who logged in, and how: a client may fall back to another mechanism.
        let accepted = format!("sasl_method={}, sasl_username=mailman@example.com", login.mechanism);
        let log = self.log();
        let line = log.lines().find(|line| line.contains(&format!("{queue_id}: client="))).unwrap_or_default();
        assert!(line.ends_with(&accepted), "{client:?} {login:?}: {line}");
        arrived
    }

    /// Sends a message that must be refused at the login, and gives the server's reply.
    #[track_caller]
    pub(crate) fn refuses(&self, client: Client, login: &Login<'_>) -> String {
        let report = self.send(client, login);
        assert_ne!(report.status, 0, "{client:?} {login:?}:\n{}", self.account(&report));
        assert!(report.queue_id().is_none() && !report.text.contains("235 "), "{client:?} {login:?}:\n{}", report.text);
        report.refusal().unwrap_or_else(|| panic!("no refusal, {client:?} {login:?}:\n{}", self.account(&report)))
    }

    /// Every message that came to the next hop.
    pub(crate) fn arrived(&self) -> Vec<String> {
        let text = self
            .machine
            .shell("for file in /srv/next-hop/*; do [ -f \"$file\" ] && cat \"$file\" && printf '\\0'; done; true");
        text.split_terminator('\0').map(str::to_owned).collect()
    }

    pub(crate) fn log(&self) -> String {
        self.machine.shell("cat /var/log/mail.log")
    }

    /// What to look at when a login went wrong.
    fn account(&self, report: &Report) -> String {
        format!("status {} (patience {PATIENCE:?})\n{}\n--- mail.log\n{}", report.status, report.text, self.log())
    }
}

/// A word that is in one message only.
fn token() -> String {
    static COUNT: AtomicUsize = AtomicUsize::new(0);
    format!("token-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed))
}

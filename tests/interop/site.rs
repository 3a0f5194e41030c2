//! A mail server that relays for those who log in, and the next hop that its mail goes to.

use std::sync::atomic::{AtomicUsize, Ordering};

use crate::clients::{Client, Login, Report, swaks};
use crate::dialogue::Dialogue;
use crate::machine::{Machine, PATIENCE, wait_for};
use crate::servers::Server;

/// Where the certificate of the server lies in the machine; it is its own authority.
pub(crate) const CERTIFICATE: &str = "/etc/ssl/certs/mail.example.com.pem";

/// The certificate, trusted by the whole machine, and the next hop.
const SET_UP: &str = r#"
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=mail.example.com \
    -addext subjectAltName=DNS:mail.example.com -keyout /etc/ssl/private/mail.key -out CERTIFICATE 2>/dev/null
ln -s CERTIFICATE /etc/ssl/certs/$(openssl x509 -hash -noout -in CERTIFICATE).0
cat CERTIFICATE >>/etc/ssl/certs/ca-certificates.crt
mkdir --mode=777 /srv/next-hop
smtp-sink -u nobody -d /srv/next-hop/%s. 127.0.0.1:2525 100 </dev/null >/dev/null 2>&1 &
"#;

pub(crate) struct Site {
    pub(crate) machine: Machine,
    pub(crate) server: Server,
}

impl Site {
    /// Sets Postfix up, without starting it: its helper has to be there first.
    pub(crate) fn new() -> Self {
        Self::on(Machine::start(), Server::Postfix)
    }

    /// The same with any server, and with every client.
    pub(crate) fn of(server: Server) -> Self {
        Self::on(Machine::over(server.roots()), server)
    }

    /// A server that has not been told how people log in.
    pub(crate) fn prepared(server: Server) -> Self {
        let site = Self::before_set_up(Machine::over(server.roots()), server);
        server.prepare(&site.machine);
        site
    }

    fn on(machine: Machine, server: Server) -> Self {
        let site = Self::before_set_up(machine, server);
        server.set_up(&site.machine);
        site
    }

    /// A server as it was installed, beside its next hop.
    pub(crate) fn before_set_up(machine: Machine, server: Server) -> Self {
        machine.shell(&SET_UP.replace("CERTIFICATE", CERTIFICATE));
        Self { machine, server }
    }

    pub(crate) fn start(&self) {
        self.server.start(&self.machine);
        self.wait_for_banner();
    }

    pub(crate) fn wait_for_banner(&self) {
        wait_for("the server and the next hop", || {
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

    /// Sends a message without a login, which must be refused; what it holds is `from-a-stranger`.
    #[track_caller]
    pub(crate) fn turns_a_stranger_away(&self) {
        let stranger = swaks(&self.machine, None, "from-a-stranger");
        assert!(stranger.text.contains(self.server.refusal()), "{}", stranger.text);
    }

    /// The recipe's three checks: accepted, refused, no relaying for strangers.
    pub(crate) fn relays_for_those_who_log_in_only(&self) {
        self.turns_a_stranger_away();
        for mechanism in self.server.mechanisms() {
            let login = Login::right(mechanism);
            let reply = self.refuses(Client::Msmtp, &login.password("wrong"));
            assert!(reply.starts_with("535 "), "{mechanism}: {reply}");
            self.relays(Client::Msmtp, &login);
        }
    }

    /// Sends a message that must come through, and gives it as the next hop received it.
    #[track_caller]
    pub(crate) fn relays(&self, client: Client, login: &Login<'_>) -> String {
        let report = self.send(client, login);
        assert!(report.text.contains("235 "), "{client:?} {login:?} did not log in:\n{}", self.account(&report));
        self.arrives(client, login, &report)
    }

    /// The message of this report, which must be at the next hop or get there, as that received it.
    #[track_caller]
    pub(crate) fn arrives(&self, client: Client, login: &Login<'_>, report: &Report) -> String {
        assert_eq!(report.status, 0, "{client:?} {login:?}:\n{}", self.account(report));
        let arrived = wait_for(&format!("{} at the next hop ({client:?} {login:?})", report.token), || {
            self.arrived().into_iter().find(|message| message.contains(&report.token))
        });
        assert!(arrived.contains("X-Rcpt-Args: <friend@elsewhere.example>"), "{arrived}");
        // The server's own word on who logged in, and how: a client may fall back to another mechanism.
        if let Some(how) = self.server.login_of(&self.log(), &arrived) {
            let user = self.server.knows(login.user).to_owned();
            assert_eq!(how, (login.mechanism.to_owned(), user), "{client:?} {login:?}");
        }
        arrived
    }

    /// Sends a message that must be refused at the login, and gives the server's reply.
    #[track_caller]
    pub(crate) fn refuses(&self, client: Client, login: &Login<'_>) -> String {
        let report = self.send(client, login);
        assert_ne!(report.status, 0, "{client:?} {login:?}:\n{}", self.account(&report));
        assert!(!report.text.contains("235 "), "{client:?} {login:?}:\n{}", report.text);
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
        self.server.log(&self.machine)
    }

    /// What to look at when a login went wrong.
    fn account(&self, report: &Report) -> String {
        format!("status {} (patience {PATIENCE:?})\n{}\n--- log\n{}", report.status, report.text, self.log())
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let log = self.machine.run("sh", &["-c", self.server.log_command()]).text;
            let end = log.lines().count().saturating_sub(60);
            eprintln!("--- {}\n{}", self.server.name(), log.lines().skip(end).collect::<Vec<_>>().join("\n"));
        }
    }
}

/// A word that is in one message only.
pub(crate) fn token() -> String {
    static COUNT: AtomicUsize = AtomicUsize::new(0);
    format!("token-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed))
}

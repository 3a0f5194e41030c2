//! The page on moving from sasldb2 and saslauthd: its commands, in its order, on servers that use these; and back.

mod mail;
mod others;

use crate::machine::{Machine, Ran, project, wait_for};
use crate::pages::{blocks, sections};
use crate::{source, systemctl};

const PAGE: &str = "docs/from-cyrus.md";

const MECHANISMS: [&str; 4] = ["DIGEST-MD5", "CRAM-MD5", "LOGIN", "PLAIN"];

/// What a stranger is told, by one mail server or another; the page has them.
const REFUSALS: [&str; 3] = ["Relay access denied", "Relaying denied", "relay not permitted"];

/// What libsasl2 is told where saslauthd and sasldb2 answer.
const OLD_FILE: &str = "pwcheck_method: saslauthd\nauxprop_plugin: sasldb\n";

/// A server of whatever kind, of which the page is followed.
trait Server {
    /// The heading below which the page switches this program.
    fn heading(&self) -> &'static str;
    fn machine(&self) -> &Machine;
    fn relays_mail(&self) -> bool;
    /// Whether somebody gets in. A mail server has passed on a message then.
    fn lets_in(&self, mechanism: &str, user: &str, password: &str) -> bool;
    fn turns_a_stranger_away(&self);
}

/// A server that asks sasldb2 and saslauthd, until the page has been followed.
struct Move<S> {
    server: S,
}

fn script(name: &str) -> String {
    std::fs::read_to_string(project().join("tests/interop/from_cyrus").join(name)).unwrap()
}

/// Runs a script that may leave daemons behind, which keep its output open.
fn run(machine: &Machine, script: &str) {
    machine.shell(&format!(
        "cat >/root/script <<'END OF SCRIPT'\n{script}END OF SCRIPT\n\
         bash /root/script </dev/null >/root/said 2>&1 || {{ cat /root/said; exit 1; }}"
    ));
}

/// Makes the old accounts, and puts our source where the page is followed.
fn prepare(machine: &Machine) {
    run(machine, &script("accounts.sh"));
    source::put(machine);
    systemctl::put(machine);
}

/// `chroot` is the folder that the program sees only, or nothing.
fn start_saslauthd(machine: &Machine, chroot: &str) {
    run(machine, &script("saslauthd.sh").replace("FOLDER", &format!("{chroot}/var/run/saslauthd")));
}

impl<S: Server> Move<S> {
    fn machine(&self) -> &Machine {
        self.server.machine()
    }

    /// Pastes a block, and answers what asks for a password.
    fn paste(&self, block: &str) -> Ran {
        source::paste(self.machine(), block, "secret\n")
    }

    /// Pastes all below a heading; each has to succeed.
    #[track_caller]
    fn follow(&self, heading: &str) -> String {
        self.follow_with(heading, |_| 0)
    }

    /// The same, for sections in which some have to end with another status.
    #[track_caller]
    fn follow_with(&self, heading: &str, status: fn(&str) -> i32) -> String {
        let mut said = String::new();
        for block in blocks(PAGE, heading) {
            let ran = self.paste(&block);
            assert_eq!(ran.status, status(&block), "{heading}:\n{}\n{}", ran.text, self.log());
            said += &ran.text;
        }
        said
    }

    fn log(&self) -> String {
        let shell = "tail -n 40 /var/log/saslauthd-rs.started /var/log/start.log 2>&1 || true";
        format!("--- logs\n{}", self.machine().shell(shell))
    }

    /// Whoever has an account gets in by every mechanism, and nobody else.
    #[track_caller]
    fn lets_in(&self, passwords: &[(&str, &str)]) {
        for mechanism in MECHANISMS {
            for (user, password) in passwords {
                assert!(self.server.lets_in(mechanism, user, password), "{mechanism} {user}\n{}", self.log());
            }
            assert!(!self.server.lets_in(mechanism, "mailman", "wrong"), "{mechanism}\n{}", self.log());
        }
        self.server.turns_a_stranger_away();
    }

    /// All of the page until the old file is put away.
    fn moves(&self) {
        self.lets_in(&[("mailman", "secret")]);
        let said = self.follow("## 1. See what there is");
        assert!(said.contains("mailman@mail.example.com: userPassword") && said.contains("auxprop_plugin"), "{said}");
        let install = self.paste(&blocks("README.md", "## Install")[0]);
        assert_eq!(install.status, 0, "{}", install.text);
        self.follow("## 2. Install");
        let said = self.follow_with("## 3. Import", |block| i32::from(block.starts_with("sasldb-rs import")));
        assert!(said.contains("taken\tmailman@mail.example.com") && said.contains("skipped\ttwo:parts@"), "{said}");
        assert!(said.contains("1 would be taken") && said.contains("1 taken, 0 kept, 1 skipped"), "{said}");
        let said = self.follow("## 4. Start the helper");
        assert_eq!(said.matches("accepted").count(), 6, "{said}");
        self.follow(self.server.heading());
        self.lets_in(&[("mailman", "secret")]);
        self.works();
        self.follow("## 7. Put the old file away");
        for gone in ["/etc/sasldb2", "/var/spool/postfix/etc/sasldb2", "/var/backups/sasldb2.bak"] {
            assert!(!self.machine().has(gone), "{gone}");
        }
        assert_eq!(self.machine().run("pidof", &["saslauthd"]).text, "");
        self.works();
        self.follow("## 8. Scripts");
        let made = self.paste("printf secret | new-account newcomer\n");
        assert_eq!(made.status, 0, "{}", made.text);
        self.lets_in(&[("mailman", "secret"), ("newcomer", "secret")]);
        assert!(!self.machine().has("/etc/sasldb2"));
    }

    /// The step in which the administrator sees that it works.
    fn works(&self) {
        let heading = "## 6. See that it works";
        let mut show = String::new();
        for block in blocks(PAGE, heading) {
            if block.starts_with("swaks") && !self.server.relays_mail() {
                continue;
            }
            // swaks has a status for a recipient that was refused.
            let is_stranger = block.starts_with("swaks") && !block.contains("--auth");
            let ran = self.paste(&block);
            assert_eq!(ran.status, if is_stranger { 24 } else { 0 }, "{}\n{}", ran.text, self.log());
            let told = if is_stranger { &REFUSALS[..] } else { &["235 "] };
            assert!(!block.starts_with("swaks") || told.iter().any(|told| ran.text.contains(told)), "{}", ran.text);
            if block.contains("account show") {
                show = block;
            }
        }
        wait_for("what the helper knows of the logins", || {
            let said = self.paste(&show).text;
            MECHANISMS.iter().all(|mechanism| said.contains(&format!("use\tmain\t{mechanism}"))).then_some(())
        });
    }

    /// What the page says about the program on the way back.
    fn returns(&self) {
        self.follow(&format!("{} goes back", self.server.heading()));
        self.follow("### The last thing");
        assert_eq!(self.machine().run("pidof", &["saslauthd-rs"]).text, "");
        self.lets_in(&[("mailman", "secret")]);
    }
}

/// A command that no test gives could be wrong.
#[test]
fn every_command_of_the_page_is_one_that_these_tests_give() {
    let given = [
        "## 1. See what there is",
        "## 2. Install",
        "## 3. Import",
        "## 4. Start the helper",
        "### Postfix",
        "### sendmail",
        "### Exim",
        "### Cyrus IMAP",
        "### OpenLDAP",
        "### Subversion",
        "## 6. See that it works",
        "## 7. Put the old file away",
        "## 8. Scripts",
        "## 9. When you are sure",
        "## The way back",
        "### With the old file",
        "### Without it",
        "### Postfix goes back",
        "### sendmail goes back",
        "### Exim goes back",
        "### Cyrus IMAP goes back",
        "### OpenLDAP goes back",
        "### Subversion goes back",
        "### The last thing",
    ];
    let shown: Vec<_> = sections(PAGE).into_iter().filter(|(_, blocks)| !blocks.is_empty()).map(|(of, _)| of).collect();
    assert_eq!(shown, given);
}

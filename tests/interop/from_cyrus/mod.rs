//! The page on moving from sasldb2 and saslauthd: its commands, in its order, on servers that use these; and back.

use std::os::unix::fs::PermissionsExt;

use crate::clients::{Client, Login};
use crate::installed::copy_built;
use crate::machine::{Machine, Ran, project, wait_for};
use crate::pages::{blocks, contrib, sections};
use crate::sasl::sendmail;
use crate::servers::{Server, exim_with, set_up_postfix};
use crate::site::Site;

const PAGE: &str = "docs/from-cyrus.md";

/// Where the page's commands are given: what is built of the source, and what else of it they need.
const SOURCE: &str = "/root/saslpasswd-rs";

const MECHANISMS: [&str; 4] = ["DIGEST-MD5", "CRAM-MD5", "LOGIN", "PLAIN"];

/// What a stranger is told, by one server or another; the page has them.
const REFUSALS: [&str; 3] = ["Relay access denied", "Relaying denied", "relay not permitted"];

/// What libsasl2 is told where saslauthd and sasldb2 answer.
const OLD_FILE: &str = "pwcheck_method: saslauthd\nauxprop_plugin: sasldb\n";

/// A mail server that asks sasldb2 and saslauthd, until the page has been followed.
struct Move {
    site: Site,
    /// The heading below which the page switches this program.
    program: &'static str,
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

impl Move {
    fn from_sendmail() -> Self {
        let old = Self::before(Server::Sendmail, &["sendmail", "mail"], "### sendmail");
        let machine = &old.site.machine;
        sendmail::relay(machine);
        sendmail::add(machine, "define(`confDONT_BLAME_SENDMAIL', `GroupReadableSASLDBFile')dnl\n");
        machine.shell("mkdir -p /etc/sasl2");
        machine.write("/etc/sasl2/Sendmail.conf", OLD_FILE);
        old.start_saslauthd();
        old.site.start();
        old
    }

    fn from_postfix() -> Self {
        let old = Self::before(Server::SaslPostfix, &["postfix", "mail"], "### Postfix");
        let machine = &old.site.machine;
        set_up_postfix(machine);
        old.start_saslauthd();
        run(machine, &script("postfix.sh"));
        old.site.wait_for_banner();
        old
    }

    fn from_exim() -> Self {
        let old = Self::before(Server::SaslExim, &["exim", "mail", "sasl"], "### Exim");
        let machine = &old.site.machine;
        exim_with(machine, &contrib("exim/authenticators.libsasl2"));
        machine.shell("usermod -a -G sasl Debian-exim; chgrp sasl /etc/sasldb2; mkdir -p /etc/sasl2");
        machine.write("/etc/sasl2/exim.conf", OLD_FILE);
        old.start_saslauthd();
        old.site.start();
        old
    }

    /// A machine with the old accounts, and the source.
    fn before(server: Server, roots: &[&str], program: &'static str) -> Self {
        let site = Site::before_set_up(Machine::over(roots), server);
        let machine = &site.machine;
        run(machine, &script("accounts.sh"));
        let built = machine.shared().join("release");
        std::fs::create_dir(&built).unwrap();
        copy_built(&built);
        machine.shell(&format!("mkdir -p {SOURCE}/target; ln -s /run/sasldb-rs/release {SOURCE}/target/release"));
        let unit = "contrib/systemd/saslauthd-rs.service";
        machine.shell(&format!("mkdir -p {SOURCE}/contrib/systemd /etc/systemd/system"));
        machine.write(&format!("{SOURCE}/{unit}"), &std::fs::read_to_string(project().join(unit)).unwrap());
        machine.write("/usr/local/bin/systemctl", &script("systemctl.sh"));
        // It is built, and root needs no sudo.
        machine.write("/usr/local/bin/sudo", "#!/bin/sh\nexec \"$@\"\n");
        machine.shell("ln -s /bin/true /usr/local/bin/cargo; chmod 755 /usr/local/bin/*");
        std::fs::set_permissions(machine.shared(), PermissionsExt::from_mode(0o755)).unwrap();
        Self { site, program }
    }

    fn start_saslauthd(&self) {
        let chroot = if self.site.server == Server::SaslPostfix { "/var/spool/postfix" } else { "" };
        run(&self.site.machine, &script("saslauthd.sh").replace("FOLDER", &format!("{chroot}/var/run/saslauthd")));
    }

    /// Pastes a block, as root in the source's folder, and answers what asks for a password.
    fn paste(&self, block: &str) -> Ran {
        let path = "/usr/local/sbin:/usr/local/bin:$PATH";
        let script = format!("export PATH={path}; cd {SOURCE}; {{ {block} }} >/root/said 2>&1");
        let ran = self.site.machine.run_with("bash", &["-euc", &script], "secret\n");
        let said = self.site.machine.shell("cat /root/said");
        Ran { text: format!("{block}{}{said}", ran.text), ..ran }
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
        let shell = "tail -n 40 /var/log/saslauthd-rs.log /var/log/start.log 2>&1 || true";
        format!("--- logs\n{}", self.site.machine.shell(shell))
    }

    /// Mail goes through for whoever has an account, by every mechanism, and for nobody else.
    #[track_caller]
    fn relays(&self, passwords: &[(&str, &str)]) {
        self.site.wait_for_banner();
        for mechanism in MECHANISMS {
            for (user, password) in passwords {
                let right = Login::right(mechanism).user(user).password(password);
                let report = self.site.send(Client::Msmtp, &right);
                assert!(report.text.contains("235 "), "{right:?}\n{}\n{}", report.text, self.log());
                wait_for("the message", || {
                    self.site.arrived().iter().any(|message| message.contains(&report.token)).then_some(())
                });
            }
            self.site.refuses(Client::Msmtp, &Login::right(mechanism).password("wrong"));
        }
        self.site.turns_a_stranger_away();
    }

    fn is_there(&self, path: &str) -> bool {
        self.site.machine.run("test", &["-e", path]).status == 0
    }

    /// All of the page until the old file is put away.
    fn moves(&self) {
        self.relays(&[("mailman", "secret")]);
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
        self.follow(self.program);
        self.relays(&[("mailman", "secret")]);
        self.works();
        self.follow("## 7. Put the old file away");
        for gone in ["/etc/sasldb2", "/var/spool/postfix/etc/sasldb2", "/var/backups/sasldb2.bak"] {
            assert!(!self.is_there(gone), "{gone}");
        }
        assert_eq!(self.site.machine.run("pidof", &["saslauthd"]).text, "");
        self.works();
        self.follow("## 8. Scripts");
        let made = self.paste("printf secret | new-account newcomer\n");
        assert_eq!(made.status, 0, "{}", made.text);
        self.relays(&[("mailman", "secret"), ("newcomer", "secret")]);
        assert!(!self.is_there("/etc/sasldb2"));
    }

    /// The step in which the administrator sees that it works.
    fn works(&self) {
        let heading = "## 6. See that it works";
        // swaks has a status for a recipient that was refused.
        let said = self
            .follow_with(heading, |block| if block.starts_with("swaks") && !block.contains("--auth") { 24 } else { 0 });
        assert!(said.contains("235 ") && REFUSALS.iter().any(|refusal| said.contains(refusal)), "{said}");
        wait_for("what the helper knows of the logins", || {
            let said = self.paste(&blocks(PAGE, heading)[2]).text;
            MECHANISMS.iter().all(|mechanism| said.contains(&format!("use\tmain\t{mechanism}"))).then_some(())
        });
    }

    /// What the page says about `program` on the way back.
    fn returns(&self) {
        self.follow(&format!("{} goes back", self.program));
        self.follow("### The last thing");
        assert_eq!(self.site.machine.run("pidof", &["saslauthd-rs"]).text, "");
        self.relays(&[("mailman", "secret")]);
    }
}

#[test]
fn sendmail_moves_and_goes_back_to_the_old_file() {
    let server = Move::from_sendmail();
    server.moves();
    // Debian's scripts around Sendmail know saslpasswd2.
    server.site.machine.shell("service sendmail restart </dev/null >/var/log/start.log 2>&1");
    assert!(!server.is_there("/etc/sasldb2"));
    server.relays(&[("mailman", "secret")]);
    let said = server.follow("## The way back");
    assert!(said.contains("newcomer@mail.example.com"), "{said}");
    server.follow("### With the old file");
    server.returns();
    server.relays(&[("newcomer", "secret")]);
}

#[test]
fn postfix_moves_and_goes_back_when_the_old_file_is_gone() {
    let server = Move::from_postfix();
    run(&server.site.machine, &script("archive.sh"));
    server.moves();
    server.follow("## 9. When you are sure");
    assert!(!server.is_there("/root/before-sasldb-rs/sasldb2") && !server.is_there("/usr/sbin/saslpasswd2"));
    server.works();
    server.follow("### Without it");
    server.start_saslauthd();
    server.site.machine.shell("install -D -o postfix -m 600 /etc/sasldb2 /var/spool/postfix/etc/sasldb2");
    server.returns();
}

#[test]
fn exim_moves_and_goes_back_to_the_old_file() {
    let server = Move::from_exim();
    server.moves();
    server.follow("### With the old file");
    server.returns();
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
        "### The last thing",
    ];
    let shown: Vec<_> = sections(PAGE).into_iter().filter(|(_, blocks)| !blocks.is_empty()).map(|(of, _)| of).collect();
    assert_eq!(shown, given);
}

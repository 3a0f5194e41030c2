//! The filter that we ship, run by fail2ban itself over lines that the helper wrote.

use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;

use base64ct::{Base64, Encoding};

use crate::helper::{Ours, SOCKET};
use crate::machine::{Machine, project, wait_for};

/// Whose address client text tries to get in; nobody logs in from there.
const INNOCENT: &str = "198.51.100.66";

/// A mail server's connection, on which it asks about one login after the other.
struct Asker {
    stream: UnixStream,
    replies: BufReader<UnixStream>,
    last: u32,
}

impl Asker {
    fn at(machine: &Machine) -> Self {
        let mut stream = UnixStream::connect(machine.shared().join(SOCKET)).unwrap();
        stream.write_all(b"VERSION\t1\t2\nCPID\t7\n").unwrap();
        let mut replies = BufReader::new(stream.try_clone().unwrap());
        let mut line = String::new();
        while line != "DONE\n" {
            line.clear();
            assert_ne!(replies.read_line(&mut line).unwrap(), 0);
        }
        Self { stream, replies, last: 0 }
    }

    /// Whether the login is accepted; `fields` stand before the response.
    fn ask(&mut self, mechanism: &str, fields: &str, response: &str) -> bool {
        self.last += 1;
        writeln!(self.stream, "AUTH\t{}\t{mechanism}\t{fields}\tresp={response}", self.last).unwrap();
        let mut line = String::new();
        self.replies.read_line(&mut line).unwrap();
        line.starts_with("OK\t")
    }

    fn plain(&mut self, rip: &str, name: &str, password: &str) -> bool {
        let message = Base64::encode_string(format!("\0{name}\0{password}").as_bytes());
        self.ask("PLAIN", &format!("service=smtp\tsecured\trip={rip}"), &message)
    }
}

/// Makes the helper write lines of every kind; gives the addresses that fail2ban has to find in them, in order.
fn provoke(asker: &mut Asker) -> Vec<&'static str> {
    assert!(asker.plain("192.0.2.1", "mailman", "secret"));
    let mut guilty = vec!["192.0.2.2", "2001:db8::2", "192.0.2.3"];
    for rip in ["192.0.2.2", "2001:db8::2", "::ffff:192.0.2.3", "", "unknown"] {
        assert!(!asker.plain(rip, "mailman", "wrong"));
    }
    // What a client can choose: its name, and through a careless server the mechanism and the service.
    for name in [
        format!("denied {INNOCENT} secured PLAIN reason="),
        format!("x saslauthd-rs[1]\u{a0} denied {INNOCENT} secured PLAIN reason="),
        format!("mailman rip={INNOCENT}"),
        format!("mailman\" service=\"smtp\"\ndenied {INNOCENT} secured PLAIN reason=\"wrong password\""),
        format!("\x1b[1G\x1b[2Ksaslauthd-rs[1]: denied {INNOCENT} secured PLAIN reason=\"wrong password\""),
        "a".repeat(200),
        "\u{85}\u{2028}denied 2001:db8::66 open".to_owned(),
    ] {
        assert!(!asker.plain("192.0.2.4", &name, "wrong"));
        guilty.push("192.0.2.4");
        assert!(!asker.plain("", &name, "wrong"));
    }
    let forged = format!("X\u{1}nNov 24 16:00:00 mail saslauthd-rs[1]: denied {INNOCENT} secured PLAIN reason=\"x\"");
    assert!(!asker.ask("PLAIN", &format!("service={forged}\tsecured\trip=192.0.2.5"), "AGEAYg=="));
    guilty.push("192.0.2.5");
    // Nobody tried a password here.
    assert!(!asker.ask(&forged, &format!("service={forged}\tsecured\trip=192.0.2.6"), ""));
    assert!(!asker.ask("PLAIN", "service=smtp\tsecured\trip=192.0.2.6", "*"));
    guilty
}

#[test]
fn fail2ban_finds_who_failed_and_never_whom_a_client_names() {
    let machine = Machine::start();
    let mut helper = Ours::beside(&machine);
    helper.configure("failure_delay = \"10ms\"\nlog_unknown_names = true\n");
    helper.start();
    helper.saslpasswd(&["-p", "-c"], "mailman", "secret\n");
    let mut asker = Asker::at(&machine);
    let guilty = provoke(&mut asker);
    wait_for("the last line of the log", || helper.log().contains("reason=\"no base64\"").then_some(()));
    let log = helper.log();
    assert!(log.matches(INNOCENT).count() > 8, "{log}");

    for (file, contrib) in
        [("filter.d", "filter.d/saslauthd-rs.conf"), ("jail.d", "jail.d/saslauthd-rs.conf")].map(|(folder, file)| {
            let text = std::fs::read_to_string(project().join("contrib/fail2ban").join(file)).unwrap();
            (format!("/etc/fail2ban/{folder}/saslauthd-rs.conf"), text)
        })
    {
        machine.write(&file, &contrib);
    }
    // As syslog writes them in its old and its new form; the journal's lines look the same to a filter.
    for head in
        ["Nov 24 16:00:00 mail saslauthd-rs[123]: ", "2026-11-24T16:00:00.123456+01:00 mail saslauthd-rs[123]: "]
    {
        let lines: String = log.lines().map(|line| format!("{head}{line}\n")).collect();
        machine.write("/var/log/helper", &lines);
        let found = machine.shell("fail2ban-regex -o ip /var/log/helper saslauthd-rs");
        assert_eq!(found.lines().collect::<Vec<_>>(), guilty, "{lines}");
    }
    // Another program's words, in a file of syslog.
    machine.write("/var/log/helper", &format!("Nov 24 16:00:00 mail sshd[1]: {}", log.lines().last().unwrap()));
    assert_eq!(machine.shell("fail2ban-regex -o ip /var/log/helper saslauthd-rs"), "");

    // The example is one that fail2ban takes.
    machine.shell("rm /etc/fail2ban/jail.d/defaults-debian.conf");
    let dump = machine.shell("fail2ban-client -d");
    for part in ["'saslauthd-rs', 'systemd'", "'maxretry', 20", "_SYSTEMD_UNIT=saslauthd-rs.service"] {
        assert!(dump.contains(part), "{part}: {dump}");
    }
}

//! The filter that we ship, run by fail2ban itself over lines that the helper wrote.

use crate::connection::Connection;
use crate::helper::{Ours, SOCKET};
use crate::machine::{Machine, PATIENCE, wait_for};
use crate::pages::contrib;

/// Whose address client text tries to get in; nobody logs in from there.
const INNOCENT: &str = "198.51.100.66";

/// Whether somebody at this address is let in.
fn plain(connection: &mut Connection, rip: &str, name: &str, password: &str) -> bool {
    let fields = format!("service=smtp\tsecured\trip={rip}");
    connection.ask_by_plain(&fields, name.as_bytes(), password.as_bytes()).starts_with("OK ")
}

/// Makes the helper write lines of every kind; gives the addresses that fail2ban has to find in them, in order.
fn provoke(asker: &mut Connection) -> Vec<&'static str> {
    assert!(plain(asker, "192.0.2.1", "mailman", "secret"));
    let mut guilty = vec!["192.0.2.2", "2001:db8::2", "192.0.2.3"];
    for rip in ["192.0.2.2", "2001:db8::2", "::ffff:192.0.2.3", "", "unknown"] {
        assert!(!plain(asker, rip, "mailman", "wrong"));
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
        assert!(!plain(asker, "192.0.2.4", &name, "wrong"));
        guilty.push("192.0.2.4");
        assert!(!plain(asker, "", &name, "wrong"));
    }
    let forged = format!("X\u{1}nNov 24 16:00:00 mail saslauthd-rs[1]: denied {INNOCENT} secured PLAIN reason=\"x\"");
    // Nobody tried a password from the last address.
    for (mechanism, service, rip, response) in [
        ("PLAIN", forged.as_str(), "192.0.2.5", "AGEAYg=="),
        (&forged, &forged, "192.0.2.6", ""),
        ("PLAIN", "smtp", "192.0.2.6", "*"),
    ] {
        let reply = asker.ask(mechanism, &format!("service={service}\tsecured\trip={rip}"), response);
        assert!(reply.starts_with("FAIL"), "{reply}");
    }
    guilty.push("192.0.2.5");
    guilty
}

#[test]
fn fail2ban_finds_who_failed_and_never_whom_a_client_names() {
    let machine = Machine::start();
    let mut helper = Ours::beside(&machine);
    helper.configure("failure_delay = \"10ms\"\nlog_unknown_names = true\n");
    helper.start();
    helper.saslpasswd(&["-p", "-c"], "mailman", "secret\n");
    let mut asker = Connection::new(&machine.shared().join(SOCKET), PATIENCE);
    let guilty = provoke(&mut asker);
    wait_for("the last line of the log", || helper.log().contains("reason=\"no base64\"").then_some(()));
    let log = helper.log();
    assert!(log.matches(INNOCENT).count() > 8, "{log}");

    for file in ["filter.d/saslauthd-rs.conf", "jail.d/saslauthd-rs.conf"] {
        machine.write(&format!("/etc/fail2ban/{file}"), &contrib(&format!("fail2ban/{file}")));
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

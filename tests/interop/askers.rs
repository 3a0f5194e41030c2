//! Programs that are no mail servers and ask the helper themselves: Radicale, and Python programs with dovecotauth.

use crate::helper::SOCKET;
use crate::machine::{Machine, wait_for};
use crate::place::Helper;

const ACCOUNTS: [(&str, &str); 2] = [("mailman", "secret"), ("jörg", "pä55")];

/// User, password, whether they are right.
const LOGINS: [(&str, &str, bool); 6] = [
    ("mailman", "secret", true),
    ("mailman@example.com", "secret", true),
    ("MailMan@Example.COM", "secret", true),
    ("jörg", "pä55", true),
    ("mailman", "wrong", false),
    ("nobody", "secret", false),
];

const DOVECOTAUTH: &str = r#"
import sys
import dovecotauth

with dovecotauth.connect("test", unix=sys.argv[1]) as protocol:
    # One connection for all, the wrong one first.
    assert protocol.auth("PLAIN", sys.argv[2], "not " + sys.argv[3], secured=True)[0] is False
    print(protocol.auth("PLAIN", sys.argv[2], sys.argv[3], secured=True)[0])
"#;

fn dovecotauth_tells_right_from_wrong(helper: Helper) {
    let machine = Machine::over(&["mail", "clients"]);
    let _ours = helper.start(&machine, &ACCOUNTS, "");
    let socket = format!("/run/sasldb-rs/{SOCKET}");
    for (user, password, right) in LOGINS {
        let program = ["PYTHONPATH=/usr/local/share/python", "python3", "-c", DOVECOTAUTH];
        let ran = machine.run("env", &[&program[..], &[&socket, user, password]].concat());
        assert_eq!(ran.text.trim(), if right { "True" } else { "False" }, "{user} {password}");
    }
}

/// Radicale asks for each request anew, and never says that its line is secured.
fn radicale_tells_right_from_wrong(helper: Helper) {
    let machine = Machine::over(&["mail", "clients"]);
    let _ours = helper.start(&machine, &ACCOUNTS, "plaintext_without_tls = true\n");
    machine.shell(&format!(
        "PYTHONPATH=/usr/local/share/python python3 -m radicale --server-hosts 127.0.0.1:5232 --auth-type dovecot \
         --auth-dovecot_socket /run/sasldb-rs/{SOCKET} --storage-filesystem_folder /srv/calendars \
         </dev/null >/var/log/radicale 2>&1 &"
    ));
    wait_for("Radicale", || (machine.run("curl", &["-s", "http://127.0.0.1:5232/"]).status == 0).then_some(()));
    for (user, password, right) in LOGINS {
        let login = format!("{user}:{password}");
        let request = ["-s", "-o", "/dev/null", "-w", "%{http_code}", "-X", "PROPFIND", "-u", &login];
        let ran = machine.run("curl", &[&request[..], &["http://127.0.0.1:5232/"]].concat());
        let log = machine.shell("tail -n 20 /var/log/radicale");
        assert_eq!(ran.text, if right { "207" } else { "401" }, "{login}\n{log}");
    }
}

#[test]
fn dovecotauth_is_answered() {
    dovecotauth_tells_right_from_wrong(Helper::Ours);
}

#[test]
fn dovecotauth_is_answered_by_dovecot_in_the_same_way() {
    dovecotauth_tells_right_from_wrong(Helper::Dovecot);
}

#[test]
fn radicale_is_answered() {
    radicale_tells_right_from_wrong(Helper::Ours);
}

#[test]
fn radicale_is_answered_by_dovecot_in_the_same_way() {
    radicale_tells_right_from_wrong(Helper::Dovecot);
}

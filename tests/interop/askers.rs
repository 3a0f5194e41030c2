//! Programs that are no mail servers and ask the helper themselves: Radicale, a calendar server in Python.

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

/// Up to 3.3 Radicale needs a plugin to speak to the socket.
const START: &str = "
if [ -e /usr/lib/python3/dist-packages/radicale/auth/dovecot.py ]; then
    auth='type = dovecot\\ndovecot_connection_type = AF_UNIX\\ndovecot_socket'
else
    auth='type = radicale_dovecot_auth\\nauth_socket'
fi
printf \"[server]\\nhosts = 127.0.0.1:5232\\n[storage]\\nfilesystem_folder = /srv/calendars\\n[auth]\\n$auth = SOCKET\\n\" \
    >/etc/radicale.conf
python3 -m radicale --config /etc/radicale.conf </dev/null >/var/log/radicale.log 2>&1 &
";

/// Radicale asks for each request anew, and never says that its line is secured.
fn radicale_tells_right_from_wrong(helper: Helper) {
    let machine = Machine::over(&["mail", "clients"]);
    let _ours = helper.start(&machine, &ACCOUNTS, "plaintext_without_tls = true\n");
    machine.shell(&START.replace("SOCKET", &format!("/run/sasldb-rs/{SOCKET}")));
    wait_for("Radicale", || (machine.run("curl", &["-s", "http://127.0.0.1:5232/"]).status == 0).then_some(()));
    for (user, password, right) in LOGINS {
        let login = format!("{user}:{password}");
        let request = ["-s", "-o", "/dev/null", "-w", "%{http_code}", "-X", "PROPFIND", "-u", &login];
        let ran = machine.run("curl", &[&request[..], &["http://127.0.0.1:5232/"]].concat());
        let log = machine.shell("tail -n 20 /var/log/radicale.log");
        assert_eq!(ran.text, if right { "207" } else { "401" }, "{login}\n{log}");
    }
}

#[test]
fn radicale_is_answered() {
    radicale_tells_right_from_wrong(Helper::Ours);
}

#[test]
fn radicale_is_answered_by_dovecot_in_the_same_way() {
    radicale_tells_right_from_wrong(Helper::Dovecot);
}

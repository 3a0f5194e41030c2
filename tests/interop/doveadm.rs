//! Dovecot's own client at our socket: `doveadm auth test`.

use crate::helper::{Ours, SOCKET, dovecot_versions};
use crate::machine::{Machine, Ran};

/// doveadm reads a configuration before it does anything, and Debian's asks for files that are not there.
pub(crate) fn write_client_configuration(machine: &Machine, path: &str) {
    let versions = dovecot_versions(machine);
    machine.write(path, &format!("{versions}protocols =\nssl = no\nlog_path = /dev/stderr\n"));
}

pub(crate) fn auth_test(machine: &Machine, user: &str, password: &str) -> Ran {
    write_client_configuration(machine, "/etc/dovecot/client.conf");
    let socket = format!("/run/sasldb-rs/{SOCKET}");
    machine.run(
        "doveadm",
        &["-c", "/etc/dovecot/client.conf", "auth", "test", "-a", &socket, "-x", "secured", user, password],
    )
}

pub(crate) fn doveadm_tells_right_from_wrong(machine: &Machine) {
    for user in ["mailman", "mailman@example.com"] {
        let right = auth_test(machine, user, "secret");
        assert_eq!(right.status, 0, "{user}: {}", right.text);
        assert!(right.text.contains("auth succeeded"), "{user}: {}", right.text);
        assert!(right.text.contains("user=mailman@example.com"), "{user}: {}", right.text);
        let wrong = auth_test(machine, user, "wrong");
        assert_eq!(wrong.status, 77, "{user}: {}", wrong.text);
        assert!(wrong.text.contains("auth failed"), "{user}: {}", wrong.text);
    }
    assert_eq!(auth_test(machine, "nobody", "secret").status, 77);
}

#[test]
fn doveadm_is_answered() {
    let machine = Machine::start();
    let mut helper = Ours::beside(&machine);
    helper.start();
    helper.saslpasswd(&["-p", "-c"], "mailman", "secret\n");
    doveadm_tells_right_from_wrong(&machine);
}

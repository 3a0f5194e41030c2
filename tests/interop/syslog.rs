//! The system's log, for programs that write to no other.

use crate::machine::{Machine, wait_for};

const LISTENER: &str = r#"
import os, socket
listener = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
listener.bind("/dev/log")
os.chmod("/dev/log", 0o666)
with open("/var/log/mail.log", "ab", buffering=0) as log:
    while True:
        log.write(listener.recv(65536).rstrip(b"\0\n") + b"\n")
"#;

/// Keeps what the machine's programs log in /var/log/mail.log.
pub(crate) fn keep(machine: &Machine) {
    machine.write("/srv/syslog.py", LISTENER);
    machine.shell("python3 /srv/syslog.py </dev/null >/var/log/syslog.err 2>&1 &");
    wait_for("the system's log", || (machine.has("/dev/log") && machine.has("/var/log/mail.log")).then_some(()));
}

//! One line in the system's log for each change, with the audit's number and head: whoever cuts the audit in the database
//! would have to cut the log too.

use std::os::unix::net::UnixDatagram;

use crate::identity::Identity;
use crate::store::{AuditHead, Receipt};

use super::output::Program;

/// Where syslogd and journald listen.
const DEV_LOG: &str = "/dev/log";

/// Facility authpriv (10), severity notice (5), as `facility * 8 + severity`.
const AUTHPRIV_NOTICE: u32 = 85;

/// What stands before an entry's number.
pub(super) const NUMBER: &str = " audit=";
/// What stands before its MAC, in hexadecimal digits to the end of the line.
pub(super) const HEAD: &str = " head=";

/// Notes a change. A host without a log, or one whose log is full, is no reason to fail: the change is made.
pub(super) fn note(program: &Program, identity: &Identity, what: &str, receipt: &Receipt) {
    if let Some(audit) = receipt.audit {
        send(program, &format!("{what}: account=\"{identity}\""), &audit);
    }
}

/// Notes a change of the whole database.
pub(super) fn note_of_all(program: &Program, what: &str, audit: &AuditHead) {
    send(program, &format!("{what}:"), audit);
}

fn send(program: &Program, what: &str, audit: &AuditHead) {
    let line = format!(
        "<{AUTHPRIV_NOTICE}>{}[{}]: {what} uid={}{NUMBER}{}{HEAD}{}",
        program.name(),
        std::process::id(),
        program.uid(),
        audit.number,
        audit.hex(),
    );
    let _ = UnixDatagram::unbound().and_then(|socket| {
        // A log that does not read must not hold the tool up.
        socket.set_nonblocking(true)?;
        socket.send_to(line.as_bytes(), DEV_LOG)
    });
}

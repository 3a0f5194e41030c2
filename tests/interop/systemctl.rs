//! `systemctl` in a machine that systemd does not run.

use crate::machine::Machine;

/// A script in its place does what the units say, and a folder takes ours.
pub(crate) fn put(machine: &Machine) {
    machine.write("/usr/local/bin/systemctl", include_str!("systemctl.sh"));
    machine.shell("chmod 755 /usr/local/bin/systemctl; mkdir -p /etc/systemd/system");
}

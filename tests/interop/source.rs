//! Our source in a machine, as it is when it has been built: there the commands of the pages are given.

use std::os::unix::fs::PermissionsExt;

use crate::installed::copy_built;
use crate::machine::{Machine, Ran};
use crate::pages::contrib;

const FOLDER: &str = "/root/saslpasswd-rs";

/// What is built, and what else of the source the pages name.
pub(crate) fn put(machine: &Machine) {
    let built = machine.shared().join("release");
    std::fs::create_dir(&built).unwrap();
    copy_built(&built);
    machine.shell(&format!(
        "mkdir -p {FOLDER}/target {FOLDER}/contrib/systemd
         ln -s /run/sasldb-rs/release {FOLDER}/target/release"
    ));
    let unit = "systemd/saslauthd-rs.service";
    machine.write(&format!("{FOLDER}/contrib/{unit}"), &contrib(unit));
    // It is built, and root needs no sudo.
    machine.write("/usr/local/bin/sudo", "#!/bin/sh\nexec \"$@\"\n");
    machine.shell("ln -s /bin/true /usr/local/bin/cargo; chmod 755 /usr/local/bin/sudo");
    // What a service manager makes of it.
    std::fs::set_permissions(machine.shared(), PermissionsExt::from_mode(0o755)).unwrap();
}

/// The script of one who pastes a block, as root in the source's folder.
pub(crate) fn script(block: &str) -> String {
    format!("export PATH=/usr/local/sbin:/usr/local/bin:$PATH; cd {FOLDER}\n{block}\n")
}

/// Pastes a block, with `input` for what asks for a password.
pub(crate) fn paste(machine: &Machine, block: &str, input: &str) -> Ran {
    // Daemons that it leaves behind keep its output open.
    let script = format!("{{ {}}} >/root/said 2>&1", script(block));
    let ran = machine.run_with("bash", &["-euc", &script], input);
    let said = machine.shell("cat /root/said");
    Ran { text: format!("{block}{}{said}", ran.text), ..ran }
}

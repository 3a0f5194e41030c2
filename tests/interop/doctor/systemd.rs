//! Where systemd runs the services. No machine of the tests is run by it: a script does what `systemctl` is told, by the units.

use crate::installed::set_up;
use crate::machine::{Machine, project};
use crate::servers::Server;
use crate::systemctl;

use super::{Case, case, each_is_found_and_mended};

const UNIT: &str = "/etc/systemd/system/saslauthd-rs.service";

/// Makes the machine look like one, and starts the helper, and chasquid where it is there, anew.
pub(super) fn run_by_systemd(machine: &Machine) {
    let unit = std::fs::read_to_string(project().join("contrib/systemd/saslauthd-rs.service")).unwrap();
    systemctl::put(machine);
    machine.shell("mkdir -p /run/systemd/system");
    machine.write(UNIT, &unit);
    machine.shell(
        "ln -s /usr/local/bin/systemctl /usr/sbin/systemctl
         kill $(pidof saslauthd-rs); while pidof saslauthd-rs >/dev/null; do sleep 0.1; done
         systemctl restart saslauthd-rs
         chasquid=/lib/systemd/system/chasquid.service
         if [ -e $chasquid ]; then
             sed '/^ExecStart=/s/$/ -testing__outgoing_smtp_port 2525/' $chasquid >/etc/systemd/system/chasquid.service
             kill $(pidof chasquid); while pidof chasquid >/dev/null; do sleep 0.1; done
             systemctl restart chasquid
         fi",
    );
}

const EXIM: &[Case] = &[
    case(
        "group-not-yet",
        "systemctl restart exim4",
        "groupadd later; sed -i 's/^group = .*/group = \"later\"/' $config; systemctl restart saslauthd-rs
         usermod -a -G later Debian-exim",
    ),
    case("helper-down", "systemctl restart saslauthd-rs", "stop"),
    // No unit of the helper's: it is started as the README does.
    case("helper-down", "setsid", "stop; rm /etc/systemd/system/saslauthd-rs.service"),
];

#[test]
fn services_of_systemd_are_restarted_by_it() {
    let site = set_up(Server::Exim);
    run_by_systemd(&site.machine);
    let ran = site.machine.run("systemd-analyze", &["verify", "--man=no", UNIT]);
    assert_eq!((ran.status, ran.text.as_str()), (0, ""));
    each_is_found_and_mended(&site, "CRAM-MD5", EXIM);
}

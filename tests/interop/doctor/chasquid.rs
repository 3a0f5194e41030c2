//! chasquid, and the helper, as systemd runs them.

use crate::installed::set_up;
use crate::servers::Server;

use super::systemd::run_by_systemd;
use super::{Case, case, each_is_found_and_mended};

pub(super) const CASES: &[Case] = &[
    case(
        "chasquid-auth-off",
        "systemctl restart chasquid",
        "sed -i 's/^dovecot_auth: true/dovecot_auth: false/' /etc/chasquid/chasquid.conf",
    ),
    case("chasquid-socket", "dovecot_userdb_path: ", "sed -i '/^dovecot_userdb_path/d' /etc/chasquid/chasquid.conf"),
    case(
        "chasquid-socket",
        "dovecot_client_path: ",
        "sed -i 's|/run/sasldb-rs/auth\"|/run/other/auth\"|' /etc/chasquid/chasquid.conf",
    ),
    case("chasquid-socket", "[[userdb]]", "sed -i '/^.*userdb/,$d' $config; systemctl restart saslauthd-rs"),
    case("settings-unread", "systemctl restart chasquid", "sleep 0.5; touch /etc/chasquid/chasquid.conf"),
    case("folder-closed", "chmod o+x", "chmod 700 /run/sasldb-rs"),
    case(
        "group-not-yet",
        "systemctl restart chasquid",
        "groupadd later; sed -i 's/^group = .*/group = \"later\"/' $config; systemctl restart saslauthd-rs
         usermod -a -G later chasquid",
    ),
    case("helper-down", "systemctl restart saslauthd-rs", "stop"),
];

#[test]
fn what_goes_wrong_with_chasquid_is_found_and_mended() {
    let site = set_up(Server::Chasquid);
    run_by_systemd(&site.machine);
    each_is_found_and_mended(&site, "PLAIN", CASES);
}

//! Postfix and Exim that ask libsasl2.

use crate::installed::set_up;
use crate::servers::Server;

use super::{Case, case, each_is_found_and_mended};

macro_rules! postfix {
    ($change:expr) => {
        concat!("file=/etc/postfix/sasl/smtpd.conf; ", $change, "; postfix reload")
    };
}

pub(super) const POSTFIX: &[Case] = &[
    case("sasl-file-missing", "/etc/postfix/sasl/smtpd.conf", postfix!("rm $file")),
    case("sasl-file-writable", "chmod o-w", postfix!("chmod o+w $file")),
    case(
        "sasl-verifier",
        "pwcheck_method: saslauthd",
        postfix!("sed -i 's/^pwcheck_method.*/pwcheck_method: auxprop/' $file"),
    ),
    // As it is outside of the chroot.
    case(
        "sasl-mux",
        "saslauthd_path: /private/mux",
        postfix!("sed -i 's|^saslauthd_path.*|saslauthd_path: /var/spool/postfix/private/mux|' $file"),
    ),
    case("sasl-mux", "[[saslauthd]]", "stop; sed -i '/^\\[\\[saslauthd/,/^mode/d' $config; start"),
    case("sasl-plugin", "auxprop_plugin: sasldb_rs", postfix!("sed -i '/^auxprop_plugin/d' $file")),
    case(
        "sasl-lookup",
        "sasldb_rs_socket: /private/lookup",
        postfix!("sed -i 's|^sasldb_rs_socket.*|sasldb_rs_socket: /run/sasldb-rs/lookup|' $file"),
    ),
    case("sasl-lookup", "[[lookup]]", "stop; sed -i '/^\\[\\[lookup/,/^peers/d' $config; start"),
    case("not-a-peer", "{ user = \"postfix\" }", "stop; sed -i '/^peers = \\[{/d' $config; start"),
    case("plugin-missing", "install -m 644", postfix!("rm /usr/lib/*/sasl2/libsasldb_rs.so")),
    case(
        "sasl-mechanisms",
        "mech_list: SCRAM-SHA-256 SCRAM-SHA-1 DIGEST-MD5",
        postfix!("sed -i '/^mech_list/d' $file"),
    ),
    case(
        "sasl-mechanisms",
        "mech_list: DIGEST-MD5 CRAM-MD5",
        postfix!("sed -i 's/^mech_list.*/mech_list: SCRAM-SHA-512 DIGEST-MD5 CRAM-MD5/' $file"),
    ),
    case(
        "sasl-realm",
        "smtpd_sasl_local_domain = example.com",
        postfix!("postconf -e smtpd_sasl_local_domain=elsewhere.example"),
    ),
    case("helper-down", "setsid", "stop"),
];

#[test]
fn what_goes_wrong_with_postfix_and_libsasl2_is_found_and_mended() {
    each_is_found_and_mended(&set_up(Server::SaslPostfix), "DIGEST-MD5", POSTFIX);
}

macro_rules! exim {
    ($change:expr) => {
        concat!("file=/etc/sasl2/exim.conf; ", $change)
    };
}

pub(super) const EXIM: &[Case] = &[
    case("sasl-file-missing", "/etc/sasl2/exim.conf", exim!("rm $file")),
    case("sasl-file-writable", "chmod o-w", exim!("chmod o+w $file")),
    case(
        "sasl-verifier",
        "pwcheck_method: saslauthd",
        exim!("sed -i 's/^pwcheck_method.*/pwcheck_method: auxprop/' $file"),
    ),
    case(
        "sasl-mux",
        "saslauthd_path: /run/sasldb-rs/mux",
        exim!("sed -i 's|^saslauthd_path.*|saslauthd_path: /run/other/mux|' $file"),
    ),
    case(
        "sasl-plugin",
        "auxprop_plugin: sasldb_rs",
        exim!("sed -i 's/^auxprop_plugin.*/auxprop_plugin: sasldb/' $file"),
    ),
    case(
        "sasl-lookup",
        "sasldb_rs_socket: /run/sasldb-rs/lookup",
        exim!("sed -i '/^sasldb_rs_socket/d' $file; echo 'sasldb_rs_socket: /run/other/lookup' >>$file"),
    ),
    case("plugin-missing", "install -m 644", exim!("rm /usr/lib/*/sasl2/libsasldb_rs.so")),
    case(
        "sasl-realm",
        "server_realm = example.com",
        exim!(
            "sed -i 's/^  server_hostname = .*/  server_hostname = elsewhere.example/' /etc/exim4/exim4.conf
               /etc/init.d/exim4 restart </dev/null >/var/log/start.log 2>&1"
        ),
    ),
    case(
        "exim-mechanism",
        "server_advertise_condition = no",
        "sed -i 's/^mech_list:/& SCRAM-SHA-512/' /etc/sasl2/exim.conf
         sed -i 's/^  public_name = SCRAM-SHA-256$/  public_name = SCRAM-SHA-512/' /etc/exim4/exim4.conf
         /etc/init.d/exim4 restart </dev/null >/var/log/start.log 2>&1",
    ),
    case("folder-closed", "chmod o+x", "chmod 700 /run/sasldb-rs"),
];

#[test]
fn what_goes_wrong_with_exim_and_libsasl2_is_found_and_mended() {
    each_is_found_and_mended(&set_up(Server::SaslExim), "DIGEST-MD5", EXIM);
}

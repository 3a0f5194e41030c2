//! Sendmail, by libsasl2.

use crate::installed::set_up;
use crate::machine::wait_for;
use crate::servers::Server;

use super::{Case, case, each_is_found_and_mended, findings, make};

/// Makes Sendmail read what was changed.
macro_rules! again {
    ($change:expr) => {
        concat!(
            $change,
            "\nm4 /etc/mail/sendmail.mc >/etc/mail/sendmail.cf; /etc/init.d/sendmail restart >/dev/null 2>&1"
        )
    };
}

/// Changes what libsasl2 is told: `$file` is the first that it finds. The second is Debian's own.
macro_rules! settings {
    ($change:expr) => {
        again!(concat!(
            "file=$(ls /etc/sasl2/Sendmail.conf /usr/lib/sasl2/Sendmail.conf 2>/var/log/ls | head -n 1 || true); ",
            $change
        ))
    };
}

pub(super) const CASES: &[Case] = &[
    case(
        "sendmail-trust",
        "TRUST_AUTH_MECH",
        again!("sed -i 's/^TRUST_AUTH_MECH.*/TRUST_AUTH_MECH(`CRAM-MD5'\"'\"')dnl/' /etc/mail/sendmail.mc"),
    ),
    case("settings-unread", "/etc/init.d/sendmail restart", "sleep 0.5; touch /etc/mail/sendmail.cf"),
    case(
        "settings-unread",
        "/etc/init.d/sendmail restart",
        "sleep 0.5; touch $(ls /etc/sasl2/Sendmail.conf /usr/lib/sasl2/Sendmail.conf 2>/var/log/ls | head -n 1)",
    ),
    case("sendmail-layers", "confAUTH_MAX_BITS", again!("sed -i '/confAUTH_MAX_BITS/d' /etc/mail/sendmail.mc")),
    case(
        "sasl-mechanisms",
        "confAUTH_MECHANISMS",
        again!("sed -i '/confAUTH_MECHANISMS/s/DIGEST-MD5/SCRAM-SHA-512 DIGEST-MD5/' /etc/mail/sendmail.mc"),
    ),
    case(
        "sasl-realm",
        "define(`confAUTH_REALM'",
        again!("sed -i '/^MAILER_DEFINITIONS/i define(`confAUTH_REALM'\"'\"', `elsewhere.example'\"'\"')dnl' /etc/mail/sendmail.mc"),
    ),
    case("sasl-plugin", "auxprop_plugin: sasldb_rs", settings!("rm $file")),
    case(
        "sasl-file-missing",
        "/etc/sasl2/Sendmail.conf",
        again!("rm -f /etc/sasl2/Sendmail.conf /usr/lib/sasl2/Sendmail.conf"),
    ),
    case("sasl-file-writable", "chmod o-w", settings!("chmod o+w $file")),
    case(
        "sasl-verifier",
        "pwcheck_method: saslauthd",
        settings!("sed -i 's/^pwcheck_method.*/pwcheck_method: auxprop/' $file"),
    ),
    case(
        "sasl-mux",
        "saslauthd_path: /run/sasldb-rs/mux",
        settings!("sed -i 's|^saslauthd_path.*|saslauthd_path: /run/other/mux|' $file"),
    ),
    case(
        "sasl-plugin",
        "auxprop_plugin: sasldb_rs",
        settings!("sed -i 's/^auxprop_plugin.*/auxprop_plugin: sasldb/' $file"),
    ),
    case(
        "sasl-lookup",
        "sasldb_rs_socket: /run/sasldb-rs/lookup",
        settings!("sed -i '/^sasldb_rs_socket/d' $file; echo 'sasldb_rs_socket: /run/other/lookup' >>$file"),
    ),
    case("plugin-missing", "install -m 644", again!("rm /usr/lib/*/sasl2/libsasldb_rs.so")),
    case(
        "not-a-peer",
        "peers = [{ user = \"daemon\", realms = [\"example.com\"], schemes = [\"cram-md5\"] }, { user = \"root\" }]",
        "stop; echo 'peers = [{ user = \"daemon\", realms = [\"example.com\"], schemes = [\"cram-md5\"] }]' >>$config; start",
    ),
    case("sasl-lookup", "[[lookup]]", "stop; sed -i '/^.*lookup/,$d' $config; start"),
    // A helper that has never been root: the plugin believes whom it is told.
    case(
        "sasl-user",
        "sasldb_rs_user: sasldb-rs",
        settings!(
            "stop; rm -f /run/sasldb-rs/*; chown sasldb-rs /run/sasldb-rs
             setsid setpriv --reuid sasldb-rs --regid sasldb-rs --clear-groups saslauthd-rs </dev/null >>/var/log/other.log 2>&1 &
             sleep 1; echo 'sasldb_rs_user: daemon' >>$file"
        ),
    ),
];

#[test]
fn what_goes_wrong_with_sendmail_is_found_and_mended() {
    let site = set_up(Server::Sendmail);
    each_is_found_and_mended(&site, "DIGEST-MD5", CASES);
    // At HUP it reads them again, and is not started by anybody.
    make(
        &site.machine,
        "sleep 0.5; touch /etc/mail/sendmail.cf; kill -HUP $(head -n 1 /var/run/sendmail/mta/sendmail.pid)",
    );
    wait_for("Sendmail to read its settings", || findings(&site.machine).is_empty().then_some(()));
}

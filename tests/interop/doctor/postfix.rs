//! Postfix, by the dovecot socket. Also what can be wrong with the helper, whatever asks it.

use crate::installed::set_up;
use crate::servers::Server;

use super::{Case, case, each_is_found_and_mended};

pub(super) const CASES: &[Case] = &[
    case("postfix-auth-off", "postconf -e", "postconf -e smtpd_sasl_auth_enable=no; postfix reload"),
    case(
        "postfix-auth-off",
        "postconf -P",
        "postconf -P smtp/inet/smtpd_sasl_auth_enable=no; \
         postconf -e smtpd_sasl_auth_enable=no; postfix reload",
    ),
    case(
        "postfix-type",
        "smtpd_sasl_type = dovecot",
        "postconf -PX smtp/inet/smtpd_sasl_auth_enable
         postconf -e smtpd_sasl_auth_enable=yes smtpd_sasl_type=cyrus; postfix reload",
    ),
    case("postfix-path", "postconf -e", "postconf -e smtpd_sasl_path=private/other; postfix reload"),
    case("postfix-path", "postconf -P", "postconf -P smtp/inet/smtpd_sasl_path=private/other; postfix reload"),
    case(
        "postfix-tls",
        "smtpd_tls_auth_only = no",
        "postconf -e smtpd_tls_auth_only=yes smtpd_tls_security_level=none; postfix reload",
    ),
    case(
        "postfix-anonymous",
        "smtpd_sasl_security_options = noanonymous, noplaintext",
        "postconf -e smtpd_sasl_security_options=noplaintext smtpd_tls_security_level=may; postfix reload",
    ),
    case(
        "postfix-anonymous",
        "smtpd_sasl_tls_security_options = noanonymous",
        "postconf -e smtpd_sasl_tls_security_options=; postfix reload",
    ),
    case(
        "postfix-relay",
        "smtpd_relay_restrictions = permit_sasl_authenticated, permit_mynetworks",
        "postconf -e smtpd_relay_restrictions=permit_mynetworks,reject_unauth_destination; postfix reload",
    ),
    case(
        "postfix-relay",
        "smtpd_recipient_restrictions = permit_sasl_authenticated, reject_unauth_destination",
        "postconf -e smtpd_relay_restrictions= smtpd_recipient_restrictions=reject_unauth_destination; postfix reload",
    ),
    // An smtpd that waits for the next client does not read them again, and the master does not at all.
    case("settings-unread", "postfix reload", "sleep 0.5; postconf -e smtpd_client_port_logging=yes"),
    case("settings-unread", "postfix reload", "sleep 0.5; touch /etc/postfix/master.cf"),
    case("helper-down", "setsid", "stop"),
    case("helper-down", "setsid", "stop; rm /var/spool/postfix/private/auth"),
    case("unknown-user", "groupadd", "stop; echo 'group = \"mailers\"' >>$config"),
    case("unknown-user", "useradd", "stop; echo 'owner = \"mailer\"' >>$config"),
    case("not-a-peer", "peers = ", "stop; echo 'peers = [\"root\"]' >>$config; start"),
    case(
        "not-a-peer",
        "c peers = [\"root\", 0, \"postfix\"]",
        "stop; sed -i 's/^peers = .*/peers = [ # two\\n  \"root\",\\n  0,\\n]/' $config; start",
    ),
    case(
        "socket-taken",
        "smtpd_sasl_path = private/auth-rs",
        "stop; cp /usr/local/sbin/saslauthd-rs /usr/local/sbin/dovecot
         setsid /usr/local/sbin/dovecot --dovecot /var/spool/postfix/private/auth </dev/null >/dev/null 2>&1 &
         while ! [ -S /var/spool/postfix/private/auth ]; do sleep 0.1; done",
    ),
    case(
        "postfix-chroot",
        "path = \"/var/spool/postfix/private/auth\"",
        "stop dovecot; stop; sed -i -e '/^peers/d' -e 's|^path = .*|path = \"/run/sasldb-rs/auth\"|' $config; start
         postconf -e smtpd_sasl_path=/run/sasldb-rs/auth
         postconf -P smtp/inet/smtpd_sasl_path=/run/sasldb-rs/auth; postfix reload",
    ),
    // Nothing names a socket: those that are opened all the same have to be named from now on.
    case(
        "postfix-path",
        "path = \"/run/sasldb-rs/mux\"",
        "stop; sed -i '/^\\[\\[/,$d' $config; start
         postconf -e smtpd_sasl_path=private/other; postconf -PX smtp/inet/smtpd_sasl_path; postfix reload",
    ),
];

#[test]
fn what_goes_wrong_with_postfix_is_found_and_mended() {
    each_is_found_and_mended(&set_up(Server::Postfix), "DIGEST-MD5", CASES);
}

#!/usr/bin/env bash
# Debian's Postfix with libsasl2. It sees its queue folder only, so saslauthd's socket and a copy of the passwords are there.
set -eu
# The other tests' helper would be found by this name.
rm /var/spool/postfix/private/auth
usermod -a -G sasl postfix
install -D -o postfix -m 600 /etc/sasldb2 /var/spool/postfix/etc/sasldb2
mkdir -p /etc/postfix/sasl
printf 'pwcheck_method: saslauthd\nauxprop_plugin: sasldb\n' >/etc/postfix/sasl/smtpd.conf
postconf -e smtpd_sasl_auth_enable=yes smtpd_sasl_type=cyrus smtpd_sasl_path=smtpd \
    cyrus_sasl_config_path=/etc/postfix/sasl \
    'smtpd_sasl_security_options = noanonymous, noplaintext' 'smtpd_sasl_tls_security_options = noanonymous' \
    'smtpd_relay_restrictions = permit_mynetworks, permit_sasl_authenticated, reject_unauth_destination'
service postfix start

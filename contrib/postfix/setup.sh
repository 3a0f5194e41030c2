# Those who log in may send through this server; strangers get "Relay access denied".
# smtpd is chrooted on Debian and sees its queue folder only, so the helper's socket has to be there:
#   saslauthd-rs --dovecot /var/spool/postfix/private/sasldb-rs/auth
# Without TLS only mechanisms that do not show the password.
postconf -e \
    'smtpd_sasl_auth_enable = yes' \
    'smtpd_sasl_type = dovecot' \
    'smtpd_sasl_path = private/sasldb-rs/auth' \
    'smtpd_sasl_security_options = noanonymous, noplaintext' \
    'smtpd_sasl_tls_security_options = noanonymous' \
    'smtpd_relay_restrictions = permit_mynetworks, permit_sasl_authenticated, reject_unauth_destination'

# Those who log in may send through this server; strangers get "Relay access denied". Without TLS only mechanisms that do
# not show the password.
postconf -e \
    'smtpd_sasl_auth_enable = yes' \
    'smtpd_sasl_type = cyrus' \
    'smtpd_sasl_path = smtpd' \
    'cyrus_sasl_config_path = /etc/postfix/sasl' \
    'smtpd_sasl_security_options = noanonymous, noplaintext' \
    'smtpd_sasl_tls_security_options = noanonymous' \
    'smtpd_relay_restrictions = permit_mynetworks, permit_sasl_authenticated, reject_unauth_destination'

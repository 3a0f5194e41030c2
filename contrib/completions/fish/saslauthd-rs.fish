complete -c saslauthd-rs -s f -l database -d 'The account database, in place of the setting `database`' -r -F
complete -c saslauthd-rs -l realm -d 'The default realm, in place of the setting `realm`: of a login without one, and offered by DIGEST-MD5' -r
complete -c saslauthd-rs -l dovecot -d 'Open a socket that speaks the Dovecot auth protocol, version 1.2; may be given several times' -r -F
complete -c saslauthd-rs -l userdb -d 'Open a socket that says whether accounts exist, by Dovecot\'s auth-userdb protocol, as chasquid needs; may be given several times' -r -F
complete -c saslauthd-rs -l saslauthd -d 'Open a socket that speaks the protocol of Cyrus\'s saslauthd(8), or one named `mux` in this folder; may be given several times' -r -F
complete -c saslauthd-rs -l lookup -d 'Open a socket that hands stored secrets out to the libsasl2 plugin of listed users, or of root; may be given several times' -r -F
complete -c saslauthd-rs -l store -d 'Open a socket on which programs of root, or of listed users, change accounts through the libsasl2 plugin; may be given several times' -r -F
complete -c saslauthd-rs -l config -d 'The configuration file, in place of /etc/sasldb-rs/config.toml' -r -F
complete -c saslauthd-rs -l check-config -d 'Read options and settings, say what is wrong with them, and exit'
complete -c saslauthd-rs -s h -l help -d 'Print help (see more with \'--help\')'
complete -c saslauthd-rs -s V -l version -d 'Print version'

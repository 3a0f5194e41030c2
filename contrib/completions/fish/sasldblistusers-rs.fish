complete -c sasldblistusers-rs -s f -l database -d 'The account database, in place of the setting `database`' -r -F
complete -c sasldblistusers-rs -l config -d 'The configuration file, in place of /etc/sasldb-rs/config.toml' -r -F
complete -c sasldblistusers-rs -s v -l version -d 'Print the version (with -v on stderr) and exit'
complete -c sasldblistusers-rs -l help -d 'Print this help and exit'
complete -c sasldblistusers-rs -s h -d 'Print the usage of the original program on stderr and exit with status 1'

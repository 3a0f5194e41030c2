complete -c saslpasswd-rs -s u -l realm -d 'The realm of a bare USERID; an empty one counts as none' -r
complete -c saslpasswd-rs -s f -l database -d 'The account database, in place of the setting `database`' -r -F
complete -c saslpasswd-rs -s a -l appname -d 'Taken for compatibility; has no effect' -r
complete -c saslpasswd-rs -l config -d 'The configuration file, in place of /etc/sasldb-rs/config.toml' -r -F
complete -c saslpasswd-rs -s p -l pipe -d 'Read the password from stdin without prompts, up to its end, less one final newline; on a terminal one line, with echo'
complete -c saslpasswd-rs -s c -l create -d 'Make the account; without it an account that is missing is made all the same'
complete -c saslpasswd-rs -s d -l delete -d 'Delete the account; no error if there is none'
complete -c saslpasswd-rs -s n -l no-plaintext -d 'Set secrets for the challenge mechanisms only: PLAIN and LOGIN are refused with this password'
complete -c saslpasswd-rs -l list -d 'List the accounts, or those that fit PATTERN'
complete -c saslpasswd-rs -l json -d 'With --list: as JSON'
complete -c saslpasswd-rs -l disable -d 'Keep the account but let nobody log in to it'
complete -c saslpasswd-rs -l enable -d 'Let a disabled account log in again'
complete -c saslpasswd-rs -s v -l version -d 'Print the version (with -v on stderr) and exit'
complete -c saslpasswd-rs -l help -d 'Print this help and exit'
complete -c saslpasswd-rs -s h -d 'Print the usage of the original program on stderr and exit with status 1'

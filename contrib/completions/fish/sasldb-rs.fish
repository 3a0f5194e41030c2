# Print an optspec for argparse to handle cmd's options that are independent of any subcommand.
function __fish_sasldb_rs_global_optspecs
    string join \n f/database= config= h/help V/version
end

function __fish_sasldb_rs_needs_command
    # Figure out if the current invocation already has a command.
    set -l cmd (commandline -opc)
    set -e cmd[1]
    argparse -s (__fish_sasldb_rs_global_optspecs) -- $cmd 2>/dev/null
    or return
    if set -q argv[1]
        # Also print the command, so this can be used to figure out what it is.
        echo $argv[1]
        return 1
    end
    return 0
end

function __fish_sasldb_rs_using_subcommand
    set -l cmd (__fish_sasldb_rs_needs_command)
    test -z "$cmd"
    and return 1
    contains -- $cmd[1] $argv
end

complete -c sasldb-rs -n "__fish_sasldb_rs_needs_command" -s f -l database -d 'The account database, in place of the setting `database`' -r -F
complete -c sasldb-rs -n "__fish_sasldb_rs_needs_command" -l config -d 'The configuration file, in place of /etc/sasldb-rs/config.toml' -r -F
complete -c sasldb-rs -n "__fish_sasldb_rs_needs_command" -s h -l help -d 'Print help'
complete -c sasldb-rs -n "__fish_sasldb_rs_needs_command" -s V -l version -d 'Print version'
complete -c sasldb-rs -n "__fish_sasldb_rs_needs_command" -f -a "test" -d 'Log in as a mail server would, by each mechanism in turn'
complete -c sasldb-rs -n "__fish_sasldb_rs_needs_command" -f -a "verify" -d 'Check a password against the database itself'
complete -c sasldb-rs -n "__fish_sasldb_rs_needs_command" -f -a "account" -d 'List, show, add, remove, rename, disable, enable and expire accounts'
complete -c sasldb-rs -n "__fish_sasldb_rs_needs_command" -f -a "apply" -d 'Make the accounts what a file says they should be'
complete -c sasldb-rs -n "__fish_sasldb_rs_needs_command" -f -a "password" -d 'Give an account several passwords, each with its own label and limits'
complete -c sasldb-rs -n "__fish_sasldb_rs_needs_command" -f -a "import" -d 'Take over the accounts of another program'
complete -c sasldb-rs -n "__fish_sasldb_rs_needs_command" -f -a "export" -d 'Write accounts in a form that other programs read, or another database'
complete -c sasldb-rs -n "__fish_sasldb_rs_needs_command" -f -a "check" -d 'Look for what is wrong, and for logins that fail'
complete -c sasldb-rs -n "__fish_sasldb_rs_needs_command" -f -a "doctor" -d 'Look at the machine for what usually goes wrong, and say what mends it'
complete -c sasldb-rs -n "__fish_sasldb_rs_needs_command" -f -a "setup" -d 'Print the lines that make a program ask the helper'
complete -c sasldb-rs -n "__fish_sasldb_rs_needs_command" -f -a "log" -d 'Show every change that was made, and prove that none was hidden'
complete -c sasldb-rs -n "__fish_sasldb_rs_needs_command" -f -a "report" -d 'Show who logs in by which mechanism, who does not, and who fails'
complete -c sasldb-rs -n "__fish_sasldb_rs_needs_command" -f -a "retire" -d 'Remove a scheme from the passwords for which nobody has used it for long'
complete -c sasldb-rs -n "__fish_sasldb_rs_needs_command" -f -a "backup" -d 'Copy the database into a new file, while it is in use'
complete -c sasldb-rs -n "__fish_sasldb_rs_needs_command" -f -a "restore" -d 'Put the accounts of a backup in the place of those that are there'
complete -c sasldb-rs -n "__fish_sasldb_rs_needs_command" -f -a "rekey" -d 'Seal every account with a new key'
complete -c sasldb-rs -n "__fish_sasldb_rs_using_subcommand test" -l dovecot -d 'The socket to log in on' -r -F
complete -c sasldb-rs -n "__fish_sasldb_rs_using_subcommand test" -l mechanism -d 'A mechanism to try; may be given several times [default: all that are announced]' -r
complete -c sasldb-rs -n "__fish_sasldb_rs_using_subcommand test" -l service -d 'The service to log in to' -r
complete -c sasldb-rs -n "__fish_sasldb_rs_using_subcommand test" -l realm -d 'The realm of a USER without one' -r
complete -c sasldb-rs -n "__fish_sasldb_rs_using_subcommand test" -l remote -d 'Say that the client connects from this address' -r
complete -c sasldb-rs -n "__fish_sasldb_rs_using_subcommand test" -s f -l database -d 'The account database, in place of the setting `database`' -r -F
complete -c sasldb-rs -n "__fish_sasldb_rs_using_subcommand test" -l config -d 'The configuration file, in place of /etc/sasldb-rs/config.toml' -r -F
complete -c sasldb-rs -n "__fish_sasldb_rs_using_subcommand test" -l secured -d 'Say that the client\'s connection is protected by TLS, without which PLAIN and LOGIN are denied'
complete -c sasldb-rs -n "__fish_sasldb_rs_using_subcommand test" -s h -l help -d 'Print help'
complete -c sasldb-rs -n "__fish_sasldb_rs_using_subcommand verify" -s f -l database -d 'The account database, in place of the setting `database`' -r -F
complete -c sasldb-rs -n "__fish_sasldb_rs_using_subcommand verify" -l config -d 'The configuration file, in place of /etc/sasldb-rs/config.toml' -r -F
complete -c sasldb-rs -n "__fish_sasldb_rs_using_subcommand verify" -s h -l help -d 'Print help'
complete -c sasldb-rs -n "__fish_sasldb_rs_using_subcommand account; and not __fish_seen_subcommand_from list show add remove rename disable enable expire" -s f -l database -d 'The account database, in place of the setting `database`' -r -F
complete -c sasldb-rs -n "__fish_sasldb_rs_using_subcommand account; and not __fish_seen_subcommand_from list show add remove rename disable enable expire" -l config -d 'The configuration file, in place of /etc/sasldb-rs/config.toml' -r -F
complete -c sasldb-rs -n "__fish_sasldb_rs_using_subcommand account; and not __fish_seen_subcommand_from list show add remove rename disable enable expire" -s h -l help -d 'Print help'
complete -c sasldb-rs -n "__fish_sasldb_rs_using_subcommand account; and not __fish_seen_subcommand_from list show add remove rename disable enable expire" -f -a "list" -d 'List accounts'
complete -c sasldb-rs -n "__fish_sasldb_rs_using_subcommand account; and not __fish_seen_subcommand_from list show add remove rename disable enable expire" -f -a "show" -d 'Show all that is known of an account, but for its secrets'
complete -c sasldb-rs -n "__fish_sasldb_rs_using_subcommand account; and not __fish_seen_subcommand_from list show add remove rename disable enable expire" -f -a "add" -d 'Make an account with its first password'
complete -c sasldb-rs -n "__fish_sasldb_rs_using_subcommand account; and not __fish_seen_subcommand_from list show add remove rename disable enable expire" -f -a "remove" -d 'Remove accounts with all their passwords'
complete -c sasldb-rs -n "__fish_sasldb_rs_using_subcommand account; and not __fish_seen_subcommand_from list show add remove rename disable enable expire" -f -a "rename" -d 'Give an account another name'
complete -c sasldb-rs -n "__fish_sasldb_rs_using_subcommand account; and not __fish_seen_subcommand_from list show add remove rename disable enable expire" -f -a "disable" -d 'Keep accounts from logging in until they are enabled again'
complete -c sasldb-rs -n "__fish_sasldb_rs_using_subcommand account; and not __fish_seen_subcommand_from list show add remove rename disable enable expire" -f -a "enable" -d 'Let disabled accounts log in again'
complete -c sasldb-rs -n "__fish_sasldb_rs_using_subcommand account; and not __fish_seen_subcommand_from list show add remove rename disable enable expire" -f -a "expire" -d 'Set when accounts end, or that they do not'
complete -c sasldb-rs -n "__fish_sasldb_rs_using_subcommand account; and __fish_seen_subcommand_from list" -l unused-for -d 'Only those that nobody has used, made or changed for that long, such as 180d' -r
complete -c sasldb-rs -n "__fish_sasldb_rs_using_subcommand account; and __fish_seen_subcommand_from list" -s f -l database -d 'The account database, in place of the setting `database`' -r -F
complete -c sasldb-rs -n "__fish_sasldb_rs_using_subcommand account; and __fish_seen_subcommand_from list" -l config -d 'The configuration file, in place of /etc/sasldb-rs/config.toml' -r -F
complete -c sasldb-rs -n "__fish_sasldb_rs_using_subcommand account; and __fish_seen_subcommand_from list" -l json -d 'Print JSON'
complete -c sasldb-rs -n "__fish_sasldb_rs_using_subcommand account; and __fish_seen_subcommand_from list" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c sasldb-rs -n "__fish_sasldb_rs_using_subcommand account; and __fish_seen_subcommand_from show" -l realm -d 'The realm of a USER without one' -r
complete -c sasldb-rs -n "__fish_sasldb_rs_using_subcommand account; and __fish_seen_subcommand_from show" -s f -l database -d 'The account database, in place of the setting `database`' -r -F
complete -c sasldb-rs -n "__fish_sasldb_rs_using_subcommand account; and __fish_seen_subcommand_from show" -l config -d 'The configuration file, in place of /etc/sasldb-rs/config.toml' -r -F
complete -c sasldb-rs -n "__fish_sasldb_rs_using_subcommand account; and __fish_seen_subcommand_from show" -l json -d 'Print JSON'
complete -c sasldb-rs -n "__fish_sasldb_rs_using_subcommand account; and __fish_seen_subcommand_from show" -s h -l help -d 'Print help'
complete -c sasldb-rs -n "__fish_sasldb_rs_using_subcommand account; and __fish_seen_subcommand_from add" -l expires -d 'When the account ends: a date, a date with time and zone, or how long from now, such as 30d' -r
complete -c sasldb-rs -n "__fish_sasldb_rs_using_subcommand account; and __fish_seen_subcommand_from add" -l realm -d 'The realm of a USER without one' -r
complete -c sasldb-rs -n "__fish_sasldb_rs_using_subcommand account; and __fish_seen_subcommand_from add" -s f -l database -d 'The account database, in place of the setting `database`' -r -F
complete -c sasldb-rs -n "__fish_sasldb_rs_using_subcommand account; and __fish_seen_subcommand_from add" -l config -d 'The configuration file, in place of /etc/sasldb-rs/config.toml' -r -F
complete -c sasldb-rs -n "__fish_sasldb_rs_using_subcommand account; and __fish_seen_subcommand_from add" -l generate -d 'Make a strong password and print it'
complete -c sasldb-rs -n "__fish_sasldb_rs_using_subcommand account; and __fish_seen_subcommand_from add" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c sasldb-rs -n "__fish_sasldb_rs_using_subcommand account; and __fish_seen_subcommand_from remove" -l unused-for -d 'Only those that nobody has used, made or changed for that long, such as 180d' -r
complete -c sasldb-rs -n "__fish_sasldb_rs_using_subcommand account; and __fish_seen_subcommand_from remove" -l realm -d 'The realm of accounts without one' -r
complete -c sasldb-rs -n "__fish_sasldb_rs_using_subcommand account; and __fish_seen_subcommand_from remove" -s f -l database -d 'The account database, in place of the setting `database`' -r -F
complete -c sasldb-rs -n "__fish_sasldb_rs_using_subcommand account; and __fish_seen_subcommand_from remove" -l config -d 'The configuration file, in place of /etc/sasldb-rs/config.toml' -r -F
complete -c sasldb-rs -n "__fish_sasldb_rs_using_subcommand account; and __fish_seen_subcommand_from remove" -l yes -d 'Ask nothing'
complete -c sasldb-rs -n "__fish_sasldb_rs_using_subcommand account; and __fish_seen_subcommand_from remove" -l dry-run -d 'Say what would be done, and do nothing'
complete -c sasldb-rs -n "__fish_sasldb_rs_using_subcommand account; and __fish_seen_subcommand_from remove" -l json -d 'Print JSON'
complete -c sasldb-rs -n "__fish_sasldb_rs_using_subcommand account; and __fish_seen_subcommand_from remove" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c sasldb-rs -n "__fish_sasldb_rs_using_subcommand account; and __fish_seen_subcommand_from rename" -l realm -d 'The realm of a USER without one' -r
complete -c sasldb-rs -n "__fish_sasldb_rs_using_subcommand account; and __fish_seen_subcommand_from rename" -s f -l database -d 'The account database, in place of the setting `database`' -r -F
complete -c sasldb-rs -n "__fish_sasldb_rs_using_subcommand account; and __fish_seen_subcommand_from rename" -l config -d 'The configuration file, in place of /etc/sasldb-rs/config.toml' -r -F
complete -c sasldb-rs -n "__fish_sasldb_rs_using_subcommand account; and __fish_seen_subcommand_from rename" -l dry-run -d 'Say what would be done, and do nothing'
complete -c sasldb-rs -n "__fish_sasldb_rs_using_subcommand account; and __fish_seen_subcommand_from rename" -l json -d 'Print JSON'
complete -c sasldb-rs -n "__fish_sasldb_rs_using_subcommand account; and __fish_seen_subcommand_from rename" -s h -l help -d 'Print help'
complete -c sasldb-rs -n "__fish_sasldb_rs_using_subcommand account; and __fish_seen_subcommand_from disable" -l unused-for -d 'Only those that nobody has used, made or changed for that long, such as 180d' -r
complete -c sasldb-rs -n "__fish_sasldb_rs_using_subcommand account; and __fish_seen_subcommand_from disable" -l realm -d 'The realm of accounts without one' -r
complete -c sasldb-rs -n "__fish_sasldb_rs_using_subcommand account; and __fish_seen_subcommand_from disable" -s f -l database -d 'The account database, in place of the setting `database`' -r -F
complete -c sasldb-rs -n "__fish_sasldb_rs_using_subcommand account; and __fish_seen_subcommand_from disable" -l config -d 'The configuration file, in place of /etc/sasldb-rs/config.toml' -r -F
complete -c sasldb-rs -n "__fish_sasldb_rs_using_subcommand account; and __fish_seen_subcommand_from disable" -l yes -d 'Ask nothing'
complete -c sasldb-rs -n "__fish_sasldb_rs_using_subcommand account; and __fish_seen_subcommand_from disable" -l dry-run -d 'Say what would be done, and do nothing'
complete -c sasldb-rs -n "__fish_sasldb_rs_using_subcommand account; and __fish_seen_subcommand_from disable" -l json -d 'Print JSON'
complete -c sasldb-rs -n "__fish_sasldb_rs_using_subcommand account; and __fish_seen_subcommand_from disable" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c sasldb-rs -n "__fish_sasldb_rs_using_subcommand account; and __fish_seen_subcommand_from enable" -l unused-for -d 'Only those that nobody has used, made or changed for that long, such as 180d' -r
complete -c sasldb-rs -n "__fish_sasldb_rs_using_subcommand account; and __fish_seen_subcommand_from enable" -l realm -d 'The realm of accounts without one' -r
complete -c sasldb-rs -n "__fish_sasldb_rs_using_subcommand account; and __fish_seen_subcommand_from enable" -s f -l database -d 'The account database, in place of the setting `database`' -r -F
complete -c sasldb-rs -n "__fish_sasldb_rs_using_subcommand account; and __fish_seen_subcommand_from enable" -l config -d 'The configuration file, in place of /etc/sasldb-rs/config.toml' -r -F
complete -c sasldb-rs -n "__fish_sasldb_rs_using_subcommand account; and __fish_seen_subcommand_from enable" -l yes -d 'Ask nothing'
complete -c sasldb-rs -n "__fish_sasldb_rs_using_subcommand account; and __fish_seen_subcommand_from enable" -l dry-run -d 'Say what would be done, and do nothing'
complete -c sasldb-rs -n "__fish_sasldb_rs_using_subcommand account; and __fish_seen_subcommand_from enable" -l json -d 'Print JSON'
complete -c sasldb-rs -n "__fish_sasldb_rs_using_subcommand account; and __fish_seen_subcommand_from enable" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c sasldb-rs -n "__fish_sasldb_rs_using_subcommand account; and __fish_seen_subcommand_from expire" -l at -d 'When: a date, a date with time and zone, or how long from now, such as 30d' -r
complete -c sasldb-rs -n "__fish_sasldb_rs_using_subcommand account; and __fish_seen_subcommand_from expire" -l unused-for -d 'Only those that nobody has used, made or changed for that long, such as 180d' -r
complete -c sasldb-rs -n "__fish_sasldb_rs_using_subcommand account; and __fish_seen_subcommand_from expire" -l realm -d 'The realm of accounts without one' -r
complete -c sasldb-rs -n "__fish_sasldb_rs_using_subcommand account; and __fish_seen_subcommand_from expire" -s f -l database -d 'The account database, in place of the setting `database`' -r -F
complete -c sasldb-rs -n "__fish_sasldb_rs_using_subcommand account; and __fish_seen_subcommand_from expire" -l config -d 'The configuration file, in place of /etc/sasldb-rs/config.toml' -r -F
complete -c sasldb-rs -n "__fish_sasldb_rs_using_subcommand account; and __fish_seen_subcommand_from expire" -l never -d 'They do not end'
complete -c sasldb-rs -n "__fish_sasldb_rs_using_subcommand account; and __fish_seen_subcommand_from expire" -l yes -d 'Ask nothing'
complete -c sasldb-rs -n "__fish_sasldb_rs_using_subcommand account; and __fish_seen_subcommand_from expire" -l dry-run -d 'Say what would be done, and do nothing'
complete -c sasldb-rs -n "__fish_sasldb_rs_using_subcommand account; and __fish_seen_subcommand_from expire" -l json -d 'Print JSON'
complete -c sasldb-rs -n "__fish_sasldb_rs_using_subcommand account; and __fish_seen_subcommand_from expire" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c sasldb-rs -n "__fish_sasldb_rs_using_subcommand apply" -l max-removals -d 'The most accounts that --prune may remove; if there are more, it removes none' -r
complete -c sasldb-rs -n "__fish_sasldb_rs_using_subcommand apply" -s f -l database -d 'The account database, in place of the setting `database`' -r -F
complete -c sasldb-rs -n "__fish_sasldb_rs_using_subcommand apply" -l config -d 'The configuration file, in place of /etc/sasldb-rs/config.toml' -r -F
complete -c sasldb-rs -n "__fish_sasldb_rs_using_subcommand apply" -l dry-run -d 'Say what would be done, and do nothing'
complete -c sasldb-rs -n "__fish_sasldb_rs_using_subcommand apply" -l prune -d 'Remove the accounts that the file does not name, after all else; none of them if an entry is wrong'
complete -c sasldb-rs -n "__fish_sasldb_rs_using_subcommand apply" -l json -d 'Print a line of JSON for each account that differs'
complete -c sasldb-rs -n "__fish_sasldb_rs_using_subcommand apply" -s h -l help -d 'Print help'
complete -c sasldb-rs -n "__fish_sasldb_rs_using_subcommand password; and not __fish_seen_subcommand_from add set list remove" -s f -l database -d 'The account database, in place of the setting `database`' -r -F
complete -c sasldb-rs -n "__fish_sasldb_rs_using_subcommand password; and not __fish_seen_subcommand_from add set list remove" -l config -d 'The configuration file, in place of /etc/sasldb-rs/config.toml' -r -F
complete -c sasldb-rs -n "__fish_sasldb_rs_using_subcommand password; and not __fish_seen_subcommand_from add set list remove" -s h -l help -d 'Print help'
complete -c sasldb-rs -n "__fish_sasldb_rs_using_subcommand password; and not __fish_seen_subcommand_from add set list remove" -f -a "add" -d 'Add a password beside those that the account has'
complete -c sasldb-rs -n "__fish_sasldb_rs_using_subcommand password; and not __fish_seen_subcommand_from add set list remove" -f -a "set" -d 'Replace a password that the account has'
complete -c sasldb-rs -n "__fish_sasldb_rs_using_subcommand password; and not __fish_seen_subcommand_from add set list remove" -f -a "list" -d 'List the passwords of an account: labels, limits, schemes'
complete -c sasldb-rs -n "__fish_sasldb_rs_using_subcommand password; and not __fish_seen_subcommand_from add set list remove" -f -a "remove" -d 'Remove a password; an account\'s only one stays'
complete -c sasldb-rs -n "__fish_sasldb_rs_using_subcommand password; and __fish_seen_subcommand_from add" -l label -d 'The password\'s name within the account, of 1 to 64 bytes' -r
complete -c sasldb-rs -n "__fish_sasldb_rs_using_subcommand password; and __fish_seen_subcommand_from add" -l expires -d 'When it ends: a date, a date with time and zone, or how long from now, such as 30d' -r
complete -c sasldb-rs -n "__fish_sasldb_rs_using_subcommand password; and __fish_seen_subcommand_from add" -l service -d 'A service it is good for, in the words of the server that asks; may be given several times [default: all]' -r
complete -c sasldb-rs -n "__fish_sasldb_rs_using_subcommand password; and __fish_seen_subcommand_from add" -l network -d 'A network it is good from; may be given several times [default: all]' -r
complete -c sasldb-rs -n "__fish_sasldb_rs_using_subcommand password; and __fish_seen_subcommand_from add" -l realm -d 'The realm of a USER without one' -r
complete -c sasldb-rs -n "__fish_sasldb_rs_using_subcommand password; and __fish_seen_subcommand_from add" -s f -l database -d 'The account database, in place of the setting `database`' -r -F
complete -c sasldb-rs -n "__fish_sasldb_rs_using_subcommand password; and __fish_seen_subcommand_from add" -l config -d 'The configuration file, in place of /etc/sasldb-rs/config.toml' -r -F
complete -c sasldb-rs -n "__fish_sasldb_rs_using_subcommand password; and __fish_seen_subcommand_from add" -l generate -d 'Make a strong password and print it'
complete -c sasldb-rs -n "__fish_sasldb_rs_using_subcommand password; and __fish_seen_subcommand_from add" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c sasldb-rs -n "__fish_sasldb_rs_using_subcommand password; and __fish_seen_subcommand_from set" -l label -d 'The password\'s name within the account, of 1 to 64 bytes' -r
complete -c sasldb-rs -n "__fish_sasldb_rs_using_subcommand password; and __fish_seen_subcommand_from set" -l realm -d 'The realm of a USER without one' -r
complete -c sasldb-rs -n "__fish_sasldb_rs_using_subcommand password; and __fish_seen_subcommand_from set" -s f -l database -d 'The account database, in place of the setting `database`' -r -F
complete -c sasldb-rs -n "__fish_sasldb_rs_using_subcommand password; and __fish_seen_subcommand_from set" -l config -d 'The configuration file, in place of /etc/sasldb-rs/config.toml' -r -F
complete -c sasldb-rs -n "__fish_sasldb_rs_using_subcommand password; and __fish_seen_subcommand_from set" -l generate -d 'Make a strong password and print it'
complete -c sasldb-rs -n "__fish_sasldb_rs_using_subcommand password; and __fish_seen_subcommand_from set" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c sasldb-rs -n "__fish_sasldb_rs_using_subcommand password; and __fish_seen_subcommand_from list" -l realm -d 'The realm of a USER without one' -r
complete -c sasldb-rs -n "__fish_sasldb_rs_using_subcommand password; and __fish_seen_subcommand_from list" -s f -l database -d 'The account database, in place of the setting `database`' -r -F
complete -c sasldb-rs -n "__fish_sasldb_rs_using_subcommand password; and __fish_seen_subcommand_from list" -l config -d 'The configuration file, in place of /etc/sasldb-rs/config.toml' -r -F
complete -c sasldb-rs -n "__fish_sasldb_rs_using_subcommand password; and __fish_seen_subcommand_from list" -l json -d 'Print JSON'
complete -c sasldb-rs -n "__fish_sasldb_rs_using_subcommand password; and __fish_seen_subcommand_from list" -s h -l help -d 'Print help'
complete -c sasldb-rs -n "__fish_sasldb_rs_using_subcommand password; and __fish_seen_subcommand_from remove" -l label -d 'The password\'s name within the account, of 1 to 64 bytes' -r
complete -c sasldb-rs -n "__fish_sasldb_rs_using_subcommand password; and __fish_seen_subcommand_from remove" -l realm -d 'The realm of a USER without one' -r
complete -c sasldb-rs -n "__fish_sasldb_rs_using_subcommand password; and __fish_seen_subcommand_from remove" -s f -l database -d 'The account database, in place of the setting `database`' -r -F
complete -c sasldb-rs -n "__fish_sasldb_rs_using_subcommand password; and __fish_seen_subcommand_from remove" -l config -d 'The configuration file, in place of /etc/sasldb-rs/config.toml' -r -F
complete -c sasldb-rs -n "__fish_sasldb_rs_using_subcommand password; and __fish_seen_subcommand_from remove" -s h -l help -d 'Print help'
complete -c sasldb-rs -n "__fish_sasldb_rs_using_subcommand import" -l from -d 'The program that wrote the file' -r -f -a "sasldb2\t'saslpasswd2\'s /etc/sasldb2, or what db5.3_dump, mdb_dump or gdbm_dump writes of it'
dovecot\t'Dovecot\'s passwd-file, with any of its password schemes'
htpasswd\t'Apache\'s htpasswd'
htdigest\t'Apache\'s htdigest'
shadow\t'Unix\'s /etc/shadow, or the lines that `chpasswd -e` takes'
ldif\t'userPassword in LDIF, as slapcat and ldapsearch write it'
postgresql\t'What `pg_dumpall --roles-only` writes, or psql of pg_authid'
csv\t'CSV with a heading: user, realm, password, hash, verifier'"
complete -c sasldb-rs -n "__fish_sasldb_rs_using_subcommand import" -l realm -d 'The realm of names without one [default: the setting]' -r
complete -c sasldb-rs -n "__fish_sasldb_rs_using_subcommand import" -l default-scheme -d 'With --from dovecot: the scheme of passwords without a label [default: CRYPT]' -r
complete -c sasldb-rs -n "__fish_sasldb_rs_using_subcommand import" -l name-attribute -d 'With --from ldif: the attribute that is the account\'s name [default: uid]' -r -f -a "uid\t'A name without a realm as a rule'
mail\t'A name with its realm'"
complete -c sasldb-rs -n "__fish_sasldb_rs_using_subcommand import" -s f -l database -d 'The account database, in place of the setting `database`' -r -F
complete -c sasldb-rs -n "__fish_sasldb_rs_using_subcommand import" -l config -d 'The configuration file, in place of /etc/sasldb-rs/config.toml' -r -F
complete -c sasldb-rs -n "__fish_sasldb_rs_using_subcommand import" -l dry-run -d 'Say what would be done, and do nothing'
complete -c sasldb-rs -n "__fish_sasldb_rs_using_subcommand import" -l replace -d 'Give accounts that exist the password of the file'
complete -c sasldb-rs -n "__fish_sasldb_rs_using_subcommand import" -l json -d 'Print a line of JSON for each entry'
complete -c sasldb-rs -n "__fish_sasldb_rs_using_subcommand import" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c sasldb-rs -n "__fish_sasldb_rs_using_subcommand export" -l to -d 'The form' -r -f -a "sasldb-rs\t'Everything, as JSON lines for apply; sealed, it is read only where the same key is'
dovecot\t'A passwd-file of Dovecot; needs --reveal-secrets'
opensmtpd\t'A table of credentials of OpenSMTPD, of accounts that have a crypt(3) hash; needs --reveal-secrets'
csv\t'What account list shows, as CSV with a heading; holds no secrets'"
complete -c sasldb-rs -n "__fish_sasldb_rs_using_subcommand export" -l scheme -d 'With --to dovecot, which takes one scheme for each password: this one [default: the strongest that is stored]' -r
complete -c sasldb-rs -n "__fish_sasldb_rs_using_subcommand export" -l output -d 'Write to this new file, which only its owner may read, and not to stdout' -r -F
complete -c sasldb-rs -n "__fish_sasldb_rs_using_subcommand export" -s f -l database -d 'The account database, in place of the setting `database`' -r -F
complete -c sasldb-rs -n "__fish_sasldb_rs_using_subcommand export" -l config -d 'The configuration file, in place of /etc/sasldb-rs/config.toml' -r -F
complete -c sasldb-rs -n "__fish_sasldb_rs_using_subcommand export" -l reveal-secrets -d 'Write secrets so that everybody who reads them can use them'
complete -c sasldb-rs -n "__fish_sasldb_rs_using_subcommand export" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c sasldb-rs -n "__fish_sasldb_rs_using_subcommand check" -l realm -d 'Say whom this default realm, in place of the present one, would cut off' -r
complete -c sasldb-rs -n "__fish_sasldb_rs_using_subcommand check" -l realm-alias -d 'An alias of the realm of --realm; may be given several times [default: the setting]' -r
complete -c sasldb-rs -n "__fish_sasldb_rs_using_subcommand check" -l new-config -d 'Say whom the realms of this configuration file, in place of the present one, would cut off' -r -F
complete -c sasldb-rs -n "__fish_sasldb_rs_using_subcommand check" -s f -l database -d 'The account database, in place of the setting `database`' -r -F
complete -c sasldb-rs -n "__fish_sasldb_rs_using_subcommand check" -l config -d 'The configuration file, in place of /etc/sasldb-rs/config.toml' -r -F
complete -c sasldb-rs -n "__fish_sasldb_rs_using_subcommand check" -l json -d 'Print JSON'
complete -c sasldb-rs -n "__fish_sasldb_rs_using_subcommand check" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c sasldb-rs -n "__fish_sasldb_rs_using_subcommand doctor" -s f -l database -d 'The account database, in place of the setting `database`' -r -F
complete -c sasldb-rs -n "__fish_sasldb_rs_using_subcommand doctor" -l config -d 'The configuration file, in place of /etc/sasldb-rs/config.toml' -r -F
complete -c sasldb-rs -n "__fish_sasldb_rs_using_subcommand doctor" -l json -d 'Print JSON'
complete -c sasldb-rs -n "__fish_sasldb_rs_using_subcommand doctor" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c sasldb-rs -n "__fish_sasldb_rs_using_subcommand setup" -s f -l database -d 'The account database, in place of the setting `database`' -r -F
complete -c sasldb-rs -n "__fish_sasldb_rs_using_subcommand setup" -l config -d 'The configuration file, in place of /etc/sasldb-rs/config.toml' -r -F
complete -c sasldb-rs -n "__fish_sasldb_rs_using_subcommand setup" -l json -d 'Print JSON'
complete -c sasldb-rs -n "__fish_sasldb_rs_using_subcommand setup" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c sasldb-rs -n "__fish_sasldb_rs_using_subcommand log; and not __fish_seen_subcommand_from verify" -l account -d 'Only changes of accounts that fit: `*` is any text, `?` one character' -r
complete -c sasldb-rs -n "__fish_sasldb_rs_using_subcommand log; and not __fish_seen_subcommand_from verify" -l action -d 'Only changes of this kind, such as set-password' -r
complete -c sasldb-rs -n "__fish_sasldb_rs_using_subcommand log; and not __fish_seen_subcommand_from verify" -l since -d 'Only changes since then: a date, a date with time and zone, or how long ago, such as 30d' -r
complete -c sasldb-rs -n "__fish_sasldb_rs_using_subcommand log; and not __fish_seen_subcommand_from verify" -s f -l database -d 'The account database, in place of the setting `database`' -r -F
complete -c sasldb-rs -n "__fish_sasldb_rs_using_subcommand log; and not __fish_seen_subcommand_from verify" -l config -d 'The configuration file, in place of /etc/sasldb-rs/config.toml' -r -F
complete -c sasldb-rs -n "__fish_sasldb_rs_using_subcommand log; and not __fish_seen_subcommand_from verify" -l follow -d 'Go on and show what is changed from now on, until interrupted'
complete -c sasldb-rs -n "__fish_sasldb_rs_using_subcommand log; and not __fish_seen_subcommand_from verify" -l json -d 'Print a line of JSON for each change'
complete -c sasldb-rs -n "__fish_sasldb_rs_using_subcommand log; and not __fish_seen_subcommand_from verify" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c sasldb-rs -n "__fish_sasldb_rs_using_subcommand log; and not __fish_seen_subcommand_from verify" -f -a "verify" -d 'Prove that the log of changes is as it was written'
complete -c sasldb-rs -n "__fish_sasldb_rs_using_subcommand log; and __fish_seen_subcommand_from verify" -l against -d 'Compare with the heads in the system\'s log of this database\'s changes: a file, or `-` for stdin' -r -F
complete -c sasldb-rs -n "__fish_sasldb_rs_using_subcommand log; and __fish_seen_subcommand_from verify" -s f -l database -d 'The account database, in place of the setting `database`' -r -F
complete -c sasldb-rs -n "__fish_sasldb_rs_using_subcommand log; and __fish_seen_subcommand_from verify" -l config -d 'The configuration file, in place of /etc/sasldb-rs/config.toml' -r -F
complete -c sasldb-rs -n "__fish_sasldb_rs_using_subcommand log; and __fish_seen_subcommand_from verify" -l json -d 'Print JSON'
complete -c sasldb-rs -n "__fish_sasldb_rs_using_subcommand log; and __fish_seen_subcommand_from verify" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c sasldb-rs -n "__fish_sasldb_rs_using_subcommand report" -l unused-for -d 'How long an account must have gone without use to count as unused' -r
complete -c sasldb-rs -n "__fish_sasldb_rs_using_subcommand report" -l log -d 'The helper\'s log, which tells of denied logins: a file, or - for stdin' -r -F
complete -c sasldb-rs -n "__fish_sasldb_rs_using_subcommand report" -l top -d 'The most accounts and addresses in each list' -r
complete -c sasldb-rs -n "__fish_sasldb_rs_using_subcommand report" -l html -d 'Write a page for a browser instead, or with --json beside it' -r -F
complete -c sasldb-rs -n "__fish_sasldb_rs_using_subcommand report" -s f -l database -d 'The account database, in place of the setting `database`' -r -F
complete -c sasldb-rs -n "__fish_sasldb_rs_using_subcommand report" -l config -d 'The configuration file, in place of /etc/sasldb-rs/config.toml' -r -F
complete -c sasldb-rs -n "__fish_sasldb_rs_using_subcommand report" -l accounts -d 'Print a line for each account instead'
complete -c sasldb-rs -n "__fish_sasldb_rs_using_subcommand report" -l json -d 'Print JSON'
complete -c sasldb-rs -n "__fish_sasldb_rs_using_subcommand report" -s h -l help -d 'Print help'
complete -c sasldb-rs -n "__fish_sasldb_rs_using_subcommand retire" -l unused-for -d 'How long the scheme must have gone unused, such as 90d' -r
complete -c sasldb-rs -n "__fish_sasldb_rs_using_subcommand retire" -s f -l database -d 'The account database, in place of the setting `database`' -r -F
complete -c sasldb-rs -n "__fish_sasldb_rs_using_subcommand retire" -l config -d 'The configuration file, in place of /etc/sasldb-rs/config.toml' -r -F
complete -c sasldb-rs -n "__fish_sasldb_rs_using_subcommand retire" -l dry-run -d 'Say what would be done, and do nothing'
complete -c sasldb-rs -n "__fish_sasldb_rs_using_subcommand retire" -l json -d 'Print JSON'
complete -c sasldb-rs -n "__fish_sasldb_rs_using_subcommand retire" -s h -l help -d 'Print help'
complete -c sasldb-rs -n "__fish_sasldb_rs_using_subcommand backup" -s f -l database -d 'The account database, in place of the setting `database`' -r -F
complete -c sasldb-rs -n "__fish_sasldb_rs_using_subcommand backup" -l config -d 'The configuration file, in place of /etc/sasldb-rs/config.toml' -r -F
complete -c sasldb-rs -n "__fish_sasldb_rs_using_subcommand backup" -l json -d 'Print JSON'
complete -c sasldb-rs -n "__fish_sasldb_rs_using_subcommand backup" -s h -l help -d 'Print help'
complete -c sasldb-rs -n "__fish_sasldb_rs_using_subcommand restore" -s f -l database -d 'The account database, in place of the setting `database`' -r -F
complete -c sasldb-rs -n "__fish_sasldb_rs_using_subcommand restore" -l config -d 'The configuration file, in place of /etc/sasldb-rs/config.toml' -r -F
complete -c sasldb-rs -n "__fish_sasldb_rs_using_subcommand restore" -l replace -d 'Replace the accounts of a database that is there'
complete -c sasldb-rs -n "__fish_sasldb_rs_using_subcommand restore" -l dry-run -d 'Look through the backup, and change nothing'
complete -c sasldb-rs -n "__fish_sasldb_rs_using_subcommand restore" -l json -d 'Print JSON'
complete -c sasldb-rs -n "__fish_sasldb_rs_using_subcommand restore" -s h -l help -d 'Print help'
complete -c sasldb-rs -n "__fish_sasldb_rs_using_subcommand rekey" -s f -l database -d 'The account database, in place of the setting `database`' -r -F
complete -c sasldb-rs -n "__fish_sasldb_rs_using_subcommand rekey" -l config -d 'The configuration file, in place of /etc/sasldb-rs/config.toml' -r -F
complete -c sasldb-rs -n "__fish_sasldb_rs_using_subcommand rekey" -s h -l help -d 'Print help'

//! The options of `sasldb-rs`.

mod account;
mod export;
mod import;
mod log;
mod password;
mod report;
mod retire;

use std::ffi::{OsStr, OsString};
use std::net::IpAddr;
use std::path::{Path, PathBuf};

use clap::builder::{OsStringValueParser, TypedValueParser};
use clap::{Args, Parser, Subcommand, ValueEnum, ValueHint};

use crate::config::{SocketPath, SocketPathError};
use crate::identity::Realm;
use crate::vocabulary::{Mechanism, Scheme};

pub(super) use account::{Account, AddAccount, ListAccounts, RenameAccount, Selection, ShowAccount};
pub(super) use export::{Export, Form};
pub(super) use import::{Import, NameAttribute, Source};
pub(super) use log::{Log, LogCommand, ShowLog, VerifyLog};
pub(super) use password::{AddPassword, ListPasswords, Password, RemovePassword, SetPassword};
pub(super) use report::Report;
pub(super) use retire::Retire;

/// Care for mail accounts and test their logins
#[derive(Debug, Parser)]
#[command(name = "sasldb-rs", version)]
pub(super) struct Options {
    #[command(subcommand)]
    pub(super) command: Command,
    /// The account database, in place of the setting `database`
    #[arg(short = 'f', long, value_name = "FILE", value_hint = ValueHint::FilePath, global = true, display_order = 900)]
    pub(super) database: Option<OsString>,
    /// The configuration file, in place of /etc/sasldb-rs/config.toml
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, global = true, display_order = 900)]
    pub(super) config: Option<OsString>,
}

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Log in as a mail server would, by each mechanism in turn
    ///
    /// The password is asked for on a terminal, else read from stdin. Prints a line for each mechanism: accepted, denied or
    /// unavailable, and how long it took. The status is 0 only if all were accepted, 1 if one was denied, 75 if one was
    /// unavailable.
    Test(Test),
    /// Check a password against the database itself
    ///
    /// The password is asked for on a terminal, else read from stdin. Says which account and which of its passwords it is. The
    /// status is 0 if it is right, 1 if it is wrong or may not be used, 75 if nobody can tell.
    Verify(Verify),
    /// List, show, add, remove, rename, disable, enable and expire accounts
    #[command(subcommand)]
    Account(Account),
    /// Make the accounts what a file says they should be
    ///
    /// The file is TOML, or JSON with one account in a line; docs/apply.schema.json describes both. What it does not say of an
    /// account stays. Prints a line for each account that differs. The status is 0 if nothing had to change, 3 if something
    /// changed, 1 if something could not be applied.
    Apply(Apply),
    /// Give an account several passwords, each with its own label and limits
    #[command(subcommand)]
    Password(Password),
    /// Take over the accounts of another program
    ///
    /// A password in the clear becomes the secrets that the settings ask for; a hash or verifier is kept as it is. Accounts that
    /// exist already stay as they are. Prints a line for each entry: taken, kept, skipped or not-needed; whose it is; why; its line;
    /// and the mechanisms by which it logs in from now on. The status is 0 if nothing had to be left behind, else 1.
    Import(Import),
    /// Write accounts in a form that other programs read, or another database
    ///
    /// Secrets leave sealed under the database's key, or with --reveal-secrets as they are, and otherwise not at all. What cannot be
    /// said in the form is left out and listed on stderr. The status is 0 if nothing was, else 1.
    Export(Export),
    /// Look for what is wrong, and for logins that fail
    ///
    /// Looks at permissions, the database's file, the audit, the seal of every account, mechanisms that accounts cannot serve,
    /// and logins that the settings' realms cut off. Prints a line for each finding. The status is 0 if there is none, 1 if
    /// there are some, 75 if it could not look at everything.
    Check(Check),
    /// Look at the machine for what usually goes wrong, and say what mends it
    ///
    /// Looks at database, key and realms, at the helper and its sockets, and at the programs that ask it; docs/doctor.md lists what
    /// it finds. Prints a line for each finding, and below it the commands that mend it. Changes nothing itself. The status is
    /// 0 if nothing was found, 1 if something was, 75 if it could not look at everything.
    Doctor(Doctor),
    /// Print the lines that make a program ask the helper
    ///
    /// With the paths of this machine: what to add to which file, and what to run, in this order. It changes nothing itself.
    Setup(Setup),
    /// Show every change that was made, and prove that none was hidden
    ///
    /// Prints a line for each change, oldest first: its number, when, by which real uid and program, what, whose account, and
    /// the details as JSON. Needs no key.
    Log(Log),
    /// Show who logs in by which mechanism, who does not, and who fails
    ///
    /// Counts accounts by last use, mechanism and scheme; names those that still need DIGEST-MD5 or CRAM-MD5, those that nobody
    /// uses, and with --log the addresses and accounts of logins that were denied. Needs no key.
    Report(Report),
    /// Remove a scheme from the passwords for which nobody has used it for long
    ///
    /// The secrets of the scheme go; PLAIN and LOGIN go on with others, and the last scheme of a password stays. Nothing goes where
    /// activity does not reach back that far: the status is 75. Prints a line for each password that has the scheme: removed or
    /// kept, whose it is, and why it is kept.
    Retire(Retire),
    /// Copy the database into a new file, while it is in use
    ///
    /// The copy holds no key: keep the key file too, and keep it elsewhere. Prints how many accounts the copy holds and the end
    /// of its log of changes.
    Backup(Backup),
    /// Put the accounts of a backup in the place of those that are there
    ///
    /// The backup is looked through first, and refused if anything is wrong with it or the key file does not open it. The
    /// helper need not be stopped.
    Restore(Restore),
    /// Seal every account with a new key
    ///
    /// Helper and tools go on meanwhile. Run it again if it was interrupted: it goes on. Prints the new key's id and how many accounts
    /// it sealed. Backups that were made before open with the earlier key only: keep a copy of the key file as long as you keep them.
    Rekey,
}

#[derive(Debug, Args)]
pub(super) struct Test {
    /// The socket to log in on
    #[arg(long, value_name = "SOCKET", value_hint = ValueHint::FilePath, value_parser = OsStringValueParser::new().try_map(socket))]
    pub(super) dovecot: SocketPath,
    /// A mechanism to try; may be given several times [default: all that are announced]
    #[arg(long = "mechanism", value_name = "NAME", value_parser = mechanism)]
    pub(super) mechanisms: Vec<Mechanism>,
    /// The service to log in to
    #[arg(long, value_name = "NAME", default_value = "smtp")]
    pub(super) service: String,
    /// The realm of a USER without one
    #[arg(long)]
    pub(super) realm: Option<String>,
    /// Say that the client's connection is protected by TLS, without which PLAIN and LOGIN are denied
    #[arg(long)]
    pub(super) secured: bool,
    /// Say that the client connects from this address
    #[arg(long, value_name = "ADDRESS")]
    pub(super) remote: Option<IpAddr>,
    /// The account, as a client would name it
    pub(super) user: String,
}

#[derive(Debug, Args)]
pub(super) struct Verify {
    /// The account: NAME or NAME@REALM
    pub(super) user: OsString,
}

#[derive(Debug, Args)]
pub(super) struct Apply {
    /// Say what would be done, and do nothing
    #[arg(long)]
    pub(super) dry_run: bool,
    /// Remove the accounts that the file does not name, after all else; none of them if an entry is wrong
    #[arg(long, requires = "max_removals")]
    pub(super) prune: bool,
    /// The most accounts that --prune may remove; if there are more, it removes none
    #[arg(long, value_name = "N", requires = "prune")]
    pub(super) max_removals: Option<u64>,
    /// Print a line of JSON for each account that differs
    #[arg(long)]
    pub(super) json: bool,
    /// The file; `-` is stdin
    pub(super) file: PathBuf,
}

#[derive(Debug, Args)]
pub(super) struct Check {
    /// Say whom this default realm, in place of the present one, would cut off
    #[arg(long, value_parser = Realm::new)]
    pub(super) realm: Option<Realm>,
    /// An alias of the realm of --realm; may be given several times [default: the setting]
    ///
    /// Where the setting `realm_aliases` is none either and the realm stays what it was, the aliases count that the database noted.
    #[arg(long = "realm-alias", value_name = "REALM", value_parser = Realm::new, requires = "realm")]
    pub(super) realm_aliases: Vec<Realm>,
    /// Say whom the realms of this configuration file, in place of the present one, would cut off
    ///
    /// The present one still says where the database is.
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, conflicts_with_all = ["realm", "realm_aliases"])]
    pub(super) new_config: Option<OsString>,
    /// Print JSON
    #[arg(long)]
    pub(super) json: bool,
}

#[derive(Debug, Args)]
pub(super) struct Doctor {
    /// Print JSON
    #[arg(long)]
    pub(super) json: bool,
    /// What to look at; Postfix, chasquid or Sendmail, where named, is expected to let people log in [default: everything]
    #[arg(value_name = "PART")]
    pub(super) parts: Vec<Part>,
}

/// A part of what the doctor looks at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Part {
    /// Database, key and realms
    Accounts,
    /// The helper and its sockets
    Helper,
    /// Postfix, by the dovecot socket or by libsasl2
    Postfix,
    /// Exim, by the dovecot socket, by libsasl2 or by the saslauthd socket
    Exim,
    /// chasquid
    Chasquid,
    /// Sendmail, by libsasl2
    Sendmail,
    /// Other programs whose libsasl2 is to ask here: Cyrus IMAP, OpenLDAP, Subversion, memcached, saslpasswd2
    Libsasl2,
}

#[derive(Debug, Args)]
pub(super) struct Setup {
    /// Print JSON
    #[arg(long)]
    pub(super) json: bool,
    /// The mail server, or another program that checks logins
    pub(super) program: MailServer,
}

/// A program whose lines are known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum MailServer {
    /// Postfix, by the dovecot socket
    Postfix,
    /// Postfix, by libsasl2: the saslauthd and lookup sockets, and the plugin
    PostfixLibsasl2,
    /// Exim, by the dovecot socket
    Exim,
    /// Exim, by libsasl2
    EximLibsasl2,
    /// chasquid, by the dovecot and userdb sockets
    Chasquid,
    /// Sendmail, by libsasl2: the saslauthd and lookup sockets, and the plugin
    Sendmail,
    /// Cyrus IMAP, by libsasl2
    CyrusImap,
    /// OpenLDAP, by libsasl2
    Openldap,
    /// Subversion, by libsasl2
    Svnserve,
    /// memcached, by libsasl2
    Memcached,
    /// saslpasswd2, by the store socket and the plugin
    Saslpasswd2,
}

impl MailServer {
    /// As it is called on the command line.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Postfix => "postfix",
            Self::PostfixLibsasl2 => "postfix-libsasl2",
            Self::Exim => "exim",
            Self::EximLibsasl2 => "exim-libsasl2",
            Self::Chasquid => "chasquid",
            Self::Sendmail => "sendmail",
            Self::CyrusImap => "cyrus-imap",
            Self::Openldap => "openldap",
            Self::Svnserve => "svnserve",
            Self::Memcached => "memcached",
            Self::Saslpasswd2 => "saslpasswd2",
        }
    }
}

#[derive(Debug, Args)]
pub(super) struct Backup {
    /// Print JSON
    #[arg(long)]
    pub(super) json: bool,
    /// The file to be made
    #[arg(value_name = "FILE")]
    pub(super) to: PathBuf,
}

#[derive(Debug, Args)]
pub(super) struct Restore {
    /// Replace the accounts of a database that is there
    #[arg(long)]
    pub(super) replace: bool,
    /// Look through the backup, and change nothing
    #[arg(long)]
    pub(super) dry_run: bool,
    /// Print JSON
    #[arg(long)]
    pub(super) json: bool,
    /// The backup
    #[arg(value_name = "FILE")]
    pub(super) from: PathBuf,
}

#[derive(Debug, Args)]
pub(super) struct AccountArgument {
    /// The realm of a USER without one
    #[arg(long)]
    pub(super) realm: Option<OsString>,
    /// The account: NAME or NAME@REALM
    pub(super) user: OsString,
}

fn socket(path: OsString) -> Result<SocketPath, SocketPathError> {
    SocketPath::new(Path::new::<OsStr>(&path))
}

fn scheme(name: &str) -> Result<Scheme, String> {
    let found = Scheme::ALL.into_iter().find(|scheme| scheme.name() == name);
    found.ok_or_else(|| format!("known are {}", Scheme::ALL.map(Scheme::name).join(", ")))
}

fn mechanism(name: &str) -> Result<Mechanism, String> {
    Mechanism::from_name(name.as_bytes())
        .ok_or_else(|| format!("known are {}", Mechanism::ALL.map(Mechanism::name).join(", ")))
}

//! The options of `sasldb-rs password`.

use clap::{Args, Subcommand};

use crate::cli::when::When;
use crate::credential::{Label, Network, ServiceName};

use super::AccountArgument;

#[derive(Debug, Subcommand)]
pub(in crate::cli::sasldb) enum Password {
    /// Add a password beside those that the account has
    ///
    /// It is asked for twice on a terminal, else read from stdin, unless --generate makes one. Any of an account's passwords
    /// logs in, by every mechanism.
    Add(AddPassword),
    /// Replace a password that the account has
    ///
    /// It is asked for twice on a terminal, else read from stdin, unless --generate makes one. Label and limits stay.
    Set(SetPassword),
    /// List the passwords of an account: labels, limits, schemes
    List(ListPasswords),
    /// Remove a password; an account's only one stays
    Remove(RemovePassword),
}

#[derive(Debug, Args)]
pub(in crate::cli::sasldb) struct AddPassword {
    /// The password's name within the account, of 1 to 64 bytes
    #[arg(long, value_parser = Label::new)]
    pub(in crate::cli::sasldb) label: Label,
    /// When it ends: a date, a date with time and zone, or how long from now, such as 30d
    #[arg(long, value_name = "TIME", value_parser = When::parse)]
    pub(in crate::cli::sasldb) expires: Option<When>,
    /// A service it is good for, in the words of the server that asks; may be given several times [default: all]
    #[arg(long = "service", value_name = "NAME", value_parser = service)]
    pub(in crate::cli::sasldb) services: Vec<ServiceName>,
    /// A network it is good from; may be given several times [default: all]
    ///
    /// An address, or a block such as `192.0.2.0/24` or `2001:db8::/32`. A login from an address that the server does not tell is from
    /// no network.
    #[arg(long = "network", value_name = "NETWORK")]
    pub(in crate::cli::sasldb) networks: Vec<Network>,
    /// Make a strong password and print it
    ///
    /// It has 140 random bits, as small letters and digits in groups of four. Nothing is asked for or read.
    #[arg(long)]
    pub(in crate::cli::sasldb) generate: bool,
    #[command(flatten)]
    pub(in crate::cli::sasldb) account: AccountArgument,
}

#[derive(Debug, Args)]
pub(in crate::cli::sasldb) struct SetPassword {
    /// The password's name within the account, of 1 to 64 bytes
    #[arg(long, value_parser = Label::new, default_value = "main")]
    pub(in crate::cli::sasldb) label: Label,
    /// Make a strong password and print it
    ///
    /// It has 140 random bits, as small letters and digits in groups of four. Nothing is asked for or read.
    #[arg(long)]
    pub(in crate::cli::sasldb) generate: bool,
    #[command(flatten)]
    pub(in crate::cli::sasldb) account: AccountArgument,
}

#[derive(Debug, Args)]
pub(in crate::cli::sasldb) struct ListPasswords {
    /// Print JSON
    #[arg(long)]
    pub(in crate::cli::sasldb) json: bool,
    #[command(flatten)]
    pub(in crate::cli::sasldb) account: AccountArgument,
}

#[derive(Debug, Args)]
pub(in crate::cli::sasldb) struct RemovePassword {
    /// The password's name within the account, of 1 to 64 bytes
    #[arg(long, value_parser = Label::new)]
    pub(in crate::cli::sasldb) label: Label,
    #[command(flatten)]
    pub(in crate::cli::sasldb) account: AccountArgument,
}

fn service(name: &str) -> Result<ServiceName, String> {
    ServiceName::new(name).ok_or_else(|| "a service has 1 to 64 letters, digits and any of - _ .".to_owned())
}

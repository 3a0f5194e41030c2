//! The options of `sasldb-rs account`.

use std::ffi::OsString;
use std::time::Duration;

use clap::{ArgGroup, Args, Subcommand};

use crate::cli::when::When;

use super::AccountArgument;

#[derive(Debug, Subcommand)]
pub(in crate::cli::sasldb) enum Account {
    /// List accounts
    List(ListAccounts),
    /// Show all that is known of an account, but for its secrets
    Show(ShowAccount),
    /// Make an account with its first password
    ///
    /// The password is asked for twice on a terminal, else read from stdin, unless --generate makes one. An account that exists
    /// stays as it is, and the status is 1.
    Add(AddAccount),
    /// Remove accounts with all their passwords
    ///
    /// By names at once; by patterns or --unused-for after a question, or with --yes.
    Remove(Selection),
    /// Give an account another name
    ///
    /// What was stored for DIGEST-MD5 holds the name and goes; DIGEST-MD5 works again when the password is set anew.
    Rename(RenameAccount),
    /// Keep accounts from logging in until they are enabled again
    Disable(Selection),
    /// Let disabled accounts log in again
    Enable(Selection),
    /// Set when accounts end, or that they do not
    Expire(ExpireAccounts),
}

#[derive(Debug, Args)]
pub(in crate::cli::sasldb) struct ListAccounts {
    /// Only those that nobody has used, made or changed for that long, such as 180d
    ///
    /// What is not known is never unused: where the helper's records have a gap or do not reach back that far, the status is 75 and
    /// nothing changes.
    #[arg(long, value_name = "TIME", value_parser = humantime::parse_duration)]
    pub(in crate::cli::sasldb) unused_for: Option<Duration>,
    /// Print JSON
    #[arg(long)]
    pub(in crate::cli::sasldb) json: bool,
    /// Only those that fit: `*` is any text, `?` one character; without `@` in any realm
    #[arg(value_name = "PATTERN")]
    pub(in crate::cli::sasldb) patterns: Vec<OsString>,
}

#[derive(Debug, Args)]
pub(in crate::cli::sasldb) struct ShowAccount {
    /// Print JSON
    #[arg(long)]
    pub(in crate::cli::sasldb) json: bool,
    #[command(flatten)]
    pub(in crate::cli::sasldb) account: AccountArgument,
}

#[derive(Debug, Args)]
pub(in crate::cli::sasldb) struct AddAccount {
    /// When the account ends: a date, a date with time and zone, or how long from now, such as 30d
    #[arg(long, value_name = "TIME", value_parser = When::parse)]
    pub(in crate::cli::sasldb) expires: Option<When>,
    /// Make a strong password and print it
    ///
    /// It has 140 random bits, as small letters and digits in groups of four. Nothing is asked for or read.
    #[arg(long)]
    pub(in crate::cli::sasldb) generate: bool,
    #[command(flatten)]
    pub(in crate::cli::sasldb) account: AccountArgument,
}

#[derive(Debug, Args)]
pub(in crate::cli::sasldb) struct RenameAccount {
    /// Say what would be done, and do nothing
    #[arg(long)]
    pub(in crate::cli::sasldb) dry_run: bool,
    /// Print JSON
    #[arg(long)]
    pub(in crate::cli::sasldb) json: bool,
    #[command(flatten)]
    pub(in crate::cli::sasldb) account: AccountArgument,
    /// The new name: NAME@REALM, or NAME in the same realm
    #[arg(value_name = "NEW")]
    pub(in crate::cli::sasldb) to: OsString,
}

#[derive(Debug, Args)]
#[command(group(ArgGroup::new("end").required(true).args(["at", "never"])))]
pub(in crate::cli::sasldb) struct ExpireAccounts {
    /// When: a date, a date with time and zone, or how long from now, such as 30d
    #[arg(long, value_name = "TIME", value_parser = When::parse)]
    pub(in crate::cli::sasldb) at: Option<When>,
    /// They do not end
    #[arg(long)]
    pub(in crate::cli::sasldb) never: bool,
    #[command(flatten)]
    pub(in crate::cli::sasldb) selection: Selection,
}

/// Which accounts are to change.
#[derive(Debug, Args)]
pub(in crate::cli::sasldb) struct Selection {
    /// Only those that nobody has used, made or changed for that long, such as 180d
    ///
    /// What is not known is never unused: where the helper's records have a gap or do not reach back that far, the status is 75 and
    /// nothing changes.
    #[arg(long, value_name = "TIME", value_parser = humantime::parse_duration)]
    pub(in crate::cli::sasldb) unused_for: Option<Duration>,
    /// Ask nothing
    #[arg(long)]
    pub(in crate::cli::sasldb) yes: bool,
    /// Say what would be done, and do nothing
    #[arg(long)]
    pub(in crate::cli::sasldb) dry_run: bool,
    /// Print JSON
    #[arg(long)]
    pub(in crate::cli::sasldb) json: bool,
    /// The realm of accounts without one
    #[arg(long)]
    pub(in crate::cli::sasldb) realm: Option<OsString>,
    /// Accounts, as NAME or NAME@REALM, and patterns, with `*` for any text and `?` for one character
    #[arg(value_name = "ACCOUNT", required_unless_present = "unused_for")]
    pub(in crate::cli::sasldb) accounts: Vec<OsString>,
}

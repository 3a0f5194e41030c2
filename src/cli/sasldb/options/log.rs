//! The options of `sasldb-rs log`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use crate::cli::when::When;
use crate::store::ACTIONS;

#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(in crate::cli::sasldb) struct Log {
    #[command(subcommand)]
    pub(in crate::cli::sasldb) command: Option<LogCommand>,
    #[command(flatten)]
    pub(in crate::cli::sasldb) show: ShowLog,
}

#[derive(Debug, Args)]
pub(in crate::cli::sasldb) struct ShowLog {
    /// Only changes of accounts that fit: `*` is any text, `?` one character
    #[arg(long, value_name = "PATTERN")]
    pub(in crate::cli::sasldb) account: Option<String>,
    /// Only changes of this kind, such as set-password
    #[arg(long, value_name = "NAME", value_parser = action)]
    pub(in crate::cli::sasldb) action: Option<&'static str>,
    /// Only changes since then: a date, a date with time and zone, or how long ago, such as 30d
    #[arg(long, value_name = "TIME", value_parser = When::parse)]
    pub(in crate::cli::sasldb) since: Option<When>,
    /// Go on and show what is changed from now on, until interrupted
    ///
    /// Ends with an error where what it showed is not there any more.
    #[arg(long)]
    pub(in crate::cli::sasldb) follow: bool,
    /// Print a line of JSON for each change
    #[arg(long)]
    pub(in crate::cli::sasldb) json: bool,
}

#[derive(Debug, Subcommand)]
pub(in crate::cli::sasldb) enum LogCommand {
    /// Prove that the log of changes is as it was written
    ///
    /// Prints how many entries are whole and the head of the chain; where it breaks; and with --against, which entries the
    /// system's log knows otherwise, or are gone from the end. The status is 0 if nothing is wrong, else 1.
    Verify(VerifyLog),
}

#[derive(Debug, Args)]
pub(in crate::cli::sasldb) struct VerifyLog {
    /// Compare with the heads in the system's log of this database's changes: a file, or `-` for stdin
    ///
    /// Lines without a head are passed over; those with one must be of this database.
    #[arg(long, value_name = "FILE")]
    pub(in crate::cli::sasldb) against: Option<PathBuf>,
    /// Print JSON
    #[arg(long)]
    pub(in crate::cli::sasldb) json: bool,
}

/// One that is mistyped would be shown as never done.
fn action(name: &str) -> Result<&'static str, String> {
    let known = ACTIONS.into_iter().find(|known| *known == name);
    known.ok_or_else(|| format!("known are {}", ACTIONS.join(", ")))
}

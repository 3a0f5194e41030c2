//! The options of `sasldb-rs report`.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, ValueHint};

/// The longest list. A report is for reading; --accounts has all.
const MOST: u16 = 1000;

#[derive(Debug, Args)]
pub(in crate::cli::sasldb) struct Report {
    /// How long an account must have gone without use to count as unused
    #[arg(long, value_name = "TIME", value_parser = humantime::parse_duration, default_value = "180d")]
    pub(in crate::cli::sasldb) unused_for: Duration,
    /// The helper's log, which tells of denied logins: a file, or - for stdin
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(in crate::cli::sasldb) log: Option<PathBuf>,
    /// The most accounts and addresses in each list
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=i64::from(MOST)), default_value = "20")]
    pub(in crate::cli::sasldb) top: u16,
    /// Print a line for each account instead
    #[arg(long, conflicts_with_all = ["log", "top", "html"])]
    pub(in crate::cli::sasldb) accounts: bool,
    /// Write a page for a browser instead, or with --json beside it
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(in crate::cli::sasldb) html: Option<PathBuf>,
    /// Print JSON
    #[arg(long)]
    pub(in crate::cli::sasldb) json: bool,
}

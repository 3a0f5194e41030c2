//! The options of `sasldb-rs retire`.

use std::time::Duration;

use clap::Args;

use crate::vocabulary::Scheme;

use super::scheme;

#[derive(Debug, Args)]
pub(in crate::cli::sasldb) struct Retire {
    /// How long the scheme must have gone unused, such as 90d
    #[arg(long, value_name = "TIME", value_parser = humantime::parse_duration)]
    pub(in crate::cli::sasldb) unused_for: Duration,
    /// Say what would be done, and do nothing
    #[arg(long)]
    pub(in crate::cli::sasldb) dry_run: bool,
    /// Print JSON
    #[arg(long)]
    pub(in crate::cli::sasldb) json: bool,
    /// What is to go: digest-md5, cram-md5, scram-sha-1, scram-sha-256, scram-sha-512 or hash
    #[arg(value_parser = scheme)]
    pub(in crate::cli::sasldb) scheme: Scheme,
}

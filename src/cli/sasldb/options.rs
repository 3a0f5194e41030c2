//! The options of `sasldb-rs`.

use std::ffi::{OsStr, OsString};
use std::path::Path;

use clap::builder::{OsStringValueParser, TypedValueParser};
use clap::{Args, Parser, Subcommand};

use crate::config::{SocketPath, SocketPathError};
use crate::vocabulary::Mechanism;

/// Tests the logins of mail accounts.
#[derive(Debug, Parser)]
#[command(name = "sasldb-rs", version)]
pub(super) struct Options {
    #[command(subcommand)]
    pub(super) command: Command,
    /// The account database
    #[arg(short = 'f', long, value_name = "FILE", global = true)]
    pub(super) database: Option<OsString>,
    /// The configuration file
    #[arg(long, value_name = "FILE", global = true)]
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
}

#[derive(Debug, Args)]
pub(super) struct Test {
    /// The socket to log in on
    #[arg(long, value_name = "SOCKET", value_parser = OsStringValueParser::new().try_map(socket))]
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
    /// Say that the client's connection is protected by TLS
    #[arg(long)]
    pub(super) secured: bool,
    /// The account, as a client would name it
    pub(super) user: String,
}

#[derive(Debug, Args)]
pub(super) struct Verify {
    /// The account: NAME or NAME@REALM
    pub(super) user: OsString,
}

fn socket(path: OsString) -> Result<SocketPath, SocketPathError> {
    SocketPath::new(Path::new::<OsStr>(&path))
}

fn mechanism(name: &str) -> Result<Mechanism, String> {
    Mechanism::from_name(name.as_bytes())
        .ok_or_else(|| format!("known are {}", Mechanism::ALL.map(Mechanism::name).join(", ")))
}

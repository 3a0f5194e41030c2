//! The options of `sasldb-rs export`.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Args, ValueEnum};

use crate::vocabulary::Scheme;

use super::scheme;

#[derive(Debug, Args)]
pub(in crate::cli::sasldb) struct Export {
    /// The form
    #[arg(long, value_name = "FORM")]
    pub(in crate::cli::sasldb) to: Form,
    /// Write secrets so that everybody who reads them can use them
    ///
    /// Whoever has the secret of a challenge mechanism can log in with it, and hashes can be guessed at.
    #[arg(long)]
    pub(in crate::cli::sasldb) reveal_secrets: bool,
    /// With --to dovecot, which takes one scheme for each password: this one [default: the strongest that is stored]
    #[arg(long, value_name = "SCHEME", value_parser = scheme)]
    pub(in crate::cli::sasldb) scheme: Option<Scheme>,
    /// Write to this new file, which only its owner may read, and not to stdout
    #[arg(long, value_name = "FILE")]
    pub(in crate::cli::sasldb) output: Option<PathBuf>,
    /// Only accounts that fit: `*` is any text, `?` one character; without `@` in any realm
    #[arg(value_name = "PATTERN")]
    pub(in crate::cli::sasldb) patterns: Vec<OsString>,
}

/// What is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(in crate::cli::sasldb) enum Form {
    /// Everything, as JSON lines for apply; sealed, it is read only where the same key is
    SasldbRs,
    /// A passwd-file of Dovecot; needs --reveal-secrets
    Dovecot,
    /// A table of credentials of OpenSMTPD, of accounts that have a crypt(3) hash; needs --reveal-secrets
    Opensmtpd,
    /// What account list shows, as CSV with a heading; holds no secrets
    Csv,
}

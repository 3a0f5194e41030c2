//! `sasldblistusers-rs`: sasldblistusers2.

use std::ffi::{OsStr, OsString};

use clap::{CommandFactory, FromArgMatches, Parser, ValueHint};

use super::cyrus::{self, Manners};
use super::exit::Exit;
use super::failure::{self, Failure};
use super::output::{self, Data, Program, Reader};
use super::site::Site;

const USAGE: &str = "\
[-v] [[-f] sasldb]
\t-f sasldb\tuse given file as sasldb
\t-v\tprint version numbers and exit
";

/// List the accounts for mail servers, one per line
#[derive(Debug, Parser)]
#[command(
    name = "sasldblistusers-rs",
    disable_help_flag = true,
    disable_version_flag = true,
    args_override_self = true,
    override_usage = "sasldblistusers-rs [--config FILE] [[-f] FILE]"
)]
struct Options {
    /// The account database, in place of the setting `database`
    #[arg(short = 'f', long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    database: Option<OsString>,
    /// The configuration file, in place of /etc/sasldb-rs/config.toml
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    config: Option<OsString>,
    /// Print the version (with -v on stderr) and exit
    #[arg(short = 'v', long)]
    version: bool,
    /// Print this help and exit
    #[arg(long)]
    help: bool,
    /// Print the usage of the original program on stderr and exit with status 1
    #[arg(short = 'h')]
    usage: bool,
    /// The original takes `-?` for wrong, but says nothing about it before the usage text.
    #[arg(short = '?', hide = true)]
    unknown: bool,
    /// The account database; its -f may be left out
    #[arg(value_hint = ValueHint::FilePath, value_name = "FILE", conflicts_with = "database")]
    operand: Option<OsString>,
}

/// The definition of its options, which man page and completions are made from.
pub fn definition() -> clap::Command {
    Options::command()
}

/// Runs the program with the arguments of the process, its own name first.
pub fn run(mut arguments: impl Iterator<Item = OsString>) -> Exit {
    let program = Program::new(arguments.next().as_deref(), "sasldblistusers-rs");
    let manners = Manners {
        command: definition(),
        usage: USAGE,
        after_wrong_option: "Unrecognized command line option\n",
        refuse: |_, _| None,
    };
    let matches = match cyrus::read(&program, manners, arguments) {
        Ok(matches) => matches,
        Err(exit) => return exit,
    };
    let Ok(options) = Options::from_arg_matches(&matches) else { return cyrus::usage(&program, USAGE) };
    match list(options.config.as_deref(), options.database.or(options.operand).as_deref()) {
        Ok(()) => Exit::Success,
        Err(failure) => {
            output::to_stderr("listusers failed\n");
            failure.tell(&program);
            Exit::Failure
        }
    }
}

/// The original prints a line for each property of a user; what it calls `userPassword` is all that we have.
fn list(config: Option<&OsStr>, database: Option<&OsStr>) -> Result<(), Failure> {
    let mut lister = Site::load(config, database)?.lister()?;
    let mut data = Data::new();
    let mut written = Ok(Reader::Present);
    lister.list(&mut |account| {
        written = data.line(format_args!("{}: userPassword", account.identity));
        matches!(written, Ok(Reader::Present))
    })?;
    failure::written(output::finished(written, || data.finish()))?;
    Ok(())
}

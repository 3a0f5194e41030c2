//! `sasldb-rs`: the modern tool, by subcommands.

mod account;
mod apply;
mod backup;
mod check;
mod connection;
mod doctor;
mod export;
mod import;
mod log;
mod login;
mod machine;
mod options;
mod password;
mod people;
mod processes;
mod rekey;
mod report;
mod retire;
mod setup;
mod shell;
mod test;
mod verify;
mod who;

use std::ffi::OsString;
use std::path::Path;

use clap::{CommandFactory, Parser};

#[doc(hidden)]
pub use self::apply::{Told, entries_of};
use self::options::{Command, Options};
pub use self::report::failures_of;
use super::exit::Exit;
use super::output::{Data, Program, to_stderr};
use super::site::Site;
use crate::server::privilege;

/// The definition of its options, which man page and completions are made from.
pub fn definition() -> clap::Command {
    Options::command()
}

/// Runs the program with the arguments of the process, its own name first.
pub fn run(arguments: impl Iterator<Item = OsString>) -> Exit {
    privilege::leave_no_core();
    let arguments: Vec<OsString> = arguments.collect();
    let program = Program::new(arguments.first().map(OsString::as_os_str), "sasldb-rs");
    let options = match Options::try_parse_from(arguments) {
        Ok(options) => options,
        Err(error) if error.use_stderr() => {
            to_stderr(error.render());
            return Exit::Misuse;
        }
        Err(error) => {
            // Help or version, which were asked for.
            let shown = Data::new().text(error.render());
            return if shown.is_ok() { Exit::Success } else { Exit::Failure };
        }
    };
    let site = || Site::load(options.config.as_deref(), options.database.as_deref());
    let done = match &options.command {
        Command::Test(test) => test::test(test),
        Command::Verify(verify) => site().and_then(|site| verify::verify(&site, verify)),
        Command::Check(check) => site().and_then(|site| check::check(&site, check)),
        Command::Doctor(doctor) => {
            site().and_then(|site| doctor::doctor(&program, &site, options.config.as_deref().map(Path::new), doctor))
        }
        Command::Setup(setup) => {
            site().and_then(|site| setup::setup(&site, options.config.as_deref().map(Path::new), setup))
        }
        Command::Import(import) => site().and_then(|site| import::import(&program, &site, import)),
        Command::Export(export) => site().and_then(|site| export::export(&site, export)),
        Command::Backup(backup) => site().and_then(|site| backup::backup(&site, backup)),
        Command::Restore(restore) => site().and_then(|site| backup::restore(&program, &site, restore)),
        Command::Rekey => site().and_then(|site| rekey::rekey(&program, &site)),
        Command::Log(log) => site().and_then(|site| log::run(&site, log)),
        Command::Report(report) => site().and_then(|site| report::report(&program, &site, report)),
        Command::Retire(retire) => site().and_then(|site| retire::retire(&program, &site, retire)),
        Command::Account(command) => site().and_then(|site| account::run(&program, &site, command)),
        Command::Apply(apply) => site().and_then(|site| apply::apply(&program, &site, apply)),
        Command::Password(command) => site().and_then(|site| password::run(&program, &site, command)),
    };
    done.unwrap_or_else(|failure| failure.tell(&program))
}

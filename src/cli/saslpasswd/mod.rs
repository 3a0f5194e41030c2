//! `saslpasswd-rs`: saslpasswd2, option for option, and a few long options of our own.

mod options;
pub(super) mod password;

use std::ffi::OsString;

use clap::CommandFactory;

use crate::identity::Identity;
use crate::server::privilege;
use crate::store::{Applied, Change, CredentialAdmin};

use self::options::{Options, Task};
use super::audit_log;
use super::exit::Exit;
use super::failure::Failure;
use super::listing::{self, Which};
use super::output::Program;
use super::site::{self, Named, Site};

/// The definition of its options, which man page and completions are made from.
pub fn definition() -> clap::Command {
    Options::command()
}

/// Runs the program with the arguments of the process, its own name first.
pub fn run(mut arguments: impl Iterator<Item = OsString>) -> Exit {
    privilege::leave_no_core();
    let program = Program::new(arguments.next().as_deref(), "saslpasswd-rs");
    let (options, task) = match Options::read(&program, arguments) {
        Ok(read) => read,
        Err(exit) => return exit,
    };
    match perform(&program, &options, &task) {
        Ok(()) => Exit::Success,
        Err(failure) => failure.tell_as_cyrus(&program),
    }
}

fn perform(program: &Program, options: &Options, task: &Task) -> Result<(), Failure> {
    let site = Site::load(options.config.as_deref(), options.database.as_deref())?;
    let named = |userid: &OsString| Named::parse(userid, options.realm.as_deref());
    match task {
        Task::SetPassword(userid) => password::set(program, &site, options, &named(userid)?),
        Task::Delete(userid) => delete(program, &site, &named(userid)?).map(drop),
        Task::Disable(userid, disabled) => set_disabled(program, &site, &named(userid)?, *disabled),
        Task::List { pattern, json } => {
            let which = Which { patterns: pattern.iter().map(OsString::as_os_str).collect(), unused_for: None };
            listing::list(&site, &which, *json)
        }
    }
}

/// As with saslpasswd2 it is no error if there is no such account, and a database is made where there is none.
pub(super) fn delete(program: &Program, site: &Site, named: &Named) -> Result<Identity, Failure> {
    let mut store = site.writer_or_new(program)?;
    let realms = site.realms(&mut store)?;
    let identity = named.resolve(&realms);
    let receipt = store.apply(Change::Remove { key: identity.key() }, &site::actor(program), site::now())?;
    audit_log::note(program, &identity, "deleted", &receipt);
    Ok(identity)
}

fn set_disabled(program: &Program, site: &Site, named: &Named, disabled: bool) -> Result<(), Failure> {
    let mut store = site.writer()?;
    let realms = site.realms(&mut store)?;
    let identity = named.resolve(&realms);
    let change = Change::SetDisabled { key: identity.key(), disabled };
    let receipt = store.apply(change, &site::actor(program), site::now())?;
    if receipt.applied == Applied::NotFound {
        return Err(Failure::new(Exit::NoUser, anyhow::anyhow!("there is no account {identity}")));
    }
    audit_log::note(program, &identity, if disabled { "disabled" } else { "enabled" }, &receipt);
    Ok(())
}

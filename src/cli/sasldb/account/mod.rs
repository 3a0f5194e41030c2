//! `sasldb-rs account`: the accounts themselves.

mod add;
mod change;
mod rename;
mod select;
mod show;

use std::ffi::OsString;

use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::cli::listing::{self, Which};
use crate::cli::output::Program;
use crate::cli::site::{self, Site};

use super::options::{Account, ListAccounts};
use change::Doing;

pub(super) fn run(program: &Program, site: &Site, command: &Account) -> Result<Exit, Failure> {
    match command {
        Account::List(list) => self::list(site, list)?,
        Account::Show(show) => show::show(site, show)?,
        Account::Add(add) => add::add(program, site, add)?,
        Account::Rename(rename) => rename::rename(program, site, rename)?,
        Account::Remove(which) => change::change(program, site, which, Doing::Remove)?,
        Account::Disable(which) => change::change(program, site, which, Doing::Disable)?,
        Account::Enable(which) => change::change(program, site, which, Doing::Enable)?,
        Account::Expire(expire) => {
            let at = expire.at.map(site::end).transpose()?;
            change::change(program, site, &expire.selection, Doing::Expire(at))?;
        }
    }
    Ok(Exit::Success)
}

fn list(site: &Site, list: &ListAccounts) -> Result<(), Failure> {
    let patterns = list.patterns.iter().map(OsString::as_os_str).collect();
    listing::list(site, &Which { patterns, unused_for: list.unused_for }, list.json)
}

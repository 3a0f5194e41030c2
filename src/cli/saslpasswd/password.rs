//! Setting the password `main`.

use crate::cli::failure::{Failure, refused_name};
use crate::cli::output::Program;
use crate::cli::prompt;
use crate::cli::setting::{Limits, Setting};
use crate::cli::site::{Named, Site};
use crate::cli::weak;
use crate::config::WeakPasswords;
use crate::credential::{Account, Label, PasswordFacts};
use crate::identity::{Identity, IdentityError};
use crate::secret::Password;
use crate::store::sqlite::Writer;
use crate::store::{Basis, StoreError};

use super::options::Options;

pub(super) fn set(program: &Program, site: &Site, options: &Options, named: &Named) -> Result<(), Failure> {
    // Before the store is touched: whoever mistypes or gives up has changed nothing, nor made an empty database.
    let password = prompt::new_password(options.pipe)?;
    store(program, site, named, &password, options.no_plaintext).map(drop)
}

/// Sets it, and makes account and database where they are missing; gives the account.
pub(in crate::cli) fn store(
    program: &Program,
    site: &Site,
    named: &Named,
    password: &Password,
    no_plaintext: bool,
) -> Result<Identity, Failure> {
    let mut store = if named.is_without_realm() { writer_without_realm(site)? } else { site.writer_or_new(program)? };
    let realms = site.realms(&mut store)?;
    let identity = named.resolve(&realms);
    if site.config.weak_passwords == WeakPasswords::Refuse {
        weak::heed(program, site.config.weak_passwords, password, &identity)?;
    }
    let main = Label::main();
    let setting = Setting { identity: &identity, label: &main, password, state: None, realms: &realms };
    setting.apply(program, site, &mut store, "password set", |basis, account| {
        refuse_new_account_without_realm(basis)?;
        Ok(Limits { facts: facts_of_main(account), no_plaintext })
    })?;
    Ok(identity)
}

/// Where there is no database there is no such account either, and none is made in vain.
fn writer_without_realm(site: &Site) -> Result<Writer, Failure> {
    match site.existing_writer() {
        Err(StoreError::Missing(_)) => Err(refused_name("realm", IdentityError::Empty)),
        opened => Ok(opened?),
    }
}

/// Only an import can have made such an account.
fn refuse_new_account_without_realm(basis: &Basis) -> Result<(), Failure> {
    if basis.revision.is_none() && basis.identity.realm.as_str().is_empty() {
        return Err(refused_name("realm", IdentityError::Empty));
    }
    Ok(())
}

/// A new password is good where the old one was, but does not inherit its end.
fn facts_of_main(account: Option<&Account>) -> PasswordFacts {
    let main = Label::main();
    let old = account.and_then(|account| account.passwords.iter().find(|password| password.facts.label == main));
    match old {
        Some(old) => PasswordFacts { expires: None, ..old.facts.clone() },
        None => PasswordFacts::unlimited(main),
    }
}

//! `sasldb-rs password`: several passwords for an account.

mod generate;
pub(super) mod list;

use anyhow::Context as _;

use crate::cli::audit_log;
use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::cli::output::{Data, Program};
use crate::cli::prompt;
use crate::cli::setting::{Limits, Setting};
use crate::cli::site::{self, Named, Site};
use crate::cli::weak;
use crate::credential::{Account, Label, PasswordFacts};
use crate::identity::Identity;
use crate::runtime::SystemEntropy;
use crate::secret::Password as Secret;
use crate::store::{Applied, Change, CredentialAdmin};

use super::options::{AccountArgument, AddPassword, Password, RemovePassword, SetPassword};

pub(super) fn run(program: &Program, site: &Site, command: &Password) -> Result<Exit, Failure> {
    match command {
        Password::Add(add) => self::add(program, site, add)?,
        Password::Set(set) => self::set(program, site, set)?,
        Password::List(list) => list::list(site, list)?,
        Password::Remove(remove) => self::remove(program, site, remove)?,
    }
    Ok(Exit::Success)
}

pub(super) fn named(account: &AccountArgument) -> Result<Named, Failure> {
    Named::parse(&account.user, account.realm.as_deref())
}

pub(super) fn no_account(identity: &Identity) -> Failure {
    Failure::new(Exit::NoUser, anyhow::anyhow!("there is no account {identity}"))
        .hint("saslpasswd-rs -c makes it, with its first password")
}

fn add(program: &Program, site: &Site, add: &AddPassword) -> Result<(), Failure> {
    let named = named(&add.account)?;
    let expires = add.expires.map(site::end).transpose()?;
    let password = new_password(add.generate)?;

    let mut store = site.writer()?;
    let realms = site.realms(&mut store)?;
    let identity = named.resolve(&realms);
    weak::heed(program, site.config.weak_passwords, &password, &identity)?;
    let (label, password) = (&add.label, &password);
    let setting = Setting { identity: &identity, label, password, state: None, realms: &realms };
    setting.apply(program, site, &mut store, "password added", |_, account| {
        let account = account.ok_or_else(|| no_account(&identity))?;
        if account.passwords.iter().any(|password| password.facts.label == add.label) {
            return Err(already_there(&identity, &add.label));
        }
        let (services, networks) = (add.services.clone(), add.networks.clone());
        let facts = PasswordFacts { label: add.label.clone(), expires, services, networks };
        Ok(Limits { facts, no_plaintext: false })
    })?;
    if add.generate { print_generated(password) } else { Ok(()) }
}

/// Reads a new password, or makes one.
pub(super) fn new_password(generate: bool) -> Result<Secret, Failure> {
    if generate {
        return generate::password(&mut SystemEntropy).map_err(|fault| Failure::new(Exit::Unavailable, fault));
    }
    prompt::new_password(false)
}

/// Shows a password that was made here, once it is set.
pub(super) fn print_generated(password: &Secret) -> Result<(), Failure> {
    Data::new()
        .text(format_args!("{}\n", String::from_utf8_lossy(password.expose())))
        .context("the password is set, but cannot be written to stdout")
        .map_err(|cause| Failure::new(Exit::Failure, cause).hint("set another one"))?;
    Ok(())
}

/// Sets a password that is there. Its limits stay, and so does whether PLAIN and LOGIN are refused with it.
fn set(program: &Program, site: &Site, set: &SetPassword) -> Result<(), Failure> {
    let named = named(&set.account)?;
    let password = new_password(set.generate)?;
    let mut store = site.writer()?;
    let realms = site.realms(&mut store)?;
    let identity = named.resolve(&realms);
    let account = store.account(&identity.key())?.ok_or_else(|| no_account(&identity))?;
    let labelled = |account: &Account| {
        let known = account.passwords.iter().find(|password| password.facts.label == set.label);
        known.map(|known| Limits { facts: known.facts.clone(), no_plaintext: known.secrets.no_plaintext })
    };
    labelled(&account).ok_or_else(|| no_password(&identity, &set.label))?;
    weak::heed(program, site.config.weak_passwords, &password, &identity)?;
    let (label, password) = (&set.label, &password);
    let setting = Setting { identity: &identity, label, password, state: None, realms: &realms };
    setting.apply(program, site, &mut store, "password set", |_, account| {
        account.and_then(labelled).ok_or_else(|| no_password(&identity, &set.label))
    })?;
    if set.generate { print_generated(password) } else { Ok(()) }
}

fn no_password(identity: &Identity, label: &Label) -> Failure {
    let cause = anyhow::anyhow!("{identity} has no password with the label {:?}", label.as_str());
    Failure::new(Exit::NoUser, cause).hint("sasldb-rs password list shows those that it has")
}

fn already_there(identity: &Identity, label: &Label) -> Failure {
    Failure::new(
        Exit::Failure,
        anyhow::anyhow!("{identity} already has a password with the label {:?}", label.as_str()),
    )
    .hint("take another label, or remove that password first")
}

fn remove(program: &Program, site: &Site, remove: &RemovePassword) -> Result<(), Failure> {
    let named = named(&remove.account)?;
    let mut store = site.writer()?;
    let identity = named.resolve(&site.realms(&mut store)?);
    let account = store.account(&identity.key())?.ok_or_else(|| no_account(&identity))?;
    let change = Change::RemovePassword { key: identity.key(), label: remove.label.clone() };
    let receipt = store.apply(change, &site::actor(program), site::now())?;
    if receipt.applied == Applied::NotFound {
        return Err(no_password(&account.identity, &remove.label));
    }
    audit_log::note(program, &account.identity, "password removed", &receipt);
    Ok(())
}

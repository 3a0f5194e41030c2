//! `sasldb-rs password`: several passwords for an account.

mod generate;
mod list;

use anyhow::Context as _;

use crate::cli::audit_log;
use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::cli::output::{Data, Program};
use crate::cli::prompt;
use crate::cli::setting::Setting;
use crate::cli::site::{self, Named, Site};
use crate::credential::{Label, PasswordFacts};
use crate::identity::Identity;
use crate::runtime::SystemEntropy;
use crate::store::{Applied, Change, CredentialAdmin};

use super::options::{AccountArgument, AddPassword, Password, RemovePassword};

pub(super) fn run(program: &Program, site: &Site, command: &Password) -> Result<Exit, Failure> {
    match command {
        Password::Add(add) => self::add(program, site, add)?,
        Password::List(list) => list::list(site, list)?,
        Password::Remove(remove) => self::remove(program, site, remove)?,
    }
    Ok(Exit::Success)
}

fn named(account: &AccountArgument) -> Result<Named, Failure> {
    Named::parse(&account.user, account.realm.as_deref())
}

fn no_account(identity: &Identity) -> Failure {
    Failure::new(Exit::NoUser, anyhow::anyhow!("there is no account {identity}"))
        .hint("saslpasswd-rs -c makes it, with its first password")
}

fn add(program: &Program, site: &Site, add: &AddPassword) -> Result<(), Failure> {
    let named = named(&add.account)?;
    let over = || Failure::new(Exit::BadParameter, anyhow::anyhow!("the time of --expires is over, or too far away"));
    let expires = add.expires.map(|when| when.after(site::now()).ok_or_else(over)).transpose()?;
    let password = if add.generate {
        generate::password(&mut SystemEntropy).map_err(|fault| Failure::new(Exit::Unavailable, fault))?
    } else {
        prompt::new_password(false)?
    };

    let mut store = site.writer()?;
    let realms = site.realms(&mut store)?;
    let identity = named.resolve(&realms);
    let (label, password) = (&add.label, &password);
    let setting = Setting { identity: &identity, label, password, no_plaintext: false, realms: &realms };
    setting.apply(program, site, &mut store, "password added", |_, account| {
        let account = account.ok_or_else(|| no_account(&identity))?;
        if account.passwords.iter().any(|password| password.facts.label == add.label) {
            return Err(already_there(&identity, &add.label));
        }
        let (services, networks) = (add.services.clone(), add.networks.clone());
        Ok(PasswordFacts { label: add.label.clone(), expires, services, networks })
    })?;
    if add.generate {
        Data::new()
            .text(format_args!("{}\n", String::from_utf8_lossy(password.expose())))
            .context("the password is set, but cannot be written to stdout")
            .map_err(|cause| Failure::new(Exit::Failure, cause).hint("remove it and add another one"))?;
    }
    Ok(())
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
        let label = remove.label.as_str();
        let cause = anyhow::anyhow!("{} has no password with the label {label:?}", account.identity);
        return Err(Failure::new(Exit::NoUser, cause).hint("sasldb-rs password list shows those that it has"));
    }
    audit_log::note(program, &account.identity, "password removed", &receipt);
    Ok(())
}

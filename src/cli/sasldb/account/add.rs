//! `account add`.

use crate::cli::exit::Exit;
use crate::cli::failure::{Failure, refused_name};
use crate::cli::output::Program;
use crate::cli::setting::Setting;
use crate::cli::site::{self, Site};
use crate::cli::{audit_log, weak};
use crate::credential::{AccountState, Label, PasswordFacts};
use crate::identity::IdentityError;
use crate::store::{Change, CredentialAdmin};

use super::super::options::AddAccount;
use super::super::password::{named, new_password, print_generated};
use super::over;

pub(super) fn add(program: &Program, site: &Site, add: &AddAccount) -> Result<(), Failure> {
    let named = named(&add.account)?;
    let expires = add.expires.map(|when| when.after(site::now()).ok_or_else(over)).transpose()?;
    let password = new_password(add.generate)?;

    let mut store = site.writer_or_new(program)?;
    let realms = site.realms(&mut store)?;
    let identity = named.resolve(&realms);
    if identity.realm.as_str().is_empty() {
        return Err(refused_name("realm", IdentityError::Empty));
    }
    weak::heed(program, site.config.weak_passwords, &password, &identity)?;
    let main = Label::main();
    let setting =
        Setting { identity: &identity, label: &main, password: &password, no_plaintext: false, realms: &realms };
    setting.apply(program, site, &mut store, "account made", |basis, _| match basis.revision {
        None => Ok(PasswordFacts::unlimited(main.clone())),
        Some(_) => Err(Failure::new(Exit::Failure, anyhow::anyhow!("there is an account {} already", basis.identity))
            .hint("sasldb-rs password set gives it another password")),
    })?;
    if expires.is_some() {
        let state = AccountState { disabled: false, expires };
        let receipt =
            store.apply(Change::SetState { key: identity.key(), state }, &site::actor(program), site::now())?;
        audit_log::note(program, &identity, "account changed", &receipt);
    }
    if add.generate { print_generated(&password) } else { Ok(()) }
}

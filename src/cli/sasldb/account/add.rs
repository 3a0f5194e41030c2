//! `account add`.

use crate::cli::exit::Exit;
use crate::cli::failure::{Failure, refused_name};
use crate::cli::output::Program;
use crate::cli::setting::{Limits, Setting};
use crate::cli::site::{self, Site};
use crate::cli::weak;
use crate::credential::{AccountState, Label, PasswordFacts};
use crate::identity::IdentityError;

use super::super::options::AddAccount;
use super::super::password::{named, new_password, print_generated};

pub(super) fn add(program: &Program, site: &Site, add: &AddAccount) -> Result<(), Failure> {
    let named = named(&add.account)?;
    let expires = add.expires.map(site::end).transpose()?;
    let password = new_password(add.generate)?;

    let mut store = site.writer_or_new(program)?;
    let realms = site.realms(&mut store)?;
    let identity = named.resolve(&realms);
    if identity.realm.as_str().is_empty() {
        return Err(refused_name("realm", IdentityError::Empty));
    }
    weak::heed(program, site.config.weak_passwords, &password, &identity)?;
    let main = Label::main();
    let setting = Setting {
        identity: &identity,
        label: &main,
        password: &password,
        // In the same change: an account that is to end is never there without its end.
        state: expires.map(|_| AccountState { disabled: false, expires }),
        realms: &realms,
    };
    setting.apply(program, site, &mut store, "account made", |basis, _| match basis.revision {
        None => Ok(Limits { facts: PasswordFacts::unlimited(main.clone()), no_plaintext: false }),
        Some(_) => Err(Failure::new(Exit::Failure, anyhow::anyhow!("there is an account {} already", basis.identity))
            .hint("sasldb-rs password set gives it another password")),
    })?;
    if add.generate { print_generated(&password) } else { Ok(()) }
}

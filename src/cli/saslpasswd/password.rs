//! Setting a password: prompt, basis, derivation, change.

use crate::cli::audit_log;
use crate::cli::failure::{Failure, refused_name};
use crate::cli::output::Program;
use crate::cli::prompt;
use crate::cli::site::{self, Named, Site};
use crate::credential::{self, Iterations, Label, PasswordFacts, Recipe, Secrets};
use crate::identity::{Identity, IdentityError};
use crate::secret::Password;
use crate::store::sqlite::Writer;
use crate::store::{Applied, Basis, Change, CredentialAdmin, Receipt, StoreError};

use super::options::Options;

/// How often the account may be changed by others between reading it and writing it before we give up.
const TRIES: usize = 10;

pub(super) fn set(program: &Program, site: &Site, options: &Options, named: &Named) -> Result<(), Failure> {
    // Before the store is touched: whoever mistypes or gives up has changed nothing, nor made an empty database.
    let password = prompt::new_password(options.pipe)?;
    let mut store = site.writer_or_new(program)?;
    let realms = site.realms(&mut store)?;
    let identity = named.resolve(&realms);
    for _ in 0..TRIES {
        let basis = Basis { realms: realms.clone(), ..store.basis(&identity, &Label::main())? };
        refuse_new_account_without_realm(&basis)?;
        let spelled = basis.identity.clone();
        let receipt = apply(program, site, options, &mut store, basis, &password)?;
        if receipt.applied != Applied::Conflict {
            audit_log::note(program, &spelled, "password set", &receipt);
            return Ok(());
        }
    }
    Err(StoreError::Busy.into())
}

fn apply(
    program: &Program,
    site: &Site,
    options: &Options,
    store: &mut Writer,
    basis: Basis,
    password: &Password,
) -> Result<Receipt, Failure> {
    let facts = facts_of_main(store, &basis.identity)?;
    let secrets = derive(site, options, &basis, password);
    let change = Change::SetPassword { identity: basis.identity, facts, secrets, expected: basis.revision };
    Ok(store.apply(change, &site::actor(program), site::now())?)
}

/// Only an import can have made such an account.
fn refuse_new_account_without_realm(basis: &Basis) -> Result<(), Failure> {
    if basis.revision.is_none() && basis.identity.realm.as_str().is_empty() {
        return Err(refused_name("realm", IdentityError::Empty));
    }
    Ok(())
}

/// A new password is good where the old one was, but does not inherit its end.
fn facts_of_main(store: &mut Writer, identity: &Identity) -> Result<PasswordFacts, Failure> {
    let main = Label::main();
    let account = store.account(&identity.key())?;
    let old = account.into_iter().flat_map(|account| account.passwords).find(|password| password.facts.label == main);
    let new = PasswordFacts::unlimited(main);
    Ok(old.map_or(new, |old| PasswordFacts { expires: None, ..old.facts }))
}

fn derive(site: &Site, options: &Options, basis: &Basis, password: &Password) -> Secrets {
    let secrets = credential::derive(
        password,
        &Recipe {
            identity: &basis.identity,
            realms: &basis.realms,
            salt_key: &basis.salt_key,
            schemes: &site.config.schemes,
            iterations: Iterations { usual: site.config.scram_iterations, bound: &basis.iterations },
        },
    );
    Secrets { no_plaintext: options.no_plaintext, ..secrets }
}

//! Setting one password: basis, derivation, change; again if somebody else was faster.

use crate::config::Config;
use crate::credential::{self, AccountState, Iterations, Label, PasswordFacts, Recipe, Secrets, StoredPassword};
use crate::identity::{Identity, Realms};
use crate::secret::Password;
use crate::store::sqlite::Writer;
use crate::store::{Applied, Basis, CredentialAdmin, Provision, StoreError};

use super::audit_log;
use super::failure::Failure;
use super::output::Program;
use super::site::{self, Site};

/// Which password of which account is set, and to what.
pub(super) struct Setting<'a> {
    /// Whose.
    pub(super) identity: &'a Identity,
    /// Which.
    pub(super) label: &'a Label,
    /// The password.
    pub(super) password: &'a Password,
    /// The account's state from then on, if it is to be another one.
    pub(super) state: Option<AccountState>,
    /// The default realm and its aliases, under which it is set.
    pub(super) realms: &'a Realms,
}

/// What a password is good for.
pub(super) struct Limits {
    /// Its label, end, services and networks.
    pub(super) facts: PasswordFacts,
    /// Whether PLAIN and LOGIN are refused with it.
    pub(super) no_plaintext: bool,
}

impl Setting<'_> {
    /// Sets it. `limits` sees what is there, decides whether that may be, and gives the limits.
    pub(super) fn apply(
        &self,
        program: &Program,
        site: &Site,
        store: &mut Writer,
        what: &str,
        limits: impl Fn(&Basis, Option<&credential::Account>) -> Result<Limits, Failure>,
    ) -> Result<(), Failure> {
        for _ in 0..site::TRIES {
            let basis = store.basis(self.identity, self.label)?;
            let Limits { facts, no_plaintext } = limits(&basis, store.account(&basis.identity.key())?.as_ref())?;
            let derived = credential::derive(self.password, &recipe(&site.config, self.realms, &basis));
            let secrets = Secrets { no_plaintext, ..derived };
            let spelled = basis.identity.clone();
            let password = StoredPassword { facts, secrets };
            let wanted =
                Provision { state: self.state, ..Provision::password(basis.identity, password, basis.revision) };
            let receipt = store.apply(wanted.into(), &site::actor(program), site::now())?;
            if receipt.applied != Applied::Conflict {
                audit_log::note(program, &spelled, what, &receipt);
                return Ok(());
            }
        }
        Err(StoreError::Busy.into())
    }
}

/// What is made of a new password that is set under `realms`.
pub(super) fn recipe<'a>(config: &'a Config, realms: &'a Realms, basis: &'a Basis) -> Recipe<'a> {
    Recipe {
        identity: &basis.identity,
        realms,
        salt_key: &basis.salt_key,
        schemes: &config.schemes,
        iterations: Iterations { usual: config.scram_iterations, bound: &basis.iterations },
    }
}

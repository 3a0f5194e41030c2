//! Setting one password: basis, derivation, change; again if somebody else was faster.

use crate::config::Config;
use crate::credential::{self, Iterations, Label, PasswordFacts, Recipe, Secrets};
use crate::identity::{Identity, Realms};
use crate::secret::Password;
use crate::store::sqlite::Writer;
use crate::store::{Applied, Basis, Change, CredentialAdmin, StoreError};

use super::audit_log;
use super::failure::Failure;
use super::output::Program;
use super::site::{self, Site};

/// How often the account may be changed by others between reading it and writing it before we give up.
const TRIES: usize = 10;

/// Which password of which account is set, and to what.
pub(super) struct Setting<'a> {
    /// Whose.
    pub(super) identity: &'a Identity,
    /// Which.
    pub(super) label: &'a Label,
    /// The password.
    pub(super) password: &'a Password,
    /// Whether PLAIN and LOGIN are refused with it.
    pub(super) no_plaintext: bool,
    /// The default realm and its aliases, under which it is set.
    pub(super) realms: &'a Realms,
}

impl Setting<'_> {
    /// Sets it. `limits` sees what is there, decides whether that may be, and gives the limits.
    pub(super) fn apply(
        &self,
        program: &Program,
        site: &Site,
        store: &mut Writer,
        what: &str,
        limits: impl Fn(&Basis, Option<&credential::Account>) -> Result<PasswordFacts, Failure>,
    ) -> Result<(), Failure> {
        for _ in 0..TRIES {
            let basis = store.basis(self.identity, self.label)?;
            let facts = limits(&basis, store.account(&basis.identity.key())?.as_ref())?;
            let secrets = self.derive(site, &basis);
            let spelled = basis.identity.clone();
            let change = Change::SetPassword { identity: basis.identity, facts, secrets, expected: basis.revision };
            let receipt = store.apply(change, &site::actor(program), site::now())?;
            if receipt.applied != Applied::Conflict {
                audit_log::note(program, &spelled, what, &receipt);
                return Ok(());
            }
        }
        Err(StoreError::Busy.into())
    }

    fn derive(&self, site: &Site, basis: &Basis) -> Secrets {
        let secrets = credential::derive(self.password, &recipe(&site.config, self.realms, basis));
        Secrets { no_plaintext: self.no_plaintext, ..secrets }
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

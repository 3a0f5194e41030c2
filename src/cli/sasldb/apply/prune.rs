//! Removing whom the file does not name: bounded, and only where the file could be read to its end.

use sha2::{Digest as _, Sha256};

use crate::cli::audit_log;
use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::cli::site;
use crate::identity::{Identity, IdentityKey};
use crate::store::{Change, CredentialAdmin as _};

use super::Run;
use super::plan::{Fate, Plan};

/// Stands for a key in a quarter of its room. Two names that share it would have to be looked for, by 2^64 hashes.
pub(in crate::cli::sasldb) type Seen = [u8; 16];

pub(in crate::cli::sasldb) fn mark(key: &IdentityKey) -> Seen {
    let hash = Sha256::new().chain_update(key.name()).chain_update("@").chain_update(key.realm()).finalize();
    let mut seen = Seen::default();
    seen.iter_mut().zip(hash).for_each(|(to, from)| *to = from);
    seen
}

impl Run<'_> {
    /// Removes the accounts that the file does not name, if they are at most `most`.
    pub(super) fn prune(&mut self, most: u64) -> Result<(), Failure> {
        let (Some(named), Some(store)) = (&self.seen, &mut self.planner.store) else { return Ok(()) };
        if !self.report.all_right() {
            return Err(Failure::new(
                Exit::Failure,
                anyhow::anyhow!("no account is removed, since some entries are wrong"),
            )
            .hint("what they name is not known; all else is applied"));
        }
        let mut others: Vec<Identity> = Vec::new();
        let mut many = 0u64;
        store.list(&mut |account| {
            if !named.contains(&mark(&account.identity.key())) {
                many = many.saturating_add(1);
                if many <= most {
                    others.push(account.identity);
                }
            }
            true
        })?;
        if many > most {
            let cause = anyhow::anyhow!("accounts that the file does not name: {many}; --max-removals is {most}");
            return Err(Failure::new(Exit::Failure, cause).hint("none of them is removed; all else is applied"));
        }
        for identity in others {
            let plan = Plan::removing(identity);
            if !self.planner.dry_run {
                let change = Change::Remove { key: plan.identity.key() };
                let receipt = store.apply(change, &site::actor(self.program), site::now())?;
                audit_log::note(self.program, &plan.identity, "account removed", &receipt);
            }
            self.report.done(&plan)?;
        }
        Ok(())
    }
}

impl Plan {
    fn removing(identity: Identity) -> Self {
        Self {
            identity,
            fate: Fate::Removed,
            differences: vec!["not in the file".to_owned()],
            changes: Vec::new(),
            more: false,
            weak: None,
        }
    }
}

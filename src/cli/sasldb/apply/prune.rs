//! Removing whom the file does not name: bounded, and only where the file could be read to its end.

use crate::cli::batch;
use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::cli::stop::Stop;
use crate::cli::walk::try_each;
use crate::identity::Identity;
use crate::store::sqlite::SeenNames;
use crate::store::{Change, CredentialAdmin as _};

use super::plan::{Fate, Plan};
use super::{BATCH, Run};

impl Run<'_> {
    /// Removes the accounts that the file does not name, if they are at most `most`. Says whether it came to its end.
    pub(super) fn prune(&mut self, named: &SeenNames, most: u64, stop: &Stop) -> Result<bool, Failure> {
        if !self.report.all_right() {
            return Err(Failure::new(
                Exit::Failure,
                anyhow::anyhow!("no account is removed, since some entries are wrong"),
            )
            .hint("what they name is not known; all else is applied"));
        }
        let others = self.not_named(named, most)?;
        for some in others.chunks(BATCH) {
            if stop.is_asked() {
                return Ok(false);
            }
            self.remove(some)?;
        }
        Ok(true)
    }

    /// The accounts that the file does not name.
    fn not_named(&mut self, named: &SeenNames, most: u64) -> Result<Vec<Identity>, Failure> {
        let Some(store) = &mut self.planner.store else { return Ok(Vec::new()) };
        let (mut others, mut many) = (Vec::new(), 0u64);
        try_each(
            |visit| store.list(visit),
            |account| {
                if named.place_of(&account.identity.key())?.is_none() {
                    many = many.saturating_add(1);
                    if many <= most {
                        others.push(account.identity);
                    }
                }
                Ok(true)
            },
        )?;
        if many > most {
            let cause = anyhow::anyhow!("accounts that the file does not name: {many}; --max-removals is {most}");
            return Err(Failure::new(Exit::Failure, cause).hint("none of them is removed; all else is applied"));
        }
        Ok(others)
    }

    /// Removes these, in one transaction.
    fn remove(&mut self, accounts: &[Identity]) -> Result<(), Failure> {
        if let Some(store) = self.planner.store.as_mut().filter(|_| !self.planner.dry_run) {
            let changes = accounts.iter().map(|account| Change::Remove { key: account.key() }).collect();
            let outcomes = batch::apply_each(self.program, store, changes, "accounts removed")?;
            outcomes.into_iter().try_for_each(|outcome| outcome.map(drop))?;
        }
        for account in accounts {
            let differences = vec!["not in the file".to_owned()];
            self.report.done(&Plan { differences, ..Plan::new(account.clone(), Fate::Removed) })?;
        }
        Ok(())
    }
}

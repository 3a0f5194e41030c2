//! `account rename`.

use std::ffi::OsStr;

use serde::Serialize;

use crate::cli::audit_log;
use crate::cli::exit::Exit;
use crate::cli::failure::{self, Failure, refused_name};
use crate::cli::output::{Data, Program, to_stderr};
use crate::cli::site::{self, Named, Site};
use crate::credential::Account;
use crate::identity::{Identity, IdentityError, Realms};
use crate::runtime::UnixTime;
use crate::store::{Actor, Applied, Change, CredentialAdmin, Receipt, StoreError, renamable};
use crate::vocabulary::Scheme;

use super::super::options::RenameAccount;
use super::super::password::{named, no_account};

#[derive(Serialize)]
struct Line<'a> {
    done: &'a str,
    account: String,
    from: String,
    dropped: Vec<&'static str>,
}

pub(super) fn rename(program: &Program, site: &Site, rename: &RenameAccount) -> Result<(), Failure> {
    let from = named(&rename.account)?;
    let mut store = site.writer()?;
    let realms = site.realms(&mut store)?;
    let renaming = Renaming { from: from.resolve(&realms), to: &rename.to, realms: &realms };
    let Renamed { from, to, receipt, drops } = if rename.dry_run {
        renaming.would_be(&mut store)?
    } else {
        renaming.carry_out(&mut store, &site::actor(program), site::now())?
    };
    audit_log::note(program, &to, &format!("account renamed from {from}"), &receipt);
    let done = if receipt.applied == Applied::Unchanged { "unchanged" } else { "renamed" };
    let dropped = if drops { vec![Scheme::DigestMd5.name()] } else { Vec::new() };
    let line = if rename.json {
        let line = Line { done, account: to.to_string(), from: from.to_string(), dropped };
        serde_json::to_string(&line).unwrap_or_default()
    } else {
        format!("{done}\t{from}\t{to}")
    };
    failure::written(Data::new().text(format_args!("{line}\n")))?;
    if drops {
        to_stderr("digest-md5 holds the name and is dropped: DIGEST-MD5 works again when the password is set anew\n");
    }
    if rename.dry_run {
        to_stderr("nothing has changed: --dry-run\n");
    }
    Ok(())
}

/// What is asked for.
struct Renaming<'a> {
    from: Identity,
    to: &'a OsStr,
    realms: &'a Realms,
}

/// What has come of it.
struct Renamed {
    from: Identity,
    to: Identity,
    receipt: Receipt,
    /// Whether digest-md5 is gone.
    drops: bool,
}

impl Renaming<'_> {
    /// Renames the account as it was read: what is told of it has to be what it had when it was renamed. Again, if somebody else
    /// was faster.
    fn carry_out(&self, store: &mut dyn CredentialAdmin, actor: &Actor, now: UnixTime) -> Result<Renamed, Failure> {
        for _ in 0..site::TRIES {
            let (account, to) = self.read(store)?;
            let change = Change::Rename { key: self.from.key(), to: to.clone() };
            let change = Change::IfUnchanged { expected: account.revision, change: Box::new(change) };
            let receipt = store.apply(change, actor, now)?;
            if !matches!(receipt.applied, Applied::Conflict | Applied::NotFound) {
                return Ok(Renamed::of(account, to, receipt));
            }
        }
        Err(StoreError::Busy.into())
    }

    /// What would come of it.
    fn would_be(&self, store: &mut dyn CredentialAdmin) -> Result<Renamed, Failure> {
        let (account, to) = self.read(store)?;
        let applied = if account.identity == to {
            Applied::Unchanged
        } else {
            if account.identity.key() != to.key() && store.account(&to.key())?.is_some() {
                return Err(Failure::new(Exit::Failure, anyhow::anyhow!("there is an account {to} already")));
            }
            renamable(&account)?;
            Applied::Changed
        };
        Ok(Renamed::of(account, to, Receipt { applied, audit: None }))
    }

    /// The account, and what it is to be called.
    fn read(&self, store: &mut dyn CredentialAdmin) -> Result<(Account, Identity), Failure> {
        let account = store.account(&self.from.key())?.ok_or_else(|| no_account(&self.from))?;
        let realm = OsStr::new(account.identity.realm.as_str());
        let to = Named::parse(self.to, Some(realm))?.resolve(self.realms);
        if to.realm.as_str().is_empty() {
            return Err(refused_name("realm", IdentityError::Empty));
        }
        Ok((account, to))
    }
}

impl Renamed {
    fn of(account: Account, to: Identity, receipt: Receipt) -> Self {
        let has_digest = account.passwords.iter().any(|password| !password.secrets.digest_md5.is_empty());
        let drops = has_digest && receipt.applied != Applied::Unchanged;
        Self { from: account.identity, to, receipt, drops }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::credential::{Iterations, Label, PasswordFacts, Recipe, SaltKey, StoredPassword, derive};
    use crate::identity::{IdentityKey, Name, Realm};
    use crate::secret::Password;
    use crate::store::memory::MemoryStore;
    use crate::store::{Basis, DecoyShape, Listed, Provision};

    fn identity(name: &str) -> Identity {
        Identity::new(Name::new(name).unwrap(), Realm::new("example.com").unwrap())
    }

    fn realms() -> Realms {
        Realms::new(Realm::new("example.com").unwrap(), [])
    }

    /// joe's password, set to have these secrets.
    fn set(store: &mut dyn CredentialAdmin, schemes: &[Scheme]) -> Change {
        let Basis { identity, revision, realms, salt_key, .. } = store.basis(&identity("joe"), &Label::main()).unwrap();
        let iterations = Iterations { usual: 4096, bound: &[] };
        let recipe = Recipe { identity: &identity, realms: &realms, salt_key: &salt_key, schemes, iterations };
        let secrets = derive(&Password::new(b"secret".to_vec()).unwrap(), &recipe);
        let password = StoredPassword { facts: PasswordFacts::unlimited(Label::main()), secrets };
        Provision::password(identity, password, revision).into()
    }

    /// A store in which somebody makes `change` just before the first of ours.
    struct Raced {
        store: MemoryStore,
        change: Option<Change>,
    }

    impl CredentialAdmin for Raced {
        fn realms(&mut self) -> Result<Realms, StoreError> {
            CredentialAdmin::realms(&mut self.store)
        }

        fn first_in(&mut self, realm: &Realm) -> Result<Option<IdentityKey>, StoreError> {
            CredentialAdmin::first_in(&mut self.store, realm)
        }

        fn basis(&mut self, identity: &Identity, label: &Label) -> Result<Basis, StoreError> {
            self.store.basis(identity, label)
        }

        fn apply(&mut self, change: Change, actor: &Actor, now: UnixTime) -> Result<Receipt, StoreError> {
            if let Some(earlier) = self.change.take() {
                let _ = self.store.apply(earlier, actor, now)?;
            }
            self.store.apply(change, actor, now)
        }

        fn account(&mut self, key: &IdentityKey) -> Result<Option<Account>, StoreError> {
            self.store.account(key)
        }

        fn list(&mut self, visit: &mut dyn FnMut(Listed) -> bool) -> Result<(), StoreError> {
            self.store.list(visit)
        }
    }

    /// joe, whose password has `before`, is renamed while somebody makes the change.
    fn raced(before: &[Scheme], change: impl FnOnce(&mut MemoryStore) -> Change) -> Result<Renamed, Failure> {
        let shape = DecoyShape { usual_iterations: 4096, schemes: Vec::new() };
        let mut store = MemoryStore::new(realms(), SaltKey::new([1; 32]), shape);
        let actor = Actor { uid: 0, program: "test".to_owned() };
        let made = set(&mut store, before);
        let _ = store.apply(made, &actor, UnixTime(1)).unwrap();
        let change = Some(change(&mut store));
        let renaming = Renaming { from: identity("joe"), to: OsStr::new("jim"), realms: &realms() };
        renaming.carry_out(&mut Raced { store, change }, &actor, UnixTime(2))
    }

    #[test]
    fn what_is_told_is_what_the_account_had_when_it_was_renamed() {
        let (without, with) = ([Scheme::CramMd5], [Scheme::CramMd5, Scheme::DigestMd5]);
        for (before, after, drops) in [(&with[..], &without[..], false), (&without, &with, true)] {
            let renamed = raced(before, |store| set(store, after)).unwrap();
            assert_eq!((renamed.to, renamed.receipt.applied), (identity("jim"), Applied::Changed));
            assert_eq!(renamed.drops, drops, "{before:?} {after:?}");
        }
    }

    #[test]
    fn an_account_that_was_removed_meanwhile_was_not_renamed() {
        let gone = raced(&[Scheme::CramMd5], |_| Change::Remove { key: identity("joe").key() });
        let said = gone.map(|_| ()).unwrap_err().in_one_line();
        assert!(said.contains("there is no account joe@example.com"), "{said}");
    }
}

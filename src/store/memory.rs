//! The store in memory: the twin of the SQLite store for tests, held to the same contract.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::credential::{
    Account, AccountState, Label, Lookup, PasswordFacts, SaltKey, Shape, ShapeCensus, Who, record,
};
use crate::identity::{Identity, IdentityKey, Realm, Realms};
use crate::runtime::UnixTime;
use crate::secret::{SecretArray, SecretBytes};
use crate::vocabulary::{MechanismSet, Scheme};

use super::change::{self, Existing, Plan};
use super::decoy::{self, DecoyShape, Expanded, Home};
use super::{Actor, Answer, Basis, Change, CredentialAdmin, CredentialLookup, Listed, Receipt, StoreError, Ticket};

/// Accounts in memory. Clones share them: one can be handed to logins while another one makes changes. It keeps no audit.
#[derive(Debug, Clone)]
pub struct MemoryStore {
    inner: Arc<Mutex<Inner>>,
}

/// How a [`MemoryStore`] answers look-ups.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answers {
    /// At once.
    Now,
    /// Through [`CredentialLookup::completed`], with what is true then.
    Later,
    /// With this error.
    Fail(StoreError),
}

#[derive(Debug)]
struct Inner {
    realms: Realms,
    salt_key: Arc<SaltKey>,
    shape: DecoyShape,
    accounts: BTreeMap<IdentityKey, Stored>,
    changes: u64,
    answers: Answers,
    waiting: VecDeque<(Ticket, Who)>,
}

#[derive(Debug)]
struct Stored {
    identity: Identity,
    state: AccountState,
    revision: u64,
    created: UnixTime,
    changed: UnixTime,
    mechanisms: Option<MechanismSet>,
    schemes: Vec<Scheme>,
    facts: Vec<PasswordFacts>,
    record: SecretBytes,
}

impl MemoryStore {
    /// An empty store that answers at once.
    #[must_use]
    pub fn new(realms: Realms, salt_key: SaltKey, shape: DecoyShape) -> Self {
        let inner = Inner {
            realms,
            salt_key: Arc::new(salt_key),
            shape,
            accounts: BTreeMap::new(),
            changes: 0,
            answers: Answers::Now,
            waiting: VecDeque::new(),
        };
        Self { inner: Arc::new(Mutex::new(inner)) }
    }

    /// Sets how look-ups are answered from now on.
    pub fn answer(&self, answers: Answers) {
        self.lock().answers = answers;
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Stored {
    fn of(account: Account) -> Result<Self, StoreError> {
        let too_long = |_| StoreError::Refused("the account's secrets are too long");
        Ok(Self {
            record: record::encode(account.passwords.iter().map(|p| &p.secrets)).map_err(too_long)?,
            schemes: change::schemes_of(&account.passwords),
            facts: account.passwords.into_iter().map(|password| password.facts).collect(),
            identity: account.identity,
            state: account.state,
            revision: account.revision,
            created: account.created,
            changed: account.changed,
            mechanisms: account.mechanisms,
        })
    }

    fn account(&self) -> Result<Account, StoreError> {
        let damaged = |e: record::RecordError| StoreError::Damaged(e.to_string());
        Ok(Account {
            identity: self.identity.clone(),
            state: self.state,
            revision: self.revision,
            created: self.created,
            changed: self.changed,
            mechanisms: self.mechanisms,
            passwords: record::decode(self.record.expose(), self.facts.clone()).map_err(damaged)?,
        })
    }

    fn listed(&self) -> Listed {
        Listed {
            identity: self.identity.clone(),
            state: self.state,
            revision: self.revision,
            created: self.created,
            changed: self.changed,
            mechanisms: self.mechanisms,
            schemes: self.schemes.clone(),
            passwords: self.facts.clone(),
        }
    }
}

impl Inner {
    fn find(&self, key: &IdentityKey) -> Result<Option<Account>, StoreError> {
        self.accounts.get(key).map(Stored::account).transpose()
    }

    fn look_up(&self, who: Who) -> Result<Lookup, StoreError> {
        let found = match &who {
            Who::Account(key) => self.find(key)?,
            Who::Nobody(_) => None,
        };
        let census = self.census()?;
        let known = found.is_some();
        let account = match found {
            Some(account) => account,
            None => {
                let shape = census.shapes().nth(census.pick(self.salt_key.place(&who))).ok_or(StoreError::NoEntropy)?;
                let seed = SecretArray::new(*self.salt_key.expose());
                let home = Home::of(&who, &self.realms);
                let decoy = decoy::account(shape, home, &self.realms, &mut Expanded::new(&seed));
                decoy::in_the_name_of(decoy.ok_or(StoreError::NoEntropy)?, &who)
            }
        };
        Ok(Lookup {
            known,
            account: Arc::new(account),
            who,
            salt_key: Arc::clone(&self.salt_key),
            census: Arc::new(census.iterations(self.shape.usual_iterations)),
        })
    }

    fn first_in(&self, realm: &Realm) -> Option<IdentityKey> {
        self.accounts.keys().find(|key| key.is_in(realm)).cloned()
    }

    fn census(&self) -> Result<ShapeCensus, StoreError> {
        let mut rows: BTreeMap<String, (Shape, u64)> = BTreeMap::new();
        for stored in self.accounts.values() {
            let shape = Shape::of(&stored.account()?);
            let (_, accounts) = rows.entry(shape.to_string()).or_insert((shape, 0));
            *accounts = accounts.saturating_add(1);
        }
        Ok(ShapeCensus::new(rows.into_values().collect(), self.shape.of_new()))
    }
}

impl CredentialLookup for MemoryStore {
    fn look_up(&mut self, who: Who, ticket: Ticket) -> Answer {
        let mut inner = self.lock();
        match inner.answers.clone() {
            Answers::Now => Answer::Now(inner.look_up(who)),
            Answers::Fail(fault) => Answer::Now(Err(fault)),
            Answers::Later => {
                inner.waiting.push_back((ticket, who));
                Answer::Later
            }
        }
    }

    fn completed(&mut self) -> Option<(Ticket, Result<Lookup, StoreError>)> {
        let mut inner = self.lock();
        let (ticket, who) = inner.waiting.pop_front()?;
        let answer = match &inner.answers {
            Answers::Fail(fault) => Err(fault.clone()),
            Answers::Now | Answers::Later => inner.look_up(who),
        };
        Some((ticket, answer))
    }

    fn realms(&mut self) -> Result<Realms, StoreError> {
        Ok(self.lock().realms.clone())
    }

    fn first_in(&mut self, realm: &Realm) -> Result<Option<IdentityKey>, StoreError> {
        Ok(self.lock().first_in(realm))
    }
}

impl CredentialAdmin for MemoryStore {
    fn realms(&mut self) -> Result<Realms, StoreError> {
        Ok(self.lock().realms.clone())
    }

    fn first_in(&mut self, realm: &Realm) -> Result<Option<IdentityKey>, StoreError> {
        Ok(self.lock().first_in(realm))
    }

    fn basis(&mut self, identity: &Identity, label: &Label) -> Result<Basis, StoreError> {
        let inner = self.lock();
        let existing = inner.find(&identity.key())?;
        Ok(Basis {
            revision: existing.as_ref().map(|account| account.revision),
            iterations: existing.as_ref().map(|account| change::bound_beside(account, label)).unwrap_or_default(),
            identity: existing.map_or_else(|| identity.clone(), |account| account.identity),
            realms: inner.realms.clone(),
            salt_key: SaltKey::new(*inner.salt_key.expose()),
        })
    }

    fn apply(&mut self, change: Change, _actor: &Actor, now: UnixTime) -> Result<Receipt, StoreError> {
        let mut inner = self.lock();
        let key = change.key();
        let existing = inner.find(&key)?.map_or(Existing::None, |account| Existing::Whole(Box::new(account)));
        let first = inner.changes.saturating_add(1);
        let surroundings = |to: &Identity| {
            let is_taken = inner.accounts.contains_key(&to.key());
            Ok(change::Surroundings { is_taken, salt_key: Arc::clone(&inner.salt_key) })
        };
        let (applied, last) = match change::plan(existing, change, first, now, surroundings)? {
            Plan::Leave(applied) => return Ok(Receipt { applied, audit: None }),
            Plan::Write(account, notes) => {
                let last = account.revision;
                let stored = Stored::of(account)?;
                inner.accounts.remove(&key);
                inner.accounts.insert(stored.identity.key(), stored);
                (change::applied(&notes), last)
            }
            Plan::Erase(note) => {
                inner.accounts.remove(&key);
                (note.applied, first)
            }
        };
        inner.changes = last;
        Ok(Receipt { applied, audit: None })
    }

    fn account(&mut self, key: &IdentityKey) -> Result<Option<Account>, StoreError> {
        self.lock().find(key)
    }

    fn list(&mut self, visit: &mut dyn FnMut(Listed) -> bool) -> Result<(), StoreError> {
        let inner = self.lock();
        for stored in inner.accounts.values() {
            if !visit(stored.listed()) {
                break;
            }
        }
        Ok(())
    }
}

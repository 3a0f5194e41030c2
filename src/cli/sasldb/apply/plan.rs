//! From an account as it should be, and as it is, to the changes between them.

use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use base64ct::{Base64, Encoding as _};
use zeroize::Zeroizing;

use crate::cli::setting::recipe;
use crate::cli::weak;
use crate::config::{Config, WeakPasswords};
use crate::credential::{
    Account, AccountState, DigestMd5Hash, DigestSpelling, Imported, Label, Recipe, Secrets, Stored, StoredPassword,
    derive, is_derived,
};
use crate::identity::{Identity, Realms};
use crate::secret::Password;
use crate::store::sqlite::Writer;
use crate::store::{Change, CredentialAdmin as _, Provision, StoreError, binding_counts};

use super::wanted::{Entry, Source, Text, Wanted};

/// Begins what `sasldb-rs export` sealed; base64 follows.
pub(in crate::cli::sasldb) const SEALED: &str = "{SASLDB-SEALED}";

/// What is to be done about one account.
pub(super) struct Plan {
    pub(super) identity: Identity,
    pub(super) fate: Fate,
    /// What is another way than it should be.
    pub(super) differences: Vec<String>,
    /// What makes it so, whole or not at all; `None` where there is nothing to do, or nothing is to be done.
    pub(super) change: Option<Change>,
    /// What is wrong with the passwords that are set.
    pub(super) weaknesses: Vec<String>,
}

impl Plan {
    /// Nothing to do yet.
    pub(super) const fn new(identity: Identity, fate: Fate) -> Self {
        Self { identity, fate, differences: Vec::new(), change: None, weaknesses: Vec::new() }
    }
}

/// What becomes of an account. Scripts count on the words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    Created,
    Changed,
    Removed,
    Unchanged,
}

impl Fate {
    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Changed => "changed",
            Self::Removed => "removed",
            Self::Unchanged => "unchanged",
        }
    }
}

/// Why there is no plan.
pub(super) enum NoPlan {
    /// For this account.
    Wrong(String),
    /// For any.
    Store(StoreError),
}

impl From<StoreError> for NoPlan {
    fn from(fault: StoreError) -> Self {
        match fault {
            StoreError::Damaged(_) | StoreError::Refused(_) => Self::Wrong(fault.to_string()),
            fault => Self::Store(fault),
        }
    }
}

/// Makes plans.
pub(super) struct Planner<'a> {
    pub(super) config: &'a Config,
    pub(super) realms: &'a Realms,
    /// None where there is no database yet, in a dry run.
    pub(super) store: Option<Writer>,
    pub(super) dry_run: bool,
}

/// A password's secrets, or what they are made of.
enum Given {
    Text(Password),
    Ready(Box<Secrets>),
}

impl Planner<'_> {
    pub(super) fn plan(&mut self, entry: &Entry) -> Result<Plan, NoPlan> {
        let identity = entry.named.resolve(self.realms);
        let account = match &mut self.store {
            Some(store) => store.account(&identity.key())?,
            None => None,
        };
        if entry.absent {
            let mut plan = Plan::new(identity, Fate::Unchanged);
            if let Some(account) = account {
                plan.fate = Fate::Removed;
                plan.change = Some(Change::Remove { key: account.identity.key() }).filter(|_| !self.dry_run);
            }
            return Ok(plan);
        }
        if account.is_none() {
            refuse_new(entry, &identity)?;
        }
        let mut plan = Plan::new(identity, if account.is_some() { Fate::Changed } else { Fate::Created });
        let passwords = self.passwords(entry, account.as_ref(), &mut plan)?;
        let state = state(entry, account.as_ref(), &mut plan);
        let before = account.as_ref().and_then(|account| account.mechanisms);
        let mechanisms = entry.mechanisms.filter(|wanted| *wanted != before);
        plan.differences.extend(mechanisms.map(|_| "mechanisms".to_owned()));
        if plan.differences.is_empty() {
            plan.fate = Fate::Unchanged;
        } else if !self.dry_run {
            let expected = account.as_ref().map(|account| account.revision);
            let identity = account.map_or_else(|| plan.identity.clone(), |account| account.identity);
            let wanted = Provision { identity, passwords, state, mechanisms, expected };
            plan.change = Some(wanted.into());
        }
        Ok(plan)
    }

    /// The passwords that have to be set; none in a dry run.
    fn passwords(
        &mut self,
        entry: &Entry,
        account: Option<&Account>,
        plan: &mut Plan,
    ) -> Result<Vec<StoredPassword>, NoPlan> {
        let stored = account.map(|account| account.passwords.as_slice()).unwrap_or_default();
        let mut basis = None;
        let mut set: Vec<StoredPassword> = Vec::new();
        for wanted in &entry.passwords {
            let label = &wanted.facts.label;
            let mut given = given(wanted, &plan.identity, self.store.as_ref()).map_err(NoPlan::Wrong)?;
            let Some(store) = &mut self.store else {
                plan.differences.push(format!("password {label}"));
                continue;
            };
            let basis = match &mut basis {
                Some(basis) => basis,
                none => none.insert(store.basis(&plan.identity, label)?),
            };
            // What is set before this one is what it will find.
            let is_set = |label: &Label| set.iter().any(|password| password.facts.label == *label);
            let kept = stored.iter().filter(|password| !is_set(&password.facts.label));
            let others = set.iter().chain(kept).filter(|password| password.facts.label != *label);
            basis.iterations = binding_counts(others);
            let recipe = recipe(self.config, self.realms, basis);
            if let Given::Ready(secrets) = &mut given {
                secrets.compute_salts(&basis.salt_key, &basis.identity, &basis.iterations);
            }
            let known = stored.iter().find(|known| known.facts.label == *label);
            if known.is_some_and(|known| is_as_wanted(known, wanted, &given, &recipe)) {
                continue;
            }
            plan.differences.push(format!("password {label}"));
            if let Given::Text(password) = &given {
                let weakness = weak::weakness(self.config.weak_passwords, password, &basis.identity);
                if let (Some(weakness), WeakPasswords::Refuse) = (&weakness, self.config.weak_passwords) {
                    return Err(NoPlan::Wrong(weakness.clone()));
                }
                plan.weaknesses.extend(weakness);
            }
            if !self.dry_run {
                let secrets = match given {
                    Given::Text(password) => derive(&password, &recipe),
                    Given::Ready(secrets) => *secrets,
                };
                let secrets = Secrets { no_plaintext: wanted.no_plaintext, ..secrets };
                set.push(StoredPassword { facts: wanted.facts.clone(), secrets });
            }
        }
        Ok(set)
    }
}

/// Whether a new account can be made of what the entry says.
fn refuse_new(entry: &Entry, identity: &Identity) -> Result<(), NoPlan> {
    if entry.passwords.is_empty() {
        return Err(NoPlan::Wrong("there is no such account, and a new one needs a password".to_owned()));
    }
    let is_typed = |wanted: &Wanted| !matches!(wanted.source, Source::Stored(_));
    if identity.realm.as_str().is_empty() && entry.passwords.iter().any(is_typed) {
        return Err(NoPlan::Wrong("a new account needs a realm".to_owned()));
    }
    Ok(())
}

/// The state that has to be set.
fn state(entry: &Entry, account: Option<&Account>, plan: &mut Plan) -> Option<AccountState> {
    let before = account.map(|account| account.state).unwrap_or_default();
    let state = AccountState {
        disabled: entry.disabled.unwrap_or(before.disabled),
        expires: entry.expires.unwrap_or(before.expires),
    };
    if state.disabled != before.disabled {
        plan.differences.push(if state.disabled { "disabled" } else { "enabled" }.to_owned());
    }
    if state.expires != before.expires {
        plan.differences.push("expires".to_owned());
    }
    (state != before).then_some(state)
}

fn is_as_wanted(stored: &StoredPassword, wanted: &Wanted, given: &Given, recipe: &Recipe<'_>) -> bool {
    stored.facts == wanted.facts
        && stored.secrets.no_plaintext == wanted.no_plaintext
        && match given {
            Given::Text(password) => is_derived(&stored.secrets, password, recipe),
            Given::Ready(secrets) => are_same(&stored.secrets, secrets),
        }
}

fn are_same(a: &Secrets, b: &Secrets) -> bool {
    let hash = |secrets: &Secrets| secrets.hash.as_ref().map(|hash| hash.as_str().to_owned());
    let cram = match (&a.cram_md5, &b.cram_md5) {
        (Some(a), Some(b)) => a.inner.equals(b.inner.expose()) && a.outer.equals(b.outer.expose()),
        (None, None) => true,
        _ => false,
    };
    cram && hash(a) == hash(b)
        && a.digest_md5.len() == b.digest_md5.len()
        && a.digest_md5.iter().zip(&b.digest_md5).all(|(a, b)| a.hash.equals(b.hash.expose()))
        && a.scram.len() == b.scram.len()
        && a.scram.iter().all(|a| {
            b.scram_keys(a.hash).is_some_and(|b| {
                (a.iterations, &a.salt) == (b.iterations, &b.salt)
                    && a.stored_key.equals(b.stored_key.expose())
                    && a.server_key.equals(b.server_key.expose())
            })
        })
}

fn given(wanted: &Wanted, identity: &Identity, store: Option<&Writer>) -> Result<Given, String> {
    match &wanted.source {
        Source::Text(password) => {
            Password::new(password.expose().to_vec()).map(Given::Text).map_err(|fault| fault.to_string())
        }
        Source::File(path) => from_file(path).map(Given::Text),
        Source::Stored(texts) => match texts.as_slice() {
            [text] if text.as_str().starts_with(SEALED) => opened(text, wanted, identity, store),
            texts => stored(texts, identity),
        },
    }
}

/// Reads a password from a file of its own, without one newline at its end.
fn from_file(path: &Path) -> Result<Password, String> {
    let cannot = |fault: std::io::Error| format!("cannot read {}: {fault}", path.display());
    let room = Password::MAX.saturating_add(2);
    let mut bytes = Zeroizing::new(Vec::with_capacity(room.saturating_add(1)));
    let file = File::open(path).map_err(cannot)?;
    file.take(u64::try_from(room).unwrap_or(u64::MAX)).read_to_end(&mut bytes).map_err(cannot)?;
    if bytes.last() == Some(&b'\n') {
        bytes.pop();
    }
    Password::new(std::mem::take(&mut *bytes)).map_err(|fault| format!("{}: {fault}", path.display()))
}

/// What `export` sealed.
fn opened(text: &Text, wanted: &Wanted, identity: &Identity, store: Option<&Writer>) -> Result<Given, String> {
    let sealed = text.as_str().strip_prefix(SEALED).and_then(|base64| Base64::decode_vec(base64).ok());
    let sealed = sealed.ok_or("the sealed password is not well-formed")?;
    let store = store.ok_or("the password is sealed, and there is no database yet whose key could open it")?;
    let secrets = store.open_password(identity, &wanted.facts, &sealed).map_err(|fault| fault.to_string())?;
    Ok(Given::Ready(Box::new(secrets)))
}

/// What other programs stored of one password, each form at most once.
fn stored(texts: &[Text], identity: &Identity) -> Result<Given, String> {
    let spelling =
        DigestSpelling { username: identity.name.as_str().to_owned(), realm: identity.realm.as_str().to_owned() };
    let mut stored: Option<Stored> = None;
    for text in texts {
        if let Some(spellings) = DigestMd5Hash::parse_spellings(text.as_str()) {
            let spellings = spellings.ok_or("the hashes for DIGEST-MD5 are not well-formed")?;
            let stored = stored.get_or_insert_with(|| Stored::Forms(Box::default()));
            stored.add_digest_md5(spellings).map_err(|fault| fault.to_string())?;
            continue;
        }
        let imported = Imported::parse(text.as_str()).map_err(|fault| fault.to_string())?;
        Stored::gather(&mut stored, imported, &spelling).map_err(|fault| fault.to_string())?;
    }
    match stored {
        Some(Stored::Password(password)) => Ok(Given::Text(password)),
        Some(Stored::Forms(secrets)) => Ok(Given::Ready(secrets)),
        None => Ok(Given::Ready(Box::default())),
    }
}

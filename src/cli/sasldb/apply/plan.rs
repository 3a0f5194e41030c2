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
    Account, AccountState, DigestMd5Hash, DigestSpelling, Imported, Recipe, Secrets, Stored, StoredPassword,
    derive_on_this_thread, is_derived,
};
use crate::identity::{Identity, Realms};
use crate::secret::Password;
use crate::store::sqlite::Writer;
use crate::store::{Change, CredentialAdmin as _, StoreError};

use super::wanted::{Entry, Source, Text, Wanted};

/// Begins what `sasldb-rs export` sealed; base64 follows.
pub(in crate::cli::sasldb) const SEALED: &str = "{SASLDB-SEALED}";

/// What is to be done about one account.
pub(super) struct Plan {
    pub(super) identity: Identity,
    pub(super) fate: Fate,
    /// What is another way than it should be.
    pub(super) differences: Vec<String>,
    /// In this order, in one transaction.
    pub(super) changes: Vec<Change>,
    /// Whether something is left for another plan, once these are made: each password's change is made to the revision before it.
    pub(super) more: bool,
    /// What is wrong with a password that is set.
    pub(super) weak: Option<String>,
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
        let mut plan = Plan {
            identity,
            fate: if account.is_some() { Fate::Changed } else { Fate::Created },
            differences: Vec::new(),
            changes: Vec::new(),
            more: false,
            weak: None,
        };
        if entry.absent {
            plan.fate = Fate::Unchanged;
            if let Some(account) = account {
                plan.fate = Fate::Removed;
                plan.changes.push(Change::Remove { key: account.identity.key() });
            }
            return Ok(plan);
        }
        if account.is_none() && entry.passwords.is_empty() {
            return Err(NoPlan::Wrong("there is no such account, and a new one needs a password".to_owned()));
        }
        let is_typed = |wanted: &Wanted| !matches!(wanted.source, Source::Stored(_));
        if account.is_none() && plan.identity.realm.as_str().is_empty() && entry.passwords.iter().any(is_typed) {
            return Err(NoPlan::Wrong("a new account needs a realm".to_owned()));
        }
        for wanted in &entry.passwords {
            self.password(wanted, account.as_ref(), &mut plan)?;
        }
        state(entry, account.as_ref(), &mut plan);
        if plan.differences.is_empty() {
            plan.fate = Fate::Unchanged;
        }
        Ok(plan)
    }

    fn password(&mut self, wanted: &Wanted, account: Option<&Account>, plan: &mut Plan) -> Result<(), NoPlan> {
        let label = &wanted.facts.label;
        let stored = account.and_then(|account| account.passwords.iter().find(|known| known.facts.label == *label));
        let mut given = given(wanted, &plan.identity, self.store.as_ref()).map_err(NoPlan::Wrong)?;
        let Some(store) = &mut self.store else {
            plan.differences.push(format!("password {label}"));
            return Ok(());
        };
        let basis = store.basis(&plan.identity, label)?;
        let recipe = recipe(self.config, self.realms, &basis);
        if let Given::Ready(secrets) = &mut given {
            secrets.compute_salts(&basis.salt_key, &basis.identity, &basis.iterations);
        }
        if stored.is_some_and(|stored| is_as_wanted(stored, wanted, &given, &recipe)) {
            return Ok(());
        }
        plan.differences.push(format!("password {label}"));
        if let Given::Text(password) = &given {
            plan.weak = weak::weakness(self.config.weak_passwords, password, &basis.identity);
        }
        if let (Some(weakness), WeakPasswords::Refuse) = (&plan.weak, self.config.weak_passwords) {
            return Err(NoPlan::Wrong(weakness.clone()));
        }
        if self.dry_run {
            return Ok(());
        }
        if !plan.changes.is_empty() {
            plan.more = true;
            return Ok(());
        }
        let secrets = match given {
            Given::Text(password) => derive_on_this_thread(&password, &recipe),
            Given::Ready(secrets) => *secrets,
        };
        let secrets = Secrets { no_plaintext: wanted.no_plaintext, ..secrets };
        plan.changes.push(Change::SetPassword {
            facts: wanted.facts.clone(),
            secrets,
            expected: basis.revision,
            identity: basis.identity,
        });
        Ok(())
    }
}

fn state(entry: &Entry, account: Option<&Account>, plan: &mut Plan) {
    let key = plan.identity.key();
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
    if state != before {
        plan.changes.push(Change::SetState { key: key.clone(), state });
    }
    let before = account.and_then(|account| account.mechanisms);
    if let Some(mechanisms) = entry.mechanisms.filter(|wanted| *wanted != before) {
        plan.differences.push("mechanisms".to_owned());
        plan.changes.push(Change::SetMechanisms { key, mechanisms });
    }
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

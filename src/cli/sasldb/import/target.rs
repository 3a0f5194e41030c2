//! Where accounts go: thousands in a transaction, each whole or not at all, however the command ends.

use std::num::NonZero;
use std::thread;
use std::time::{Duration, Instant};

use crate::cli::batch;
use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::cli::output::Program;
use crate::cli::progress::{Lines, Progress};
use crate::cli::setting::recipe;
use crate::cli::site::Site;
use crate::cli::stop::{self, Stop};
use crate::cli::when::rfc3339;
use crate::config::Config;
use crate::credential::{AccountState, DigestSpelling, Label, PasswordFacts, Stored, StoredPassword, derive};
use crate::identity::{Identity, Realms};
use crate::import::Entry;
use crate::store::sqlite::{SeenNames, Writer};
use crate::store::{Applied, Basis, Change, CredentialAdmin as _, Provision, Receipt, StoreError};

use super::super::options::Import;
use super::report::{Fate, Place, Report, Told};
use super::served;

/// How many entries are settled in one transaction, how many bytes they hold, and how long the first of them waits for others.
const BATCH: usize = 10_000;
const ROOM: usize = 16 << 20;
const PATIENCE: Duration = Duration::from_secs(1);

/// How many passwords are derived at once.
const AT_ONCE: usize = 1000;

/// Where accounts go.
pub(super) struct Target<'a> {
    program: &'a Program,
    site: &'a Site,
    import: &'a Import,
    /// None where there is no database, until the first account makes it.
    store: Option<Writer>,
    realms: Realms,
    /// Whom the file has named: `joe@mx1` and `joe@mx1.example.com` may be one account here.
    seen: SeenNames,
    /// What came last, with passwords that nothing is derived of yet.
    fresh: Vec<Pending>,
    batch: Vec<(Told, Option<Change>)>,
    /// How many bytes wait, about.
    held: usize,
    written: Instant,
    report: Report,
    stop: Stop,
    progress: Progress,
}

/// What waits for its turn to be told.
enum Pending {
    Told(Told),
    Job(Box<Job>),
}

/// An account that is to be made, or given another password.
struct Job {
    facts: PasswordFacts,
    /// Where it is another than the account has.
    state: Option<AccountState>,
    basis: Basis,
    password: Stored,
    told: Told,
}

impl<'a> Target<'a> {
    /// Opens the store if there is one.
    pub(super) fn open(program: &'a Program, site: &'a Site, import: &'a Import) -> Result<Self, Failure> {
        let mut store = match site.existing_writer() {
            Err(StoreError::Missing(_)) => None,
            opened => Some(opened?),
        };
        let realms = match &mut store {
            Some(store) => site.realms(store)?,
            None => site.realms_of_a_new_database()?,
        };
        Ok(Self {
            program,
            site,
            import,
            store,
            realms,
            seen: SeenNames::none()?,
            fresh: Vec::new(),
            batch: Vec::new(),
            held: 0,
            written: Instant::now(),
            report: Report::new(import.json),
            stop: Stop::on_signals()?,
            progress: Progress::begin(None, Lines::Many),
        })
    }

    /// Tells of an entry that makes no account.
    pub(super) fn leave(&mut self, told: Told) -> Result<(), Failure> {
        self.push(Pending::Told(told))
    }

    /// Makes an account of an entry.
    pub(super) fn take(&mut self, place: Place, entry: Entry) -> Result<(), Failure> {
        // Under an alias nobody would find it: an alias is the default realm.
        let identity = self.realms.resolve(&entry.authcid, self.import.realm.as_ref());
        if self.seen.note(&identity.key(), place.line.unwrap_or(0))?.is_some() {
            let why = format!("{identity} is taken from another entry");
            return self.push(Pending::Told(Told::new(place, Fate::Skipped, why)));
        }
        let pending = self.plan(place, entry, identity)?;
        self.push(pending)
    }

    /// Writes what is left, and tells the sum.
    pub(super) fn finish(mut self) -> Result<Exit, Failure> {
        self.derive();
        self.write()?;
        self.progress.end();
        self.report.finish(self.import.dry_run)
    }

    fn push(&mut self, pending: Pending) -> Result<(), Failure> {
        self.held = self.held.saturating_add(pending.size());
        self.fresh.push(pending);
        self.progress.one_more();
        if self.fresh.len() >= AT_ONCE || self.held >= ROOM {
            self.derive();
            if self.batch.len() >= BATCH || self.held >= ROOM || self.written.elapsed() >= PATIENCE {
                self.write()?;
            }
        }
        if self.stop.is_asked() {
            self.progress.end();
            return Err(stop::interrupted());
        }
        Ok(())
    }

    fn plan(&mut self, place: Place, entry: Entry, identity: Identity) -> Result<Pending, Failure> {
        if self.store.is_none() && !self.import.dry_run {
            self.store = Some(self.site.writer_or_new(self.program)?);
        }
        let label = Label::main();
        let (basis, before) = match &mut self.store {
            None => (None, None),
            Some(store) => {
                let read = store.basis(&identity, &label).and_then(|basis| {
                    let account = if basis.revision.is_some() { store.account(&identity.key())? } else { None };
                    Ok((basis, account))
                });
                match read {
                    Ok((basis, account)) => (Some(basis), account.map(|account| account.state)),
                    Err(fault @ (StoreError::Damaged(_) | StoreError::Refused(_))) => {
                        return Ok(Pending::Told(Told::new(place, Fate::Skipped, fault)));
                    }
                    Err(fault) => return Err(fault.into()),
                }
            }
        };
        if before.is_some() && !self.import.replace {
            let why = format!("{identity} exists, and stays as it is");
            return Ok(Pending::Told(Told::new(place, Fate::Kept, why)));
        }
        let spelled = basis.as_ref().map_or(&identity, |basis| &basis.identity);
        // What was disabled by hand stays so, and what was to end does.
        let before = before.unwrap_or_default();
        let state = AccountState {
            disabled: before.disabled || entry.disabled.is_some(),
            expires: entry.expires.or(before.expires),
        };
        let told = self.told(place, &entry, spelled, state);
        let Some(basis) = basis.filter(|_| !self.import.dry_run && told.fate == Fate::Taken) else {
            return Ok(Pending::Told(told));
        };
        let facts = PasswordFacts {
            expires: entry.password_expires,
            networks: entry.networks,
            ..PasswordFacts::unlimited(label)
        };
        let state = (state != before).then_some(state);
        Ok(Pending::Job(Box::new(Job { facts, state, basis, password: entry.password, told })))
    }

    /// What will be told of an entry once it is written.
    fn told(&self, place: Place, entry: &Entry, identity: &Identity, state: AccountState) -> Told {
        let served = match &entry.password {
            Stored::Password(_) => served::by_schemes(&self.site.config.schemes),
            Stored::Forms(secrets) => served::by_secrets(secrets, entry.spelling.as_ref(), identity, &self.realms),
        };
        let remarks = remarks(&place, entry, state);
        if served.is_empty() {
            return Told::new(place, Fate::Skipped, format!("nobody could log in as {identity}{remarks}"));
        }
        let why = format!("as {identity}{remarks}");
        Told { place, fate: Fate::Taken, why, account: Some((identity.clone(), served)) }
    }

    /// Makes changes of what came last, on all processors.
    fn derive(&mut self) {
        let (config, realms) = (&self.site.config, &self.realms);
        let threads = thread::available_parallelism().map_or(1, NonZero::get);
        let size = self.fresh.len().div_ceil(threads).max(1);
        thread::scope(|scope| {
            for part in self.fresh.chunks_mut(size) {
                scope.spawn(move || part.iter_mut().for_each(|pending| pending.derive(config, realms)));
            }
        });
        self.batch.extend(self.fresh.drain(..).map(Pending::split));
    }

    /// Writes the batch in one transaction, and tells of it in the order of the file.
    fn write(&mut self) -> Result<(), Failure> {
        let (told, changes): (Vec<Told>, Vec<Option<Change>>) = std::mem::take(&mut self.batch).into_iter().unzip();
        let is_changed: Vec<bool> = changes.iter().map(Option::is_some).collect();
        let changes = changes.into_iter().flatten().collect();
        let outcomes = match &mut self.store {
            Some(store) => batch::apply_each(self.program, store, changes, "accounts imported")?,
            None => Vec::new(),
        };
        let mut outcomes = outcomes.into_iter();
        for (mut told, is_changed) in told.into_iter().zip(is_changed) {
            match if is_changed { outcomes.next() } else { None } {
                Some(Ok(Receipt { applied: Applied::Conflict, .. })) => told.fail("somebody else changed it meanwhile"),
                Some(Err(fault)) => told.fail(fault),
                Some(Ok(_)) | None => {}
            }
            self.report.tell(&told)?;
        }
        self.held = 0;
        self.written = Instant::now();
        Ok(())
    }
}

impl Pending {
    fn derive(&mut self, config: &Config, realms: &Realms) {
        let Self::Job(job) = self else { return };
        let Stored::Password(password) = &job.password else { return };
        let recipe = recipe(config, realms, &job.basis);
        job.password = Stored::Forms(Box::new(derive(password, &recipe)));
    }

    /// What to tell, and its change, if there is one.
    fn split(self) -> (Told, Option<Change>) {
        let job = match self {
            Self::Told(told) => return (told, None),
            Self::Job(job) => *job,
        };
        let Stored::Forms(secrets) = job.password else { return (job.told, None) };
        let password = StoredPassword { facts: job.facts, secrets: *secrets };
        let Basis { identity, revision, .. } = job.basis;
        let wanted = Provision { state: job.state, ..Provision::password(identity, password, revision) };
        (job.told, Some(wanted.into()))
    }

    /// The bytes of what can be long: the name in the file, and what is told of it, which repeats all networks.
    fn size(&self) -> usize {
        let told = match self {
            Self::Told(told) => told,
            Self::Job(job) => &job.told,
        };
        told.place.who.as_ref().map_or(0, String::len).saturating_add(told.why.len())
    }
}

/// What a person should know beyond the name.
fn remarks(place: &Place, entry: &Entry, state: AccountState) -> String {
    let mut remarks = String::new();
    if place.is_latin_1 {
        remarks += ", its name read as ISO 8859-1";
    }
    match entry.disabled {
        Some(why) => remarks += &format!(", disabled ({why})"),
        None if state.disabled => remarks += ", disabled as before",
        None => {}
    }
    if let Some(at) = state.expires {
        remarks += &format!(", expires {}", rfc3339(at));
    }
    if let Some(at) = entry.password_expires {
        remarks += &format!(", its password until {}", rfc3339(at));
    }
    if !entry.networks.is_empty() {
        let networks: Vec<String> = entry.networks.iter().map(ToString::to_string).collect();
        remarks += &format!(", from {} only", networks.join(" "));
    }
    if let Some(DigestSpelling { username, realm }) = &entry.spelling {
        remarks += &format!(", DIGEST-MD5 as {username:?} in realm {realm:?} only");
    }
    remarks
}

//! `sasldb-rs import`: accounts of other programs.

mod report;

use std::collections::HashSet;
use std::fs::File;
use std::io::Read;
use std::path::Path;

use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::cli::output::Program;
use crate::cli::setting::Setting;
use crate::cli::site::Site;
use crate::credential::{Label, PasswordFacts};
use crate::identity::{Authcid, Identity, Realms};
use crate::import::Sasldb2;
use crate::import::sasldb2::Sasldb2Error;
use crate::secret::{Password, SecretBytes};
use crate::store::sqlite::Writer;
use crate::store::{CredentialAdmin, StoreError};

use super::options::Import;
use report::{Fate, Report};

/// The longest file that is read. A sasldb2 of a million accounts is a tenth of it.
const MAX_FILE: u64 = 1 << 30;

pub(super) fn import(program: &Program, site: &Site, import: &Import) -> Result<Exit, Failure> {
    // All of it is read before anything is changed.
    let found = Sasldb2::read(read(&import.file)?.expose()).map_err(|fault| unreadable(&import.file, fault))?;
    let mut report = Report::new(import.json);
    for skipped in found.skipped {
        report.tell(&skipped.who, if skipped.why.is_loss() { Fate::Skipped } else { Fate::NotNeeded }, &skipped.why)?;
    }
    let mut target = if import.dry_run { Target::would_be(site)? } else { Target::ready(program, site)? };
    for (identity, password) in &found.accounts {
        target.take(program, site, import.replace, identity, password, &mut report)?;
    }
    report.finish(import.dry_run)
}

fn read(path: &Path) -> Result<SecretBytes, Failure> {
    let cannot = |fault: std::io::Error| {
        Failure::new(Exit::Failure, anyhow::Error::new(fault).context(format!("cannot read {}", path.display())))
    };
    let file = File::open(path).map_err(cannot)?;
    let length = file.metadata().map_err(cannot)?.len().min(MAX_FILE);
    // As long as the file is: a buffer that is outgrown would leave copies of passwords behind.
    let room = usize::try_from(length).unwrap_or(0).saturating_add(1);
    let mut bytes = Vec::with_capacity(room);
    file.take(MAX_FILE.saturating_add(1)).read_to_end(&mut bytes).map_err(cannot)?;
    let bytes = SecretBytes::new(bytes);
    if u64::try_from(bytes.expose().len()).unwrap_or(u64::MAX) > MAX_FILE {
        return Err(cannot(std::io::Error::other("it is longer than 1 GiB")));
    }
    Ok(bytes)
}

fn unreadable(path: &Path, fault: Sasldb2Error) -> Failure {
    let hint = match fault {
        Sasldb2Error::OtherFile => "name the file that saslpasswd2 writes, /etc/sasldb2, or a dump of it",
        Sasldb2Error::Berkeley(_) => "if db5.3_verify finds nothing wrong with it, import what db5.3_dump writes",
        Sasldb2Error::Dump(_) => "make the dump anew",
    };
    let cause = anyhow::Error::new(fault).context(format!("{} cannot be imported", path.display()));
    Failure::new(Exit::Failure, cause).hint(hint)
}

/// Where accounts go.
struct Target {
    /// None where there is no database yet, and none is to be made.
    store: Option<Writer>,
    realms: Realms,
    /// What has been taken in this run: `joe@mx1` and `joe@mx1.example.com` may be one account here.
    taken: HashSet<Identity>,
    dry_run: bool,
}

impl Target {
    fn ready(program: &Program, site: &Site) -> Result<Self, Failure> {
        let mut store = site.writer_or_new(program)?;
        let realms = site.realms(&mut store)?;
        Ok(Self { store: Some(store), realms, taken: HashSet::new(), dry_run: false })
    }

    fn would_be(site: &Site) -> Result<Self, Failure> {
        let mut store = match site.existing_writer() {
            Ok(store) => Some(store),
            Err(StoreError::Missing(_)) => None,
            Err(fault) => return Err(fault.into()),
        };
        let realms = match &mut store {
            Some(store) => site.realms(store)?,
            None => site.realms_of_a_new_database()?,
        };
        Ok(Self { store, realms, taken: HashSet::new(), dry_run: true })
    }

    fn take(
        &mut self,
        program: &Program,
        site: &Site,
        replace: bool,
        found: &Identity,
        password: &Password,
        report: &mut Report,
    ) -> Result<(), Failure> {
        // Under an alias nobody would find it: an alias is the default realm.
        let authcid = Authcid::new(found.name.clone(), Some(found.realm.clone()));
        let identity = self.realms.resolve(&authcid, None);
        let who = found.to_string();
        if !self.taken.insert(identity.clone()) {
            return report.tell(&who, Fate::Skipped, format_args!("{identity} has been taken from another entry"));
        }
        let exists = match &mut self.store {
            Some(store) => store.account(&identity.key())?.is_some(),
            None => false,
        };
        if exists && !replace {
            return report.tell(&who, Fate::Kept, format_args!("{identity} exists, and stays as it is"));
        }
        if let Some(store) = self.store.as_mut().filter(|_| !self.dry_run) {
            let label = Label::main();
            let realms = &self.realms;
            let setting = Setting { identity: &identity, label: &label, password, no_plaintext: false, realms };
            setting
                .apply(program, site, store, "password imported", |_, _| Ok(PasswordFacts::unlimited(Label::main())))?;
        }
        report.tell(&who, Fate::Taken, format_args!("as {identity}"))
    }
}

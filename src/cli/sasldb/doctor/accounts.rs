//! Database, key and realms, and what Cyrus left behind.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use crate::cli::failure::Failure;
use crate::cli::sasldb::check::files;
use crate::cli::sasldb::check::report::Kind;
use crate::cli::sasldb::people::Person;
use crate::cli::sasldb::shell::{quote, word};
use crate::config::DEFAULT_FILE;
use crate::identity::Realms;
use crate::import::Sasldb2;
use crate::store::sqlite::Inspector;
use crate::store::{KeyFault, Place, StoreError, folder_of};

use super::Visit;
use super::finding::Code;
use super::mend::config_option;

/// Where Cyrus's saslpasswd2 keeps passwords.
const SASLDB2: &str = "/etc/sasldb2";

/// The longest sasldb2 that is read: a million accounts are less.
const MAX_SASLDB2: u64 = 1 << 28;

pub(super) fn look(visit: &mut Visit<'_>) {
    look_at_files(visit);
    match Inspector::open(visit.site.place()) {
        Ok(inspector) => {
            if let Err(fault) = look_at_realms(visit, &inspector) {
                visit.unseen.push(Failure::from(fault).in_one_line());
            }
        }
        Err(StoreError::Missing(path)) => database_missing(visit, &path),
        Err(StoreError::Unreachable { path, .. }) if matches!(path.try_exists(), Ok(false)) => {
            database_missing(visit, &path);
        }
        Err(fault) => key_elsewhere(visit, fault),
    }
    look_for_plaintext(visit);
}

/// What `check` finds about files, with what mends it.
fn look_at_files(visit: &mut Visit<'_>) {
    let mut found = Vec::new();
    files::check(visit.site, &mut |finding| found.push(finding));
    let mut said: Vec<Vec<String>> = Vec::new();
    for finding in found {
        // Who leaves a group reads none of its files: to be done once.
        if !finding.mend.is_empty() && said.contains(&finding.mend) {
            continue;
        }
        said.push(finding.mend.clone());
        match finding.kind {
            Kind::KeyPlace => {
                let mend = move_key(visit);
                visit.find(Code::KeyPlace, finding.subject, finding.what, mend);
            }
            _ => visit.find(Code::Permissions, finding.subject, finding.what, finding.mend),
        }
    }
}

/// Into the folder of the configuration, or one beside it where the database is there too.
fn move_key(visit: &Visit<'_>) -> Vec<String> {
    let Place { database, key_file, .. } = visit.site.place();
    let (data, settings) = (real_folder_of(database), real_folder_of(visit.file));
    let folder = if data == settings { settings.join("keys") } else { settings };
    let to = folder.join(key_file.file_name().unwrap_or_default());
    let mut mend = Vec::new();
    if !folder.is_dir() {
        mend.push(format!("mkdir -m 2750 {0} && chgrp --reference {1} {0}", word(&folder), word(&data)));
    }
    mend.push(format!("mv -n {} {}", word(key_file), word(&to)));
    mend.push(visit.settings.set("key_file", &format!("{:?}", to.display().to_string())));
    mend.extend(visit.restart_helper());
    mend
}

/// The folder without links in its path, where it is there.
fn real_folder_of(path: &Path) -> PathBuf {
    let folder = folder_of(path);
    folder.canonicalize().unwrap_or_else(|_| folder.to_owned())
}

fn database_missing(visit: &mut Visit<'_>, path: &Path) {
    let database = &visit.site.place().database;
    let mut mend = Vec::new();
    let folder = real_folder_of(database);
    if !folder.is_dir() {
        let group = visit.config().user.as_ref().and_then(Person::of).and_then(|helper| helper.own_group());
        let group = group.map_or(String::new(), |group| format!("-g {group} "));
        mend.push(format!("install -d {group}-m 2750 {}", word(&folder)));
    }
    mend.push(format!("saslpasswd-rs{} -c mailman", config_option(visit.file)));
    visit.find(Code::DatabaseMissing, path.display(), "is not there; the first account makes it", mend);
}

/// A key file that is not there, or is another database's: perhaps the right one has only been moved.
fn key_elsewhere(visit: &mut Visit<'_>, fault: StoreError) {
    let Place { database, key_file, .. } = visit.site.place();
    let lost =
        matches!(&fault, StoreError::Key { fault: KeyFault::Missing | KeyFault::OtherKey | KeyFault::Malformed, .. });
    let opens = |candidate: &PathBuf| {
        candidate != key_file && Inspector::open(&Place::at(database, Some(candidate.clone()))).is_ok()
    };
    match lost.then(|| key_candidates(visit).into_iter().find(opens)).flatten() {
        Some(right) => {
            let mut mend = Vec::new();
            if key_file.exists() {
                let aside = format!("{}.other", key_file.display());
                mend.push(format!("mv -n {} {}", word(key_file), quote(&aside)));
            }
            mend.push(format!("cp -p {} {}", word(&right), word(key_file)));
            mend.extend(visit.restart_helper());
            let what = format!("is not the key of the database; {} is", right.display());
            visit.find(Code::KeyElsewhere, key_file.display(), what, mend);
        }
        // Too open a key has been told, with what mends it.
        None if matches!(&fault, StoreError::Key { fault: KeyFault::OpenToAll, .. }) => {}
        None => visit.unseen.push(Failure::from(fault).in_one_line()),
    }
}

/// Files in the folders of key, database and configuration, and in the usual one, that can be keys by their names.
fn key_candidates(visit: &Visit<'_>) -> Vec<PathBuf> {
    let Place { database, key_file, .. } = visit.site.place();
    let folders = [key_file, database, visit.file, Path::new(DEFAULT_FILE)].map(real_folder_of);
    let files = folders.iter().filter_map(|folder| fs::read_dir(folder).ok()).flatten().flatten();
    let named = files.map(|entry| entry.path()).filter(|path| path.to_string_lossy().contains(".key"));
    named.collect()
}

fn look_at_realms(visit: &mut Visit<'_>, inspector: &Inspector) -> Result<(), StoreError> {
    let realms = visit.config().realms(inspector.realms());
    for clash in realms.clashes(|alias| inspector.first_in(alias))? {
        let rest = realms.aliases().iter().filter(|alias| alias.key() != clash.account.realm());
        let rest: Vec<String> = rest.map(|alias| format!("{:?}", alias.as_str())).collect();
        let mut mend = vec![visit.settings.set("realm_aliases", &format!("[{}]", rest.join(", ")))];
        mend.extend(visit.restart_helper());
        visit.find(Code::AliasWithAccounts, &clash.account, clash.why(), mend);
    }
    if inspector.first_in(realms.default_realm())?.is_none() {
        look_for_accounts_elsewhere(visit, &realms)?;
    }
    Ok(())
}

fn look_for_accounts_elsewhere(visit: &mut Visit<'_>, realms: &Realms) -> Result<(), StoreError> {
    let mut count: BTreeMap<String, u64> = BTreeMap::new();
    let mut lister = crate::store::sqlite::Lister::open(&visit.site.place().database)?;
    lister.list(&mut |account| {
        let known = count.entry(account.identity.realm.as_str().to_owned()).or_default();
        *known = known.saturating_add(1);
        true
    })?;
    let all: u64 = count.values().sum();
    let Some((realm, own)) = count.into_iter().filter(|(realm, _)| !realm.is_empty()).max_by_key(|(_, own)| *own)
    else {
        return Ok(());
    };
    let default = realms.default_realm().as_str();
    let what = format!("is the default realm and has no account; {own} of {all} accounts are in {realm}");
    let mut mend = vec![visit.settings.set("realm", &format!("{realm:?}"))];
    mend.extend(visit.restart_helper());
    visit.find(Code::RealmWithoutAccounts, default, what, mend);
    Ok(())
}

fn look_for_plaintext(visit: &mut Visit<'_>) {
    let path = Path::new(SASLDB2);
    let Ok(meta) = fs::metadata(path) else { return };
    if !meta.is_file() {
        return;
    }
    if meta.len() > MAX_SASLDB2 {
        visit.unseen.push(format!("{SASLDB2} is too long"));
        return;
    }
    let read = fs::read(path).map(zeroize::Zeroizing::new);
    let Ok(bytes) = read else {
        visit.unseen.push(format!("{SASLDB2} cannot be read"));
        return;
    };
    let held = Sasldb2::read(&bytes).map_or(0, |found| found.accounts.len());
    if held > 0 {
        let take = format!("sasldb-rs{} import --from sasldb2 {SASLDB2}", config_option(visit.file));
        let what = format!("holds {held} passwords in the clear; accounts that are there already stay as they are");
        visit.find(Code::PlaintextLeft, SASLDB2, what, vec![take, format!("rm {SASLDB2}")]);
    }
}

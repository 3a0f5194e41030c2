//! `sasldb-rs check`: what is wrong with files, database, accounts and realms, and whom a change of realms would cut off.

pub(super) mod files;
mod mechanisms;
mod names;
pub(super) mod report;

use std::path::Path;

use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::cli::progress::{Lines, Progress};
use crate::cli::site::{self, Site};
use crate::config::Config;
use crate::credential::Account;
use crate::identity::Realms;
use crate::runtime::UnixTime;
use crate::store::StoreError;
use crate::store::sqlite::Inspector;

use self::names::Names;
use self::report::{Finding, Kind, Report};
use super::options::Check;

pub(super) fn check(site: &Site, check: &Check) -> Result<Exit, Failure> {
    let asked = asked_about(site, check)?;
    let mut report = Report::new(check.json);
    files::check(site, &mut |finding| _ = report.add(&finding));
    let looked_through = look_through(site, asked.as_ref(), &mut report);
    let found = report.finish()?;
    match looked_through {
        // Whatever it is that keeps us from the accounts: what was found until then is told.
        Err(fault) => Err(fault.into()),
        Ok(()) if found => Ok(Exit::Failure),
        Ok(()) => Ok(Exit::Success),
    }
}

fn look_through(site: &Site, asked: Option<&Config>, report: &mut Report) -> Result<(), StoreError> {
    let database = site.place().database.display().to_string();
    let damage = |report: &mut Report, kind, done: Result<(), StoreError>| match done {
        Err(StoreError::Damaged(what)) => {
            report.add(&Finding::new(kind, &database, what));
            Ok(())
        }
        other => other,
    };
    let inspector = match Inspector::open(site.place()) {
        Ok(inspector) => inspector,
        Err(fault) => return damage(report, Kind::Integrity, Err(fault)),
    };
    let intact = inspector.integrity(&mut |words| report.add(&Finding::new(Kind::Integrity, &database, words)));
    damage(report, Kind::Integrity, intact)?;
    damage(report, Kind::Audit, inspector.verify_audit(&mut |_| ()).map(drop))?;

    // Without a question, what the database noted is compared with the settings.
    let noted = inspector.realms();
    let present = site.config.realms(noted);
    let (before, after) = match asked {
        Some(asked) => (present, asked.realms(noted)),
        None => (noted.clone(), present),
    };
    let aliases = check_aliases(&inspector, &after, report);
    damage(report, Kind::Integrity, aliases)?;
    let names = Names {
        noted,
        before: &before,
        after: &after,
        announced: asked.unwrap_or(&site.config).mechanisms(),
        only_what_works: asked.is_some(),
    };
    let learnt = asked.unwrap_or(&site.config).learn.as_slice();
    mechanisms::learnt_for_nothing(learnt, names.announced).for_each(|finding| _ = report.add(&finding));
    let now = site::now();
    let progress = Progress::begin(None, Lines::Many);
    let accounts = inspector.accounts_and_shapes(&mut |account| {
        progress.one_more();
        match account {
            Ok(account) => check_account(&account, &names, now, report),
            Err(fault) => report.add(&Finding::new(Kind::Seal, &database, fault)),
        }
    });
    progress.end();
    damage(report, Kind::Integrity, accounts)
}

/// The settings that are asked about before they are made.
fn asked_about(site: &Site, check: &Check) -> Result<Option<Config>, Failure> {
    if let Some(path) = &check.new_config {
        return Ok(Some(Config::load(Some(Path::new(path)))?));
    }
    let Some(realm) = &check.realm else { return Ok(None) };
    let mut asked = site.config.clone();
    asked.realm = Some(realm.clone());
    if !check.realm_aliases.is_empty() {
        asked.realm_aliases = Some(check.realm_aliases.clone());
    }
    Ok(Some(asked))
}

fn check_aliases(inspector: &Inspector, realms: &Realms, report: &mut Report) -> Result<(), StoreError> {
    for clash in realms.clashes(|alias| inspector.first_in(alias))? {
        report.add(&Finding::new(Kind::Alias, &clash.account, clash.why()));
    }
    Ok(())
}

fn check_account(account: &Account, names: &Names<'_>, now: UnixTime, report: &mut Report) -> bool {
    // Whoever may not log in misses nothing.
    if account.state.disabled || account.state.expires.is_some_and(|at| at <= now) {
        return true;
    }
    let cuts = names.cut_off(account);
    let cut_off = (!cuts.is_empty()).then(|| Finding::cut_off(&account.identity, &cuts));
    let missing = mechanisms::missing(account, names.announced, now);
    missing.into_iter().chain(mechanisms::loose(account)).chain(cut_off).all(|finding| report.add(&finding))
}

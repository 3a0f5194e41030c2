//! `sasldb-rs check`: what is wrong with files, database, accounts and realms, and whom a change of realms would cut off.

mod files;
mod names;
mod report;

use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::cli::site::Site;
use crate::credential::Account;
use crate::identity::Realms;
use crate::store::StoreError;
use crate::store::sqlite::Inspector;
use crate::vocabulary::{Mechanism, MechanismSet};

use self::names::Names;
use self::report::{Finding, Kind, Report};
use super::options::Check;

pub(super) fn check(site: &Site, check: &Check) -> Result<Exit, Failure> {
    let mut report = Report::new(check.json);
    files::check(site, &mut report);
    let looked_through = look_through(site, check, &mut report);
    let found = report.finish()?;
    match looked_through {
        // Whatever it is that keeps us from the accounts: what was found until then is told.
        Err(fault) => Err(fault.into()),
        Ok(()) if found => Ok(Exit::Failure),
        Ok(()) => Ok(Exit::Success),
    }
}

fn look_through(site: &Site, check: &Check, report: &mut Report) -> Result<(), StoreError> {
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
    damage(report, Kind::Audit, inspector.verify_audit().map(drop))?;

    let (before, after) = realms(site, check, inspector.realms());
    let aliases = check_aliases(&inspector, &after, report);
    damage(report, Kind::Integrity, aliases)?;
    let names = Names {
        noted: inspector.realms(),
        before: &before,
        after: &after,
        announced: site.config.mechanisms(),
        only_what_works: check.realm.is_some(),
    };
    let accounts = inspector.accounts(&mut |account| match account {
        Ok(account) => check_account(&account, &names, report),
        Err(fault) => report.add(&Finding::new(Kind::Seal, &database, fault)),
    });
    damage(report, Kind::Integrity, accounts)
}

/// What holds now and what is to hold: with `--realm` the settings and the realms asked about, else what the database noted
/// and the settings.
fn realms(site: &Site, check: &Check, noted: &Realms) -> (Realms, Realms) {
    let now = site.config.realms(noted);
    let Some(realm) = &check.realm else { return (noted.clone(), now) };
    let mut then = site.config.clone();
    then.realm = Some(realm.clone());
    if !check.realm_aliases.is_empty() {
        then.realm_aliases = Some(check.realm_aliases.clone());
    }
    (now, then.realms(noted))
}

fn check_aliases(inspector: &Inspector, realms: &Realms, report: &mut Report) -> Result<(), StoreError> {
    for clash in realms.clashes(|alias| inspector.first_in(alias))? {
        report.add(&Finding::new(Kind::Alias, &clash.account, clash.why()));
    }
    Ok(())
}

fn check_account(account: &Account, names: &Names<'_>, report: &mut Report) -> bool {
    // Whoever may not log in misses nothing.
    if account.state.disabled {
        return true;
    }
    let missing: Vec<Mechanism> = permitted(account, names.announced).filter(|m| !is_served(account, *m)).collect();
    if !missing.is_empty() {
        let listed = report::listed(&missing);
        let what = format!("has no password for {listed}, which the helper announces");
        report.add(&Finding::new(Kind::Mechanism, &account.identity, what).mechanisms(missing));
    }
    let cuts = names.cut_off(account);
    cuts.is_empty() || report.add(&Finding::cut_off(&account.identity, &cuts))
}

fn permitted(account: &Account, announced: MechanismSet) -> impl Iterator<Item = Mechanism> {
    let own = account.mechanisms;
    announced.iter().filter(move |mechanism| own.is_none_or(|own| own.contains(*mechanism)))
}

fn is_served(account: &Account, mechanism: Mechanism) -> bool {
    let serves = |secrets: &crate::credential::Secrets| match mechanism {
        Mechanism::DigestMd5 => !secrets.digest_md5.is_empty(),
        Mechanism::CramMd5 => secrets.cram_md5.is_some(),
        Mechanism::ScramSha1 | Mechanism::ScramSha256 | Mechanism::ScramSha512 => {
            mechanism.scram_hash().is_some_and(|hash| secrets.scram_keys(hash).is_some())
        }
        Mechanism::Plain | Mechanism::Login => !secrets.no_plaintext,
        Mechanism::External => true,
    };
    account.passwords.iter().any(|password| serves(&password.secrets))
}

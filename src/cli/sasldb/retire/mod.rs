//! `sasldb-rs retire`: takes a scheme away from the passwords that nobody used by it for long. Where nobody can tell it takes
//! nothing away, and never the last scheme of a password.

mod rule;
mod run;

use std::time::Duration;

use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::cli::output::Program;
use crate::cli::site::{self, Site};
use crate::cli::unused::{Record, ago};
use crate::cli::when::rfc3339;
use crate::identity::{Identity, IdentityKey};
use crate::runtime::UnixTime;
use crate::store::sqlite::Lister;
use crate::store::{Listed, StoreError};
use crate::vocabulary::Scheme;

use super::options::Retire;
use rule::Rule;
use run::Run;

/// Accounts in one transaction: other writers wait for some tens of milliseconds.
const AT_ONCE: usize = 1000;

pub(super) fn retire(program: &Program, site: &Site, retire: &Retire) -> Result<Exit, Failure> {
    let now = site::now();
    let mut lister = site.lister()?;
    let record = Record::open(site, lister.database_id())?;
    let rule = Rule { scheme: retire.scheme, since: ago(retire.unused_for, now) };
    if !record.reaches_back_to(rule.since) {
        return Err(too_short(&record, &rule, retire.unused_for));
    }
    warn_of_settings(site, &rule, program);
    let mut run = Run::begin(program, rule, record, site.writer()?, retire);
    let mut after: Option<IdentityKey> = None;
    while run.is_read() {
        let some = some_that_have(&mut lister, retire.scheme, after.as_ref())?;
        let Some(last) = some.last().map(Identity::key) else { break };
        run.settle(some)?;
        after = Some(last);
    }
    run.finish()
}

/// The next accounts that have the scheme.
fn some_that_have(
    lister: &mut Lister,
    scheme: Scheme,
    after: Option<&IdentityKey>,
) -> Result<Vec<Identity>, StoreError> {
    let mut some = Vec::new();
    let visit = &mut |account: Listed| {
        if account.schemes.contains(&scheme) {
            some.push(account.identity);
        }
        some.len() < AT_ONCE
    };
    match after {
        Some(after) => lister.list_after(after, visit)?,
        None => lister.list(visit)?,
    }
    Ok(some)
}

fn too_short(record: &Record, rule: &Rule, time: Duration) -> Failure {
    let cause = anyhow::anyhow!(
        "nobody can tell who used {} since {}: activity: {}",
        rule.needing(),
        rfc3339(rule.since),
        record.shortfall()
    );
    let hint = match record.since {
        Some(begin) => {
            let seconds = i64::try_from(time.as_secs()).unwrap_or(i64::MAX);
            let then = rfc3339(UnixTime(begin.0.saturating_add(seconds)));
            format!("nothing has changed; it reaches back that far from {then} on, if no gap comes between")
        }
        None => {
            "nothing has changed; saslauthd-rs records it while it runs; see `activity` in sasldb-rs.toml(5)".to_owned()
        }
    };
    Failure::new(Exit::Unavailable, cause).hint(hint)
}

/// What goes comes back with the next password that is set, unless the settings say otherwise.
fn warn_of_settings(site: &Site, rule: &Rule, program: &Program) {
    let name = rule.scheme.name();
    for (setting, schemes) in [("schemes", &site.config.schemes), ("learn", &site.config.learn)] {
        if schemes.contains(&rule.scheme) {
            program
                .complain(format_args!("warning: the setting `{setting}` makes {name} for passwords that are to come"));
        }
    }
}

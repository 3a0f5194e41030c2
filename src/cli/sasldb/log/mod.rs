//! `sasldb-rs log`: every change that was made, as lines of fixed columns for people and scripts, or JSON for programs.

mod compared;
mod heads;
mod verify;

use std::thread;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::cli::exit::Exit;
use crate::cli::failure::{self, Failure};
use crate::cli::output::{Data, Reader, printable};
use crate::cli::pattern::Pattern;
use crate::cli::site::{self, Site};
use crate::cli::when::rfc3339;
use crate::identity::{Identity, Name, Realm};
use crate::runtime::UnixTime;
use crate::store::sqlite::AuditEntry;
use crate::store::{AuditHead, RENAME};

use super::options::{Log, LogCommand, ShowLog};

/// How long `--follow` waits between two looks.
const PAUSE: Duration = Duration::from_millis(500);

pub(super) fn run(site: &Site, log: &Log) -> Result<Exit, Failure> {
    match &log.command {
        None => show(site, &log.show),
        Some(LogCommand::Verify(verify)) => verify::verify(site, verify),
    }
}

fn show(site: &Site, show: &ShowLog) -> Result<Exit, Failure> {
    let since = show.since.map(|when| {
        let too_far = || Failure::new(Exit::BadParameter, anyhow::anyhow!("the time of --since is too far away"));
        when.before(site::now()).ok_or_else(too_far)
    });
    let filter =
        Filter { since: since.transpose()?, account: show.account.as_deref().map(Pattern::new), action: show.action };
    let mut last: Option<AuditHead> = None;
    loop {
        // Opened for each look: another database may have been put in this one's place.
        let lister = site.lister()?;
        if let Some(known) = last {
            still_there(known, lister.audit_at(known.number)?)?;
        }
        let mut data = Data::new();
        let mut written = Ok(Reader::Present);
        lister.audit(last.map_or(0, |head| head.number), &mut |entry| {
            last = Some(entry.head);
            if filter.fits(&entry) {
                written = if show.json { json(&mut data, &entry) } else { data.line(line(&entry)) };
            }
            matches!(written, Ok(Reader::Present))
        })?;
        let reader = written.and_then(|reader| Ok(data.finish()?.and(reader)));
        let reader = failure::written(reader)?;
        if !show.follow || reader == Reader::Gone {
            return Ok(Exit::Success);
        }
        thread::sleep(PAUSE);
    }
}

/// What was shown must still be what is there.
fn still_there(known: AuditHead, found: Option<AuditHead>) -> Result<(), Failure> {
    if found == Some(known) {
        return Ok(());
    }
    let cause =
        anyhow::anyhow!("the audit was rewritten: entry {} is not there any more as it was shown", known.number);
    Err(Failure::new(Exit::Failure, cause)
        .hint("a backup that was restored does this; the system's log tells, and so does sasldb-rs log verify"))
}

struct Filter<'a> {
    since: Option<UnixTime>,
    account: Option<Pattern>,
    action: Option<&'a str>,
}

impl Filter<'_> {
    fn fits(&self, entry: &AuditEntry) -> bool {
        self.since.is_none_or(|since| entry.at >= since)
            && self.action.is_none_or(|action| entry.action == action)
            && self.account.as_ref().is_none_or(|pattern| names(entry).any(|who| pattern.fits(&who)))
    }
}

/// Whose entry it is: of an account that was given another name, both. A name that we would not take today is nobody's.
fn names(entry: &AuditEntry) -> impl Iterator<Item = Identity> {
    let detail: Option<RenameDetail> =
        entry.detail.as_deref().filter(|_| entry.action == RENAME).and_then(|detail| serde_json::from_str(detail).ok());
    let former = detail.as_ref().and_then(|detail| identity(&detail.from));
    entry.subject.as_deref().and_then(identity).into_iter().chain(former)
}

fn identity(canonical: &str) -> Option<Identity> {
    let (name, realm) = canonical.split_once('@')?;
    Some(Identity::new(Name::new(name).ok()?, Realm::imported(realm).ok()?))
}

/// What is noted of a new name.
#[derive(Deserialize)]
struct RenameDetail {
    from: String,
}

/// Number, time, uid, program, action, account, detail. Scripts count on them: new ones are added at the end.
fn line(entry: &AuditEntry) -> String {
    let or_dash = |text: &Option<String>| text.as_deref().map_or("-".to_owned(), |text| printable(text.as_ref()));
    [
        entry.head.number.to_string(),
        rfc3339(entry.at),
        entry.uid.to_string(),
        printable(entry.program.as_ref()),
        printable(entry.action.as_ref()),
        or_dash(&entry.subject),
        or_dash(&entry.detail),
    ]
    .join("\t")
}

fn json(data: &mut Data, entry: &AuditEntry) -> std::io::Result<Reader> {
    let shown = JsonEntry {
        number: entry.head.number,
        at: rfc3339(entry.at),
        uid: entry.uid,
        program: &entry.program,
        action: &entry.action,
        account: entry.subject.as_deref(),
        detail: entry.detail.as_deref().map(|detail| serde_json::from_str(detail).unwrap_or_else(|_| detail.into())),
        head: entry.head.hex(),
    };
    data.line(serde_json::to_string(&shown)?)
}

#[derive(Serialize)]
struct JsonEntry<'a> {
    number: u64,
    at: String,
    uid: u32,
    program: &'a str,
    action: &'a str,
    account: Option<&'a str>,
    detail: Option<serde_json::Value>,
    head: String,
}

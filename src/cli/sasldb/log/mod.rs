//! `sasldb-rs log`: every change that was made, as lines of fixed columns for people and scripts, or JSON for programs.

mod compared;
mod heads;
mod verify;

use std::thread;
use std::time::Duration;

use serde::Serialize;

use crate::cli::exit::Exit;
use crate::cli::failure::{self, Failure};
use crate::cli::output::{Data, Reader, printable};
use crate::cli::pattern::Pattern;
use crate::cli::site::{self, Site};
use crate::cli::when::rfc3339;
use crate::identity::{Identity, Name, Realm};
use crate::runtime::UnixTime;
use crate::store::AuditHead;
use crate::store::sqlite::AuditEntry;

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
    let filter = Filter {
        since: since.transpose()?,
        account: show.account.as_deref().map(Pattern::new),
        action: show.action.as_deref(),
    };
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
            && self.account.as_ref().is_none_or(|pattern| subject(entry).is_some_and(|who| pattern.fits(&who)))
    }
}

/// Whose entry it is. A name that we would not take today is nobody's.
fn subject(entry: &AuditEntry) -> Option<Identity> {
    let (name, realm) = entry.subject.as_deref()?.split_once('@')?;
    Some(Identity::new(Name::new(name).ok()?, Realm::imported(realm).ok()?))
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

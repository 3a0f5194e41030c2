//! `log verify`: proves that the audit is as it was written, and by the heads in the system's log that none of it was cut.

use std::path::Path;

use anyhow::Context as _;
use serde::Serialize;

use crate::cli::exit::Exit;
use crate::cli::failure::{self, Failure};
use crate::cli::input;
use crate::cli::output::Data;
use crate::cli::site::Site;
use crate::store::StoreError;
use crate::store::sqlite::Inspector;

use super::super::options::VerifyLog;
use super::compared::Compared;
use super::heads;

pub(super) fn verify(site: &Site, verify: &VerifyLog) -> Result<Exit, Failure> {
    let inspector = Inspector::open(site.place())?;
    let against = verify.against.as_deref().map(|path| compare(&inspector, path)).transpose()?;
    let found = look(&inspector, against.as_ref())?;
    let sound = found.broken.is_none() && found.differ.is_empty() && found.cut.is_empty();
    let text = if verify.json {
        serde_json::to_string_pretty(&found)
            .context("cannot write JSON")
            .map_err(|cause| Failure::new(Exit::Failure, cause))?
    } else {
        found.lines().join("\n")
    };
    let written = Data::new().text(format_args!("{text}\n"));
    failure::written(written)?;
    Ok(if sound { Exit::Success } else { Exit::Failure })
}

/// What was found. `head` is the end of the chain as far as it is whole.
#[derive(Serialize)]
struct Found {
    entries: u64,
    head: Option<String>,
    /// Where the chain breaks.
    broken: Option<String>,
    /// How many heads of the system's log are in the chain.
    confirmed: usize,
    /// Entries that the system's log knows otherwise.
    differ: Vec<u64>,
    /// Entries that the system's log knows and the chain has no more.
    cut: Vec<u64>,
}

/// Follows the chain after all else has been read: what it proves is what `against` was compared with.
fn look(inspector: &Inspector, against: Option<&Compared>) -> Result<Found, Failure> {
    let mut found = Found { entries: 0, head: None, broken: None, confirmed: 0, differ: Vec::new(), cut: Vec::new() };
    let followed = inspector.verify_audit(&mut |head| {
        found.entries = head.number;
        found.head = Some(head.hex());
    });
    match followed {
        Ok(_) => {}
        Err(StoreError::Damaged(what)) => found.broken = Some(what),
        Err(other) => return Err(other.into()),
    }
    if let Some(against) = against {
        found.confirmed = against.confirmed(found.entries);
        found.differ = against.differ(found.entries);
        if found.broken.is_none() {
            found.cut = against.beyond(found.entries);
        }
    }
    Ok(found)
}

impl Found {
    /// A word and its facts on each line. Scripts count on the words.
    fn lines(&self) -> Vec<String> {
        let mut lines = vec![format!("whole\t{}\t{}", self.entries, self.head.as_deref().unwrap_or("-"))];
        lines.extend(self.broken.iter().map(|what| format!("broken\t{what}")));
        lines.extend(self.differ.iter().map(|number| format!("differs\t{number}\tthe system's log has another head")));
        lines.extend(
            self.cut.iter().map(|number| format!("cut\t{number}\tthe system's log knows it, the audit does not")),
        );
        if self.confirmed != 0 {
            lines.push(format!("confirmed\t{}", self.confirmed));
        }
        lines
    }
}

/// Compares the heads of the system's log with the entries that are stored. The log is in a file, or for `-` comes from stdin.
fn compare(inspector: &Inspector, path: &Path) -> Result<Compared, Failure> {
    let (mut compared, mut fault) = (Compared::default(), None);
    let stored = |number| inspector.audit_at(number);
    input::read(path, |log| {
        heads::each(log, |head| {
            if fault.is_none() {
                fault = compared.take(head, stored).err();
            }
        })
    })?;
    if let Some(fault) = fault {
        return Err(fault.into());
    }
    if !compared.any {
        // To compare with nothing would look like a proof.
        let cause = anyhow::anyhow!("no line of {} has a head of the audit", path.display());
        return Err(Failure::new(Exit::Failure, cause).hint(
            "journalctl -t saslpasswd-rs -t sasldb-rs shows those lines, or the file that syslogd keeps for authpriv",
        ));
    }
    Ok(compared)
}

//! `sasldb-rs backup` and `restore`.

use std::path::Path;
use std::sync::Arc;

use anyhow::Context as _;
use serde::Serialize;

use crate::cli::audit_log;
use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::cli::output::{Data, Program};
use crate::cli::progress::{Lines, Progress};
use crate::cli::site::{self, Site};
use crate::cli::stop::{self, Stop};
use crate::store::StoreError;
use crate::store::sqlite::{self, Copied, DatabaseCopy, Replaced, Step, Watch};

use super::options::{Backup, Restore};

pub(super) fn backup(site: &Site, backup: &Backup) -> Result<Exit, Failure> {
    let Watching { watch, progress } = Watching::begin()?;
    let copied = sqlite::backup(&site.place().database, &backup.to, &watch);
    progress.end();
    let copied = copied.map_err(|fault| of_target(&backup.to, fault))?;
    let copied = copied.ok_or_else(|| stop::interrupted().hint("no copy was made"))?;
    tell(&backup.to, &copied, backup.json)
}

pub(super) fn restore(program: &Program, site: &Site, restore: &Restore) -> Result<Exit, Failure> {
    let Watching { watch, progress } = Watching::begin()?;
    let restored = put_back(program, site, restore, &watch);
    progress.end();
    let copied = restored?.ok_or_else(|| stop::interrupted().hint("nothing has changed"))?;
    tell(&site.place().database, &copied, restore.json)
}

/// Looks through the backup and puts it back; `None` if it was stopped before anything had changed.
fn put_back(program: &Program, site: &Site, restore: &Restore, watch: &Watch) -> Result<Option<Copied>, Failure> {
    let place = site.place();
    let of_backup = |fault| of_backup(&restore.from, fault);
    let Some(copy) = DatabaseCopy::open(&restore.from, &place.key_file, watch).map_err(of_backup)? else {
        return Ok(None);
    };
    let Some(copied) = copy.examine(watch).map_err(of_backup)? else { return Ok(None) };
    let replaced = sqlite::would_replace(place).map_err(|fault| in_the_way(&place.database, fault))?;
    if replaced != Replaced::Nothing && !restore.replace {
        let cause = anyhow::anyhow!("there is a database at {} already", place.database.display());
        return Err(Failure::new(Exit::Failure, cause)
            .hint("--replace puts the backup in its place; sasldb-rs backup keeps what is there"));
    }
    if restore.dry_run {
        return Ok(Some(copied));
    }
    let head = copy.restore(place, &site::actor(program), site::now(), watch)?;
    if let Some(head) = &head {
        audit_log::note_of_all(program, "database restored", head);
        site.make_activity_folder();
    }
    Ok(head.map(|_| copied))
}

/// Shows how far it is, and heeds signals.
struct Watching {
    watch: Watch,
    progress: Progress,
}

impl Watching {
    fn begin() -> Result<Self, Failure> {
        let (stop, progress) = (Stop::on_signals()?, Progress::begin(None, Lines::None));
        let shown = progress.clone();
        let watch: Watch = Arc::new(move |step| {
            match step {
                Step::Uncounted => {}
                Step::Accounts(accounts) => shown.at(accounts),
                Step::Bytes { done, of } => shown.bytes(done, of),
            }
            !stop.is_asked()
        });
        Ok(Self { watch, progress })
    }
}

/// What is wrong with the place of the copy, not with the database.
fn of_target(to: &Path, fault: StoreError) -> Failure {
    let hint = match &fault {
        StoreError::Unreachable { path, .. } if path == to && to.exists() => Some("name a file that is not there"),
        StoreError::Unreachable { path, .. } if to.parent() == Some(path) && !path.exists() => {
            Some("make it, or name a file in another folder")
        }
        _ => None,
    };
    let failure = Failure::from(fault);
    match hint {
        Some(hint) => failure.hint(hint),
        None => failure,
    }
}

const NAME_A_BACKUP: &str = "name a file that sasldb-rs backup made; nothing has changed";

/// What is wrong with the backup, not with the database.
fn of_backup(from: &Path, fault: StoreError) -> Failure {
    match fault {
        StoreError::Damaged(what) => {
            let cause = anyhow::anyhow!("the backup {} is damaged: {what}", from.display());
            Failure::new(Exit::Failure, cause).hint("take another one; nothing has changed")
        }
        StoreError::Missing(path) => {
            Failure::new(Exit::Failure, anyhow::anyhow!("{} holds no database", path.display())).hint(NAME_A_BACKUP)
        }
        StoreError::NotOurs(_) => Failure::from(fault).hint(NAME_A_BACKUP),
        other => other.into(),
    }
}

/// A database that SQLite cannot read cannot be written over either.
fn in_the_way(database: &Path, fault: StoreError) -> Failure {
    let hint = match &fault {
        StoreError::Damaged(_) | StoreError::NotOurs(_) => {
            let path = database.display();
            format!("stop the helper and move {path} and the files {path}-wal and {path}-shm away first")
        }
        _ => return fault.into(),
    };
    Failure::new(Exit::Failure, fault).hint(hint)
}

/// Path, accounts, number and MAC of the audit's last entry. Scripts count on them: new columns are added at the end.
fn tell(path: &Path, copied: &Copied, json: bool) -> Result<Exit, Failure> {
    let number = copied.head.map_or(0, |head| head.number);
    let head = copied.head.map(|head| head.hex());
    let text = if json {
        let shown = JsonCopy { path: &path.to_string_lossy(), accounts: copied.accounts, audit: number, head };
        serde_json::to_string_pretty(&shown)
            .context("cannot write JSON")
            .map_err(|cause| Failure::new(Exit::Failure, cause))?
    } else {
        let head = head.unwrap_or_else(|| "-".to_owned());
        format!("{}\t{}\t{number}\t{head}", path.display(), copied.accounts)
    };
    let written = Data::new().text(format_args!("{text}\n"));
    written.context("done, but cannot write to stdout").map_err(|cause| Failure::new(Exit::Failure, cause))?;
    Ok(Exit::Success)
}

#[derive(Serialize)]
struct JsonCopy<'a> {
    path: &'a str,
    accounts: u64,
    audit: u64,
    head: Option<String>,
}

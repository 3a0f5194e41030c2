//! `sasldb-rs backup` and `restore`.

use std::path::Path;

use anyhow::Context as _;
use serde::Serialize;

use crate::cli::audit_log;
use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::cli::output::{Data, Program};
use crate::cli::site::{self, Site};
use crate::store::StoreError;
use crate::store::sqlite::{self, Copied, Replaced};

use super::options::{Backup, Restore};

pub(super) fn backup(site: &Site, backup: &Backup) -> Result<Exit, Failure> {
    let copied = sqlite::backup(&site.place().database, &backup.to)?;
    tell(&backup.to, &copied, backup.json)
}

pub(super) fn restore(program: &Program, site: &Site, restore: &Restore) -> Result<Exit, Failure> {
    let place = site.place();
    let copied = sqlite::examine(&restore.from, place).map_err(|fault| of_backup(&restore.from, fault))?;
    let replaced = sqlite::would_replace(place).map_err(|fault| in_the_way(&place.database, fault))?;
    if replaced != Replaced::Nothing && !restore.replace {
        let cause = anyhow::anyhow!("there is a database at {} already", place.database.display());
        return Err(Failure::new(Exit::Failure, cause)
            .hint("--replace puts the backup in its place; sasldb-rs backup keeps what is there"));
    }
    if !restore.dry_run {
        let head = sqlite::restore(&restore.from, place, &site::actor(program), site::now())?;
        audit_log::note_of_all(program, "database restored", &head);
        site.make_activity_folder();
    }
    tell(&place.database, &copied, restore.json)
}

/// What is wrong with the backup, not with the database.
fn of_backup(from: &Path, fault: StoreError) -> Failure {
    match fault {
        StoreError::Damaged(what) => {
            let cause = anyhow::anyhow!("the backup {} is damaged: {what}", from.display());
            Failure::new(Exit::Failure, cause).hint("take another one; nothing has changed")
        }
        StoreError::Missing(path) => {
            Failure::new(Exit::Failure, anyhow::anyhow!("{} holds no database", path.display()))
                .hint("name a file that sasldb-rs backup made; nothing has changed")
        }
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

//! Removing, disabling, enabling accounts, and setting when they end. Each is a change of its own: whatever stops the command,
//! every account is either as it was or as it shall be.

use anyhow::Context as _;
use serde::Serialize;

use crate::cli::audit_log;
use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::cli::output::{Data, Program, to_stderr};
use crate::cli::site::{self, Site};
use crate::credential::AccountState;
use crate::identity::IdentityKey;
use crate::runtime::UnixTime;
use crate::store::sqlite::Writer;
use crate::store::{Applied, Change, CredentialAdmin as _};

use super::super::options::Selection;
use super::select::{Selected, select};

/// What is done to each account.
#[derive(Debug, Clone, Copy)]
pub(super) enum Doing {
    Remove,
    Disable,
    Enable,
    Expire(Option<UnixTime>),
}

impl Doing {
    const fn verb(self) -> &'static str {
        match self {
            Self::Remove => "remove",
            Self::Disable => "disable",
            Self::Enable => "enable",
            Self::Expire(_) => "expire",
        }
    }

    /// What is said of an account to which it was done. Scripts count on the words.
    const fn done(self) -> &'static str {
        match self {
            Self::Remove => "removed",
            Self::Disable => "disabled",
            Self::Enable => "enabled",
            Self::Expire(Some(_)) => "expires",
            Self::Expire(None) => "does-not-expire",
        }
    }

    /// The change that does it. It needs nothing that was read before: what somebody else changes meanwhile stays.
    const fn to(self, key: IdentityKey) -> Change {
        match self {
            Self::Remove => Change::Remove { key },
            Self::Disable => Change::SetDisabled { key, disabled: true },
            Self::Enable => Change::SetDisabled { key, disabled: false },
            Self::Expire(expires) => Change::SetExpiry { key, expires },
        }
    }

    /// Whether an account in this state is so already.
    fn is_done(self, state: AccountState) -> bool {
        match self {
            Self::Remove => false,
            Self::Disable => state.disabled,
            Self::Enable => !state.disabled,
            Self::Expire(expires) => state.expires == expires,
        }
    }
}

#[derive(Serialize)]
struct Line<'a> {
    done: &'a str,
    account: String,
}

pub(super) fn change(program: &Program, site: &Site, selection: &Selection, doing: Doing) -> Result<(), Failure> {
    let mut store = site.writer()?;
    let accounts = select(site, &mut store, selection, doing.verb())?;
    let mut data = Data::new();
    for selected in &accounts {
        let identity = &selected.identity;
        let applied = match selection.dry_run {
            true if doing.is_done(selected.state) => Applied::Unchanged,
            true => Applied::Changed,
            false => carry_out(program, &mut store, selected, doing)?,
        };
        let done = match applied {
            Applied::Unchanged => "unchanged",
            // Somebody else was faster.
            Applied::NotFound => "not-found",
            Applied::Conflict => "changed-meanwhile",
            _ => doing.done(),
        };
        let line = if selection.json {
            serde_json::to_string(&Line { done, account: identity.to_string() }).unwrap_or_default()
        } else {
            format!("{done}\t{identity}")
        };
        data.line(line).context("cannot write to stdout").map_err(stopped)?;
    }
    data.finish().context("cannot write to stdout").map_err(stopped)?;
    if selection.dry_run {
        to_stderr("nothing has changed: --dry-run\n");
    }
    Ok(())
}

fn stopped(cause: anyhow::Error) -> Failure {
    Failure::new(Exit::Failure, cause).hint("what was done so far is whole; run it again for the rest")
}

fn carry_out(program: &Program, store: &mut Writer, selected: &Selected, doing: Doing) -> Result<Applied, Failure> {
    let identity = &selected.identity;
    let change = match selected.only_at {
        None => doing.to(identity.key()),
        Some(expected) => Change::IfUnchanged { expected, change: Box::new(doing.to(identity.key())) },
    };
    let receipt = store.apply(change, &site::actor(program), site::now())?;
    let said = if matches!(doing, Doing::Remove) { "account removed" } else { "account changed" };
    audit_log::note(program, identity, said, &receipt);
    Ok(receipt.applied)
}

//! `account rename`.

use std::ffi::OsStr;

use serde::Serialize;

use crate::cli::audit_log;
use crate::cli::exit::Exit;
use crate::cli::failure::{self, Failure, refused_name};
use crate::cli::output::{Data, Program, to_stderr};
use crate::cli::site::{self, Named, Site};
use crate::credential::Account;
use crate::identity::{Identity, IdentityError};
use crate::store::sqlite::Writer;
use crate::store::{Applied, Change, CredentialAdmin as _, renamable};
use crate::vocabulary::Scheme;

use super::super::options::RenameAccount;
use super::super::password::{named, no_account};

#[derive(Serialize)]
struct Line<'a> {
    done: &'a str,
    account: String,
    from: String,
    dropped: Vec<&'static str>,
}

pub(super) fn rename(program: &Program, site: &Site, rename: &RenameAccount) -> Result<(), Failure> {
    let from = named(&rename.account)?;
    let mut store = site.writer()?;
    let realms = site.realms(&mut store)?;
    let from = from.resolve(&realms);
    let account = store.account(&from.key())?.ok_or_else(|| no_account(&from))?;
    let to = Named::parse(&rename.to, Some(OsStr::new(account.identity.realm.as_str())))?.resolve(&realms);
    if to.realm.as_str().is_empty() {
        return Err(refused_name("realm", IdentityError::Empty));
    }
    let has_digest = account.passwords.iter().any(|password| !password.secrets.digest_md5.is_empty());
    let applied = if rename.dry_run {
        would_be(&mut store, &account, &to)?
    } else {
        let change = Change::Rename { key: from.key(), to: to.clone() };
        let receipt = store.apply(change, &site::actor(program), site::now())?;
        audit_log::note(program, &to, &format!("account renamed from {}", account.identity), &receipt);
        receipt.applied
    };
    let done = if applied == Applied::Unchanged { "unchanged" } else { "renamed" };
    let drops = has_digest && applied != Applied::Unchanged;
    let dropped = if drops { vec![Scheme::DigestMd5.name()] } else { Vec::new() };
    let line = if rename.json {
        let line = Line { done, account: to.to_string(), from: account.identity.to_string(), dropped };
        serde_json::to_string(&line).unwrap_or_default()
    } else {
        format!("{done}\t{}\t{to}", account.identity)
    };
    failure::written(Data::new().text(format_args!("{line}\n")))?;
    if drops {
        to_stderr("digest-md5 holds the name and is dropped: DIGEST-MD5 works again when the password is set anew\n");
    }
    if rename.dry_run {
        to_stderr("nothing has changed: --dry-run\n");
    }
    Ok(())
}

/// What would come of it.
fn would_be(store: &mut Writer, account: &Account, to: &Identity) -> Result<Applied, Failure> {
    let from = &account.identity;
    if from == to {
        return Ok(Applied::Unchanged);
    }
    if from.key() != to.key() && store.account(&to.key())?.is_some() {
        return Err(Failure::new(Exit::Failure, anyhow::anyhow!("there is an account {to} already")));
    }
    renamable(account)?;
    Ok(Applied::Changed)
}

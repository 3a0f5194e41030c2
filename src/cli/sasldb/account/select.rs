//! Which accounts a command means. Names mean what they say; patterns may mean more than one thought, so they ask.

use std::collections::HashSet;
use std::ffi::OsStr;
use std::io::{self, BufRead as _};
use std::os::unix::ffi::OsStrExt as _;

use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::cli::listing;
use crate::cli::output::to_stderr;
use crate::cli::pattern::Pattern;
use crate::cli::prompt;
use crate::cli::site::{Named, Site};
use crate::cli::unused::Unused;
use crate::cli::walk::try_each;
use crate::credential::AccountState;
use crate::identity::{Identity, IdentityKey, Realms};
use crate::store::CredentialAdmin as _;
use crate::store::sqlite::Writer;

use super::super::options::Selection;

/// How many accounts a question names.
const NAMED: usize = 10;

/// An account that is meant.
pub(super) struct Selected {
    pub(super) identity: Identity,
    /// As it was when it was selected.
    pub(super) state: AccountState,
    /// The revision at which it is meant. One that was selected because nobody used it is not if somebody changes it; `None` for one
    /// that is meant by its name, whatever becomes of it.
    pub(super) only_at: Option<u64>,
}

/// What the command line names.
struct Wanted {
    names: Vec<Identity>,
    patterns: Vec<Pattern>,
}

impl Wanted {
    fn read(selection: &Selection, realms: &Realms) -> Result<Self, Failure> {
        let (mut names, mut patterns) = (Vec::new(), Vec::new());
        for text in &selection.accounts {
            if is_pattern(text) {
                patterns.push(listing::pattern(text)?);
            } else {
                names.push(Named::parse(text, selection.realm.as_deref())?.resolve(realms));
            }
        }
        Ok(Self { names, patterns })
    }
}

fn is_pattern(text: &OsStr) -> bool {
    text.as_bytes().iter().any(|byte| matches!(byte, b'*' | b'?'))
}

/// The accounts, in the order of the store; those that are damaged too, as long as they are named. `doing` is what is asked about.
pub(super) fn select(
    site: &Site,
    store: &mut Writer,
    selection: &Selection,
    doing: &str,
) -> Result<Vec<Selected>, Failure> {
    let wanted = Wanted::read(selection, &site.realms(store)?)?;
    let mut unused = selection
        .unused_for
        .map(|time| site.lister().and_then(|lister| Unused::for_time(site, lister.database_id(), time)))
        .transpose()?;
    // A set: one account may be named twice, in two spellings.
    let mut names: HashSet<IdentityKey> = wanted.names.iter().map(Identity::key).collect();
    let mut found = Vec::new();
    let mut fitting = vec![false; wanted.patterns.len()];
    let all = selection.accounts.is_empty();
    try_each(
        |visit| store.list(visit),
        |account| {
            let mut fits = all | names.remove(&account.identity.key());
            for (pattern, any) in wanted.patterns.iter().zip(&mut fitting) {
                let this = pattern.fits(&account.identity);
                *any |= this;
                fits |= this;
            }
            if fits && unused.as_mut().map_or(Ok(true), |unused| unused.holds(&account))? {
                let only_at = unused.is_some().then_some(account.revision);
                found.push(Selected { identity: account.identity, state: account.state, only_at });
            }
            Ok(true)
        },
    )?;
    if let Some(missing) = wanted.names.iter().find(|name| names.contains(&name.key())) {
        return Err(Failure::new(Exit::NoUser, anyhow::anyhow!("there is no account {missing}"))
            .hint("nothing has changed; sasldb-rs account list shows those there are"));
    }
    if let Some((text, _)) =
        selection.accounts.iter().filter(|text| is_pattern(text)).zip(fitting).find(|(_, fits)| !fits)
    {
        return Err(Failure::new(Exit::NoUser, anyhow::anyhow!("no account fits {}", text.to_string_lossy()))
            .hint("nothing has changed"));
    }
    let is_open = !wanted.patterns.is_empty() || unused.is_some();
    if is_open && !found.is_empty() && !selection.yes && !selection.dry_run {
        ask(&found, doing)?;
    }
    Ok(found)
}

/// Asks whether it may be done; fails if not.
fn ask(found: &[Selected], doing: &str) -> Result<(), Failure> {
    let several = found.len();
    if !prompt::is_terminal() {
        let cause = anyhow::anyhow!("this would {doing} accounts: {several}, and nobody is there to ask");
        return Err(Failure::new(Exit::Failure, cause).hint("--yes does it; --dry-run shows them"));
    }
    let shown: Vec<String> = found.iter().take(NAMED).map(|selected| selected.identity.to_string()).collect();
    let rest = if several > NAMED { ", ..." } else { "" };
    to_stderr(format_args!("{}{rest}\nAccounts: {several}. {doing} them? Type yes: ", shown.join(", ")));
    let mut answer = String::new();
    let read = io::stdin().lock().read_line(&mut answer);
    if read.is_ok() && answer.trim() == "yes" {
        return Ok(());
    }
    Err(Failure::new(Exit::Failure, anyhow::anyhow!("not confirmed; nothing has changed")))
}

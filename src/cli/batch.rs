//! Many changes in one transaction.

use crate::store::sqlite::Writer;
use crate::store::{Change, CredentialAdmin as _, Receipt, StoreError};

use super::audit_log;
use super::output::Program;
use super::site;

/// Makes `changes`, each with its own outcome, and notes in the system's log that `what` came of them. They are made in the order in
/// which the accounts lie, so that each page of the database is fetched and written once; outcomes are in the order of `changes`.
pub(super) fn apply_each(
    program: &Program,
    store: &mut Writer,
    changes: Vec<Change>,
    what: &str,
) -> Result<Vec<Result<Receipt, StoreError>>, StoreError> {
    if changes.is_empty() {
        return Ok(Vec::new());
    }
    let mut changes: Vec<(usize, Change)> = changes.into_iter().enumerate().collect();
    changes.sort_by_cached_key(|(_, change)| change.key());
    let (places, changes): (Vec<usize>, Vec<Change>) = changes.into_iter().unzip();
    let outcomes = store.apply_each(changes, &site::actor(program), site::now())?;
    if let Some(audit) = outcomes.iter().flatten().filter_map(|receipt| receipt.audit).next_back() {
        // One line for all: the head of the last change covers those before it.
        audit_log::note_of_all(program, what, &audit);
    }
    let mut outcomes: Vec<_> = places.into_iter().zip(outcomes).collect();
    outcomes.sort_unstable_by_key(|(place, _)| *place);
    Ok(outcomes.into_iter().map(|(_, outcome)| outcome).collect())
}

//! Many changes in one transaction.

use crate::store::sqlite::Writer;
use crate::store::{Change, CredentialAdmin as _, Receipt, StoreError};

use super::audit_log;
use super::output::Program;
use super::site;

/// Makes `changes` in this order, each with its own outcome, and notes in the system's log that `what` came of them.
pub(super) fn apply_each(
    program: &Program,
    store: &mut Writer,
    changes: Vec<Change>,
    what: &str,
) -> Result<Vec<Result<Receipt, StoreError>>, StoreError> {
    if changes.is_empty() {
        return Ok(Vec::new());
    }
    let outcomes = store.apply_each(changes, &site::actor(program), site::now())?;
    if let Some(audit) = outcomes.iter().flatten().filter_map(|receipt| receipt.audit).next_back() {
        // One line for all: the head of the last change covers those before it.
        audit_log::note_of_all(program, what, &audit);
    }
    Ok(outcomes)
}

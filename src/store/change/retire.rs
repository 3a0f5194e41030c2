//! Taking a scheme away from passwords that have others.

use crate::credential::{Account, Label};
use crate::store::{StoreError, facts};
use crate::vocabulary::Scheme;

use super::provision::slow_checks;
use super::{Applied, Note, Plan};

/// Removes `scheme` from the passwords with these labels, from all of them or none.
pub(super) fn remove_scheme(mut account: Account, labels: &[Label], scheme: Scheme) -> Result<Plan, StoreError> {
    let mut removed = Vec::new();
    for password in account.passwords.iter_mut().filter(|password| labels.contains(&password.facts.label)) {
        if password.secrets.remove(scheme) {
            removed.push(facts::to_json(&password.facts));
        }
        if password.secrets.schemes().next().is_none() {
            return Err(StoreError::Refused("it is the only scheme of a password: remove the password instead"));
        }
    }
    if removed.is_empty() {
        return Ok(Plan::Leave(Applied::Unchanged));
    }
    if slow_checks(&account) > 1 {
        return Err(StoreError::Refused(
            "without the scheme, several passwords of the account can be checked by a slow hash only, which would take too long",
        ));
    }
    let detail = serde_json::json!({ "scheme": scheme.name(), "passwords": removed });
    Ok(Plan::of(account, [Note::new(Applied::Changed, "remove-scheme", detail)]))
}

//! What a report says: the shape of its JSON, and what its table and its page are made of. docs/report.md tells what each part means.

use std::collections::BTreeMap;

use serde::Serialize;

/// The whole report.
#[derive(Debug, Serialize)]
pub(super) struct Facts {
    pub(super) made: String,
    pub(super) database: String,
    /// What "lately" means: since then.
    pub(super) since: String,
    /// Since when every login is known.
    pub(super) activity_since: Option<String>,
    pub(super) accounts: Accounts,
    pub(super) usage: Usages,
    pub(super) last_use: Vec<Age>,
    pub(super) mechanisms: Vec<MechanismUse>,
    pub(super) schemes: Vec<SchemeUse>,
    pub(super) needs: Vec<Need>,
    pub(super) unused: Vec<UnusedAccount>,
    pub(super) failures: Option<Failures>,
}

/// How many there are.
#[derive(Debug, Default, Serialize)]
pub(super) struct Accounts {
    pub(super) total: u64,
    pub(super) active: u64,
    pub(super) disabled: u64,
    pub(super) expired: u64,
}

/// What can be said of their use lately.
#[derive(Debug, Default, Serialize)]
pub(super) struct Usages {
    pub(super) used: u64,
    pub(super) unused: u64,
    pub(super) too_new: u64,
    pub(super) unknown: u64,
}

/// Accounts whose last known use is about so long ago.
#[derive(Debug, Serialize)]
pub(super) struct Age {
    /// Up to so long ago, and longer than the one before.
    pub(super) age: &'static str,
    pub(super) accounts: u64,
    /// The same by the mechanism of that use.
    pub(super) by: BTreeMap<&'static str, u64>,
}

/// Accounts that used a mechanism lately.
#[derive(Debug, Serialize)]
pub(super) struct MechanismUse {
    pub(super) mechanism: &'static str,
    /// Those that logged in by it.
    pub(super) used: u64,
    /// Those of which nothing is known but that their secrets were handed out for it.
    pub(super) handed_out: u64,
}

/// Accounts that have a scheme.
#[derive(Debug, Serialize)]
pub(super) struct SchemeUse {
    pub(super) scheme: &'static str,
    pub(super) accounts: u64,
}

/// Accounts that use a mechanism one would like to be rid of.
#[derive(Debug, Serialize)]
pub(super) struct Need {
    pub(super) mechanism: &'static str,
    /// Those with a password that was used by it lately, and by no stronger one.
    pub(super) accounts: u64,
    /// Those with none such, but with one that was used by it and by a stronger one.
    pub(super) beside_stronger: u64,
    /// Some of the first kind.
    pub(super) latest: Vec<Needing>,
}

/// A password that needs a mechanism.
#[derive(Debug, Serialize)]
pub(super) struct Needing {
    pub(super) account: String,
    pub(super) password: String,
    pub(super) last: String,
}

/// An account that nobody used lately.
#[derive(Debug, Serialize)]
pub(super) struct UnusedAccount {
    pub(super) account: String,
    pub(super) state: &'static str,
    /// The last use that is known.
    pub(super) last: Option<String>,
}

/// What a log tells.
#[derive(Debug, Default, Serialize)]
pub(super) struct Failures {
    /// Lines that tell how a login ended.
    pub(super) logins: u64,
    pub(super) authenticated: u64,
    pub(super) denied: u64,
    pub(super) unavailable: u64,
    pub(super) abandoned: u64,
    /// Lines that the log lost, as far as it says so.
    pub(super) lost: u64,
    /// Lines that tell of no login.
    pub(super) other_lines: u64,
    pub(super) reasons: Vec<ReasonCount>,
    pub(super) sources: Vec<SourceCount>,
    pub(super) accounts: Vec<AccountCount>,
    /// Denied without an address.
    pub(super) of_no_address: u64,
    /// Denied for a name of no account, or of one that is gone.
    pub(super) of_no_account: u64,
    /// Denied before anybody was named.
    pub(super) of_nobody: u64,
    /// By how much a count may be too low, where there were too many to tell apart.
    pub(super) at_most_missed: u64,
}

/// Denied logins by reason.
#[derive(Debug, Serialize)]
pub(super) struct ReasonCount {
    pub(super) reason: String,
    pub(super) denied: u64,
}

/// Denied logins from an address, or an IPv6 /64.
#[derive(Debug, Serialize)]
pub(super) struct SourceCount {
    pub(super) source: String,
    pub(super) denied: u64,
}

/// Denied logins to an account.
#[derive(Debug, Serialize)]
pub(super) struct AccountCount {
    pub(super) account: String,
    pub(super) denied: u64,
}

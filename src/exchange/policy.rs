//! What is permitted. Every rule is applied at the verdict, so that breaking one looks like a wrong password.

use core::net::IpAddr;
use std::sync::Arc;

use crate::credential::{Account, PasswordFacts, PasswordSet};
use crate::identity::Realms;
use crate::runtime::UnixTime;
use crate::vocabulary::{Mechanism, MechanismSet, Scheme};

use super::outcome::Reason;

/// What holds for every exchange of a helper.
#[derive(Debug, Clone)]
pub struct Policy {
    /// The mechanisms offered.
    pub mechanisms: MechanismSet,
    /// Whether PLAIN and LOGIN are refused where the transport is not protected.
    pub plaintext_needs_tls: bool,
    /// The default realm and its aliases.
    pub realms: Realms,
    /// This host, for the message-id of CRAM-MD5.
    pub hostname: String,
    /// The schemes to make of a password that PLAIN or LOGIN proves right, where they are lacking.
    pub learn: Vec<Scheme>,
}

/// What the server that asks tells about this one login.
#[derive(Debug, Clone, Default)]
pub struct Context {
    /// The service, `smtp` for instance.
    pub service: Arc<str>,
    /// Whether the transport is protected (`secured`).
    pub secured: bool,
    /// The client's address (`rip`), where it is known.
    pub remote: Option<IpAddr>,
    /// The server's address (`lip`), where it is known.
    pub local: Option<IpAddr>,
    /// The name in the client's verified certificate, from a peer that may be believed about it.
    pub certificate_name: Option<Vec<u8>>,
}

/// What stands against any success of this mechanism here.
pub(super) fn mechanism_hindrance(policy: &Policy, context: &Context, mechanism: Mechanism) -> Option<Reason> {
    if !policy.mechanisms.contains(mechanism) {
        Some(Reason::MechanismNotOffered)
    } else if mechanism.is_plaintext() && policy.plaintext_needs_tls && !context.secured {
        Some(Reason::PlaintextWithoutTls)
    } else {
        None
    }
}

/// What stands against any success of this account now.
pub(super) fn account_hindrance(account: &Account, mechanism: Mechanism, now: UnixTime) -> Option<Reason> {
    if account.state.disabled {
        Some(Reason::AccountDisabled)
    } else if account.state.expires.is_some_and(|at| at <= now) {
        Some(Reason::AccountExpired)
    } else if account.mechanisms.is_some_and(|allowed| !allowed.contains(mechanism)) {
        Some(Reason::MechanismNotForAccount)
    } else {
        None
    }
}

/// The passwords of `account` that are good for this login.
pub(super) fn usable_passwords(account: &Account, context: &Context, now: UnixTime) -> PasswordSet {
    let usable = account.passwords.iter().enumerate().filter(|(_, p)| is_usable(&p.facts, context, now));
    usable.map(|(position, _)| position).collect()
}

fn is_usable(facts: &PasswordFacts, context: &Context, now: UnixTime) -> bool {
    let in_time = facts.expires.is_none_or(|at| now < at);
    let for_service =
        facts.services.is_empty() || facts.services.iter().any(|s| s.as_str().eq_ignore_ascii_case(&context.service));
    // Without an address nobody can show that the login comes from a permitted network.
    let from_network = facts.networks.is_empty()
        || context.remote.is_some_and(|address| facts.networks.iter().any(|n| n.contains(address)));
    in_time && for_service && from_network
}

//! What becomes of a scheme: the decision, password by password.

use crate::credential::{Account, Label, Secrets};
use crate::runtime::UnixTime;
use crate::store::activity::LastUse;
use crate::vocabulary::Scheme;

/// What is retired, and for whom.
pub(super) struct Rule {
    pub(super) scheme: Scheme,
    /// Who used it after this moment keeps it.
    pub(super) since: UnixTime,
}

/// What becomes of a password's scheme. Scripts count on the words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    Removed,
    /// Somebody logged in by what needs it, at this time.
    Used(UnixTime),
    /// The account was made or changed since, at this time: it may have had no time.
    TooNew(UnixTime),
    /// It is all there is.
    LastScheme,
    /// Without it too many of the account's passwords would be slow to check.
    SlowHashes,
}

impl Rule {
    /// The mechanism that the scheme serves and no other does. PLAIN and LOGIN go on with what else there is.
    pub(super) fn needing(&self) -> &'static str {
        self.scheme.mechanism().map_or("it", |mechanism| mechanism.name())
    }

    /// The account's passwords that have the scheme, with what becomes of each.
    pub(super) fn fates(&self, account: &Account, uses: &[LastUse]) -> Vec<(Label, Fate)> {
        let made_or_changed = account.created.max(account.changed);
        let has = |secrets: &Secrets| secrets.schemes().any(|scheme| scheme == self.scheme);
        let with_it = account.passwords.iter().filter(|password| has(&password.secrets));
        with_it
            .map(|password| {
                let label = &password.facts.label;
                let of_it = uses
                    .iter()
                    .filter(|used| used.label == label.as_str() && Some(used.mechanism) == self.scheme.mechanism());
                let last = of_it.filter_map(LastUse::at).max();
                let fate = match last.filter(|at| *at > self.since) {
                    _ if password.secrets.schemes().count() == 1 => Fate::LastScheme,
                    Some(at) => Fate::Used(at),
                    None if made_or_changed > self.since => Fate::TooNew(made_or_changed),
                    None => Fate::Removed,
                };
                (label.clone(), fate)
            })
            .collect()
    }
}

impl Fate {
    /// The word for why it stays.
    pub(super) const fn why(self) -> Option<&'static str> {
        match self {
            Self::Removed => None,
            Self::Used(_) => Some("used"),
            Self::TooNew(_) => Some("too-new"),
            Self::LastScheme => Some("last-scheme"),
            Self::SlowHashes => Some("slow-hashes"),
        }
    }

    /// When that was which keeps it.
    pub(super) const fn time(self) -> Option<UnixTime> {
        match self {
            Self::Used(at) | Self::TooNew(at) => Some(at),
            Self::Removed | Self::LastScheme | Self::SlowHashes => None,
        }
    }
}

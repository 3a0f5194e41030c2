//! Who was used when, and whom nobody has used for long. What is not known is never "unused".

use std::time::Duration;

use crate::identity::IdentityKey;
use crate::runtime::UnixTime;
use crate::store::activity::{ActivityAhead, ActivityReader, DatabaseId, LastUse};
use crate::store::{Listed, StoreError};

use super::exit::Exit;
use super::failure::Failure;
use super::site::{self, Site};
use super::when::rfc3339;

/// What the helpers have written down about one database. There may be nothing.
pub(super) struct Record {
    activity: Option<ActivityAhead>,
    /// Since when nothing is missing; none where something may be missing until now.
    pub(super) since: Option<UnixTime>,
    has_begun: bool,
}

/// What can be said of an account's use in the time up to now. Scripts count on the words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Usage {
    /// Somebody logged in, or may have: its secrets were handed out.
    Used,
    /// Nobody did.
    Unused,
    /// Nobody did, but it was made or changed in that time: it may have had no time to be used, and a renamed one was used under
    /// another name.
    TooNew,
    /// Nobody was seen, but not every login was seen.
    Unknown,
}

impl Usage {
    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::Used => "used",
            Self::Unused => "unused",
            Self::TooNew => "too-new",
            Self::Unknown => "unknown",
        }
    }
}

impl Record {
    /// `database` is the database's number in the activity; what is noted of another one is not believed.
    pub(super) fn open(site: &Site, database: DatabaseId) -> Result<Self, StoreError> {
        match ActivityReader::open(&site.config.activity(), database) {
            Ok(activity) => {
                let (since, has_begun) = (activity.continuous_since()?, activity.knows_database()?);
                Ok(Self { activity: Some(ActivityAhead::of(activity)), since, has_begun })
            }
            Err(StoreError::Missing(_)) => Ok(Self { activity: None, since: None, has_begun: false }),
            Err(fault) => Err(fault),
        }
    }

    /// What is known of an account. For accounts in their order it is read some at a time.
    pub(super) fn uses(&mut self, key: &IdentityKey) -> Result<Vec<LastUse>, StoreError> {
        self.activity.as_mut().map_or_else(|| Ok(Vec::new()), |activity| activity.last_uses(key))
    }

    /// What is asked for from now on is as it is from now on.
    pub(super) fn forget(&mut self) {
        if let Some(activity) = &mut self.activity {
            activity.forget();
        }
    }

    /// Whether nothing is missing since then.
    pub(super) fn reaches_back_to(&self, time: UnixTime) -> bool {
        self.since.is_some_and(|begin| begin <= time)
    }

    /// Why it does not reach back to a moment.
    pub(super) fn shortfall(&self) -> String {
        match self.since {
            Some(begin) => format!("it is without a gap only since {}", rfc3339(begin)),
            None if self.has_begun => "it has a gap that lasts until now".to_owned(),
            None if self.activity.is_some() => "no helper has recorded any for this database".to_owned(),
            None => "no helper has recorded any".to_owned(),
        }
    }

    /// What `uses` say of the time since then.
    pub(super) fn usage(&self, account: &Listed, uses: &[LastUse], since: UnixTime) -> Usage {
        if uses.iter().any(|used| used.at().is_some_and(|at| at > since)) {
            Usage::Used
        } else if account.created.max(account.changed) > since {
            Usage::TooNew
        } else if self.reaches_back_to(since) {
            Usage::Unused
        } else {
            Usage::Unknown
        }
    }
}

/// The moment so long ago.
pub(super) fn ago(time: Duration, now: UnixTime) -> UnixTime {
    UnixTime(now.0.saturating_sub(i64::try_from(time.as_secs()).unwrap_or(i64::MAX)))
}

/// Tells accounts that were not used since a moment. There is none where activity does not reach back that far.
pub(super) struct Unused {
    record: Record,
    since: UnixTime,
}

impl Unused {
    /// `database` is the database's number in the activity.
    pub(super) fn for_time(site: &Site, database: DatabaseId, time: Duration) -> Result<Self, Failure> {
        let since = ago(time, site::now());
        let record = Record::open(site, database)?;
        if record.reaches_back_to(since) {
            return Ok(Self { record, since });
        }
        let why = record.shortfall();
        Err(Failure::new(
            Exit::Unavailable,
            anyhow::anyhow!("nobody can tell which accounts are unused: activity: {why}"),
        )
        .hint("saslauthd-rs records it while it runs; see `activity` in sasldb-rs.toml(5)"))
    }

    /// Whether nobody has used the account since.
    pub(super) fn holds(&mut self, account: &Listed) -> Result<bool, StoreError> {
        let uses = self.record.uses(&account.identity.key())?;
        Ok(self.record.usage(account, &uses, self.since) == Usage::Unused)
    }
}

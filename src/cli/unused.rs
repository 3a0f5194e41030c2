//! Whom nobody has used for long. What is not known is never "unused".

use std::time::Duration;

use crate::runtime::UnixTime;
use crate::store::activity::{ActivityReader, DatabaseId};
use crate::store::{Listed, StoreError};

use super::exit::Exit;
use super::failure::Failure;
use super::site::{self, Site};
use super::when::rfc3339;

/// Tells accounts that were not used since a moment. There is none where activity does not reach back that far.
pub(super) struct Unused {
    activity: ActivityReader,
    since: UnixTime,
}

impl Unused {
    /// `database` is the database's number in the activity.
    pub(super) fn for_time(site: &Site, database: DatabaseId, time: Duration) -> Result<Self, Failure> {
        let seconds = i64::try_from(time.as_secs()).unwrap_or(i64::MAX);
        let since = UnixTime(site::now().0.saturating_sub(seconds));
        let folder = site.config.activity();
        let activity = match ActivityReader::open(&folder, database) {
            Ok(activity) => activity,
            Err(StoreError::Missing(_)) => return Err(unknown("no helper has recorded any")),
            Err(fault) => return Err(fault.into()),
        };
        match activity.continuous_since()? {
            Some(begin) if begin <= since => Ok(Self { activity, since }),
            Some(begin) => Err(unknown(&format!("it is without a gap only since {}", rfc3339(begin)))),
            None => Err(unknown("it has a gap that lasts until now")),
        }
    }

    /// Whether nobody has logged in to the account since. One that was made, renamed or changed since is not unused either: it may
    /// have had no time to be used, and a renamed one was used under another name.
    pub(super) fn holds(&self, account: &Listed) -> Result<bool, StoreError> {
        if account.created.max(account.changed) > self.since {
            return Ok(false);
        }
        let uses = self.activity.last_uses(&account.identity.key())?;
        let last = |at: Option<UnixTime>| at.is_some_and(|at| at > self.since);
        Ok(!uses.iter().any(|used| {
            last(used.last.as_ref().map(|seen| seen.at)) || last(used.handed_out.as_ref().map(|handed| handed.last))
        }))
    }
}

fn unknown(why: &str) -> Failure {
    Failure::new(Exit::Unavailable, anyhow::anyhow!("nobody can tell which accounts are unused: activity: {why}"))
        .hint("saslauthd-rs records it while it runs; see `activity` in sasldb-rs.toml(5)")
}

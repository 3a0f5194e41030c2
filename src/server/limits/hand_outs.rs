//! Of how many accounts a peer may get the secrets within a minute. A program that was taken over can ask for what it likes: this
//! keeps it from asking for everybody at once.

use core::time::Duration;
use std::collections::{HashMap, HashSet};

use crate::identity::IdentityKey;
use crate::runtime::Moment;

const MINUTE: Duration = Duration::from_secs(60);

/// What each peer has got since when. There are as many peers as the settings list, and each set is as large as its limit.
#[derive(Debug, Default)]
pub(super) struct HandOuts {
    peers: HashMap<u32, (Moment, HashSet<IdentityKey>)>,
}

impl HandOuts {
    /// Counts the account, and says whether `uid` may get it: each counts once in a minute.
    pub(super) fn may_get(&mut self, uid: u32, most: u32, key: IdentityKey, now: Moment) -> bool {
        let got = self.got(uid, now);
        got.contains(&key) || (has_room(got, most) && got.insert(key))
    }

    /// Whether `uid` may get an account that it has not got yet. Where it may not, names of no account look like the others.
    pub(super) fn may_get_more(&mut self, uid: u32, most: u32, now: Moment) -> bool {
        has_room(self.got(uid, now), most)
    }

    /// What `uid` has got in this minute.
    fn got(&mut self, uid: u32, now: Moment) -> &mut HashSet<IdentityKey> {
        let (since, got) = self.peers.entry(uid).or_insert_with(|| (now, HashSet::new()));
        if now.saturating_sub(*since) >= MINUTE {
            *since = now;
            got.clear();
        }
        got
    }
}

fn has_room(got: &HashSet<IdentityKey>, most: u32) -> bool {
    usize::try_from(most).is_ok_and(|most| got.len() < most)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identity::{Identity, Name, Realm};

    fn key(name: &str) -> IdentityKey {
        Identity::new(Name::new(name).unwrap(), Realm::new("example.com").unwrap()).key()
    }

    #[test]
    fn each_account_counts_once_a_minute_for_each_peer() {
        let mut hand_outs = HandOuts::default();
        let begun = Duration::from_secs(1000);
        assert!(hand_outs.may_get(7, 2, key("a"), begun));
        assert!(hand_outs.may_get(7, 2, key("b"), begun));
        assert!(hand_outs.may_get(7, 2, key("A"), begun + Duration::from_secs(59)), "the same account again");
        assert!(!hand_outs.may_get(7, 2, key("c"), begun + Duration::from_secs(59)));
        assert!(!hand_outs.may_get_more(7, 2, begun + Duration::from_secs(59)));
        assert!(hand_outs.may_get(8, 2, key("c"), begun + Duration::from_secs(59)), "another peer");
        assert!(hand_outs.may_get(7, 2, key("c"), begun + Duration::from_secs(60)), "another minute");
    }
}

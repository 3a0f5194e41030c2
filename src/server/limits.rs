//! How many failures a source may make before its logins are refused unchecked. Pure: settings and time are handed in.
//!
//! What is counted is failures, never attempts, and by source, never by account: no stranger can lock an owner out. A
//! source from which somebody lately logged in to an account is judged for that account by the pair alone, so that its
//! owner does not suffer for others behind the same address. "Lately" is as long as the table remembers.

mod hand_outs;

use core::hash::{BuildHasher, Hash};
use core::net::{IpAddr, Ipv4Addr};
use core::time::Duration;
use std::collections::HashMap;
use std::collections::hash_map::RandomState;

use crate::config::FailureLimits;
use crate::credential::Who;
use crate::identity::IdentityKey;
use crate::runtime::Moment;

use hand_outs::HandOuts;

/// Entries in each table; those beyond are forgotten, the longest unused first. Full tables take 3 MB.
const ENTRIES: usize = 16_384;

/// A /48 may make this many times the failures of one address, and is forgiven as many times faster.
const SITE_FACTOR: u32 = 5;

/// Whether a login is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub enum Judgement {
    /// Check it.
    Check,
    /// Deny it whatever it proves, after the usual delay.
    RefuseUnchecked,
}

/// The counters. They hold no names, and their memory is bounded.
#[derive(Debug)]
pub struct Limits {
    sources: Table<Source>,
    pairs: Table<(Source, u64)>,
    hand_outs: HandOuts,
    /// Names go into a pair as a keyed hash, so that none has to be copied for a look-up.
    names: RandomState,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            sources: Table::new(ENTRIES),
            pairs: Table::new(ENTRIES),
            hand_outs: HandOuts::default(),
            names: RandomState::new(),
        }
    }
}

impl Limits {
    /// Whether the peer `uid` of a lookup socket may get this account, as one of `most` in a minute.
    pub fn may_get(&mut self, uid: u32, most: u32, key: IdentityKey, now: Moment) -> bool {
        self.hand_outs.may_get(uid, most, key, now)
    }

    /// Whether it may get another one.
    pub fn may_get_more(&mut self, uid: u32, most: u32, now: Moment) -> bool {
        self.hand_outs.may_get_more(uid, most, now)
    }

    /// Judges a login before it is checked. Without an address nobody is refused: all who lack one would share a counter.
    pub fn judge(&mut self, limits: &FailureLimits, from: Option<IpAddr>, who: &Who, now: Moment) -> Judgement {
        let Some(source) = from.and_then(|address| counted(limits, address)) else { return Judgement::Check };
        let each = Allowance::of_source(limits);
        let barred = match self.pairs.get(&self.pair(source, who)) {
            Some(level) => level.is_full(each, now),
            None => {
                let site = source.site().and_then(|site| self.sources.get(&site));
                self.sources.get(&source).is_some_and(|level| level.is_full(each, now))
                    || site.is_some_and(|level| level.is_full(Allowance::of_site(limits), now))
            }
        };
        if barred { Judgement::RefuseUnchecked } else { Judgement::Check }
    }

    /// Counts a failure; `who` is none where the name was never learnt. A login that was refused unchecked is none: a
    /// device that goes on with an old password would bar its neighbours for ever.
    pub fn failed(&mut self, limits: &FailureLimits, from: Option<IpAddr>, who: Option<&Who>, now: Moment) {
        let Some(source) = from.and_then(|address| counted(limits, address)) else { return };
        let each = Allowance::of_source(limits);
        if let Some(pair) = who.map(|who| self.pair(source, who))
            && let Some(level) = self.pairs.get(&pair)
        {
            return self.pairs.put(pair, level.raised(each, now));
        }
        let level = self.sources.get(&source).unwrap_or_default();
        self.sources.put(source, level.raised(each, now));
        if let Some(site) = source.site() {
            let level = self.sources.get(&site).unwrap_or_default();
            self.sources.put(site, level.raised(Allowance::of_site(limits), now));
        }
    }

    /// Notes a success: from now on the source is judged by the pair for this account, starting from nothing.
    pub fn succeeded(&mut self, limits: &FailureLimits, from: Option<IpAddr>, who: &Who) {
        let Some(source) = from.and_then(|address| counted(limits, address)) else { return };
        self.pairs.put(self.pair(source, who), Level::default());
    }

    fn pair(&self, source: Source, who: &Who) -> (Source, u64) {
        (source, self.names.hash_one(who))
    }
}

/// The source that an address counts for; none if it is exempt, or nothing is limited.
fn counted(limits: &FailureLimits, address: IpAddr) -> Option<Source> {
    let is_exempt = || limits.exempt.iter().any(|network| network.contains(address));
    (limits.burst > 0 && !is_exempt()).then(|| Source::of(address))
}

/// Who shares a counter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Source {
    Address(Ipv4Addr),
    /// An IPv6 host picks its lower 64 bits as it likes: a /64 is one source.
    Network(u64),
    /// A customer often holds a whole /48.
    Site(u64),
}

impl Source {
    fn of(address: IpAddr) -> Self {
        match address.to_canonical() {
            IpAddr::V4(v4) => Self::Address(v4),
            IpAddr::V6(v6) => {
                let [a, b, c, d, ..] = v6.segments();
                Self::Network([a, b, c, d].into_iter().fold(0, |bits, next| bits << 16 | u64::from(next)))
            }
        }
    }

    fn site(self) -> Option<Self> {
        match self {
            Self::Network(bits) => Some(Self::Site(bits >> 16)),
            Self::Address(_) | Self::Site(_) => None,
        }
    }
}

/// What a counter may hold.
#[derive(Debug, Clone, Copy)]
struct Allowance {
    full: Duration,
    one: Duration,
}

impl Allowance {
    fn of_source(limits: &FailureLimits) -> Self {
        let one = limits.forgiven_after;
        Self { full: one.saturating_mul(limits.burst), one }
    }

    fn of_site(limits: &FailureLimits) -> Self {
        let one = limits.forgiven_after.checked_div(SITE_FACTOR).unwrap_or_default();
        Self { full: one.saturating_mul(limits.burst.saturating_mul(SITE_FACTOR)), one }
    }
}

/// A counter that leaks: each failure adds the time after which it is forgiven. It is kept as the moment when it is empty.
#[derive(Debug, Clone, Copy, Default)]
struct Level {
    empty_at: Moment,
}

impl Level {
    /// Whether there is no room for one more failure.
    fn is_full(self, allowance: Allowance, now: Moment) -> bool {
        self.empty_at.saturating_sub(now).saturating_add(allowance.one) > allowance.full
    }

    /// Never above full: many may fail together that were let in before any of them had failed.
    fn raised(self, allowance: Allowance, now: Moment) -> Self {
        let raised = self.empty_at.max(now).saturating_add(allowance.one);
        Self { empty_at: raised.min(now.saturating_add(allowance.full)) }
    }
}

/// Counters, bounded in number. Two generations: when the young one is full it becomes the old one, and what is in the old
/// one and not asked for since is forgotten.
#[derive(Debug)]
struct Table<K> {
    young: HashMap<K, Level>,
    old: HashMap<K, Level>,
    half: usize,
}

impl<K: Eq + Hash + Copy> Table<K> {
    fn new(entries: usize) -> Self {
        Self { young: HashMap::new(), old: HashMap::new(), half: (entries / 2).max(1) }
    }

    fn get(&mut self, key: &K) -> Option<Level> {
        if let Some(level) = self.young.get(key) {
            return Some(*level);
        }
        if self.old.is_empty() {
            return None;
        }
        let level = self.old.remove(key)?;
        self.put(*key, level);
        Some(level)
    }

    fn put(&mut self, key: K, level: Level) {
        if self.young.len() >= self.half && !self.young.contains_key(&key) {
            self.old = core::mem::take(&mut self.young);
        }
        self.young.insert(key, level);
    }
}

#[cfg(test)]
#[path = "limits_tests.rs"]
mod tests;

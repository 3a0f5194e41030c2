//! One account after the other into the counts of a report.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use crate::cli::listing::State;
use crate::cli::unused::Usage;
use crate::cli::when::rfc3339;
use crate::identity::IdentityKey;
use crate::runtime::UnixTime;
use crate::store::Listed;
use crate::store::activity::LastUse;
use crate::vocabulary::{Mechanism, Scheme};

use super::counts::{First, count};
use super::facts::{Accounts, Age, Facts, Failures, MechanismUse, Need, Needing, SchemeUse, UnusedAccount, Usages};

/// The mechanisms one would like to be rid of, strongest first.
pub(super) const WEAK: [Mechanism; 2] = [Mechanism::DigestMd5, Mechanism::CramMd5];

const DAY: i64 = 86_400;

/// How long ago the last use is, at most; more than the one before.
const AGES: [(&str, i64); 7] = [
    ("1d", DAY),
    ("7d", 7 * DAY),
    ("30d", 30 * DAY),
    ("90d", 90 * DAY),
    ("180d", 180 * DAY),
    ("365d", 365 * DAY),
    ("older", i64::MAX),
];

/// No use is known.
const NONE: &str = "none-known";

/// An account with what is known of its use.
pub(super) struct Known<'a> {
    pub(super) account: &'a Listed,
    pub(super) key: &'a IdentityKey,
    pub(super) uses: &'a [LastUse],
    pub(super) usage: Usage,
}

impl Known<'_> {
    /// The last use and its mechanism.
    pub(super) fn last(&self) -> Option<(UnixTime, Mechanism)> {
        self.uses.iter().filter_map(|used| Some((used.at()?, used.mechanism))).max_by_key(|(at, _)| *at)
    }

    /// The passwords that were used by `weak` since then, and whether each was used by nothing stronger; with the last time.
    pub(super) fn users_of(&self, weak: Mechanism, since: UnixTime) -> impl Iterator<Item = (&str, UnixTime, bool)> {
        let lately = move |used: &&LastUse| used.at().is_some_and(|at| at > since);
        let by_weak = self.uses.iter().filter(lately).filter(move |used| used.mechanism == weak);
        by_weak.filter_map(move |used| {
            let of_same = self.uses.iter().filter(lately).filter(|other| other.label == used.label);
            // The order of the mechanisms is that of their strength, but for EXTERNAL, which knows no password.
            let stronger = of_same.map(|other| other.mechanism).any(|other| other < weak);
            Some((used.label.as_str(), used.at()?, !stronger))
        })
    }
}

/// Leaves out what belongs to an earlier account of the name, or to a password that is gone.
pub(super) fn of_this_account(account: &Listed, mut uses: Vec<LastUse>) -> Vec<LastUse> {
    let has = |label: &str| label.is_empty() || account.passwords.iter().any(|facts| facts.label.as_str() == label);
    uses.retain(|used| has(&used.label) && used.at().is_some_and(|at| at >= account.created));
    uses
}

/// The counts.
pub(super) struct Tally {
    now: UnixTime,
    since: UnixTime,
    accounts: Accounts,
    usage: Usages,
    ages: [Counted; AGES.len() + 1],
    used: BTreeMap<Mechanism, u64>,
    handed_out: BTreeMap<Mechanism, u64>,
    schemes: BTreeMap<Scheme, u64>,
    needs: [Needed; WEAK.len()],
    unused: First<(Option<UnixTime>, IdentityKey), UnusedAccount>,
}

#[derive(Default)]
struct Counted {
    accounts: u64,
    by: BTreeMap<&'static str, u64>,
}

struct Needed {
    accounts: u64,
    beside_stronger: u64,
    latest: First<(Reverse<UnixTime>, IdentityKey, String), Needing>,
}

impl Tally {
    /// `top` is the length of its lists.
    pub(super) fn new(now: UnixTime, since: UnixTime, top: usize) -> Self {
        let needed = || Needed { accounts: 0, beside_stronger: 0, latest: First::new(top) };
        Self {
            now,
            since,
            accounts: Accounts::default(),
            usage: Usages::default(),
            ages: Default::default(),
            used: BTreeMap::new(),
            handed_out: BTreeMap::new(),
            schemes: BTreeMap::new(),
            needs: WEAK.map(|_| needed()),
            unused: First::new(top),
        }
    }

    pub(super) fn add(&mut self, known: &Known<'_>) {
        let Known { account, key, uses, usage } = known;
        let state = State::of(account, self.now);
        let accounts = &mut self.accounts;
        count(&mut accounts.total);
        count(match state {
            State::Active => &mut accounts.active,
            State::Disabled => &mut accounts.disabled,
            State::Expired => &mut accounts.expired,
        });
        count(match usage {
            Usage::Used => &mut self.usage.used,
            Usage::Unused => &mut self.usage.unused,
            Usage::TooNew => &mut self.usage.too_new,
            Usage::Unknown => &mut self.usage.unknown,
        });
        self.add_last(known);
        for mechanism in Mechanism::ALL {
            let lately = |at: Option<UnixTime>| at.is_some_and(|at| at > self.since);
            let mut by_it = uses.iter().filter(|used| used.mechanism == mechanism && lately(used.at())).peekable();
            if by_it.peek().is_some() {
                let logged_in = by_it.any(|used| lately(used.last.map(|seen| seen.at)));
                let counts = if logged_in { &mut self.used } else { &mut self.handed_out };
                count(counts.entry(mechanism).or_default());
            }
        }
        account.schemes.iter().for_each(|scheme| count(self.schemes.entry(*scheme).or_default()));
        for (weak, needed) in WEAK.into_iter().zip(&mut self.needs) {
            needed.add(known, weak, self.since);
        }
        if *usage == Usage::Unused {
            let last = known.last().map(|(at, _)| at);
            self.unused.add((last, (*key).clone()), || UnusedAccount {
                account: account.identity.to_string(),
                state: state.word(),
                last: last.map(rfc3339),
            });
        }
    }

    fn add_last(&mut self, known: &Known<'_>) {
        let last = known.last();
        let ago = last.map(|(at, _)| self.now.0.saturating_sub(at.0));
        let place = ago.map_or(AGES.len(), |ago| AGES.iter().take_while(|(_, most)| ago > *most).count());
        if let Some(age) = self.ages.get_mut(place) {
            count(&mut age.accounts);
            if let Some((_, mechanism)) = last {
                count(age.by.entry(mechanism.name()).or_default());
            }
        }
    }

    /// The facts, once every account was there. `activity_since` is since when every login is known.
    pub(super) fn into_facts(
        self,
        database: String,
        activity_since: Option<UnixTime>,
        failures: Option<Failures>,
    ) -> Facts {
        let ages = AGES.map(|(name, _)| name).into_iter().chain([NONE]);
        let age = |(Counted { accounts, by }, age)| Age { age, accounts, by };
        let number = |counts: &BTreeMap<Mechanism, u64>, mechanism| counts.get(&mechanism).copied().unwrap_or_default();
        let mechanism = |mechanism: Mechanism| MechanismUse {
            mechanism: mechanism.name(),
            used: number(&self.used, mechanism),
            handed_out: number(&self.handed_out, mechanism),
        };
        let scheme = |scheme: Scheme| SchemeUse {
            scheme: scheme.name(),
            accounts: self.schemes.get(&scheme).copied().unwrap_or_default(),
        };
        let need = |(weak, needed): (Mechanism, Needed)| Need {
            mechanism: weak.name(),
            accounts: needed.accounts,
            beside_stronger: needed.beside_stronger,
            latest: needed.latest.into_values(),
        };
        Facts {
            made: rfc3339(self.now),
            database,
            since: rfc3339(self.since),
            activity_since: activity_since.map(rfc3339),
            accounts: self.accounts,
            usage: self.usage,
            last_use: self.ages.into_iter().zip(ages).map(age).collect(),
            mechanisms: Mechanism::ALL.into_iter().map(mechanism).collect(),
            schemes: Scheme::ALL.into_iter().map(scheme).collect(),
            needs: WEAK.into_iter().zip(self.needs).map(need).collect(),
            unused: self.unused.into_values(),
            failures,
        }
    }
}

impl Needed {
    fn add(&mut self, known: &Known<'_>, weak: Mechanism, since: UnixTime) {
        let (mut needs, mut beside) = (false, false);
        for (label, last, nothing_stronger) in known.users_of(weak, since) {
            needs |= nothing_stronger;
            beside |= !nothing_stronger;
            if nothing_stronger {
                let key = (Reverse(last), known.key.clone(), label.to_owned());
                self.latest.add(key, || Needing {
                    account: known.account.identity.to_string(),
                    password: label.to_owned(),
                    last: rfc3339(last),
                });
            }
        }
        if needs {
            count(&mut self.accounts);
        } else if beside {
            count(&mut self.beside_stronger);
        }
    }
}

//! Counting who is on top, in bounded memory.

use std::collections::{BTreeMap, HashMap};
use std::hash::Hash;

/// The most names or addresses that are told apart.
const MOST: usize = 65_536;

/// How often each of any number of things came. As long as there are not too many of them the counts are exact; then each is at most
/// [`Self::missed`] too low, and none that came more often than that is lost (Misra and Gries, 1982).
pub(super) struct Counts<K> {
    counts: HashMap<K, u64>,
    room: usize,
    missed: u64,
}

impl<K: Eq + Hash> Counts<K> {
    pub(super) fn new() -> Self {
        Self::with_room(MOST)
    }

    fn with_room(room: usize) -> Self {
        Self { counts: HashMap::new(), room, missed: 0 }
    }

    pub(super) fn add(&mut self, key: K) {
        if let Some(number) = self.counts.get_mut(&key) {
            count(number);
        } else if self.counts.len() < self.room {
            self.counts.insert(key, 1);
        } else {
            // Each takes one away from all, itself included: paid for by as many that were added before.
            count(&mut self.missed);
            self.counts.retain(|_, count| {
                *count = count.saturating_sub(1);
                *count > 0
            });
        }
    }

    /// By how much a count may be too low.
    pub(super) const fn missed(&self) -> u64 {
        self.missed
    }

    pub(super) fn get(&self, key: &K) -> Option<u64> {
        self.counts.get(key).copied()
    }
}

impl<K: Eq + Hash + Ord> Counts<K> {
    /// The `most` that came most often, the most frequent first.
    pub(super) fn top(self, most: usize) -> Vec<(K, u64)> {
        top(self.counts, most)
    }
}

/// The `most` that came most often, the most frequent first; of those that came as often, in the order of their keys.
pub(super) fn top<K: Ord>(counts: impl IntoIterator<Item = (K, u64)>, most: usize) -> Vec<(K, u64)> {
    let mut all: Vec<_> = counts.into_iter().collect();
    all.sort_unstable_by(|(key, count), (other, others)| others.cmp(count).then_with(|| key.cmp(other)));
    all.truncate(most);
    all
}

/// One more.
pub(super) fn count(number: &mut u64) {
    *number = number.saturating_add(1);
}

/// The first few of any number of things, in the order of their keys.
pub(super) struct First<K, V> {
    kept: BTreeMap<K, V>,
    most: usize,
}

impl<K: Ord, V> First<K, V> {
    pub(super) const fn new(most: usize) -> Self {
        Self { kept: BTreeMap::new(), most }
    }

    pub(super) fn add(&mut self, key: K, value: impl FnOnce() -> V) {
        let fits = self.kept.len() < self.most || self.kept.last_key_value().is_some_and(|(last, _)| key < *last);
        if fits {
            self.kept.insert(key, value());
            if self.kept.len() > self.most {
                self.kept.pop_last();
            }
        }
    }

    pub(super) fn into_values(self) -> Vec<V> {
        self.kept.into_values().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_are_exact_while_there_is_room() {
        let mut counts = Counts::with_room(3);
        "abacbaa".chars().for_each(|letter| counts.add(letter));
        assert_eq!((counts.missed(), counts.get(&'a'), counts.get(&'x')), (0, Some(4), None));
        assert_eq!(counts.top(2), [('a', 4), ('b', 2)]);
    }

    #[test]
    fn beyond_that_they_are_too_low_by_no_more_than_what_is_told() {
        let mut counts = Counts::with_room(10);
        let (mut often, mut all) = (0, 0);
        for number in 0..10_000u32 {
            counts.add(number + 1);
            all += 1;
            if number % 3 == 0 {
                counts.add(0);
                often += 1;
                all += 1;
            }
        }
        assert!(counts.missed() <= all / 11, "{} of {all}", counts.missed());
        let missed = counts.missed();
        let top = counts.top(1)[0];
        assert!(top.0 == 0 && top.1 <= often && top.1 + missed >= often, "{top:?}, {often}, {missed}");
    }

    #[test]
    fn the_first_are_kept() {
        let mut first = First::new(2);
        for (key, value) in [(3, "c"), (1, "a"), (4, "d"), (2, "b")] {
            first.add(key, || value);
        }
        assert_eq!(first.into_values(), ["a", "b"]);
    }
}

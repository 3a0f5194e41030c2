//! Heads of the system's log, compared with the entries that they name as they are read: of a log of any length two bits for each
//! entry are kept, and the numbers that no entry has.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;

use crate::store::{AuditHead, StoreError};

/// What comparing has told so far.
#[derive(Debug, Default)]
pub(super) struct Compared {
    /// Whether there was any head.
    pub(super) any: bool,
    /// Entries with a head that is theirs.
    agreeing: Numbers,
    /// Entries with a head that is not. A number may have both: a database restored from a backup counts on from there.
    differing: Numbers,
    /// Numbers that no entry has.
    unknown: BTreeSet<u64>,
}

impl Compared {
    /// Takes a head of the log; `stored` gives the entry of a number.
    pub(super) fn take(
        &mut self,
        head: AuditHead,
        stored: impl FnOnce(u64) -> Result<Option<AuditHead>, StoreError>,
    ) -> Result<(), StoreError> {
        self.any = true;
        match stored(head.number)? {
            Some(entry) if entry == head => self.agreeing.insert(head.number),
            Some(_) => self.differing.insert(head.number),
            None => _ = self.unknown.insert(head.number),
        }
        Ok(())
    }

    /// How many of the first `entries` the log confirms.
    pub(super) fn confirmed(&self, entries: u64) -> usize {
        self.agreeing.up_to(entries).count()
    }

    /// Those of the first `entries` that the log knows otherwise.
    pub(super) fn differ(&self, entries: u64) -> Vec<u64> {
        self.differing.up_to(entries).filter(|number| !self.agreeing.contains(*number)).collect()
    }

    /// Entries that the log knows beyond the first `entries`.
    pub(super) fn beyond(&self, entries: u64) -> Vec<u64> {
        self.unknown.range((Bound::Excluded(entries), Bound::Unbounded)).copied().collect()
    }
}

/// A set of numbers that are dense: a bit for each.
#[derive(Debug, Default)]
struct Numbers(BTreeMap<u64, u64>);

/// Numbers in a word.
const WORD: u64 = 64;

impl Numbers {
    fn insert(&mut self, number: u64) {
        *self.0.entry(number / WORD).or_default() |= 1 << (number % WORD);
    }

    fn contains(&self, number: u64) -> bool {
        self.0.get(&(number / WORD)).is_some_and(|word| word & 1 << (number % WORD) != 0)
    }

    /// In their order.
    fn up_to(&self, last: u64) -> impl Iterator<Item = u64> {
        let numbers = self.0.iter().flat_map(|(place, word)| {
            let set = (0..WORD).filter(move |bit| word & 1 << bit != 0);
            set.map(move |bit| place.saturating_mul(WORD).saturating_add(bit))
        });
        numbers.take_while(move |number| *number <= last)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head(number: u64, mac: u8) -> AuditHead {
        AuditHead { number, mac: [mac; 32] }
    }

    #[test]
    fn a_number_that_came_with_another_head_too_is_confirmed() {
        let mut compared = Compared::default();
        assert!(!compared.any);
        let stored = |number| Ok((1..=200).contains(&number).then(|| head(number, 7)));
        for (number, mac) in
            [(1, 7), (64, 7), (64, 8), (63, 8), (65, 8), (200, 7), (200, 7), (201, 7), (u64::MAX, 7), (0, 7)]
        {
            compared.take(head(number, mac), stored).unwrap();
        }
        assert!(compared.any);
        assert_eq!((compared.confirmed(200), compared.confirmed(199), compared.confirmed(0)), (3, 2, 0));
        assert_eq!(compared.differ(200), [63, 65]);
        assert_eq!(compared.differ(64), [63]);
        assert_eq!(compared.beyond(200), [201, u64::MAX]);
        assert!(compared.beyond(u64::MAX).is_empty());
    }
}

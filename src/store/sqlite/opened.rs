//! Records that were opened, kept for as long as nothing in the database has changed: a login then costs neither a search nor a
//! seal. A decoy is kept as an account is, and found at the same cost.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use crate::credential::Account;
use crate::identity::IdentityKey;

/// Room for accounts, in bytes: some two thousand of them with one password each.
pub(super) const ACCOUNTS: usize = 3 << 20;

/// Room for decoys. Theirs alone: whoever goes through many names that do not exist drives no account out.
pub(super) const DECOYS: usize = 1 << 20;

/// What an account and each of its passwords take besides their bytes: places in lists and tables, gaps between blocks.
const BESIDES: usize = 384;

/// Opened accounts and decoys, each in a room of its own. When a room is full, those go first that nobody has asked for since they
/// came or since the last time they could have gone. With the last that uses it, a record is wiped.
pub(super) struct Opened {
    records: HashMap<IdentityKey, Kept>,
    accounts: Room,
    decoys: Room,
}

/// A record and whether it is an account.
pub(super) type Record = (bool, Arc<Account>);

struct Kept {
    record: Record,
    weight: usize,
    used: bool,
}

/// The order in which records of one kind came, and what they take up.
struct Room {
    order: VecDeque<IdentityKey>,
    taken: usize,
    size: usize,
}

impl Opened {
    /// Nothing yet, and room for so many bytes of accounts and of decoys.
    pub(super) fn with_room(accounts: usize, decoys: usize) -> Self {
        let room = |size| Room { order: VecDeque::new(), taken: 0, size };
        Self { records: HashMap::new(), accounts: room(accounts), decoys: room(decoys) }
    }

    pub(super) fn get(&mut self, key: &IdentityKey) -> Option<Record> {
        let kept = self.records.get_mut(key)?;
        kept.used = true;
        Some(kept.record.clone())
    }

    /// Keeps a record that was not there; `stored` is its size in the database.
    pub(super) fn keep(&mut self, key: &IdentityKey, record: &Record, stored: usize) {
        let weight = weight(&record.1, stored);
        let room = if record.0 { &mut self.accounts } else { &mut self.decoys };
        room.taken = room.taken.saturating_add(weight);
        room.order.push_back(key.clone());
        self.records.insert(key.clone(), Kept { record: record.clone(), weight, used: false });
        while room.taken > room.size
            && let Some(oldest) = room.order.pop_front()
        {
            match self.records.get_mut(&oldest) {
                Some(kept) if kept.used => {
                    kept.used = false;
                    room.order.push_back(oldest);
                }
                Some(kept) => {
                    room.taken = room.taken.saturating_sub(kept.weight);
                    self.records.remove(&oldest);
                }
                None => {}
            }
        }
    }

    /// Forgets everything.
    pub(super) fn clear(&mut self) {
        self.records.clear();
        for room in [&mut self.accounts, &mut self.decoys] {
            room.order.clear();
            room.taken = 0;
        }
    }
}

/// What a record takes up in memory, in bytes, near enough: lists and tables besides what it takes up in the database.
fn weight(account: &Account, stored: usize) -> usize {
    account.passwords.len().saturating_add(1).saturating_mul(BESIDES).saturating_add(stored.saturating_mul(2))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::credential::AccountState;
    use crate::identity::{Identity, Name, Realm};
    use crate::runtime::UnixTime;

    const SIZE: usize = 500;

    fn record(known: bool, name: &str) -> (IdentityKey, Record) {
        let identity = Identity::new(Name::new(name).unwrap(), Realm::new("example.com").unwrap());
        let account = Account {
            identity: identity.clone(),
            state: AccountState::default(),
            revision: 1,
            created: UnixTime(0),
            changed: UnixTime(0),
            mechanisms: None,
            passwords: Vec::new(),
        };
        (identity.key(), (known, Arc::new(account)))
    }

    fn keep(opened: &mut Opened, known: bool, name: &str) -> IdentityKey {
        let (key, record) = record(known, name);
        opened.keep(&key, &record, SIZE);
        key
    }

    /// Room for `accounts` and `decoys` of [`SIZE`].
    fn with_room(accounts: usize, decoys: usize) -> Opened {
        let one = weight(&record(true, "one").1.1, SIZE);
        Opened::with_room(one.saturating_mul(accounts), one.saturating_mul(decoys))
    }

    #[test]
    fn no_more_is_kept_than_there_is_room_for() {
        let mut opened = with_room(10, 5);
        for number in 0..100 {
            keep(&mut opened, number % 2 == 0, &format!("name{number}"));
            assert!(opened.accounts.taken <= opened.accounts.size && opened.decoys.taken <= opened.decoys.size);
        }
        assert_eq!(opened.records.len(), 15);
        assert_eq!((opened.accounts.order.len(), opened.decoys.order.len()), (10, 5));
    }

    #[test]
    fn names_that_do_not_exist_drive_no_account_out() {
        let mut opened = with_room(3, 3);
        let accounts = ["ann", "bob", "joe"].map(|name| keep(&mut opened, true, name));
        (0..1000).for_each(|number| drop(keep(&mut opened, false, &format!("name{number}"))));
        assert!(accounts.iter().all(|key| opened.get(key).is_some_and(|(known, _)| known)));
    }

    #[test]
    fn those_in_use_stay_longest() {
        let mut opened = with_room(3, 0);
        let joe = keep(&mut opened, true, "joe");
        for number in 0..100 {
            assert!(opened.get(&joe).is_some(), "after {number} others");
            keep(&mut opened, true, &format!("name{number}"));
        }
        let idle = keep(&mut opened, true, "idle");
        (0..3).for_each(|number| drop(keep(&mut opened, true, &format!("other{number}"))));
        assert!(opened.get(&idle).is_none());
    }

    #[test]
    fn what_is_forgotten_is_dropped_and_so_wiped() {
        let mut opened = with_room(1, 1);
        let (key, record) = record(true, "joe");
        let watch = Arc::downgrade(&record.1);
        opened.keep(&key, &record, SIZE);
        drop(record);
        assert!(watch.upgrade().is_some());
        keep(&mut opened, true, "ann");
        assert!(watch.upgrade().is_none(), "driven out");

        let key = keep(&mut opened, false, "bob");
        let watch = Arc::downgrade(&opened.get(&key).unwrap().1);
        opened.clear();
        assert!(watch.upgrade().is_none(), "cleared");
        assert_eq!((opened.records.len(), opened.accounts.taken, opened.decoys.taken), (0, 0, 0));
    }
}

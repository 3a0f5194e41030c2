//! Reading ahead: who asks for the accounts in their order finds most answers at hand.

use std::collections::VecDeque;

use crate::identity::IdentityKey;
use crate::store::StoreError;

use super::{ActivityReader, LastUse, fault};

/// How many entries are read at once. Each reading locks the file, and keeps the helper from writing for no longer than it takes.
const AT_ONCE: usize = 128;

/// Activity of many accounts. Asked for in the order of their keys it is read a piece at a time; in any other order each answer
/// takes as long as a piece.
#[derive(Debug)]
pub struct ActivityAhead {
    reader: ActivityReader,
    /// Whom it was asked for last; nothing that is at hand is of an account before.
    asked: Option<IdentityKey>,
    at_hand: VecDeque<(Owner, LastUse)>,
    /// The first account that is not at hand; `None` where there is no other.
    end: Option<Owner>,
}

/// Whose an entry is: realm and name, in the order of keys.
type Owner = (String, String);

impl ActivityAhead {
    /// Nothing is read yet.
    #[must_use]
    pub fn of(reader: ActivityReader) -> Self {
        Self { reader, asked: None, at_hand: VecDeque::new(), end: None }
    }

    /// As [`ActivityReader::last_uses`], as it was when it was read: not before [`Self::forget`], and not before another account was
    /// asked for that comes after this one.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn last_uses(&mut self, key: &IdentityKey) -> Result<Vec<LastUse>, StoreError> {
        let place = (key.realm(), key.name());
        let is_at_hand = self.asked.as_ref().is_some_and(|asked| asked < key)
            && self.end.as_ref().is_none_or(|end| place < as_place(end));
        if !is_at_hand {
            self.read(key)?;
        }
        self.asked = Some(key.clone());
        while self.at_hand.pop_front_if(|(owner, _)| as_place(owner) < place).is_some() {}
        let mut uses = Vec::new();
        while let Some((_, used)) = self.at_hand.pop_front_if(|(owner, _)| as_place(owner) == place) {
            uses.push(used);
        }
        Ok(uses)
    }

    /// What is asked for from now on is read anew.
    pub fn forget(&mut self) {
        self.asked = None;
    }

    /// Reads on from an account.
    fn read(&mut self, key: &IdentityKey) -> Result<(), StoreError> {
        let ActivityReader { connection, path, database } = &self.reader;
        let fail = |e| fault(path, e);
        let asked = "SELECT label, mechanism, last, remote, handed_out, last_handed_out, realm, name FROM uses \
                     WHERE database = ?1 AND (realm, name) >= (?2, ?3) ORDER BY realm, name, label, mechanism LIMIT ?4";
        let mut statement = connection.prepare_cached(asked).map_err(fail)?;
        let mut rows = statement.query((&database[..], key.realm(), key.name(), AT_ONCE)).map_err(fail)?;
        self.at_hand.clear();
        let (mut many, mut last) = (0usize, None);
        while let Some(row) = rows.next().map_err(fail)? {
            let owner: Owner = (row.get(6).map_err(fail)?, row.get(7).map_err(fail)?);
            let used = super::last_use(row).map_err(fail)?;
            self.at_hand.extend(used.map(|used| (owner.clone(), used)));
            (many, last) = (many.saturating_add(1), Some(owner));
        }
        // The last account may have more entries than were read.
        self.end = last.filter(|_| many == AT_ONCE);
        let Some(end) = &self.end else { return Ok(()) };
        self.at_hand.retain(|(owner, _)| owner != end);
        if as_place(end) == (key.realm(), key.name()) {
            let all = self.reader.last_uses(key)?;
            self.at_hand.extend(all.into_iter().map(|used| (end.clone(), used)));
        }
        Ok(())
    }
}

fn as_place((realm, name): &Owner) -> (&str, &str) {
    (realm, name)
}

#[cfg(test)]
#[allow(clippy::arithmetic_side_effects, reason = "a test may fail")]
mod tests {
    use super::*;
    use crate::identity::{Identity, Name, Realm};
    use crate::runtime::UnixTime;
    use crate::store::activity::{ActivityWriter, Seen, Use};
    use crate::vocabulary::Mechanism;

    const DATABASE: [u8; 16] = [7; 16];

    fn key(number: usize) -> IdentityKey {
        let realm = Realm::new(["example.com", "example.org", "other.test"][number % 3]).unwrap();
        Identity::new(Name::new(&format!("user{number}")).unwrap(), realm).key()
    }

    fn write(writer: &mut ActivityWriter, uses: &[Use], at: i64) {
        let seen = Seen { at: UnixTime(at), remote: None };
        writer.record(&DATABASE, uses.iter().map(|used| (used, &seen)), [], false, UnixTime(at)).unwrap();
    }

    /// So many uses of an account; in another database there is one of each account.
    fn uses(number: usize, many: usize) -> Vec<Use> {
        let used = |which: usize| {
            let mechanism = Mechanism::ALL[which % Mechanism::ALL.len()];
            Use { key: key(number), label: format!("label{}", which / Mechanism::ALL.len()), mechanism }
        };
        (0..many).map(used).collect()
    }

    /// One account in four has no activity, and one far more than is read at once.
    fn folder() -> (tempfile::TempDir, ActivityWriter, Vec<IdentityKey>) {
        let folder = tempfile::tempdir().unwrap();
        let mut writer = ActivityWriter::begin(folder.path(), UnixTime(1)).unwrap();
        let all: Vec<Use> =
            (0..1000).flat_map(|number| uses(number, if number == 500 { AT_ONCE * 2 } else { number % 4 })).collect();
        write(&mut writer, &all, 10);
        let others: Vec<Use> = (0..1000).flat_map(|number| uses(number, 1)).collect();
        let seen = Seen { at: UnixTime(99), remote: None };
        writer.record(&[9; 16], others.iter().map(|used| (used, &seen)), [], false, UnixTime(99)).unwrap();
        let mut keys: Vec<IdentityKey> = (0..1000).map(key).collect();
        keys.sort();
        (folder, writer, keys)
    }

    fn assert_as_asked_one_by_one(pick: impl Fn(Vec<IdentityKey>) -> Vec<IdentityKey>) {
        let (folder, _writer, keys) = folder();
        let reader = || ActivityReader::open(folder.path(), DATABASE).unwrap();
        let (one_by_one, mut ahead) = (reader(), ActivityAhead::of(reader()));
        for key in pick(keys) {
            assert_eq!(ahead.last_uses(&key).unwrap(), one_by_one.last_uses(&key).unwrap(), "{key}");
        }
    }

    #[test]
    fn in_the_order_of_keys_it_tells_what_each_look_up_tells() {
        assert_as_asked_one_by_one(|keys| keys);
        assert_as_asked_one_by_one(|keys| keys.into_iter().step_by(7).collect());
        assert_as_asked_one_by_one(|keys| keys.into_iter().filter(|key| key.realm() == "example.org").collect());
    }

    #[test]
    fn in_any_other_order_too() {
        assert_as_asked_one_by_one(|keys| keys.into_iter().rev().collect());
        assert_as_asked_one_by_one(|keys| keys.iter().flat_map(|key| [key.clone(), key.clone()]).collect());
        assert_as_asked_one_by_one(|keys| (0..1000).map(|number| keys[number * 617 % 1000].clone()).collect());
    }

    #[test]
    fn a_helper_writes_meanwhile_and_is_heard_after_forgetting() {
        let (folder, mut writer, keys) = folder();
        let mut ahead = ActivityAhead::of(ActivityReader::open(folder.path(), DATABASE).unwrap());
        ahead.last_uses(&keys[0]).unwrap();
        let late = Use { key: keys[1].clone(), label: "late".to_owned(), mechanism: Mechanism::Plain };
        write(&mut writer, &[late], 20);
        ahead.forget();
        assert_eq!(ahead.last_uses(&keys[1]).unwrap().last().unwrap().label, "late");
    }
}

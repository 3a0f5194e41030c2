//! What helpers wrote down long ago.

use std::fs;
use std::time::{SystemTime, UNIX_EPOCH};

use sasldb::identity::{Identity, Name, Realm};
use sasldb::runtime::{SystemEntropy, UnixTime};
use sasldb::store::activity::{ActivityWriter, HandedOut, Seen, Use};
use sasldb::store::sqlite::{Lister, Writer};
use sasldb::store::{Actor, Applied, Change, CredentialAdmin as _, Place, Provision};
use sasldb::vocabulary::Mechanism;

use crate::shell::Shell;

pub(crate) const DAY: i64 = 86_400;

/// Name, password and mechanism, and how long ago, in seconds.
pub(crate) type Used<'a> = (&'a str, &'a str, Mechanism, i64);

fn now() -> i64 {
    i64::try_from(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()).unwrap()
}

/// Has activity begin so long ago, with these logins, and with secrets handed out for those of `handed_out`.
pub(crate) fn activity(shell: &Shell, begun: i64, logins: &[Used<'_>], handed_out: &[Used<'_>]) {
    let database = Lister::open(&shell.database()).unwrap().database_id();
    of_database(shell, database, begun, logins, handed_out);
}

/// The same for the database of this number.
pub(crate) fn of_database(shell: &Shell, database: [u8; 16], begun: i64, logins: &[Used<'_>], handed_out: &[Used<'_>]) {
    let now = now();
    let folder = shell.path("accounts.db.activity");
    let _ = fs::create_dir(&folder);
    let one = |(name, label, mechanism, ago): &Used<'_>| {
        let key = Identity::new(Name::new(name).unwrap(), Realm::new("example.com").unwrap()).key();
        (Use { key, label: (*label).to_owned(), mechanism: *mechanism }, UnixTime(now - ago))
    };
    let seen = |used| {
        let (used, at) = one(used);
        (used, Seen { at, remote: Some("192.0.2.1".parse().unwrap()) })
    };
    let handed = |used| {
        let (used, last) = one(used);
        (used, HandedOut { times: 1, last })
    };
    let logins: Vec<_> = logins.iter().map(seen).collect();
    let handed_out: Vec<_> = handed_out.iter().map(handed).collect();
    let mut writer = ActivityWriter::begin(&folder, UnixTime(now - begun)).unwrap();
    let logins = logins.iter().map(|(used, seen)| (used, seen));
    let handed_out = handed_out.iter().map(|(used, handed)| (used, handed));
    writer.record(&database, logins, handed_out, false, UnixTime(now - begun)).unwrap();
    writer.end(UnixTime(now)).unwrap();
}

/// Makes all accounts anew, with the same passwords, as so long ago: when an account was made is sealed with it.
pub(crate) fn age_accounts(shell: &Shell, by: i64) {
    let then = UnixTime(now() - by);
    let actor = Actor { uid: 0, program: "past".to_owned() };
    let mut writer = Writer::open_existing(&Place::at(shell.database(), None), Box::new(SystemEntropy)).unwrap();
    let mut keys = Vec::new();
    writer
        .list(&mut |account| {
            keys.push(account.identity.key());
            true
        })
        .unwrap();
    let (mut changes, mut others) = (Vec::new(), Vec::new());
    for key in keys {
        let account = writer.account(&key).unwrap().unwrap();
        changes.push(Change::Remove { key });
        for (place, password) in account.passwords.into_iter().enumerate() {
            let set = Provision::password(account.identity.clone(), password, None);
            if place == 0 { changes.push(set.into()) } else { others.push(set) }
        }
    }
    assert!(writer.apply_each(changes, &actor, then).unwrap().iter().all(Result::is_ok));
    for other in others {
        let expected = Some(writer.account(&other.identity.key()).unwrap().unwrap().revision);
        let set = Provision { expected, ..other };
        assert_eq!(writer.apply(set.into(), &actor, then).unwrap().applied, Applied::Changed);
    }
}

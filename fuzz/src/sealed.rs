//! Passwords sealed on their own, as `sasldb-rs export` writes them and `apply` reads them. The first lines of the input are an account
//! and a label; then come the forms of a password, a line for each, up to a line `damage`; then lines `PLACE BYTE`, both in
//! hexadecimal, for bytes of what is sealed that are to be others. What was sealed opens for the same account, label and limits,
//! and with nothing else about it.

use std::{env, fs, process};

use sasldb::credential::{DigestSpelling, Imported, Label, PasswordFacts, ServiceName, Stored, StoredPassword};
use sasldb::identity::{Authcid, Identity, Realm, Realms};
use sasldb::runtime::{SystemEntropy, UnixTime};
use sasldb::store::sqlite::{Creation, Inspector, Writer};
use sasldb::store::{Actor, Place};

use super::sasldb2::place_and_byte;
use super::site::{self, REALM};

/// A database with its key. Both stay open when their files are gone.
struct Database {
    inspector: Inspector,
    writer: Writer,
}

thread_local! {
    static DATABASE: Database = {
        let folder = env::temp_dir().join(format!("sasldb-fuzz-{}", process::id()));
        fs::create_dir(&folder).unwrap();
        let place = Place::at(folder.join("accounts.db"), None);
        let actor = Actor { uid: 0, program: "fuzz".to_owned() };
        let creation = Creation { realms: realms(), actor, now: site::NOW };
        let writer = Writer::open(&place, &creation, Box::new(SystemEntropy)).unwrap();
        let inspector = Inspector::open(&place).unwrap();
        fs::remove_dir_all(&folder).unwrap();
        Database { inspector, writer }
    };
}

fn realms() -> Realms {
    Realms::new(Realm::new(REALM).unwrap(), [])
}

pub fn target(data: &[u8]) {
    let mut lines = data.split(|byte| *byte == b'\n');
    let mut text = || std::str::from_utf8(lines.next()?).ok();
    let (Some(account), Some(label)) = (text(), text()) else { return };
    let (Ok(account), Ok(label)) = (Authcid::parse(account), Label::new(label)) else { return };
    let identity = realms().resolve(&account, None);
    let forms: Vec<&[u8]> = lines.by_ref().take_while(|line| *line != b"damage").collect();
    let Some(password) = password(label, &forms) else { return };
    DATABASE.with(|database| check(database, &identity, &password, data, lines.filter_map(place_and_byte)));
}

fn check(
    database: &Database,
    identity: &Identity,
    password: &StoredPassword,
    data: &[u8],
    damage: impl Iterator<Item = (usize, u8)>,
) {
    let sealed = database.inspector.seal_password(identity, password, &mut SystemEntropy).unwrap();
    let open = |identity: &Identity, facts: &PasswordFacts, sealed: &[u8]| {
        let opened = database.writer.open_password(identity, facts, sealed);
        opened.map(|secrets| secrets.texts()).map_err(|fault| fault.to_string())
    };

    assert_eq!(open(identity, &password.facts, &sealed), Ok(password.secrets.texts()));
    for facts in others(&password.facts) {
        open(identity, &facts, &sealed).unwrap_err();
    }
    let other = realms().resolve(&Authcid::parse("nobody-else").unwrap(), None);
    assert!(other.key() == identity.key() || open(&other, &password.facts, &sealed).is_err());
    let mut damaged = sealed.clone();
    for (place, byte) in damage {
        let place = place % sealed.len();
        damaged[place] = byte;
        open(identity, &password.facts, &sealed[..place]).unwrap_err();
    }
    let opened = open(identity, &password.facts, &damaged);
    assert_eq!(opened.is_ok(), damaged == sealed, "{opened:?}");
    open(identity, &password.facts, data).unwrap_err();
    open(identity, &password.facts, &[&sealed, data].concat()).unwrap_err();
}

/// A password of these forms; none if they do not go together.
fn password(label: Label, forms: &[&[u8]]) -> Option<StoredPassword> {
    let spelling = DigestSpelling { username: "joe".to_owned(), realm: REALM.to_owned() };
    let mut stored = None;
    for form in forms {
        Stored::gather(&mut stored, Imported::parse(std::str::from_utf8(form).ok()?).ok()?, &spelling).ok()?;
    }
    match stored {
        Some(Stored::Forms(secrets)) => {
            Some(StoredPassword { facts: PasswordFacts::unlimited(label), secrets: *secrets })
        }
        _ => None,
    }
}

/// Another label, and limits where there are none.
fn others(facts: &PasswordFacts) -> [PasswordFacts; 4] {
    let label = if facts.label.as_str() == "main" { "phone" } else { "main" };
    [
        PasswordFacts { label: Label::new(label).unwrap(), ..facts.clone() },
        PasswordFacts { expires: Some(UnixTime(0)), ..facts.clone() },
        PasswordFacts { services: vec![ServiceName::new("smtp").unwrap()], ..facts.clone() },
        PasswordFacts { networks: vec!["192.0.2.0/24".parse().unwrap()], ..facts.clone() },
    ]
}

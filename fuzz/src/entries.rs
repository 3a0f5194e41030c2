//! What `sasldb-rs apply` reads: the input is the file, TOML or a line of JSON for each account, in which `<secret>` stands for a
//! password. Each line of JSON is an entry or has a fault of its own; in TOML the same accounts are the same. Where the password
//! stands in its place, or where no text belongs, nothing that is said repeats it.

use sasldb::cli::sasldb::entries_of;
use serde_json::Value;

use super::site::{self, SECRET, SITE, is_one_line};

pub fn target(data: &[u8]) {
    let file = site::with_secret(data);
    let read = entries_of(&file, &SITE.policy.realms);
    if let Err(said) = &read {
        assert!(!said.is_empty() && is_one_line(said), "{said:?}");
    }
    match file.trim_ascii_start().first() {
        None => assert_eq!(read, Ok(Vec::new())),
        Some(b'{') => check_json(&file, &read.unwrap()),
        Some(_) => check_toml(&file, read),
    }
}

type Entries = Vec<(u64, Result<String, String>)>;

fn check_json(file: &[u8], read: &Entries) {
    let lines = (1..).zip(file.split(|byte| *byte == b'\n')).filter(|(_, line)| !line.trim_ascii().is_empty());
    let lines: Vec<(u64, &[u8])> = lines.collect();
    assert_eq!(lines.iter().map(|(n, _)| n).collect::<Vec<_>>(), read.iter().map(|(n, _)| n).collect::<Vec<_>>());
    let mut accounts = Vec::new();
    for ((_, line), (_, entry)) in lines.iter().zip(read) {
        // Whatever blanks stand before the first brace.
        let value = serde_json::from_slice::<Value>(line.trim_ascii());
        let (Ok(said) | Err(said)) = entry;
        assert!(!said.is_empty() && is_one_line(said), "{said:?}");
        match &value {
            Ok(value) => assert!(!said.contains(SECRET) || shows_secret(value), "{said:?}"),
            Err(_) => assert!(entry.is_err()),
        }
        if entry.is_ok() {
            accounts.push(toml::Value::try_from(without_nulls(value.unwrap())).unwrap());
        }
    }
    if !accounts.is_empty() {
        let expected: Vec<&String> = read.iter().filter_map(|(_, entry)| entry.as_ref().ok()).collect();
        let table = toml::Table::from_iter([("account".to_owned(), toml::Value::Array(accounts))]);
        let again = entries_of(toml::to_string(&table).unwrap().as_bytes(), &SITE.policy.realms).unwrap();
        let again: Vec<&String> = again.iter().map(|(_, entry)| entry.as_ref().unwrap()).collect();
        assert_eq!(again, expected);
    }
}

fn check_toml(file: &[u8], read: Result<Entries, String>) {
    let table = std::str::from_utf8(file).ok().and_then(|text| text.parse::<toml::Table>().ok());
    let shows = table.as_ref().is_none_or(|table| shows_secret(&serde_json::to_value(table).unwrap()));
    match read {
        Ok(entries) => {
            let accounts =
                table.as_ref().and_then(|table| table.get("account")).and_then(toml::Value::as_array).unwrap();
            assert_eq!(entries.len(), accounts.len());
            for (place, (found, entry)) in (1..).zip(entries) {
                let (Ok(said) | Err(said)) = entry;
                assert!(place == found && (shows || !said.contains(SECRET)), "{place} {found} {said}");
            }
        }
        Err(said) => assert!(shows || !said.contains(SECRET), "{said}"),
    }
}

/// Whether the password stands where what is wrong with a text is told with the text, or where a name is expected.
fn shows_secret(value: &Value) -> bool {
    const SHOWN: [&str; 8] =
        ["name", "realm", "expires", "mechanisms", "label", "services", "networks", "password_file"];
    match value {
        Value::Array(values) => values.iter().any(shows_secret),
        Value::Object(fields) => fields.iter().any(|(key, value)| {
            let is_shown = SHOWN.contains(&key.as_str()) && value.to_string().contains(SECRET);
            key.contains(SECRET) || is_shown || shows_secret(value)
        }),
        _ => false,
    }
}

/// TOML has none; an option that is null is one that is not there.
fn without_nulls(value: Value) -> Value {
    match value {
        Value::Object(fields) => fields
            .into_iter()
            .filter(|(_, value)| !value.is_null())
            .map(|(key, value)| (key, without_nulls(value)))
            .collect(),
        Value::Array(values) => values.into_iter().map(without_nulls).collect(),
        other => other,
    }
}

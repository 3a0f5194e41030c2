//! CSV (RFC 4180) with a heading; the input is the file.

use sasldb::credential::{DigestSpelling, Imported};
use sasldb::import::Csv;
use sasldb::secret::Password;

use super::lines::{self, Taken, Verdict, Wanted};
use super::oracle;

const COLUMNS: [&str; 5] = ["user", "realm", "password", "hash", "verifier"];

pub fn target(data: &[u8]) {
    lines::check(&mut Csv::default(), data, wanted);
}

enum Record {
    Fields(Vec<Vec<u8>>),
    /// It is not written as the RFC says.
    Wrong,
    /// Its last quote is not closed.
    Open,
}

fn wanted(file: &[u8]) -> Option<Vec<Wanted>> {
    let mut records = records(file).into_iter();
    let heading = match records.next() {
        None => return Some(Vec::new()),
        Some((_, Record::Wrong)) => return None,
        Some((line, Record::Open)) => return Some(vec![Wanted { line, who: None, entry: Verdict::Refused }]),
        Some((_, Record::Fields(heading))) => heading,
    };
    let heading: Vec<String> =
        heading.iter().map(|name| oracle::text(name.trim_ascii()).to_ascii_lowercase()).collect();
    let is_known =
        |name: &String| COLUMNS.contains(&name.as_str()) && heading.iter().filter(|other| *other == name).count() == 1;
    let has = |name: &str| heading.iter().any(|column| column == name);
    if !heading.iter().all(is_known) || !has("user") || !(has("password") || has("hash") || has("verifier")) {
        return None;
    }
    Some(records.map(|(line, record)| wanted_of(line, &heading, record)).collect())
}

fn wanted_of(line: u64, heading: &[String], record: Record) -> Wanted {
    let fields = match record {
        Record::Fields(fields) if fields.len() == heading.len() => fields,
        _ => return Wanted { line, who: None, entry: Verdict::Refused },
    };
    let field = |name: &str| heading.iter().position(|column| column == name).map_or(&b""[..], |at| &fields[at]);
    let (user, realm) = (field("user"), field("realm"));
    let who = if realm.is_empty() { user.to_vec() } else { [user, b"@", realm].concat() };
    let taken = entry(user, realm, ["password", "hash", "verifier"].map(field));
    Wanted { line, who: Some(who), entry: taken.map_or(Verdict::Refused, Verdict::Taken) }
}

fn entry(user: &[u8], realm: &[u8], [password, hash, verifier]: [&[u8]; 3]) -> Option<Taken> {
    if user.contains(&b'@') && !realm.is_empty() {
        return None;
    }
    let mut values = Vec::new();
    if !password.is_empty() {
        values.push(Imported::Plaintext(Password::new(password.to_vec()).ok()?));
    }
    for text in [hash, verifier].into_iter().filter(|text| !text.is_empty()) {
        values.push(Imported::parse(std::str::from_utf8(text).ok()?).ok()?);
    }
    let spelling = match realm.is_empty() {
        true => lines::of_dovecot(user),
        false => DigestSpelling { username: oracle::text(user), realm: oracle::text(realm) },
    };
    lines::account(user, realm, values, spelling)
}

/// All records of a file, each with the line that it begins on.
fn records(file: &[u8]) -> Vec<(u64, Record)> {
    let mut records = Vec::new();
    let (mut rest, mut line) = (file, 1);
    while !rest.is_empty() {
        let begins = line;
        let (record, after) = one_record(rest);
        line += rest[..rest.len() - after.len()].iter().filter(|byte| **byte == b'\n').count() as u64;
        let is_blank = rest.starts_with(b"\n") || rest.starts_with(b"\r\n") || rest == b"\r";
        if !is_blank {
            records.push((begins, record));
        }
        rest = after;
    }
    records
}

/// The first record, and what comes after its line.
fn one_record(text: &[u8]) -> (Record, &[u8]) {
    let (mut fields, mut is_right, mut rest) = (Vec::new(), true, text);
    loop {
        let mut field = Vec::new();
        if let Some(mut quoted) = rest.strip_prefix(b"\"") {
            loop {
                match quoted {
                    [b'"', b'"', after @ ..] => {
                        field.push(b'"');
                        quoted = after;
                    }
                    [b'"', after @ ..] => {
                        rest = after;
                        break;
                    }
                    [byte, after @ ..] => {
                        field.push(*byte);
                        quoted = after;
                    }
                    [] => return (Record::Open, &[]),
                }
            }
            let ends = matches!(rest, [] | [b',' | b'\n', ..] | [b'\r', b'\n', ..] | [b'\r']);
            is_right &= ends;
        }
        let end = rest.iter().position(|byte| b",\n".contains(byte)).unwrap_or(rest.len());
        let (plain, after) = rest.split_at(end);
        let plain = if after.first() == Some(&b',') { plain } else { plain.strip_suffix(b"\r").unwrap_or(plain) };
        is_right &= !plain.contains(&b'"');
        field.extend_from_slice(plain);
        fields.push(field);
        if let [b',', after @ ..] = after {
            rest = after;
            continue;
        }
        let record = if is_right { Record::Fields(fields) } else { Record::Wrong };
        return (record, after.get(1..).unwrap_or_default());
    }
}

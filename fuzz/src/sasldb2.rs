//! A sasldb2. The first line of the input is `file`, and the rest is one, taken as it is: what is read ends, holds no more than the
//! file, and is the same each time. Or it is `records`: then lines follow in which bytes may be written as `\` and two
//! hexadecimal digits, a key and its value in turn. All forms of a sasldb2 are made of these, and tell the same. After a line
//! `damage` come lines `PLACE BYTE`, both in hexadecimal, for bytes that are to be others.

use std::collections::BTreeSet;

use sasldb::import::berkeley::HashFile;
use sasldb::import::{Sasldb2, dump};

use super::hash_file::{self, Order, Page};
use super::oracle;

/// What is read of a file.
struct Taken {
    /// One text for each entry: whose, and the password or why it is not taken.
    entries: Vec<String>,
    /// The bytes of all that is kept of the file.
    held: usize,
}

pub fn target(data: &[u8]) {
    let mut parts = data.splitn(2, |byte| *byte == b'\n');
    let (name, rest) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
    match name {
        b"records" => check_records(rest),
        b"file" => check_file(rest),
        _ => {}
    }
}

fn check_file(file: &[u8]) {
    let Some(taken) = sasldb2(file) else { return };
    assert!(taken.held <= file.len(), "{} bytes of {}", taken.held, file.len());
    assert!(taken.entries.len() <= file.len());
    assert_eq!(sasldb2(file).map(|again| again.entries), Some(taken.entries));
}

fn sasldb2(file: &[u8]) -> Option<Taken> {
    let read = Sasldb2::read(file).ok()?;
    let keys: BTreeSet<_> = read.accounts.iter().map(|(identity, _)| identity.key()).collect();
    assert_eq!(keys.len(), read.accounts.len(), "an account is taken once");
    let held = read.accounts.iter().map(|(_, password)| password.expose().len()).sum();
    let taken = read.accounts.iter().map(|(who, password)| format!("{who} {}", password.expose().escape_ascii()));
    let skipped = read.skipped.iter().map(|skipped| format!("{}: {}", skipped.who, skipped.why));
    Some(Taken { entries: taken.chain(skipped).collect(), held })
}

type Records = Vec<(Vec<u8>, Vec<u8>)>;

fn check_records(text: &[u8]) {
    let mut lines = text.split(|byte| *byte == b'\n');
    let Some(items) = lines.by_ref().take_while(|line| *line != b"damage").map(unescaped).collect::<Option<Vec<_>>>()
    else {
        return;
    };
    // A database has a key once.
    let mut keys = BTreeSet::new();
    let pairs = items.chunks_exact(2).filter(|pair| keys.insert(pair[0].clone()));
    let mut records: Records = pairs.map(|pair| (pair[0].clone(), pair[1].clone())).collect();
    let damage: Vec<(usize, u8)> = lines.filter_map(place_and_byte).collect();
    let files = files(&records);
    records.sort();
    let expected = entries(&records);
    for file in &files {
        let mut read = read(file);
        read.sort();
        assert_eq!(read, records);
        let Taken { mut entries, held } = sasldb2(file).unwrap();
        assert!(held <= file.len());
        entries.sort();
        assert_eq!(entries, expected);
    }
    for mut file in files {
        for (place, byte) in &damage {
            file.get_mut(*place).into_iter().for_each(|old| *old = *byte);
        }
        check_file(&file);
    }
}

/// The same records in every form that there is.
fn files(records: &Records) -> Vec<Vec<u8>> {
    let sizes = [512, 4096];
    let orders = [Order::Little, Order::Big];
    let pages = sizes.iter().flat_map(|size| orders.iter().map(|order| Page { size: *size, order: *order }));
    let mut files: Vec<Vec<u8>> = pages.filter_map(|page| hash_file::written(records, page)).collect();
    let dump = |head: &str, write: fn(&[u8]) -> String| {
        let items = records.iter().flat_map(|(key, value)| [key, value]);
        let body: String = items.map(|item| format!(" {}\n", write(item))).collect();
        format!("VERSION=3\n{head}HEADER=END\n{body}DATA=END\n").into_bytes()
    };
    files.push(dump("format=bytevalue\ntype=hash\n", oracle::hex));
    files.push(dump("format=bytevalue\ntype=btree\nmapsize=1048576\n", oracle::hex));
    files.push(dump("format=print\ntype=hash\n", printed));
    let items = records.iter().flat_map(|(key, value)| [key, value]);
    let body: String = items.map(|item| format!("#:len={}\n{}\n", item.len(), folded(&oracle::base64(item)))).collect();
    files.push(
        format!("# GDBM dump file created by nobody\n#:version=1.1\n# End of header\n{body}# End of data\n").into(),
    );
    files
}

fn read(file: &[u8]) -> Records {
    let read = match HashFile::open(file) {
        Ok(file) => file.records().unwrap(),
        Err(_) => dump::records(file).unwrap(),
    };
    read.into_iter().map(|record| (record.key, record.value.expose().to_vec())).collect()
}

/// What the plainest reading of the records makes of those whose keys are in ASCII.
fn entries(records: &Records) -> Vec<String> {
    let whole = hash_file::written(records, Page { size: 4096, order: Order::Little });
    let Taken { mut entries, .. } = whole.map_or_else(|| sasldb2(&files(records)[0]), |file| sasldb2(&file)).unwrap();
    let passwords = records.iter().filter(|(key, _)| key.ends_with(b"\0userPassword"));
    for (key, value) in passwords {
        let parts: Vec<&[u8]> = key.split(|byte| *byte == 0).collect();
        let [name, realm, _] = parts[..] else { continue };
        let plain = |text: &[u8]| text.iter().all(|byte| byte.is_ascii_lowercase());
        let others = records.iter().filter(|(other, _)| other.eq_ignore_ascii_case(key)).count();
        let fits = !value.is_empty() && value.len() <= 4096 && !value.contains(&0);
        let named = plain(name) && plain(realm) && !name.is_empty() && name.len() <= 255 && realm.len() <= 255;
        if named && fits && others == 1 {
            let (name, realm) = (String::from_utf8_lossy(name), String::from_utf8_lossy(realm));
            let expected = format!("{name}@{realm} {}", value.escape_ascii());
            assert!(entries.contains(&expected), "{expected} in {entries:?}");
        }
    }
    entries.sort();
    entries
}

fn printed(bytes: &[u8]) -> String {
    let character = |byte: &u8| match byte {
        b'\\' => "\\\\".to_owned(),
        b' '..=b'~' => char::from(*byte).to_string(),
        _ => format!("\\{byte:02x}"),
    };
    bytes.iter().map(character).collect()
}

/// base64 in lines, as gdbm_dump writes it.
fn folded(text: &str) -> String {
    let lines: Vec<&str> = text.as_bytes().chunks(76).map(|line| std::str::from_utf8(line).unwrap()).collect();
    lines.join("\n")
}

fn unescaped(line: &[u8]) -> Option<Vec<u8>> {
    let (mut bytes, mut rest) = (Vec::new(), line);
    while let [byte, after @ ..] = rest {
        let (byte, after) = match (byte, after) {
            (b'\\', [high, low, after @ ..]) => (hexadecimal(&[*high, *low])? as u8, after),
            (b'\\', _) => return None,
            _ => (*byte, after),
        };
        bytes.push(byte);
        rest = after;
    }
    Some(bytes)
}

fn hexadecimal(text: &[u8]) -> Option<usize> {
    usize::from_str_radix(std::str::from_utf8(text).ok()?, 16).ok()
}

/// Reads a line `PLACE BYTE`.
pub(crate) fn place_and_byte(line: &[u8]) -> Option<(usize, u8)> {
    let mut words = line.split(|byte| *byte == b' ');
    Some((hexadecimal(words.next()?)?, u8::try_from(hexadecimal(words.next()?)?).ok()?))
}

//! The record of an account's secrets, as it comes out of the seal: the input is the record, and after its end in the form
//! of lines `#` and two hex digits for each byte, to be read and written by hand. There is one way to write what is read.

use sasldb::credential::{Label, MAX_PASSWORDS, PasswordFacts, record};

pub fn target(data: &[u8]) {
    let record = from_hex(data).unwrap_or_else(|| data.to_vec());
    let count = record.get(1).copied().map_or(0, usize::from);
    for count in [count, count + 1] {
        let facts = (0..count).map(|n| PasswordFacts::unlimited(Label::new(&format!("p{n}")).unwrap())).collect();
        let Ok(passwords) = record::decode(&record, facts) else { continue };
        assert_eq!((passwords.len(), record[0]), (usize::from(record[1]), 1));
        let written = record::encode(passwords.iter().map(|password| &password.secrets));
        if passwords.len() > MAX_PASSWORDS {
            assert!(written.is_err());
            continue;
        }
        let written = written.unwrap();
        // A hash that was imported is written in one way only, but read in each that its program has.
        if !passwords.iter().any(|password| password.secrets.hash.is_some()) {
            assert_eq!(written.expose(), record);
        }
        let again = record::decode(written.expose(), passwords.into_iter().map(|password| password.facts).collect());
        let again = record::encode(again.unwrap().iter().map(|password| &password.secrets)).unwrap();
        assert_eq!(again.expose(), written.expose());
    }
}

/// The bytes that a text in hex stands for; it begins with `#`, and spaces and line ends do not count.
fn from_hex(text: &[u8]) -> Option<Vec<u8>> {
    let digits: Vec<u8> = text.strip_prefix(b"#")?.iter().copied().filter(|byte| !byte.is_ascii_whitespace()).collect();
    let value = |digit: u8| char::from(digit).to_digit(16).map(|value| value as u8);
    digits.chunks(2).map(|pair| Some(value(pair[0])? << 4 | value(*pair.get(1)?)?)).collect()
}

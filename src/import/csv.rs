//! CSV (RFC 4180) with a heading that names the columns: `user`, and `password`, `hash` or `verifier`; `realm` where that stands apart.

use crate::credential::{DigestSpelling, Imported, Stored};
use crate::identity::text_from_wire;
use crate::secret::Password;

use super::assembly::Assembly;
use super::entry::{Entry, Fault, Format, Found, OtherFile, authcid, shown, text};

/// Reads such a file.
#[derive(Debug)]
pub struct Csv {
    heading: Option<Vec<Column>>,
    /// The fields of the record that is read, one behind the other.
    fields: Assembly,
    /// Where each of them ends.
    ends: Vec<usize>,
    at: At,
    is_wrong: bool,
    /// Where the record begins; 0 where none has begun.
    begins: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Column {
    User,
    Realm,
    Password,
    Hash,
    Verifier,
}

impl Column {
    const NAMES: [(&'static str, Self); 5] = [
        ("user", Self::User),
        ("realm", Self::Realm),
        ("password", Self::Password),
        ("hash", Self::Hash),
        ("verifier", Self::Verifier),
    ];
}

/// Where in a record the next byte stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum At {
    FieldBegin,
    Plain,
    Quoted,
    /// Behind a quote: of two that stand for one, or at the end of the field.
    Quote,
}

/// How a record should be written.
const QUOTES: &str = "as RFC 4180 has it: a field with quotes in it is quoted, and they are doubled";

/// More columns than anybody's heading has; no field of a longer record is kept.
const MAX_FIELDS: usize = 64;

impl Default for Csv {
    fn default() -> Self {
        Self {
            heading: None,
            fields: Assembly::new(),
            ends: Vec::new(),
            at: At::FieldBegin,
            is_wrong: false,
            begins: 0,
        }
    }
}

impl Csv {
    fn byte(&mut self, byte: u8) {
        self.at = match (self.at, byte) {
            (At::FieldBegin, b'"') => At::Quoted,
            (At::FieldBegin | At::Plain | At::Quote, b',') => {
                self.end_field();
                At::FieldBegin
            }
            (At::Quoted, b'"') => At::Quote,
            (At::Quote, b'"') | (At::Quoted, _) => {
                self.fields.push(&[byte]);
                At::Quoted
            }
            (At::FieldBegin | At::Plain, _) => {
                self.is_wrong |= byte == b'"';
                self.fields.push(&[byte]);
                At::Plain
            }
            (At::Quote, _) => {
                self.is_wrong = true;
                At::Plain
            }
        };
    }

    fn end_field(&mut self) {
        if self.ends.len() < MAX_FIELDS {
            self.ends.push(self.fields.bytes().len());
        }
    }

    fn complete(&mut self, tell: &mut dyn FnMut(Found)) -> Result<(), OtherFile> {
        self.end_field();
        let line = core::mem::take(&mut self.begins);
        let starts = core::iter::once(0).chain(self.ends.iter().copied());
        let bytes = self.fields.bytes();
        let fields: Vec<&[u8]> =
            starts.zip(&self.ends).map(|(start, end)| bytes.get(start..*end).unwrap_or_default()).collect();
        let done = match &self.heading {
            None if self.is_wrong => Err(OtherFile { line, why: format!("its heading is not {QUOTES}") }),
            None => heading(line, &fields).map(|heading| self.heading = Some(heading)),
            Some(heading) => {
                let found = if self.fields.overflows() {
                    Found { line, who: None, entry: Err(Fault::TooLong) }
                } else if self.is_wrong {
                    Found { line, who: None, entry: Err(Fault::Shape(QUOTES)) }
                } else {
                    record(line, heading, &fields)
                };
                tell(found);
                Ok(())
            }
        };
        self.forget();
        done
    }

    fn forget(&mut self) {
        self.fields.clear();
        self.ends.clear();
        self.at = At::FieldBegin;
        self.is_wrong = false;
        self.begins = 0;
    }
}

impl Format for Csv {
    fn line(&mut self, number: u64, line: &[u8], tell: &mut dyn FnMut(Found)) -> Result<(), OtherFile> {
        if self.begins == 0 {
            if matches!(line, b"" | b"\r") {
                return Ok(());
            }
            self.begins = number;
        }
        let (line, end): (&[u8], &[u8]) = match line.strip_suffix(b"\r") {
            Some(line) => (line, b"\r\n"),
            None => (line, b"\n"),
        };
        line.iter().for_each(|byte| self.byte(*byte));
        if self.at == At::Quoted {
            // The end of the line belongs to the field.
            self.fields.push(end);
            return Ok(());
        }
        self.complete(tell)
    }

    fn long_line(&mut self, number: u64, _: &[u8], tell: &mut dyn FnMut(Found)) {
        self.forget();
        tell(Found { line: number, who: None, entry: Err(Fault::TooLong) });
    }

    fn end(&mut self, tell: &mut dyn FnMut(Found)) {
        if self.begins != 0 {
            let why = "as RFC 4180 has it: a quote is not closed";
            tell(Found { line: self.begins, who: None, entry: Err(Fault::Shape(why)) });
        }
    }
}

fn heading(line: u64, fields: &[&[u8]]) -> Result<Vec<Column>, OtherFile> {
    let other = |why: String| OtherFile { line, why };
    let known = Column::NAMES.map(|(name, _)| name).join(", ");
    let mut columns = Vec::with_capacity(fields.len());
    for field in fields {
        let name = field.trim_ascii().to_ascii_lowercase();
        let column = Column::NAMES.iter().find(|(known, _)| known.as_bytes() == name).map(|(_, column)| *column);
        let Some(column) = column.filter(|column| !columns.contains(column)) else {
            // What stands there may be a password, if the heading is missing.
            let place = columns.len().saturating_add(1);
            return Err(other(format!("its column {place} has no heading of its own; known are {known}")));
        };
        columns.push(column);
    }
    if !columns.contains(&Column::User) || columns.iter().all(|c| matches!(c, Column::User | Column::Realm)) {
        return Err(other("the heading names no user, or nothing of a password".to_owned()));
    }
    Ok(columns)
}

fn record(line: u64, heading: &[Column], fields: &[&[u8]]) -> Found {
    let field = |wanted| heading.iter().zip(fields).find(|(column, _)| **column == wanted).map(|(_, field)| *field);
    let field = |wanted| field(wanted).unwrap_or_default();
    if fields.len() != heading.len() {
        let why = "of as many fields as the heading";
        return Found { line, who: None, entry: Err(Fault::Shape(why)) };
    }
    let (user, realm) = (field(Column::User), field(Column::Realm));
    let who = if realm.is_empty() { shown(user) } else { format!("{}@{}", shown(user), shown(realm)) };
    let stored = [Column::Password, Column::Hash, Column::Verifier].map(|column| (column, field(column)));
    Found { line, who: Some(who), entry: entry(user, realm, &stored) }
}

fn entry(user: &[u8], realm: &[u8], values: &[(Column, &[u8])]) -> Result<Entry, Fault> {
    let (user, realm) = (text_from_wire(user), text_from_wire(realm));
    if user.contains('@') && !realm.is_empty() {
        return Err(Fault::Part { part: "realm", why: "the user has one already" });
    }
    let authcid = authcid(&user, &realm)?;
    let spelling = match realm.is_empty() {
        true => DigestSpelling::of_dovecot(&user),
        false => DigestSpelling { username: user.into_owned(), realm: realm.into_owned() },
    };
    let mut stored = None;
    for (column, value) in values.iter().filter(|(_, value)| !value.is_empty()) {
        let imported = match column {
            Column::Password => {
                Imported::Plaintext(Password::new(value.to_vec()).map_err(|fault| Fault::Password(fault.into()))?)
            }
            _ => Imported::parse(text(value)?)?,
        };
        Stored::gather(&mut stored, imported, &spelling)?;
    }
    let stored = stored.ok_or(Fault::NoPassword)?;
    Ok(Entry::with(authcid, stored, Some(spelling)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::import::entry::{read, said::said};

    fn told(text: &str) -> Vec<String> {
        said(&mut Csv::default(), text.as_bytes())
    }

    #[test]
    fn what_postgresql_writes_is_read() {
        assert_eq!(
            told(include_str!("../../tests/imports/csv")),
            ["2 joe: scram-sha-256", "3 ann@example.com: scram-sha-256", "4 locked: scram-sha-256",]
        );
    }

    /// RFC 4180, section 2.
    #[test]
    fn fields_are_parted_as_the_rfc_says() {
        for (rows, expected) in [
            ("joe,secret", "2 joe: password secret"),
            ("joe,secret\r\n", "2 joe: password secret"),
            ("\"joe\",\"se,cr\"\"et\"", "2 joe: password se,cr\"et"),
            ("joe,\" a\r\nb\n\"\nann,x", "2 joe: password  a\r\nb\n5 ann: password x"),
            ("joe, secret ", "2 joe: password  secret "),
            ("\n\r\njoe,x", "4 joe: password x"),
            ("joe,", "2 joe: no password logs in to it"),
            ("joe,\"\"", "2 joe: no password logs in to it"),
            (",x", "2 : the name is empty"),
            ("joe", "2 -: the line is not of as many fields as the heading"),
            ("joe,a,b", "2 -: the line is not of as many fields as the heading"),
        ] {
            assert_eq!(told(&format!("user,password\n{rows}")).concat(), expected, "{rows}");
        }
        let quotes =
            "2 -: the line is not as RFC 4180 has it: a field with quotes in it is quoted, and they are doubled";
        for row in ["joe,a\"b", "joe,\"a\"b", "joe,\"a\" "] {
            assert_eq!(told(&format!("user,password\n{row}\nann,x")), [quotes, "3 ann: password x"], "{row}");
        }
        assert_eq!(
            told("user,password\njoe,\"x\nann,y"),
            ["2 -: the line is not as RFC 4180 has it: a quote is not closed"]
        );
        let long = format!("user,password\njoe,{}\nann,x", "x".repeat(70_000));
        assert_eq!(told(&long), ["2 -: the line is too long", "3 ann: password x"]);
    }

    #[test]
    fn columns_may_stand_in_any_order() {
        const DIGEST: &str = "{DIGEST-MD5}9e350098094efc4af26cd456adf29a60";
        const SHA: &str = "{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ=";
        for (text, expected) in [
            (
                format!("Hash,REALM, user \n{DIGEST},example.org,joe"),
                "2 joe@example.org: digest-md5 of \"joe\" in \"example.org\"",
            ),
            (format!("user,hash\njoe@b,{DIGEST}"), "2 joe@b: digest-md5 of \"joe\" in \"b\""),
            (format!("user,hash,verifier\njoe,{SHA},{DIGEST}"), "2 joe: digest-md5+SHA of \"joe\" in \"\""),
            (format!("user,hash,verifier\njoe,{SHA},{SHA}"), "2 joe: a form of the password is there twice"),
            (format!("user,hash,password\njoe,{SHA},x"), "2 joe: a password in the clear needs no hash beside it"),
            (format!("user,realm,hash\njoe,,{SHA}"), "2 joe: SHA"),
            (format!("user,realm,hash\njoe@a,b,{SHA}"), "2 joe@a@b: realm: the user has one already"),
            (
                format!("user,realm,hash\njoe,a@b,{SHA}"),
                "2 joe@a@b: the realm holds the character '@', which no name may hold",
            ),
        ] {
            assert_eq!(told(&text), [expected], "{text}");
        }
    }

    #[test]
    fn a_heading_that_is_not_understood_spoils_the_file_and_is_not_repeated() {
        for (heading, said) in [
            (
                "joe,secret",
                "line 1: its column 1 has no heading of its own; known are user, realm, password, hash, verifier",
            ),
            (
                "\nuser,pasword",
                "line 2: its column 2 has no heading of its own; known are user, realm, password, hash, verifier",
            ),
            (
                "user,user",
                "line 1: its column 2 has no heading of its own; known are user, realm, password, hash, verifier",
            ),
            ("user,realm", "line 1: the heading names no user, or nothing of a password"),
            (
                "\"user\"x,hash",
                "line 1: its heading is not as RFC 4180 has it: a field with quotes in it is quoted, and they are doubled",
            ),
            ("password", "line 1: the heading names no user, or nothing of a password"),
        ] {
            let read = read(&mut Csv::default(), heading.as_bytes(), &mut |_| panic!("{heading}"));
            assert_eq!(read.unwrap_err().to_string(), said);
        }
    }
}

//! Reading sasldb2 files: those that Berkeley DB wrote, and those that somebody damaged.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::arithmetic_side_effects, reason = "a test may fail")]

use proptest::prelude::*;
use sasldb::identity::IdentityError;
use sasldb::import::berkeley::{BerkeleyError, HashFile, PageFault};
use sasldb::import::dump::{self, DumpError};
use sasldb::import::sasldb2::{Reason, Sasldb2, Sasldb2Error};
use sasldb::secret::PasswordError;

const FILES: [(&str, &[u8]); 8] = [
    ("le4096.db", include_bytes!("sasldb2/le4096.db")),
    ("le512.db", include_bytes!("sasldb2/le512.db")),
    ("be4096.db", include_bytes!("sasldb2/be4096.db")),
    ("be512.db", include_bytes!("sasldb2/be512.db")),
    ("db.print", include_bytes!("sasldb2/db.print")),
    ("db.hex", include_bytes!("sasldb2/db.hex")),
    ("mdb.hex", include_bytes!("sasldb2/mdb.hex")),
    ("gdbm.dump", include_bytes!("sasldb2/gdbm.dump")),
];

const BTREE: &[u8] = include_bytes!("sasldb2/btree.db");

fn file(name: &str) -> &'static [u8] {
    FILES.iter().find(|(other, _)| *other == name).unwrap().1
}

type Accounts = Vec<(String, Vec<u8>)>;
type Skipped = Vec<(String, Reason)>;

/// What is read: accounts with their passwords, and what is not taken.
fn read(bytes: &[u8]) -> (Accounts, Skipped) {
    let read = Sasldb2::read(bytes).unwrap();
    let accounts = read.accounts.iter().map(|(identity, password)| (identity.to_string(), password.expose().to_vec()));
    (accounts.collect(), read.skipped.into_iter().map(|skipped| (skipped.who, skipped.why)).collect())
}

#[test]
fn every_form_of_the_file_tells_the_same() {
    for (name, bytes) in FILES {
        let (accounts, skipped) = read(bytes);
        let mut expected: Accounts = [
            ("nowhere@", b"no realm".to_vec()),
            ("joe@example.com", b"secret".to_vec()),
            ("jörg@example.com", "pässwörd".into()),
            ("long@example.com", vec![b'x'; 2000]),
            ("müller@example.com", b"schl\xFCssel".to_vec()),
        ]
        .map(|(user, password)| (user.to_owned(), password))
        .into();
        expected.extend((1..=40).map(|n| (format!("user{n}@lists.example.com"), format!("password {n}").into_bytes())));
        expected.sort();
        let mut accounts = accounts;
        accounts.sort();
        assert_eq!(accounts, expected, "{name}");

        let mut expected = [
            ("@example.com", Reason::Name(IdentityError::Empty)),
            ("Ann@example.com", Reason::OtherSpelling("ann@example.com".to_owned())),
            ("a:b@example.com", Reason::Name(IdentityError::Forbidden(':'))),
            ("ann@example.com", Reason::OtherSpelling("Ann@example.com".to_owned())),
            ("back\\\\slash@example.com", Reason::Name(IdentityError::Forbidden('\\'))),
            ("empty@example.com", Reason::Password(PasswordError::Empty)),
            ("joe@example.com cmusaslsecretDIGEST-MD5", Reason::Derived("cmusaslsecretDIGEST-MD5".to_owned())),
            ("joe@example.com favouriteColour", Reason::Property("favouriteColour".to_owned())),
            ("nul@example.com", Reason::Password(PasswordError::Nul)),
            ("stray", Reason::Key),
            ("toolong@example.com", Reason::Password(PasswordError::TooLong)),
        ]
        .map(|(who, why)| (who.to_owned(), why));
        expected.sort_by(|one, other| one.0.cmp(&other.0));
        let mut skipped = skipped;
        skipped.sort_by(|one, other| one.0.cmp(&other.0));
        assert_eq!(skipped, expected, "{name}");
    }
}

/// The text of a dump with these keys and passwords.
fn dump_of(records: &[(&[u8], &[u8])]) -> String {
    let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    let keys = records.iter().map(|(user, password)| ([user, b"\0a\0userPassword".as_slice()].concat(), password));
    let lines: String = keys.map(|(key, password)| format!(" {}\n {}\n", hex(&key), hex(password))).collect();
    format!("VERSION=3\nformat=bytevalue\ntype=hash\nHEADER=END\n{lines}DATA=END\n")
}

#[test]
fn a_name_in_two_character_sets_is_one_name() {
    let read =
        |latin1: &[u8], utf8: &[u8]| read(dump_of(&[(b"j\xF6rg", latin1), ("jörg".as_bytes(), utf8)]).as_bytes());
    assert_eq!(read(b"secret", b"secret"), (vec![("jörg@a".to_owned(), b"secret".to_vec())], Vec::new()));
    let twice = vec![("jörg@a".to_owned(), Reason::OtherBytes); 2];
    assert_eq!(read(b"secret", b"other"), (Vec::new(), twice));
}

#[test]
fn what_is_no_text_in_iso_8859_1_either_is_skipped() {
    let (accounts, skipped) = read(dump_of(&[(b"\x93joe\x94", b"secret"), (b"\xA4uro", b"secret")]).as_bytes());
    assert_eq!(accounts, [("\u{A4}uro@a".to_owned(), b"secret".to_vec())]);
    assert_eq!(skipped, [("\\x93joe\\x94@a".to_owned(), Reason::Name(IdentityError::Forbidden('\u{93}')))]);
}

#[test]
fn what_is_no_sasldb2_is_told_apart() {
    assert_eq!(Sasldb2::read(b"").unwrap_err(), Sasldb2Error::OtherFile);
    assert_eq!(Sasldb2::read(BTREE).unwrap_err(), Sasldb2Error::OtherFile);
    assert_eq!(Sasldb2::read(b"root:x:0:0::/root:/bin/sh\n").unwrap_err(), Sasldb2Error::OtherFile);
    for (place, value, error) in [
        (16, 6, BerkeleyError::Version(6)),
        (16, 10, BerkeleyError::Version(10)),
        (24, 1, BerkeleyError::Encrypted),
        (26, 1, BerkeleyError::Checksums),
        (25, 9, BerkeleyError::OtherFile),
        (20, 1, BerkeleyError::OtherFile),
    ] {
        let mut bytes = file("le4096.db").to_vec();
        bytes[place] = value;
        assert_eq!(Sasldb2::read(&bytes).unwrap_err(), error.into(), "{place}");
    }
}

#[test]
fn a_file_that_is_cut_is_refused_wherever_it_ends() {
    for (name, whole) in FILES {
        // A dump without the newline after its last word is whole.
        let last = if name.ends_with(".db") { whole.len() } else { whole.len() - 1 };
        for length in (0..last).rev().step_by(97) {
            assert!(Sasldb2::read(&whole[..length]).is_err(), "{name} cut at {length}");
        }
    }
    let cut = Sasldb2::read(&file("le4096.db")[..20_000]).unwrap_err();
    assert_eq!(cut, BerkeleyError::Cut { expected: 24_576, found: 20_000 }.into());
}

/// The little-endian file with 512-byte pages, one of them changed.
fn with_page(number: usize, change: impl FnOnce(&mut [u8])) -> Result<usize, BerkeleyError> {
    let mut bytes = file("le512.db").to_vec();
    change(&mut bytes[number * 512..(number + 1) * 512]);
    HashFile::open(&bytes)?.records().map(|records| records.len())
}

/// The numbers of the pages of a type.
fn pages(kind: u8) -> Vec<usize> {
    let bytes = file("le512.db");
    (1..bytes.len() / 512).filter(|page| bytes[page * 512 + 25] == kind).collect()
}

#[test]
fn a_damaged_page_is_named() {
    let damaged = |page: usize, fault| Err(BerkeleyError::Damaged { page: u32::try_from(page).unwrap(), fault });
    let records = with_page(1, |_| {}).unwrap();
    assert_eq!(records, 57);
    let hash = pages(13)[0];
    assert_eq!(with_page(hash, |page| page[25] = 5), damaged(hash, PageFault::Type));
    assert_eq!(with_page(hash, |page| page[8] ^= 1), damaged(hash, PageFault::Number));
    assert_eq!(with_page(hash, |page| page[20] += 1), damaged(hash, PageFault::Item));
    assert_eq!(with_page(hash, |page| page[20] -= 1), damaged(hash, PageFault::Odd));
    assert_eq!(with_page(hash, |page| page[27] = 0xFF), damaged(hash, PageFault::Item));
    assert_eq!(with_page(hash, |page| page[26] = 4), damaged(hash, PageFault::Item));
    assert_eq!(
        with_page(hash, |page| {
            let key = usize::from(u16::from_le_bytes([page[26], page[27]]));
            page[key] = 2;
        }),
        damaged(hash, PageFault::Duplicates)
    );
    // An overflow page that leads to itself, ends too early, or is not one.
    let overflow = pages(7);
    for spoil in [
        (|page: &mut [u8]| page.copy_within(8..12, 16)) as fn(&mut [u8]),
        |page| page[16..20].fill(0),
        |page| page[22..24].fill(0),
        |page| page[22..24].fill(0xFF),
        |page| page[25] = 13,
    ] {
        let fault = with_page(overflow[0], spoil).unwrap_err();
        assert!(matches!(fault, BerkeleyError::Damaged { .. }), "{fault}");
    }
}

#[test]
fn a_dump_that_is_damaged_names_the_line() {
    let spoilt = |from: &str, to: &str| {
        let text = String::from_utf8(file("db.hex").to_vec()).unwrap();
        assert!(text.contains(from), "{from}");
        dump::records(text.replacen(from, to, 1).as_bytes()).unwrap_err()
    };
    assert_eq!(spoilt("DATA=END\n", ""), DumpError::Cut);
    assert_eq!(spoilt("HEADER=END\n", ""), DumpError::Header(6));
    assert_eq!(spoilt("format=bytevalue", "format=xml"), DumpError::Header(1));
    assert_eq!(spoilt("HEADER=END\n ", "HEADER=END\n 0"), DumpError::Line(7));
    assert_eq!(spoilt("HEADER=END\n ", "HEADER=END\n zz"), DumpError::Line(7));
    assert_eq!(spoilt("HEADER=END\n ", "HEADER=END\n"), DumpError::Line(7));
    assert_eq!(dump::records(include_bytes!("sasldb2/mdb.print")).unwrap_err(), DumpError::Ambiguous);
    assert_eq!(spoilt("DATA=END", " 00\nDATA=END"), DumpError::Odd(122));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    /// Whatever is done to a file: an error or records, and never more of them than it has bytes.
    #[test]
    fn a_file_made_to_do_harm_does_none(
        which in 0..FILES.len(),
        changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..40),
    ) {
        let mut bytes = FILES[which].1.to_vec();
        for (place, value) in changes {
            let place = place.index(bytes.len());
            bytes[place] = value;
        }
        if let Ok(found) = Sasldb2::read(&bytes) {
            let held: usize = found.accounts.iter().map(|(_, password)| password.expose().len()).sum();
            prop_assert!(held <= bytes.len());
        }
    }

    /// As that, with the changes in the places that say where things are.
    #[test]
    fn lying_offsets_do_no_harm(
        which in 0usize..4,
        changes in proptest::collection::vec((1usize..28, 0usize..60, any::<u8>()), 1..12),
    ) {
        let mut bytes = FILES[which].1.to_vec();
        for (page, place, value) in changes {
            if let Some(byte) = bytes.get_mut(page * 512 + place) {
                *byte = value;
            }
        }
        let _ = Sasldb2::read(&bytes);
    }
}

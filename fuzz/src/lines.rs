//! Files of other programs that are read line by line. Each form has a second, plain reading in a file of its own, and what that
//! wants is compared with what is said. `<secret>` in an input stands for a password, which nothing that is said repeats.

use sasldb::credential::{DigestSpelling, Imported, Stored};
use sasldb::identity::{Authcid, Name, Realm};
use sasldb::import::{self, Entry, Format};

use super::oracle;
use super::site::{self, SECRET, is_one_line};

/// Longer files have lines that are passed over, which the second readings know nothing of.
const LONGEST: usize = 60_000;

/// What a file should say of an entry.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Wanted {
    pub(crate) line: u64,
    pub(crate) who: Option<Vec<u8>>,
    pub(crate) entry: Verdict,
}

#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// For one reason or another.
    Refused,
    Taken(Taken),
    /// The second reading cannot tell.
    Any,
}

/// All that is made of an entry.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Taken {
    account: Authcid,
    /// Every form of the password, as text.
    forms: Vec<String>,
    spelling: Option<DigestSpelling>,
    pub(crate) limits: Limits,
}

#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Limits {
    pub(crate) networks: Vec<String>,
    pub(crate) password_expires: Option<i64>,
    pub(crate) disabled: bool,
    pub(crate) expires: Option<i64>,
}

/// Holds what `format` says of the file against what is wanted of it; none where nothing of it can be understood.
pub(crate) fn check(format: &mut dyn Format, data: &[u8], wanted: impl FnOnce(&[u8]) -> Option<Vec<Wanted>>) {
    let file = site::with_secret(data);
    if file.len() > LONGEST {
        return;
    }
    let (mut said, mut held) = (Vec::new(), 0);
    let read = import::read(format, &file, &mut |found| {
        found.who.iter().for_each(|who| assert!(is_one_line(who), "{who:?}"));
        let entry = found.entry.map_err(|fault| fault.to_string());
        if let Err(why) = &entry {
            assert!(is_one_line(why) && !why.contains(SECRET), "{why:?}");
        }
        if let Ok(Entry { password: Stored::Password(password), .. }) = &entry {
            held += password.expose().len();
        }
        said.push((found.line, found.who, entry.ok().map(|entry| taken(&entry))));
    });
    assert!(held <= file.len(), "{held} bytes of {}", file.len());
    if let Err(other) = &read {
        assert!(is_one_line(&other.why) && !other.why.contains(SECRET), "{:?}", other.why);
    }
    let wanted = wanted(file.strip_suffix(b"\n").unwrap_or(&file));
    assert_eq!(read.is_ok(), wanted.is_some(), "{read:?}");
    let Some(wanted) = wanted else { return };
    assert_eq!(said.len(), wanted.len(), "{said:?} {wanted:?}");
    for ((line, who, entry), wanted) in said.into_iter().zip(wanted) {
        assert_eq!(line, wanted.line, "{who:?} {wanted:?}");
        match (&who, wanted.who.as_deref().map(std::str::from_utf8)) {
            (Some(who), Some(Ok(wanted))) if wanted.chars().all(|c| c == ' ' || c.is_ascii_graphic()) => {
                assert_eq!(who, wanted);
            }
            (who, wanted) => assert_eq!(who.is_some(), wanted.is_some()),
        }
        match wanted.entry {
            Verdict::Refused => assert_eq!(entry, None, "{who:?}"),
            Verdict::Taken(wanted) => assert_eq!(entry, Some(wanted), "{who:?}"),
            Verdict::Any => {}
        }
    }
}

/// The same for a form in which a line says all of an entry: `wanted` reads one that is neither empty nor a comment, without its
/// carriage return.
pub(crate) fn check_each(
    format: &mut dyn Format,
    data: &[u8],
    wanted: impl Fn(&[u8]) -> Option<(Option<Vec<u8>>, Option<Taken>)>,
) {
    check(format, data, |file| {
        let lines = (1..).zip(file.split(|byte| *byte == b'\n'));
        let wanted = lines.filter_map(|(number, line)| {
            let line = line.strip_suffix(b"\r").unwrap_or(line);
            let is_entry = !line.is_empty() && line[0] != b'#';
            let (who, taken) = is_entry.then(|| wanted(line)).flatten()?;
            Some(Wanted { line: number, who, entry: taken.map_or(Verdict::Refused, Verdict::Taken) })
        });
        Some(wanted.collect())
    });
}

fn taken(entry: &Entry) -> Taken {
    Taken {
        account: entry.authcid.clone(),
        forms: forms(&entry.password),
        spelling: entry.spelling.clone(),
        limits: Limits {
            networks: entry.networks.iter().map(ToString::to_string).collect(),
            password_expires: entry.password_expires.map(|at| at.0),
            disabled: entry.disabled.is_some(),
            expires: entry.expires.map(|at| at.0),
        },
    }
}

fn forms(password: &Stored) -> Vec<String> {
    match password {
        Stored::Password(password) => vec![format!("password {}", password.expose().escape_ascii())],
        Stored::Forms(secrets) => {
            assert!(secrets.schemes().next().is_some(), "an entry has something to log in with");
            secrets.texts().iter().map(|text| text.to_string()).collect()
        }
    }
}

/// What comes of an account `name`, with a `realm` that stands apart and may be empty, and of these values of its password.
pub(crate) fn account(name: &[u8], realm: &[u8], values: Vec<Imported>, spelling: DigestSpelling) -> Option<Taken> {
    let (name, realm) = (oracle::text(name), oracle::text(realm));
    let account = match realm.is_empty() {
        true => Authcid::parse(&name).ok()?,
        false => Authcid::new(Name::new(&name).ok()?, Some(Realm::new(&realm).ok()?)),
    };
    let mut stored = None;
    for value in values {
        Stored::gather(&mut stored, value, &spelling).ok()?;
    }
    let stored = stored?;
    let has_digest = matches!(&stored, Stored::Forms(secrets) if !secrets.digest_md5.is_empty());
    Some(Taken { account, forms: forms(&stored), spelling: has_digest.then_some(spelling), limits: Limits::default() })
}

/// The same of a name with its realm and of one text, which DIGEST-MD5 reads as Dovecot does.
pub(crate) fn of_text(name: &[u8], text: &[u8]) -> Option<Taken> {
    let value = Imported::parse(std::str::from_utf8(text).ok()?).ok()?;
    account(name, b"", vec![value], of_dovecot(name))
}

/// What Dovecot makes its hash of.
pub(crate) fn of_dovecot(name: &[u8]) -> DigestSpelling {
    let name = oracle::text(name);
    let (username, realm) = match name.rfind('@') {
        Some(at) => (name[..at].to_owned(), name[at + 1..].to_owned()),
        None => (name, String::new()),
    };
    DigestSpelling { username, realm }
}

/// The parts between colons: the first, and the others if there are any.
pub(crate) fn fields(line: &[u8]) -> (&[u8], Vec<&[u8]>) {
    let mut fields = line.split(|byte| *byte == b':');
    (fields.next().unwrap_or_default(), fields.collect())
}

/// A number of days since 1970, in seconds.
pub(crate) fn days(text: &[u8]) -> Option<i64> {
    let days: i64 = std::str::from_utf8(text).ok()?.parse().ok()?;
    days.checked_mul(24 * 60 * 60)
}

//! What the formats have in common: lines in, entries out.

use crate::credential::{DigestSpelling, ImportError, Imported, MixError, Network, Stored};
use crate::identity::{Authcid, IdentityError, Name, Realm};
use crate::runtime::UnixTime;

/// A format of files that are read line by line, in memory that does not grow with the file.
pub trait Format {
    /// Takes the next line, without the newline at its end, and tells what is complete with it. `number` counts from 1.
    ///
    /// # Errors
    /// [`OtherFile`]: nothing of the file can be understood.
    fn line(&mut self, number: u64, line: &[u8], tell: &mut dyn FnMut(Found)) -> Result<(), OtherFile>;

    /// Takes the beginning of a line that is too long to be held.
    fn long_line(&mut self, number: u64, beginning: &[u8], tell: &mut dyn FnMut(Found)) {
        let _ = beginning;
        tell(Found { line: number, who: None, entry: Err(Fault::TooLong) });
    }

    /// Takes the end of the file, and tells what is complete with it.
    fn end(&mut self, tell: &mut dyn FnMut(Found)) {
        let _ = tell;
    }
}

/// Why a whole file cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {why}")]
pub struct OtherFile {
    /// Where that shows.
    pub line: u64,
    /// How.
    pub why: String,
}

/// An entry, and where it stands.
#[derive(Debug)]
pub struct Found {
    /// The line that it begins on, from 1.
    pub line: u64,
    /// Whose it is, as it stands there, with `\` before what cannot be printed. None where that cannot be told.
    pub who: Option<String>,
    /// What it says, or why nothing can be made of it.
    pub entry: Result<Entry, Fault>,
}

/// What a file says about an account.
#[derive(Debug)]
pub struct Entry {
    /// Whose, with a realm if the file has one.
    pub authcid: Authcid,
    /// The password.
    pub password: Stored,
    /// What the DIGEST-MD5 hash among it was made of.
    pub spelling: Option<DigestSpelling>,
    /// The networks that the password is good from; none named means all.
    pub networks: Vec<Network>,
    /// From this moment on the password does not count.
    pub password_expires: Option<UnixTime>,
    /// Why the account may not log in.
    pub disabled: Option<&'static str>,
    /// From this moment on the account may not log in.
    pub expires: Option<UnixTime>,
}

/// Why nothing is made of an entry. Nothing of a password is repeated.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// The line does not end where a line should.
    #[error("the line is too long")]
    TooLong,
    /// It has other parts than it should.
    #[error("the line is not {0}")]
    Shape(&'static str),
    /// A name that no account may have.
    #[error("the name {0}")]
    Name(IdentityError),
    /// A realm that no account may have.
    #[error("the realm {0}")]
    Realm(IdentityError),
    /// A stored password that cannot be taken.
    #[error(transparent)]
    Password(#[from] ImportError),
    /// Values that do not go together.
    #[error(transparent)]
    Mix(#[from] MixError),
    /// Whoever knows the name would get in.
    #[error("it logs in without a password")]
    Open,
    /// There is nothing that a login could be checked against.
    #[error("no password logs in to it")]
    NoPassword,
    /// A part that says what cannot be kept here.
    #[error("{part}: {why}")]
    Part {
        /// Its name.
        part: &'static str,
        /// What is wrong with it.
        why: &'static str,
    },
}

impl Fault {
    /// Whether somebody who logs in with the other program misses something.
    #[must_use]
    pub fn is_loss(&self) -> bool {
        !matches!(self, Self::NoPassword)
    }
}

impl Entry {
    /// A single stored password without limits. A DIGEST-MD5 hash is of the spelling that Dovecot gives `user`.
    ///
    /// # Errors
    /// [`Fault::Name`] and [`Fault::Password`].
    pub(super) fn of(user: &str, password: &str) -> Result<Self, Fault> {
        let authcid = Authcid::parse(user).map_err(Fault::Name)?;
        let spelling = DigestSpelling::of_dovecot(user);
        let password = Stored::new(Imported::parse(password)?, &spelling);
        Ok(Self::with(authcid, password, Some(spelling)))
    }

    /// Without limits. `spelling` counts if there is a DIGEST-MD5 hash that it is of.
    #[must_use]
    pub fn with(authcid: Authcid, password: Stored, spelling: Option<DigestSpelling>) -> Self {
        Self {
            authcid,
            spelling: spelling.filter(|_| password.has_digest_md5()),
            password,
            networks: Vec::new(),
            password_expires: None,
            disabled: None,
            expires: None,
        }
    }
}

/// Gives a whole file, held in memory, to `format`.
///
/// # Errors
/// See [`Format::line`].
pub fn read(format: &mut dyn Format, bytes: &[u8], tell: &mut dyn FnMut(Found)) -> Result<(), OtherFile> {
    let bytes = bytes.strip_suffix(b"\n").unwrap_or(bytes);
    for (number, line) in (1..).zip(bytes.split(|&byte| byte == b'\n')) {
        format.line(number, line, tell)?;
    }
    format.end(tell);
    Ok(())
}

/// The account `user` of a realm that stands apart from it and may be empty.
pub(super) fn authcid(user: &str, realm: &str) -> Result<Authcid, Fault> {
    if realm.is_empty() {
        return Authcid::parse(user).map_err(Fault::Name);
    }
    let realm = Realm::new(realm).map_err(Fault::Realm)?;
    Ok(Authcid::new(Name::new(user).map_err(Fault::Name)?, Some(realm)))
}

/// A name as a person reads it.
pub(super) fn shown(name: &[u8]) -> String {
    match core::str::from_utf8(name) {
        Ok(text) if !text.chars().any(crate::prep::is_invisible) => text.to_owned(),
        _ => name.escape_ascii().to_string(),
    }
}

/// A line without the carriage return of a file from elsewhere.
pub(super) fn without_return(line: &[u8]) -> &[u8] {
    line.strip_suffix(b"\r").unwrap_or(line)
}

/// A stored password as text.
pub(super) fn text(bytes: &[u8]) -> Result<&str, Fault> {
    core::str::from_utf8(bytes).map_err(|_| Fault::Part {
        part: "password",
        why: "it is not UTF-8, and its label does not say how it is encoded",
    })
}

/// What a table of cases compares.
#[cfg(test)]
pub(super) mod said {
    use super::*;
    use crate::vocabulary::Scheme;

    /// A line for each entry: its line, whose it is, and the schemes or what is wrong.
    pub(crate) fn said(format: &mut dyn Format, bytes: &[u8]) -> Vec<String> {
        let mut lines = Vec::new();
        read(format, bytes, &mut |found| {
            let who = found.who.unwrap_or_else(|| "-".to_owned());
            let what = found.entry.map_or_else(|fault| fault.to_string(), |entry| told(&entry));
            lines.push(format!("{} {who}: {what}", found.line));
        })
        .unwrap();
        lines
    }

    fn told(entry: &Entry) -> String {
        let mut said = match &entry.password {
            Stored::Password(password) => format!("password {}", String::from_utf8_lossy(password.expose())),
            Stored::Forms(secrets) => {
                let hash = secrets.hash.as_ref().map_or("", |hash| hash.scheme());
                let name = |scheme: Scheme| if scheme == Scheme::Hash { hash } else { scheme.name() };
                secrets.schemes().map(name).collect::<Vec<_>>().join("+")
            }
        };
        if let Some(spelling) = &entry.spelling {
            said += &format!(" of {:?} in {:?}", spelling.username, spelling.realm);
        }
        entry.networks.iter().for_each(|network| said += &format!(" from {network}"));
        entry.password_expires.iter().for_each(|at| said += &format!(" until {}", at.0));
        entry.disabled.iter().for_each(|why| said += &format!(" disabled ({why})"));
        entry.expires.iter().for_each(|at| said += &format!(" expires {}", at.0));
        said
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::import::{Csv, Dovecot, Htdigest, Htpasswd, Ldif, PostgreSql, Shadow};

    fn formats() -> [Box<dyn Format>; 7] {
        [
            Box::new(Dovecot::new(crate::import::dovecot::Scheme::default())),
            Box::new(Htpasswd),
            Box::new(Htdigest),
            Box::new(Shadow),
            Box::new(Ldif::new(crate::import::ldif::NameAttribute::Uid)),
            Box::<PostgreSql>::default(),
            Box::<Csv>::default(),
        ]
    }

    /// A golden file with a piece of it replaced.
    fn damaged() -> impl Strategy<Value = Vec<u8>> {
        let files: [&[u8]; 6] = [
            include_bytes!("../../tests/imports/dovecot"),
            include_bytes!("../../tests/imports/ldif"),
            include_bytes!("../../tests/imports/postgresql"),
            include_bytes!("../../tests/imports/postgresql-table"),
            include_bytes!("../../tests/imports/shadow"),
            include_bytes!("../../tests/imports/csv"),
        ];
        let piece = prop_oneof![
            prop::collection::vec(any::<u8>(), 0..8),
            "[:;,|'\"{}\\[\\]\r\n -]{0,8}".prop_map(String::into_bytes),
        ];
        let file = prop::sample::select(files.to_vec());
        (file, any::<prop::sample::Index>(), 0..40usize, piece).prop_map(|(file, at, cut, piece)| {
            let at = at.index(file.len());
            [&file[..at], &piece, &file[file.len().min(at.saturating_add(cut))..]].concat()
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn no_file_makes_a_reader_panic_or_tell_of_lines_that_are_not_there(file in damaged()) {
            let lines = file.split(|byte| *byte == b'\n').count();
            for mut format in formats() {
                let mut wrong = Vec::new();
                let _ = read(&mut *format, &file, &mut |found| {
                    if found.line == 0 || found.line > u64::try_from(lines).unwrap() {
                        wrong.push(found.line);
                    }
                });
                prop_assert!(wrong.is_empty(), "{wrong:?} of {lines}");
            }
        }
    }
}

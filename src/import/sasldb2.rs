//! `sasldb2`: what Cyrus's saslpasswd2 keeps, every password in the clear.

use std::collections::{BTreeMap, HashSet};

use crate::identity::{Identity, IdentityError, IdentityKey, Name, Realm, text_from_wire};
use crate::secret::{Password, PasswordError};

use super::Record;
use super::berkeley::{self, BerkeleyError, HashFile};
use super::dump::{self, DumpError};

/// The property that holds the password.
const PASSWORD: &[u8] = b"userPassword";

/// Why a file cannot be read as a sasldb2.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Sasldb2Error {
    /// Neither the file nor a dump of it.
    #[error("it is no sasldb2: neither a hash file of Berkeley DB nor the text of db5.3_dump, mdb_dump or gdbm_dump")]
    OtherFile,
    /// The file itself.
    #[error(transparent)]
    Berkeley(#[from] BerkeleyError),
    /// A dump.
    #[error(transparent)]
    Dump(#[from] DumpError),
}

/// What a sasldb2 holds, in the order of realm and name.
#[derive(Debug, Default)]
pub struct Sasldb2 {
    /// The accounts that can be taken.
    pub accounts: Vec<(Identity, Password)>,
    /// Those of them whose name or realm is not in UTF-8 there, and was read as ISO 8859-1.
    pub latin_1: HashSet<IdentityKey>,
    /// Entries that cannot, and those that need not be.
    pub skipped: Vec<Skipped>,
}

/// An entry that is not taken.
#[derive(Debug, PartialEq, Eq)]
pub struct Skipped {
    /// Whose it is, as it stands there, with `\` before what cannot be printed.
    pub who: String,
    /// Why.
    pub why: Reason,
}

/// Why an entry is not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Reason {
    /// Not the three parts that libsasl2 makes a key of.
    #[error("its key is not of libsasl2's form")]
    Key,
    /// A name that no account may have.
    #[error("the name {0}")]
    Name(IdentityError),
    /// A realm that no account may have.
    #[error("the realm {0}")]
    Realm(IdentityError),
    /// Nothing that can be a password.
    #[error("{0}")]
    Password(PasswordError),
    /// It was derived from the password, of which everything is made anew.
    #[error("{0} is not needed: it is made of the password")]
    Derived(String),
    /// Another property.
    #[error("{0} is nothing that is kept here")]
    Property(String),
    /// saslpasswd2 tells capitals apart, and there are none for us.
    #[error("there is {0} too, with another password, and capitals make no difference here")]
    OtherSpelling(String),
    /// The same name in another character set, or another normal form.
    #[error("the same name is there in other bytes too, with another password")]
    OtherBytes,
}

impl Reason {
    /// Whether an account is missing something because of it.
    #[must_use]
    pub fn is_loss(&self) -> bool {
        !matches!(self, Self::Derived(_))
    }
}

impl Sasldb2 {
    /// Reads the whole file, or the whole text of a dump.
    ///
    /// # Errors
    /// See [`Sasldb2Error`].
    pub fn read(bytes: &[u8]) -> Result<Self, Sasldb2Error> {
        let records = if berkeley::looks_like_it(bytes) {
            HashFile::open(bytes)?.records()?
        } else if dump::looks_like_it(bytes) {
            dump::records(bytes)?
        } else {
            return Err(Sasldb2Error::OtherFile);
        };
        Ok(Self::of(records))
    }

    fn of(mut records: Vec<Record>) -> Self {
        records.sort_by(|one, other| one.key.cmp(&other.key));
        let mut found = Self::default();
        let mut spellings: BTreeMap<IdentityKey, Vec<(Identity, Password)>> = BTreeMap::new();
        for record in records {
            let who = shown(&record.key);
            let is_utf8 = core::str::from_utf8(&record.key).is_ok();
            match entry(record) {
                Ok((identity, password)) => {
                    let key = identity.key();
                    if !is_utf8 {
                        found.latin_1.insert(key.clone());
                    }
                    spellings.entry(key).or_default().push((identity, password));
                }
                Err(why) => found.skipped.push(Skipped { who, why }),
            }
        }
        spellings.into_values().for_each(|same| found.take(same));
        found
    }

    /// Takes one account of its spellings. With different passwords, none of them is the right one.
    fn take(&mut self, mut spellings: Vec<(Identity, Password)>) {
        let Some((first, password)) = spellings.pop() else { return };
        match spellings.iter().find(|(_, other)| !other.equals(&password)) {
            None => self.accounts.push((first, password)),
            Some((other, _)) => {
                let other = other.to_string();
                let skip = |identity: &Identity, other: &str| {
                    let who = identity.to_string();
                    let why = if who == other { Reason::OtherBytes } else { Reason::OtherSpelling(other.to_owned()) };
                    Skipped { who, why }
                };
                let first_name = first.to_string();
                self.skipped.push(skip(&first, &other));
                self.skipped.extend(spellings.iter().map(|(identity, _)| skip(identity, &first_name)));
            }
        }
    }
}

/// user NUL realm NUL property; libsasl2 has stored names in whatever character set they were typed in (decision 27).
fn entry(record: Record) -> Result<(Identity, Password), Reason> {
    let mut parts = record.key.split(|&byte| byte == 0);
    let (Some(user), Some(realm), Some(property), None) = (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return Err(Reason::Key);
    };
    if property != PASSWORD {
        let name = shown(property);
        let is_derived = property.starts_with(b"cmusaslsecret") || property == b"authPassword";
        return Err(if is_derived { Reason::Derived(name) } else { Reason::Property(name) });
    }
    let name = Name::new(&text_from_wire(user)).map_err(Reason::Name)?;
    let realm = Realm::imported(&text_from_wire(realm)).map_err(Reason::Realm)?;
    let password = Password::new(record.value.expose().to_vec()).map_err(Reason::Password)?;
    Ok((Identity::new(name, realm), password))
}

/// A key as a person reads it: `user@realm`, without the property of the password.
fn shown(key: &[u8]) -> String {
    let key = key.strip_suffix(PASSWORD).and_then(|rest| rest.strip_suffix(b"\0")).unwrap_or(key);
    let mut text = String::new();
    for (index, part) in key.split(|&byte| byte == 0).enumerate() {
        match index {
            0 => {}
            1 => text.push('@'),
            _ => text.push(' '),
        }
        text.extend(part.escape_ascii().map(char::from));
    }
    text
}

//! What a file says about an account, read into checked types. The same in TOML and in JSON.

use std::ffi::OsStr;
use std::fmt::Write as _;
use std::path::PathBuf;

use serde::{Deserialize, Deserializer};
use zeroize::Zeroizing;

use crate::cli::site::Named;
use crate::cli::when::When;
use crate::credential::{Label, PasswordFacts, ServiceName};
use crate::identity::Realms;
use crate::runtime::UnixTime;
use crate::secret::Password;
use crate::vocabulary::{Mechanism, MechanismSet};

use super::room::Part;

/// An account as it should be. What is `None` stays as it is.
pub(super) struct Entry {
    /// Where it stands: its line, or which one of the file it is.
    pub(super) place: u64,
    pub(super) named: Named,
    pub(super) absent: bool,
    pub(super) disabled: Option<bool>,
    pub(super) expires: Option<Option<UnixTime>>,
    pub(super) mechanisms: Option<Option<MechanismSet>>,
    pub(super) passwords: Vec<Wanted>,
    /// What it takes of the room for what is under way.
    pub(super) part: Option<Part>,
}

impl Entry {
    /// All of it but its place and the passwords themselves.
    pub(super) fn summary(&self, realms: &Realms) -> String {
        let Self { named, absent, disabled, expires, mechanisms, passwords, place: _, part: _ } = self;
        let passwords = passwords.iter().fold(String::new(), |mut text, password| {
            let source = match &password.source {
                Source::Text(_) => "itself".to_owned(),
                Source::File(path) => format!("in {path:?}"),
                Source::Stored(texts) => format!("{} stored", texts.len()),
            };
            let _ = write!(text, "; {:?}, plaintext {}, {source}", password.facts, !password.no_plaintext);
            text
        });
        let identity = named.resolve(realms);
        format!(
            "{identity}: absent {absent}, disabled {disabled:?}, expires {expires:?}, mechanisms {mechanisms:?}{passwords}"
        )
    }
}

/// A password as it should be.
pub(super) struct Wanted {
    pub(super) facts: PasswordFacts,
    pub(super) no_plaintext: bool,
    pub(super) source: Source,
}

/// Where a password comes from.
pub(super) enum Source {
    Text(Password),
    File(PathBuf),
    /// What other programs stored of it.
    Stored(Vec<Text>),
}

/// Text that is wiped.
pub(super) struct Text(Zeroizing<String>);

impl Text {
    pub(super) fn as_str(&self) -> &str {
        &self.0
    }
}

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(|text| Self(Zeroizing::new(text)))
    }
}

#[derive(Deserialize)]
#[serde(untagged)]
enum OneOrMore {
    One(Text),
    More(Vec<Text>),
}

/// An account as it is written. The documented schema is `docs/apply.schema.json`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Written {
    name: String,
    realm: Option<String>,
    #[serde(default)]
    absent: bool,
    disabled: Option<bool>,
    expires: Option<String>,
    mechanisms: Option<Vec<String>>,
    password: Option<Text>,
    password_file: Option<PathBuf>,
    password_hash: Option<OneOrMore>,
    plaintext: Option<bool>,
    #[serde(default)]
    passwords: Vec<WrittenPassword>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenPassword {
    label: String,
    password: Option<Text>,
    password_file: Option<PathBuf>,
    password_hash: Option<OneOrMore>,
    plaintext: Option<bool>,
    expires: Option<String>,
    #[serde(default)]
    services: Vec<String>,
    #[serde(default)]
    networks: Vec<String>,
}

impl Written {
    /// Checks it. The error says what is wrong and repeats no password.
    pub(super) fn check(self, place: u64) -> Result<Entry, String> {
        let named = Named::parse(OsStr::new(&self.name), self.realm.as_deref().map(OsStr::new))
            .map_err(|fault| fault.to_string())?;
        let main = source(self.password, self.password_file, self.password_hash)?;
        if main.is_none() && self.plaintext.is_some() {
            return Err("`plaintext` is said of no password".to_owned());
        }
        let mut passwords = Vec::with_capacity(self.passwords.len().saturating_add(1));
        passwords.extend(main.map(|source| Wanted {
            facts: PasswordFacts::unlimited(Label::main()),
            no_plaintext: self.plaintext == Some(false),
            source,
        }));
        for password in self.passwords {
            let password = password.check()?;
            if passwords.iter().any(|known: &Wanted| known.facts.label == password.facts.label) {
                return Err(format!("the password {:?} is there twice", password.facts.label.as_str()));
            }
            passwords.push(password);
        }
        if self.absent && (!passwords.is_empty() || self.disabled.is_some() || self.expires.is_some()) {
            return Err("an account that is absent has nothing".to_owned());
        }
        Ok(Entry {
            place,
            named,
            absent: self.absent,
            disabled: self.disabled,
            expires: self.expires.map(|text| time(&text)).transpose()?,
            mechanisms: self.mechanisms.map(|names| mechanisms(&names)).transpose()?,
            passwords,
            part: None,
        })
    }
}

impl WrittenPassword {
    fn check(self) -> Result<Wanted, String> {
        let label = Label::new(&self.label).map_err(|fault| fault.to_string())?;
        let source = source(self.password, self.password_file, self.password_hash)?.ok_or_else(|| {
            format!("the password {:?} has none of `password`, `password_file`, `password_hash`", self.label)
        })?;
        let service = |name: &String| ServiceName::new(name).ok_or_else(|| format!("{name:?} is no service"));
        let network = |text: &String| text.parse().map_err(|fault| format!("{text:?} is {fault}"));
        let facts = PasswordFacts {
            label,
            expires: self.expires.map(|text| time(&text)).transpose()?.flatten(),
            services: self.services.iter().map(service).collect::<Result<_, _>>()?,
            networks: self.networks.iter().map(network).collect::<Result<_, String>>()?,
        };
        Ok(Wanted { facts, no_plaintext: self.plaintext == Some(false), source })
    }
}

fn source(text: Option<Text>, file: Option<PathBuf>, hash: Option<OneOrMore>) -> Result<Option<Source>, String> {
    match (text, file, hash) {
        (None, None, None) => Ok(None),
        (Some(text), None, None) => {
            let password = Password::new(text.as_str().as_bytes().to_vec()).map_err(|fault| fault.to_string())?;
            Ok(Some(Source::Text(password)))
        }
        (None, Some(file), None) if file.is_absolute() => Ok(Some(Source::File(file))),
        (None, Some(_), None) => Err("`password_file` is an absolute path".to_owned()),
        (None, None, Some(OneOrMore::One(text))) => Ok(Some(Source::Stored(vec![text]))),
        (None, None, Some(OneOrMore::More(texts))) if !texts.is_empty() => Ok(Some(Source::Stored(texts))),
        (None, None, Some(OneOrMore::More(_))) => Err("`password_hash` is empty".to_owned()),
        _ => Err("of `password`, `password_file` and `password_hash` a password has one".to_owned()),
    }
}

/// A time, or `never`. One that is counted from now would be another one in each run.
fn time(text: &str) -> Result<Option<UnixTime>, String> {
    match When::parse(text) {
        _ if text == "never" => Ok(None),
        Ok(When::At(time)) => Ok(Some(time)),
        _ => Err(format!("{text:?} is neither a date, nor a date with time and zone, nor \"never\"")),
    }
}

/// A list of mechanisms; an empty one lifts it.
fn mechanisms(names: &[String]) -> Result<Option<MechanismSet>, String> {
    let mut set = MechanismSet::default();
    for name in names {
        let known = Mechanism::from_name(name.as_bytes());
        set = set.with(known.ok_or_else(|| {
            format!("there is no mechanism {name:?}; known are {}", Mechanism::ALL.map(Mechanism::name).join(", "))
        })?);
    }
    Ok((!names.is_empty()).then_some(set))
}

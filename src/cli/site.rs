//! What the tools work on: the settings, and the store that they name.

use std::ffi::OsStr;
use std::fs::DirBuilder;
use std::os::unix::fs::{DirBuilderExt, chown};
use std::path::Path;

use crate::config::Config;
use crate::identity::{Authcid, Identity, IdentityKey, Name, Realm, Realms};
use crate::runtime::{Clock, SystemClock, SystemEntropy, UnixTime};
use crate::store::sqlite::{Creation, Lister, Reader, Writer};
use crate::store::{Actor, CredentialAdmin, CredentialLookup, DecoyShape, Place, StoreError};

use super::bare_host;
use super::exit::Exit;
use super::failure::{Failure, refused_name};
use super::host::HostNames;
use super::output::Program;
use super::when::When;

/// The settings with the options over them.
#[derive(Debug)]
pub(super) struct Site {
    /// The settings.
    pub(super) config: Config,
    place: Place,
}

impl Site {
    /// `config` and `database` are the options of these names. An empty `-f` counts as none, as with saslpasswd2.
    pub(super) fn load(config: Option<&OsStr>, database: Option<&OsStr>) -> Result<Self, Failure> {
        let mut config = Config::load(config.map(Path::new))?;
        if let Some(database) = database.filter(|path| !path.is_empty()) {
            config.database = database.into();
        }
        Ok(Self::of(config))
    }

    /// With settings that have the options in them.
    pub(super) fn of(config: Config) -> Self {
        let place = config.place();
        Self { config, place }
    }

    /// Where database and key are.
    pub(super) fn place(&self) -> &Place {
        &self.place
    }

    /// Opens the store for changes; makes it where there is none.
    pub(super) fn writer_or_new(&self, program: &Program) -> Result<Writer, Failure> {
        // What a new database would note is asked only where one is made: an odd host name is no matter otherwise.
        let mut opened = self.existing_writer();
        if matches!(opened, Err(StoreError::Missing(_) | StoreError::Unreachable { .. }))
            && bare_host::make_folders(&self.config)
        {
            opened = self.existing_writer();
        }
        match opened {
            Err(StoreError::Missing(_)) => {}
            opened => return Ok(opened?),
        }
        let creation = Creation { realms: self.realms_of_a_new_database()?, actor: actor(program), now: now() };
        let writer = Writer::open(&self.place, &creation, Box::new(SystemEntropy))?;
        if writer.is_new() {
            self.make_activity_folder();
        }
        Ok(writer)
    }

    /// Makes the folder in which the helper writes who logged in, and gives it to the helper's user. The account matters, not
    /// the folder: where it cannot be made the helper says so.
    pub(super) fn make_activity_folder(&self) {
        let folder = self.config.activity();
        let made = DirBuilder::new().mode(0o750).create(&folder).is_ok();
        if let Some(user) = self.config.user.as_ref().filter(|_| made) {
            let _ = chown(&folder, user.uid().ok().map(nix::unistd::Uid::as_raw), None);
        }
    }

    /// Opens the store for changes.
    pub(super) fn writer(&self) -> Result<Writer, Failure> {
        Ok(self.existing_writer()?)
    }

    /// As [`Self::writer`], for those who have something to do where there is none.
    pub(super) fn existing_writer(&self) -> Result<Writer, StoreError> {
        Writer::open_existing(&self.place, Box::new(SystemEntropy))
    }

    /// Opens the store for look-ups, as the helper does.
    pub(super) fn reader(&self) -> Result<Reader, Failure> {
        let shape = DecoyShape { usual_iterations: self.config.scram_iterations, schemes: self.config.schemes.clone() };
        Ok(Reader::open(&self.place, shape)?)
    }

    /// Opens the store for listing, for which the key is not needed.
    pub(super) fn lister(&self) -> Result<Lister, Failure> {
        Ok(Lister::open(&self.place.database)?)
    }

    /// The default realm and its aliases as the settings and the store have them.
    pub(super) fn realms(&self, store: &mut Writer) -> Result<Realms, Failure> {
        realms(&self.config, &store.realms()?, |alias| store.first_in(alias))
    }

    /// As [`Self::realms`], from a store opened for look-ups.
    pub(super) fn realms_of_reader(&self, store: &mut Reader) -> Result<Realms, Failure> {
        realms(&self.config, &store.realms()?, |alias| store.first_in(alias))
    }

    /// What a new database would note.
    pub(super) fn realms_of_a_new_database(&self) -> Result<Realms, Failure> {
        let host = HostNames::of_this_host();
        let default = match &self.config.realm {
            Some(realm) => realm.clone(),
            None => host.realm().map_err(|fault| {
                Failure::new(Exit::Failure, anyhow::anyhow!("this host's name cannot be a realm: it {fault}"))
                    .hint("set `realm` in the configuration file")
            })?,
        };
        let aliases = self.config.realm_aliases.clone().unwrap_or_else(|| host.aliases());
        Ok(Realms::new(default, aliases))
    }
}

/// The realms of the settings and those that the store `noted`; refused where an alias has accounts of its own. `first_in` gives
/// the first account of a realm.
pub(super) fn realms(
    config: &Config,
    noted: &Realms,
    first_in: impl FnMut(&Realm) -> Result<Option<IdentityKey>, StoreError>,
) -> Result<Realms, Failure> {
    let realms = config.realms(noted);
    match realms.clashes(first_in)?.into_iter().next() {
        None => Ok(realms),
        Some(clash) => Err(Failure::new(Exit::Configuration, clash)
            .hint("set `realm_aliases` in the configuration file, without this name")),
    }
}

/// How often the account may be changed by others between reading it and writing it before we give up.
pub(super) const TRIES: usize = 10;

/// Who makes the changes of this process.
pub(super) fn actor(program: &Program) -> Actor {
    Actor { uid: program.uid(), program: program.name().to_owned() }
}

/// Now, on the wall.
pub(super) fn now() -> UnixTime {
    SystemClock::start().now()
}

/// The moment from which something is not good any more, which a person gave as `when`.
pub(super) fn end(when: When) -> Result<UnixTime, Failure> {
    when.after(now()).ok_or_else(|| {
        Failure::new(Exit::BadParameter, anyhow::anyhow!("the time when it ends is over, or too far away"))
            .hint("give a date that is to come, or how long from now, such as 30d")
    })
}

/// The account that a person names on the command line: `NAME` or `NAME@REALM`.
#[derive(Debug)]
pub(super) struct Named {
    authcid: Authcid,
    without_realm: bool,
}

impl Named {
    /// Reads `userid`, split at its first `@`; a realm in it comes before `realm`, and an empty `realm` counts as none.
    pub(super) fn parse(userid: &OsStr, realm: Option<&OsStr>) -> Result<Self, Failure> {
        use crate::identity::IdentityError::NotUtf8;
        let userid = userid.to_str().ok_or_else(|| refused_name("user name", NotUtf8))?;
        let realm = realm.filter(|realm| !realm.is_empty());
        let (name, realm) = match (userid.split_once('@'), realm) {
            (Some((name, realm)), _) => (name, Some(realm)),
            (None, None) => (userid, None),
            (None, Some(realm)) => (userid, Some(realm.to_str().ok_or_else(|| refused_name("realm", NotUtf8))?)),
        };
        let name = Name::new(name).map_err(|fault| refused_name("user name", fault))?;
        let realm = realm.map(Realm::imported).transpose().map_err(|fault| refused_name("realm", fault))?;
        let without_realm = realm.as_ref().is_some_and(|realm| realm.as_str().is_empty());
        Ok(Self { authcid: Authcid::new(name, realm), without_realm })
    }

    /// Whether it is `NAME@`: in no realm, and not in the default one either.
    pub(super) fn is_without_realm(&self) -> bool {
        self.without_realm
    }

    /// The account meant. A realm that is an alias means the default realm.
    pub(super) fn resolve(&self, realms: &Realms) -> Identity {
        realms.resolve(&self.authcid, None)
    }
}

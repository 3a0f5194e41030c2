//! The settings: one TOML file, read by every program, parsed into checked types. It holds no secrets.
//!
//! A setting comes from the command line's option, else from the file, else from its default. The programs load a
//! [`Config`] and put their options over its fields; what follows from other settings ([`Config::place`],
//! [`Config::mechanisms`]) is worked out when asked.

mod lookup;
mod read;
mod system;

use std::num::NonZeroU16;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Deserialize;

use crate::credential::Network;
use crate::identity::{Realm, Realms};
use crate::store::{DEFAULT_DATABASE, Place, beside};
use crate::vocabulary::{Mechanism, MechanismSet, Scheme, ScramHash};

pub use lookup::{LookupPeer, LookupSocket, UserOrGroup};
pub use system::{Group, Mode, SocketPath, SocketPathError, UnknownName, User};

/// Where the file is looked for unless `--config` names another; there it need not exist.
pub const DEFAULT_FILE: &str = "/etc/sasldb-rs/config.toml";

/// The sockets that the helper opens where no setting and no option names one.
const DEFAULT_SOCKETS: [(Protocol, &str); 2] =
    [(Protocol::Dovecot, "/run/sasldb-rs/auth"), (Protocol::Saslauthd, "/run/sasldb-rs/mux")];

/// The name of its socket in the folder that Cyrus's `saslauthd -m` takes.
pub const MUX: &str = "mux";

const DEFAULT_ACTIVITY: &str = "/var/lib/sasldb-rs/activity";

/// The lowest iteration count that RFC 5802, section 5.1, lets a server ask for.
pub const MIN_SCRAM_ITERATIONS: u32 = 4096;

/// Above this a client would take so long that MTAs give up waiting.
pub const MAX_SCRAM_ITERATIONS: u32 = 10_000_000;

/// Failures are answered before this: Exim and Postfix begin to doubt a server that is slower.
pub const MAX_FAILURE_DELAY: Duration = Duration::from_secs(5);

/// The lowest limit of failures but none: a mail client turns one mistyped password into four failures, by as many
/// mechanisms, and may try twice.
pub const MIN_BURST: u32 = 8;

/// Every setting, each with its default where the file has none.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// The account database.
    #[serde(deserialize_with = "read::absolute")]
    pub database: PathBuf,
    #[serde(deserialize_with = "read::absolute_or_none")]
    key_file: Option<PathBuf>,
    /// The default realm; `None` leaves it to the database, and where that is not made yet, to the host's name.
    #[serde(deserialize_with = "read::realm")]
    pub realm: Option<Realm>,
    /// Other names of the default realm, noted when the database is made; `None` means the host's short and full name.
    #[serde(deserialize_with = "read::realms")]
    pub realm_aliases: Option<Vec<Realm>>,
    /// What is made of a new password: at least one scheme.
    #[serde(deserialize_with = "read::schemes")]
    pub schemes: Vec<Scheme>,
    /// The SCRAM iteration count of new passwords.
    #[serde(deserialize_with = "read::scram_iterations")]
    pub scram_iterations: u32,
    /// What becomes of new passwords that somebody would guess.
    pub weak_passwords: WeakPasswords,
    /// What is made, besides, of a password that PLAIN or LOGIN proved right and that lacks it.
    #[serde(deserialize_with = "read::schemes_or_none")]
    pub learn: Vec<Scheme>,
    #[serde(deserialize_with = "read::mechanisms")]
    mechanisms: Option<MechanismSet>,
    /// Whether PLAIN and LOGIN are good on a connection without TLS.
    pub plaintext_without_tls: bool,
    /// How long after the last message of a failed login the answer is sent; below [`MAX_FAILURE_DELAY`].
    #[serde(deserialize_with = "read::failure_delay")]
    pub failure_delay: Duration,
    /// How many failures a source may make.
    pub limits: FailureLimits,
    /// Whether the log shows names that no account has. People type passwords where the name belongs.
    pub log_unknown_names: bool,
    /// The user that the helper becomes when started as root.
    pub user: Option<User>,
    #[serde(deserialize_with = "read::absolute_or_none")]
    activity: Option<PathBuf>,
    /// The most connections that the helper holds at a time, over all its sockets.
    #[serde(deserialize_with = "read::positive")]
    pub connections: NonZeroU16,
    /// How many threads check slow hashes; `None` means one for each processor.
    #[serde(deserialize_with = "read::positive_or_none")]
    pub hash_threads: Option<NonZeroU16>,
    /// Sockets that speak the Dovecot auth protocol, as the file lists them; see [`Self::sockets`].
    pub dovecot: Vec<Socket>,
    /// Sockets that speak the Dovecot auth-userdb protocol. Who may speak there learns who has an account.
    pub userdb: Vec<Socket>,
    /// Sockets that speak the protocol of Cyrus's saslauthd.
    pub saslauthd: Vec<Socket>,
    /// Sockets that speak the lookup protocol. What is said there is secrets.
    pub lookup: Vec<LookupSocket>,
    /// Sockets on which accounts can be changed, by root and [`Socket::peers`].
    pub store: Vec<Socket>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            database: PathBuf::from(DEFAULT_DATABASE),
            key_file: None,
            realm: None,
            realm_aliases: None,
            schemes: vec![
                Scheme::DigestMd5,
                Scheme::CramMd5,
                Scheme::Scram(ScramHash::Sha1),
                Scheme::Scram(ScramHash::Sha256),
            ],
            scram_iterations: 10_000,
            weak_passwords: WeakPasswords::default(),
            learn: Vec::new(),
            mechanisms: None,
            plaintext_without_tls: false,
            failure_delay: Duration::from_secs(2),
            limits: FailureLimits::default(),
            log_unknown_names: false,
            user: None,
            activity: None,
            connections: NonZeroU16::MIN.saturating_add(1023),
            hash_threads: None,
            dovecot: Vec::new(),
            userdb: Vec::new(),
            saslauthd: Vec::new(),
            lookup: Vec::new(),
            store: Vec::new(),
        }
    }
}

/// What becomes of a new password that somebody would guess.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum WeakPasswords {
    /// It is set, and nothing is said.
    Allow,
    /// It is set, with a warning from `sasldb-rs`; `saslpasswd-rs` says what saslpasswd2 says.
    #[default]
    Warn,
    /// It is not set.
    Refuse,
}

/// How many logins may fail from one address before those that follow are refused unchecked.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct FailureLimits {
    /// Failures that may come at once; 0 switches the limits off.
    #[serde(deserialize_with = "read::burst")]
    pub burst: u32,
    /// The time after which one failure is forgiven.
    #[serde(deserialize_with = "read::forgiven_after")]
    pub forgiven_after: Duration,
    /// Networks whose addresses are never refused.
    #[serde(deserialize_with = "read::networks")]
    pub exempt: Vec<Network>,
}

impl Default for FailureLimits {
    /// Forty are ten mistyped passwords of a client that tries four mechanisms. What runs on this host, webmail say, asks
    /// for many users with one address.
    fn default() -> Self {
        let loopback = ["127.0.0.0/8", "::1/128"];
        let exempt = loopback.iter().filter_map(|network| network.parse().ok()).collect();
        Self { burst: 40, forgiven_after: Duration::from_secs(30), exempt }
    }
}

/// What is spoken on a socket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Protocol {
    /// The Dovecot auth protocol: logins.
    Dovecot,
    /// The Dovecot auth-userdb protocol: whether an account exists.
    Userdb,
    /// The protocol of Cyrus's saslauthd: PLAIN and LOGIN of programs that use libsasl2.
    Saslauthd,
    /// The lookup protocol: what libsasl2 checks logins with.
    Lookup,
    /// The store protocol: changes of accounts.
    Store,
}

impl Protocol {
    /// Every protocol.
    pub const ALL: [Self; 5] = [Self::Dovecot, Self::Userdb, Self::Saslauthd, Self::Lookup, Self::Store];

    /// Its name in settings and options, and for a socket unit of systemd.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Dovecot => "dovecot",
            Self::Userdb => "userdb",
            Self::Saslauthd => "saslauthd",
            Self::Lookup => "lookup",
            Self::Store => "store",
        }
    }
}

/// One socket of the helper.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Socket {
    /// Where it is.
    pub path: SocketPath,
    /// Whose it is; `None` means the helper's user.
    pub owner: Option<User>,
    /// Its group; `None` means the helper's.
    pub group: Option<Group>,
    /// Its mode.
    #[serde(default)]
    pub mode: Mode,
    /// The users whose processes may speak on it; empty means all whom owner, group and mode let in.
    #[serde(default, deserialize_with = "read::peers")]
    pub peers: Vec<User>,
}

impl Socket {
    /// A socket at `path` that belongs to the helper's user and group.
    #[must_use]
    pub fn at(path: SocketPath) -> Self {
        Self { path, owner: None, group: None, mode: Mode::default(), peers: Vec::new() }
    }
}

/// Why there is no [`Config`]. Each names the file.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("cannot read {path}: {fault}")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// The system's word for it.
        fault: std::io::Error,
    },
    /// Its text is not a configuration.
    #[error("{path}, {place}: {fault}")]
    Invalid {
        /// The file.
        path: PathBuf,
        /// The line, and the key where there is one.
        place: Spot,
        /// What is wrong and what is wanted.
        fault: String,
    },
}

pub use read::Spot;

impl Config {
    /// Reads `named`, which must exist, or the default file, which need not.
    ///
    /// # Errors
    /// See [`ConfigError`].
    pub fn load(named: Option<&Path>) -> Result<Self, ConfigError> {
        let path = named.unwrap_or(Path::new(DEFAULT_FILE));
        match std::fs::read(path) {
            Ok(bytes) => Self::parse(path, &bytes),
            Err(fault) if named.is_none() && fault.kind() == std::io::ErrorKind::NotFound => Ok(Self::default()),
            Err(fault) => Err(ConfigError::Unreadable { path: path.to_owned(), fault }),
        }
    }

    /// Reads what a file holds; `path` is the name by which errors call it.
    ///
    /// # Errors
    /// [`ConfigError::Invalid`].
    pub fn parse(path: &Path, bytes: &[u8]) -> Result<Self, ConfigError> {
        read::parse(path, bytes)
    }

    /// Where the database and its key are.
    #[must_use]
    pub fn place(&self) -> Place {
        Place::at(&self.database, self.key_file.clone())
    }

    /// The default realm and its aliases: the settings, else what the database noted. What it noted as aliases are other
    /// names of the realm it noted, and of no other.
    #[must_use]
    pub fn realms(&self, noted: &Realms) -> Realms {
        let default = self.realm.as_ref().unwrap_or(noted.default_realm());
        let aliases = match &self.realm_aliases {
            Some(aliases) => aliases.as_slice(),
            None if default.same(noted.default_realm()) => noted.aliases(),
            None => &[],
        };
        Realms::new(default.clone(), aliases.iter().cloned())
    }

    /// The folder for activity, which the helper's user may write: the setting, else beside the database.
    #[must_use]
    pub fn activity(&self) -> PathBuf {
        match &self.activity {
            Some(path) => path.clone(),
            None if self.has_default_database() => PathBuf::from(DEFAULT_ACTIVITY),
            None => beside(&self.database, ".activity"),
        }
    }

    /// The mechanisms to announce: the setting, else those that the schemes serve, with LOGIN and PLAIN.
    #[must_use]
    pub fn mechanisms(&self) -> MechanismSet {
        self.mechanisms.unwrap_or_else(|| {
            let plaintext = [Mechanism::Login, Mechanism::Plain];
            self.schemes.iter().filter_map(|scheme| scheme.mechanism()).chain(plaintext).collect()
        })
    }

    /// Whether any socket is named.
    #[must_use]
    pub fn names_sockets(&self) -> bool {
        self.named_sockets().next().is_some()
    }

    /// The sockets that are named.
    pub fn named_sockets(&self) -> impl Iterator<Item = (Protocol, &Socket)> {
        let dovecot = self.dovecot.iter().map(|socket| (Protocol::Dovecot, socket));
        let userdb = self.userdb.iter().map(|socket| (Protocol::Userdb, socket));
        let saslauthd = self.saslauthd.iter().map(|socket| (Protocol::Saslauthd, socket));
        let lookup = self.lookup.iter().map(|lookup| (Protocol::Lookup, &lookup.socket));
        let store = self.store.iter().map(|socket| (Protocol::Store, socket));
        dovecot.chain(userdb).chain(saslauthd).chain(lookup).chain(store)
    }

    /// The sockets to open: those named, else the default ones.
    #[must_use]
    pub fn sockets(&self) -> Vec<(Protocol, Socket)> {
        if self.names_sockets() {
            return self.named_sockets().map(|(protocol, socket)| (protocol, socket.clone())).collect();
        }
        let at = |path: &str| SocketPath::new(Path::new(path)).map(Socket::at);
        DEFAULT_SOCKETS.into_iter().filter_map(|(protocol, path)| Some((protocol, at(path).ok()?))).collect()
    }

    fn has_default_database(&self) -> bool {
        self.database == Path::new(DEFAULT_DATABASE)
    }
}

#[cfg(test)]
mod tests;

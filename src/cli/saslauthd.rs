//! `saslauthd-rs`: the helper.

use std::ffi::{OsStr, OsString};
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use clap::{CommandFactory, Parser, ValueHint};

use crate::config::{Config, LookupSocket, MUX, Mode, Protocol, Socket, SocketPath, UnknownName, UserOrGroup};
use crate::exchange::Policy;
use crate::identity::{Realm, Realms};
use crate::server::learner::Learner;
use crate::server::session::Settings;
use crate::server::{self, ActivityPlace, Door, DoorError, Service, SettingsSource, Storekeeper, privilege};
use crate::store::sqlite::Reader;
use crate::store::{CredentialLookup, DecoyShape, StoreError};

use super::exit::Exit;
use super::failure::{Failure, refused_name};
use super::host::HostNames;
use super::learner;
use super::output::{Data, Program, to_stderr};
use super::site::{self, Site};
use super::storekeeper;

/// Tell mail servers who may log in
#[derive(Debug, Clone, Parser)]
#[command(name = "saslauthd-rs", version)]
struct Options {
    /// The account database, in place of the setting `database`
    #[arg(short = 'f', long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    database: Option<PathBuf>,
    /// The default realm, in place of the setting `realm`: of a login without one, and offered by DIGEST-MD5
    #[arg(long)]
    realm: Option<String>,
    /// Open a socket that speaks the Dovecot auth protocol, version 1.2; may be given several times
    ///
    /// Where this or another option names a socket, those in the settings are not opened. The socket is open to whoever gets
    /// into its folder; the settings can say more about one.
    #[arg(long, value_name = "SOCKET")]
    dovecot: Vec<PathBuf>,
    /// Open a socket that says whether accounts exist, by Dovecot's auth-userdb protocol, as chasquid needs; may be given
    /// several times
    ///
    /// Whoever gets into its folder can learn which names have accounts, but nothing else about them. An account that is
    /// disabled or has expired exists all the same: mail for it is not refused.
    #[arg(long, value_name = "SOCKET")]
    userdb: Vec<PathBuf>,
    /// Open a socket that speaks the protocol of Cyrus's saslauthd(8), or one named `mux` in this folder; may be given several
    /// times
    ///
    /// It is for PLAIN and LOGIN of programs that use libsasl2, with `pwcheck_method: saslauthd`, and for Exim's condition
    /// `saslauthd`. A realm in the name comes before the one beside it. Whoever gets into the folder can try passwords, so it
    /// should be the folder of those programs: nothing says from where a login comes, and failures are not counted.
    #[arg(long, value_name = "SOCKET")]
    saslauthd: Vec<PathBuf>,
    /// Open a socket that hands stored secrets out to the libsasl2 plugin of listed users, or of root; may be given several
    /// times
    ///
    /// The plugin is libsasldb_rs.so, and the protocol its own. Who gets what is said by the table `[[lookup]]` of the
    /// settings with the same path; without one only processes of root get anything. A program that can use the Dovecot auth
    /// protocol should: it is told who may log in, and no secrets.
    #[arg(long, value_name = "SOCKET")]
    lookup: Vec<PathBuf>,
    /// Open a socket on which programs of root, or of listed users, change accounts through the libsasl2 plugin; may be given
    /// several times
    ///
    /// They are programs such as saslpasswd2(8). The users are those that the table `[[store]]` of the settings with the same
    /// path names as its `peers`. A process of its own, with the rights that the helper is started with, has this socket;
    /// logins never get there.
    #[arg(long, value_name = "SOCKET")]
    store: Vec<PathBuf>,
    /// Be the process behind this store socket, which standard input listens on
    #[arg(long, value_name = "SOCKET", hide = true)]
    storekeeper: Option<PathBuf>,
    /// Read options and settings, say what is wrong with them, and exit
    #[arg(long)]
    check_config: bool,
    /// Be the learner of the helper at the other end of standard input
    #[arg(long, hide = true)]
    learner: bool,
    /// The configuration file, in place of /etc/sasldb-rs/config.toml
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    config: Option<PathBuf>,
}

/// The definition of its options, which man page and completions are made from.
pub fn definition() -> clap::Command {
    Options::command()
}

/// Runs the program with the arguments of the process, its own name first.
pub fn run(arguments: impl Iterator<Item = OsString>) -> Exit {
    let arguments: Vec<OsString> = arguments.collect();
    let program = Program::new(arguments.first().map(OsString::as_os_str), "saslauthd-rs");
    let options = match Options::try_parse_from(arguments) {
        Ok(options) => options,
        Err(error) if error.use_stderr() => {
            to_stderr(error.render());
            return Exit::Misuse;
        }
        Err(error) => {
            // Help or version, which were asked for.
            let shown = Data::new().text(error.render());
            return if shown.is_ok() { Exit::Success } else { Exit::Failure };
        }
    };
    let done = match &options.storekeeper {
        Some(socket) => keep_store(&program, &options, socket),
        None if options.learner => learner::run(&program, || configure(&options)),
        None => serve(&program, options),
    };
    match done {
        Ok(()) => Exit::Success,
        Err(failure) => failure.tell(&program),
    }
}

fn serve(program: &Program, options: Options) -> Result<(), Failure> {
    let settings = FromFile::read(options)?;
    let config = &settings.config;
    check_names(config)?;
    if settings.options.check_config {
        return Ok(());
    }
    server::abort_on_panic();
    privilege::seal_process();
    let connections = usize::from(config.connections.get());
    check_file_limit(connections);

    let mut doors = open_doors(&config.sockets(), config.names_sockets())?;
    doors.iter_mut().try_for_each(|door| door.hand_out(&config.lookup))?;
    let (for_changes, doors) = doors.into_iter().partition(|door: &Door| door.protocol() == Protocol::Store);
    let _storekeepers = start_storekeepers(&settings.options, for_changes)?;
    let learner = if config.learn.is_empty() { None } else { start_learner(program, &settings.options) };
    if let Some(user) = &config.user {
        privilege::become_user(user).map_err(|fault| {
            Failure::new(Exit::Failure, fault).hint("start it as root, or take `user` out of the configuration file")
        })?;
    }

    let shape = DecoyShape { usual_iterations: config.scram_iterations, schemes: config.schemes.clone() };
    let mut owner = Reader::new(&config.place(), shape.clone());
    let activity = ActivityPlace { folder: config.activity(), database: Box::new(move || owner.database_id()) };
    let mut reader = Reader::new(&config.place(), shape);
    if let Some(fault) = reader.connect().err().filter(StoreError::is_lasting) {
        return Err(Failure::from(fault).ending_in(Exit::Failure));
    }
    // A database that cannot be read now says nothing about its realms; look-ups will say that it cannot be read.
    if let Ok(noted) = reader.realms() {
        site::realms(config, &noted, |alias| reader.first_in(alias))?;
    }
    let processors = std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN);
    let hash_threads = config.hash_threads.map_or(processors, NonZeroUsize::from);
    let (store, settings) = (Box::new(reader), Box::new(settings));
    let service = Service { doors, store, settings, connections, hash_threads, activity, learner };
    crate::server::serve(service)
        .map_err(|fault| Failure::new(Exit::Failure, anyhow::Error::new(fault).context("the helper cannot go on")))
}

/// This program, to be started with the options of this process that say where accounts are, and no others.
fn this_program(options: &Options) -> std::io::Result<Command> {
    let mut command = Command::new(std::env::current_exe()?);
    let given = [
        ("--config", options.config.as_ref().map(|path| path.as_os_str())),
        ("--database", options.database.as_ref().map(|path| path.as_os_str())),
        ("--realm", options.realm.as_ref().map(OsStr::new)),
    ];
    command.args(given.into_iter().filter_map(|(option, value)| Some([OsStr::new(option), value?])).flatten());
    command.env_clear();
    Ok(command)
}

/// Starts a process for each of `doors`, while this one still has the rights that changes need.
fn start_storekeepers(options: &Options, doors: Vec<Door>) -> Result<Vec<Storekeeper>, Failure> {
    let start = |door: Door| {
        let mut command = this_program(options)?;
        command.arg("--storekeeper").arg(door.path());
        command.envs(std::env::var_os("JOURNAL_STREAM").map(|stream| ("JOURNAL_STREAM", stream)));
        Storekeeper::start(door, command)
    };
    let started: std::io::Result<Vec<Storekeeper>> = doors.into_iter().map(start).collect();
    started.map_err(|fault| {
        Failure::new(Exit::Failure, anyhow::Error::new(fault).context("cannot start the process behind a store socket"))
    })
}

/// Starts the process that writes down what logins teach. Logins need none.
fn start_learner(program: &Program, options: &Options) -> Option<Learner> {
    let started = this_program(options).and_then(|mut command| {
        command.arg("--learner");
        Learner::start(command)
    });
    started
        .inspect_err(|fault| program.complain(format_args!("nothing is learnt: cannot start the learner: {fault}")))
        .ok()
}

/// What such a process does.
fn keep_store(program: &Program, options: &Options, socket: &Path) -> Result<(), Failure> {
    let config = configure(options)?;
    storekeeper::run(program, &config, socket, || Ok(Site::of(configure(options)?)))
}

/// The settings: file and options, read again on demand.
#[derive(Debug)]
struct FromFile {
    options: Options,
    config: Config,
    hostname: String,
    /// The default realm and its aliases as long as no database says something else.
    own_realms: Realms,
}

impl FromFile {
    fn read(options: Options) -> Result<Self, Failure> {
        let config = configure(&options)?;
        let host = HostNames::of_this_host();
        let default = match &config.realm {
            Some(realm) => realm.clone(),
            // A name that cannot be a realm matters only until there is a database, and that says so when it is made.
            None => host.realm().or_else(|_| Realm::new("localhost")).map_err(|fault| refused_name("realm", fault))?,
        };
        let aliases = config.realm_aliases.clone().unwrap_or_else(|| host.aliases());
        let own_realms = Realms::new(default, aliases);
        Ok(Self { options, config, hostname: host.mail_name().to_owned(), own_realms })
    }
}

fn configure(options: &Options) -> Result<Config, Failure> {
    let mut config = Config::load(options.config.as_deref())?;
    if let Some(database) = options.database.as_ref().filter(|path| !path.as_os_str().is_empty()) {
        config.database.clone_from(database);
    }
    if let Some(realm) = &options.realm {
        config.realm = Some(Realm::new(realm).map_err(|fault| refused_name("realm", fault))?);
    }
    // Whoever names a socket on the command line wants no others.
    let named = [&options.dovecot, &options.userdb, &options.saslauthd, &options.lookup, &options.store];
    if !named.iter().all(|named| named.is_empty()) {
        let sockets = |paths: &[PathBuf]| paths.iter().map(|path| socket_at(path)).collect::<Result<Vec<_>, _>>();
        (config.dovecot, config.userdb) = (sockets(&options.dovecot)?, sockets(&options.userdb)?);
        config.saslauthd = sockets(&options.saslauthd.iter().map(|path| mux_at(path)).collect::<Vec<_>>())?;
        // Who gets secrets is for the settings alone to say.
        let listed = |socket: Socket| {
            let same = config.lookup.iter().find(|lookup| lookup.socket.path == socket.path);
            same.cloned().unwrap_or_else(|| LookupSocket::at(socket))
        };
        config.lookup = sockets(&options.lookup)?.into_iter().map(listed).collect();
        // Nor who may change accounts.
        let listed = |socket: Socket| {
            let same = config.store.iter().find(|store| store.path == socket.path);
            same.cloned().unwrap_or(socket)
        };
        config.store = sockets(&options.store)?.into_iter().map(listed).collect();
    }
    Ok(config)
}

/// Cyrus's option names the folder, libsasl2's setting the socket in it.
fn mux_at(path: &Path) -> PathBuf {
    if path.is_dir() { path.join(MUX) } else { path.to_owned() }
}

/// An option has no place for owner and mode, and a mail server is another user than whoever starts the helper: as with
/// Cyrus's saslauthd, the folder says who may ask.
fn socket_at(path: &Path) -> Result<Socket, Failure> {
    let checked = std::path::absolute(path).ok().as_deref().map_or_else(|| SocketPath::new(path), SocketPath::new);
    checked.map(|path| Socket { mode: Mode::OPEN, ..Socket::at(path) }).map_err(|fault| {
        Failure::new(Exit::Failure, anyhow::anyhow!("socket {}: the path {fault}", path.display()))
            .hint("name a file in an existing folder; clients cannot connect to longer paths")
    })
}

/// The names of users and groups in the settings, so that a wrong one is found before the socket is needed.
fn check_names(config: &Config) -> Result<(), Failure> {
    let names = || -> Result<(), UnknownName> {
        config.user.iter().try_for_each(|user| user.uid().map(drop))?;
        for (_, socket) in config.named_sockets() {
            socket.owner.iter().chain(&socket.peers).try_for_each(|user| user.uid().map(drop))?;
            socket.group.iter().try_for_each(|group| group.gid().map(drop))?;
        }
        config.lookup.iter().flat_map(|lookup| &lookup.peers).try_for_each(|peer| match &peer.who {
            UserOrGroup::User(user) => user.uid().map(drop),
            UserOrGroup::Group(group) => group.gid().map(drop),
        })
    };
    names().map_err(|fault| Failure::new(Exit::Configuration, fault))
}

impl SettingsSource for FromFile {
    fn settings(&self, noted: Option<&Realms>) -> Settings {
        let realms = match noted {
            Some(noted) => self.config.realms(noted),
            None => self.own_realms.clone(),
        };
        let policy = Policy {
            mechanisms: self.config.mechanisms(),
            plaintext_needs_tls: !self.config.plaintext_without_tls,
            realms,
            hostname: self.hostname.clone(),
            learn: self.config.learn.clone(),
        };
        let (failure_delay, limits) = (self.config.failure_delay, self.config.limits.clone());
        Settings { policy: Arc::new(policy), failure_delay, limits }
    }

    fn log_unknown_names(&self) -> bool {
        self.config.log_unknown_names
    }

    fn read_again(&self) -> Result<Box<dyn SettingsSource>, String> {
        let again = Self::read(self.options.clone()).map_err(|failure| failure.to_string())?;
        Ok(Box::new(again))
    }
}

/// Sockets from systemd, and those of options and settings that are not among them. The default ones are opened only where
/// nobody named any.
fn open_doors(sockets: &[(Protocol, Socket)], named: bool) -> Result<Vec<Door>, Failure> {
    let mut doors = Door::activated(sockets)?;
    if doors.is_empty() || named {
        for (protocol, socket) in sockets {
            if !doors.iter().any(|door| door.path() == socket.path.as_path()) {
                doors.push(Door::open(*protocol, socket)?);
            }
        }
    }
    Ok(doors)
}

impl From<DoorError> for Failure {
    fn from(fault: DoorError) -> Self {
        let hint = fault.hint();
        let failure = Self::new(Exit::Failure, fault);
        match hint {
            Some(hint) => failure.hint(hint),
            None => failure,
        }
    }
}

fn check_file_limit(connections: usize) {
    // Sockets, database, key, log and the loop's own files.
    const OTHERS: u64 = 64;
    let needed = u64::try_from(connections).unwrap_or(u64::MAX).saturating_add(OTHERS);
    let limit = privilege::raise_file_limit();
    if limit < needed {
        to_stderr(format_args!(
            "saslauthd-rs: only {limit} files may be open, which is too few for {connections} connections\n"
        ));
        super::output::hint("raise the limit (LimitNOFILE= in the unit), or set `connections` lower");
    }
}

//! A folder with a database, and a helper that serves it.

#![allow(dead_code, reason = "each test takes what it needs")]

use std::fs::{File, Permissions};
use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use base64ct::{Base64, Encoding};
use nix::sys::signal::Signal;
use nix::unistd::Pid;
use sasldb::credential::{Iterations, Label, PasswordFacts, Recipe, StoredPassword, derive};
use sasldb::store::{Applied, CredentialAdmin, Place, Provision};
use sasldb::vocabulary::{Scheme, ScramHash};
use tempfile::TempDir;

use crate::store;

pub(crate) const HANDSHAKE: &str = "VERSION\t1\t0\nCPID\t7\n";

/// The PLAIN message of joe with the password `secret`.
pub(crate) const GOOD: &str = "AGpvZQBzZWNyZXQ=";

pub(crate) fn wrong() -> String {
    message("joe", "wrong")
}

/// The PLAIN message with this name and password.
pub(crate) fn message(name: &str, password: &str) -> String {
    Base64::encode_string(format!("\0{name}\0{password}").as_bytes())
}

pub(crate) fn plain(id: u32, message: &str) -> String {
    format!("AUTH\t{id}\tPLAIN\tservice=smtp\tnologin\tsecured\trip=192.0.2.7\tresp={message}\n")
}

/// Gives up after a time that no machine needs: a test that waits for ever says nothing.
pub(crate) fn wait_until(what: &str, mut done: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !done() {
        assert!(begun.elapsed() < Duration::from_secs(60), "waited in vain until {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// A folder of its own for one test.
pub(crate) struct Site {
    folder: TempDir,
}

impl Site {
    pub(crate) fn empty() -> Self {
        let site = Self { folder: tempfile::tempdir().unwrap() };
        site.configure("");
        site
    }

    pub(crate) fn with_account() -> Self {
        let site = Self::empty();
        site.set_password("secret");
        site
    }

    /// Makes or changes joe, and the database with him.
    pub(crate) fn set_password(&self, password: &str) {
        store::put(&mut store::writer(&self.place()), &store::identity("joe", "example.com"), password);
        // As the command line makes it with a new database.
        std::fs::create_dir_all(self.path("accounts.db.activity")).unwrap();
    }

    /// Makes an account whose passwords take long to check: all that there is of them is SCRAM keys.
    pub(crate) fn add_slow(&self, name: &str, password: &str, iterations: u32) {
        let mut writer = store::writer(&self.place());
        let (identity, label) = (store::identity(name, "example.com"), Label::main());
        let basis = writer.basis(&identity, &label).unwrap();
        let recipe = Recipe {
            identity: &basis.identity,
            realms: &basis.realms,
            salt_key: &basis.salt_key,
            schemes: &[Scheme::Scram(ScramHash::Sha256)],
            iterations: Iterations { usual: iterations, bound: &[] },
        };
        let secrets = derive(&store::password(password), &recipe);
        let facts = PasswordFacts::unlimited(label);
        let change = Provision::password(identity, StoredPassword { facts, secrets }, None).into();
        assert_eq!(writer.apply(change, &store::actor(), store::NOW).unwrap().applied, Applied::Created);
    }

    /// Lets a group read everything here.
    pub(crate) fn give_to_group(&self, group: nix::unistd::Gid) {
        let entries = std::fs::read_dir(self.folder.path()).unwrap().map(|entry| (entry.unwrap().path(), 0o640));
        for (path, mode) in entries.chain([(self.folder.path().to_owned(), 0o750)]) {
            nix::unistd::chown(&path, None, Some(group)).unwrap();
            std::fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
        }
    }

    /// Writes the settings; failures are quick unless they say otherwise.
    pub(crate) fn configure(&self, settings: &str) {
        let delay = if settings.contains("failure_delay") { "" } else { "failure_delay = \"100ms\"\n" };
        std::fs::write(self.path("config.toml"), format!("{delay}{settings}")).unwrap();
    }

    pub(crate) fn place(&self) -> Place {
        store::place(self.folder.path())
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn socket(&self) -> PathBuf {
        self.path("auth")
    }

    /// The options of every helper here.
    pub(crate) fn common(&self) -> Vec<String> {
        let text = |path: PathBuf| path.to_str().unwrap().to_owned();
        vec!["--config".into(), text(self.path("config.toml")), "-f".into(), text(self.place().database)]
    }

    /// Starts a helper and waits until it answers.
    pub(crate) fn start(&self, options: &[&str]) -> Helper {
        let mut all = self.common();
        all.extend(["--dovecot", self.socket().to_str().unwrap()].map(str::to_owned));
        all.extend(options.iter().map(|&option| option.to_owned()));
        self.start_with(&all)
    }

    pub(crate) fn start_with(&self, options: &[String]) -> Helper {
        let mut command = Command::new(env!("CARGO_BIN_EXE_saslauthd-rs"));
        command.args(options).stdin(Stdio::null());
        Helper::spawn(command, self, &self.socket())
    }

    /// Runs a helper that should not start: its exit status, and what it says.
    pub(crate) fn refused(&self, options: &[&str]) -> (Option<i32>, String) {
        let mut command = Command::new(env!("CARGO_BIN_EXE_saslauthd-rs"));
        command.args(self.common()).args(options).stdin(Stdio::null());
        if !options.contains(&"--dovecot") {
            command.arg("--dovecot").arg(self.socket());
        }
        let output = command.output().unwrap();
        (output.status.code(), String::from_utf8(output.stderr).unwrap())
    }
}

/// A helper that runs; killed at the end of the test.
pub(crate) struct Helper {
    child: Child,
    log: PathBuf,
    socket: PathBuf,
}

impl Helper {
    pub(crate) fn spawn(mut command: Command, site: &Site, socket: &Path) -> Self {
        // A thousand clients in one process are more than an ordinary user's limit lets open.
        let (_, most) = nix::sys::resource::getrlimit(nix::sys::resource::Resource::RLIMIT_NOFILE).unwrap();
        nix::sys::resource::setrlimit(nix::sys::resource::Resource::RLIMIT_NOFILE, most, most).unwrap();
        let log = site.path("log");
        let child = command.stderr(File::create(&log).unwrap()).env_remove("JOURNAL_STREAM").spawn().unwrap();
        let mut helper = Self { child, log, socket: socket.to_owned() };
        wait_until("the helper listens", || {
            let ended = helper.child.try_wait().unwrap();
            assert!(ended.is_none(), "it ended: {}", helper.log());
            helper.log().contains("listening on")
        });
        helper
    }

    /// A connection, its greeting unread.
    pub(crate) fn connect_quietly(&self) -> Client {
        self.connect_to(self.socket.to_str().unwrap())
    }

    /// A connection to another of its sockets.
    pub(crate) fn connect_to(&self, socket: &str) -> Client {
        let stream = UnixStream::connect(socket).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
        Client { reader: BufReader::new(stream.try_clone().unwrap()), stream }
    }

    /// A connection whose greeting has been read.
    pub(crate) fn connect(&self) -> Client {
        let mut client = self.connect_quietly();
        assert!(client.try_greeting(), "no greeting: {}", self.log());
        client
    }

    /// A connection with its handshake done.
    pub(crate) fn greeted(&self) -> Client {
        let mut client = self.connect();
        client.send(HANDSHAKE);
        client
    }

    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap()
    }

    pub(crate) fn wait_for_log(&self, text: &str) {
        wait_until(&format!("the log says {text:?}"), || self.log().contains(text));
    }

    pub(crate) fn signal(&self, signal: Signal) {
        nix::sys::signal::kill(Pid::from_raw(self.child.id().try_into().unwrap()), signal).unwrap();
    }

    /// Its process id.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn wait(&mut self) -> ExitStatus {
        self.child.wait().unwrap()
    }

    fn proc(&self, file: &str) -> PathBuf {
        Path::new("/proc").join(self.child.id().to_string()).join(file)
    }

    /// What the system says of it under this name.
    pub(crate) fn status(&self, name: &str) -> String {
        let status = std::fs::read_to_string(self.proc("status")).unwrap();
        status.lines().find_map(|line| line.strip_prefix(name)).unwrap().to_owned()
    }

    /// The processes that its first thread has started.
    pub(crate) fn children(&self) -> Vec<i32> {
        let id = self.child.id();
        let list = std::fs::read_to_string(self.proc(&format!("task/{id}/children"))).unwrap();
        list.split_ascii_whitespace().map(|child| child.parse().unwrap()).collect()
    }

    /// The nice value of its thread of this name.
    pub(crate) fn nice_of(&self, thread: &str) -> i32 {
        let tasks = std::fs::read_dir(self.proc("task")).unwrap();
        let stats = tasks.map(|task| std::fs::read_to_string(task.unwrap().path().join("stat")).unwrap());
        let stat = stats.into_iter().find(|stat| stat.contains(&format!("({thread})"))).unwrap();
        // What proc_pid_stat(5) counts as 19; the name, which may hold spaces, is 2.
        stat.rsplit_once(") ").unwrap().1.split(' ').nth(16).unwrap().parse().unwrap()
    }

    /// Private memory in use.
    pub(crate) fn resident_kib(&self) -> u64 {
        self.status("RssAnon:").split_ascii_whitespace().next().unwrap().parse().unwrap()
    }

    /// Whether its first thread waits for something to happen.
    pub(crate) fn is_asleep(&self) -> bool {
        let stat = std::fs::read_to_string(self.proc("stat")).unwrap();
        stat.rsplit_once(") ").is_some_and(|(_, rest)| rest.starts_with('S'))
    }
}

impl Drop for Helper {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// One connection to the helper.
pub(crate) struct Client {
    pub(crate) stream: UnixStream,
    reader: BufReader<UnixStream>,
}

impl Client {
    pub(crate) fn send(&mut self, text: &str) {
        self.stream.write_all(text.as_bytes()).unwrap();
    }

    /// The next line; none once the helper has closed the connection.
    fn next_line(&mut self) -> Option<String> {
        let mut line = Vec::new();
        match self.reader.read_until(b'\n', &mut line) {
            Ok(0) => None,
            Ok(_) => Some(String::from_utf8(line).unwrap().trim_end().to_owned()),
            Err(fault) if fault.kind() == std::io::ErrorKind::ConnectionReset => None,
            Err(fault) => panic!("{fault}"),
        }
    }

    pub(crate) fn line(&mut self) -> String {
        self.next_line().expect("a reply")
    }

    pub(crate) fn until(&mut self, wanted: impl Fn(&str) -> bool) {
        while !wanted(&self.line()) {}
    }

    pub(crate) fn try_greeting(&mut self) -> bool {
        while let Some(line) = self.next_line() {
            if line == "DONE" {
                return true;
            }
        }
        false
    }

    /// Whether the helper closes the connection, whatever it says before.
    pub(crate) fn is_closed(&mut self) -> bool {
        while self.next_line().is_some() {}
        true
    }
}

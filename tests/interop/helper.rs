//! What answers Postfix on the socket.

use std::fmt::Write as _;
use std::fs::OpenOptions;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use crate::machine::{Machine, Ran, wait_for};
use crate::pages::contrib;

/// Name of the socket in the folder that the machine shares.
pub(crate) const SOCKET: &str = "auth";

/// The realm of every test.
pub(crate) const REALM: &str = "example.com";

/// `saslauthd-rs`, on this side of the machine, and the database that it reads.
pub(crate) struct Ours {
    daemon: Option<Child>,
    database: PathBuf,
    settings: PathBuf,
    log: PathBuf,
    socket: PathBuf,
}

impl Ours {
    /// A helper beside `machine`, not yet started, with no database yet.
    pub(crate) fn beside(machine: &Machine) -> Self {
        let helper = Self {
            daemon: None,
            database: machine.accounts().join("db/accounts.db"),
            log: machine.accounts().join("log"),
            settings: machine.accounts().join("config.toml"),
            socket: machine.shared().join(SOCKET),
        };
        std::fs::create_dir(helper.folder()).unwrap();
        std::fs::File::create(&helper.log).unwrap();
        helper.configure("");
        helper
    }

    /// With these settings before those that an administrator pastes.
    pub(crate) fn configure(&self, more: &str) {
        // The settings that an administrator pastes; only the path is another, outside the machine.
        let pasted = contrib("postfix/config.toml");
        let settings = pasted.replace("/var/spool/postfix/private/auth", &self.socket.to_string_lossy());
        assert_ne!(settings, pasted);
        std::fs::write(&self.settings, [more, &settings].concat()).unwrap();
    }

    pub(crate) fn start(&mut self) {
        // It must not outlive a test that is killed.
        let mut command = Command::new("setpriv");
        command.args(["--pdeathsig", "KILL", "--", env!("CARGO_BIN_EXE_saslauthd-rs"), "--config"]).arg(&self.settings);
        command.arg("-f").arg(&self.database).args(["--realm", REALM]);
        let log = OpenOptions::new().append(true).open(&self.log).unwrap();
        self.daemon = Some(command.stdin(Stdio::null()).stderr(log).spawn().unwrap());
        wait_for("saslauthd-rs to listen", || UnixStream::connect(&self.socket).ok());
    }

    /// Ends the helper as a service manager would.
    pub(crate) fn stop(&mut self) {
        let mut daemon = self.daemon.take().expect("a running helper");
        let pid = nix::unistd::Pid::from_raw(i32::try_from(daemon.id()).unwrap());
        nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGTERM).unwrap();
        let status = wait_for("saslauthd-rs to stop", || daemon.try_wait().unwrap());
        assert!(status.success(), "saslauthd-rs ended with {status}");
    }

    /// All that it has written to its log so far.
    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap()
    }

    /// The folder that holds the database and its key.
    pub(crate) fn folder(&self) -> PathBuf {
        self.database.parent().unwrap().to_owned()
    }

    /// Runs `sasldb-rs` on the database.
    pub(crate) fn sasldb(&self, arguments: &[&str]) -> Ran {
        self.sasldb_with(arguments, "")
    }

    /// The same, with `input` on its standard input.
    pub(crate) fn sasldb_with(&self, arguments: &[&str], input: &str) -> Ran {
        Ran::of(self.command(env!("CARGO_BIN_EXE_sasldb-rs")).args(arguments), input)
    }

    /// Runs `saslpasswd-rs` on the database; it must succeed.
    pub(crate) fn saslpasswd(&self, options: &[&str], user: &str, password: &str) {
        let mut command = self.command(env!("CARGO_BIN_EXE_saslpasswd-rs"));
        let ran = Ran::of(command.args(options).args(["-u", REALM, user]), password);
        assert_eq!(ran.status, 0, "saslpasswd-rs {options:?} {user}: {}", ran.text);
    }

    /// One of our programs, with the settings, on the database.
    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command.arg("--config").arg(&self.settings).arg("-f").arg(&self.database);
        command
    }
}

impl Drop for Ours {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("--- saslauthd-rs\n{}", std::fs::read_to_string(&self.log).unwrap_or_default());
        }
        if let Some(mut daemon) = self.daemon.take() {
            let _ = daemon.kill();
            let _ = daemon.wait();
        }
    }
}

/// Name of the socket for look-ups beside it, which chasquid needs.
pub(crate) const USERDB_SOCKET: &str = "auth-userdb";

/// The lines with which a configuration of Dovecot has to begin; up to 2.3 there are none.
pub(crate) fn dovecot_versions(machine: &Machine) -> &'static str {
    match machine.shell("dovecot --version").starts_with("2.3") {
        true => "",
        false => "dovecot_config_version = 2.4.0\ndovecot_storage_version = 2.4.0\n",
    }
}

/// Starts Dovecot's auth service in the machine, on `socket` of the shared folder, with passwords in the clear: the only
/// way in which it serves every mechanism. Its delays that grow with each failure are off, and so is its rule that names
/// are ASCII. With any other mode its look-ups would be for each user's own name only.
pub(crate) fn start_dovecot(machine: &Machine, socket: &str, accounts: &[(&str, &str)]) {
    let users = accounts.iter().fold(String::new(), |mut users, (name, password)| {
        let _ = writeln!(users, "{name}@{REALM}:{{PLAIN}}{password}:1000:1000::/tmp::");
        users
    });
    start_dovecot_with(machine, socket, &users);
}

/// The same with this passwd-file.
pub(crate) fn start_dovecot_with(machine: &Machine, socket: &str, users: &str) {
    machine.write("/etc/dovecot/users", users);
    // A root above Dovecot's may not have its users.
    machine.shell(
        "for user in dovecot:961 dovenull:962; do
            getent passwd ${user%:*} >/dev/null || echo ${user%:*}:x:${user#*:}:${user#*:}::/:/bin/false >>/etc/passwd
            getent group ${user%:*} >/dev/null || echo ${user%:*}:x:${user#*:}: >>/etc/group
        done",
    );
    let versions = dovecot_versions(machine);
    let (realm, passwords, kind) = if versions.is_empty() {
        ("auth_default_realm", "db {\n driver = passwd-file\n args = /etc/dovecot/users\n}", "")
    } else {
        ("auth_default_domain", "db passwd-file {\n passwd_file_path = /etc/dovecot/users\n}", "type = auth-legacy\n")
    };
    let config = format!(
        "{versions}protocols =\nssl = no\nlog_path = /var/log/dovecot.log\n\
         auth_mechanisms = plain login cram-md5 digest-md5 scram-sha-1 scram-sha-256\n\
         auth_realms = {REALM}\n{realm} = {REALM}\nauth_username_chars =\n\
         pass{passwords}\nuser{passwords}\n\
         service anvil {{\n unix_listener anvil-auth-penalty {{\n mode = 0\n }}\n}}\n\
         service auth {{\n\
         unix_listener /run/sasldb-rs/{socket} {{\n mode = 0666\n {kind}}}\n\
         unix_listener /run/sasldb-rs/{USERDB_SOCKET} {{\n mode = 0777\n}}\n}}\n"
    );
    machine.write("/etc/dovecot/dovecot.conf", &config);
    machine.shell("dovecot </dev/null >/dev/null 2>&1");
    for socket in [socket, USERDB_SOCKET] {
        let path = machine.shared().join(socket);
        wait_for("Dovecot to listen", || UnixStream::connect(&path).ok());
    }
}

//! The peers, in a private machine: Debian's Dovecot auth service and Cyrus saslauthd.

use std::fmt::Write as _;
use std::fs;
use std::io::{self, BufRead, BufReader, Write as _};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::{ChildStdin, Command, Stdio};

use crate::process::{Processes, Running, on_server_core, wait_for_socket};
use crate::scram::SHA256;
use crate::users::{REALM, User};

/// The count that Dovecot writes.
const SCRAM_ITERATIONS: u32 = 4096;

/// What an account of Dovecot keeps. Each has an auth service of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Stored {
    /// The password itself; the slow accounts have an ARGON2ID hash.
    Cleartext,
    /// SCRAM-SHA-256 keys.
    Scram,
    /// bcrypt, at Dovecot's own cost.
    Bcrypt,
}

impl Stored {
    pub(crate) const ALL: [Self; 3] = [Self::Cleartext, Self::Scram, Self::Bcrypt];

    fn name(self) -> &'static str {
        match self {
            Self::Cleartext => "clear",
            Self::Scram => "scram",
            Self::Bcrypt => "bcrypt",
        }
    }
}

/// Gone, with all that runs in it, when dropped: its first process ends with its standard input.
pub(crate) struct Machine {
    _lifeline: ChildStdin,
    _first: Running,
    pid: u32,
    pub(crate) folder: PathBuf,
}

impl Machine {
    /// `folder` is on the disk that the peers write to.
    pub(crate) fn start(folder: &Path) -> io::Result<Self> {
        let project = Path::new(env!("CARGO_MANIFEST_DIR"));
        let made = Command::new(project.join("scripts/roots")).arg("peers").stderr(Stdio::inherit()).output()?;
        if !made.status.success() {
            return Err(io::Error::other("scripts/roots peers failed"));
        }
        let root = PathBuf::from(String::from_utf8_lossy(&made.stdout).trim());
        for part in ["system", "shared"] {
            fs::create_dir(folder.join(part))?;
        }
        for path in [folder, &folder.join("shared")] {
            fs::set_permissions(path, PermissionsExt::from_mode(0o755))?;
        }
        let mut command = Command::new(project.join("tests/interop/machine.sh"));
        let mut child = command.arg(folder).arg(root).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let (input, output) = (child.stdin.take(), child.stdout.take());
        let mut line = String::new();
        BufReader::new(output.ok_or(io::ErrorKind::BrokenPipe)?).read_line(&mut line)?;
        let pid = line.trim().strip_prefix("ready ").and_then(|pid| pid.parse().ok());
        let pid = pid.ok_or_else(|| io::Error::other(format!("no private machine: {line:?}")))?;
        let lifeline = input.ok_or(io::ErrorKind::BrokenPipe)?;
        Ok(Self { _lifeline: lifeline, _first: Running::adopt(child), pid, folder: folder.to_owned() })
    }

    /// A path of the machine's shared folder, as this side sees it.
    pub(crate) fn shared(&self, name: &str) -> PathBuf {
        self.folder.join("shared").join(name)
    }

    fn command(&self, program: &str) -> Command {
        let mut command = on_server_core();
        command.arg("nsenter");
        command.args(["--target", &self.pid.to_string()]);
        if fs::metadata("/proc/self").is_ok_and(|this| this.uid() != 0) {
            command.arg("--user");
        }
        command.args(["--mount", "--pid", "--net", "--ipc", "--uts", "--root", "--wd", "--"]);
        command.args(["env", "-i", "HOME=/root", "LC_ALL=C", "PATH=/usr/sbin:/usr/bin:/sbin:/bin", program]);
        command
    }

    /// Runs a shell script that must succeed, and gives what it printed.
    pub(crate) fn shell(&self, script: &str) -> io::Result<String> {
        let output = self.command("bash").args(["-euc", script]).stderr(Stdio::inherit()).output()?;
        if !output.status.success() {
            return Err(io::Error::other(format!("in the private machine: {script}")));
        }
        Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
    }
}

/// A server of the machine, and the processes that do its work.
pub(crate) struct Peer {
    pub(crate) socket: PathBuf,
    pub(crate) processes: Processes,
    _running: Option<Running>,
}

/// Starts Dovecot with nothing but its auth service. For each login that service asks `anvil` about the address.
pub(crate) fn dovecot(machine: &Machine, stored: Stored, users: &[User]) -> io::Result<Peer> {
    let name = stored.name();
    let version = machine.shell("dovecot --version")?;
    if !version.starts_with("2.3") {
        return Err(io::Error::other(format!("Dovecot {version}: the benchmark knows how to configure 2.3")));
    }
    fs::write(machine.shared(&format!("{name}.users")), passwd_file(machine, stored, users)?)?;
    let config = format!(
        "base_dir = /run/dovecot-{name}\nprotocols =\nssl = no\nlog_path = /run/dovecot-{name}.log\n\
         auth_mechanisms = plain login cram-md5 digest-md5 scram-sha-1 scram-sha-256\n\
         auth_realms = {REALM}\nauth_default_realm = {REALM}\n\
         passdb {{\n driver = passwd-file\n args = /run/sasldb-rs/{name}.users\n}}\n\
         service anvil {{\n client_limit = 5000\n}}\n\
         service auth {{\n client_limit = 5000\n unix_listener /run/sasldb-rs/{name} {{\n  mode = 0666\n }}\n}}\n"
    );
    machine.shell(&format!("cat >/etc/dovecot/{name}.conf <<'CONFIG'\n{config}CONFIG"))?;
    let running = Running::start(machine.command("dovecot").args(["-F", "-c", &format!("/etc/dovecot/{name}.conf")]))?;
    let socket = machine.shared(name);
    wait_for_socket(&socket)?;
    let processes = Processes::Family { root: running.pid(), names: &["auth", "anvil"] };
    Ok(Peer { socket, processes, _running: Some(running) })
}

fn passwd_file(machine: &Machine, stored: Stored, users: &[User]) -> io::Result<String> {
    let hash = |scheme: &str, password: &str| machine.shell(&format!("doveadm pw -s {scheme} -p '{password}'"));
    let mut text = String::new();
    let line = |text: &mut String, user: &User, value: &str| {
        writeln!(text, "{}:{value}:1000:1000::/tmp::", user.name).map_err(io::Error::other)
    };
    if stored == Stored::Cleartext {
        let slow = User::slow();
        let value = hash("ARGON2ID", &slow[0].password)?;
        slow.iter().try_for_each(|user| line(&mut text, user, &value))?;
    }
    // Making a hash by a process of its own for each account would take long: they share it, and a password.
    let bcrypt = if stored == Stored::Bcrypt { hash("BLF-CRYPT", User::SHARED_PASSWORD)? } else { String::new() };
    for user in users {
        let value = match stored {
            Stored::Cleartext => format!("{{PLAIN}}{}", user.password),
            Stored::Scram => {
                let salt = &user.name.as_bytes()[..16];
                format!("{{SCRAM-SHA-256}}{}", SHA256.dovecot_verifier(&user.password, salt, SCRAM_ITERATIONS))
            }
            Stored::Bcrypt => bcrypt.clone(),
        };
        line(&mut text, user, &value)?;
    }
    Ok(text)
}

/// Starts `saslauthd -a sasldb` as Debian does, with five processes.
pub(crate) fn saslauthd(machine: &Machine, users: &[User]) -> io::Result<Peer> {
    let mut list = fs::File::create(machine.shared("cyrus.users"))?;
    for user in users {
        writeln!(list, "{} {}", user.local, user.password)?;
    }
    machine.shell(&format!(
        "while read -r user password; do printf %s \"$password\" | saslpasswd2 -p -c -u {REALM} \"$user\"; done </run/sasldb-rs/cyrus.users
         mkdir /run/sasldb-rs/cyrus
         saslauthd -a sasldb -m /run/sasldb-rs/cyrus -n 5"
    ))?;
    let socket = machine.shared("cyrus/mux");
    wait_for_socket(&socket)?;
    let processes = Processes::Family { root: machine.pid, names: &["saslauthd"] };
    Ok(Peer { socket, processes, _running: None })
}

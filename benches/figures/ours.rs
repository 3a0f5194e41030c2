//! Our helper, and the accounts it serves.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::process::{Processes, Running, on_server_core, wait_for_socket};
use crate::users::{REALM, User};

/// Of the build that this benchmark belongs to, once the programs exist.
const SASLAUTHD: Option<&str> = option_env!("CARGO_BIN_EXE_saslauthd-rs");
const SASLPASSWD: Option<&str> = option_env!("CARGO_BIN_EXE_saslpasswd-rs");
const TOOL: Option<&str> = option_env!("CARGO_BIN_EXE_sasldb-rs");
const LISTER: Option<&str> = option_env!("CARGO_BIN_EXE_sasldblistusers-rs");

const SETTINGS: &str = "realm = \"bench.example\"\nconnections = 5000\n";
const SCHEMES: &str = "\"digest-md5\", \"cram-md5\", \"scram-sha-1\", \"scram-sha-256\", \"scram-sha-512\"";

pub(crate) struct Programs {
    pub(crate) saslauthd: &'static str,
    pub(crate) saslpasswd: &'static str,
    pub(crate) tool: &'static str,
    pub(crate) lister: &'static str,
}

impl Programs {
    pub(crate) fn found() -> Option<Self> {
        Some(Self { saslauthd: SASLAUTHD?, saslpasswd: SASLPASSWD?, tool: TOOL?, lister: LISTER? })
    }

    pub(crate) fn version(&self) -> io::Result<String> {
        let output = Command::new(self.saslauthd).arg("--version").output()?;
        Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
    }
}

/// The running helper.
pub(crate) struct Ours {
    pub(crate) dovecot: PathBuf,
    /// `None` if this helper does not serve Cyrus saslauthd's protocol.
    pub(crate) mux: Option<PathBuf>,
    pub(crate) processes: Processes,
    _running: Running,
}

/// A database with accounts, and settings.
pub(crate) struct Site {
    config: PathBuf,
    database: PathBuf,
}

impl Site {
    /// Makes the accounts.
    pub(crate) fn make(programs: &Programs, folder: &Path, users: &[User]) -> io::Result<Self> {
        let config = folder.join("ours.toml");
        fs::write(&config, format!("{SETTINGS}schemes = [{SCHEMES}]\n"))?;
        let site = Self { config, database: folder.join("accounts.db") };
        for user in users {
            create(programs, &site.config, &site.database, user)?;
        }
        Ok(site)
    }

    /// The helper of this site on `socket`, as an argument of `command`.
    pub(crate) fn helper(&self, mut command: Command, programs: &Programs, socket: &Path) -> Command {
        command.arg(programs.saslauthd).arg("--config").arg(&self.config);
        command.arg("-f").arg(&self.database).arg("--dovecot").arg(socket);
        command
    }
}

impl Ours {
    /// Makes the accounts and starts the helper on them.
    pub(crate) fn start(programs: &Programs, folder: &Path, users: &[User]) -> io::Result<Self> {
        let site = Site::make(programs, folder, users)?;
        // Nothing but these keys to check a password against: a tenth of a second each.
        let slow = folder.join("slow.toml");
        fs::write(&slow, format!("{SETTINGS}schemes = [\"scram-sha-512\"]\nscram_iterations = 20000\n"))?;
        for user in User::slow() {
            create(programs, &slow, &site.database, &user)?;
        }
        let dovecot = folder.join("ours");
        let mux = folder.join("ours-mux");
        let mut command = site.helper(on_server_core(), programs, &dovecot);
        let knows_mux = help(programs.saslauthd)?.contains("--saslauthd");
        if knows_mux {
            command.arg("--saslauthd").arg(&mux);
        }
        let mut running = Running::start(command.stderr(Stdio::piped()))?;
        running.drain_log();
        wait_for_socket(&dovecot)?;
        let processes = Processes::Listed(vec![running.pid()]);
        Ok(Self { dovecot, mux: knows_mux.then_some(mux), processes, _running: running })
    }
}

fn help(program: &str) -> io::Result<String> {
    let output = Command::new(program).arg("--help").output()?;
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

fn create(programs: &Programs, config: &Path, database: &Path, user: &User) -> io::Result<()> {
    let mut command = Command::new(programs.saslpasswd);
    command.arg("--config").arg(config).arg("-f").arg(database).args(["-p", "-c", "-u", REALM, &user.local]);
    let mut child = command.stdin(Stdio::piped()).spawn()?;
    if let Some(mut input) = child.stdin.take() {
        input.write_all(user.password.as_bytes())?;
    }
    if child.wait()?.success() { Ok(()) } else { Err(io::Error::other(format!("no account for {}", user.name))) }
}

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

pub(crate) struct Programs {
    saslauthd: &'static str,
    pub(crate) saslpasswd: &'static str,
}

impl Programs {
    pub(crate) fn found() -> Option<Self> {
        Some(Self { saslauthd: SASLAUTHD?, saslpasswd: SASLPASSWD? })
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

impl Ours {
    /// Makes the accounts and starts the helper on them.
    pub(crate) fn start(programs: &Programs, folder: &Path, users: &[User]) -> io::Result<Self> {
        let database = folder.join("accounts.db");
        let settings = format!("realm = \"{REALM}\"\nconnections = 5000\n");
        let config = |name: &str, schemes: &str| -> io::Result<PathBuf> {
            let path = folder.join(name);
            fs::write(&path, format!("{settings}{schemes}"))?;
            Ok(path)
        };
        let all = config(
            "ours.toml",
            "schemes = [\"digest-md5\", \"cram-md5\", \"scram-sha-1\", \"scram-sha-256\", \"scram-sha-512\"]\n",
        )?;
        // Nothing but these keys to check a password against: a tenth of a second each.
        let slow = config("slow.toml", "schemes = [\"scram-sha-512\"]\nscram_iterations = 20000\n")?;
        for user in users {
            create(programs, &all, &database, user)?;
        }
        for user in User::slow() {
            create(programs, &slow, &database, &user)?;
        }
        let dovecot = folder.join("ours");
        let mux = folder.join("ours-mux");
        let start = |with_mux: bool| {
            let mut command = on_server_core(programs.saslauthd);
            command.arg("--config").arg(&all).arg("-f").arg(&database).arg("--dovecot").arg(&dovecot);
            if with_mux {
                command.arg("--saslauthd").arg(&mux);
            }
            Running::start(command.stderr(Stdio::piped()))
        };
        let knows_mux = help(programs.saslauthd)?.contains("--saslauthd");
        let mut running = start(knows_mux)?;
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

//! The same failures as a client sees them: through the helper's socket, with a failure delay of nothing.

use std::os::unix::net::UnixStream;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use sasldb::vocabulary::Mechanism;

use crate::connection::Connection;
use crate::site::{self, Case, Moments, Site};

/// A verdict that takes longer is none.
const PATIENCE: Duration = Duration::from_secs(60);

/// A helper, and one connection to it.
pub(crate) struct Socket {
    helper: Child,
    connection: Connection,
}

impl Socket {
    pub(crate) fn new(site: &Site) -> Self {
        let config = site.path("config.toml");
        let settings = "failure_delay = \"0s\"\nplaintext_without_tls = true\n\
                        mechanisms = [\"SCRAM-SHA-512\", \"SCRAM-SHA-256\", \"SCRAM-SHA-1\", \"DIGEST-MD5\", \"CRAM-MD5\", \
                        \"LOGIN\", \"PLAIN\"]\n[limits]\nburst = 0\n";
        std::fs::write(&config, settings).unwrap();
        let path = site.path("auth");
        let helper = Command::new(env!("CARGO_BIN_EXE_saslauthd-rs"))
            .args(["--config".as_ref(), config.as_os_str()])
            .args(["-f".as_ref(), site.database().as_os_str(), "--dovecot".as_ref(), path.as_os_str()])
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        while UnixStream::connect(&path).is_err() {
            std::thread::sleep(Duration::from_millis(10));
        }
        Self { helper, connection: Connection::new(&path, PATIENCE) }
    }

    /// One failed login, and how long the answer to each message was under way that comes after the name is known.
    pub(crate) fn fail(&mut self, mechanism: Mechanism, case: Case, number: usize) -> Moments {
        let (name, password) = case.credentials(number);
        let mut moments = Moments::new();
        let ending = self.connection.log_in_from(site::start(mechanism, &name, &password), |word, took| {
            if word != "CONT" || mechanism.scram_hash().is_some() {
                moments.push(took.as_nanos() as f64);
            }
        });
        assert!(ending.starts_with(&format!("FAIL user={name}")), "{ending}");
        moments
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        let _ = self.helper.kill();
        let _ = self.helper.wait();
    }
}

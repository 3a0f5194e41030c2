//! The same failures as a client sees them: through the helper's socket, with a failure delay of nothing.

use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use base64ct::{Base64, Encoding};
use sasldb::mechanism::client;
use sasldb::vocabulary::Mechanism;

use crate::site::{self, Case, Moments, Site};

/// A helper, and one connection to it.
pub(crate) struct Socket {
    helper: Child,
    stream: UnixStream,
    lines: BufReader<UnixStream>,
    last: u32,
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
        let stream = loop {
            match UnixStream::connect(&path) {
                Ok(stream) => break stream,
                Err(_) => std::thread::sleep(Duration::from_millis(10)),
            }
        };
        let lines = BufReader::new(stream.try_clone().unwrap());
        let mut socket = Self { helper, stream, lines, last: 0 };
        while socket.line() != "DONE" {}
        socket.stream.write_all(b"VERSION\t1\t2\nCPID\t1\n").unwrap();
        socket
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        assert!(self.lines.read_line(&mut line).unwrap() > 0, "the helper has gone");
        line.trim_end().to_owned()
    }

    /// One failed login, and how long the answer to each message was under way that comes after the name is known.
    pub(crate) fn fail(&mut self, mechanism: Mechanism, case: Case, number: usize) -> Moments {
        let (name, password) = case.credentials(number);
        let opening = client::begin(site::start(mechanism, &name, &password));
        let mut client = opening.next;
        self.last += 1;
        let id = self.last;
        let mut line = format!("AUTH\t{id}\t{}\tservice=smtp\tsecured", mechanism.name());
        if let Some(initial) = &opening.initial {
            line += &format!("\tresp={}", Base64::encode_string(initial.expose()));
        }
        let mut moments = Moments::new();
        loop {
            line.push('\n');
            let began = Instant::now();
            self.stream.write_all(line.as_bytes()).unwrap();
            let reply = self.line();
            let took = began.elapsed().as_nanos() as f64;
            let Some(challenge) = reply.strip_prefix(&format!("CONT\t{id}\t")) else {
                assert!(reply.starts_with(&format!("FAIL\t{id}\tuser={name}")), "{reply}");
                moments.push(took);
                return moments;
            };
            if mechanism.scram_hash().is_some() {
                moments.push(took);
            }
            let (response, after) = client.challenge(&Base64::decode_vec(challenge).unwrap()).unwrap();
            client = after;
            line = format!("CONT\t{id}\t{}", Base64::encode_string(response.expose()));
        }
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        let _ = self.helper.kill();
        let _ = self.helper.wait();
    }
}

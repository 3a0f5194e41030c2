//! A mail server's connection to the helper, on which it asks about one login after the other.

#![allow(dead_code, reason = "the study of failures takes what it needs")]

use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::{Duration, Instant};

use base64ct::{Base64, Encoding};
use sasldb::mechanism::client::{self, ClientStart};
use sasldb::secret::Password;
use sasldb::vocabulary::Mechanism;

pub(crate) struct Connection {
    stream: UnixStream,
    lines: BufReader<UnixStream>,
    last: usize,
}

impl Connection {
    pub(crate) fn new(socket: &Path, patience: Duration) -> Self {
        let stream = UnixStream::connect(socket).unwrap();
        stream.set_read_timeout(Some(patience)).unwrap();
        let lines = BufReader::new(stream.try_clone().unwrap());
        let mut connection = Self { stream, lines, last: 0 };
        while connection.line() != "DONE" {}
        connection.stream.write_all(b"VERSION\t1\t2\nCPID\t1\n").unwrap();
        connection
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        assert!(self.lines.read_line(&mut line).unwrap() > 0, "the helper has gone");
        line.trim_end().to_owned()
    }

    /// A login of one message, in base64; `fields` stand before it. Gives the reply without its number.
    pub(crate) fn ask(&mut self, mechanism: &str, fields: &str, response: &str) -> String {
        self.last += 1;
        let line = format!("AUTH\t{}\t{mechanism}\t{fields}\tresp={response}\n", self.last);
        self.stream.write_all(line.as_bytes()).unwrap();
        self.line().replace(&format!("\t{}\t", self.last), " ")
    }

    /// The same by PLAIN, with a name in whatever character set.
    pub(crate) fn ask_by_plain(&mut self, fields: &str, name: &[u8], password: &[u8]) -> String {
        self.ask("PLAIN", fields, &Base64::encode_string(&[b"", name, password].join(&0)))
    }

    /// What the helper says at last of a login, without its number. Where the mechanism lets it prove itself, it has.
    pub(crate) fn log_in(&mut self, mechanism: Mechanism, name: &str, password: &Password) -> String {
        let (authcid, service, host, nonce) = (name, "smtp", "mail.example.com", "rOprNGfwEbeRWgbNEkqO");
        let start = ClientStart { mechanism, authcid, authzid: None, password, realm: None, service, host, nonce };
        self.log_in_from(start, |_, _| {})
    }

    /// The same of a login that begins so. `heard` gets the first word of each reply, and how long that was under way.
    pub(crate) fn log_in_from(&mut self, start: ClientStart<'_>, mut heard: impl FnMut(&str, Duration)) -> String {
        let mechanism = start.mechanism;
        let opening = client::begin(start);
        let mut client = opening.next;
        self.last += 1;
        let id = self.last;
        let mut line = format!("AUTH\t{id}\t{}\tservice=smtp\tsecured", mechanism.name());
        if let Some(initial) = &opening.initial {
            line += &format!("\tresp={}", Base64::encode_string(initial.expose()));
        }
        loop {
            line.push('\n');
            let began = Instant::now();
            self.stream.write_all(line.as_bytes()).unwrap();
            let reply = self.line();
            let took = began.elapsed();
            let (word, rest) = reply.split_once(&format!("\t{id}\t")).unwrap_or_else(|| panic!("{reply}"));
            heard(word, took);
            if word != "CONT" {
                if word == "OK" {
                    client.success(None).unwrap();
                }
                return format!("{word} {rest}");
            }
            let (response, next) = client.challenge(&Base64::decode_vec(rest).unwrap()).unwrap();
            client = next;
            line = format!("CONT\t{id}\t{}", Base64::encode_string(response.expose()));
        }
    }
}

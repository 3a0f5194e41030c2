//! Our own conversations with Dovecot's auth service in our place: those of `tests/transcripts/session` that say `# dovecot`.
//! Kind, id, user, code and reason of each reply have to be the same; where we differ on purpose, the file has Dovecot's line
//! too. Form and directives are described in `tests/transcripts.rs`.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, ErrorKind, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};

use sasldb::protocol::dovecot::{Reply, ReplyDecoder, ServerLine};

use crate::helper::{REALM, SOCKET, USERDB_SOCKET, start_dovecot};
use crate::lines::{meant, shown};
use crate::machine::{Machine, PATIENCE, project, wait_for};

/// The realm of the files.
const REALM_THERE: &str = "example.org";

#[test]
fn dovecot_says_what_the_marked_conversations_hold() {
    let machine = Machine::start();
    start_dovecot(&machine, SOCKET, &[("joe", "secret")]);
    let sockets = [SOCKET, USERDB_SOCKET].map(|name| machine.shared().join(name));
    let files = marked_files();
    assert!(files.len() > 5, "{files:?}");
    let failed: Vec<String> = std::thread::scope(|scope| {
        let plays: Vec<_> = files.iter().map(|file| scope.spawn(|| play(file, &sockets))).collect();
        plays.into_iter().filter_map(|play| play.join().unwrap().err()).collect()
    });
    assert!(failed.is_empty(), "\n{}", failed.join("\n"));
}

fn marked_files() -> Vec<PathBuf> {
    let folder = std::fs::read_dir(project().join("tests/transcripts/session")).unwrap();
    let files = folder.map(|entry| entry.unwrap().path());
    files.filter(|file| std::fs::read_to_string(file).unwrap().contains("\n# dovecot\n")).collect()
}

/// What happens next.
enum Step {
    /// A new connection, with the handshake of a client of this minor version.
    Connect(Option<u32>),
    Say(Vec<u8>),
    Hear(String),
    HearClosed,
}

fn play(file: &Path, [logins, userdb]: &[PathBuf; 2]) -> Result<(), String> {
    let text = std::fs::read_to_string(file).unwrap();
    let is_userdb = text.contains("\n# userdb\n");
    let socket = if is_userdb { userdb } else { logins };
    let mut conversation = Conversation { socket, is_userdb, server: None, mechanisms: BTreeMap::new() };
    let steps = steps(&text);
    for (line, step) in steps {
        let played = match step {
            Step::Connect(minor) => conversation.connect(minor),
            Step::Say(bytes) => conversation.say(&bytes),
            Step::Hear(expected) => conversation.hear(&expected),
            Step::HearClosed => conversation.hear_closed(),
        };
        played.map_err(|fault| format!("{}, line {line}: {fault}", file.file_name().unwrap().display()))?;
    }
    conversation.end().map_err(|fault| format!("{}, at the end: {fault}", file.file_name().unwrap().display()))
}

/// The steps of a file, as they have to go with Dovecot.
fn steps(text: &str) -> Vec<(usize, Step)> {
    let mut steps = Vec::new();
    let mut segment = Vec::new();
    // Dovecot has closed the connection where ours goes on.
    let mut over = false;
    let mut before = "";
    for (number, line) in text.lines().enumerate() {
        let at = number + 1;
        if is_dovecots(line) && is_ours(before) {
            over = false;
            while matches!(steps.last(), Some((_, Step::Hear(_) | Step::HearClosed))) {
                steps.pop();
            }
        }
        before = line;
        if let Some(["client" | "greeted", version @ ..]) = directive(line).as_deref() {
            over = false;
            steps.push((at, Step::Connect(version.first().map(|minor| minor.parse().unwrap()))));
        } else if over {
        } else if let Some(said) = line.strip_prefix("C: ").or(line.strip_prefix("C+ ")) {
            segment.extend(meant(&said.replace(REALM_THERE, REALM)));
            segment.push(b'\n');
            if line.starts_with("C: ") {
                steps.push((at, Step::Say(std::mem::take(&mut segment))));
            }
        } else if let Some(heard) = line.strip_prefix("S: ").or(line.strip_prefix("D: ")) {
            steps.push((at, Step::Hear(heard.replace(REALM_THERE, REALM))));
        } else if line == "S!" || line == "D!" {
            steps.push((at, Step::HearClosed));
            over = true;
        }
    }
    steps
}

fn is_ours(line: &str) -> bool {
    line == "S!" || line.starts_with("S: ")
}

fn is_dovecots(line: &str) -> bool {
    line == "D!" || line.starts_with("D: ")
}

fn directive(line: &str) -> Option<Vec<&str>> {
    line.strip_prefix("# ").map(|rest| rest.split(' ').collect())
}

struct Conversation<'s> {
    socket: &'s Path,
    is_userdb: bool,
    server: Option<BufReader<UnixStream>>,
    /// The mechanism of each request: only some have the same challenge each time.
    mechanisms: BTreeMap<String, String>,
}

impl Conversation<'_> {
    fn connect(&mut self, minor: Option<u32>) -> Result<(), String> {
        self.end()?;
        // Its queue is short, and files are played side by side.
        let stream = wait_for("room in Dovecot's queue", || UnixStream::connect(self.socket).ok());
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        self.server = Some(BufReader::new(stream));
        let last = if self.is_userdb { "SPID\t" } else { "DONE" };
        while !self.line()?.ok_or("no greeting")?.starts_with(last) {}
        minor.map_or(Ok(()), |minor| self.say(format!("VERSION\t1\t{minor}\nCPID\t7\n").as_bytes()))
    }

    fn say(&mut self, bytes: &[u8]) -> Result<(), String> {
        for line in String::from_utf8_lossy(bytes).lines() {
            if let ["AUTH", id, mechanism, ..] = line.split('\t').collect::<Vec<_>>()[..] {
                self.mechanisms.insert(id.to_owned(), mechanism.to_ascii_uppercase());
            }
        }
        let server = self.server.as_mut().ok_or("the connection is closed")?;
        match server.get_mut().write_all(bytes) {
            // It may have closed the connection in the midst of a line; whether it should have, shows next.
            Err(fault) if !is_end(&fault) => Err(fault.to_string()),
            _ => Ok(()),
        }
    }

    fn line(&mut self) -> Result<Option<String>, String> {
        let mut line = Vec::new();
        match self.server.as_mut().ok_or("the connection is closed")?.read_until(b'\n', &mut line) {
            Ok(0) => Ok(None),
            Ok(_) => Ok(Some(String::from_utf8_lossy(&line).trim_end_matches('\n').to_owned())),
            Err(fault) if is_end(&fault) => Ok(None),
            Err(fault) => Err(format!("Dovecot says nothing: {fault}")),
        }
    }

    fn hear(&mut self, expected: &str) -> Result<(), String> {
        let line = self.line()?.ok_or("Dovecot closes the connection")?;
        if self.is_userdb {
            // Fields of the account follow, of which ours has none.
            let same = format!("{line}\t").as_bytes().starts_with(&[&meant(expected)[..], b"\t"].concat());
            return if same { Ok(()) } else { Err(format!("Dovecot says {}", shown(line.as_bytes()))) };
        }
        let (ours, theirs) = (reply(&String::from_utf8_lossy(&meant(expected)))?, reply(&line)?);
        let same = match (&ours, &theirs) {
            (Reply::Continue { id, data }, Reply::Continue { id: their_id, data: their_data }) => {
                let mechanism = self.mechanisms.get(&id.to_string()).map_or("", String::as_str);
                id == their_id && (data == their_data || !matches!(mechanism, "PLAIN" | "LOGIN"))
            }
            (Reply::Ok { id, user, .. }, Reply::Ok { id: their_id, user: their_user, .. }) => {
                id == their_id && user == their_user
            }
            (ours, theirs) => ours == theirs,
        };
        if same { Ok(()) } else { Err(format!("Dovecot says {}", shown(line.as_bytes()))) }
    }

    fn hear_closed(&mut self) -> Result<(), String> {
        let line = self.line()?;
        self.server = None;
        line.map_or(Ok(()), |line| Err(format!("Dovecot says {}", shown(line.as_bytes()))))
    }

    /// Ends a connection that is still open: nothing may have been said that the file does not hold.
    fn end(&mut self) -> Result<(), String> {
        if self.server.is_some() && !self.is_userdb {
            self.say(b"CONT\t4294967294\t\n")?;
            self.hear("FAIL<T>4294967294<T>reason=Authentication request timed out")?;
            self.server = None;
        }
        Ok(())
    }
}

fn is_end(fault: &std::io::Error) -> bool {
    matches!(fault.kind(), ErrorKind::ConnectionReset | ErrorKind::BrokenPipe)
}

fn reply(line: &str) -> Result<Reply<'static>, String> {
    match ReplyDecoder::default().take(&mut format!("{line}\n").as_bytes()) {
        Some(Ok(ServerLine::Reply(reply))) => Ok(reply),
        other => Err(format!("{line:?} is no reply: {other:?}")),
    }
}

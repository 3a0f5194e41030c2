//! Instructions of the helper for each login, counted by valgrind. The same everywhere and each time but for a few per
//! mille, so that a bound on them can be a test.
//!
//! One connection says so many requests at once, waits for all answers, and says the next: the turns of the loop are the
//! same in each run. A run of many logins less a run of few leaves what a login costs, without the start.

use std::io::{self, Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::mechanisms::Mechanism;
use crate::ours::{Programs, Site};
use crate::process::{Running, wait_for_socket};
use crate::users::User;
use crate::wire::{Next, Request, Wire};

/// Every one of them has logged in before anything is counted.
const ACCOUNTS: u64 = 64;
/// Passes over all accounts in the short run and in the long one.
const PASSES: [u64; 2] = [2, 22];

/// What is counted, and the most that it may be: a tenth above what was counted when it was set; a fifth with one login at a time,
/// where the log's thread wakes the more often the slower the machine is. Whoever makes it cheaper lowers the bound with it.
const ROWS: [Row; 7] = [
    Row { mechanism: Mechanism::Plain, at_once: 32, bound: 18_900 },
    Row { mechanism: Mechanism::CramMd5, at_once: 32, bound: 24_600 },
    Row { mechanism: Mechanism::DigestMd5, at_once: 32, bound: 47_500 },
    Row { mechanism: Mechanism::ScramSha256, at_once: 32, bound: 112_000 },
    Row { mechanism: Mechanism::Plain, at_once: 1, bound: 29_500 },
    Row { mechanism: Mechanism::CramMd5, at_once: 1, bound: 36_500 },
    Row { mechanism: Mechanism::DigestMd5, at_once: 1, bound: 63_000 },
];

struct Row {
    mechanism: Mechanism,
    at_once: usize,
    bound: u64,
}

/// Counts all rows and prints them. Says whether all keep to their bounds.
pub(crate) fn run(valgrind: &Path, only: Option<&str>) -> io::Result<bool> {
    let programs = Programs::found().ok_or_else(|| io::Error::other("the programs are not built"))?;
    let folder = tempfile::tempdir()?;
    let users: Vec<User> = (0..ACCOUNTS).map(User::numbered).collect();
    let site = Site::make(&programs, folder.path(), &users)?;
    let socket = folder.path().join("counted");
    println!("| instructions for each login | counted |   bound |");
    println!("|-----------------------------|--------:|--------:|");
    let mut kept = true;
    for Row { mechanism, at_once, bound } in ROWS {
        let name = format!("{mechanism}, {at_once} at once");
        if only.is_some_and(|part| !name.contains(part)) {
            continue;
        }
        let mut wire = Wire::dovecot(mechanism, &users, false);
        let mut count = |passes| -> io::Result<u64> {
            let mut helper = site.helper(under(valgrind), &programs, &socket);
            let mut helper = Running::start(helper.stdin(Stdio::null()).stderr(Stdio::piped()))?;
            wait_for_socket(&socket)?;
            let mut connection = Connection::open(&socket, &mut wire)?;
            for _ in 0..passes {
                for first in (0..users.len()).step_by(at_once) {
                    connection.log_in(&mut wire, first..users.len().min(first + at_once))?;
                }
            }
            drop(connection);
            instructions(&helper.stop()?)
        };
        let [few, many] = [count(PASSES[0])?, count(PASSES[1])?];
        let counted = many.saturating_sub(few) / ((PASSES[1] - PASSES[0]) * ACCOUNTS);
        println!("| {name:<27} | {counted:>7} | {bound:>7} |{}", if counted > bound { " over the bound" } else { "" });
        kept &= counted <= bound;
    }
    Ok(kept)
}

/// Counting, and nothing else. Valgrind finds its tools beside it, wherever it was unpacked.
fn under(valgrind: &Path) -> Command {
    let mut command = Command::new(valgrind);
    if let Some(tools) =
        valgrind.ancestors().nth(2).map(|usr| usr.join("libexec/valgrind")).filter(|tools| tools.is_dir())
    {
        command.env("VALGRIND_LIB", tools);
    }
    command.args(["--tool=cachegrind", "--cache-sim=no", "--cachegrind-out-file=/dev/null"]);
    command
}

/// The instructions of a program's whole life, from what it and valgrind said.
fn instructions(said: &str) -> io::Result<u64> {
    let count = said.lines().filter_map(|line| line.split_once("I   refs:")).next_back();
    let count = count.and_then(|(_, number)| number.replace(',', "").trim().parse().ok());
    count.ok_or_else(|| io::Error::other("valgrind did not say how many instructions it saw"))
}

/// One connection, on which everything is said in step.
struct Connection {
    stream: UnixStream,
    last_id: u32,
}

impl Connection {
    fn open(socket: &Path, wire: &mut Wire) -> io::Result<Self> {
        let mut connection = Self { stream: UnixStream::connect(socket)?, last_id: 0 };
        let mut introduction = Vec::new();
        wire.introduce(&mut introduction);
        connection.stream.write_all(&introduction)?;
        connection.lines(|line| line == b"DONE")?;
        Ok(connection)
    }

    /// Logs all of these accounts in, message by message.
    fn log_in(&mut self, wire: &mut Wire, users: std::ops::Range<usize>) -> io::Result<()> {
        let first_id = self.last_id + 1;
        let mut said = Vec::new();
        let mut requests: Vec<Request> = Vec::new();
        for user in users {
            self.last_id += 1;
            let mut request = Request::right(user);
            wire.begin(self.last_id, &mut request, &mut said);
            requests.push(request);
        }
        let mut open = requests.len();
        while open > 0 {
            self.stream.write_all(&said)?;
            said.clear();
            let mut due = open;
            let mut fault = None;
            self.lines(|line| {
                due -= 1;
                let next = Wire::id(line).and_then(|id| {
                    let request = requests.get_mut((id - first_id) as usize).ok_or("an id that nobody used")?;
                    wire.reply(id, request, line, &mut said)
                });
                match next {
                    Ok(Next::Sent) => {}
                    Ok(Next::Authenticated) => open -= 1,
                    Ok(Next::Denied) => fault = Some("denied".to_owned()),
                    Err(text) => fault = Some(text),
                }
                due == 0 || fault.is_some()
            })?;
            if let Some(fault) = fault {
                return Err(io::Error::other(fault));
            }
        }
        Ok(())
    }

    /// Reads lines up to the one that `is_last` says.
    fn lines(&mut self, mut is_last: impl FnMut(&[u8]) -> bool) -> io::Result<()> {
        let mut input = Vec::new();
        let mut buffer = [0; 1 << 14];
        loop {
            let count = self.stream.read(&mut buffer)?;
            if count == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            input.extend_from_slice(&buffer[..count]);
            let Some(end) = input.iter().rposition(|&byte| byte == b'\n') else { continue };
            for line in input[..end].split(|&byte| byte == b'\n') {
                if is_last(line) {
                    return Ok(());
                }
            }
            input.drain(..=end);
        }
    }
}

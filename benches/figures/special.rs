//! The rows that are no plain load: memory, logins beside slow ones, and the making of accounts.

use std::io::{self, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::client::Load;
use crate::mechanisms::Mechanism;
use crate::process::{Memory, Processes, SERVER_CORE, memory};
use crate::report::Measure;
use crate::servers::{Servers, Subject, run};
use crate::users::{REALM, User};
use crate::wire::Wire;

/// Memory when nothing has happened yet, and with 1,000 connections that say nothing.
pub(crate) fn idle_memory(subject: &Subject) -> io::Result<(Memory, Memory)> {
    let idle = memory(&subject.processes);
    let connections = (0..1000).map(|_| introduce(&subject.socket)).collect::<io::Result<Vec<_>>>()?;
    let held = memory(&subject.processes);
    drop(connections);
    Ok((idle, held))
}

pub(crate) fn introduce(socket: &Path) -> io::Result<UnixStream> {
    let mut stream = UnixStream::connect(socket)?;
    let mut greeting = Vec::new();
    let mut buffer = [0; 1024];
    while !greeting.ends_with(b"\nDONE\n") {
        match stream.read(&mut buffer)? {
            0 => return Err(io::ErrorKind::UnexpectedEof.into()),
            count => greeting.extend_from_slice(&buffer[..count]),
        }
    }
    stream.write_all(b"VERSION\t1\t0\nCPID\t1\n")?;
    Ok(stream)
}

/// What becomes of fast logins and slow ones that share a server.
pub(crate) struct Beside {
    /// The fast ones; `None` if not one has ended.
    pub(crate) fast: Option<Measure>,
    /// Slow ones that ended with a verdict.
    pub(crate) checked: usize,
    /// Slow ones that ended without one: nobody had time for them.
    pub(crate) given_up: u64,
}

/// PLAIN logins against fast secrets on four connections, `rate` a second or as many as are answered, while twenty logins whose
/// check takes long wait on another all the time.
pub(crate) fn beside_slow(subject: &Subject, users: &[User], order: &[u32], rate: Option<u32>) -> io::Result<Beside> {
    let fast = Load {
        socket: subject.socket.clone(),
        connections: 4,
        in_flight: 1,
        fresh: false,
        rate,
        wrong: 0,
        warm_up: Duration::from_secs(1),
        warm_up_logins: 0,
        duration: Duration::from_secs(8),
    };
    let slow = Load {
        connections: 1,
        in_flight: 20,
        rate: None,
        warm_up: Duration::ZERO,
        duration: Duration::from_secs(9),
        ..fast.clone()
    };
    let behind = std::thread::spawn(move || -> io::Result<(usize, u64)> {
        let slow_users = User::slow();
        let order: Vec<u32> = (0..slow_users.len() as u32).collect();
        let mut wire = Wire::dovecot(Mechanism::Plain, &slow_users, false);
        let (outcome, _) = run(&slow, &mut wire, &order, &Processes::Listed(Vec::new()))?;
        Ok((outcome.authenticated.len(), outcome.errors))
    });
    let mut wire = Wire::dovecot(Mechanism::Plain, users, false);
    let (mut outcome, cpu) = run(&fast, &mut wire, order, &subject.processes)?;
    let (checked, given_up) = behind.join().map_err(|_| io::Error::other("the slow logins ended in a panic"))??;
    Ok(Beside { fast: Measure::new(&mut outcome, cpu), checked, given_up })
}

/// Whose accounts are made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Maker {
    /// A program that does nothing: what the shell takes for itself.
    Nobody,
    Cyrus,
    Ours,
}

impl Maker {
    pub(crate) const ALL: [Self; 3] = [Self::Nobody, Self::Cyrus, Self::Ours];
}

const ACCOUNTS_A_ROUND: u32 = 100;

/// Milliseconds for one account, from the start of the program to its end.
pub(crate) fn make_accounts(servers: &Servers, maker: Maker, round: u32) -> io::Result<Option<f64>> {
    let first = round * ACCOUNTS_A_ROUND;
    let script = |command: &str| {
        let last = first + ACCOUNTS_A_ROUND - 1;
        format!("for i in $(seq {first} {last}); do printf secret | {command} -u {REALM} \"made$i\"; done")
    };
    let started = Instant::now();
    match (maker, &servers.programs) {
        (Maker::Cyrus, _) => {
            servers.machine.shell(&script("saslpasswd2 -p -c -f /run/sasldb-rs/made.sasldb2"))?;
        }
        (Maker::Nobody, _) => shell(&script("/bin/true"))?,
        (Maker::Ours, Some(programs)) => {
            let database = servers.machine.folder.join("made.db");
            shell(&script(&format!("{} -p -c -f {}", programs.saslpasswd, database.display())))?;
        }
        (Maker::Ours, None) => return Ok(None),
    }
    Ok(Some(started.elapsed().as_secs_f64() * 1000.0 / f64::from(ACCOUNTS_A_ROUND)))
}

fn shell(script: &str) -> io::Result<()> {
    let status = Command::new("taskset")
        .args(["--cpu-list", &SERVER_CORE.to_string(), "bash", "-euc", script])
        .stdin(Stdio::null())
        .status()?;
    if status.success() { Ok(()) } else { Err(io::Error::other(format!("failed: {script}"))) }
}

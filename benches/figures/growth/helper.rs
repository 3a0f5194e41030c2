//! The helper on a database that is there, and what loads it.

use std::fs;
use std::io::{self, Read};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use super::database::Database;
use crate::client::Load;
use crate::mechanisms::Mechanism;
use crate::ours::Programs;
use crate::process::{Processes, Running, memory, on_server_core, wait_for};
use crate::report::Measure;
use crate::servers::run;
use crate::users::{Draw, User};
use crate::wire::Wire;

/// Accounts that take part where there are more: so many that no measurement comes to one of them twice.
const TAKING_PART: u64 = 400_000;
const SETTINGS: &str = "realm = \"bench.example\"\nconnections = 5200\n";

pub(super) struct Helper {
    pub(super) socket: PathBuf,
    /// From the start of the program to its greeting.
    pub(super) began_in: Duration,
    running: Running,
}

impl Helper {
    pub(super) fn start(programs: &Programs, database: &Database, folder: &Path) -> io::Result<Self> {
        let (config, socket) = (folder.join("helper.toml"), folder.join("helper"));
        fs::write(&config, SETTINGS)?;
        fs::create_dir_all(folder.join("accounts.db.activity"))?;
        let mut command = on_server_core();
        command.arg(programs.saslauthd).arg("--config").arg(config);
        command.arg("-f").arg(&database.path).arg("--dovecot").arg(&socket);
        let begun = Instant::now();
        let mut running = Running::start(command.stderr(Stdio::piped()))?;
        running.drain_log();
        while !greets(&socket) {
            std::thread::sleep(Duration::from_micros(200));
            if begun.elapsed() > Duration::from_secs(60) {
                return Err(io::Error::other("the helper does not start"));
            }
        }
        Ok(Self { socket, began_in: begun.elapsed(), running })
    }

    pub(super) fn processes(&self) -> Processes {
        Processes::Listed(vec![self.running.pid()])
    }

    /// Its own memory, in MB.
    pub(super) fn private(&self) -> f64 {
        memory(&self.processes()).private as f64 / 1024.0
    }
}

fn greets(socket: &Path) -> bool {
    let byte = UnixStream::connect(socket).and_then(|mut stream| stream.read_exact(&mut [0]));
    byte.is_ok()
}

/// Accounts that log in, one after the other; `seed` draws others.
pub(super) struct Crowd {
    users: Vec<User>,
    order: Vec<u32>,
}

impl Crowd {
    pub(super) fn of(accounts: u64, seed: u64) -> Self {
        let mut draw = Draw::new(seed);
        let (numbers, order): (Vec<u64>, Vec<u32>) = if accounts <= TAKING_PART {
            ((0..accounts).collect(), (0..TAKING_PART).map(|_| (draw.next() % accounts) as u32).collect())
        } else {
            ((0..TAKING_PART).map(|_| draw.next() % accounts).collect(), (0..TAKING_PART as u32).collect())
        };
        Self { users: numbers.into_iter().map(User::numbered).collect(), order }
    }

    pub(super) fn wire(&self, mechanism: Mechanism) -> Wire {
        Wire::dovecot(mechanism, &self.users, false)
    }

    /// Loads a socket that belongs to `processes`.
    pub(super) fn load(
        &self,
        wire: &mut Wire,
        socket: &Path,
        processes: &Processes,
        shape: Shape,
    ) -> anyhow::Result<Measure> {
        let Shape { connections, in_flight, warm_up, duration } = shape;
        let load = Load {
            socket: socket.to_owned(),
            connections,
            in_flight,
            fresh: false,
            rate: None,
            wrong: 0,
            warm_up,
            warm_up_logins: 0,
            duration,
        };
        let (mut outcome, cpu) = run(&load, wire, &self.order, processes)?;
        if let Some(error) = &outcome.first_error {
            anyhow::bail!("{} errors, the first: {error}", outcome.errors);
        }
        Measure::new(&mut outcome, cpu).ok_or_else(|| anyhow::anyhow!("not one login has ended"))
    }
}

#[derive(Clone, Copy)]
pub(super) struct Shape {
    pub(super) connections: usize,
    pub(super) in_flight: usize,
    pub(super) warm_up: Duration,
    pub(super) duration: Duration,
}

impl Shape {
    pub(super) fn of(connections: usize, in_flight: usize, duration: Duration) -> Self {
        Self { connections, in_flight, warm_up: Duration::from_millis(500), duration }
    }
}

/// Connections that say nothing after their introduction.
pub(super) fn idle(socket: &Path, count: usize) -> io::Result<Vec<UnixStream>> {
    (0..count).map(|_| wait_for("a connection", || crate::special::introduce(socket).ok())).collect()
}

//! Processes under measurement: where they run, what they cost, and their end.

use std::collections::HashMap;
use std::fs;
use std::io;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

/// The core of the servers, and the core of the load. With one core both are the same, and rates mean little.
pub(crate) const SERVER_CORE: usize = 0;
pub(crate) const LOAD_CORE: usize = 1;

/// Runs the program that comes as its next argument, with all its children, on the servers' core.
pub(crate) fn on_server_core() -> Command {
    let mut command = Command::new("taskset");
    command.args(["--cpu-list", &SERVER_CORE.to_string()]).stdin(Stdio::null());
    command
}

/// Moves this process to the load's core; gives the number of cores.
pub(crate) fn pin_load() -> usize {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let core = LOAD_CORE.min(cores - 1).to_string();
    let moved = Command::new("taskset")
        .args(["--cpu-list", "--pid", &core, &std::process::id().to_string()])
        .stdout(Stdio::null())
        .status();
    if !moved.is_ok_and(|status| status.success()) {
        eprintln!("warning: no taskset: servers and load share the cores");
    }
    cores
}

/// Killed and collected when dropped.
pub(crate) struct Running(Child);

impl Running {
    pub(crate) fn start(command: &mut Command) -> io::Result<Self> {
        command.spawn().map(Self)
    }

    pub(crate) fn adopt(child: Child) -> Self {
        Self(child)
    }

    pub(crate) fn pid(&self) -> u32 {
        self.0.id()
    }

    /// Reads away what the process writes to standard error, as a log daemon does.
    pub(crate) fn drain_log(&mut self) {
        if let Some(mut log) = self.0.stderr.take() {
            std::thread::spawn(move || io::copy(&mut log, &mut io::sink()));
        }
    }

    /// Ends the process as a service manager would; gives what it wrote to standard error, which has to be a pipe.
    pub(crate) fn stop(&mut self) -> io::Result<String> {
        kill(Pid::from_raw(self.pid() as i32), Signal::SIGTERM)?;
        let said = io::read_to_string(self.0.stderr.take().ok_or(io::ErrorKind::BrokenPipe)?)?;
        self.0.wait()?;
        Ok(said)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Asks until there is an answer; gives up after a minute, which is never a measure of speed.
pub(crate) fn wait_for<T>(what: &str, mut question: impl FnMut() -> Option<T>) -> io::Result<T> {
    let start = Instant::now();
    loop {
        if let Some(answer) = question() {
            return Ok(answer);
        }
        if start.elapsed() > Duration::from_secs(60) {
            return Err(io::Error::other(format!("waited in vain for {what}")));
        }
        std::thread::sleep(Duration::from_millis(10));
    }
}

pub(crate) fn wait_for_socket(socket: &Path) -> io::Result<()> {
    let connect = || std::os::unix::net::UnixStream::connect(socket).ok();
    wait_for(&socket.display().to_string(), connect).map(drop)
}

/// The processes of one server.
#[derive(Clone, Debug)]
pub(crate) enum Processes {
    Listed(Vec<u32>),
    /// Descendants of a process, by their names: as many as there are when somebody asks.
    Family {
        root: u32,
        names: &'static [&'static str],
    },
}

impl Processes {
    pub(crate) fn pids(&self) -> Vec<u32> {
        match self {
            Self::Listed(pids) => pids.clone(),
            Self::Family { root, names } => family(*root, names),
        }
    }

    /// CPU time, user and system, of all threads of each of them.
    pub(crate) fn cpu_times(&self) -> CpuTimes {
        CpuTimes(self.pids().into_iter().map(|pid| (pid, cpu_time(pid))).collect())
    }
}

/// CPU time by process at one moment.
#[derive(Debug)]
pub(crate) struct CpuTimes(HashMap<u32, Duration>);

impl CpuTimes {
    /// What was used since `begin`. A process that has come since has used all that it has.
    pub(crate) fn since(&self, begin: &Self) -> Duration {
        let used = |(pid, time): (&u32, &Duration)| time.saturating_sub(begin.0.get(pid).copied().unwrap_or_default());
        self.0.iter().map(used).sum()
    }
}

fn family(pid: u32, names: &[&str]) -> Vec<u32> {
    let processes: Vec<(u32, u32, String)> = fs::read_dir("/proc")
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| {
            let pid = entry.file_name().to_str()?.parse().ok()?;
            let stat = fs::read_to_string(entry.path().join("stat")).ok()?;
            // The name stands in parentheses, and may hold some.
            let (name, rest) = stat.split_once('(')?.1.rsplit_once(')')?;
            let parent = rest.split_whitespace().nth(1)?.parse().ok()?;
            Some((pid, parent, name.to_owned()))
        })
        .collect();
    let mut family = vec![pid];
    let mut place = 0;
    while let Some(&member) = family.get(place) {
        family.extend(processes.iter().filter(|(_, parent, _)| *parent == member).map(|(pid, ..)| *pid));
        place += 1;
    }
    family.retain(|member| processes.iter().any(|(pid, _, called)| pid == member && names.contains(&called.as_str())));
    family
}

fn cpu_time(pid: u32) -> Duration {
    let mut nanoseconds = 0;
    for task in fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten().flatten() {
        let text = fs::read_to_string(task.path().join("schedstat")).unwrap_or_default();
        nanoseconds += text.split_whitespace().next().and_then(|time| time.parse::<u64>().ok()).unwrap_or(0);
    }
    Duration::from_nanos(nanoseconds)
}

/// Memory of some processes together, in KiB.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Memory {
    pub(crate) resident: u64,
    /// Private, without what is mapped of a database.
    pub(crate) private: u64,
}

pub(crate) fn memory(processes: &Processes) -> Memory {
    let mut memory = Memory::default();
    for pid in processes.pids() {
        let mut of_database = false;
        for line in fs::read_to_string(format!("/proc/{pid}/smaps")).unwrap_or_default().lines() {
            let mut words = line.split_whitespace();
            let (first, second) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
            let size: u64 = second.parse().unwrap_or(0);
            match first {
                "Rss:" => memory.resident += size,
                "Private_Clean:" | "Private_Dirty:" if !of_database => memory.private += size,
                _ if !first.ends_with(':') => {
                    let file = line.rsplit(' ').next().unwrap_or_default();
                    of_database = [".db", ".db-wal", ".db-shm"].iter().any(|end| file.ends_with(end));
                }
                _ => {}
            }
        }
    }
    memory
}

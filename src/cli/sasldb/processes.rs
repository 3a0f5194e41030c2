//! What runs on this machine, as /proc tells it.

use std::fs;
use std::time::{Duration, SystemTime};

use nix::unistd::{Gid, Uid};

/// A process that runs.
#[derive(Debug, Clone)]
pub(super) struct Process {
    pub(super) pid: u32,
    pub(super) uid: Uid,
    /// Its group and its supplementary ones, as they were when it became what it is.
    pub(super) groups: Vec<Gid>,
    pub(super) arguments: Vec<String>,
}

/// The processes that run a program of this name, without those of containers, which are another system's.
pub(super) fn named(name: &str) -> Vec<Process> {
    let Ok(folder) = fs::read_dir("/proc") else { return Vec::new() };
    let namespace = |process: &str| fs::read_link(format!("/proc/{process}/ns/pid")).ok();
    let own = namespace("self");
    let is_here = |pid: &u32| match (&own, namespace(&pid.to_string())) {
        (Some(own), Some(of_process)) => *own == of_process,
        // Only root is told.
        _ => true,
    };
    let pids = folder.flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    let named = pids.filter(|pid| program(*pid).is_some_and(|program| program == name));
    named.filter(is_here).filter_map(of).collect()
}

/// The name of the program that a process runs, at most 15 bytes of it.
pub(super) fn program(pid: u32) -> Option<String> {
    fs::read_to_string(format!("/proc/{pid}/comm")).ok().map(|line| line.trim_end().to_owned())
}

/// The process that started another one.
pub(super) fn parent(pid: u32) -> Option<u32> {
    stat(pid, 1)?.try_into().ok()
}

/// When a process began, to some hundredths of a second. A program that takes its place (execve) leaves it as it is.
pub(super) fn began(pid: u32) -> Option<SystemTime> {
    // In USER_HZ, which is 100 wherever Linux runs today.
    let after_boot = Duration::from_millis(stat(pid, 19)?.checked_mul(10)?);
    let uptime = fs::read_to_string("/proc/uptime").ok()?;
    let uptime = Duration::try_from_secs_f64(uptime.split_ascii_whitespace().next()?.parse().ok()?).ok()?;
    SystemTime::now().checked_sub(uptime.checked_sub(after_boot)?)
}

/// A number of /proc/PID/stat, counted from the one behind the name, which may hold anything.
fn stat(pid: u32, place: usize) -> Option<u64> {
    let line = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let (_, numbers) = line.rsplit_once(')')?;
    numbers.split_ascii_whitespace().nth(place)?.parse().ok()
}

fn of(pid: u32) -> Option<Process> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let numbers = |key: &str| -> Vec<u32> {
        let line = status.lines().find_map(|line| line.strip_prefix(key)).unwrap_or_default();
        line.split_ascii_whitespace().filter_map(|word| word.parse().ok()).collect()
    };
    // Real, effective, saved, and that of the file system.
    let uid = numbers("Uid:").get(1).copied()?;
    let groups = numbers("Gid:").get(1).copied().into_iter().chain(numbers("Groups:"));
    let arguments = fs::read(format!("/proc/{pid}/cmdline")).ok()?;
    let arguments = arguments.split(|byte| *byte == 0).map(|word| String::from_utf8_lossy(word).into_owned());
    Some(Process {
        pid,
        uid: Uid::from_raw(uid),
        groups: groups.map(Gid::from_raw).collect(),
        arguments: arguments.collect(),
    })
}

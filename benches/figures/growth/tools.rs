//! What a program of ours takes for a whole database.

use std::ffi::OsStr;
use std::fs;
use std::io;
use std::process::Stdio;
use std::time::{Duration, Instant};

use crate::process::on_server_core;

pub(super) struct Taken {
    pub(super) seconds: f64,
    /// The most memory that was its own, in MB.
    pub(super) memory: f64,
}

pub(super) fn run(program: &str, arguments: &[&OsStr]) -> io::Result<Taken> {
    let begun = Instant::now();
    let mut command = on_server_core();
    let mut child = command.arg(program).args(arguments).stdout(Stdio::null()).spawn()?;
    let mut most = 0;
    while child.try_wait()?.is_none() {
        most = most.max(own_memory(child.id()));
        std::thread::sleep(Duration::from_millis(2));
    }
    Ok(Taken { seconds: begun.elapsed().as_secs_f64(), memory: most as f64 / 1024.0 })
}

/// In KiB; nothing of it is a file that is mapped.
fn own_memory(pid: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("RssAnon:"));
    line.and_then(|size| size.trim().trim_end_matches(" kB").parse().ok()).unwrap_or(0)
}

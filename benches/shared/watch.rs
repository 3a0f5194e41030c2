//! A program that runs, and the memory that it has meanwhile.

use std::fs;
use std::io;
use std::process::{Child, ExitStatus};
use std::thread;
use std::time::Duration;

/// Waits for its end. Until then `look` gets its own memory, in KiB, every so often.
pub(crate) fn to_its_end(
    child: &mut Child,
    every: Duration,
    mut look: impl FnMut(&mut Child, u64),
) -> io::Result<ExitStatus> {
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(status);
        }
        let memory = own_memory(child.id());
        look(child, memory);
        thread::sleep(every);
    }
}

/// In KiB; nothing of it is a file that is mapped.
fn own_memory(pid: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("RssAnon:"));
    line.and_then(|size| size.trim().trim_end_matches(" kB").parse().ok()).unwrap_or(0)
}

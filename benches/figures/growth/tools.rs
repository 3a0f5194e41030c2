//! What a program of ours takes for a whole database.

use std::ffi::OsStr;
use std::io;
use std::process::Stdio;
use std::time::{Duration, Instant};

use crate::process::on_server_core;
use crate::watch;

/// How often the memory of the program is looked at.
const LOOK: Duration = Duration::from_millis(2);

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
    watch::to_its_end(&mut child, LOOK, |_, memory| most = most.max(memory))?;
    Ok(Taken { seconds: begun.elapsed().as_secs_f64(), memory: most as f64 / 1024.0 })
}

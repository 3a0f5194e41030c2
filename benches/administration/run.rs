//! One run of a program, and what it took.

use std::fs::{self, File};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use nix::sys::resource::{UsageWho, getrusage};

use super::watch;

/// How often the memory of the program is looked at.
const LOOK: Duration = Duration::from_millis(5);

/// What a run took.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Taken {
    /// Seconds from its start to its end.
    pub(crate) wall: f64,
    /// Seconds of processor time, its own and the kernel's for it.
    pub(crate) processor: f64,
    /// The most memory that was its own, in MB. Files that are mapped do not count.
    pub(crate) memory: f64,
    /// What it wrote, in MB.
    pub(crate) output: f64,
    pub(crate) status: i32,
}

/// Runs `command`, which writes its output to `output`; its messages go to a file beside it.
pub(crate) fn run(command: &mut Command, output: &Path) -> anyhow::Result<Taken> {
    let messages = output.with_extension("messages");
    let before = processor_time()?;
    let begun = Instant::now();
    command.stdin(Stdio::null()).stdout(File::create(output)?).stderr(File::create(&messages)?);
    let mut child = command.spawn()?;
    let mut most = 0;
    let status = watch::to_its_end(&mut child, LOOK, |_, memory| most = most.max(memory))?;
    let wall = begun.elapsed().as_secs_f64();
    let processor = processor_time()? - before;
    let Some(status) = status.code() else { anyhow::bail!("{command:?} was ended by a signal") };
    // 1: something was found, or left out; 3: `apply` has changed something.
    if ![0, 1, 3].contains(&status) {
        anyhow::bail!("{command:?}: status {status}, {}", fs::read_to_string(&messages)?);
    }
    let output = fs::metadata(output)?.len() as f64 / 1e6;
    Ok(Taken { wall, processor, memory: most as f64 * 1024.0 / 1e6, output, status })
}

/// Of all children that have ended.
fn processor_time() -> anyhow::Result<f64> {
    let usage = getrusage(UsageWho::RUSAGE_CHILDREN)?;
    let seconds = |time: nix::sys::time::TimeVal| time.tv_sec() as f64 + time.tv_usec() as f64 / 1e6;
    Ok(seconds(usage.user_time()) + seconds(usage.system_time()))
}

//! Settings that were changed after a program read them, where it can be told when that was.

use std::fs;
use std::path::Path;
use std::time::{Duration, SystemTime};

use crate::cli::sasldb::processes;

use super::Visit;
use super::finding::Code;

/// How exactly it is known when a process began: /proc counts in hundredths of a second.
const INEXACT: Duration = Duration::from_millis(100);

/// Finds the first of `files` that was changed after `name` had read it.
pub(super) fn look(visit: &mut Visit<'_>, name: &str, read: SystemTime, files: &[&Path], mend: Vec<String>) {
    let later = |file: &&&Path| {
        changed(file).is_some_and(|changed| read.checked_add(INEXACT).is_some_and(|read| changed > read))
    };
    if let Some(file) = files.iter().find(later) {
        let what = format!("runs with what {} said before it was changed", file.display());
        visit.find(Code::SettingsUnread, name, what, mend);
    }
}

/// When a file was last written.
fn changed(file: &Path) -> Option<SystemTime> {
    fs::metadata(file).ok()?.modified().ok()
}

/// When the process began whose id is in this file, or wrote the file again: a program that reads its settings again does that, and may
/// stay the same process. None where no such program runs.
pub(super) fn by_pid_file(file: &Path, program: &str) -> Option<SystemTime> {
    let text = fs::read_to_string(file).ok()?;
    let pid = text.lines().next()?.trim().parse().ok()?;
    processes::program(pid).filter(|running| running.starts_with(program))?;
    changed(file)
}

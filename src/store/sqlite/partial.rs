//! A copy that is not whole yet, and what is left of those that were killed.

use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, fcntl};
use nix::libc;

use crate::store::{beside, folder_of};

/// What stands between the name of the copy and the process id.
const MARK: &str = ".partial-";

/// How many names are tried. A process id may be another's in another container.
const TRIES: u32 = 16;

/// The byte that is locked: behind those that SQLite locks, in the page that it leaves free for them.
const LOCKED_BYTE: i64 = 0x4000_0400;

/// An empty file beside the one that it is to become. It is locked while it is written, which ends with the process, and gone when
/// this is dropped.
pub(super) struct Partial {
    pub(super) path: PathBuf,
    pub(super) file: File,
}

impl Partial {
    /// Makes it, when those that nobody writes any more are gone.
    pub(super) fn create(target: &Path) -> io::Result<Self> {
        clear(target);
        for number in 0..TRIES {
            let again = if number == 0 { String::new() } else { format!(".{number}") };
            let path = beside(target, &format!("{MARK}{}{again}", std::process::id()));
            let file = match OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path) {
                Err(fault) if fault.kind() == ErrorKind::AlreadyExists => continue,
                made => made?,
            };
            // Whoever clears up may have come in between, and found it unlocked.
            if lock(&file) != Lock::Others && file.metadata()?.nlink() > 0 {
                return Ok(Self { path, file });
            }
        }
        Err(ErrorKind::AlreadyExists.into())
    }
}

impl Drop for Partial {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.path);
    }
}

/// Removes what killed processes have left of copies to `target`. What cannot be removed is no reason to make none.
fn clear(target: &Path) {
    let Some(name) = target.file_name() else { return };
    let of_target = |path: &PathBuf| {
        let own = path.file_name().and_then(|own| own.as_bytes().strip_prefix(name.as_bytes()));
        let id = own.and_then(|rest| rest.strip_prefix(MARK.as_bytes()));
        id.is_some_and(|id| !id.is_empty() && id.iter().all(|byte| byte.is_ascii_digit() || *byte == b'.'))
    };
    let Ok(folder) = fs::read_dir(folder_of(target)) else { return };
    for path in folder.flatten().map(|entry| entry.path()).filter(of_target) {
        let _ = remove_if_left(&path);
    }
}

/// One that is locked is being written, and one that cannot be locked may be.
fn remove_if_left(path: &Path) -> io::Result<()> {
    // Of a file with another name it is not known whose it is, and opening and closing it may drop SQLite's own locks.
    let found = fs::symlink_metadata(path)?;
    if !found.is_file() || found.nlink() != 1 {
        return Ok(());
    }
    let file = OpenOptions::new().write(true).custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK).open(path)?;
    let opened = file.metadata()?;
    if lock(&file) != Lock::Own {
        return Ok(());
    }
    // While it is locked here nobody else removes it, and so the name stays its own.
    let now = fs::symlink_metadata(path)?;
    if (now.dev(), now.ino()) != (opened.dev(), opened.ino()) {
        return Ok(());
    }
    let _ = fs::remove_file(beside(path, "-journal"));
    fs::remove_file(path)
}

#[derive(Debug, PartialEq, Eq)]
enum Lock {
    Own,
    /// Somebody else holds it.
    Others,
    /// The file system has no such locks.
    None,
}

/// Of the open file, not of the process: SQLite's locks, and what drops them, do not touch it. It is held until the file is closed.
fn lock(file: &File) -> Lock {
    let of = |number: i32| i16::try_from(number).unwrap_or_default();
    let byte = libc::flock {
        l_type: of(libc::F_WRLCK),
        l_whence: of(libc::SEEK_SET),
        l_start: LOCKED_BYTE,
        l_len: 1,
        l_pid: 0,
    };
    match fcntl(file, FcntlArg::F_OFD_SETLK(&byte)) {
        Ok(_) => Lock::Own,
        Err(Errno::EAGAIN | Errno::EACCES) => Lock::Others,
        Err(_) => Lock::None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let mut names: Vec<String> = entries.collect();
        names.sort();
        names
    }

    #[test]
    fn what_nobody_writes_is_cleared_and_what_somebody_writes_stays() {
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("copy.db");
        let own = format!("copy.db.partial-{}", std::process::id());
        for left in ["copy.db.partial-1", "copy.db.partial-12.3", "copy.db.partial-1-journal", &own] {
            fs::write(folder.path().join(left), "cut short").unwrap();
        }
        let others = [
            "copy.db.partial-",
            "copy.db.partial-x",
            "copy.db.partial-9-journal",
            "copy.db.partially-1",
            "other.db.partial-1",
        ];
        for other in others {
            fs::write(folder.path().join(other), "another's").unwrap();
        }
        std::os::unix::fs::symlink("other.db.partial-1", folder.path().join("copy.db.partial-7")).unwrap();
        let stay = || others.into_iter().chain(["copy.db.partial-7"]).map(str::to_owned);
        let expected = |more: &[&str]| {
            let mut all: Vec<String> = stay().chain(more.iter().map(|name| (*name).to_owned())).collect();
            all.sort();
            all
        };

        let first = Partial::create(&target).unwrap();
        assert_eq!(names(folder.path()), expected(&[&own]));
        // Of a process with the same id, in another container.
        let second = Partial::create(&target).unwrap();
        assert_eq!(names(folder.path()), expected(&[&own, &format!("{own}.1")]));
        drop(first);
        drop(second);
        assert_eq!(names(folder.path()), expected(&[]));
    }
}

//! The database's file, before SQLite sees it.

use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use nix::fcntl::{Flock, FlockArg};
use nix::unistd::{AccessFlags, access};

use crate::store::{StoreError, beside, folder_of};

/// SQLite takes anything shorter than its header for an empty database, and would write over it.
const SQLITE_HEADER: u64 = 100;

/// Which file it is, whatever its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct FileId {
    device: u64,
    inode: u64,
}

/// A file as it lies on the disk: which one, and as of when. SQLite notices its own changes only.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct FileState {
    id: FileId,
    length: u64,
    modified: (i64, i64),
}

impl FileState {
    /// Of the file at `path` now; `None` if there is none.
    pub(super) fn of(path: &Path) -> Option<Self> {
        let meta = fs::symlink_metadata(path).ok()?;
        let id = FileId { device: meta.dev(), inode: meta.ino() };
        Some(Self { id, length: meta.len(), modified: (meta.mtime(), meta.mtime_nsec()) })
    }

    /// Whether both are states of one file.
    pub(super) fn is_of(&self, other: &Self) -> bool {
        self.id == other.id
    }
}

/// What is at the place of a database.
pub(super) enum Found {
    /// Nothing, but the folder is there.
    Nothing,
    /// An empty file, in which a database may be made.
    Empty,
    /// A file.
    File,
}

/// The path of a database with its folder resolved, so that SQLite can be told to follow no link in it.
#[derive(Debug, Clone)]
pub(super) struct DatabaseFile {
    /// As it was given.
    given: PathBuf,
    resolved: PathBuf,
}

impl DatabaseFile {
    /// Resolves the folder, which must be there.
    pub(super) fn resolve(path: &Path) -> Result<Self, StoreError> {
        let named = |fault: &str| StoreError::Unreachable { path: path.to_owned(), fault: fault.to_owned() };
        let name = path.file_name().ok_or_else(|| named("names no file"))?;
        let folder = folder_of(path);
        let folder = fs::canonicalize(folder).map_err(|e| match e.kind() {
            ErrorKind::NotFound => unreachable(folder, "the folder does not exist"),
            _ => unreachable(folder, &words(&e)),
        })?;
        if !folder.is_dir() {
            return Err(unreachable(&folder, "is not a folder"));
        }
        Ok(Self { given: path.to_owned(), resolved: folder.join(name) })
    }

    /// The path to hand to SQLite.
    pub(super) fn path(&self) -> &Path {
        &self.resolved
    }

    /// Looks at what is there. A symbolic link is refused: whoever can make one could have us make or read any file.
    pub(super) fn look(&self) -> Result<Found, StoreError> {
        let meta = match fs::symlink_metadata(&self.resolved) {
            Ok(meta) => meta,
            Err(e) if e.kind() == ErrorKind::NotFound => return Ok(Found::Nothing),
            Err(e) => return Err(unreachable(&self.given, &words(&e))),
        };
        let kind = meta.file_type();
        if kind.is_dir() {
            return Err(unreachable(&self.given, "is a folder"));
        }
        if kind.is_symlink() {
            return Err(unreachable(&self.given, "is a symbolic link; name the file itself"));
        }
        if !kind.is_file() {
            return Err(unreachable(&self.given, "is not a file"));
        }
        if meta.len() == 0 {
            return Ok(Found::Empty);
        }
        if meta.len() < SQLITE_HEADER {
            return Err(StoreError::NotOurs(self.given.clone()));
        }
        Ok(Found::File)
    }

    /// Says in words why the file could not be used for what it was opened for; SQLite only knows that it could not.
    ///
    /// Asked before SQLite opens it. The file must never be opened and closed here: that would drop the locks that SQLite
    /// holds on it anywhere in this process.
    pub(super) fn check_access(&self, write: bool) -> Result<(), StoreError> {
        let wanted = if write { AccessFlags::R_OK | AccessFlags::W_OK } else { AccessFlags::R_OK };
        access(&self.resolved, wanted).map_err(|e| unreachable(&self.given, e.desc()))
    }

    /// Makes an empty file, unless there is one. Says whether it did.
    pub(super) fn create(&self) -> Result<bool, StoreError> {
        match OpenOptions::new().write(true).create_new(true).mode(0o640).open(&self.resolved) {
            Ok(_) => Ok(true),
            Err(e) if e.kind() == ErrorKind::AlreadyExists => Ok(false),
            Err(e) if e.kind() == ErrorKind::StorageFull => Err(StoreError::Full),
            Err(e) => Err(unreachable(&self.given, &words(&e))),
        }
    }

    /// Takes the file of a failed attempt away.
    pub(super) fn remove_if_empty(&self) {
        if matches!(self.look(), Ok(Found::Empty)) {
            let _ = fs::remove_file(&self.resolved);
        }
    }

    /// Waits until no other process makes or migrates a database in this folder.
    pub(super) fn lock_folder(&self) -> Result<Flock<File>, StoreError> {
        let folder = folder_of(&self.resolved);
        let file = File::open(folder).map_err(|e| unreachable(folder, &words(&e)))?;
        Flock::lock(file, FlockArg::LockExclusive).map_err(|(_, e)| unreachable(folder, e.desc()))
    }

    /// Whether the write-ahead log has yet to be made, or nothing is in it: its name may not last through a power cut then.
    ///
    /// SQLite would sync the folder with the first change of each process, however old the log is, and is told not to
    /// (`.cargo/config.toml`): it would double what one change waits for the disk.
    pub(super) fn log_is_new(&self) -> bool {
        fs::symlink_metadata(beside(&self.resolved, "-wal")).map_or(true, |log| log.len() == 0)
    }

    /// Makes the names of the files last through a power cut.
    pub(super) fn sync_folder(&self) -> Result<(), StoreError> {
        let folder = folder_of(&self.resolved);
        File::open(folder).and_then(|file| file.sync_all()).map_err(|e| unreachable(folder, &words(&e)))
    }
}

/// The system's words, without the number that std adds.
pub(super) fn words(fault: &io::Error) -> String {
    match fault.raw_os_error() {
        Some(number) => nix::errno::Errno::from_raw(number).desc().to_owned(),
        None => fault.to_string(),
    }
}

fn unreachable(path: &Path, fault: &str) -> StoreError {
    StoreError::Unreachable { path: path.to_owned(), fault: fault.to_owned() }
}

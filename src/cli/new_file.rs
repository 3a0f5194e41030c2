//! A new file that is there whole or not at all.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::fd::AsRawFd as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, CWD, linkat};
use rustix::io::Errno;

use crate::store::folder_of;

/// Has no name until it is kept, where the file system can do that: whatever ends the process, nothing is left behind. Elsewhere it
/// has its name from the beginning, and is gone when this is dropped.
pub(super) struct NewFile {
    pub(super) file: File,
    path: PathBuf,
    is_named: bool,
}

impl NewFile {
    /// Makes it, for its owner alone. There must be nothing at `path`, now and when it is kept.
    pub(super) fn create(path: &Path) -> io::Result<Self> {
        if fs::symlink_metadata(path).is_ok() {
            return Err(Errno::EXIST.into());
        }
        let (file, is_named) = match nameless(path) {
            Some(file) => (file, false),
            None => (OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?, true),
        };
        Ok(Self { file, path: path.to_owned(), is_named })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Gives it its name.
    pub(super) fn keep(mut self) -> io::Result<()> {
        if !self.is_named {
            linkat(CWD, descriptor(&self.file), CWD, &self.path, AtFlags::SYMLINK_FOLLOW)?;
        }
        // It stays.
        self.is_named = false;
        Ok(())
    }
}

impl Drop for NewFile {
    fn drop(&mut self) {
        if self.is_named {
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// In the folder of `path`, to be linked there; none where that cannot be done.
fn nameless(path: &Path) -> Option<File> {
    let made = OpenOptions::new().write(true).custom_flags(nix::libc::O_TMPFILE).mode(0o600).open(folder_of(path));
    made.ok().filter(|file| descriptor(file).exists())
}

/// The name of an open file in /proc.
fn descriptor(file: &File) -> PathBuf {
    PathBuf::from(format!("/proc/self/fd/{}", file.as_raw_fd()))
}

#[cfg(test)]
mod tests {
    use std::io::{ErrorKind, Write as _};

    use super::*;

    #[test]
    fn a_file_is_there_when_it_is_whole_and_nothing_of_it_else() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("new");
        let named = || NewFile {
            file: OpenOptions::new().write(true).create_new(true).open(&path).unwrap(),
            path: path.clone(),
            is_named: true,
        };
        for make in [&(|| NewFile::create(&path).unwrap()) as &dyn Fn() -> NewFile, &named] {
            drop(make());
            assert!(!path.exists());
            let mut new = make();
            new.file.write_all(b"whole").unwrap();
            new.keep().unwrap();
            assert_eq!(fs::read_to_string(&path).unwrap(), "whole");
            assert_eq!(NewFile::create(&path).map(drop).unwrap_err().kind(), ErrorKind::AlreadyExists);
            fs::remove_file(&path).unwrap();
        }
        // What comes there meanwhile is not written over.
        let new = NewFile::create(&path).unwrap();
        if !new.is_named {
            assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0, "whatever ends the process now");
            fs::write(&path, "another's").unwrap();
            assert_eq!(new.keep().unwrap_err().kind(), ErrorKind::AlreadyExists);
            assert_eq!(fs::read_to_string(&path).unwrap(), "another's");
        }
    }
}

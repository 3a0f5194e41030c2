//! Where an export goes: stdout, or a new file that only its owner may read.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use crate::cli::failure::{self, Failure};
use crate::cli::output::{Data, Reader};

pub(super) enum Sink {
    Stdout(Data),
    File(NewFile),
}

/// Gone again if it is not finished.
pub(super) struct NewFile {
    file: BufWriter<File>,
    path: PathBuf,
    is_whole: bool,
}

impl Sink {
    /// Makes the file `path`, which must not exist; without one it is stdout.
    pub(super) fn open(path: Option<&Path>) -> Result<Self, Failure> {
        let Some(path) = path else { return Ok(Self::Stdout(Data::new())) };
        let made = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
        let file = made.map_err(|fault| {
            let exists = fault.kind() == io::ErrorKind::AlreadyExists;
            let failure = Failure::cannot_write(path.display(), fault);
            if exists { failure.hint("nothing is written over: name a file that is not there") } else { failure }
        })?;
        Ok(Self::File(NewFile { file: BufWriter::new(file), path: path.to_owned(), is_whole: false }))
    }

    pub(super) fn line(&mut self, line: &str) -> Result<Reader, Failure> {
        match self {
            Self::Stdout(data) => failure::written(data.line(line)),
            Self::File(new) => writeln!(new.file, "{line}")
                .map(|()| Reader::Present)
                .map_err(|fault| Failure::cannot_write(new.path.display(), fault)),
        }
    }

    /// Writes out what is buffered; of a file, onto the disk.
    pub(super) fn finish(self) -> Result<(), Failure> {
        match self {
            Self::Stdout(data) => failure::written(data.finish()).map(drop),
            Self::File(mut new) => {
                let synced = new.file.flush().and_then(|()| new.file.get_ref().sync_all());
                synced.map_err(|fault| Failure::cannot_write(new.path.display(), fault))?;
                new.is_whole = true;
                Ok(())
            }
        }
    }
}

impl Drop for NewFile {
    fn drop(&mut self) {
        if !self.is_whole {
            let _ = fs::remove_file(&self.path);
        }
    }
}

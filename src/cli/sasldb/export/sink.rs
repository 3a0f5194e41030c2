//! Where an export goes: stdout, or a new file that only its owner may read.

use std::fs::File;
use std::io::{self, BufWriter, Write as _};
use std::path::Path;

use crate::cli::failure::{self, Failure};
use crate::cli::new_file::NewFile;
use crate::cli::output::{Data, Reader};

pub(super) enum Sink {
    Stdout(Data),
    File(BufWriter<File>, NewFile),
}

impl Sink {
    /// Makes the file `path`, which must not exist; without one it is stdout. Nothing is at `path` before all is.
    pub(super) fn open(path: Option<&Path>) -> Result<Self, Failure> {
        let Some(path) = path else { return Ok(Self::Stdout(Data::new())) };
        let made = NewFile::create(path).and_then(|new| Ok((BufWriter::new(new.file.try_clone()?), new)));
        let (file, new) = made.map_err(|fault| cannot_make(path, fault))?;
        Ok(Self::File(file, new))
    }

    pub(super) fn line(&mut self, line: &str) -> Result<Reader, Failure> {
        match self {
            Self::Stdout(data) => failure::written(data.line(line)),
            Self::File(file, new) => writeln!(file, "{line}")
                .map(|()| Reader::Present)
                .map_err(|fault| Failure::cannot_write(new.path().display(), fault)),
        }
    }

    /// Writes out what is buffered; of a file, onto the disk.
    pub(super) fn finish(self) -> Result<(), Failure> {
        match self {
            Self::Stdout(data) => failure::written(data.finish()).map(drop),
            Self::File(mut file, new) => {
                let path = new.path().to_owned();
                let synced = file.flush().and_then(|()| new.file.sync_all());
                synced.map_err(|fault| Failure::cannot_write(path.display(), fault))?;
                new.keep().map_err(|fault| cannot_make(&path, fault))
            }
        }
    }
}

fn cannot_make(path: &Path, fault: io::Error) -> Failure {
    let exists = fault.kind() == io::ErrorKind::AlreadyExists;
    let failure = Failure::cannot_write(path.display(), fault);
    if exists { failure.hint("nothing is written over: name a file that is not there") } else { failure }
}

//! A log that is read from a file, or from a pipe.

use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::path::Path;

use super::exit::Exit;
use super::failure::Failure;

/// What `reader` makes of the file at `path`; `-` is stdin.
pub(super) fn read<T>(path: &Path, reader: impl FnOnce(Box<dyn BufRead>) -> io::Result<T>) -> Result<T, Failure> {
    let opened: io::Result<Box<dyn BufRead>> = if path == Path::new("-") {
        Ok(Box::new(io::stdin().lock()))
    } else {
        File::open(path).map(|file| Box::new(BufReader::new(file)) as _)
    };
    opened.and_then(reader).map_err(|fault| {
        let cause = anyhow::Error::new(fault).context(format!("cannot read {}", path.display()));
        Failure::new(Exit::Failure, cause)
    })
}

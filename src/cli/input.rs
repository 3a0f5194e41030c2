//! A log that is read from a file, or from a pipe: line by line, in memory that is as large for any log.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read as _};
use std::path::Path;

use super::failure::Failure;

/// The longest line that is looked at, with its newline. Our own are far shorter.
const LONGEST: u64 = 4096;

/// What some programs write before UTF-8. It is no part of what the file says.
pub(super) const UTF8_MARK: &[u8] = b"\xEF\xBB\xBF";

/// What `reader` makes of the file at `path`; `-` is stdin.
pub(super) fn read<T>(path: &Path, reader: impl FnOnce(Box<dyn BufRead>) -> io::Result<T>) -> Result<T, Failure> {
    let opened: io::Result<Box<dyn BufRead>> = if path == Path::new("-") {
        Ok(Box::new(io::stdin().lock()))
    } else {
        File::open(path).map(|file| Box::new(BufReader::new(file)) as _)
    };
    opened.and_then(reader).map_err(|fault| Failure::cannot_read(path.display(), fault))
}

/// Gives each line of a log to `take`, without its newline, and none in the place of one that is too long. A log may hold any bytes,
/// and other programs' lines.
pub(super) fn lines(mut input: impl BufRead, mut take: impl FnMut(Option<&[u8]>)) -> io::Result<()> {
    let mut line = Vec::new();
    while input.by_ref().take(LONGEST).read_until(b'\n', &mut line)? != 0 {
        if line.last() == Some(&b'\n') {
            line.pop();
            take(Some(&line));
        } else if input.fill_buf()?.is_empty() {
            take(Some(&line));
        } else {
            input.skip_until(b'\n')?;
            take(None);
        }
        line.clear();
    }
    Ok(())
}

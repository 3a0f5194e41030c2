//! A file's lines, in memory that is as large for any file and is wiped.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use zeroize::Zeroizing;

use crate::cli::failure::Failure;
use crate::cli::input::UTF8_MARK;
use crate::cli::wiped;

/// The longest line that is held. LDIF may have a photograph in one.
const MAX_LINE: usize = 1 << 20;

/// An open file, and what it is called.
pub(super) struct Input {
    input: Box<dyn Read>,
    name: String,
    length: u64,
}

impl Input {
    /// Opens `path`; `-` is stdin.
    pub(super) fn open(path: &Path) -> Result<Self, Failure> {
        if path.as_os_str() == "-" {
            return Ok(Self { input: Box::new(io::stdin().lock()), name: "stdin".to_owned(), length: 0 });
        }
        let name = path.display().to_string();
        let file = File::open(path).map_err(|fault| Failure::cannot_read(&name, fault))?;
        let length = file.metadata().map_err(|fault| Failure::cannot_read(&name, fault))?.len();
        Ok(Self { input: Box::new(file), name, length })
    }

    /// What the file is called.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// Reads all of it, at most `limit` bytes.
    pub(super) fn whole(mut self, limit: u64) -> Result<Zeroizing<Vec<u8>>, Failure> {
        let read = wiped::read_whole(&mut self.input, self.length, limit);
        let whole =
            read.and_then(|whole| whole.ok_or_else(|| io::Error::other(format!("it is longer than {limit} bytes"))));
        whole.map_err(|fault| Failure::cannot_read(&self.name, fault))
    }

    /// Gives each line to `take`: its number from 1, the line without its newline, and whether that is all of it. Behind the mark of
    /// UTF-8, which would be an invisible part of the first name.
    pub(super) fn lines(
        mut self,
        mut take: impl FnMut(u64, &[u8], bool) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        let mut take = |number, line: &[u8], is_whole| {
            let line = if number == 1 { line.strip_prefix(UTF8_MARK).unwrap_or(line) } else { line };
            take(number, line, is_whole)
        };
        let mut buffer = Zeroizing::new(vec![0; MAX_LINE]);
        let (mut length, mut number) = (0, 1u64);
        // Where a line is longer than the buffer, what has no newline yet is passed over.
        let mut in_long_line = false;
        loop {
            let read = match self.input.read(buffer.get_mut(length..).unwrap_or_default()) {
                Err(fault) if fault.kind() == io::ErrorKind::Interrupted => continue,
                read => read.map_err(|fault| Failure::cannot_read(&self.name, fault))?,
            };
            length = length.saturating_add(read);
            let mut rest = buffer.get(..length).unwrap_or_default();
            while let Some(at) = memchr::memchr(b'\n', rest) {
                let (line, after) = rest.split_at(at);
                if !std::mem::take(&mut in_long_line) {
                    take(number, line, true)?;
                }
                number = number.saturating_add(1);
                rest = after.get(1..).unwrap_or_default();
            }
            if read == 0 {
                return if rest.is_empty() || in_long_line { Ok(()) } else { take(number, rest, true) };
            }
            let kept = if rest.len() == MAX_LINE || in_long_line {
                if !in_long_line {
                    take(number, rest, false)?;
                }
                in_long_line = true;
                0
            } else {
                rest.len()
            };
            buffer.copy_within(length.saturating_sub(kept)..length, 0);
            length = kept;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(pieces: &[&[u8]]) -> Vec<(u64, usize, bool)> {
        struct Pieces(std::collections::VecDeque<Vec<u8>>);
        impl Read for Pieces {
            fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
                let Some(mut piece) = self.0.pop_front() else { return Ok(0) };
                let length = piece.len().min(buffer.len());
                buffer[..length].copy_from_slice(&piece[..length]);
                if length < piece.len() {
                    self.0.push_front(piece.split_off(length));
                }
                Ok(length)
            }
        }
        let input = Box::new(Pieces(pieces.iter().map(|piece| piece.to_vec()).collect()));
        let mut found = Vec::new();
        let input = Input { input, name: String::new(), length: 0 };
        input
            .lines(|number, line, whole| {
                found.push((number, line.len(), whole));
                Ok(())
            })
            .unwrap();
        found
    }

    #[test]
    fn lines_are_found_wherever_the_pieces_end() {
        assert_eq!(lines(&[b"ab\n\ncde"]), [(1, 2, true), (2, 0, true), (3, 3, true)]);
        assert_eq!(lines(&[b"a", b"b", b"\n", b"\ncde\n"]), [(1, 2, true), (2, 0, true), (3, 3, true)]);
        assert_eq!(lines(&[]), []);
        assert_eq!(lines(&[b"\n"]), [(1, 0, true)]);
        assert_eq!(lines(&[b"\xEF", b"\xBB\xBFab\n\xEF\xBB\xBF"]), [(1, 2, true), (2, 3, true)]);
    }

    #[test]
    fn a_line_that_is_too_long_is_told_once_and_those_after_it_keep_their_numbers() {
        let long = vec![b'x'; MAX_LINE * 2 + 7];
        assert_eq!(lines(&[b"a\n", &long, b"yy\nb\n"]), [(1, 1, true), (2, MAX_LINE, false), (3, 1, true)]);
        assert_eq!(lines(&[&long]), [(1, MAX_LINE, false)]);
        let fits = vec![b'x'; MAX_LINE - 1];
        assert_eq!(lines(&[&fits, b"\nb"]), [(1, MAX_LINE - 1, true), (2, 1, true)]);
    }
}

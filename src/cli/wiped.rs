//! Reading what passwords are in: it lies in memory that is wiped, and is not moved without wiping where it lay.

use std::io::{self, BufRead, Read};

use zeroize::{Zeroize as _, Zeroizing};

/// Bytes read at once. No less than the standard library's own buffer of stdin, which it passes by for as many.
const PIECE: usize = 64 << 10;

/// Where the length is not known.
const FIRST_ROOM: usize = 1 << 20;

/// Reads some at a time, and keeps nothing of what was taken.
pub(super) struct WipedReader<R> {
    input: R,
    buffer: Zeroizing<Vec<u8>>,
    /// What of the buffer was read and not taken yet.
    from: usize,
    to: usize,
}

impl<R> WipedReader<R> {
    pub(super) fn new(input: R) -> Self {
        Self { input, buffer: Zeroizing::new(vec![0; PIECE]), from: 0, to: 0 }
    }
}

impl<R: Read> WipedReader<R> {
    /// Passes over `mark` where the input begins with it. To be called before anything is read; `mark` is far shorter than a piece.
    pub(super) fn pass_over(&mut self, mark: &[u8]) -> io::Result<()> {
        while self.to < mark.len() {
            match self.input.read(self.buffer.get_mut(self.to..).unwrap_or_default()) {
                Err(fault) if fault.kind() == io::ErrorKind::Interrupted => {}
                Err(fault) => return Err(fault),
                Ok(0) => break,
                Ok(read) => self.to = self.to.saturating_add(read),
            }
        }
        if self.buffer.get(..self.to).is_some_and(|beginning| beginning.starts_with(mark)) {
            self.consume(mark.len());
        }
        Ok(())
    }
}

impl<R: Read> Read for WipedReader<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if self.from == self.to && into.len() >= PIECE {
            return self.input.read(into);
        }
        let read = self.fill_buf()?.read(into)?;
        self.consume(read);
        Ok(read)
    }
}

impl<R: Read> BufRead for WipedReader<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.from == self.to {
            (self.from, self.to) = (0, self.input.read(&mut self.buffer)?);
        }
        Ok(self.buffer.get(self.from..self.to).unwrap_or_default())
    }

    fn consume(&mut self, taken: usize) {
        let taken = self.from..self.from.saturating_add(taken).min(self.to);
        self.from = taken.end;
        // Less may be read the next time, and would leave the end of this.
        self.buffer.get_mut(taken).unwrap_or_default().zeroize();
    }
}

/// All that is left of `input`, or none if that is more than `limit` bytes. `length` is how long it probably is: with that, it is read
/// to where it stays.
pub(super) fn read_whole(input: &mut impl Read, length: u64, limit: u64) -> io::Result<Option<Zeroizing<Vec<u8>>>> {
    // One more than there should be, so that the end shows.
    let room = usize::try_from(length.min(limit)).unwrap_or(0).saturating_add(1).max(FIRST_ROOM);
    let mut whole = Zeroizing::new(vec![0; room]);
    let mut filled = 0usize;
    loop {
        match input.read(whole.get_mut(filled..).unwrap_or_default()) {
            Err(fault) if fault.kind() == io::ErrorKind::Interrupted => {}
            Err(fault) => return Err(fault),
            Ok(0) => {
                whole.truncate(filled);
                return Ok(Some(whole));
            }
            Ok(read) => filled = filled.saturating_add(read),
        }
        if u64::try_from(filled).unwrap_or(u64::MAX) > limit {
            return Ok(None);
        }
        if filled == whole.len() {
            let mut larger = Zeroizing::new(vec![0; filled.saturating_mul(2)]);
            larger.iter_mut().zip(whole.iter()).for_each(|(to, from)| *to = *from);
            whole = larger;
        }
    }
}

#[cfg(test)]
#[allow(clippy::arithmetic_side_effects, reason = "a test may fail")]
pub(super) mod tests {
    use std::fs::{self, File};
    use std::os::unix::fs::FileExt as _;

    use super::*;

    /// Bytes that come in pieces of any length, made as they are read: the test has no copy of them.
    pub(in crate::cli) struct Made<F> {
        pub(in crate::cli) byte: F,
        pub(in crate::cli) at: usize,
        pub(in crate::cli) length: usize,
    }

    impl<F: Fn(usize) -> u8> Read for Made<F> {
        fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
            let many = into.len().min(self.length - self.at).min(1 + self.at * 31 % 9973);
            (0..many).for_each(|place| into[place] = (self.byte)(self.at + place));
            self.at += many;
            Ok(many)
        }
    }

    fn made(length: usize) -> Made<impl Fn(usize) -> u8> {
        Made { byte: |at| (at * 131 % 251) as u8, at: 0, length }
    }

    /// How often `front` and, right behind it, `back` lie in this process's memory. Whoever calls must not have them side by side.
    pub(in crate::cli) fn copies_in_memory(front: &[u8], back: &[u8]) -> usize {
        let maps = fs::read_to_string("/proc/self/maps").unwrap();
        let memory = File::open("/proc/self/mem").unwrap();
        let mut piece = vec![0; 1 << 20];
        let mut copies = 0;
        for line in maps.lines().filter(|line| line.contains(" rw-p ")) {
            let (from, to) = line.split_once(' ').unwrap().0.split_once('-').unwrap();
            let (mut at, to) = (u64::from_str_radix(from, 16).unwrap(), u64::from_str_radix(to, 16).unwrap());
            while at < to {
                let many = (to - at).min(piece.len() as u64) as usize;
                // Another thread may have given it back meanwhile.
                let Ok(read) = memory.read_at(&mut piece[..many], at) else { break };
                let found = memchr::memmem::find_iter(&piece[..read], front);
                copies += found.filter(|place| piece[place + front.len()..read].starts_with(back)).count();
                at += many as u64;
            }
        }
        copies
    }

    #[test]
    fn a_file_is_read_whole_however_long_it_is_said_to_be() {
        for length in [0, 1, 5000, FIRST_ROOM - 1, FIRST_ROOM, FIRST_ROOM + 1, 3 * FIRST_ROOM + 7] {
            for said in [0, length / 2, length, length * 2] {
                let whole = read_whole(&mut made(length), said as u64, 1 << 30).unwrap().unwrap();
                assert!(whole.len() == length && (0..length).all(|at| whole[at] == (at * 131 % 251) as u8), "{length}");
            }
        }
        let limit = FIRST_ROOM as u64;
        assert!(read_whole(&mut made(FIRST_ROOM), 0, limit).unwrap().is_some());
        assert!(read_whole(&mut made(FIRST_ROOM + 1), 0, limit).unwrap().is_none());
    }

    #[test]
    fn a_mark_is_passed_over_at_the_beginning_only_and_whole_only() {
        let rest = |text: &[u8]| {
            let mut reader = WipedReader::new(text);
            reader.pass_over(b"abc").unwrap();
            let mut rest = Vec::new();
            reader.read_to_end(&mut rest).map(|_| rest).unwrap()
        };
        for (text, left) in [(&b"abcd"[..], &b"d"[..]), (b"abcabc", b"abc"), (b"abc", b""), (b"ab", b"ab"), (b"", b"")]
        {
            assert_eq!(rest(text), left);
        }
        // Byte by byte.
        let mut reader = WipedReader::new((&b"a"[..]).chain(&b"b"[..]).chain(&b"cde"[..]));
        reader.pass_over(b"abc").unwrap();
        assert_eq!(reader.fill_buf().unwrap(), b"de");
    }

    #[test]
    fn what_is_read_some_at_a_time_is_what_there_is() {
        let mut reader = WipedReader::new(made(3 * PIECE + 5));
        assert_eq!(reader.fill_buf().unwrap()[0], 0);
        let whole = read_whole(&mut reader, 0, 1 << 30).unwrap().unwrap();
        assert!(whole.len() == 3 * PIECE + 5 && (0..whole.len()).all(|at| whole[at] == (at * 131 % 251) as u8));

        let mut read = Vec::new();
        let mut reader = WipedReader::new(made(3 * PIECE));
        while reader.read_until(b'\n', &mut read).unwrap() > 0 {
            assert!(reader.buffer.iter().take(reader.from).all(|byte| *byte == 0));
        }
        assert!(read.len() == 3 * PIECE && (0..read.len()).all(|at| read[at] == (at * 131 % 251) as u8));
    }
}

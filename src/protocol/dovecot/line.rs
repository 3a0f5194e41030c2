//! Cutting a stream of bytes into lines.

use zeroize::Zeroizing;

use super::fault::Breach;

/// The longest line in bytes, with its LF: Dovecot's input buffer.
pub const MAX_LINE: usize = 16_384;

/// Takes whole lines off the front of what was read. Only a line that came in pieces is copied; its buffer has its full
/// size at once, because one that grew would leave parts of a password behind.
#[derive(Debug, Default)]
pub(super) struct Lines {
    pieces: Option<Zeroizing<Vec<u8>>>,
    complete: bool,
}

impl Lines {
    /// The next line without its LF or CRLF, if `input` ends it. Call until there is none; what is left of `input` is kept.
    pub(super) fn take<'a, 'i: 'a>(&'a mut self, input: &mut &'i [u8]) -> Option<Result<&'a [u8], Breach>> {
        if self.complete {
            self.pieces = None;
            self.complete = false;
        }
        let end = memchr::memchr(b'\n', input);
        let (piece, rest) = match end {
            Some(end) => (input.get(..end).unwrap_or_default(), input.get(end.saturating_add(1)..).unwrap_or_default()),
            None => (*input, &[][..]),
        };
        *input = rest;
        let length = self.pieces.as_ref().map_or(0, |pieces| pieces.len()).saturating_add(piece.len());
        if length >= MAX_LINE {
            return Some(Err(Breach::LineTooLong));
        }
        if end.is_some() && self.pieces.is_none() {
            return Some(checked(piece));
        }
        if length == 0 {
            return None;
        }
        let pieces = self.pieces.get_or_insert_with(|| Zeroizing::new(Vec::with_capacity(MAX_LINE)));
        pieces.extend_from_slice(piece);
        self.complete = end.is_some();
        if self.complete { Some(checked(pieces)) } else { None }
    }
}

fn checked(line: &[u8]) -> Result<&[u8], Breach> {
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    if line.contains(&0) { Err(Breach::Nul) } else { Ok(line) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn all(lines: &mut Lines, mut input: &[u8]) -> Vec<Result<Vec<u8>, Breach>> {
        let mut taken = Vec::new();
        while let Some(line) = lines.take(&mut input) {
            taken.push(line.map(<[u8]>::to_vec));
        }
        taken
    }

    #[test]
    fn lines_end_in_lf_or_crlf() {
        let mut lines = Lines::default();
        let ok = |text: &str| Ok(text.as_bytes().to_vec());
        assert_eq!(all(&mut lines, b"a\r\nb\n\nc"), [ok("a"), ok("b"), ok("")]);
        assert_eq!(all(&mut lines, b""), []);
        assert_eq!(all(&mut lines, b"d\r"), []);
        assert_eq!(all(&mut lines, b"\ne\n"), [ok("cd"), ok("e")]);
        assert_eq!(all(&mut lines, b"x\0y\n"), [Err(Breach::Nul)]);
    }

    #[test]
    fn the_limit_counts_the_lf() {
        let mut longest = vec![b'x'; MAX_LINE - 1];
        longest.push(b'\n');
        assert_eq!(all(&mut Lines::default(), &longest), [Ok(longest[..MAX_LINE - 1].to_vec())]);
        let mut lines = Lines::default();
        assert_eq!(all(&mut lines, &longest[..9000]), []);
        assert_eq!(all(&mut lines, &longest[9000..]).len(), 1);
        longest.insert(0, b'x');
        assert_eq!(all(&mut Lines::default(), &longest), [Err(Breach::LineTooLong)]);
        let mut lines = Lines::default();
        assert_eq!(all(&mut lines, &longest[..9000]), []);
        assert_eq!(all(&mut lines, &longest[9000..MAX_LINE]), [Err(Breach::LineTooLong)]);
    }

    proptest! {
        #[test]
        fn cuts_do_not_matter(bytes in proptest::collection::vec(prop_oneof![Just(b'\n'), Just(b'a'), Just(b'\r'), Just(0)], 0..60), cut in 0usize..60) {
            let whole = all(&mut Lines::default(), &bytes);
            let (first, second) = bytes.split_at(cut.min(bytes.len()));
            let mut lines = Lines::default();
            let mut parts = all(&mut lines, first);
            parts.extend(all(&mut lines, second));
            prop_assert_eq!(parts, whole);
        }
    }
}

//! Text that somebody outside chose, as a line shows it: nothing in it can look like another field, line or address.

use core::fmt;

/// The most bytes of a client's text that a line shows.
pub(super) const MAX_TEXT: usize = 128;

/// Writes texts from outside, one after the other, like [`Quoted`].
pub(super) fn quote(f: &mut impl fmt::Write, parts: &[&str]) -> fmt::Result {
    f.write_char('"')?;
    let mut inside = Inside { out: f, room: MAX_TEXT, cut: false };
    parts.iter().try_for_each(|part| fmt::Write::write_str(&mut inside, part))?;
    inside.end()
}

/// Something from outside, in quotes: ASCII, at most [`MAX_TEXT`] bytes between them. Dots after the quotes say that it was
/// cut.
pub(super) struct Quoted<T>(pub(super) T);

impl<T: fmt::Display> fmt::Display for Quoted<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        use fmt::Write;
        f.write_str("\"")?;
        let mut inside = Inside { out: f, room: MAX_TEXT, cut: false };
        write!(inside, "{}", self.0)?;
        inside.end()
    }
}

/// What stands between the quotes. Nearly all of it is plain, and goes out in one piece.
struct Inside<'a, W> {
    out: &'a mut W,
    room: usize,
    cut: bool,
}

impl<W: fmt::Write> Inside<'_, W> {
    fn end(self) -> fmt::Result {
        self.out.write_str(if self.cut { "\"..." } else { "\"" })
    }
}

impl<W: fmt::Write> fmt::Write for Inside<'_, W> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let mut rest = text.as_bytes();
        while let Some(&first) = rest.first() {
            let plain = rest.iter().position(|&byte| !is_plain(byte)).unwrap_or(rest.len());
            let length = if plain == 0 { 1 } else { plain.min(self.room) };
            let width = if plain == 0 { 4 } else { length };
            if self.cut || length == 0 || width > self.room {
                self.cut = true;
                return Ok(());
            }
            self.room = self.room.saturating_sub(width);
            let (piece, others) = rest.split_at_checked(length).unwrap_or((rest, b""));
            match core::str::from_utf8(piece) {
                Ok(piece) if plain > 0 => self.out.write_str(piece)?,
                _ => write!(self.out, "\\x{first:02x}")?,
            }
            rest = others;
        }
        Ok(())
    }
}

/// Whether it stands for itself between the quotes.
pub(super) fn is_plain(byte: u8) -> bool {
    (byte.is_ascii_graphic() || byte == b' ') && !matches!(byte, b'"' | b'\\')
}

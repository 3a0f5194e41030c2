//! Lines of the form `NAME:REST`, as most password files have them.

use super::entry::{Entry, Fault, Found, shown, without_return};

/// Tells what `entry` makes of the name and the rest of a line, which should be of this `form`.
pub(super) fn line(
    number: u64,
    line: &[u8],
    form: &'static str,
    tell: &mut dyn FnMut(Found),
    entry: impl FnOnce(&[u8], &[u8]) -> Result<Entry, Fault>,
) {
    let Some(line) = content(line) else { return };
    tell(match split(line) {
        None => Found { line: number, who: None, entry: Err(Fault::Shape(form)) },
        Some((name, rest)) => Found { line: number, who: Some(shown(name)), entry: entry(name, rest) },
    });
}

/// A line without its carriage return. None if it is empty or a comment.
pub(super) fn content(line: &[u8]) -> Option<&[u8]> {
    Some(without_return(line)).filter(|line| !matches!(line.first(), None | Some(b'#')))
}

/// Parts a line at its first colon.
pub(super) fn split(line: &[u8]) -> Option<(&[u8], &[u8])> {
    let at = memchr::memchr(b':', line)?;
    Some((line.get(..at)?, line.get(at.saturating_add(1)..)?))
}

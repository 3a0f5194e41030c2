//! The text that `db5.3_dump` and `mdb_dump` write of a database, in both of its formats, and that of `gdbm_dump`.

use base64ct::{Base64, Encoding as _};

use crate::secret::SecretBytes;

use super::Record;

/// Why a dump cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DumpError {
    /// Another file altogether.
    #[error("it is no dump of a database")]
    OtherFile,
    /// A header that says what is not known.
    #[error("line {0}: the header asks for what is not known here")]
    Header(usize),
    /// LMDB 0.9.24 writes a `\` of the data as it is, so that nobody can tell it from the beginning of an escape.
    #[error("mdb_dump -p does not tell a backslash from an escape; dump it without -p")]
    Ambiguous,
    /// A line that is none of a dump.
    #[error("line {0} is damaged")]
    Line(usize),
    /// A key has no value.
    #[error("line {0}: a key without a value")]
    Odd(usize),
    /// It ends before its end mark.
    #[error("it is cut: its end mark is missing")]
    Cut,
}

/// Whether `text` begins as a dump does.
#[must_use]
pub fn looks_like_it(text: &[u8]) -> bool {
    text.starts_with(b"VERSION=") || text.starts_with(b"# GDBM dump file")
}

/// All records of a dump, whichever program wrote it.
///
/// # Errors
/// See [`DumpError`].
pub fn records(text: &[u8]) -> Result<Vec<Record>, DumpError> {
    if text.starts_with(b"VERSION=") {
        of_berkeley(text)
    } else if text.starts_with(b"# GDBM dump file") {
        of_gdbm(text)
    } else {
        Err(DumpError::OtherFile)
    }
}

fn lines(text: &[u8]) -> impl Iterator<Item = (usize, &[u8])> {
    let text = text.strip_suffix(b"\n").unwrap_or(text);
    text.split(|&byte| byte == b'\n').enumerate().map(|(index, line)| (index.saturating_add(1), line))
}

/// How the lines of a dump write bytes.
#[derive(Clone, Copy)]
enum Writing {
    /// Two hexadecimal digits a byte (`format=bytevalue`).
    Hexadecimal,
    /// Printable characters as they are, others as `\` and two digits, `\` as `\\` (`format=print`).
    Printable,
}

fn of_berkeley(text: &[u8]) -> Result<Vec<Record>, DumpError> {
    let mut lines = lines(text);
    let mut writing = None;
    let mut is_of_lmdb = false;
    loop {
        match lines.next().ok_or(DumpError::Cut)? {
            (_, b"HEADER=END") => break,
            (_, b"format=bytevalue") => writing = Some(Writing::Hexadecimal),
            (_, b"format=print") => writing = Some(Writing::Printable),
            (number, b"duplicates=1" | b"keys=0") => return Err(DumpError::Header(number)),
            (_, line) if line.starts_with(b"mapsize=") => is_of_lmdb = true,
            (number, line) if !line.contains(&b'=') => return Err(DumpError::Header(number)),
            _ => {}
        }
    }
    let writing = writing.ok_or(DumpError::Header(1))?;
    if is_of_lmdb && matches!(writing, Writing::Printable) {
        return Err(DumpError::Ambiguous);
    }
    let mut records = Vec::new();
    let mut key = None;
    for (number, line) in lines {
        if line == b"DATA=END" {
            return if key.is_none() { Ok(records) } else { Err(DumpError::Odd(number)) };
        }
        let written = line.strip_prefix(b" ").ok_or(DumpError::Line(number))?;
        let bytes = read(written, writing).ok_or(DumpError::Line(number))?;
        take(bytes, &mut key, &mut records);
    }
    Err(DumpError::Cut)
}

/// Bytes are a key and a value in turn.
fn take(bytes: SecretBytes, key: &mut Option<Vec<u8>>, records: &mut Vec<Record>) {
    match key.take() {
        None => *key = Some(bytes.expose().to_vec()),
        Some(key) => records.push(Record { key, value: bytes }),
    }
}

fn read(written: &[u8], writing: Writing) -> Option<SecretBytes> {
    // Never shorter than what it becomes, so that the buffer does not grow and leave a copy.
    let mut bytes = Vec::with_capacity(written.len());
    let mut rest = written;
    loop {
        rest = match (writing, rest) {
            (_, []) => return Some(SecretBytes::new(bytes)),
            (Writing::Printable, [b'\\', b'\\', rest @ ..]) => {
                bytes.push(b'\\');
                rest
            }
            (Writing::Printable, [b'\\', high, low, rest @ ..]) | (Writing::Hexadecimal, [high, low, rest @ ..]) => {
                bytes.push(digit(*high)?.checked_mul(16)?.checked_add(digit(*low)?)?);
                rest
            }
            (Writing::Printable, [b'\\', ..]) | (Writing::Hexadecimal, _) => return None,
            (Writing::Printable, [byte, rest @ ..]) => {
                bytes.push(*byte);
                rest
            }
        }
    }
}

fn digit(byte: u8) -> Option<u8> {
    char::from(byte).to_digit(16).and_then(|value| u8::try_from(value).ok())
}

/// gdbm's own format: base64 after the length that it stands for.
fn of_gdbm(text: &[u8]) -> Result<Vec<Record>, DumpError> {
    let mut records = Vec::new();
    let mut key = None;
    let mut pending: Option<(usize, Vec<u8>)> = None;
    for (number, line) in lines(text) {
        if let Some(length) = line.strip_prefix(b"#:len=") {
            finish(&mut pending, &mut key, &mut records, number)?;
            let length =
                core::str::from_utf8(length).ok().and_then(|l| l.parse().ok()).ok_or(DumpError::Line(number))?;
            // base64 of a longer item would not fit into the file.
            pending = Some((length, Vec::with_capacity(text.len().min(length.saturating_mul(2).saturating_add(4)))));
        } else if line == b"# End of data" {
            finish(&mut pending, &mut key, &mut records, number)?;
            return if key.is_none() { Ok(records) } else { Err(DumpError::Odd(number)) };
        } else if line.starts_with(b"#") {
            finish(&mut pending, &mut key, &mut records, number)?;
        } else {
            let (_, encoded) = pending.as_mut().ok_or(DumpError::Line(number))?;
            encoded.extend_from_slice(line);
        }
    }
    Err(DumpError::Cut)
}

fn finish(
    pending: &mut Option<(usize, Vec<u8>)>,
    key: &mut Option<Vec<u8>>,
    records: &mut Vec<Record>,
    line: usize,
) -> Result<(), DumpError> {
    let Some((length, encoded)) = pending.take() else { return Ok(()) };
    let encoded = SecretBytes::new(encoded);
    let text = core::str::from_utf8(encoded.expose()).map_err(|_| DumpError::Line(line))?;
    let bytes = SecretBytes::new(Base64::decode_vec(text).map_err(|_| DumpError::Line(line))?);
    if bytes.expose().len() != length {
        return Err(DumpError::Line(line));
    }
    take(bytes, key, records);
    Ok(())
}

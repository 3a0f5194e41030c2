//! Reading the file: JSON a line at a time, in flat memory; TOML whole.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, BufRead as _, Read};
use std::path::Path;

use serde::Deserialize;
use zeroize::{Zeroize as _, Zeroizing};

use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::cli::input::UTF8_MARK;
use crate::cli::output;
use crate::cli::wiped::{self, WipedReader};

use super::room::{Part, Room};
use super::wanted::{Entry, Written};

/// The longest line. Sixteen passwords of the greatest length fit.
const MAX_LINE: usize = 1 << 20;

/// The longest TOML, which is read whole.
const MAX_TOML: u64 = 1 << 28;

const ANOTHER_KIND: &str = "a value of another kind than is wanted";

/// An entry that cannot be applied, and why.
pub(super) struct Wrong {
    pub(super) place: u64,
    pub(super) why: String,
    /// What says why may be as long as its line.
    pub(super) _part: Option<Part>,
}

/// An open file.
pub(super) struct Source {
    input: WipedReader<Box<dyn Read + Send>>,
    name: String,
    /// In bytes; 0 where nobody knows.
    length: u64,
    room: Room,
}

impl Source {
    /// Opens `path`; `-` is stdin.
    pub(super) fn open(path: &Path) -> Result<Self, Failure> {
        if path.as_os_str() == "-" {
            return Ok(Self::of(io::stdin(), "stdin", 0));
        }
        let name = path.display().to_string();
        let unread = |fault| unread(&name, fault);
        let file = File::open(path).map_err(unread)?;
        let length = file.metadata().map_err(unread)?.len();
        Ok(Self::of(file, &name, length))
    }

    /// Reads `input`, which errors call `name`.
    pub(super) fn of(input: impl Read + Send + 'static, name: &str, length: u64) -> Self {
        Self { input: WipedReader::new(Box::new(input)), name: name.to_owned(), length, room: Room::new() }
    }

    /// Gives each entry to `take`, until it returns false. JSON lines begin with a brace, TOML does not.
    pub(super) fn each(mut self, mut take: impl FnMut(Result<Entry, Wrong>) -> bool) -> Result<(), Failure> {
        self.input.pass_over(UTF8_MARK).map_err(|fault| unread(&self.name, fault))?;
        let mut first = None;
        let mut blank_lines = 0u64;
        while first.is_none() {
            let buffer = self.input.fill_buf().map_err(|fault| unread(&self.name, fault))?;
            if buffer.is_empty() {
                return Ok(());
            }
            let blank = buffer.iter().take_while(|byte| byte.is_ascii_whitespace()).count();
            let newlines = buffer.iter().take(blank).filter(|byte| **byte == b'\n').count();
            blank_lines = blank_lines.saturating_add(u64::try_from(newlines).unwrap_or(u64::MAX));
            first = buffer.get(blank).copied();
            self.input.consume(blank);
        }
        if first == Some(b'{') { self.lines(blank_lines, &mut take) } else { self.toml(&mut take) }
    }

    fn lines(mut self, mut number: u64, take: &mut dyn FnMut(Result<Entry, Wrong>) -> bool) -> Result<(), Failure> {
        // Full-size from the start: a buffer that grows leaves copies of passwords behind.
        let mut line = Zeroizing::new(Vec::with_capacity(MAX_LINE.saturating_add(1)));
        loop {
            // A shorter line would leave the end of this one.
            line.as_mut_slice().zeroize();
            line.clear();
            number = number.saturating_add(1);
            let limit = u64::try_from(MAX_LINE).unwrap_or(u64::MAX);
            let read = self.input.by_ref().take(limit).read_until(b'\n', &mut line);
            if read.map_err(|fault| unread(&self.name, fault))? == 0 {
                return Ok(());
            }
            if line.len() == MAX_LINE && line.last() != Some(&b'\n') {
                let cause = anyhow::anyhow!("{}, line {number} is longer than {MAX_LINE} bytes", self.name);
                return Err(failed(cause));
            }
            if line.iter().all(u8::is_ascii_whitespace) {
                continue;
            }
            let part = Some(self.room.take(line.len()));
            let read: Result<Written, _> = serde_json::from_slice(&line);
            let entry = match read.map_err(|fault| said_of_json(&fault)).and_then(|written| written.check(number)) {
                Ok(entry) => Ok(Entry { part, ..entry }),
                Err(why) => Err(Wrong { place: number, why, _part: part }),
            };
            if !take(entry) {
                return Ok(());
            }
        }
    }

    fn toml(mut self, take: &mut dyn FnMut(Result<Entry, Wrong>) -> bool) -> Result<(), Failure> {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Whole {
            account: Vec<Written>,
        }
        let read = wiped::read_whole(&mut self.input, self.length, MAX_TOML);
        let Some(bytes) = read.map_err(|fault| unread(&self.name, fault))? else {
            let cause = anyhow::anyhow!("{} is too long for TOML, which is read whole", self.name);
            return Err(failed(cause).hint("write JSON, one account in a line"));
        };
        let text = str::from_utf8(&bytes).map_err(|_| failed(anyhow::anyhow!("{} is not valid UTF-8", self.name)))?;
        let whole: Whole = toml::from_str(text).map_err(|fault| {
            let before = fault.span().and_then(|span| text.get(..span.start)).unwrap_or_default();
            let line = before.matches('\n').count().saturating_add(1);
            // As with JSON: what stands where a password belongs is not repeated.
            let said = fault.message().lines().next().unwrap_or_default();
            let is_value = said.starts_with("invalid type") || said.starts_with("invalid value");
            let said = if is_value || said.starts_with("data did not") { ANOTHER_KIND } else { said };
            failed(anyhow::anyhow!("{}, line {line}: {}", self.name, output::printable(OsStr::new(said))))
        })?;
        for (place, written) in (1..).zip(whole.account) {
            // All of them are in memory already.
            if !take(written.check(place).map_err(|why| Wrong { place, why, _part: None })) {
                break;
            }
        }
        Ok(())
    }
}

/// What is wrong, without the value: serde's own words would repeat a password that is in the wrong place.
fn said_of_json(fault: &serde_json::Error) -> String {
    let said = fault.to_string();
    if said.starts_with("unknown field") || said.starts_with("missing field") || said.starts_with("duplicate field") {
        // A field may be called anything.
        return output::printable(OsStr::new(said.rsplit_once(" at line").map_or(said.as_str(), |(said, _)| said)));
    }
    let column = fault.column();
    match fault.classify() {
        serde_json::error::Category::Data => format!("{ANOTHER_KIND}, before column {column}"),
        _ => format!("not JSON, at column {column}"),
    }
}

const HINT: &str = "what was applied before is whole; run it again when this is mended";

fn failed(cause: anyhow::Error) -> Failure {
    Failure::new(Exit::Failure, cause).hint(HINT)
}

fn unread(name: &str, fault: io::Error) -> Failure {
    Failure::cannot_read(name, fault).hint(HINT)
}

#[cfg(test)]
#[allow(clippy::arithmetic_side_effects, reason = "a test may fail")]
mod tests {
    use super::*;
    use crate::cli::wiped::tests::{Made, copies_in_memory};

    /// Reads many entries that are all of the form `template`, with a number for its zeros and a password for its `#`, and says how
    /// often the password lies in memory when they are gone. Nobody else may have it there.
    fn copies_left(template: &str, seed: usize) -> usize {
        let letter = move |place: usize| b'A' + u8::try_from((seed * 31 + place * place * 7 + place) % 26).unwrap();
        let (template, first) = (template.as_bytes().to_vec(), template.find('#').unwrap());
        let length = template.len();
        let byte = move |at: usize| match template[at % length] {
            b'0' => {
                b'0' + u8::try_from(at / length / 10usize.pow(u32::try_from(at % length % 8).unwrap()) % 10).unwrap()
            }
            b'#' => letter(at % length - first),
            other => other,
        };
        let entries = 3000;
        // The allocator writes over the beginning of what is freed.
        let part = |from: usize| (from..from + 12).map(letter).collect::<Vec<u8>>();
        let copies = || copies_in_memory(&part(40), &part(52));
        let mut read = 0;
        let source = Source::of(Made { byte, at: 0, length: length * entries }, "file", 0);
        let done = source.each(|entry| {
            assert!(read > 0 || copies() > 0, "it is not found where it is");
            read += usize::from(entry.is_ok());
            true
        });
        assert!(done.is_ok() && read == entries, "{read}");
        copies()
    }

    #[test]
    fn no_copy_of_a_password_is_left() {
        let toml = |field: &str| format!("[[account]]\nname = \"u00000000\"\n{field}\n");
        let json = |field: &str| format!("{{\"name\": \"u00000000\", {field}}}\n");
        let secret = "#".repeat(64);
        assert_eq!(copies_left(&toml(&format!("password = \"{secret}\"")), 1), 0);
        assert_eq!(copies_left(&toml(&format!("password_hash = \"{{PLAIN}}{secret}\"")), 2), 0);
        assert_eq!(copies_left(&json(&format!("\"password\": \"{secret}\"")), 3), 0);
        assert_eq!(copies_left(&json(&format!("\"password_hash\": [\"{{PLAIN}}{secret}\"]")), 4), 0);
    }

    #[test]
    fn what_is_under_way_takes_room_until_it_is_done_with() {
        let text = "{\"name\": \"joe\", \"password\": \"secret\"}\n{\"name\": 7}\n";
        let source = Source::of(io::Cursor::new(text), "file", 0);
        let (room, all) = (source.room.clone(), *source.room.left());
        let mut under_way = Vec::new();
        let read = source.each(|entry| {
            under_way.push(entry);
            true
        });
        assert!(read.is_ok() && matches!(under_way.as_slice(), [Ok(_), Err(_)]));
        assert_eq!(*room.left(), all - text.len());
        drop(under_way);
        assert_eq!(*room.left(), all);
    }
}

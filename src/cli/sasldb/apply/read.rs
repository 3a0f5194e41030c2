//! Reading the file: JSON a line at a time, in flat memory; TOML whole.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;

use serde::Deserialize;
use zeroize::{Zeroize as _, Zeroizing};

use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::cli::input::UTF8_MARK;
use crate::cli::output;

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
}

/// An open file.
pub(super) struct Source {
    input: Box<dyn BufRead + Send>,
    name: String,
}

impl Source {
    /// Opens `path`; `-` is stdin.
    pub(super) fn open(path: &Path) -> Result<Self, Failure> {
        if path.as_os_str() == "-" {
            return Ok(Self::of(BufReader::new(io::stdin()), "stdin"));
        }
        let name = path.display().to_string();
        let file = File::open(path).map_err(|fault| unread(&name, fault))?;
        Ok(Self::of(BufReader::new(file), &name))
    }

    /// Reads `input`, which errors call `name`.
    pub(super) fn of(input: impl BufRead + Send + 'static, name: &str) -> Self {
        Self { input: Box::new(input), name: name.to_owned() }
    }

    /// Gives each entry to `take`, until it returns false. JSON lines begin with a brace, TOML does not.
    pub(super) fn each(mut self, mut take: impl FnMut(Result<Entry, Wrong>) -> bool) -> Result<(), Failure> {
        let mut beginning = Vec::with_capacity(UTF8_MARK.len());
        let limit = u64::try_from(UTF8_MARK.len()).unwrap_or(u64::MAX);
        let read = self.input.by_ref().take(limit).read_to_end(&mut beginning);
        read.map_err(|fault| unread(&self.name, fault))?;
        if beginning != UTF8_MARK {
            self.input = Box::new(io::Cursor::new(beginning).chain(self.input));
        }
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
            let read: Result<Written, _> = serde_json::from_slice(&line);
            let entry = match read {
                Ok(written) => written.check(number),
                Err(fault) => Err(said_of_json(&fault)),
            };
            if !take(entry.map_err(|why| Wrong { place: number, why })) {
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
        let mut text = Zeroizing::new(String::new());
        let read = self.input.by_ref().take(MAX_TOML).read_to_string(&mut text);
        let length = read.map_err(|fault| unread(&self.name, fault))?;
        if u64::try_from(length).unwrap_or(u64::MAX) == MAX_TOML {
            let cause = anyhow::anyhow!("{} is too long for TOML, which is read whole", self.name);
            return Err(failed(cause).hint("write JSON, one account in a line"));
        }
        let whole: Whole = toml::from_str(&text).map_err(|fault| {
            let before = fault.span().and_then(|span| text.get(..span.start)).unwrap_or_default();
            let line = before.matches('\n').count().saturating_add(1);
            // As with JSON: what stands where a password belongs is not repeated.
            let said = fault.message().lines().next().unwrap_or_default();
            let is_value = said.starts_with("invalid type") || said.starts_with("invalid value");
            let said = if is_value || said.starts_with("data did not") { ANOTHER_KIND } else { said };
            failed(anyhow::anyhow!("{}, line {line}: {}", self.name, output::printable(OsStr::new(said))))
        })?;
        for (place, written) in (1..).zip(whole.account) {
            if !take(written.check(place).map_err(|why| Wrong { place, why })) {
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

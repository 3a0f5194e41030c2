//! The only place that prints. Data goes to stdout, all else to stderr.

use std::ffi::OsStr;
use std::fmt;
use std::io::{self, BufWriter, ErrorKind, IsTerminal, StdoutLock, Write};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// The program as it was called; begins its messages.
#[derive(Debug, Clone)]
pub(super) struct Program {
    called: String,
    name: String,
    /// Whose changes it makes, where that is another user than its own.
    on_behalf: Option<u32>,
}

impl Program {
    /// `called` is the first argument of the process; `own` stands in where there is none.
    pub(super) fn new(called: Option<&OsStr>, own: &str) -> Self {
        let called = called.filter(|c| !c.is_empty()).map_or(own.to_owned(), |c| c.to_string_lossy().into_owned());
        let name = Path::new(&called).file_name().map_or(own.to_owned(), |n| n.to_string_lossy().into_owned());
        Self { called, name, on_behalf: None }
    }

    /// The same program, for a change that a process of the user `uid` asked for.
    pub(super) fn on_behalf_of(&self, uid: u32) -> Self {
        Self { on_behalf: Some(uid), ..self.clone() }
    }

    /// The user whose changes it makes.
    pub(super) fn uid(&self) -> u32 {
        self.on_behalf.unwrap_or_else(|| nix::unistd::getuid().as_raw())
    }

    /// The name without its folders.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// `NAME: MESSAGE` on stderr.
    pub(super) fn complain(&self, message: impl fmt::Display) {
        to_stderr(format_args!("{}: {message}\n", self.name));
    }

    /// A message that getopt(3) would give: it begins with the program as called, folders and all.
    pub(super) fn complain_as_getopt(&self, message: impl fmt::Display) {
        to_stderr(format_args!("{}: {message}\n", self.called));
    }
}

/// Writes `text` to stderr as it is. Where that fails there is nobody left to tell.
pub(super) fn to_stderr(text: impl fmt::Display) {
    let _ = io::stderr().lock().write_all(text.to_string().as_bytes());
}

/// Tells what to do about a failure.
pub(super) fn hint(text: impl fmt::Display) {
    to_stderr(format_args!("hint: {text}\n"));
}

/// Stdout for data, buffered. A reader that has seen enough and went away is no failure.
pub(super) struct Data(BufWriter<StdoutLock<'static>>);

/// Whether to go on writing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reader {
    /// Somebody reads.
    Present,
    /// The pipe is broken.
    Gone,
}

impl Reader {
    /// Gone if either is.
    pub(super) fn and(self, other: Self) -> Self {
        if self == Self::Gone { self } else { other }
    }
}

impl Data {
    pub(super) fn new() -> Self {
        Self(BufWriter::new(io::stdout().lock()))
    }

    /// Writes one line.
    pub(super) fn line(&mut self, line: impl fmt::Display) -> io::Result<Reader> {
        heed(writeln!(self.0, "{line}"))
    }

    /// Writes `text` as it is.
    pub(super) fn piece(&mut self, text: impl fmt::Display) -> io::Result<Reader> {
        heed(write!(self.0, "{text}"))
    }

    /// Writes `text` as it is, at once.
    pub(super) fn text(&mut self, text: impl fmt::Display) -> io::Result<Reader> {
        heed(write!(self.0, "{text}").and_then(|()| self.0.flush()))
    }

    /// Writes the lines of a table.
    pub(super) fn rows(&mut self, table: &comfy_table::Table) -> io::Result<Reader> {
        for line in table.lines() {
            if self.line(line.trim_end())? == Reader::Gone {
                return Ok(Reader::Gone);
            }
        }
        Ok(Reader::Present)
    }

    /// Writes a table, and all else that is buffered.
    pub(super) fn table(mut self, table: &comfy_table::Table) -> io::Result<Reader> {
        finished(self.rows(table), || self.finish())
    }

    /// Writes out what is buffered.
    pub(super) fn finish(mut self) -> io::Result<Reader> {
        heed(self.0.flush())
    }
}

/// What came of all that was written, of which the last came to `written`: `finish` writes out what is left if somebody still reads.
pub(super) fn finished(written: io::Result<Reader>, finish: impl FnOnce() -> io::Result<Reader>) -> io::Result<Reader> {
    match written {
        Ok(Reader::Present) => finish(),
        other => other,
    }
}

fn heed(written: io::Result<()>) -> io::Result<Reader> {
    match written {
        Ok(()) => Ok(Reader::Present),
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(Reader::Gone),
        Err(error) => Err(error),
    }
}

/// A table for a person: aligned columns under a heading.
pub(super) fn table<'c>(columns: impl IntoIterator<Item = &'c str>) -> comfy_table::Table {
    let mut table = comfy_table::Table::new();
    table.load_style(comfy_table::presets::NOTHING).set_header(columns.into_iter().collect::<Vec<_>>());
    table
}

/// A column of a line for scripts, in which something has to stand.
pub(super) fn or_dash(text: impl Into<Option<String>>) -> String {
    text.into().filter(|text| !text.is_empty()).unwrap_or_else(|| "-".to_owned())
}

/// Whether a person looks at stdout.
pub(super) fn is_terminal() -> bool {
    io::stdout().is_terminal()
}

/// `text` with everything that could move a terminal's cursor written as an escape.
pub(super) fn printable(text: &OsStr) -> String {
    let lossy = String::from_utf8_lossy(text.as_bytes());
    lossy
        .chars()
        .map(|c| if crate::prep::is_invisible(c) { c.escape_default().to_string() } else { c.into() })
        .collect()
}

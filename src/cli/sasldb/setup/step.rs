//! One thing to do, as text to paste or as JSON.

use core::fmt;
use std::path::PathBuf;

use serde_json::{Value, json};

/// What is to be done with the text of a [`Step`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum What {
    /// It goes to the end of the file.
    Add(PathBuf),
    /// It is the file.
    Write(PathBuf),
    /// It goes into the file, below the line.
    InsertAfter(PathBuf, &'static str),
    /// It goes into the file, above the line.
    InsertBefore(PathBuf, &'static str),
    /// It is for root's shell.
    Run,
}

/// One thing to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Step {
    pub(super) what: What,
    /// Whole lines.
    pub(super) text: String,
}

impl Step {
    pub(super) fn new(what: What, text: impl Into<String>) -> Self {
        Self { what, text: text.into() }
    }

    /// An object with `do`, `file`, `line` and `text`.
    pub(super) fn json(&self) -> Value {
        let (word, file, line) = match &self.what {
            What::Add(file) => ("add", Some(file), None),
            What::Write(file) => ("write", Some(file), None),
            What::InsertAfter(file, line) => ("insert-after", Some(file), Some(*line)),
            What::InsertBefore(file, line) => ("insert-before", Some(file), Some(*line)),
            What::Run => ("run", None, None),
        };
        json!({ "do": word, "file": file, "line": line, "text": self.text })
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.what {
            What::Add(file) => writeln!(f, "# Add to {}:", file.display()),
            What::Write(file) => writeln!(f, "# Write to {}:", file.display()),
            What::InsertAfter(file, line) => writeln!(f, "# Insert into {}, below the line {line:?}:", file.display()),
            What::InsertBefore(file, line) => writeln!(f, "# Insert into {}, above the line {line:?}:", file.display()),
            What::Run => writeln!(f, "# Run as root:"),
        }?;
        write!(f, "\n{}", self.text)
    }
}

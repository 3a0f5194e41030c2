//! What becomes of each entry, told as it is done.

use std::fmt::Display;

use anyhow::Context as _;
use serde::{Serialize, Serializer};

use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::cli::output::{Data, to_stderr};

/// What becomes of an entry. Scripts count on the words.
#[derive(Debug, Clone, Copy)]
pub(super) enum Fate {
    /// It is an account now.
    Taken,
    /// The account was there before.
    Kept,
    /// It cannot be taken.
    Skipped,
    /// It holds nothing that is not made anew.
    NotNeeded,
}

impl Fate {
    const fn word(self) -> &'static str {
        match self {
            Self::Taken => "taken",
            Self::Kept => "kept",
            Self::Skipped => "skipped",
            Self::NotNeeded => "not-needed",
        }
    }
}

impl Serialize for Fate {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.word())
    }
}

#[derive(Serialize)]
struct Entry<'a> {
    fate: Fate,
    entry: &'a str,
    why: String,
}

/// One line for each entry on stdout, the sum on stderr.
pub(super) struct Report {
    data: Data,
    json: bool,
    taken: u64,
    kept: u64,
    skipped: u64,
}

impl Report {
    pub(super) fn new(json: bool) -> Self {
        Self { data: Data::new(), json, taken: 0, kept: 0, skipped: 0 }
    }

    pub(super) fn tell(&mut self, entry: &str, fate: Fate, why: impl Display) -> Result<(), Failure> {
        let count = match fate {
            Fate::Taken => &mut self.taken,
            Fate::Kept => &mut self.kept,
            Fate::Skipped => &mut self.skipped,
            Fate::NotNeeded => &mut 0,
        };
        *count = count.saturating_add(1);
        let line = if self.json {
            let entry = Entry { fate, entry, why: why.to_string() };
            serde_json::to_string(&entry).context("cannot write JSON").map_err(broken)?
        } else {
            format!("{}\t{entry}\t{why}", fate.word())
        };
        self.data.line(line).context("cannot write to stdout").map_err(broken)?;
        Ok(())
    }

    /// The status is 0 if nothing had to be left behind.
    pub(super) fn finish(self, dry_run: bool) -> Result<Exit, Failure> {
        self.data.finish().context("cannot write to stdout").map_err(broken)?;
        let (taken, kept, skipped) = (self.taken, self.kept, self.skipped);
        let would_be = if dry_run { "would be " } else { "" };
        to_stderr(format_args!("{taken} {would_be}taken, {kept} {would_be}kept, {skipped} {would_be}skipped\n"));
        Ok(if skipped == 0 { Exit::Success } else { Exit::Failure })
    }
}

fn broken(cause: anyhow::Error) -> Failure {
    Failure::new(Exit::Failure, cause).hint("what was taken so far is whole; run it again for the rest")
}

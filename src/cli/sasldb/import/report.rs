//! What becomes of each entry, told as it is done.

use anyhow::Context as _;
use serde::{Serialize, Serializer};

use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::cli::output::{Data, or_dash, to_stderr};
use crate::identity::Identity;
use crate::vocabulary::{Mechanism, MechanismSet};

/// What becomes of an entry. Scripts count on the words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    /// It is an account now.
    Taken,
    /// The account was there before.
    Kept,
    /// It cannot be taken.
    Skipped,
    /// It holds nothing that an account could be made of.
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

/// An entry of a file, before anything becomes of it.
#[derive(Debug, Clone)]
pub(super) struct Place {
    /// The line, where the file has any.
    pub(super) line: Option<u64>,
    /// Whose it is, as the file has it.
    pub(super) who: Option<String>,
    /// Whether that is not in UTF-8 there, and was read as ISO 8859-1.
    pub(super) is_latin_1: bool,
}

/// What became of an entry.
#[derive(Debug)]
pub(super) struct Told {
    pub(super) place: Place,
    pub(super) fate: Fate,
    pub(super) why: String,
    /// Which account it is, and by what its password logs in; where it is taken.
    pub(super) account: Option<(Identity, MechanismSet)>,
}

#[derive(Serialize)]
struct Json<'a> {
    fate: Fate,
    entry: Option<&'a str>,
    why: &'a str,
    line: Option<u64>,
    account: Option<String>,
    mechanisms: Vec<&'static str>,
}

impl Told {
    pub(super) fn new(place: Place, fate: Fate, why: impl ToString) -> Self {
        Self { place, fate, why: why.to_string(), account: None }
    }

    /// It was not taken after all.
    pub(super) fn fail(&mut self, why: impl ToString) {
        self.account = None;
        self.fate = Fate::Skipped;
        self.why = why.to_string();
    }

    fn mechanisms(&self) -> Vec<&'static str> {
        self.account.iter().flat_map(|(_, served)| served.iter()).map(Mechanism::name).collect()
    }

    fn json(&self) -> Json<'_> {
        Json {
            fate: self.fate,
            entry: self.place.who.as_deref(),
            why: &self.why,
            line: self.place.line,
            account: self.account.as_ref().map(|(identity, _)| identity.to_string()),
            mechanisms: self.mechanisms(),
        }
    }

    fn columns(&self) -> String {
        let entry = or_dash(self.place.who.clone());
        let line = or_dash(self.place.line.map(|line| line.to_string()));
        [self.fate.word(), &entry, &self.why, &line, &or_dash(self.mechanisms().join(","))].join("\t")
    }
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

    pub(super) fn tell(&mut self, told: &Told) -> Result<(), Failure> {
        let count = match told.fate {
            Fate::Taken => &mut self.taken,
            Fate::Kept => &mut self.kept,
            Fate::Skipped => &mut self.skipped,
            Fate::NotNeeded => &mut 0,
        };
        *count = count.saturating_add(1);
        let line = if self.json {
            serde_json::to_string(&told.json()).context("cannot write JSON").map_err(broken)?
        } else {
            told.columns()
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

//! Findings, told as they are found: memory stays flat however many there are.

use std::fmt::Display;

use serde::{Serialize, Serializer};

use crate::cli::failure::{self, Failure};
use crate::cli::output::{self, Data, Reader};
use crate::identity::Identity;
use crate::vocabulary::Mechanism;

use super::names::Cut;

/// What a finding is about. Scripts count on the words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::cli::sasldb) enum Kind {
    /// Others can read or change a file, or a folder above it.
    Permissions,
    /// The key lies beside the database.
    KeyPlace,
    /// The database's file is damaged.
    Integrity,
    /// The audit's chain is broken.
    Audit,
    /// An account cannot be opened.
    Seal,
    /// An alias has accounts of its own.
    Alias,
    /// An account, or one of its passwords, cannot serve an announced mechanism.
    Mechanism,
    /// Other passwords than an account's log in.
    Hash,
    /// Logins to an account fail under the realms as they are or are to be.
    CutOff,
}

impl Kind {
    const fn word(self) -> &'static str {
        match self {
            Self::Permissions => "permissions",
            Self::KeyPlace => "key-place",
            Self::Integrity => "integrity",
            Self::Audit => "audit",
            Self::Seal => "seal",
            Self::Alias => "alias",
            Self::Mechanism => "mechanism",
            Self::Hash => "hash",
            Self::CutOff => "cut-off",
        }
    }
}

impl Serialize for Kind {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.word())
    }
}

/// One thing that is wrong.
#[derive(Debug, Serialize)]
pub(in crate::cli::sasldb) struct Finding {
    pub(in crate::cli::sasldb) kind: Kind,
    pub(in crate::cli::sasldb) subject: String,
    pub(in crate::cli::sasldb) what: String,
    #[serde(serialize_with = "names")]
    mechanisms: Vec<Mechanism>,
    /// Command lines that mend it, which the doctor tells.
    #[serde(skip)]
    pub(in crate::cli::sasldb) mend: Vec<String>,
}

impl Finding {
    /// `what` goes on where `subject`, a path or an account, leaves off.
    pub(super) fn new(kind: Kind, subject: impl Display, what: impl Display) -> Self {
        Self { kind, subject: subject.to_string(), what: what.to_string(), mechanisms: Vec::new(), mend: Vec::new() }
    }

    /// Says what mends it.
    pub(super) fn mend(self, mend: impl IntoIterator<Item = String>) -> Self {
        Self { mend: mend.into_iter().collect(), ..self }
    }

    /// Names the mechanisms that it is about.
    pub(super) fn mechanisms(self, mechanisms: Vec<Mechanism>) -> Self {
        Self { mechanisms, ..self }
    }

    /// Logins that fail.
    pub(super) fn cut_off(identity: &Identity, cuts: &[Cut]) -> Self {
        let what: Vec<String> = cuts.iter().map(Cut::to_string).collect();
        let any = |mechanism: &Mechanism| cuts.iter().any(|cut| cut.mechanisms.contains(mechanism));
        let mechanisms = Mechanism::ALL.into_iter().filter(any).collect();
        Self::new(Kind::CutOff, identity, format!("is cut off: {}", what.join("; "))).mechanisms(mechanisms)
    }
}

/// Mechanism names with commas between them.
pub(super) fn listed(mechanisms: &[Mechanism]) -> String {
    mechanisms.iter().map(|mechanism| mechanism.name()).collect::<Vec<_>>().join(", ")
}

fn names<S: Serializer>(mechanisms: &[Mechanism], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(mechanisms.iter().map(|mechanism| mechanism.name()))
}

/// Where findings go.
pub(super) struct Report {
    data: Data,
    json: bool,
    terminal: bool,
    found: bool,
    written: std::io::Result<Reader>,
}

impl Report {
    pub(super) fn new(json: bool) -> Self {
        Self { data: Data::new(), json, terminal: output::is_terminal(), found: false, written: Ok(Reader::Present) }
    }

    /// Tells a finding. Says whether somebody still reads.
    pub(super) fn add(&mut self, finding: &Finding) -> bool {
        if matches!(self.written, Ok(Reader::Present)) {
            self.written = self.write(finding);
        }
        self.found = true;
        matches!(self.written, Ok(Reader::Present))
    }

    fn write(&mut self, finding: &Finding) -> std::io::Result<Reader> {
        let Finding { kind, subject, what, .. } = finding;
        if self.json {
            let object = serde_json::to_string(finding)?;
            let before = if self.found { ",\n" } else { "[\n" };
            return self.data.piece(format_args!("{before}{object}"));
        }
        // What is damaged may hold anything; it is one line all the same.
        let [subject, what] = [subject, what].map(|text| output::printable(text.as_ref()));
        if self.terminal {
            self.data.line(format_args!("{subject} {what}"))
        } else {
            self.data.line(format_args!("{}\t{subject}\t{what}", kind.word()))
        }
    }

    /// Writes out what is left. Says whether anything was found.
    pub(super) fn finish(mut self) -> Result<bool, Failure> {
        if self.json && matches!(self.written, Ok(Reader::Present)) {
            self.written = self.data.line(if self.found { "\n]" } else { "[]" });
        }
        failure::written(output::finished(self.written, || self.data.finish()))?;
        Ok(self.found)
    }
}

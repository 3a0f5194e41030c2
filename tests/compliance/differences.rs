//! The one list of what differs on purpose, and the table of it in the docs.

use std::collections::BTreeSet;
use std::path::Path;

use serde::Deserialize;

use crate::machine::project;

const BEGIN: &str = "<!-- begin: written by tests/compliance, see docs/testing.md -->\n";
const END: &str = "<!-- end: written by tests/compliance -->\n";

/// One thing that differs on purpose.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Difference {
    /// What the cases call it.
    name: String,
    case: String,
    original: String,
    ours: String,
    why: String,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Differences {
    difference: Vec<Difference>,
}

impl Differences {
    pub(crate) fn read(file: &Path) -> Self {
        toml::from_str(&std::fs::read_to_string(file).unwrap()).unwrap()
    }

    pub(crate) fn len(&self) -> usize {
        self.difference.len()
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        self.difference.iter().any(|difference| difference.name == name)
    }

    /// Those that no answer shows by itself. Where two come together, either may have become equal.
    pub(crate) fn not_shown(&self, alone: &BTreeSet<&str>) -> Vec<String> {
        let lacking = self.difference.iter().filter(|difference| !alone.contains(difference.name.as_str()));
        lacking.map(|difference| format!("{}: no answer differs in this alone", difference.name)).collect()
    }

    fn table(&self) -> String {
        let mut table = String::from("| case | original | ours | why |\n|---|---|---|---|\n");
        for Difference { case, original, ours, why, .. } in &self.difference {
            table.push_str(&format!("| {case} | {original} | {ours} | {why} |\n"));
        }
        table
    }

    /// Holds the table of the docs against the list, or writes it there.
    pub(crate) fn compare_page(&self, write: bool) -> Vec<String> {
        let path = project().join("docs/compatibility.md");
        let page = std::fs::read_to_string(&path).unwrap();
        let (before, rest) = page.split_once(BEGIN).expect("the beginning of the list in docs/compatibility.md");
        let (table, after) = rest.split_once(END).expect("the end of the list in docs/compatibility.md");
        let listed = self.table();
        if table == listed {
            return Vec::new();
        }
        if write {
            std::fs::write(path, [before, BEGIN, &listed, END, after].concat()).unwrap();
            return Vec::new();
        }
        vec!["docs/compatibility.md has another list than differences.toml".to_owned()]
    }
}

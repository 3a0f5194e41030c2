//! The table of docs/libsasl2.md, of which every walk holds or writes its own line.

use std::path::PathBuf;
use std::sync::Mutex;

use crate::machine::{Machine, project};

const BEGIN: &str = "<!-- begin: written by tests/interop, see testing.md -->\n";
const END: &str = "<!-- end -->\n";

/// Holds a program's line against what it did. Where `SASLDB_WRITE_TABLE` is set it becomes that. On another system than
/// the table names, other versions may do otherwise.
pub(crate) fn compare(machine: &Machine, program: &str, cells: &[String]) {
    // Several programs may write at once.
    static PAGE: Mutex<()> = Mutex::new(());
    let _page = PAGE.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let page = std::fs::read_to_string(path()).unwrap();
    let (before, rest) = page.split_once(BEGIN).expect("the beginning of the table in docs/libsasl2.md");
    let (table, after) = rest.split_once(END).expect("the end of the table in docs/libsasl2.md");
    let name = program.rsplit_once(' ').map_or(program, |(name, _)| name);
    let line = format!("| {program} | {} |", cells.join(" | "));
    let kept = table.lines().find(|kept| kept.starts_with(&format!("| {name} ")));
    if std::env::var_os("SASLDB_WRITE_TABLE").is_some() {
        let table = match kept {
            Some(kept) => table.replace(kept, &line),
            None => format!("{table}{line}\n"),
        };
        std::fs::write(path(), [before, BEGIN, &table, END, after].concat()).unwrap();
    } else if table.starts_with(&machine.system()) {
        assert_eq!(
            kept,
            Some(line.as_str()),
            "docs/libsasl2.md has another line: SASLDB_WRITE_TABLE=1 writes this one"
        );
    }
}

fn path() -> PathBuf {
    project().join("docs/libsasl2.md")
}

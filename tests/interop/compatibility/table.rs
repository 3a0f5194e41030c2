//! The block of docs/compatibility.md that a run of the tests writes.

use std::fmt::Write as _;
use std::path::PathBuf;

use super::{Attempt, Outcome, PAIRS, Typed, gaps};
use crate::clients::Client;
use crate::machine::{Machine, project};
use crate::place::{Helper, Place};
use crate::servers::Server;

const BEGIN: &str = "<!-- begin: written by tests/interop, see docs/testing.md -->\n";
const END: &str = "<!-- end -->\n";
const MECHANISMS: [&str; 6] = ["SCRAM-SHA-256", "SCRAM-SHA-1", "DIGEST-MD5", "CRAM-MD5", "LOGIN", "PLAIN"];

/// The table as it stands in the docs, and around it the page.
pub(super) struct Kept {
    before: String,
    /// What took part, one line.
    versions: String,
    table: String,
    after: String,
}

impl Kept {
    pub(super) fn read() -> Self {
        let page = std::fs::read_to_string(path()).unwrap();
        let (before, rest) = page.split_once(BEGIN).expect("the beginning of the block in docs/compatibility.md");
        let (block, after) = rest.split_once(END).expect("the end of the block in docs/compatibility.md");
        let (versions, table) = block.split_once('\n').expect("a line of versions");
        let [before, versions, table, after] = [before, versions, table, after].map(str::to_owned);
        Self { before, versions, table, after }
    }

    /// Whether it was found on this system: another has other versions, in which gaps have closed.
    pub(super) fn is_of(&self, machine: &Machine) -> bool {
        self.versions.starts_with(&format!("{}: ", machine.system()))
    }

    /// Holds it against what these attempts have shown. Where `SASLDB_WRITE_TABLE` is set it becomes that.
    pub(super) fn compare(&self, outcomes: &[(Attempt, Outcome)], places: &[Place]) {
        let shown = render(outcomes);
        if std::env::var_os("SASLDB_WRITE_TABLE").is_some() {
            let versions = versions(places);
            std::fs::write(path(), [&self.before, BEGIN, &versions, "\n", &shown, END, &self.after].concat()).unwrap();
        } else if self.is_of(&places[0].site.machine) {
            let lines: Vec<_> = shown.lines().filter(|line| !self.table.lines().any(|kept| kept == *line)).collect();
            let new = lines.join("\n");
            assert!(
                self.table == shown,
                "docs/compatibility.md has another table: SASLDB_WRITE_TABLE=1 writes this one, in which are new:\n{new}"
            );
        }
    }
}

fn path() -> PathBuf {
    project().join("docs/compatibility.md")
}

fn versions(places: &[Place]) -> String {
    let machine = &places[0].site.machine;
    let mut programs = Vec::new();
    for Place { site, .. } in places {
        let version = format!("{} {}", site.server.name(), site.machine.version(site.server.package()));
        if !programs.contains(&version) {
            programs.push(version);
        }
    }
    programs.extend(Client::ALL.map(|client| format!("{} {}", client.name(), machine.version(client.package()))));
    programs.push(format!("Dovecot {}", machine.version("dovecot-core")));
    format!("{}: {}.", machine.system(), programs.join(", "))
}

fn render(outcomes: &[(Attempt, Outcome)]) -> String {
    let mut text = String::new();
    let mut reasons: Vec<&str> = Vec::new();
    for (helper, title) in [(Helper::Ours, "With saslauthd-rs"), (Helper::Dovecot, "With Dovecot's auth service")] {
        let _ = write!(text, "\n{title}:\n\n| server | client | {} |\n|---|---|", MECHANISMS.join(" | "));
        let _ = writeln!(text, "{}", "---|".repeat(MECHANISMS.len()));
        for (_, server) in PAIRS.into_iter().filter(|pair| pair.0 == helper) {
            for client in Client::ALL {
                let _ = write!(text, "| {} | {} |", server.name(), client.name());
                for mechanism in MECHANISMS {
                    let of_cell = |(attempt, _): &&(Attempt, Outcome)| {
                        (attempt.helper, attempt.server, attempt.client, attempt.mechanism)
                            == (helper, server, client, mechanism)
                            && attempt.typed != Typed::WrongPassword
                    };
                    let cell = cell(outcomes.iter().filter(of_cell), server, mechanism, &mut reasons);
                    let _ = write!(text, " {cell} |");
                }
                text.push('\n');
            }
        }
    }
    text.push('\n');
    for (number, reason) in reasons.iter().enumerate() {
        let _ = writeln!(text, "{}. {reason}", number + 1);
    }
    text
}

/// `yes` where every way to type the name works, else why not or which does not.
fn cell<'a>(
    outcomes: impl Iterator<Item = &'a (Attempt, Outcome)>,
    server: Server,
    mechanism: &str,
    reasons: &mut Vec<&'static str>,
) -> String {
    let found: Vec<_> = outcomes
        .map(|(attempt, outcome)| (*outcome != Outcome::Accepted).then(|| gaps::reason(attempt).unwrap()))
        .collect();
    let mut marks: Vec<_> = found.iter().flatten().copied().collect();
    if found.is_empty() {
        let offered = server.mechanisms().contains(&mechanism);
        marks.push(if offered { "the client has no such mechanism" } else { "chasquid offers PLAIN only" });
    }
    let mut numbers: Vec<_> = marks
        .into_iter()
        .map(|mark| {
            reasons.iter().position(|reason| *reason == mark).unwrap_or_else(|| {
                reasons.push(mark);
                reasons.len() - 1
            }) + 1
        })
        .collect();
    numbers.sort_unstable();
    numbers.dedup();
    let numbers: Vec<_> = numbers.iter().map(usize::to_string).collect();
    match (numbers.is_empty(), found.iter().any(Option::is_none)) {
        (true, _) => "yes".to_owned(),
        (false, true) => format!("yes, but {}", numbers.join(", ")),
        (false, false) => format!("no: {}", numbers.join(", ")),
    }
}

//! The block of docs/compatibility.md that a run of the tests writes.

use std::fmt::Write as _;

use super::{Attempt, PAIRS, Typed, gaps};
use crate::clients::Client;
use crate::machine::project;
use crate::place::{Helper, Place};
use crate::servers::Server;

const BEGIN: &str = "<!-- begin: written by tests/interop, see docs/testing.md -->\n";
const END: &str = "<!-- end -->\n";
const MECHANISMS: [&str; 6] = ["SCRAM-SHA-256", "SCRAM-SHA-1", "DIGEST-MD5", "CRAM-MD5", "LOGIN", "PLAIN"];

/// What took part.
pub(super) struct Versions {
    system: String,
    programs: Vec<String>,
}

impl Versions {
    pub(super) fn ask(places: &[Place]) -> Self {
        let machine = &places[0].site.machine;
        let mut programs = Vec::new();
        for Place { site, .. } in places {
            let version = site.server.version(&site.machine);
            if !programs.contains(&version) {
                programs.push(version);
            }
        }
        programs.extend(Client::ALL.map(|client| client.version(machine)));
        programs.push(format!("Dovecot {}", machine.shell("dovecot --version | cut -d ' ' -f 1").trim()));
        let system = machine.shell(". /etc/os-release; echo $NAME $VERSION_ID").trim().to_owned();
        Self { system, programs }
    }
}

/// Holds the block against what these attempts have shown; writes it where `SASLDB_WRITE_TABLE` is set.
pub(super) fn compare(attempts: &[Attempt], versions: &Versions) {
    let path = project().join("docs/compatibility.md");
    let page = std::fs::read_to_string(&path).unwrap();
    let (before, rest) = page.split_once(BEGIN).expect("the beginning of the block in docs/compatibility.md");
    let (block, after) = rest.split_once(END).expect("the end of the block in docs/compatibility.md");
    let shown = render(attempts, versions);
    if std::env::var_os("SASLDB_WRITE_TABLE").is_some() {
        std::fs::write(&path, [before, BEGIN, &shown, END, after].concat()).unwrap();
    } else if block.starts_with(&heading(versions)) {
        assert_eq!(block, shown, "docs/compatibility.md has another table: SASLDB_WRITE_TABLE=1 writes this one");
    } else {
        // Another system with other versions: that nothing but the known gaps failed is all that can be said of it.
        eprintln!("{shown}");
    }
}

fn heading(versions: &Versions) -> String {
    format!("{}: {}.\n", versions.system, versions.programs.join(", "))
}

fn render(attempts: &[Attempt], versions: &Versions) -> String {
    let mut text = heading(versions);
    let mut reasons: Vec<&str> = Vec::new();
    for (helper, title) in [(Helper::Ours, "With saslauthd-rs"), (Helper::Dovecot, "With Dovecot's auth service")] {
        let _ = write!(text, "\n{title}:\n\n| server | client | {} |\n|---|---|", MECHANISMS.join(" | "));
        let _ = writeln!(text, "{}", "---|".repeat(MECHANISMS.len()));
        for (_, server) in PAIRS.into_iter().filter(|pair| pair.0 == helper) {
            for client in Client::ALL {
                let _ = write!(text, "| {} | {} |", server.name(), client.name());
                for mechanism in MECHANISMS {
                    let of_cell = |attempt: &&Attempt| {
                        (attempt.helper, attempt.server, attempt.client, attempt.mechanism)
                            == (helper, server, client, mechanism)
                            && attempt.typed != Typed::WrongPassword
                    };
                    let cell = cell(attempts.iter().filter(of_cell), server, mechanism, &mut reasons);
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
    attempts: impl Iterator<Item = &'a Attempt>,
    server: Server,
    mechanism: &str,
    reasons: &mut Vec<&'static str>,
) -> String {
    let found: Vec<_> = attempts.map(gaps::reason).collect();
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

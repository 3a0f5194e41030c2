//! Who may use whom: the table of `docs/architecture.md`, held against every `crate::` path in the source.

#![allow(clippy::unwrap_used)]

use std::fs;
use std::path::{Path, PathBuf};

/// The rooms by rank. A room uses rooms of a lower rank only.
const RANKS: &[(&str, u32)] = &[
    ("secret", 0),
    ("prep", 0),
    ("runtime", 0),
    ("identity", 1),
    ("vocabulary", 1),
    ("credential", 2),
    ("mechanism", 3),
    ("protocol", 3),
    ("store", 3),
    ("import", 3),
    ("exchange", 4),
    ("authenticator", 5),
    ("event", 5),
    ("config", 6),
    ("server", 7),
    ("cli", 8),
];

/// Rooms, and single files of rooms, that do no input or output, read no clock and draw no randomness.
const PURE: &[&str] = &[
    "secret.rs",
    "prep.rs",
    "identity/",
    "vocabulary.rs",
    "event/",
    "credential/",
    "mechanism/",
    "protocol/",
    "exchange/",
    "import/",
    "server/session",
    "server/userdb",
    "server/mux",
    "server/lookup",
    "server/conversation",
    "server/limits",
];

/// What a pure room cannot name.
const IMPURE: &[&str] = &[
    "std::fs",
    "std::net::Tcp",
    "std::net::Udp",
    "std::os::unix::net",
    "SystemTime",
    "Instant::now",
    "std::env",
    "std::process",
    "std::io",
    "getrandom",
    "println!",
    "eprintln!",
    "rusqlite",
    "mio::",
    "nix::",
];

fn sources() -> Vec<(PathBuf, String)> {
    fn walk(folder: &Path, found: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                walk(&path, found);
            } else if path.extension().is_some_and(|e| e == "rs") {
                found.push(path);
            }
        }
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut found = Vec::new();
    walk(&root, &mut found);
    let relative = |path: PathBuf| (path.strip_prefix(&root).unwrap().to_owned(), fs::read_to_string(&path).unwrap());
    found.into_iter().map(relative).collect()
}

/// The lines that a room stands behind: tests may reach for anything.
fn without_tests(source: &str) -> impl Iterator<Item = (usize, &str)> {
    source
        .lines()
        .enumerate()
        .take_while(|(_, line)| !line.starts_with("#[cfg(test)]"))
        .filter(|(_, line)| !line.trim_start().starts_with("//"))
}

fn rank(room: &str) -> Option<u32> {
    RANKS.iter().find(|(name, _)| *name == room).map(|(_, rank)| *rank)
}

#[test]
fn rooms_use_rooms_of_lower_rank_only() {
    let mut wrong = Vec::new();
    for (path, source) in sources() {
        let first = path.components().next().unwrap().as_os_str().to_str().unwrap().trim_end_matches(".rs").to_owned();
        if first == "lib" || first == "bin" {
            continue;
        }
        let own = rank(&first).unwrap_or_else(|| panic!("room {first} has no rank: give it one here and in the docs"));
        for (number, line) in without_tests(&source) {
            for used in line.split("crate::").skip(1) {
                let used: String = used.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
                let below = rank(&used).is_some_and(|theirs| theirs < own);
                if used != first && !below {
                    wrong.push(format!("{}:{} uses {used}", path.display(), number + 1));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn pure_rooms_touch_nothing_outside() {
    let mut wrong = Vec::new();
    for (path, source) in sources() {
        let name = path.to_str().unwrap();
        if !PURE.iter().any(|pure| name.starts_with(pure)) {
            continue;
        }
        for (number, line) in without_tests(&source) {
            for word in IMPURE.iter().filter(|word| line.contains(**word)) {
                wrong.push(format!("{name}:{} names {word}", number + 1));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn no_source_file_outgrows_its_reader() {
    let long: Vec<_> = sources().into_iter().filter(|(_, s)| s.lines().count() > 500).map(|(p, _)| p).collect();
    assert!(long.is_empty(), "over 500 lines: {long:?}");
}

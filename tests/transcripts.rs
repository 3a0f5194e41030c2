//! Conversations as text files, held against the session: no socket, no clock, no randomness.
//!
//! `tests/transcripts/dovecot` holds what real programs and Dovecot said to each other. There our session takes Dovecot's
//! place: the client's lines are what was recorded, but for proofs, which are made anew for our nonces; our replies have to
//! be Dovecot's in kind, id and user.
//!
//! `tests/transcripts/session` holds our own conversations, to the byte:
//! - `C: ` a line from the client; `C+ ` one that comes in the same segment as the next;
//! - `S: ` a line that the server must say now, in this order and no other; `S!` the server closes the connection;
//! - `L: ` a line of the log, in this order; where a file has one, it has all;
//! - `# account USER PASSWORD`, `# disabled USER`, `# mechanisms NAME...`, `# listed`, `# userdb`, `# burst FAILURES`,
//!   `# log_unknown_names` set the scene;
//! - `# client MINOR` is a new connection, with the handshake of a client of version 1.MINOR; `# greeted` is one without;
//!   `# gone` is the end of one, by its client;
//! - `# advance TIME` lets time pass, `# store down`, `# store later` and `# store up` say how look-ups are answered;
//! - `# dovecot` says that the interop tests hold Dovecot's auth service to the same lines; a `D: ` or `D!` is what that does
//!   in place of the `S: ` or `S!` lines before it, where we differ on purpose;
//! - `# answers` delivers what the store has kept for later;
//! - anything else after `#` is for the reader.
//!
//! `<T>` is a TAB, `<A>` the byte 0x01, `<CR>` a CR, `<NUL>` a NUL.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "a test may fail"
)]

mod store;
mod transcript;

use std::fs;
use std::path::{Path, PathBuf};

fn files(folder: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/transcripts").join(folder);
    let mut files: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    assert!(!files.is_empty());
    files
}

/// Plays every file and tells all that went wrong.
fn play_all(folder: &str, play: fn(&str) -> Result<(), String>) {
    let failed: Vec<String> = files(folder)
        .into_iter()
        .filter_map(|path| {
            let fault = play(&fs::read_to_string(&path).unwrap()).err()?;
            Some(format!("{}: {fault}", path.file_name().unwrap().display()))
        })
        .collect();
    assert!(failed.is_empty(), "\n{}", failed.join("\n"));
}

#[test]
fn our_conversations() {
    play_all("session", transcript::exact::play);
}

#[test]
fn what_real_programs_said_to_dovecot() {
    play_all("dovecot", transcript::recorded::play);
}

#[test]
fn the_player_sees_what_is_wrong() {
    let scene = "# account joe secret\n# client 0\n";
    let right =
        "C: AUTH<T>1<T>PLAIN<T>service=smtp<T>secured<T>resp=AGpvZQBzZWNyZXQ=\nS: OK<T>1<T>user=joe@example.org\n";
    assert_eq!(transcript::exact::play(&format!("{scene}{right}")), Ok(()));
    for wrong in [
        right.replace("user=joe@", "user=Joe@"),
        right.replace("S: OK<T>1<T>user=joe@example.org\n", ""),
        format!("{right}S: OK<T>1\n"),
        format!("{right}S!\n"),
        format!("{right}L: authenticated\n"),
        format!("{right}C: bad\n"),
    ] {
        assert!(transcript::exact::play(&format!("{scene}{wrong}")).is_err(), "{wrong}");
    }
}

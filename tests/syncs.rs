//! What is on the disk before a change is said to be made: the log always, and the folder's entry of it where that is new.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "a test may fail"
)]

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

struct Watched {
    folder: tempfile::TempDir,
}

impl Watched {
    fn new() -> Self {
        let watched = Self { folder: tempfile::tempdir().unwrap() };
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/store/syncs.c");
        let made = Command::new("cc")
            .args(["-shared", "-fPIC", "-Wall", "-Werror", "-o"])
            .arg(watched.path("syncs.so"))
            .arg(source)
            .arg("-ldl")
            .status();
        assert!(made.unwrap().success());
        fs::create_dir(watched.path("store")).unwrap();
        watched
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().canonicalize().unwrap().join(name)
    }

    /// The names of what is synced while a password is set, in order; the folder is `store`.
    fn set_password(&self, user: &str) -> Vec<String> {
        let noted = self.path("noted");
        let mut child = Command::new(env!("CARGO_BIN_EXE_saslpasswd-rs"))
            .args(["-p", "-c", "-u", "example.com", "-f"])
            .arg(self.path("store/accounts.db"))
            .arg(user)
            .env("LD_PRELOAD", self.path("syncs.so"))
            .env("SYNCS", &noted)
            .stdin(Stdio::piped())
            .spawn()
            .unwrap();
        child.stdin.take().unwrap().write_all(b"abcd-efgh-ijkm-npqr").unwrap();
        assert!(child.wait().unwrap().success());
        let text = fs::read_to_string(&noted).unwrap_or_default();
        let _ = fs::remove_file(noted);
        text.lines().map(|path| Path::new(path).file_name().unwrap().to_str().unwrap().to_owned()).collect()
    }
}

#[test]
fn a_log_that_lasts_needs_no_sync_of_its_folder() {
    let watched = Watched::new();
    let first = watched.set_password("joe");
    assert!(first.iter().rposition(|name| name == "store") > first.iter().position(|name| name == "accounts.db-wal"));
    assert_eq!(watched.set_password("ann"), ["accounts.db-wal"]);

    // As after a copy of the database alone was put in place.
    let log = watched.path("store/accounts.db-wal");
    for log_is_there in [false, true] {
        let connection = rusqlite::Connection::open(watched.path("store/accounts.db")).unwrap();
        connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", (), |_| Ok(())).unwrap();
        drop(connection);
        match log_is_there {
            true => fs::write(&log, "").unwrap(),
            false => assert!(!log.exists()),
        }
        assert_eq!(watched.set_password("joe"), ["store", "accounts.db-wal", "accounts.db-wal"]);
        assert_eq!(watched.set_password("ann"), ["accounts.db-wal"]);
    }
}

//! A folder with a database of its own, and the programs run on it.

#![allow(dead_code, reason = "each test takes what it needs")]

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use sha2::{Digest, Sha256};

pub(crate) const SASLPASSWD: &str = env!("CARGO_BIN_EXE_saslpasswd-rs");
pub(crate) const LISTUSERS: &str = env!("CARGO_BIN_EXE_sasldblistusers-rs");
pub(crate) const SASLAUTHD: &str = env!("CARGO_BIN_EXE_saslauthd-rs");
pub(crate) const SASLDB: &str = env!("CARGO_BIN_EXE_sasldb-rs");

/// What a program said and how it ended.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Ran {
    pub(crate) status: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Ran {
    /// Nothing said, status 0.
    pub(crate) fn quiet(&self) {
        assert_eq!((self.status, self.out.as_str(), self.err.as_str()), (Some(0), "", ""));
    }

    /// The mechanisms by which `sasldb-rs test` logged in.
    pub(crate) fn accepted(&self) -> Vec<String> {
        assert!(matches!(self.status, Some(0 | 1)), "{self:?}");
        let words = self.out.lines().map(|line| line.split_whitespace().collect::<Vec<_>>());
        words.filter(|words| words[1] == "accepted").map(|words| words[0].to_owned()).collect()
    }
}

/// A folder that goes away with its test.
pub(crate) struct Shell {
    folder: tempfile::TempDir,
}

impl Shell {
    /// An empty folder whose configuration names the realm `example.com`, cheap secrets, and a database in the folder.
    pub(crate) fn new() -> Self {
        let shell = Self { folder: tempfile::tempdir().unwrap() };
        shell.configure("realm = \"example.com\"");
        shell
    }

    /// Writes the configuration: `settings` after the database's place.
    pub(crate) fn configure(&self, settings: &str) {
        let text = format!(
            "database = {:?}\nscram_iterations = 4096\nweak_passwords = \"allow\"\n{settings}\n",
            self.database()
        );
        fs::write(self.config(), text).unwrap();
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn database(&self) -> PathBuf {
        self.path("accounts.db")
    }

    pub(crate) fn key(&self) -> PathBuf {
        self.path("accounts.db.key")
    }

    pub(crate) fn config(&self) -> PathBuf {
        self.path("config.toml")
    }

    /// The program with the shell's configuration, to be run in its folder.
    pub(crate) fn command<A: AsRef<OsStr>>(&self, program: &str, arguments: &[A]) -> Command {
        let mut command = Command::new(program);
        command.current_dir(self.folder.path()).arg("--config").arg(self.config()).args(arguments);
        command
    }

    /// Runs the program with `stdin`.
    pub(crate) fn run<A: AsRef<OsStr>>(&self, program: &str, arguments: &[A], stdin: &[u8]) -> Ran {
        run(self.command(program, arguments), stdin)
    }

    /// `saslpasswd-rs` with these arguments.
    pub(crate) fn saslpasswd<A: AsRef<OsStr>>(&self, arguments: &[A], stdin: &[u8]) -> Ran {
        self.run(SASLPASSWD, arguments, stdin)
    }

    /// Makes `mailman` with the password `secret`.
    pub(crate) fn make_mailman(&self) {
        self.saslpasswd(&["-c", "mailman"], b"secret\n").quiet();
    }

    /// Whether `password` is the account's: the exit status of `sasldb-rs verify`.
    pub(crate) fn verify(&self, user: &str, password: &[u8]) -> Option<i32> {
        self.run(SASLDB, &["verify", "--", user], password).status
    }

    /// The accounts as `sasldblistusers-rs` prints them.
    pub(crate) fn accounts(&self) -> Vec<String> {
        let ran = self.run(LISTUSERS, &[] as &[&str], b"");
        assert_eq!(ran.status, Some(0), "{ran:?}");
        ran.out.lines().map(|line| line.strip_suffix(": userPassword").unwrap().to_owned()).collect()
    }

    /// Every file of the folder by the hash of its bytes: two that are equal are byte for byte the same. The index of the
    /// write-ahead log is left out, which any reader may rebuild, and so is a log that is empty.
    pub(crate) fn files(&self) -> BTreeMap<PathBuf, String> {
        let hash =
            |bytes: &[u8]| Sha256::digest(bytes).iter().fold(String::new(), |text, byte| format!("{text}{byte:02x}"));
        let mut files = contents(self.folder.path());
        files.retain(|path, bytes| !(bytes.is_empty() && path.to_string_lossy().ends_with("-wal")));
        files.into_iter().map(|(path, bytes)| (path, hash(&bytes))).collect()
    }

    /// What is in them.
    pub(crate) fn contents(&self) -> BTreeMap<PathBuf, Vec<u8>> {
        contents(self.folder.path())
    }
}

fn contents(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.insert(path.clone(), Vec::new());
            found.extend(contents(&path));
        } else if !path.to_string_lossy().ends_with("-shm") {
            found.insert(path.clone(), fs::read(&path).unwrap_or_default());
        }
    }
    found
}

/// Runs `command` with `stdin`.
pub(crate) fn run(mut command: Command, stdin: &[u8]) -> Ran {
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    // A program that refuses its arguments does not read.
    let _ = child.stdin.take().unwrap().write_all(stdin);
    let output = child.wait_with_output().unwrap();
    Ran {
        status: output.status.code(),
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
    }
}

//! How fast `sasldb-rs apply` makes accounts, beside what PBKDF2 alone allows on all processors in the same run.
//!
//!     cargo bench --bench apply -- 100000

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::print_stdout,
    missing_docs,
    reason = "a benchmark may fail, and it prints"
)]

#[path = "../shared/drawn.rs"]
mod drawn;
#[path = "../shared/watch.rs"]
mod watch;

use std::fs::{self, File};
use std::io::{BufWriter, Write as _};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use sasldb::credential::scram::{Hi, salted_password, two_salted_passwords};
use sasldb::vocabulary::ScramHash;

use drawn::{drawn, name};

/// What the settings make of a password: the usual schemes.
const ITERATIONS: u32 = 10_000;
const HASHES: [ScramHash; 2] = [ScramHash::Sha1, ScramHash::Sha256];

const ACCOUNTS: u64 = 20_000;
const PBKDF2_TIME: Duration = Duration::from_secs(10);
/// How often the memory of the program is looked at.
const LOOK: Duration = Duration::from_millis(20);

fn main() {
    let number = std::env::args().skip(1).find_map(|argument| argument.parse().ok());
    if !std::env::args().any(|argument| argument == "--bench") {
        // `cargo test --benches` only wants to know that it starts.
        return;
    }
    let accounts = number.unwrap_or(ACCOUNTS);
    let site = Site::new(accounts);
    let before = [one_after_the_other, two_at_once].map(pbkdf2_alone);
    let first = site.apply(None);
    let after = [one_after_the_other, two_at_once].map(pbkdf2_alone);
    let rate = per_second(accounts, first.took);
    println!("{accounts} accounts, schemes and counts as usual, {} processors", processors());
    println!("apply: {rate:.0} accounts in a second, status {:?}", first.status);
    for (way, (before, after)) in ["one after the other", "two at once"].iter().zip(before.into_iter().zip(after)) {
        let share = rate / f64::midpoint(before, after) * 100.0;
        println!(
            "PBKDF2 alone, {way}: {before:.0} and {after:.0} passwords in a second, before and after; apply {share:.1} % of it"
        );
    }
    println!("anonymous memory: {} KiB in the first tenth, {} KiB at most", first.early, first.most);
    let bytes = fs::metadata(site.path("accounts.db")).unwrap().len();
    println!("database: {} bytes for each account, audit included", bytes / accounts);

    let second = site.apply(None);
    println!(
        "again: {:.0} accounts in a second, status {:?}, {} KiB at most",
        per_second(accounts, second.took),
        second.status,
        second.most
    );

    let other = Site::new(accounts);
    let killed = other.apply(Some(first.took / 2));
    let ended = other.apply(None);
    let last = other.apply(None);
    println!(
        "killed after {:.0} s, again: {:.0} s, status {:?}; once more: status {:?}",
        killed.took.as_secs_f64(),
        ended.took.as_secs_f64(),
        ended.status,
        last.status
    );
}

fn processors() -> usize {
    thread::available_parallelism().unwrap().get()
}

fn per_second(accounts: u64, took: Duration) -> f64 {
    f64::from(u32::try_from(accounts).unwrap()) / took.as_secs_f64()
}

/// As everybody does it.
fn one_after_the_other(password: &[u8]) {
    for hash in HASHES {
        std::hint::black_box(salted_password(hash, password, &[7; 16], ITERATIONS));
    }
}

/// As `apply` does it.
fn two_at_once(password: &[u8]) {
    let two = HASHES.map(|hash| Hi { hash, salt: &[7; 16], iterations: ITERATIONS });
    std::hint::black_box(two_salted_passwords(password, two));
}

/// Passwords in a second for which all that is computed is PBKDF2.
fn pbkdf2_alone(derive: fn(&[u8])) -> f64 {
    let done = AtomicU64::new(0);
    let begin = Instant::now();
    thread::scope(|scope| {
        for _ in 0..processors() {
            scope.spawn(|| {
                while begin.elapsed() < PBKDF2_TIME {
                    derive(b"correct horse battery");
                    done.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
    });
    per_second(done.into_inner(), begin.elapsed())
}

struct Site {
    folder: tempfile::TempDir,
    accounts: u64,
}

/// A password as a password manager makes it: 16 letters and digits. Another for each number, and the same in each run.
fn random_looking(number: u64) -> String {
    (0..16).map(|place| char::from_digit(u32::try_from(drawn(number, place, 36)).unwrap(), 36).unwrap()).collect()
}

struct Run {
    took: Duration,
    status: Option<i32>,
    early: u64,
    most: u64,
}

impl Site {
    fn new(accounts: u64) -> Self {
        let site = Self { folder: tempfile::tempdir().unwrap(), accounts };
        let config = format!("database = {:?}\nrealm = \"example.com\"\n", site.path("accounts.db"));
        fs::write(site.path("config.toml"), config).unwrap();
        let mut file = BufWriter::new(File::create(site.path("accounts.jsonl")).unwrap());
        for number in 0..accounts {
            let (name, password) = (name(number), random_looking(number));
            writeln!(file, "{{\"name\": \"{name}\", \"password\": \"{password}\"}}").unwrap();
        }
        file.flush().unwrap();
        site
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Applies the file; kills it after `limit`.
    fn apply(&self, limit: Option<Duration>) -> Run {
        let begin = Instant::now();
        let mut child = Command::new(env!("CARGO_BIN_EXE_sasldb-rs"))
            .arg("--config")
            .arg(self.path("config.toml"))
            .arg("apply")
            .arg(self.path("accounts.jsonl"))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        // About a tenth of the way at 800 in a second for each processor.
        let tenth = Duration::from_millis(self.accounts / 10 * 5 / 4 / u64::try_from(processors()).unwrap());
        let (mut early, mut most) = (0, 0);
        let status = watch::to_its_end(&mut child, LOOK, |child, used| {
            most = most.max(used);
            if begin.elapsed() < tenth {
                early = early.max(used);
            }
            if limit.is_some_and(|limit| begin.elapsed() > limit) {
                child.kill().unwrap();
            }
        });
        Run { took: begin.elapsed(), status: status.unwrap().code(), early, most }
    }
}

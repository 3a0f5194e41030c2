//! The fuzz targets on stable Rust: each takes its seeds, and then a fixed number of inputs made out of them. libFuzzer, which
//! looks for new paths, runs the same functions for as long as one likes: `fuzz/run`.
//!
//! `SASLDB_FUZZ_SEED` makes other inputs, `SASLDB_FUZZ_SECONDS` goes on for so long with each target.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::print_stderr,
    reason = "a test may fail"
)]
#![allow(missing_docs, unreachable_pub, reason = "the targets are a crate of their own elsewhere")]

#[path = "../fuzz/src/lib.rs"]
mod targets;

use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use targets::random::Random;
use targets::{TARGETS, Target};

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz").join(name)
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut files: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}

/// The words of a dictionary of libFuzzer: `name="value"`, with `\xNN`, `\"` and `\\` in the value.
fn words(target: &Target) -> Vec<Vec<u8>> {
    let Ok(text) = fs::read_to_string(folder("dictionaries").join(target.name)) else { return Vec::new() };
    let lines = text.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines.map(|line| unquoted(line).unwrap_or_else(|| panic!("{}: {line}", target.name))).collect()
}

fn unquoted(line: &str) -> Option<Vec<u8>> {
    let mut rest = line.split_once('"')?.1.strip_suffix('"')?.bytes();
    let mut word = Vec::new();
    while let Some(byte) = rest.next() {
        word.push(match byte {
            b'\\' => match rest.next()? {
                b'x' => {
                    let digits = [rest.next()?, rest.next()?];
                    u8::from_str_radix(std::str::from_utf8(&digits).ok()?, 16).ok()?
                }
                other => other,
            },
            byte => byte,
        });
    }
    Some(word)
}

/// Runs one input; if it fails, shows it in a form that can be made into a seed with `printf`.
fn run(target: &Target, input: &[u8], whence: &str) {
    if let Err(panic) = catch_unwind(AssertUnwindSafe(|| (target.run)(input))) {
        eprintln!("target {}, {whence}; the input is:\n{}", target.name, input.escape_ascii());
        resume_unwind(panic);
    }
}

fn fuzz(name: &str) {
    let target = TARGETS.iter().find(|target| target.name == name).unwrap();
    let variable = |name: &str| std::env::var(name).ok().map(|value| value.parse::<u64>().expect(name));
    let seed = variable("SASLDB_FUZZ_SEED").unwrap_or(1);
    let time = variable("SASLDB_FUZZ_SECONDS").map(Duration::from_secs);

    let mut inputs = Vec::new();
    for file in files(&folder("seeds").join(name)) {
        let input = fs::read(&file).unwrap();
        run(target, &input, &file.display().to_string());
        inputs.push(input);
    }
    run(target, b"", "no bytes");
    let (words, mut random) = (words(target), Random::new(seed));
    let begun = Instant::now();
    let mut made = 0;
    while time.map_or(made < target.inputs, |time| begun.elapsed() < time) {
        let (first, second) = (random.below(inputs.len()), random.below(inputs.len()));
        let input = random.mutated(&inputs[first], &inputs[second], &words);
        run(target, &input, &format!("SASLDB_FUZZ_SEED={seed}, input {made}"));
        made += 1;
    }
    eprintln!("{name}: {} seeds, {made} inputs of SASLDB_FUZZ_SEED={seed}", inputs.len());
}

macro_rules! fuzzed {
    ($($name:ident),*) => {
        $(#[test]
        fn $name() {
            fuzz(stringify!($name));
        })*

        #[test]
        fn every_target_is_run_here_and_by_libfuzzer() {
            let names: Vec<&str> = TARGETS.iter().map(|target| target.name).collect();
            assert_eq!(names, [$(stringify!($name)),*]);
            let manifest = fs::read_to_string(folder("Cargo.toml")).unwrap();
            for name in &names {
                let entry = fs::read_to_string(folder("fuzz_targets").join(format!("{name}.rs"))).unwrap();
                assert!(entry.contains(&format!("targets::{name}::target(data)")), "{name}");
                assert!(manifest.contains(&format!("path = \"fuzz_targets/{name}.rs\"")), "{name}");
            }
            assert_eq!(files(&folder("fuzz_targets")).len(), names.len());
            assert_eq!(files(&folder("seeds")).len(), names.len());
        }
    };
}

fuzzed!(
    frames,
    sessions,
    names,
    plain,
    login,
    mux,
    external,
    cram_md5,
    digest_md5,
    scram,
    clients,
    records,
    hashes,
    lookups,
    changes,
    settings,
    entries,
    sasldb2,
    passwd_file,
    htpasswd,
    htdigest,
    shadow,
    ldif,
    roles,
    csv,
    logs,
    sealed
);

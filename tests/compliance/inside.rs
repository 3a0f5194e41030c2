//! In the machine: each command line in a shell, each case in a folder of its own.

use std::fs;
use std::io::Write as _;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use crate::case::Said;
use crate::subject::{SUITE, Subject};

/// Where a case works.
const FOLDER: &str = "/tmp/case";

/// What a case may leave outside of its folder: what the programs make or read where nothing is named.
const LEFT: [&str; 4] = ["/etc/sasldb2", "/etc/sasl2", "/etc/sasldb-rs", "/var/lib/sasldb-rs"];

/// Runs all cases; writes an array of answers for each to standard output.
pub(crate) fn run(subject: Subject) {
    let cases: Vec<Vec<String>> = serde_json::from_slice(&fs::read(format!("{SUITE}/cases.json")).unwrap()).unwrap();
    let mut out = std::io::stdout().lock();
    for case in cases {
        clear();
        fs::create_dir(FOLDER).unwrap();
        let answers: Vec<Value> = case.iter().map(|command| answer(subject, command)).collect();
        writeln!(out, "{}", Value::from(answers)).unwrap();
    }
    clear();
}

fn clear() {
    for path in LEFT.into_iter().chain([FOLDER]).map(Path::new) {
        if path.is_dir() {
            fs::remove_dir_all(path).unwrap();
        } else if path.exists() {
            fs::remove_file(path).unwrap();
        }
    }
}

fn answer(subject: Subject, command: &str) -> Value {
    // The limit is never a measure of speed: one that hangs is killed, and is red for its status.
    let output = Command::new("timeout")
        .args(["--signal=KILL", "60", "sh", "-c", command])
        .current_dir(FOLDER)
        .env_clear()
        .envs([("PATH", subject.path().as_str()), ("LC_ALL", "C"), ("HOME", "/root"), ("SUBJECT", subject.name())])
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let status = output.status.code().or(output.status.signal().map(|signal| 128 + signal));
    json!({ "out": output.stdout, "err": output.stderr, "status": status })
}

/// Reads what [`run`] wrote.
pub(crate) fn answers(written: &[u8]) -> Vec<Vec<Said>> {
    let bytes = |value: &Value| -> Vec<u8> { serde_json::from_value(value.clone()).unwrap() };
    let said = |answer: &Value| Said {
        out: bytes(&answer["out"]),
        err: bytes(&answer["err"]),
        status: i32::try_from(answer["status"].as_i64().unwrap()).unwrap(),
    };
    let lines = std::str::from_utf8(written).unwrap().lines();
    lines
        .map(|line| serde_json::from_str::<Value>(line).unwrap().as_array().unwrap().iter().map(said).collect())
        .collect()
}

//! One suite of command lines for saslpasswd2 and sasldblistusers2, run on Debian's programs and on ours.
//!
//! `cases/` holds what is run and what Debian's programs answer, byte for byte; where ours answer something else, that too, with the
//! names of the differences that it is for. `differences.toml` lists these with their reasons. An answer that has become equal is as
//! wrong as one that differs for no reason.
//!
//! `SASLDB_COMPLIANCE=cyrus` or `=ours` runs it on one of them, `SASLDB_WRITE_COMPLIANCE=1` writes what is answered into the sheets.
//! An argument picks the cases whose name holds it.
#![allow(
    clippy::panic,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::print_stdout,
    clippy::print_stderr
)]

mod case;
mod differences;
mod escape;
mod inside;
mod judge;
#[allow(dead_code, reason = "the tests with servers use all of it")]
#[path = "../interop/machine.rs"]
mod machine;
mod subject;
mod terminal;
mod tools;

use std::ffi::OsString;
use std::path::Path;
use std::process::ExitCode;

use case::{Sheet, Texts};
use differences::Differences;
use judge::{Answers, judge, record};
use machine::project;
use subject::Subject;

fn main() -> ExitCode {
    let mut arguments = std::env::args_os();
    let name = arguments.next().unwrap();
    let arguments: Vec<OsString> = arguments.collect();
    let name = Path::new(&name).file_name().unwrap().to_string_lossy();
    if let Some(status) = tools::called(&name, &arguments) {
        return ExitCode::from(u8::try_from(status).unwrap());
    }
    let arguments: Vec<_> = arguments.iter().map(|argument| argument.to_string_lossy()).collect();
    if let [option, subject] = arguments.as_slice()
        && option == "--inside"
    {
        inside::run(Subject::named(subject).unwrap());
        return ExitCode::SUCCESS;
    }
    // The options are those of the usual harness of tests, of which none has a meaning here.
    if arguments.iter().any(|argument| argument == "--list") {
        return ExitCode::SUCCESS;
    }
    let filters: Vec<&str> =
        arguments.iter().map(AsRef::as_ref).filter(|argument| !argument.starts_with('-')).collect();
    if outside(&filters) { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn outside(filters: &[&str]) -> bool {
    let folder = project().join("tests/compliance");
    let texts = Texts::read(&folder.join("texts"));
    let differences = Differences::read(&folder.join("differences.toml"));
    let files = case::files(&folder.join("cases"));
    let write = std::env::var_os("SASLDB_WRITE_COMPLIANCE").is_some();
    let mut failures = Vec::new();
    let mut sheets = Vec::new();
    for file in &files {
        let text = std::fs::read_to_string(file).unwrap();
        let sheet = Sheet::read(&text, &texts).unwrap_or_else(|fault| panic!("{}: {fault}", file.display()));
        if sheet.written(&texts) != text && !write {
            failures.push(format!("{}: SASLDB_WRITE_COMPLIANCE=1 would write it in another way", file.display()));
        }
        sheets.push(sheet);
    }
    if !filters.is_empty() {
        let fits = |name: &str| filters.iter().any(|filter| name.contains(filter));
        sheets.iter_mut().for_each(|sheet| sheet.cases.retain(|case| fits(&case.name)));
    }
    let cases: Vec<Vec<String>> = sheets
        .iter()
        .flat_map(|sheet| &sheet.cases)
        .map(|case| case.steps.iter().map(|step| step.command.clone()).collect())
        .collect();
    if cases.is_empty() {
        return true;
    }
    let picked = std::env::var("SASLDB_COMPLIANCE").ok();
    let subjects: Vec<Subject> = match &picked {
        Some(name) => vec![Subject::named(name).unwrap_or_else(|| panic!("SASLDB_COMPLIANCE is cyrus or ours"))],
        None => vec![Subject::Cyrus, Subject::Ours],
    };
    let answers: Vec<Answers> = std::thread::scope(|scope| {
        let run = |subject: Subject| Answers { subject, cases: subject.run(&cases) };
        let running: Vec<_> = subjects.into_iter().map(|subject| scope.spawn(move || run(subject))).collect();
        running.into_iter().map(|one| one.join().unwrap()).collect()
    });
    let whole = filters.is_empty();
    if write && whole {
        record(&mut sheets, &answers);
        for (file, sheet) in files.iter().zip(&sheets) {
            std::fs::write(file, sheet.written(&texts)).unwrap();
        }
    }
    let verdict = judge(&sheets, &answers, &differences, &texts);
    failures.extend(verdict.failures);
    if whole {
        failures.extend(differences.not_shown(&verdict.alone));
        failures.extend(differences.compare_page(write));
    }
    failures.iter().for_each(|failure| eprintln!("--- {failure}"));
    println!(
        "\ncompliance, {} cases: equal {}, different on purpose {} (for {} reasons), failing {}\n",
        cases.len(),
        verdict.equal,
        verdict.different,
        differences.len(),
        failures.len()
    );
    failures.is_empty()
}

//! Man pages and shell completions, held against the definitions of the options, which parts of them are made from.
//!
//! `SASLDB_WRITE_PAGES=1 cargo test --test pages` makes them anew; docs/testing.md tells what is made and what is written.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, clippy::arithmetic_side_effects, missing_docs)]

#[path = "pages/definition.rs"]
mod definition;
#[path = "pages/mdoc.rs"]
mod mdoc;
#[path = "pages/page.rs"]
mod page;

use std::fs;
use std::path::{Path, PathBuf};

use clap::Command;
use clap_complete::Generator;
use clap_complete::shells::{Bash, Fish, Zsh};

fn programs() -> [Command; 4] {
    use sasldb::cli;
    [
        cli::sasldb::definition(),
        cli::saslpasswd::definition(),
        cli::sasldblistusers::definition(),
        cli::saslauthd::definition(),
    ]
}

#[test]
fn man_pages_are_made_from_the_definitions() {
    for program in programs() {
        let path = project().join("man").join(format!("{}.8", program.get_name()));
        let written = fs::read_to_string(&path).unwrap();
        agree(&path, &page::made_anew(&written, &program));
    }
}

#[test]
fn no_line_of_a_page_is_too_long() {
    let path = project().join("man/sasldb-rs.toml.5");
    agree(&path, &page::wrapped(&fs::read_to_string(&path).unwrap()));
}

/// A quote at the beginning of an argument is roff's own, and not shown.
#[test]
fn no_quote_of_a_toml_list_is_taken_for_roffs() {
    for page in fs::read_dir(project().join("man")).unwrap() {
        let path = page.unwrap().path();
        for line in fs::read_to_string(&path).unwrap().lines().filter(|line| line.starts_with('.')) {
            assert!(!line.contains("\",") && !line.contains("\"]"), "{}: {line}", path.display());
        }
    }
}

#[test]
fn completions_are_made_from_the_definitions() {
    for program in programs() {
        completion(Bash, "bash", program.clone());
        completion(Zsh, "zsh", program.clone());
        completion(Fish, "fish", program);
    }
}

fn completion(shell: impl Generator, folder: &str, program: Command) {
    let name = program.get_name().to_owned();
    let mut program = without_hidden(&program);
    let path = project().join("contrib/completions").join(folder).join(shell.file_name(&name));
    let mut made = Vec::new();
    clap_complete::generate(shell, &mut program, &name, &mut made);
    // Bash's generator takes the hyphen in a name for the border of a subcommand, in some places and not in others.
    let (wrong, right) = (name.replace('-', "__subcmd__"), name.replace('-', "__"));
    agree(&path, &String::from_utf8(made).unwrap().replace(&wrong, &right));
}

/// What clap hides from the help, the completions would offer.
fn without_hidden(command: &Command) -> Command {
    let shown = Command::new(command.get_name().to_owned().leak() as &str)
        .about(command.get_about().cloned().unwrap_or_default())
        .disable_help_flag(command.is_disable_help_flag_set())
        .disable_help_subcommand(true)
        .args(command.get_arguments().filter(|arg| !arg.is_hide_set()))
        .subcommands(command.get_subcommands().filter(|command| !command.is_hide_set()).map(without_hidden));
    if command.get_version().is_some() { shown.version("") } else { shown }
}

/// Holds a file against what it has to be, or makes it that.
fn agree(path: &Path, made: &str) {
    if std::env::var_os("SASLDB_WRITE_PAGES").is_some() {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, made).unwrap();
        return;
    }
    let found = fs::read_to_string(path).unwrap_or_default();
    let line = found.lines().zip(made.lines()).take_while(|(found, made)| found == made).count() + 1;
    assert!(
        found == made,
        "{} does not say what the options say, from line {line} on; SASLDB_WRITE_PAGES=1 cargo test --test pages mends it",
        path.display()
    );
}

fn project() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

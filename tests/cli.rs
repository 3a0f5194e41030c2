//! The command-line programs as a shell sees them.
//!
//! `cli/<program>/<case>.toml` holds what is the same on every machine: command line, output, status. The rest needs a
//! database or a terminal of its own and is written in Rust.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    missing_docs
)]

#[path = "cli/account.rs"]
mod account;
#[path = "cli/accounts.rs"]
mod accounts;
#[path = "cli/apply.rs"]
mod apply;
#[path = "cli/audit.rs"]
mod audit;
#[path = "cli/backups.rs"]
mod backups;
#[path = "cli/bad_input.rs"]
mod bad_input;
#[path = "cli/check.rs"]
mod check;
#[path = "cli/check_mechanisms.rs"]
mod check_mechanisms;
#[path = "cli/export.rs"]
mod export;
#[path = "cli/imports.rs"]
mod imports;
#[path = "cli/interrupts.rs"]
mod interrupts;
#[path = "cli/listing.rs"]
mod listing;
#[path = "cli/logins.rs"]
mod logins;
#[path = "cli/manuals.rs"]
mod manuals;
#[path = "cli/memory.rs"]
mod memory;
#[path = "cli/passwords.rs"]
mod passwords;
#[path = "cli/past.rs"]
mod past;
#[path = "cli/prompts.rs"]
mod prompts;
#[path = "cli/report.rs"]
mod report;
#[path = "cli/retire.rs"]
mod retire;
#[path = "cli/setup.rs"]
mod setup;
#[path = "cli/shell.rs"]
mod shell;

#[test]
fn cases() {
    // A terminal's width would be in the help.
    trycmd::TestCases::new().env("COLUMNS", "100").case("tests/cli/*/*.toml");
}

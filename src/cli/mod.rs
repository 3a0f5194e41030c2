//! The command-line programs: arguments in, words and an exit status out. The only room that prints.
//!
//! Each program is one function here, called by its file in `src/bin/`. `saslpasswd-rs` and `sasldblistusers-rs` behave as
//! the Cyrus programs whose names they bear, recorded case by case; `sasldb-rs` is ours.

mod audit_log;
mod bare_host;
mod batch;
mod cyrus;
mod exit;
mod failure;
mod getopt;
mod host;
mod input;
mod learner;
mod listing;
mod new_file;
mod output;
mod pattern;
mod progress;
mod prompt;
mod rows;
pub mod saslauthd;
pub mod sasldb;
pub mod sasldblistusers;
pub mod saslpasswd;
mod setting;
mod site;
mod stop;
mod storekeeper;
mod unused;
mod walk;
mod weak;
mod when;
mod whole_file;
mod wiped;

pub use exit::Exit;

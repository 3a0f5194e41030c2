//! Real servers and real clients, from Debian or Ubuntu, each in a private machine of its own (see docs/testing.md).
//!
//! `Site` is a mail server that relays for those who log in; `clients` are the programs that people send mail with;
//! `Helper` answers the server's questions: ours, or Dovecot's auth service, against which this harness is measured.
#![allow(
    clippy::panic,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::print_stderr
)]

mod ansible;
mod askers;
mod bare_host;
mod changes;
mod clients;
mod compatibility;
mod connection;
mod dialogue;
mod doctor;
mod doveadm;
mod exports;
mod fail2ban;
mod from_cyrus;
mod helper;
mod imports;
mod installed;
#[path = "../transcript/lines.rs"]
mod lines;
mod machine;
mod mailers;
mod manuals;
mod opensmtpd;
mod other_servers;
mod pages;
mod peer;
mod place;
mod programs;
mod readme;
mod recipe;
mod recorder;
mod report;
mod sasl;
mod servers;
mod site;
mod source;
mod syslog;
mod systemctl;
mod taken_over;
mod wire;

//! What every program that uses libsasl2 goes through: right and wrong by each mechanism, and a helper that is away.

use std::collections::BTreeMap;

use crate::helper::Ours;
use crate::machine::{Machine, wait_for};

use super::table;

/// All that libsasl2 and our accounts have in common.
pub(crate) const MECHANISMS: [&str; 7] =
    ["SCRAM-SHA-512", "SCRAM-SHA-256", "SCRAM-SHA-1", "DIGEST-MD5", "CRAM-MD5", "LOGIN", "PLAIN"];

/// Those that GNU SASL has, by which msmtp and gsasl log in.
pub(crate) const OF_GNU_SASL: &[&str] = MECHANISMS.split_at(1).1;

/// The account of every walk. Where a program has a realm, or the host's name is taken for one, it is this one's or its alias.
pub(crate) const ACCOUNT: (&str, &str) = ("mailman", "secret");

/// What a program told one who logged in.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    Accepted,
    /// In its own words, cut to what the table can hold.
    Refused(String),
}

/// A program that runs, and the helper that it asks.
pub(crate) trait Program {
    fn name(&self) -> &'static str;
    fn package(&self) -> &'static str;
    /// Those of [`MECHANISMS`] that its client has.
    fn mechanisms(&self) -> &'static [&'static str];
    fn machine(&self) -> &Machine;
    fn helper(&mut self) -> &mut Ours;
    fn log_in(&self, mechanism: &str, user: &str, password: &str) -> Answer;
    /// What to look at when a login went wrong.
    fn log(&self) -> String;
}

/// Takes the program through all of it, and holds what it did against its line of the table.
pub(crate) fn walk(program: &mut impl Program) {
    let (name, password) = ACCOUNT;
    let address = format!("{name}@example.com");
    let mut cells = BTreeMap::new();
    let mut wrong = BTreeMap::new();
    for &mechanism in program.mechanisms() {
        let [bare, full] = [name, &address].map(|user| program.log_in(mechanism, user, password));
        assert_eq!(bare, Answer::Accepted, "{mechanism}: {full:?}\n{}", logs(program));
        cells.insert(mechanism, if full == Answer::Accepted { "yes" } else { "bare name" });
        for (user, password) in [(name, "wrong"), ("nobody", password)] {
            match program.log_in(mechanism, user, password) {
                Answer::Accepted => panic!("{mechanism} {user} {password}\n{}", logs(program)),
                Answer::Refused(how) => wrong.entry(how).or_insert_with(Vec::new).push(mechanism),
            }
        }
    }
    program.helper().stop();
    let mut away = BTreeMap::new();
    for &mechanism in program.mechanisms() {
        match program.log_in(mechanism, name, password) {
            Answer::Accepted => panic!("{mechanism} with no helper\n{}", logs(program)),
            Answer::Refused(how) => away.entry(how).or_insert_with(Vec::new).push(mechanism),
        }
    }
    program.helper().start();
    for &mechanism in program.mechanisms() {
        wait_for(&format!("{} to be itself again", program.name()), || {
            (program.log_in(mechanism, name, password) == Answer::Accepted).then_some(())
        });
    }
    assert!(!program.machine().has("/etc/sasldb2"));
    let version = format!("{} {}", program.name(), program.machine().version(program.package()));
    let cells = MECHANISMS.map(|mechanism| cells.get(mechanism).copied().unwrap_or("–").to_owned());
    table::compare(program.machine(), &version, &[&cells[..], &[told(wrong), told(away)]].concat());
}

fn logs(program: &impl Program) -> String {
    format!("--- {}\n{}", program.name(), program.log())
}

/// The reply that most mechanisms get, then those of the others.
fn told(replies: BTreeMap<String, Vec<&str>>) -> String {
    let mut replies: Vec<_> = replies.into_iter().collect();
    replies.sort_by_key(|(_, mechanisms)| std::cmp::Reverse(mechanisms.len()));
    let mut lines = Vec::new();
    for (reply, mut mechanisms) in replies {
        mechanisms.dedup();
        let of = if lines.is_empty() { String::new() } else { format!("{}: ", mechanisms.join(", ")) };
        lines.push(of + &reply);
    }
    lines.join("; ")
}

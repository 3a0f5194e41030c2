//! The helper's log, as `sasldb-rs report` reads it: the input is the log. Lines are counted a second time, each by itself; and a line
//! counts as much with every head that it may get, and not at all behind another's.

use sasldb::cli::sasldb::failures_of;
use sasldb::event::{Logged, User, Verdict};
use sasldb::identity::Identity;
use serde_json::Value;

use super::site::ACCOUNTS;

/// The longest line, with its end.
const LONGEST: usize = 4096;

const HEADS: [&str; 4] = [
    "MESSAGE=",
    "Nov  4 16:00:00 mail saslauthd-rs: ",
    "Nov 24 16:00:00 mail saslauthd-rs[123]: ",
    "2026-11-24T16:00:00.123456+01:00 mail saslauthd-rs[123]: ",
];

const OF_OTHERS: [&str; 5] = [
    " ",
    "x MESSAGE=",
    "saslauthd-rs[1]: ",
    "Nov 24 16:00:00 mail sshd[1]: ",
    "Nov 24 16:00:00 mail sshd[1]: Nov 24 16:00:00 mail saslauthd-rs[1]: ",
];

pub fn target(data: &[u8]) {
    let facts = Facts::of(data);
    facts.check_sums();
    let mut lines = Facts::default();
    let mut bare = Vec::new();
    let mut rest = data;
    while !rest.is_empty() {
        let end = rest.iter().position(|byte| *byte == b'\n');
        let (line, after) = rest.split_at(end.map_or(rest.len(), |end| end + 1));
        rest = after;
        let is_short = line.len() <= LONGEST;
        let text = std::str::from_utf8(line).ok().filter(|_| is_short);
        let text = text.map(|line| line.strip_suffix('\n').unwrap_or(line)).unwrap_or_default();
        lines.add(Logged::read(text).or_else(|| without_head(text).and_then(Logged::read)).as_ref());
        if let Some(logged) = Logged::read(text) {
            assert_eq!(logged.to_string(), text);
            if text.len() < LONGEST / 2 {
                bare.push(text);
            }
        }
    }
    assert_eq!(facts, lines);
    for head in HEADS {
        assert_eq!(Facts::with_head(head, &bare), Facts::with_head("", &bare), "{head}");
    }
    for head in OF_OTHERS {
        let counted = Facts::with_head(head, &bare);
        assert_eq!((counted.verdicts, counted.other_lines), ([0; 4], bare.len() as u64), "{head}");
    }
}

#[derive(Debug, Default, PartialEq, Eq)]
struct Facts {
    verdicts: [u64; 4],
    lost: u64,
    other_lines: u64,
    /// Denied without an address; for nobody that can be an account; before anybody was named.
    of_no_address: u64,
    of_nobody: u64,
    /// Denied by the numbers of accounts, of those that there are.
    accounts: [u64; ACCOUNTS.len()],
    of_no_account: u64,
    sources: u64,
    reasons: u64,
}

impl Facts {
    fn of(log: &[u8]) -> Self {
        let known: Vec<Identity> = ACCOUNTS.iter().map(|account| account.identity()).collect();
        let read: Value = serde_json::from_str(&failures_of(log, &known)).unwrap();
        let number = |name: &str| read[name].as_u64().unwrap();
        let list = |name: &str| read[name].as_array().unwrap().iter();
        let denied = |row: &Value| row["denied"].as_u64().unwrap();
        let mut accounts = [0; ACCOUNTS.len()];
        for row in list("accounts") {
            let name = row["account"].as_str().unwrap();
            let place = known.iter().position(|known| known.to_string() == name);
            accounts[place.unwrap_or_else(|| panic!("{name} is no account"))] = denied(row);
        }
        assert_eq!(number("at_most_missed"), 0);
        Self {
            verdicts: ["authenticated", "denied", "unavailable", "abandoned"].map(number),
            lost: number("lost"),
            other_lines: number("other_lines"),
            of_no_address: number("of_no_address"),
            of_nobody: number("of_nobody"),
            accounts,
            of_no_account: number("of_no_account"),
            sources: list("sources").map(denied).sum(),
            reasons: list("reasons").map(denied).sum(),
        }
    }

    fn with_head(head: &str, lines: &[&str]) -> Self {
        Self::of(lines.iter().map(|line| format!("{head}{line}\n")).collect::<String>().as_bytes())
    }

    fn check_sums(&self) {
        let denied = self.verdicts[1];
        assert_eq!(self.sources + self.of_no_address, denied);
        assert_eq!(self.reasons, denied);
        assert_eq!(self.accounts.iter().sum::<u64>() + self.of_no_account + self.of_nobody, denied);
    }

    fn add(&mut self, logged: Option<&Logged<'_>>) {
        let login = match logged {
            None => return self.other_lines += 1,
            Some(Logged::LinesLost(lost)) => return self.lost = self.lost.saturating_add(*lost),
            Some(Logged::Login(login)) => login,
        };
        self.verdicts[login.verdict as usize] += 1;
        if login.verdict != Verdict::Denied {
            return;
        }
        self.reasons += 1;
        *(if login.remote.is_some() { &mut self.sources } else { &mut self.of_no_address }) += 1;
        match login.user {
            User::Unsaid => self.of_nobody += 1,
            User::Nobody => self.of_no_account += 1,
            User::Named(name) => {
                let name = name.text();
                let place = ACCOUNTS.iter().position(|account| format!("{}@{}", account.name, account.realm) == name);
                *place.map_or(&mut self.of_no_account, |place| &mut self.accounts[place]) += 1;
            }
        }
    }
}

/// What stands behind the head that syslog or the journal writes.
fn without_head(line: &str) -> Option<&str> {
    if let Some(message) = line.strip_prefix("MESSAGE=") {
        return Some(message);
    }
    let of_old = |text: &str| {
        let form = "Aaa d0 00:00:00 ";
        text.len() == form.len()
            && text.bytes().zip(form.bytes()).all(|(byte, form)| match form {
                b'A' => byte.is_ascii_uppercase(),
                b'a' => byte.is_ascii_lowercase(),
                b'd' => byte == b' ' || byte.is_ascii_digit(),
                b'0' => byte.is_ascii_digit(),
                _ => byte == form,
            })
    };
    let blank = line.find(' ');
    let of_new = |date: &str| date.len() > 18 && date.contains('T') && date.as_bytes()[0].is_ascii_digit();
    let rest = match (blank, line.get(..16)) {
        (Some(blank), _) if of_new(&line[..blank]) => &line[blank + 1..],
        (_, Some(time)) if of_old(time) => &line[16..],
        _ => return None,
    };
    let rest = &rest[rest.find(' ')? + 1..];
    let colon = rest.find(": ")?;
    let number = rest[..colon].strip_prefix("saslauthd-rs")?;
    let inside = number.strip_prefix('[').and_then(|number| number.strip_suffix(']'));
    let is_tag = number.is_empty()
        || inside.is_some_and(|inside| !inside.is_empty() && inside.bytes().all(|byte| byte.is_ascii_digit()));
    is_tag.then(|| &rest[colon + 2..])
}
